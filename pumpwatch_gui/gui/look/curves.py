"""From samples to a line that can be painted: gaps stay gaps, thinning keeps every peak, off the scale is said."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QByteArray, QDataStream, QIODevice
from PySide6.QtGui import QPainterPath

_ELEMENT = np.dtype([("kind", ">i4"), ("x", ">f8"), ("y", ">f8")])
_MOVE, _LINE = 0, 1


def slack(scale: tuple[float, float]) -> float:
    """How far beyond an end of a scale a value counts as on it: a hundredth of the scale is no distance."""
    return (scale[1] - scale[0]) / 100


@dataclass(frozen=True, slots=True)
class OffScale:
    """A stretch of samples beyond the end of a scale: from `left` to `right` in pixels, and its farthest value."""

    left: float
    right: float
    is_above: bool
    farthest: float


def off_scale(
    x: NDArray[np.float64],
    values: NDArray[np.float64],
    scale: tuple[float, float],
    *,
    longest_step: float = np.inf,
    near: float = 4.0,
) -> tuple[OffScale, ...]:
    """Where values are above or below the scale, from left to right, by more than its `slack`.

    Two stretches are one when less than `near` pixels are between them, but not over a gap of `longest_step`.
    """
    found = []
    room = slack(scale)
    for is_above, is_out in ((True, values > scale[1] + room), (False, values < scale[0] - room)):
        at = np.flatnonzero(is_out)
        step = np.diff(x[at])
        ends = np.flatnonzero(((np.diff(at) > 1) & (step > near)) | (step > longest_step)) + 1
        for part in np.split(at, ends) if at.size else []:
            inside = values[part]
            farthest = inside.max() if is_above else inside.min()
            found.append(OffScale(float(x[part[0]]), float(x[part[-1]]), is_above, float(farthest)))
    return tuple(sorted(found, key=lambda stretch: stretch.left))


def thinned(
    x: NDArray[np.float64], y: NDArray[np.float64], width: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most two points a pixel column (the lowest and the highest, in their order); NaN stays where a gap is.

    `x` rises and is in pixels. Unchanged when there are few points.
    """
    columns = max(int(width), 1)
    if x.size <= 2 * columns:
        return x, y
    size = -(-x.size // columns)
    padded = np.concatenate([y, np.full(-y.size % size, np.nan)]).reshape(-1, size)
    gaps = np.isnan(padded)
    low = np.where(gaps, np.inf, padded).argmin(axis=1)
    high = np.where(gaps, -np.inf, padded).argmax(axis=1)
    first = np.arange(padded.shape[0]) * size
    index = np.sort(np.stack([first + low, first + high], axis=1), axis=1)
    # A bucket that is mostly gap is shown as a gap: better to lose a point than to bridge over what was not measured.
    mostly = gaps.sum(axis=1) * 2 > size
    picked = np.minimum(index.ravel(), x.size - 1)
    values = y[picked].copy()
    values[np.repeat(mostly, 2)] = np.nan
    return x[picked], values


def path(x: NDArray[np.float64], y: NDArray[np.float64], *, longest_step: float = np.inf) -> QPainterPath:
    """A line through the points, broken at NaN and wherever `x` leaps by more than `longest_step`.

    Built from bytes in one go: a call for each point would cost a hundred times as much.
    """
    good = np.isfinite(y)
    count = int(good.sum())
    if count < 2:
        return QPainterPath()
    joined = good & np.concatenate(([False], good[:-1])) & np.concatenate(([False], np.diff(x) <= longest_step))
    elements = np.zeros(count, dtype=_ELEMENT)
    elements["kind"] = np.where(joined[good], _LINE, _MOVE)
    elements["x"], elements["y"] = x[good], y[good]
    head = np.array(count, dtype=">i4").tobytes()
    tail = np.zeros(2, dtype=">i4").tobytes()
    buffer = QByteArray(head + elements.tobytes() + tail)  # must outlive the stream, which only points to it
    made = QPainterPath()
    QDataStream(buffer, QIODevice.OpenModeFlag.ReadOnly) >> made
    return made
