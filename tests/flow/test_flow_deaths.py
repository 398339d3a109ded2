"""Nothing dies in silence: a fault at any place of the flow is announced, and the alarms go on.

Five pumps stand above a limit; then something in the engine raises, or never returns. Whatever it was, it is on every
screen (`StationView.stopped_loops`, a HIGH alarm of the station or of the pump), in the journal, and the other pumps
are judged and stored.
"""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.commands import Acknowledge, ChangeSite, Record
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.site_changes import SetLimits
from pumpwatch_gui.files.home import Home
from tests.conftest import wait_until
from tests.flow.running import RunningStation, simulated, site_text

PUMPS = 5
OVER = "[pump.limits.motor_rpm]\nhigh = 10.0\non_delay_s = 0.0\n"
"""A limit that every running pump is above."""


class InjectedError(Exception):
    """The injected fault."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with simulated(PUMPS) as port:
        yield port


@pytest.fixture
def station(port: int, tmp_path: Path) -> Iterator[RunningStation]:
    text = site_text(port, pumps=PUMPS, model="centrifugal").replace("  [[pump.link]]", f"{OVER}  [[pump.link]]")
    station = RunningStation(Home(tmp_path / "home"), text)
    yield station
    station.end()


def fail_once(owner: Any, name: str, after: int = 0) -> Callable[[], bool]:
    """Make one call of a method raise, after so many good ones; whether it has."""
    real, count, failed = getattr(owner, name), [0], threading.Event()

    def call(*args: Any, **more: Any) -> Any:
        count[0] += 1
        if count[0] == after + 1:
            failed.set()
            raise InjectedError(f"{name} failed")
        return real(*args, **more)

    setattr(owner, name, call)
    return failed.is_set


def fresh_alarm(station: RunningStation) -> None:
    """A new limit is set, and its alarm comes: judging and orders work, whatever happened before."""
    pump_id, tag = "P-104", "discharge_pressure_bar"
    outcome = station.order(ChangeSite((SetLimits(pump_id, {tag: Limits(high=0.1, on_delay_s=0.0)}),)))
    assert outcome.ok, outcome.text
    wait_until(
        lambda: any(a.alarm_id == f"{pump_id}/{tag}.high" for a in station.engine.latest().alarms),
        within_s=30,
        what="the alarm of a limit that was set after the fault",
    )


def stored(station: RunningStation) -> None:
    """What is read goes on being committed."""
    before = station.engine.latest().stats.readings_committed
    wait_until(lambda: station.engine.latest().stats.readings_committed > before + 2 * PUMPS, within_s=30)


DETECTION = "Anomaly detection stopped"
# Each place: how the fault gets there, and the words that the journal and the alarm list must hold.
LOOP_FAULTS: dict[str, tuple[Callable[[RunningStation], Callable[[], bool]], str]] = {
    "links: the arranging of lines": (
        lambda s: fail_once(s.engine._scanner, "_restart_ended_lines", 3),
        "Polling stopped",
    ),
    "links: the main loop": (lambda s: fail_once(s.engine._scanner, "_main"), "Polling stopped"),
    "judge: the tick": (lambda s: fail_once(s.engine._judging, "tick", 5), "Judging stopped"),
    "judge: the end of faults": (lambda s: fail_once(s.engine._judging, "_end_faults", 5), "Judging stopped"),
    "judge: the views of the links": (lambda s: fail_once(s.engine._link_views, "_look", 8), "stopped"),
    "infer: the tick": (lambda s: fail_once(s.engine._inference, "_tick", 5), DETECTION),
    "infer: the hand-over": (lambda s: fail_once(s.engine._inference, "_on_results", 5), DETECTION),
    "infer: draining the ring": (
        lambda s: fail_once(s.engine._inference.ring, "drain", 5),
        "Anomaly detection stopped",
    ),
    "orders: the loop": (lambda s: fail_once(s.engine._orders, "_guarded"), "Orders stopped"),
    "store: the flush": (lambda s: fail_once(s.engine._store, "_flush", 2), "History stopped"),
    "store: the write": (lambda s: fail_once(s.engine._store, "_write_next", 2), "History stopped"),
    "store: looking after the file": (lambda s: fail_once(s.engine._store, "_maintain", 2), "History stopped"),
    "watchdog: the look": (lambda s: fail_once(s.engine._watchdog, "look", 2), "Supervision stopped"),
}


@pytest.mark.parametrize("place", LOOP_FAULTS)
def test_a_loop_that_dies_is_announced_and_the_alarms_go_on(station: RunningStation, place: str) -> None:
    inject, words = LOOP_FAULTS[place]
    has_failed = inject(station)
    station.start()
    if place.startswith("orders"):
        station.engine.submit(
            __import__("pumpwatch_gui.domain.commands", fromlist=["Order"]).Order(Record("x"), "asha")
        )
    wait_until(has_failed, within_s=30, what="the injected fault")
    wait_until(lambda: station.notes(words), within_s=30, what="the note in the journal")
    raised = [a for a in station.engine.latest().alarms if a.pump_id == "station" and words in a.text]
    assert [a.priority for a in raised] == [Priority.HIGH]
    fresh_alarm(station)
    stored(station)
    station.end()
    texts = [row.text for row in station.engine.history.journal(JournalQuery(text=words))]
    assert any("failed" in text for text in texts), texts
    stats = station.engine.latest().stats
    assert stats.readings_lost == 0
    assert stats.readings_committed == stats.frames


PUMP_FAULTS: dict[str, Callable[[RunningStation], Callable[[], bool]]] = {
    "the limits of one pump": lambda s: fail_once(s.engine._judging.pumps["P-102"], "judge_frame", 3),
    "the score of one pump": lambda s: fail_once(s.engine._judging.pumps["P-102"], "judge_score", 1),
    "the links of one pump": lambda s: fail_once(s.engine._judging.pumps["P-102"], "judge_link", 3),
}


@pytest.mark.parametrize("place", PUMP_FAULTS)
def test_a_fault_in_one_pump_is_its_own_alarm_and_stops_no_other(station: RunningStation, place: str) -> None:
    has_failed = PUMP_FAULTS[place](station)
    station.start()
    wait_until(has_failed, within_s=30, what="the injected fault")
    wait_until(
        lambda: any(
            a.alarm_id == "P-102/judging" and a.priority is Priority.HIGH for a in station.engine.latest().alarms
        )
    )
    assert not station.engine.latest().stopped_loops
    fresh_alarm(station)
    stored(station)
    wait_until(lambda: any(a.alarm_id == "P-102/motor_rpm.high" for a in station.engine.latest().alarms))


def test_a_subscriber_that_fails_stops_nothing(station: RunningStation) -> None:
    def fail(event: object) -> None:
        raise InjectedError("a subscriber failed")

    station.engine.subscribe(fail)
    station.start()
    wait_until(lambda: len(station.alarm_texts()) >= PUMPS, within_s=30)
    fresh_alarm(station)
    assert not station.engine.latest().stopped_loops


def test_an_order_that_fails_by_a_bug_ends_in_words_and_stops_no_other(station: RunningStation) -> None:
    station.start()
    fail_once(station.engine._configuration, "change")
    refused = station.order(ChangeSite((SetLimits("P-101", {"motor_rpm": Limits()}),)))
    assert not refused.ok
    assert "fault of the program" in refused.text
    fresh_alarm(station)


def test_judging_that_hangs_is_announced_from_outside_and_alarms_can_be_acknowledged(station: RunningStation) -> None:
    station.start()
    wait_until(lambda: len(station.alarm_texts()) >= PUMPS, within_s=30)
    release, judged = threading.Event(), station.engine._judging.pumps["P-101"]
    real = judged.judge_frame

    def hang(frame: Any) -> Any:
        release.wait()
        return real(frame)

    judged.judge_frame = hang  # type: ignore[method-assign]
    try:
        wait_until(lambda: [x.name for x in station.engine.latest().stopped_loops] == ["judge"], within_s=30)
        wait_until(lambda: "Judging stopped: it does not respond" in station.alarm_texts(), within_s=30)
        standing = next(a for a in station.engine.latest().alarms if a.alarm_id == "P-103/motor_rpm.high")
        assert station.order(Acknowledge(standing.alarm_id)).ok
        stored(station)
    finally:
        release.set()
    wait_until(lambda: not station.engine.latest().stopped_loops, within_s=30)
    fresh_alarm(station)
    wait_until(lambda: station.notes("Judging works again"), within_s=60)


def test_a_model_call_that_never_returns_costs_only_that_model(
    station: RunningStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pumpwatch_gui.engine.engine.HUNG_AFTER_S", 1.0)
    bundles = station.engine._inference.models.bundles
    station.start()
    wait_until(lambda: len(bundles) > 0)
    detector = next(iter(bundles.values())).detector
    never, called = threading.Event(), threading.Event()

    def hang(windows: Any) -> Any:
        called.set()
        never.wait()
        return None

    monkeypatch.setattr(detector, "errors", hang)
    # A pump settles for a minute before it is scored: make a window due at once.
    monkeypatch.setattr(type(detector.stream()), "window", lambda self: np.zeros((30, 10), np.float32))
    wait_until(called.is_set, within_s=60, what="a call of the model")
    wait_until(lambda: station.notes("never returned"), within_s=30)
    fresh_alarm(station)
    stored(station)
    assert station.engine.has_abandoned_thread
    started = time.monotonic()
    station.stop.set()
    for name, thread in station.threads.items():
        if name != "infer":
            thread.join(60)
            assert not thread.is_alive(), f"{name} waits for the thread that is stuck ({time.monotonic() - started} s)"
    never.set()
