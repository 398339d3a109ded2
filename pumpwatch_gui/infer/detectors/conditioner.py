"""The conditioner: from raw values to residuals that mean the same on every pump, streaming and driven by time alone.

Each sensor is standardised, freed from its slow baseline (warm days, drifting levels, another pump of the type) and
smoothed over seconds. It knows gaps, starts and missing values, and nothing of how long it has been running.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from math import exp, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.infer.detectors.scaler import floats

Floats = NDArray[np.float64]
_SHORT_S, _LEVEL_S, _TREND_S = 15.0, 60.0, 300.0
"""Memories of averages of unequal lag: their difference shows a drift."""
CLIP = 25.0
USUAL_PERIOD_S = 10.0
_STRETCHED = ("baseline_s", "smooth_s", "freeze_s", "gap_s", "keep_s", "settle_s", "settle_most_s", "hold_s")
RESETTLE_SPREADS = 2.0
"""How near the last seconds of a sensor that settles again must be to its last minute."""


@dataclass(frozen=True, slots=True, eq=False)
class Conditioning:
    """What a conditioner was commissioned with; all times in seconds.

    `scale` (n,) is the ordinary deviation of each sensor in its unit, `spread` (n,) the root mean square of its
    smoothed residual, in scales. `baseline_s` is the memory of the slow baseline, `smooth_s` that of the smoothing;
    residuals are clipped at `clip` scales, (n,) or one for all. A sensor whose residual is above `suspicious` spreads
    keeps its baseline frozen, for `freeze_s` at most (as long as an alarm lasts where it has a part in one:
    `Conditioner.keep`). After a pause above `gap_s` the smoothing restarts, above `keep_s` everything. A sensor is
    settled after `settle_s` (`start_s` after a start of the pump) once its level no longer drifts, `settle_most_s` at
    the latest. A missing value is bridged for `hold_s`, then the sensor is left out. `stretch` is how many
    times all this takes longer than for a pump that is read every ten seconds or faster.
    """

    scale: Floats
    spread: Floats
    baseline_s: float = 200.0
    smooth_s: float = 8.0
    clip: Floats | float = CLIP
    suspicious: float = 3.0
    freeze_s: float = 900.0
    gap_s: float = 30.0
    keep_s: float = 900.0
    settle_s: float = 60.0
    start_s: float = 300.0
    settle_most_s: float = 3600.0
    hold_s: float = 5.0
    stretch: float = 1.0

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "clip", np.broadcast_to(np.asarray(self.clip, dtype=np.float64), self.scale.shape))
        freeze_arrays(self, "scale", "spread", "clip")

    def for_period(self, period_s: float) -> "Conditioning":
        """The same for a pump that is read every `period_s`: a slow one needs as many rows, not as long."""
        stretch = max(1.0, period_s / USUAL_PERIOD_S)
        times = {name: getattr(self, name) * stretch for name in _STRETCHED}
        return replace(self, **times, start_s=max(self.start_s, times["settle_s"]), stretch=stretch)

    def to_json(self) -> dict[str, Any]:
        """As stored in a manifest."""
        return asdict(self) | {key: getattr(self, key).tolist() for key in ("scale", "spread", "clip")}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], *, sensors: int) -> "Conditioning":
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError when it does not fit."""
        scale, spread = floats(content["scale"], sensors), floats(content["spread"], sensors)
        if not ((scale > 0).all() and (spread > 0).all()):
            raise ValueError("scale and spread must be above 0")
        rest = {key: float(value) for key, value in content.items() if key not in ("scale", "spread", "clip")}
        clip = content.get("clip", CLIP)
        clip = floats(clip if isinstance(clip, list) else [clip] * sensors, sensors)
        if not all(value > 0 for value in (*rest.values(), *clip.tolist())):
            raise ValueError("the times and bounds of conditioning must be above 0")
        return cls(scale, spread, clip=clip, **rest)


