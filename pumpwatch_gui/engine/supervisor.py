"""Nothing dies in silence: loops are restarted when they die, watched while they run, and both is announced.

A loop can end in three unwanted ways: by an exception (`supervise` restarts it), by a call that never returns
(its heartbeat grows old, the watchdog announces it), or with the thread that should announce it (each loop is watched
by another thread than its own).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pumpwatch_gui.domain.station import LoopHealth

crash_log = logging.getLogger("pumpwatch.crash")

LATE_AFTER_S = 3.0
"""A heartbeat older than this means that the loop has stopped, for whoever looks at it."""
WATCH_EVERY_S = 0.5
CALM_S = 5.0
"""A loop that has died counts as running again after so long without another death."""
LONGEST_PAUSE_S = 30.0
LAST_ATTEMPTS = 2
"""Restarts of a loop that dies while the engine stops: what is queued should still be judged and written."""


def supervise(
    name: str,
    run: Callable[[], None],
    *,
    stop: threading.Event,
    on_death: Callable[[str, Exception], None],
    restart_delay_s: float = 0.5,
) -> None:
    """Call `run` until it returns; restart it when it raises, after a pause that doubles up to 30 s.

    A run that lasted a minute starts the pause from its beginning. Every death goes to the crash log and to `on_death`.
    """
    pause_s, attempts = restart_delay_s, LAST_ATTEMPTS
    while True:
        started = time.monotonic()
        try:
            run()
        except Exception as error:  # noqa: BLE001 - the top of every loop of the engine
            crash_log.critical("the %s loop died and is restarted", name, exc_info=True)
            on_death(name, error)
        else:
            return
        if stop.is_set():
            attempts -= 1
            if attempts < 0:
                return
            continue
        pause_s = restart_delay_s if time.monotonic() - started > 60 else pause_s
        stop.wait(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


class Heartbeat:
    """When a loop last turned, and how often it has died. The loop calls `alive`; any thread asks."""

    def __init__(self, name: str, late_after_s: float = LATE_AFTER_S) -> None:
        self.name, self.late_after_s = name, late_after_s
        self.deaths = 0
        self._alive_ns = time.monotonic_ns()
        self._died_ns = 0
        self._ended = False

    def alive(self) -> None:
        """The loop has turned."""
        self._alive_ns = time.monotonic_ns()

    def died(self) -> None:
        """The loop has died."""
        self.deaths += 1
        self._died_ns = time.monotonic_ns()

    def end(self) -> None:
        """The loop has ended as it should: it is not late any more."""
        self._ended = True

    def health(self) -> LoopHealth:
        """How it is now."""
        alive_ns = time.monotonic_ns() if self._ended else self._alive_ns
        return LoopHealth(self.name, alive_ns, self.deaths, self.late_after_s)

    @property
    def age_s(self) -> float:
        """Seconds since the loop turned; 0 once it has ended."""
        return 0.0 if self._ended else (time.monotonic_ns() - self._alive_ns) / 1e9

    @property
    def is_calm(self) -> bool:
        """Whether it runs and has not died for a while."""
        died_s = (time.monotonic_ns() - self._died_ns) / 1e9 if self.deaths else CALM_S
        return self.age_s <= self.late_after_s and died_s >= CALM_S


@dataclass(frozen=True, slots=True)
class LoopTrouble:
    """A loop has stopped (`is_over` False) or runs again; `text` says which and why."""

    name: str
    text: str
    is_over: bool


class Watchdog:
    """Looks at every heartbeat twice a second and announces each loop that stops and that runs again.

    `announce` is called on the thread of the watchdog, and by `died` on the thread of the loop that died.
    """

    def __init__(self, heartbeats: Iterable[Heartbeat], announce: Callable[[LoopTrouble], None]) -> None:
        self.heartbeats = {h.name: h for h in heartbeats}
        self._announce = announce
        self._announced: dict[str, str] = {}
        self._lock = threading.Lock()

    def died(self, name: str, error: Exception) -> None:
        """Announce a death at once; `run` announces the recovery."""
        self.heartbeats[name].died()
        self._trouble(name, f"{type(error).__name__}: {error}")

    def look(self) -> None:
        """Announce what has changed since the last time."""
        for name, heartbeat in self.heartbeats.items():
            if heartbeat.age_s > heartbeat.late_after_s:
                self._trouble(name, "it does not respond")
            elif name in self._announced and heartbeat.is_calm:
                with self._lock:
                    why = self._announced.pop(name)
                self._announce(LoopTrouble(name, why, is_over=True))

    def _trouble(self, name: str, why: str) -> None:
        with self._lock:
            if name in self._announced:
                return
            self._announced[name] = why
        self._announce(LoopTrouble(name, why, is_over=False))
