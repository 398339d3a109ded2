"""Reads the history that a view needs, piece by piece in the background; the newest request wins."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.values.readings import SCORE_TAG
from pumpwatch_gui.gui.look.time_view import TimeView
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.trends.pens import Pen
from pumpwatch_gui.gui.trends.points import NOTHING, Points, in_a_row, of_series

POINTS = 3000
"""Points that are read of a view with its margins, each with its lowest and highest value."""
PIECE_S = 86_400.0
"""What is longer is read in pieces, the newest first: progress can be seen, and a new request waits for one only."""
MOST_PIECES = 400
MARGIN = 0.25
COARSE = 4.0
"""What was read for a view so many times longer is read again, finer."""
RESTS_MS = 120
"""A view must rest so long before its history is read: one that is dragged asks for nothing."""
AGAIN_MS = 5000
"""A history that could not be read is read again after that time: it may not be there yet, or be under repair."""
COMMITTED_S = 5.0
"""What is younger may not be on the disk yet."""
_Group = tuple[str, float]
"""A pump, and how long before the time on the axis."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A stretch of history of one pump (Unix seconds, as it was) that a view wants."""

    group: _Group
    tags: tuple[str, ...]
    start_s: float
    end_s: float


@dataclass(slots=True)
class _Known:
    """What was read of a pump for a stretch: series by their start, oldest first once all have come."""

    wanted: _Wanted
    parts: dict[float, Series] = field(default_factory=dict)

    @property
    def is_exact(self) -> bool:
        """Whether every point is a single reading, so that a closer look brings nothing."""
        return all(not (part.low != part.high)[np.isfinite(part.mean)].any() for part in self.parts.values())

    def serves(self, wanted: _Wanted, view_s: float) -> bool:
        """Whether a view of that length needs nothing that is not here."""
        own = self.wanted
        covers = own.start_s <= wanted.start_s and own.end_s >= wanted.end_s and set(own.tags) >= set(wanted.tags)
        return covers and (own.end_s - own.start_s <= COARSE * (1 + 2 * MARGIN) * view_s or self.is_exact)


