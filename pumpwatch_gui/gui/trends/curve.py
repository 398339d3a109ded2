"""The picture of one pen: the band from lowest to highest value, the mean, BAD spans, where it leaves the scale."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainterPath

from pumpwatch_gui.gui.look.curves import OffScale, off_scale, path
from pumpwatch_gui.gui.look.time_view import TimeView
from pumpwatch_gui.gui.trends.points import Floats, Points

LEAST_STEP_PX = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class PixelColumns:
    """Points as columns of pixels, from left to right: `x`, lowest, mean and highest value (m,), NaN in a gap."""

    x: Floats
    low: Floats
    mean: Floats
    high: Floats


def in_columns(points: Points, view: TimeView, rect: QRectF) -> PixelColumns:
    """What lies in a view, in one column a pixel where there are more points than pixels: no spike is lost."""
    per_s = rect.width() / view.length_s
    part = points.between(view.start_s - 2 / per_s, view.end_s + 2 / per_s)
    x = rect.right() - (view.end_s - part.time_s) * per_s
    if x.size <= rect.width():
        return PixelColumns(x, part.low, part.mean, part.high)
    column = np.floor(x).astype(np.int64)
    first = np.flatnonzero(np.concatenate(([True], np.diff(column) != 0)))
    there = np.isfinite(part.mean)
    counts = np.add.reduceat(there.astype(np.float64), first)
    sums = np.add.reduceat(np.where(there, part.mean, 0.0), first)
    with np.errstate(invalid="ignore"):
        mean: Floats = sums / counts
    low, high = np.fmin.reduceat(part.low, first), np.fmax.reduceat(part.high, first)
    return PixelColumns((column[first] + 0.5).astype(np.float64), low, mean, high)


@dataclass(frozen=True, slots=True)
class PenCurve:
    """What is drawn of a pen in its lane, in widget pixels. `bad` are stretches of BAD readings (left, right)."""

    band: QPainterPath
    line: QPainterPath
    out: tuple[OffScale, ...]
    bad: tuple[tuple[float, float], ...]
    covered: tuple[tuple[float, float], ...]
    last_y: float | None

    @classmethod
    def of(cls, points: Points, view: TimeView, rect: QRectF, scale: tuple[float, float]) -> "PenCurve":
        """The part of a pen that lies in a view, on a scale; what is beyond it is in `out`, never at its edge."""
        columns = in_columns(points, view, rect)
        per_s = rect.width() / view.length_s
        step = max(points.longest_s * per_s, LEAST_STEP_PX)
        x, low, mean, high = columns.x, columns.low, columns.mean, columns.high

        def heights(values: Floats) -> Floats:
            return np.asarray(rect.bottom() - (values - scale[0]) / (scale[1] - scale[0]) * rect.height())

        wide = np.flatnonzero(high > low)
        tops, bottoms = np.maximum(heights(high[wide]), rect.top()), np.minimum(heights(low[wide]), rect.bottom())
        seen = bottoms >= tops
        gap = np.full(int(seen.sum()), np.nan)
        ends = np.stack([tops[seen], bottoms[seen] + 0.5, gap], axis=1).ravel()
        band = path(np.repeat(x[wide][seen], 3), ends)
        above, below = (off_scale(x, ends, scale, longest_step=step) for ends in (high, low))
        out = tuple(o for o in above if o.is_above) + tuple(o for o in below if not o.is_above)
        there = np.flatnonzero(np.isfinite(mean))
        last = float(heights(mean[there[-1:]])[0]) if there.size else None
        return cls(
            band, path(x, heights(mean), longest_step=step), out,
            _spans(_flag_x(points, view, rect), max(step, 4.0)), _spans(x[there], step), last,
        )  # fmt: skip


def _flag_x(points: Points, view: TimeView, rect: QRectF) -> Floats:
    part = points.between(view.start_s, view.end_s)
    return np.asarray(rect.right() - (view.end_s - part.time_s[part.is_bad]) * rect.width() / view.length_s)


def _spans(x: NDArray[np.float64], step: float) -> tuple[tuple[float, float], ...]:
    """Stretches of places that are no further apart than a step."""
    if not x.size:
        return ()
    cuts = np.flatnonzero(np.diff(x) > step)
    starts, ends = x[np.concatenate(([0], cuts + 1))], x[np.concatenate((cuts, [x.size - 1]))]
    return tuple(zip(starts.tolist(), ends.tolist(), strict=True))


def uncovered(curves: list[PenCurve], rect: QRectF, least: float = 3.0) -> list[tuple[float, float]]:
    """Where in a lane no pen has a value: (left, right), without what is narrower than `least` pixels."""
    spans = sorted(span for curve in curves for span in curve.covered)
    found, at = [], rect.left()
    for left, right in spans:
        if left - at > least:
            found.append((at, min(left, rect.right())))
        at = max(at, right)
    if rect.right() - at > least:
        found.append((at, rect.right()))
    return found
