"""A model's life in the running station: shadow, promotion, sensitivity, way back, re-baseline, feedback."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pumpwatch_gui.acquire.simulator.plant import Plant
from pumpwatch_gui.acquire.simulator.server import serve
from pumpwatch_gui.domain.commands import (
    Command,
    Feedback,
    Promote,
    Rebaseline,
    RollBack,
    SetAdaptive,
    SetThresholdFactor,
    StartShadow,
    StopShadow,
)
from pumpwatch_gui.domain.events import Event, FeedbackGiven, Note, OrderDone
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.infer.bundles.threshold_factor import with_threshold_factor
from pumpwatch_gui.settings.site_reader import parse_site

PUMP = "P-101"
SHIPPED = shipped("models") / "centrifugal"
SITE = """
schema = 1
[[pump]]
id = "P-101"
profile = "centrifugal"
model = "centrifugal"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.1"
  port = {port}
  period_s = 0.1
  registers = "generic"
"""


class Station:
    """An engine under way on one simulated pump."""

    def __init__(self, port: int, home: Home, wait_until: Callable[..., None]) -> None:
        site, problems = parse_site(SITE.format(port=port), None)
        assert not problems
        self.engine = Engine(site, home)
        self.events: list[Event] = []
        self.engine.listen(self.events.append)
        self._wait = wait_until
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=loop, args=(self._stop,)) for loop in self.engine.loops().values()]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def order(self, command: Command) -> OrderDone:
        count = len(self.done)
        self.engine.submit(command)
        self._wait(lambda: len(self.done) > count)
        return self.done[-1]

    @property
    def done(self) -> list[OrderDone]:
        return [e for e in self.events if isinstance(e, OrderDone)]

    @property
    def model(self) -> str:
        bundle = self.engine._models.bundles.get(PUMP)
        return bundle.version if bundle else ""


@pytest.fixture
def port() -> Iterator[int]:
    stop, ready, ports = threading.Event(), threading.Event(), list[int]()

    def listening(number: int) -> None:
        ports.append(number)
        ready.set()

    thread = threading.Thread(
        target=lambda: serve(
            Plant(1), host="127.0.0.1", port=0, registers="generic", speed=1.0, ready=listening, stop=stop
        )
    )
    thread.start()
    assert ready.wait(20)
    yield ports[0]
    stop.set()
    thread.join()


@pytest.fixture
def open_station(port: int, tmp_path: Path, wait_until: Callable[..., None]) -> Iterator[Callable[[], Station]]:
    opened: list[Station] = []
    home = Home(tmp_path / "home")
    home.prepare()

    def make() -> Station:
        opened.append(Station(port, home, wait_until))
        return opened[-1]

    yield make
    for station in opened:
        station.end()


def test_a_model_runs_in_shadow_is_promoted_lasts_over_a_restart_and_is_rolled_back(
    open_station: Callable[[], Station], tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    station = open_station()
    station.start()
    first = station.model
    with_threshold_factor(SHIPPED, tmp_path / "calm", 1.5)
    second = station.engine.registry.add(PUMP, tmp_path / "calm")
    assert station.order(StartShadow(PUMP, second, "asha")).ok
    wait_until(lambda: (s := station.engine.shadow(PUMP)) is not None and s.score_result is not None)
    assert station.engine.shadow(PUMP).version == second  # type: ignore[union-attr]
    assert station.model == first
    done = station.order(Promote(PUMP, second, "asha"))
    assert (done.ok, done.by, done.pump_id, done.command) == (True, "asha", PUMP, "promote")
    assert "as a shadow it scored" in done.text
    assert station.model == second
    assert station.engine.shadow(PUMP) is None
    station.end()
    again = open_station()
    again.start()
    assert again.model == second
    assert again.order(RollBack(PUMP, "ravi")).ok
    assert again.model == first
    refused = again.order(RollBack(PUMP, "ravi"))
    assert (refused.ok, refused.by) == (False, "ravi")
    again.end()
    words = [row.text for row in again.engine.history.journal(pump_id=PUMP, kinds=("command",))]
    assert [w.split()[0] for w in reversed(words)] == ["Model", "Model", "Rolled", "P-101"]
    assert again.engine.history.audit_break() is None


def test_orders_about_a_model_are_done_or_refused_in_words(open_station: Callable[[], Station]) -> None:
    station = open_station()
    station.start()
    first = station.model
    assert station.order(Rebaseline(PUMP, "asha")).text == "The present running is the new normal"
    calmer = station.order(SetThresholdFactor(PUMP, 1.5, "asha"))
    assert calmer.ok
    assert calmer.text.startswith("Sensitivity 1.5: Model ")
    assert station.model != first
    assert station.order(SetAdaptive(PUMP, True, "asha")).text == "Adaptive threshold on"
    assert station.engine.registry.state(PUMP).adaptive
    assert station.order(SetAdaptive(PUMP, False, "asha")).ok
    for order in (Promote(PUMP, "none such", "x"), StopShadow(PUMP, "x"), SetThresholdFactor(PUMP, 99.0, "x")):
        assert not station.order(order).ok
    assert "no pump P-9" in station.order(Rebaseline("P-9", "x")).text


def test_a_promoted_model_that_was_altered_is_not_used_and_the_site_s_is(
    open_station: Callable[[], Station], tmp_path: Path
) -> None:
    station = open_station()
    first = station.model
    with_threshold_factor(SHIPPED, tmp_path / "calm", 1.5)
    version = station.engine.registry.add(PUMP, tmp_path / "calm")
    station.engine.registry.promote(PUMP, version, site_model="centrifugal")
    weights = station.engine.registry.bundle(PUMP, version) / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    station.start()
    station.end()
    again = open_station()
    again.start()
    again.end()
    assert again.model == first
    rows = again.engine.history.journal(pump_id=PUMP, text="The promoted model is not used")
    assert rows
    assert "altered" in rows[0].text


def test_feedback_is_journalled_and_kept_with_its_episode(
    open_station: Callable[[], Station], wait_until: Callable[..., None]
) -> None:
    station = open_station()
    station.start()
    said = EpisodeFeedback(PUMP, 10**18, 10**18 + 5, FeedbackVerdict.FALSE, "valve was moved", "asha")
    station.engine.submit(Feedback(said))
    wait_until(lambda: any(isinstance(e, FeedbackGiven) for e in station.events))
    station.end()
    assert [f.note for f in station.engine.history.feedback(PUMP)] == ["valve was moved"]
    assert not [e for e in station.events if isinstance(e, Note) and e.severity == "WARNING"]