class HistoryReader(QObject):
    """`came` when more is known. `progress` is (pieces read, pieces wanted), (0, 0) while nothing is being read.

    `error` says why the last request failed, "" when it did not; `is_cancelled`: some of the view was not read.
    """

    came = Signal()

    def __init__(self, context: PageContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._known: dict[_Group, _Known] = {}
        self._coming: dict[_Group, _Known] = {}
        self._queue: list[tuple[_Group, float, float, int]] = []
        self._total = self._turn = self._asked_turn = 0
        self._is_asking = self.is_cancelled = False
        self._cache: dict[tuple[str, str, float], Points] = {}
        self._request: tuple[Sequence[Pen], TimeView, Mapping[str, float]] | None = None
        self.error = ""
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._begin)

    # ---------------------------------------------------------------- what is wanted

    def want(self, pens: Sequence[Pen], view: TimeView, live_from_s: Mapping[str, float]) -> None:
        """Have what a view needs; by pump, from when on it is in memory. Nothing is read before it rests."""
        self._request = (pens, view, live_from_s)
        missing = self._missing()
        if missing and not self._is_coming(missing):
            if not self._rest.isActive() or not view.is_live:  # a live view moves for ever
                self._rest.start(RESTS_MS if self._turn else 0)
        elif not missing and self._queue:
            self._drop()

    def cancel(self) -> None:
        """Read no more for this view; what has come stays."""
        for group, coming in self._coming.items():
            self._known[group] = coming
        self._drop()
        self.is_cancelled = True
        self._changed()

    @property
    def progress(self) -> tuple[int, int]:
        """See the class."""
        waiting = len(self._queue) + (self._asked_turn == self._turn and self._is_asking)
        return (self._total - waiting, self._total) if self.is_reading else (0, 0)

    @property
    def is_reading(self) -> bool:
        """Whether more is to come."""
        return bool(self._coming)

    def points(self, pen: Pen) -> Points:
        """What is known of a pen, as late as the axis shows it."""
        if pen.key not in self._cache:
            self._cache[pen.key] = self._found(pen)
        return self._cache[pen.key]

    def _changed(self) -> None:
        self._cache.clear()
        self.came.emit()

    def _found(self, pen: Pen) -> Points:
        group = (pen.pump_id, pen.shift_s)
        best = self._known.get(group) or self._coming.get(group)
        coming = self._coming.get(group)
        if best is not None and coming is not None and pen.tag not in (*best.wanted.tags, SCORE_TAG):
            best = coming
        if best is None or not best.parts:
            return NOTHING
        column = -1 if pen.tag == SCORE_TAG else _place(best.wanted.tags, pen.tag)
        if column is None:
            return NOTHING
        parts = [of_series(best.parts[start], column, pen.shift_s) for start in sorted(best.parts)]
        return in_a_row([part for part in parts if part.time_s.size])

    def _missing(self) -> list[_Wanted]:
        """What neither is known nor in memory of the request."""
        if self._request is None:
            return []
        pens, view, live_from_s = self._request
        tags: dict[_Group, list[str]] = {}
        for pen in pens:
            tags.setdefault((pen.pump_id, pen.shift_s), []).append(pen.tag)
        found = []
        for group, own in tags.items():
            pump_id, shift_s = group
            now_s = time.time()
            end_s = min(view.end_s - shift_s, now_s - COMMITTED_S)
            if not shift_s:  # what memory has not is read again as time goes on, but not every second for a year
                end_s = min(end_s, live_from_s.get(pump_id, now_s - max(COMMITTED_S, view.length_s / 100)))
            wanted = _Wanted(group, tuple(sorted(set(own) - {SCORE_TAG})), view.start_s - shift_s, end_s)
            known = self._known.get(group)
            if end_s > wanted.start_s and not (known and known.serves(wanted, view.length_s)):
                found.append(wanted)
        return found

    def _is_coming(self, missing: Iterable[_Wanted]) -> bool:
        assert self._request is not None
        length_s = self._request[1].length_s
        return all(one.group in self._coming and self._coming[one.group].serves(one, length_s) for one in missing)

    # ---------------------------------------------------------------- reading

    def _begin(self) -> None:
        missing = self._missing()
        if not missing or self._request is None:
            return
        pens, view, _ = self._request
        drawn = {(pen.pump_id, pen.shift_s) for pen in pens}
        self._known = {group: known for group, known in self._known.items() if group in drawn}
        self._drop()
        self._cache.clear()
        self.is_cancelled = False
        now_s = time.time()
        for one in missing:
            room_s = MARGIN * view.length_s
            start_s, end_s = one.start_s - room_s, min(max(one.end_s, view.end_s - one.group[1]) + room_s, now_s)
            wide = _Wanted(one.group, self._companions(one), start_s, max(end_s, one.end_s))
            self._coming[one.group] = _Known(wide)
            self._queue += _pieces(wide, min(view.length_s * (1 + 2 * MARGIN), wide.end_s - wide.start_s))
        self._total = len(self._queue)
        self._next()

    def _companions(self, wanted: _Wanted) -> tuple[str, ...]:
        """The tags to read: with one alone nothing says whether it was BAD or nothing was read at all."""
        settings = self._context.station.site().pump(wanted.group[0])
        own = settings.profile.tags if settings is not None else ()
        more = [tag for tag in own if tag not in wanted.tags][: 1 if len(wanted.tags) < 2 else 0]
        return tuple(sorted((*wanted.tags, *more)))

    def _next(self) -> None:
        if not self._queue or self._is_asking:
            return
        (pump_id, shift_s), start_s, end_s, points = self._queue.pop(0)
        coming = self._coming[pump_id, shift_s]
        settings = self._context.station.site().pump(pump_id)
        profile = settings.profile if settings is not None else None
        history, tags = self._context.station.history, coming.wanted.tags
        read = partial(
            history.read, pump_id, tags, start_ns=int(start_s * 1e9), end_ns=int(end_s * 1e9), points=points,
            profile=profile,
        )  # fmt: skip
        self._is_asking, self._asked_turn = True, self._turn
        self._context.ask(read, partial(self._read, coming, start_s, self._turn), partial(self._failed, self._turn))

    def _read(self, coming: _Known, start_s: float, turn: int, series: Series) -> None:
        self._is_asking = False
        if turn == self._turn:
            coming.parts[start_s] = series
            self.error = ""
            if not any(group == coming.wanted.group for group, *_ in self._queue):
                self._known[coming.wanted.group] = coming
                self._coming.pop(coming.wanted.group, None)
            self._changed()
        self._next()

    def _failed(self, turn: int, error: Exception) -> None:
        self._is_asking = False
        if turn == self._turn:
            self.error = str(error)
            self._drop()
            self._changed()
            self._rest.start(AGAIN_MS)
        self._next()

    def _drop(self) -> None:
        self._turn += 1
        self._queue.clear()
        self._coming.clear()


def _place(tags: Sequence[str], tag: str) -> int | None:
    return tags.index(tag) if tag in tags else None


def _pieces(wanted: _Wanted, view_s: float) -> list[tuple[_Group, float, float, int]]:
    """A stretch in pieces, the newest first: group, start, end and points."""
    length_s = wanted.end_s - wanted.start_s
    count = min(max(ceil(length_s / PIECE_S), 1), MOST_PIECES)
    points = max(ceil(POINTS * length_s / max(view_s, 1e-9) / count), 50)
    edges = np.linspace(wanted.start_s, wanted.end_s, count + 1).tolist()
    return [(wanted.group, edges[i], edges[i + 1], points) for i in reversed(range(count))]
