"""The pumps of the station that learn themselves: their learners, and the one thread that fits."""

import os
import queue
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import LEARN, PumpSettings
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.wording import running_time
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.infer.learning.learner import FIRST_S, Fit, Learner, Outcome, carry_out
from pumpwatch_gui.infer.learning.material import Material

WORK_S, PAUSE_S = 0.002, 0.001
"""A fit leaves the interpreter to the loops for so long after so much work."""
NICENESS = 10
ENDS_WITHIN_S = 5.0

Tell = Callable[[str, str], None]
"""(pump id, text) of a warning for the journal."""


class _EndedError(Exception):
    """The station stops."""


class _Job(NamedTuple):
    pump_id: str
    profile: PumpProfile
    learner: Learner
    fit: Fit


class Fitted(NamedTuple):
    """A fit that was carried out: of which pump, what was due, and what came of it. Its bundle is gone at `close`."""

    pump_id: str
    learner: Learner
    fit: Fit
    outcome: Outcome


class Learning:
    """Learners by pump, all but the fits on the infer thread. A fault in one is reported and stops it alone."""

    def __init__(self, registry: ModelRegistry, *, warn: Tell) -> None:
        self._registry = registry
        self._warn = warn
        self._learners: dict[str, Learner] = {}
        self._profiles: dict[str, PumpProfile] = {}
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._done: deque[Fitted] = deque()
        self._ended = threading.Event()
        self._worker: threading.Thread | None = None
        self._pause_at_s = 0.0

    def assign(self, pump: PumpSettings) -> None:
        """Have a pump learn itself if its model is `learn`."""
        self.forget(pump.pump_id)
        if pump.model != LEARN:
            return
        material = Material(self._registry.learnt(pump.pump_id), pump.profile, first_due_s=FIRST_S)
        if material.began_anew:
            self._warn(pump.pump_id, "Learning begins again: what was kept is of other sensors, or cannot be read")
        self._learners[pump.pump_id] = Learner(pump.profile, material)
        self._profiles[pump.pump_id] = pump.profile

    def forget(self, pump_id: str) -> None:
        """The pump does not learn any more; what it has learnt is kept."""
        learner = self._learners.pop(pump_id, None)
        if learner is not None:
            self._guarded(pump_id, learner.close)

    def rename(self, old_id: str, new_id: str) -> None:
        """Go on under another id. The registry has moved the folder."""
        if old_id in self._learners:
            self._learners[new_id] = self._learners.pop(old_id)
            self._profiles[new_id] = self._profiles.pop(old_id)
            self._learners[new_id].material.folder = self._registry.learnt(new_id)

    def learner(self, pump_id: str) -> Learner | None:
        """The learner of a pump, None where it does not learn."""
        return self._learners.get(pump_id)

    def feed(self, frame: Frame, state: RunState) -> None:
        """Take in a frame; a fit that is due is begun."""
        learner = self._learners.get(frame.pump_id)
        if learner is None:
            return
        self._guarded(frame.pump_id, lambda: learner.feed(frame, state))
        fit = learner.due()
        if fit is not None:
            learner.under_way = fit
            self._start()
            self._jobs.put(_Job(frame.pump_id, self._profiles[frame.pump_id], learner, fit))

    def judged(self, detection: Detection) -> None:
        """Take in what the active model of a pump found."""
        learner = self._learners.get(detection.pump_id)
        if learner is not None:
            learner.judged(detection)

    def fitted(self) -> list[Fitted]:
        """The fits that were carried out since the last call, of learners that are still in use."""
        found = []
        while self._done:
            done = self._done.popleft()
            current = next((i for i, known in self._learners.items() if known is done.learner), None)
            if current is not None and done.learner.under_way is done.fit:  # else it began again meanwhile
                found.append(done._replace(pump_id=current))
        return found

    def close(self) -> None:
        """End the fits and keep what is left of the material."""
        self._ended.set()
        self._jobs.put(None)
        for pump_id, learner in self._learners.items():
            self._guarded(pump_id, learner.close)
        if self._worker is not None:
            self._worker.join(ENDS_WITHIN_S)

    def _guarded(self, pump_id: str, do: Callable[[], None]) -> None:
        try:
            do()
        except OSError as error:
            self._learners.pop(pump_id, None)
            self._warn(pump_id, f"Learning stopped: its folder cannot be written ({error.strerror or error})")

    # ---------------------------------------------------------------- the thread that fits

    def _start(self) -> None:
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="pumpwatch-learning", daemon=True)
            self._worker.start()

    def _pause(self) -> None:
        """Leave the interpreter to the loops every other millisecond: a fit must never delay a score."""
        if self._ended.is_set():
            raise _EndedError
        if time.monotonic() >= self._pause_at_s:
            time.sleep(PAUSE_S)
            self._pause_at_s = time.monotonic() + WORK_S

    def _work(self) -> None:
        with suppress(AttributeError, OSError):  # not on every system; the pauses are what counts
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        with tempfile.TemporaryDirectory(prefix="pumpwatch-learning-") as folder, suppress(_EndedError):
            number = 0
            while (job := self._jobs.get()) is not None:
                number += 1
                self._done.append(Fitted(job.pump_id, job.learner, job.fit, self._carry_out(job, Path(folder), number)))

    def _carry_out(self, job: _Job, folder: Path, number: int) -> Outcome:
        name = f"learnt in {running_time(job.fit.running_s)}"
        out = folder / f"{number}"
        try:
            return carry_out(job.fit, job.learner.material, job.profile, out, name=name, pause=self._pause)
        except PumpWatchError as error:
            return Outcome(None, error.message, job.fit.blocks)
        except _EndedError:
            raise
        except Exception as error:  # noqa: BLE001 - per pump: one bad history must not end the learning of the others
            return Outcome(None, f"the fit failed ({type(error).__name__}: {error})", job.fit.blocks)
