"""The infer loop: the newest window of every pump, scored in one batch, ten times a second at most."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from pumpwatch_gui.domain.commands import ModelCommand, Order
from pumpwatch_gui.domain.detection import LearningView, ScoreResult, ShadowView
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.pump.running import RunRule, run_rule, state_of
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.engine.models.model_lifecycle import ModelLifecycle
from pumpwatch_gui.infer.bundles.bundle import Bundle
from pumpwatch_gui.infer.live.ring import RingBuffer

log = logging.getLogger("pumpwatch.engine")

TICK_S = 0.1
LOAD_AFTER_S = 1.0

OrderOutcome = Callable[[Order, bool, str], None]
"""(order, done, what was done or why not)."""


class Inference:
    """Scores what the links hand in and hands on what it finds. `run` on one thread; all else from any.

    A model whose call never returns cannot be interrupted: its thread is abandoned (`replace`), and another goes on
    without that model. `make` builds the models of a site, without those of the versions given.
    """

    def __init__(
        self,
        site: Site,
        make: Callable[[Site, frozenset[str]], ModelLifecycle],
        *,
        on_results: Callable[[Iterable[ScoreResult]], None],
        on_outcome: OrderOutcome,
    ) -> None:
        self.ring = RingBuffer()
        # The models are loaded by `run`, after a second: the runtime's import and the proof of a model take 0.1 s of
        # the processor, and until then the window needs it for its first picture.
        self._site, self._make = replace(site, pumps=()), make
        self.models = make(self._site, frozenset())
        self._rules = _rules(self._site)
        self._on_results, self._on_outcome = on_results, on_outcome
        self._orders: deque[Order | tuple[Site, Mapping[str, str]]] = deque([(site, {})])
        self._generation = 0
        self._hung: frozenset[str] = frozenset()

    @property
    def generation(self) -> int:
        """Changes when another thread takes the work over."""
        return self._generation

    def is_stuck(self, after_s: float) -> bool:
        """Whether a call of a model has not returned for so long."""
        return self.models.in_call_s > after_s

    @property
    def hung_versions(self) -> frozenset[str]:
        """The models that were taken out of use because a call of theirs never returned."""
        return self._hung

    def submit(self, order: Order) -> None:
        """Queue a model command."""
        self._orders.append(order)

    def apply_site(self, site: Site, renamed: Mapping[str, str]) -> None:
        """Queue a change of the site."""
        self._orders.append((site, renamed))

    def shadow(self, pump_id: str) -> ShadowView | None:
        """What a pump's shadow has found, None when it has none."""
        return self.models.shadow(pump_id)

    def learning(self, pump_id: str) -> LearningView | None:
        """How far a pump has come that learns itself, None for one that does not."""
        return self.models.learning(pump_id)

    def named_bundles(self) -> Iterable[Bundle]:
        """The models in use but for what pumps have learnt themselves."""
        models = self.models
        return [b for pump_id, b in tuple(models.bundles.items()) if not models.is_learnt(pump_id)]

    def run(self, ended: Callable[[], bool], alive: Callable[[], None]) -> None:
        """Score until `ended`, or until `replace` has given the work to another thread."""
        generation, pause = self._generation, threading.Event()
        load_s = 0.0 if generation else time.monotonic() + LOAD_AFTER_S
        while generation == self._generation:
            is_last = ended()
            if is_last or time.monotonic() >= load_s:
                self._tick(generation, alive)
            if generation != self._generation:
                return
            alive()
            if is_last:
                self.models.close()
                return
            pause.wait(TICK_S)

    def replace(self) -> frozenset[str]:
        """Give up the thread that is in a model's call; returns the versions that are not used any more.

        Raises nothing; whoever calls it starts another thread on `run`.
        """
        stuck = frozenset(self.models.in_call)
        self._generation += 1
        self._hung |= stuck
        self.models.close()
        self.models = self._make(self._site, self._hung)
        return stuck

    def _tick(self, generation: int, alive: Callable[[], None]) -> None:
        while self._orders and generation == self._generation:
            self._execute(self._orders.popleft())
            alive()
        models, rules = self.models, self._rules
        frames = []
        for frame in self.ring.drain():
            known = rules.get(frame.pump_id)
            if known is not None:
                settings, rule = known
                frames.append((frame, state_of(frame, settings.profile.tags, rule)))
        models.feed(frames)
        results = models.score_results()
        if generation == self._generation:
            self._on_results(results)

    def _execute(self, order: Order | tuple[Site, Mapping[str, str]]) -> None:
        if isinstance(order, tuple):
            site, renamed = order
            self.models.apply_site(self._site, site, renamed)
            self._site, self._rules = site, _rules(site)
            return
        command = order.command
        assert isinstance(command, ModelCommand)
        settings = self._site.pump(command.pump_id)
        try:
            if settings is None:
                raise PumpWatchError(f"there is no pump {command.pump_id}", "choose one of the site")
            text = self.models.execute(command, settings, self._site.folder)
        except PumpWatchError as error:
            self._on_outcome(order, False, error.message)
        except Exception as error:  # per order: a bug in one must not end the loop
            log.critical("the order %s failed", order.name, exc_info=True)
            self._on_outcome(order, False, f"it failed by a fault of the program ({error}); the crash log says more")
        else:
            self._on_outcome(order, True, text)


def _rules(site: Site) -> Mapping[str, tuple[PumpSettings, RunRule | None]]:
    return {p.pump_id: (p, run_rule(p.profile)) for p in site.pumps}
