"""Rows in the order of time: turned round, sorted, spread where their stamps are too coarse, repeats taken out."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_STEP_S = 1e-3
COARSEST_S = 3600.0
"""Stamps further apart than this say nothing about the rows between them."""


@dataclass(slots=True)
class Ordered:
    """Times that rise strictly, the rows they belong to (None: all rows as they are), and what was done, in words.

    `contradictions` counts rows dropped because another row says something else of the same time.
    """

    time_s: Floats
    rows: NDArray[np.int64] | None
    notes: list[str] = field(default_factory=list)
    contradictions: int = 0


def arrange(time_s: Floats, values: Floats) -> Ordered:
    """Bring rows with finite times (m,) and values (m, n) in order.

    Newest first is turned round; what is out of order is sorted. Where most stamps stand on several rows, as those
    written to the minute do, the rows are spread evenly up to the next stamp. Of other rows of one time the first is
    kept.
    """
    steps = np.diff(time_s)
    if (steps >= LEAST_STEP_S).all():
        return Ordered(time_s, None)
    notes: list[str] = []
    rows = np.arange(time_s.size, dtype=np.int64)
    back, forth = int((steps < 0).sum()), int((steps > 0).sum())
    if back > forth:
        rows, back = rows[::-1], forth
        notes.append("the newest row is the first: turned round")
    if back:
        rows = rows[np.argsort(time_s[rows], kind="stable")]
        notes.append(f"{back} rows were earlier than the one before them: sorted by time")
    time_s = time_s[rows]
    first = np.concatenate(([True], np.diff(time_s) > 0))
    groups = np.diff(np.append(np.flatnonzero(first), time_s.size))
    # Rows out of order: what stands at one time may come from two recordings.
    if not back and _are_coarse(time_s[first], groups, first, rows, values):
        spread = _spread(time_s[first], groups)
        notes.append(
            f"{groups.size} stamps stand on {time_s.size} rows: spread evenly, about {_step(spread):.3g} s apart"
        )
        return Ordered(spread, rows, notes)
    return _without_repeats(time_s, rows, values, notes)


def _are_coarse(
    stamps: Floats, groups: NDArray[np.int64], first: NDArray[np.bool_], rows: NDArray[np.int64], values: Floats
) -> bool:
    """Whether the rows of one stamp are several samples and not one written twice."""
    if stamps.size < 2 or float(np.mean(groups > 1)) <= 0.5 or _step(stamps) > COARSEST_S:
        return False
    again = np.flatnonzero(~first)
    # In pieces: a copy of all values would double the memory of a long recording.
    return any(
        not _equal(values[rows[part]], values[rows[part - 1]]).all()
        for part in np.array_split(again, again.size // 4096 + 1)
    )


def _equal(some: Floats, others: Floats) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = ((some == others) | (np.isnan(some) & np.isnan(others))).all(axis=1)
    return same


def _step(times: Floats) -> float:
    return float(np.median(np.diff(times)))


def _spread(stamps: Floats, groups: NDArray[np.int64]) -> Floats:
    """Times of all rows: those of a stamp are evenly spaced up to the next one.

    The first stamp may have begun before the recording and the last have ended after it: their rows keep the usual
    spacing and lie next to the others.
    """
    usual_s = _step(stamps)
    usual = float(np.median(groups[1:-1])) if groups.size > 2 else float(groups.max())
    each_s = np.minimum(np.append(np.diff(stamps), usual_s), usual_s) / groups
    start = stamps.copy()
    for edge in (0, -1):
        if groups[edge] < usual:
            each_s[edge] = usual_s / usual
    if groups[0] < usual:
        start[0] = stamps[0] + min(usual_s, stamps[1] - stamps[0]) - groups[0] * each_s[0]
    within = np.arange(int(groups.sum())) - np.repeat(np.cumsum(groups) - groups, groups)
    spread: Floats = np.repeat(start, groups) + within * np.repeat(each_s, groups)
    return spread


def _without_repeats(time_s: Floats, rows: NDArray[np.int64], values: Floats, notes: list[str]) -> Ordered:
    keep = np.ones(time_s.size, dtype=np.bool_)
    last = 0
    same = other = 0
    for i in np.flatnonzero(np.concatenate(([False], np.diff(time_s) < LEAST_STEP_S))).tolist():
        last = i - 1 if keep[i - 1] else last
        if time_s[i] - time_s[last] >= LEAST_STEP_S:
            continue
        keep[i] = False
        if time_s[i] == time_s[last] and bool(_equal(values[rows[[i]]], values[rows[[last]]])[0]):
            same += 1
        else:
            other += 1
    if same:
        notes.append(f"{same} rows dropped: they repeat another")
    if other:
        notes.append(f"{other} rows dropped: they have the time of another, or are less than 1 ms after it")
    return Ordered(time_s[keep], rows[keep], notes, other)
