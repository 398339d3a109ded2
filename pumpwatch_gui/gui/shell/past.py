"""Traces for the screen: the recent frames from memory, and what came before them from the history on the disk."""

import time
from dataclasses import dataclass
from functools import partial
from math import inf

import numpy as np
from PySide6.QtCore import QObject, Signal

from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.gui.shell.page import PageContext

POINTS = 4000
AGAIN_S = 5.0
"""A pump's history is read again after so many seconds at the earliest: what was measured meanwhile is in memory."""
REPLAY_AGAIN_S = 0.3
"""So in a replay, which may be sent anywhere."""
LEAST_S = 600.0


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """What was read of a pump, and which stretch of time was asked for (Unix seconds)."""

    trace: Trace
    start_s: float
    end_s: float

    def holds(self, start_s: float, end_s: float) -> bool:
        """Whether a stretch is in it, and not as a small part of a long one, of which only a few points were read."""
        length = max(end_s - start_s, LEAST_S)
        return self.start_s <= start_s and self.end_s >= end_s and self.end_s - self.start_s <= 5 * length


class PastTraces(QObject):
    """Gives the traces of pumps at once, from what is known of them. `came` with a pump: now more is known.

    `points` are read of a stretch, each with its lowest and highest value.
    """

    came = Signal(str)

    def __init__(self, context: PageContext, points: int = POINTS) -> None:
        super().__init__()
        self._context, self._points = context, points
        self._past: dict[str, _Past] = {}
        self._asking: set[str] = set()
        self._asked_s: dict[str, float] = {}

    def trace(self, pump_id: str, start_s: float, end_s: float) -> Trace:
        """What is known of a pump from `start_s` to now, as it is shown; up to `end_s` the history fills it.

        Raises KeyError.
        """
        recent, site = self._context.station.trace(pump_id, start_s), self._context.station.site()
        known, pump = self._known(pump_id, recent, start_s, end_s), site.pump(pump_id)
        return self._context.units.trace(known, pump.profile) if pump is not None else known

    def _known(self, pump_id: str, recent: Trace, start_s: float, end_s: float) -> Trace:
        first_s = float(recent.time_s[0]) if recent.time_s.size else inf
        stop_s = min(end_s, first_s)
        if stop_s <= start_s:
            self._past.pop(pump_id, None)  # memory has all of it by now
        past = self._past.get(pump_id)
        if stop_s - start_s > AGAIN_S and not (past and past.holds(start_s, stop_s)):
            self._ask(pump_id, start_s, end_s, is_new=past is None or past.start_s > start_s)
        if past is None:
            return recent
        older = slice(*np.searchsorted(past.trace.time_s, (start_s, stop_s)))
        fields = ("time_s", "values", "quality", "score")
        if past.trace.values.shape[1] != recent.values.shape[1]:
            return recent  # its sensors were changed since
        return Trace(*(np.concatenate([getattr(past.trace, f)[older], getattr(recent, f)]) for f in fields))

    def _ask(self, pump_id: str, start_s: float, end_s: float, *, is_new: bool) -> None:
        now_s = time.monotonic()
        rest_s = AGAIN_S if self._context.replay is None else REPLAY_AGAIN_S
        if pump_id in self._asking or (not is_new and now_s - self._asked_s.get(pump_id, -inf) < rest_s):
            return
        view = next((p for p in self._context.station.latest().pumps if p.pump_id == pump_id), None)
        if view is None:
            return
        self._asking.add(pump_id)
        self._asked_s[pump_id] = now_s
        room_s = max(end_s - start_s, LEAST_S) / 2
        start_s, end_s, profile, history = (
            start_s - room_s,
            end_s + room_s,
            view.profile,
            self._context.station.history,
        )
        start_ns, end_ns, tags = int(start_s * 1e9), int(end_s * 1e9), profile.quantity_tags
        points = self._points
        self._context.ask(
            lambda: history.read(pump_id, tags, start_ns=start_ns, end_ns=end_ns, points=points, profile=profile),
            partial(self._read, pump_id, start_s, end_s),
            partial(self._failed, pump_id),
        )

    def _read(self, pump_id: str, start_s: float, end_s: float, series: Series) -> None:
        self._asking.discard(pump_id)
        known_to_s = float(series.time_s[-1]) if series.time_s.size else start_s
        end_s = min(end_s, max(known_to_s, time.time() - AGAIN_S))  # what is yet to come was not read
        self._past[pump_id] = _Past(_as_trace(series), start_s, end_s)
        self.came.emit(pump_id)

    def _failed(self, pump_id: str, error: Exception) -> None:
        """A history that cannot be read has an alarm of its own; the picture begins with what is in memory."""
        self._asking.discard(pump_id)


def _as_trace(series: Series) -> Trace:
    """The lowest and the highest value of each point one after the other."""
    values = np.stack([series.low, series.high], axis=1).reshape(-1, series.low.shape[1]).astype(np.float32)
    time_s = np.repeat(series.time_s, 2)
    score = np.repeat(series.score, 2).astype(np.float32)
    return Trace(time_s, values, np.zeros(values.shape, np.uint8), score)
