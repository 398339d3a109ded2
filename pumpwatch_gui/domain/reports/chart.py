"""A trend as a small SVG picture: a fixed scale, a reference at its line, gaps as gaps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10, nan
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.wording import number

Floats = NDArray[np.float64]
POINTS = 240
_INK, _LINE, _GRID = "#1c2430", "#1f4e79", "#c9ced6"


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """What a chart shows: `time_s` (m,) and `values` (m,), NaN for a gap, over `start_s` to `end_s` (Unix seconds).

    `scale` is the lowest and highest value drawn, `reference` a line of its own with `reference_text`.
    """

    title: str
    unit: str
    time_s: Floats
    values: Floats
    start_s: float
    end_s: float
    scale: tuple[float, float]
    reference: float = nan
    reference_text: str = ""


def means_over(time_s: Floats, values: Floats, *, start_s: float, end_s: float) -> tuple[Floats, Floats]:
    """At most `POINTS` means of equal parts of a span, NaN for a part without a value: times and means."""
    middles = start_s + (np.arange(POINTS) + 0.5) * (end_s - start_s) / POINTS
    known = np.isfinite(values) & (time_s >= start_s) & (time_s < end_s)
    parts = ((time_s[known] - start_s) / (end_s - start_s) * POINTS).astype(np.int64)
    count = np.bincount(parts, minlength=POINTS)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(parts, weights=values[known], minlength=POINTS) / count
    return middles, means


def round_scale(low: float, high: float) -> tuple[float, float]:
    """A scale of round numbers, its middle too, that holds both; 0 to 1 where there is none."""
    if not (isfinite(low) and isfinite(high)):
        return 0.0, 1.0
    step = 10.0 ** floor(log10(max(high - low or abs(high), 1e-9) / 2))
    first, last = floor(low / step), ceil(high / step)
    last += (last - first) % 2 if last > first else 2
    return first * step, last * step


def trend_svg(trend: Trend, *, width: int = 320, height: int = 96, labels: Sequence[tuple[float, str]] = ()) -> str:
    """The picture of a trend, with labels of the time below, each at its share of the span.

    A value off the scale is drawn at its edge. The line is dark enough for a print in black and white.
    """
    left, right, top, bottom = 40.0, 8.0, 18.0, 16.0
    low, high = trend.scale

    def across(time_s: float) -> float:
        return left + (time_s - trend.start_s) / (trend.end_s - trend.start_s) * (width - left - right)

    def up(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return height - bottom - share * (height - top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="Inter" font-size="8.5" fill="{_INK}">',
        f'<text x="2" y="9" font-weight="600">{escape(trend.title)}<tspan dx="6" font-weight="400" fill="#5a6472">'
        f"{escape(trend.unit)}</tspan></text>",
    ]
    decimals = 0 if high - low >= 5 else 1 if high - low >= 0.5 else 3
    for value in (low, (low + high) / 2, high):
        y = up(value)
        parts.append(f'<path d="M{left} {y:.1f}H{width - right}" stroke="{_GRID}" stroke-width="0.6"/>')
        parts.append(f'<text x="{left - 5}" y="{y + 3:.1f}" text-anchor="end">{number(value, decimals)}</text>')
    if isfinite(trend.reference):
        y = up(trend.reference)
        parts.append(
            f'<path d="M{left} {y:.1f}H{width - right}" stroke="{_INK}" stroke-width="0.8" stroke-dasharray="4 3"/>'
        )
        parts.append(
            f'<text x="{width - right}" y="{y + 9:.1f}" text-anchor="end" font-size="7.5">'
            f"{escape(trend.reference_text)}</text>"
        )
    parts += [f'<path d="{d}" fill="none" stroke="{_LINE}" stroke-width="1.3"/>' for d in _lines(trend, across, up)]
    for share, label in labels:
        x = left + share * (width - left - right)
        anchor = "start" if share <= 0 else "end" if share >= 1 else "middle"
        parts.append(f'<text x="{x:.1f}" y="{height - 4}" text-anchor="{anchor}">{escape(label)}</text>')
    if not np.isfinite(trend.values).any():
        parts.append(f'<text x="{(left + width) / 2}" y="{height / 2 + 4}" text-anchor="middle">no data</text>')
    return "".join([*parts, "</svg>"])


def _lines(trend: Trend, across: Callable[[float], float], up: Callable[[float], float]) -> list[str]:
    """A path for each stretch without a gap; a single value is a dash."""
    lines: list[str] = []
    points: list[str] = []
    for time_s, value in zip(trend.time_s.tolist(), trend.values.tolist(), strict=True):
        if isfinite(value):
            points.append(f"{across(time_s):.1f} {up(value):.1f}")
        elif points:
            lines.append("M" + "L".join(points) + ("h1" if len(points) == 1 else ""))
            points = []
    return [*lines, "M" + "L".join(points) + ("h1" if len(points) == 1 else "")] if points else lines
