"""What is ordinary: the deviation of a sensor, the size of its residuals, and how many of them are independent."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLOCK_S = 600.0
_GAUSS_95 = 1.96
_LEAST_SPREAD = 0.05  # of the scale
_INFLATION = 3.0
_MOST_LAGS = 4000


def ordinary_deviation(blocks: Sequence[Floats], *, resolution: Floats) -> Floats:
    """The ordinary deviation of each sensor (n,) in its unit, from blocks of rows (m, n) of about ten minutes.

    Robust (the greater of a scaled median deviation and a deviation without the outermost percent), with floors: the
    step of a quantised sensor, and the resolution for one that never moved.
    """
    off = np.concatenate([block - _median(block) for block in blocks])
    every = np.concatenate(list(blocks))
    return np.array([_deviation(off[:, i], every[:, i], float(resolution[i])) for i in range(off.shape[1])])


def _median(block: Floats) -> Floats:
    column = [c[np.isfinite(c)] for c in block.T]
    return np.array([float(np.median(c)) if c.size else np.nan for c in column])


def _deviation(off: Floats, values: Floats, resolution: float) -> float:
    off, values = off[np.isfinite(off)], values[np.isfinite(values)]
    if not values.size:
        return resolution
    steps = np.diff(np.unique(values))
    low, high = np.percentile(off, (1.0, 99.0))
    robust = 1.4826 * float(np.median(np.abs(off)))
    floor = 1e-6 * float(np.abs(np.median(values))) + 1e-12
    quantum = float(steps.min()) / np.sqrt(12.0) if steps.size else max(resolution, 1e-3 * float(np.abs(values[0])))
    return max(robust, float(np.std(np.clip(off, low, high))), quantum, floor)


def spread_of(tracks: Sequence[Floats]) -> float:
    """The size of one sensor's residuals from stretches of them, as of a bell curve with the same 95th percentile.

    Widened where few are independent: what wandered slowly in a short commissioning will wander further.
    """
    together = np.abs(np.concatenate(list(tracks))) if tracks else np.zeros(0)
    if not together.size:
        return 1.0
    size = float(np.percentile(together, 95.0)) / _GAUSS_95
    return max(size * (1.0 + _INFLATION / independent(tracks)), _LEAST_SPREAD)


def independent(tracks: Sequence[Floats]) -> float:
    """How many independent values stretches of one residual are worth, at least 1 (integrated autocorrelation)."""
    count = sum(track.size for track in tracks)
    longest = max(tracks, key=lambda track: track.size, default=np.zeros(0))
    if longest.size < 10:
        return 1.0
    thin = max(1, longest.size // _MOST_LAGS)
    mean = longest[: longest.size // thin * thin].reshape(-1, thin).mean(axis=1)
    mean = mean - mean.mean()
    power = float(np.mean(mean**2)) + 1e-12
    total = 0.5
    for lag in range(1, mean.size // 2):
        alike = float(np.mean(mean[lag:] * mean[:-lag])) / power
        if alike < 0.1:
            break
        total += alike
    return max(1.0, count / (2.0 * total * thin))