class Conditioner:
    """The memory of one pump. `step` takes one row and gives its residuals in spreads, 0 where a sensor is left out.

    Nearly always every sensor has a value, is settled and calm. Such a row takes the short way through each part: with
    so few sensors it is the number of array operations that costs.

    After `step`: `scored` (n,) marks the sensors that count just now, `missing` (n,) those without a value; `ready`
    says whether any does; `waited_s` how long the pump has been settling. `kept` (n,) are the baselines to go on
    with after a stop, NaN for the sensors that have none (`keep`).
    """

    def __init__(self, conditioning: Conditioning) -> None:
        self._c = conditioning
        self.kept = np.full(conditioning.scale.size, np.nan)
        self.reset()

    def reset(self, *, started: bool = False) -> None:
        """Forget everything but `kept`; `started`: the pump was seen to start, so it is given longer to settle."""
        n = self._c.scale.size
        self._least_s = self._c.start_s if started else self._c.settle_s
        self._x = np.full(n, np.nan)
        self._base = np.zeros(n)
        self._tracks = np.zeros((3, n))
        self._level, self._trend, self._short = self._tracks  # views
        self._smooth = np.zeros(n)
        self._age_s = np.zeros(n)  # since the first value
        self._base_age_s = np.full(n, _LEVEL_S * self._c.stretch)
        self._calm_s = np.zeros(n)
        self._frozen_s = np.zeros(n)
        self._absent_s = np.full(n, inf)
        self._is_absent = True  # whether `_absent_s` is above 0 anywhere
        self._is_begun = False  # whether every sensor has had a value
        self._smooth_age_s = 0.0
        self._settled = np.zeros(n, dtype=np.bool_)
        self._again = np.zeros(n, dtype=np.bool_)  # was settled once and settles on another level
        self._again_s = 0.0
        self.scored = np.zeros(n, dtype=np.bool_)
        self.missing = np.zeros(n, dtype=np.bool_)
        self.waited_s = 0.0

    @property
    def ready(self) -> bool:
        """Whether at least one sensor counts, or is only settling on another level."""
        counted = np.count_nonzero(self.scored)  # any() takes five times as long, and each row asks
        return bool(counted or np.count_nonzero(self._again & ~self.missing))

    @property
    def settles_after_s(self) -> float:
        """The least time of settling that applies now."""
        return self._least_s

    @property
    def level(self) -> Floats:
        """The level of each sensor over the last minute (n,), in its unit."""
        return self._level

    @property
    def newest(self) -> Floats:
        """The newest value of each sensor (n,), NaN before the first."""
        return self._x

    @property
    def base(self) -> Floats:
        """The baseline of each sensor (n,), in its unit."""
        return self._base

    def deviation(self) -> Floats:
        """How far each sensor (n,) is from its baseline just now, unsmoothed, in spreads; 0 where it does not count."""
        raw: Floats = np.where(self.scored, (self._x - self._base) / (self._c.scale * self._c.spread), 0.0)
        return np.minimum(np.maximum(raw, -self._c.clip), self._c.clip)

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Never take another level of the sensors `which` (n,) for their baseline, also not over stops and gaps."""
        new = which & self._settled & np.isnan(self.kept)
        if np.count_nonzero(new):
            self.kept = np.where(new, self._base, self.kept)

    def let_go(self) -> None:
        """Let every baseline follow again."""
        held = np.isfinite(self.kept)
        if np.count_nonzero(held):
            self._frozen_s = np.where(held, 0.0, self._frozen_s)  # else it is over at once, on the way back
            self.kept = np.full(held.size, np.nan)

    def take_level(self) -> NDArray[np.bool_]:
        """Take the present level of the sensors that deviate as their baseline; which those are (n,)."""
        far = np.abs(self._level - self._base) > self._c.suspicious * self._c.scale * self._c.spread
        off: NDArray[np.bool_] = self._settled & far
        self.let_go()
        self._take_level(off)
        return off

    def resettle(self, which: NDArray[np.bool_]) -> None:
        """Have the sensors `which` (n,) settle on the level at which they will calm down; the others go on."""
        self._again |= which & self._settled
        self._settled &= ~which
        self._calm_s = np.where(which, 0.0, self._calm_s)
        self._again_s = 0.0

    def step(self, interval_s: float, values: Floats) -> Floats:
        """Residuals (n,) in spreads of a row of values (n,), NaN for none, `interval_s` after the row before."""
        if interval_s > self._c.keep_s and self.waited_s > 0:
            self.reset()
        if interval_s > self._c.gap_s:
            self._smooth_age_s = 0.0
            interval_s = self._c.stretch
        self.waited_s += interval_s
        self._smooth_age_s += interval_s
        fresh = self._take(interval_s, values)
        self._settle(interval_s)
        self._follow(interval_s, fresh)
        # A smoothing that has just restarted passes bare noise.
        if self._smooth_age_s < self._c.smooth_s:
            self.scored = np.zeros_like(self._settled)
            return np.zeros(self._settled.size)
        self.scored = self._settled & ~self.missing
        residual: Floats = self._smooth / self._c.spread
        return residual if _all(self.scored) else np.where(self.scored, residual, 0.0)

    def _take(self, interval_s: float, values: Floats) -> NDArray[np.bool_]:
        """Note which values there are and follow the level of each."""
        fresh = np.isfinite(values)
        whole = _all(fresh)
        if not self._is_begun:
            first = fresh & np.isnan(self._x)
            self._base[first] = self._tracks[:, first] = values[first]
        self._note_absent(interval_s, fresh, whole)
        self._x = values.copy() if whole else np.where(fresh, values, self._x)
        self._is_begun = self._is_begun or not np.count_nonzero(np.isnan(self._x))
        self._age_s += interval_s if whole else np.where(fresh, interval_s, 0.0)
        share = interval_s / np.maximum(self._age_s, interval_s)  # a plain mean until the memory is full
        step = np.maximum(share, _gains(interval_s / self._c.stretch)) * (self._x - self._tracks)
        self._tracks += step if whole else np.where(fresh, step, 0.0)
        return fresh

    def _note_absent(self, interval_s: float, fresh: NDArray[np.bool_], whole: bool) -> None:
        if whole and not self._is_absent:
            return
        self._is_absent = not whole
        self._absent_s = np.where(fresh, 0.0, self._absent_s + interval_s)
        self.missing = self._absent_s > self._c.hold_s

    def _settle(self, interval_s: float) -> None:
        if _all(self._settled):
            return
        ordinary = self._c.spread * self._c.scale
        first = np.abs(self._level - self._trend) < ordinary
        again = np.abs(self._short - self._level) < RESETTLE_SPREADS * ordinary
        self._calm_s = np.where(np.where(self._again, again, first), self._calm_s + interval_s, 0.0)
        self._again_s += interval_s
        waited_s = np.where(self._again, self._again_s, self._age_s)
        calm = (self._again | (self._age_s >= self._least_s)) & (self._calm_s >= self._c.settle_s)
        now = ~self._settled & (calm | (waited_s >= self._c.settle_most_s))
        self._settled |= now
        self._frozen_s[now & self._again] = 0.0
        self._again &= ~now
        unsettled = ~self._settled | now
        self._base = np.where(unsettled, self._level, self._base)
        self._base = np.where(now & np.isfinite(self.kept), self.kept, self._base)
        self._smooth[unsettled] = 0.0

    def _follow(self, interval_s: float, fresh: NDArray[np.bool_]) -> None:
        """Smooth the residual; let the baseline follow unless its sensor is suspicious."""
        c, live = self._c, fresh & self._settled
        is_live = _all(live)
        z = np.minimum(np.maximum((self._x - self._base) / c.scale, -c.clip), c.clip)
        gain = max(1.0 - exp(-interval_s / c.smooth_s), min(1.0, interval_s / self._smooth_age_s))
        step = gain * (z - self._smooth)
        self._smooth += step if is_live else np.where(live, step, 0.0)
        odd = np.abs(self._smooth) > c.suspicious * c.spread
        is_odd = np.count_nonzero(odd) > 0
        self._base_age_s += interval_s if is_live else np.where(live, interval_s, 0.0)
        follow = np.maximum(1.0 - exp(-interval_s / c.baseline_s), interval_s / self._base_age_s)
        step = follow * c.scale * z
        self._base += step if is_live and not is_odd else np.where(live & ~odd, step, 0.0)
        if is_odd or np.count_nonzero(self._frozen_s):
            self._freeze(interval_s, odd)

    def _freeze(self, interval_s: float, odd: NDArray[np.bool_]) -> None:
        """Count how long sensors are suspicious; at last take their present level."""
        # Counted down, not off: a deviation that swings through zero to another is still the same trouble.
        self._frozen_s = np.maximum(self._frozen_s + np.where(odd, interval_s, -interval_s), 0.0)
        stuck = (self._frozen_s > self._c.freeze_s) & np.isnan(self.kept)
        if np.count_nonzero(stuck):
            self._take_level(stuck)

    def _take_level(self, which: NDArray[np.bool_]) -> None:
        self._base = np.where(which, self._level, self._base)
        self._smooth = np.where(which, 0.0, self._smooth)
        self._frozen_s = np.where(which, 0.0, self._frozen_s)
        self._base_age_s = np.where(which, _LEVEL_S * self._c.stretch, self._base_age_s)


def _all(which: NDArray[np.bool_]) -> bool:
    return bool(np.count_nonzero(which) == which.size)  # all() takes five times as long


@lru_cache(maxsize=64)  # a recording has one interval, a link a new one each scan
def _gains(interval_s: float) -> Floats:
    """What a step of so long adds to level, trend and short (3, 1) of the difference."""
    return np.array([[1.0 - exp(-interval_s / memory_s)] for memory_s in (_LEVEL_S, _TREND_S, _SHORT_S)])
