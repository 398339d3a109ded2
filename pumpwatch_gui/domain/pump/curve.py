"""The curve of a pump: head over flow at the rated speed, from the profile or fitted to what the pump has done."""

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_POINTS = 3
LEAST_SAMPLES = 200
LEAST_SPREAD = 0.15
"""Of the middle flow: over a narrower range any slope would fit the scatter."""
DOUBTFUL = 3.0
"""Samples further than so many standard deviations from a first fit are left out of the second."""


@dataclass(frozen=True, slots=True)
class CurvePoints:
    """Points of a maker's curve at the rated speed: flows in L/min that rise, heads in m.

    Raises ValueError for fewer than three, for lists of two lengths, and for flows that do not rise.
    """

    flow_l_min: tuple[float, ...]
    head_m: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check the points."""
        if len(self.flow_l_min) != len(self.head_m):
            raise ValueError("flow_l_min and head_m must have as many numbers each")
        if len(self.flow_l_min) < LEAST_POINTS:
            raise ValueError(f"at least {LEAST_POINTS} points are needed")
        if not all(isfinite(x) and x >= 0 for x in (*self.flow_l_min, *self.head_m)):
            raise ValueError("flows and heads must be 0 or more")
        if any(a >= b for a, b in pairwise(self.flow_l_min)):
            raise ValueError("flow_l_min must rise")


@dataclass(frozen=True, slots=True, eq=False)
class PumpCurve:
    """A curve to be drawn: flow (m,) in L/min and head (m,) in m at the rated speed."""

    flow_l_min: Floats
    head_m: Floats
    is_fitted: bool

    @property
    def origin(self) -> str:
        """Where it is from."""
        return "fitted to its own running" if self.is_fitted else "from the profile"


def maker_curve(points: CurvePoints) -> PumpCurve:
    """The curve of a profile: through its points, straight in between."""
    return PumpCurve(np.array(points.flow_l_min), np.array(points.head_m), is_fitted=False)


def fitted_curve(flow: Floats, head: Floats) -> PumpCurve | None:
    """H = a - b Q² over the flows of samples (m,) at the rated speed; None where they do not tell a curve.

    Samples that are not finite are left out. It ends where the samples do: beyond them it would be a guess.
    """
    good = np.isfinite(flow) & np.isfinite(head) & (flow > 0) & (head > 0)
    flow, head = flow[good], head[good]
    if flow.size < LEAST_SAMPLES:
        return None
    first = _fit(flow, head)
    if first is None:
        return None
    top, slope = first
    rest = head - (top + slope * flow**2)
    near = np.abs(rest) <= DOUBTFUL * max(float(rest.std()), 1e-9)
    second = _fit(flow[near], head[near])
    if second is None or second[1] >= 0:  # rising with the flow: a system curve, not the pump's
        return None
    top, slope = second
    low, high = map(float, np.quantile(flow[near], (0.01, 0.99)))
    drawn = np.linspace(low, high, 40)
    return PumpCurve(drawn, top + slope * drawn**2, is_fitted=True)


def _fit(flow: Floats, head: Floats) -> tuple[float, float] | None:
    """The head at no flow and the slope over Q²; None where the flows are too near to one another."""
    low, high = np.quantile(flow, (0.01, 0.99))
    if high - low < LEAST_SPREAD * np.median(flow):
        return None
    slope, top = np.polyfit(flow**2, head, 1)
    return float(top), float(slope)
