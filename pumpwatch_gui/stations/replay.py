"""A station that is a history: the screen as it was at any past second, at rest or played. Nothing can be changed."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.replay import JournalIndex, Leap, ReplayState
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.engine.supervisor import supervise
from pumpwatch_gui.stations.moments import BLOCK_NS, Moments, SupersededError
from pumpwatch_gui.stations.read_only import ReadOnlyStation

log = logging.getLogger("pumpwatch.stations")

LOOP = "replay"
TICK_S = 0.1
"""How often a replay that plays moves on."""
SLOW_S = 0.25
"""What took longer to read has not been played meanwhile: it goes on from there."""
AHEAD_S = 5.0
"""So long before it comes to a stretch, that is read."""


class ReplayStation(ReadOnlyStation):
    """A `site` with its `history` from `start_ns` to `end_ns` (Unix UTC). Keeps the ports Station and Replay.

    `words` say which history it is. Give `loops()` a thread: it reads what is asked for, the newest request first;
    until then there are no values. It begins at the end, at rest. Raises StoreError when the history cannot be read.
    """

    def __init__(self, site: Site, history: Historian, *, words: str, start_ns: int, end_ns: int) -> None:
        super().__init__(history, what="a review of a history")
        self._site = replace(site, pumps=tuple(replace(pump, links=()) for pump in site.pumps))
        self._moments = Moments(site, history, words=words)
        self._changed = threading.Condition()
        self._state = ReplayState(start_ns, max(start_ns, end_ns), is_reading=True)
        self._wanted_ns = self._state.end_ns
        self._played_s = 0.0
        """When `_wanted_ns` was right, on the monotonic clock, while it plays."""
        self._view = self._moments.blank(self._wanted_ns)

    # ---------------------------------------------------------------- the Station port

    def site(self) -> Site:
        """The site that the history is of, without links."""
        return self._site

    def latest(self) -> StationView:
        """The station at the instant that the replay has come to."""
        return replace(self._view, replay=self._state)

    def trace(self, pump_id: str, since_s: float = 0.0) -> Trace:
        """Some minutes up to the instant on show; what is before them the history has. Raises KeyError."""
        return self._moments.trace(pump_id, self._view.time_ns, since_s)

    def loops(self) -> Mapping[str, Callable[[threading.Event], None]]:
        """One: it reads what is asked for."""
        return {LOOP: self._run}

    # ---------------------------------------------------------------- the Replay port

    @property
    def index(self) -> JournalIndex | None:
        """Where in time something happened; None until that was read."""
        return self._moments.index

    def turn_to(self, time_ns: int) -> None:
        """Show this instant (Unix UTC), or the end of the history that is nearer; the newest request wins."""
        with self._changed:
            state = self._state
            self._wanted_ns, self._played_s = min(max(time_ns, state.start_ns), state.end_ns), time.monotonic()
            self._state = replace(state, turn=state.turn + 1, is_reading=True, error="")
            self._changed.notify()
        self._bell.ring()

    def leap(self, leap: Leap) -> bool:
        """Turn to an alarm, an event or an end; False when there is none in that direction."""
        state, index = self._state, self.index
        if leap in (Leap.START, Leap.END):
            self.turn_to(state.start_ns if leap is Leap.START else state.end_ns)
            return True
        # From what was asked for last: a key that is pressed twice leads two alarms further.
        to_ns = index.leap(self._wanted_ns, leap) if index is not None else None
        if to_ns is None or not state.start_ns <= to_ns <= state.end_ns:
            return False
        self.turn_to(to_ns)
        return True

    def play(self, speed: int) -> None:
        """Go on from what is shown, so many seconds of history a second; 0 pauses there."""
        with self._changed:
            if not self._state.is_reading:
                self._wanted_ns = self._view.time_ns
            self._played_s = time.monotonic()
            self._state = replace(self._state, speed=speed)
            self._changed.notify()

    # ---------------------------------------------------------------- the loop

    def _run(self, stop: threading.Event) -> None:
        supervise(LOOP, lambda: self._read_until(stop), stop=stop, on_death=self._died)

    def _died(self, _name: str, error: Exception) -> None:
        self._end_turn(self._state.turn, f"the replay failed by a fault of the program ({error})")

    def _read_until(self, stop: threading.Event) -> None:
        while not stop.is_set():
            time_ns, state = self._next()
            if state.is_reading or state.speed:
                self._show(time_ns, state)
            with self._changed:
                if not self._state.is_reading:
                    self._changed.wait(TICK_S)

    def _next(self) -> tuple[int, ReplayState]:
        """The instant to show next: what was asked for, or where the replay has come to by now."""
        with self._changed:
            state = self._state
            if state.speed and not state.is_reading:
                now_s = time.monotonic()
                self._wanted_ns += round((now_s - self._played_s) * state.speed * 1e9)
                self._played_s = now_s
                if self._wanted_ns >= state.end_ns:
                    self._wanted_ns, self._state = state.end_ns, replace(state, speed=0)
            return self._wanted_ns, state

    def _show(self, time_ns: int, state: ReplayState) -> None:
        began_s, error = time.monotonic(), ""
        try:
            self._view = self._moments.at(time_ns, is_wanted=lambda: self._state.turn == state.turn)
            self._read_ahead(time_ns, state)
        except SupersededError:
            return
        except PumpWatchError as failed:
            log.warning("the history cannot be replayed: %s", failed)
            error = error_text(failed)
        self._end_turn(state.turn, error)
        if time.monotonic() - began_s > SLOW_S:
            with self._changed:
                self._played_s = time.monotonic()

    def _read_ahead(self, time_ns: int, state: ReplayState) -> None:
        ahead_ns = min(time_ns + round(AHEAD_S * state.speed * 1e9), state.end_ns)
        if ahead_ns // BLOCK_NS > time_ns // BLOCK_NS and not state.is_reading:
            self._moments.read_ahead(ahead_ns)

    def _end_turn(self, turn: int, error: str) -> None:
        with self._changed:
            if self._state.turn == turn:
                self._played_s = time.monotonic() if self._state.is_reading else self._played_s
                speed = 0 if error else self._state.speed
                self._state = replace(self._state, is_reading=False, error=error, speed=speed)
        self._bell.ring()
