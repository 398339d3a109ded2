"""Supervision: loops that raise are restarted, loops that hang are announced, and everything ends."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from pumpwatch_gui.engine.supervisor import (
    CALM_S,
    LATE_AFTER_S,
    WATCH_EVERY_S,
    Heartbeat,
    LoopTrouble,
    Watchdog,
    supervise,
)


class LoopError(Exception):
    """A fault of a loop."""


@given(deaths=st.integers(0, 6))
@settings(max_examples=7, deadline=None)
def test_a_loop_is_restarted_until_it_returns_and_every_death_is_reported(deaths: int) -> None:
    runs: list[int] = []
    reported: list[str] = []

    def run() -> None:
        runs.append(len(runs))
        if len(runs) <= deaths:
            raise LoopError(f"death {len(runs)}")

    supervise(
        "x",
        run,
        stop=threading.Event(),
        on_death=lambda name, error: reported.append(f"{name}: {error}"),
        restart_delay_s=0.0,
    )
    assert len(runs) == deaths + 1
    assert reported == [f"x: death {n}" for n in range(1, deaths + 1)]


def test_a_loop_that_dies_while_the_engine_stops_gets_a_last_chance_and_then_no_more() -> None:
    stop, deaths = threading.Event(), list[str]()
    stop.set()

    def run() -> None:
        raise LoopError("again")

    supervise("store", run, stop=stop, on_death=lambda name, _: deaths.append(name))
    assert deaths == ["store"] * 3  # the one it died of, and two more chances


def test_a_stop_ends_the_pause_before_a_restart() -> None:
    stop = threading.Event()

    def run() -> None:
        raise LoopError

    thread = threading.Thread(
        target=supervise, args=("x", run), kwargs={"stop": stop, "on_death": lambda *_: None, "restart_delay_s": 3600.0}
    )
    thread.start()
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


class Pauses(threading.Event):
    """A stop flag that notes how long it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    @override
    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return False


def test_the_pause_before_a_restart_doubles_up_to_30_s_and_starts_again_after_a_run_of_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, runs, stop = [1000.0], iter([0.0] * 5 + [60.0] + [60.5] + [0.0]), Pauses()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def run() -> None:
        for lasting_s in runs:
            now[0] += lasting_s
            raise LoopError

    supervise("x", run, stop=stop, on_death=lambda *_: None, restart_delay_s=2.0)
    assert stop.waits == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 2.0, 4.0]


def test_a_loop_is_restarted_half_a_second_after_its_first_death() -> None:
    runs, stop = iter([LoopError()]), Pauses()

    def run() -> None:
        for error in runs:
            raise error

    supervise("x", run, stop=stop, on_death=lambda *_: None)
    assert stop.waits == [0.5]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, to be set."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic_ns", lambda: int(now[0] * 1e9))
    return now


def test_a_stopped_loop_is_announced_once_and_its_recovery_once(clock: list[float]) -> None:
    said: list[LoopTrouble] = []
    heartbeat = Heartbeat("judge")
    watchdog = Watchdog([heartbeat], said.append)
    heartbeat.alive()
    for clock[0] in (1001.0, 1002.9):
        watchdog.look()
    assert said == []
    for clock[0] in (1003.1, 1004.0):
        watchdog.look()
    assert [(t.name, t.is_over) for t in said] == [("judge", False)]
    heartbeat.alive()
    watchdog.look()
    watchdog.look()
    assert [(t.name, t.is_over) for t in said] == [("judge", False), ("judge", True)]


def test_a_death_is_announced_at_once_and_is_over_when_the_loop_has_run_for_a_while(clock: list[float]) -> None:
    said: list[LoopTrouble] = []
    heartbeat = Heartbeat("store")
    watchdog = Watchdog([heartbeat], said.append)
    watchdog.died("store", LoopError("disk"))
    watchdog.died("store", LoopError("disk again"))
    assert [(t.text, t.is_over) for t in said] == [("LoopError: disk", False)]
    assert heartbeat.health().deaths == 2
    clock[0] += CALM_S - 0.1
    heartbeat.alive()
    watchdog.look()
    assert len(said) == 1
    clock[0] += 0.2
    heartbeat.alive()
    watchdog.look()
    assert said[-1].is_over


def test_the_watchdog_looks_several_times_before_a_heartbeat_is_late() -> None:
    assert 0 < WATCH_EVERY_S <= LATE_AFTER_S / 3


def test_a_loop_that_has_ended_is_not_late(clock: list[float]) -> None:
    heartbeat = Heartbeat("links")
    clock[0] += 7
    assert heartbeat.age_s == 7.0
    assert heartbeat.health().is_late(time.monotonic_ns())
    heartbeat.end()
    clock[0] += 3600
    assert heartbeat.age_s == 0.0
    assert not heartbeat.health().is_late(time.monotonic_ns())
