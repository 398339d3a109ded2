"""The conditioner: from raw values to residuals that mean the same on every pump, streaming and driven by time alone.

Each sensor is standardised, freed from its slow baseline (warm days, drifting levels, another pump of the type) and
smoothed over seconds. It knows gaps, starts and missing values, and nothing of how long it has been running.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import repeat
from math import exp, inf, nan
from typing import Any

import numpy as np

from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.infer.detectors.memory import Floats, Marks, Memory
from pumpwatch_gui.infer.detectors.scaler import floats

_SHORT_S, _LEVEL_S, _TREND_S = 15.0, 60.0, 300.0
"""Memories of averages of unequal lag: their difference shows a drift."""
CLIP = 25.0
USUAL_PERIOD_S = 10.0
_STRETCHED = ("baseline_s", "smooth_s", "freeze_s", "gap_s", "keep_s", "settle_s", "settle_most_s", "hold_s")
REMEMBERED = 36.0
"""The memories of the baseline for which a level that was left is known."""
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

    @property
    def memory_s(self) -> float:
        """The longest memory of a pump that has settled."""
        return max(self.baseline_s, _LEVEL_S * self.stretch)

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


class _Bounds:
    """What the conditioners of b pumps go by, as arrays (b, n) and, for figures of the whole pump, (b, 1).

    One row where they all share a conditioning.
    """

    def __init__(self, each: Sequence[Conditioning]) -> None:
        def column(name: str) -> Floats:
            return np.array([[getattr(one, name)] for one in each], dtype=np.float64)

        self.scale, self.spread, self.clip = (
            np.stack([getattr(one, name) for one in each]) for name in ("scale", "spread", "clip")
        )
        self.gap_s, self.keep_s, self.hold_s, self.freeze_s = map(column, ("gap_s", "keep_s", "hold_s", "freeze_s"))
        self.settle_s, self.settle_most_s, self.start_s = map(column, ("settle_s", "settle_most_s", "start_s"))
        self.smooth_s, self.stretch, self.baseline_s = column("smooth_s"), column("stretch"), column("baseline_s")
        self.level_s = _LEVEL_S * self.stretch
        self.pause_s = np.minimum(self.gap_s, self.keep_s)
        self.unit = self.scale * self.spread
        self.odd = column("suspicious") * self.spread
        self.far = column("suspicious") * self.scale * self.spread
        self.memories_s = [(one.smooth_s, one.baseline_s, one.stretch) for one in each]


@lru_cache(maxsize=32)
def _bounds(each: tuple[Conditioning, ...]) -> _Bounds:
    return _Bounds(each)


class Conditioner:
    """Moves the memories of b pumps on. `step` takes a row of each and gives its residuals (b, n) in spreads.

    A pump is conditioned alike, bit for bit, whatever the others are. Nearly always every sensor has a value, is
    settled and calm. Such rows take the short way through each part: it is the number of array operations that costs.

    After `step` the memory says which sensors are `scored` (count just now) and which are `missing`. `conditionings`
    are those of the pumps, or one for all.
    """

    def __init__(self, memory: Memory, conditionings: tuple[Conditioning, ...]) -> None:
        self.memory = memory
        self.came_back: Marks | None = None
        """Which sensors with a part in an alarm came back, at the last step, to a level that they had left."""
        self._c = _bounds(conditionings)

    @classmethod
    def fresh(cls, conditioning: Conditioning) -> "Conditioner":
        """Of one pump that nothing is known of."""
        fresh = cls(Memory(1, conditioning.scale.size), (conditioning,))
        fresh.memory.kept.fill(nan)
        fresh.memory.former.fill(nan)
        fresh.reset()
        return fresh

    def reset(self, which: Marks | bool = True, *, started: bool = False) -> None:
        """Forget everything but what is kept, of the pumps `which` (b, 1).

        `started`: they were seen to start, so they are given longer to settle.
        """
        m, c = self.memory, self._c
        for field in (m.base, m.tracks, m.smooth, m.age_s, m.calm_s, m.frozen_s, m.smooth_age_s, m.again_s, m.waited_s):
            np.copyto(field, 0.0, where=which)
        np.copyto(m.newest, nan, where=which)
        np.copyto(m.former, nan, where=which)
        np.copyto(m.absent_s, inf, where=which)
        np.copyto(m.base_age_s, c.level_s, where=which)
        np.copyto(m.least_s, c.start_s if started else c.settle_s, where=which)
        np.copyto(m.marks, False, where=which)

    def ready(self) -> Marks:
        """Of which pumps (b,) at least one sensor counts, or is only settling on another level."""
        m = self.memory
        if _all(m.scored):
            return np.ones(len(m.scored), dtype=np.bool_)
        ready: Marks = np.logical_or.reduce(m.scored | (m.again & ~m.missing), axis=1)
        return ready

    def outlook(self, used: Marks, watched: Marks, part: float = 0.0) -> tuple[bytes, ...]:
        """Two pumps with the same one are conditioned alike from here on, bit for bit; for one pump.

        With a `part` of a spread they are alike but for that. What no longer matters is left out: how long ago a sensor
        settled, everything of one that is not `used`, and the flat run of one that is not `watched` for such.
        """
        m, c, ((smooth_s, baseline_s, stretch),) = self.memory, self._c, self._c.memories_s
        settles = ~m.settled & used
        most_s = [
            4.0 * (c.gap_s + own_s) for own_s in (_TREND_S * stretch, baseline_s, smooth_s)
        ]  # then memories count
        averages: list[Floats] = [m.base, m.level, m.short, m.smooth * c.scale, np.where(settles, m.trend, 0.0)]
        parts: list[Floats | Marks] = [
            *(averages if not part else (np.round(average / (part * c.unit)) + 0.0 for average in averages)),
            m.former, np.where(np.isfinite(m.former), m.former_s, 0.0), m.newest, m.frozen_s, m.absent_s, m.kept,
            m.flat_value, np.where(watched, m.flat_s, 0.0),
            m.marks, np.where(settles, m.age_s, np.minimum(m.age_s, most_s[0])),
            np.minimum(m.base_age_s, most_s[1]),
            np.minimum(m.smooth_age_s, most_s[2]),
            np.where(settles, np.minimum(m.calm_s, c.settle_s), 0.0),
            np.where(settles, m.least_s, 0.0),
            np.where(settles, m.waited_s, m.waited_s > 0),
            np.where(m.again, m.again_s, 0.0),
            np.where(np.isfinite(m.kept).any(), m.quiet_s, 0.0),
        ]  # fmt: skip
        return tuple(part.tobytes() for part in parts)

    def deviation(self) -> Floats:
        """How far each sensor is from its baseline just now, unsmoothed, in spreads; 0 where it does not count."""
        m, c = self.memory, self._c
        raw: Floats = np.where(m.scored, (m.newest - m.base) / c.unit, 0.0)
        clipped: Floats = np.minimum(np.maximum(raw, -c.clip), c.clip)
        return clipped

    def keep(self, which: Marks) -> Marks:
        """Never take another level of the sensors `which` for their baseline, also not over stops and gaps.

        Those of which the baseline was not kept before.
        """
        m = self.memory
        new: Marks = which & m.settled & np.isnan(m.kept)
        np.copyto(m.kept, m.base, where=new)
        return new

    def let_go(self, which: Marks | bool = True) -> Marks:
        """Let every baseline of the pumps `which` (b, 1) follow again; the sensors of which one was kept."""
        m = self.memory
        held: Marks = np.isfinite(m.kept) & which
        np.copyto(m.frozen_s, 0.0, where=held)  # else it is over at once, on the way back
        np.copyto(m.kept, nan, where=held)
        return held

    def take_level(self) -> Marks:
        """Take the present level of the sensors that deviate as their baseline; which those are."""
        m = self.memory
        off: Marks = m.settled & (np.abs(m.level - m.base) > self._c.far)
        self.let_go()
        self._take_level(off)
        return off

    def resettle(self, which: Marks, pumps: Marks) -> None:
        """Have the sensors `which` of `pumps` (b, 1) settle on the level at which they will calm down."""
        m = self.memory
        self._leave(which & m.settled)
        m.again |= which & m.settled
        m.settled &= ~which
        np.copyto(m.calm_s, 0.0, where=which)
        np.copyto(m.again_s, 0.0, where=pumps)

    def step(self, intervals_s: Sequence[float], values: Floats, smoothed_s: Sequence[float] = ()) -> Floats:
        """Residuals in spreads of a row of values (b, n), NaN for none, so long after the row before of each pump.

        `smoothed_s`: for how long the row of each counts in the smoothing, where that is not its interval.
        """
        m, c = self.memory, self._c
        interval_s = np.array(intervals_s)[:, np.newaxis]
        if np.count_nonzero(interval_s > c.pause_s):
            self.reset((interval_s > c.keep_s) & (m.waited_s[:, :1] > 0))
            gap = interval_s > c.gap_s
            np.copyto(m.smooth_age_s, 0.0, where=gap)
            interval_s = np.where(gap, c.stretch, interval_s)
            intervals_s = interval_s[:, 0].tolist()
            smoothed_s = np.where(gap[:, 0], intervals_s, smoothed_s).tolist() if smoothed_s else ()
        shared = len(c.memories_s) == 1
        memories_s = repeat(c.memories_s[0]) if shared else c.memories_s
        counted = zip(intervals_s, smoothed_s or intervals_s, memories_s)  # noqa: B905
        gains = np.array([_gains(*own_s, *memory_s) for *own_s, memory_s in counted])
        m.waited_s += interval_s
        m.smooth_age_s += interval_s
        fresh = self._take(interval_s, values, gains.T[:3, :, np.newaxis])
        self._settle(interval_s)
        self._follow(interval_s, fresh, gains[:, 3:4], gains[:, 4:5])
        # A smoothing that has just restarted passes bare noise.
        np.logical_and(m.settled & ~m.missing, m.smooth_age_s >= c.smooth_s, out=m.scored)
        np.divide(m.smooth, c.spread, out=m.residuals)
        if not _all(m.scored):
            np.copyto(m.residuals, 0.0, where=~m.scored)
        return m.residuals

    def _take(self, interval_s: Floats, values: Floats, gains: Floats) -> Marks:
        """Note which values there are and follow the level of each."""
        m = self.memory
        fresh = np.isfinite(values)
        whole = _all(fresh)
        first = np.isnan(m.newest)
        if np.count_nonzero(first):
            first &= fresh
            np.copyto(m.base, values, where=first)
            np.copyto(m.tracks, values, where=first)
        if whole:
            m.absent_s.fill(0.0)
            m.missing.fill(False)
            m.newest[:] = values
            m.age_s += interval_s
        else:
            m.absent_s[:] = np.where(fresh, 0.0, m.absent_s + interval_s)
            np.greater(m.absent_s, self._c.hold_s, out=m.missing)
            np.copyto(m.newest, values, where=fresh)
            m.age_s += np.where(fresh, interval_s, 0.0)
        share = interval_s / np.maximum(m.age_s, interval_s)  # a plain mean until the memory is full
        step = np.maximum(share, gains) * (m.newest - m.tracks)
        m.tracks += step if whole else np.where(fresh, step, 0.0)
        return fresh

    def _settle(self, interval_s: Floats) -> None:
        m, c = self.memory, self._c
        if _all(m.settled):
            return
        first = np.abs(m.level - m.trend) < c.unit
        again = np.abs(m.short - m.level) < RESETTLE_SPREADS * c.unit
        calm_s = np.where(np.where(m.again, again, first), m.calm_s + interval_s, 0.0)
        np.copyto(m.calm_s, calm_s, where=~m.settled)
        np.add(m.again_s, interval_s, out=m.again_s, where=m.again)
        waited_s = np.where(m.again, m.again_s, m.age_s)
        calm = (m.again | (m.age_s >= m.least_s)) & (m.calm_s >= c.settle_s)
        now = ~m.settled & (calm | (waited_s >= c.settle_most_s))
        unsettled = ~m.settled
        m.settled |= now
        np.copyto(m.frozen_s, 0.0, where=now & m.again)
        m.again &= ~now
        np.copyto(m.base, m.level, where=unsettled)
        np.copyto(m.base, m.kept, where=now & np.isfinite(m.kept))
        np.copyto(m.smooth, 0.0, where=unsettled)

    def _follow(self, interval_s: Floats, fresh: Marks, smoothing: Floats, following: Floats) -> None:
        """Smooth the residual; let the baseline follow unless its sensor is suspicious."""
        m, c, live = self.memory, self._c, fresh & self.memory.settled
        is_live = _all(live)
        z = np.minimum(np.maximum((m.newest - m.base) / c.scale, -c.clip), c.clip)
        gain = np.maximum(smoothing, np.minimum(1.0, interval_s / m.smooth_age_s))
        step = gain * (z - m.smooth)
        m.smooth += step if is_live else np.where(live, step, 0.0)
        odd = np.abs(m.smooth) > c.odd
        is_odd = np.count_nonzero(odd) > 0
        m.base_age_s += interval_s if is_live else np.where(live, interval_s, 0.0)
        step = np.maximum(following, interval_s / m.base_age_s) * c.scale * z
        m.base += step if is_live and not is_odd else np.where(live & ~odd, step, 0.0)
        if is_odd or np.count_nonzero(m.frozen_s):
            self._freeze(interval_s, odd)
        known = np.isfinite(m.former)
        if np.count_nonzero(known):
            self._come_back(interval_s, odd & known)

    def _freeze(self, interval_s: Floats, odd: Marks) -> None:
        """Count how long sensors are suspicious; at last take their present level."""
        m = self.memory
        # Counted down, not off: a deviation that swings through zero to another is still the same trouble.
        np.maximum(m.frozen_s + np.where(odd, interval_s, -interval_s), 0.0, out=m.frozen_s)
        stuck = (m.frozen_s > self._c.freeze_s) & np.isnan(m.kept)
        if np.count_nonzero(stuck):
            self._leave(stuck)
            self._take_level(stuck)

    def _leave(self, which: Marks) -> None:
        """Remember the baseline of the sensors `which`, which take another."""
        np.copyto(self.memory.former, self.memory.base, where=which)
        np.copyto(self.memory.former_s, 0.0, where=which)

    def _come_back(self, interval_s: Floats, odd: Marks) -> None:
        """Have the sensors that are `odd` because they are on the level again that they had left go on from it."""
        m, c = self.memory, self._c
        m.former_s += interval_s
        np.copyto(m.former, nan, where=m.former_s > REMEMBERED * c.baseline_s)
        with np.errstate(invalid="ignore"):
            back = odd & m.settled & (np.abs(m.short - m.former) < RESETTLE_SPREADS * c.unit)
        if not np.count_nonzero(back):
            return
        released = self.let_go(back)
        self.came_back = released if np.count_nonzero(released) else None
        np.copyto(m.level, m.former, where=back)
        np.copyto(m.former, nan, where=back)
        self._take_level(back)

    def _take_level(self, which: Marks) -> None:
        m = self.memory
        np.copyto(m.base, m.level, where=which)
        np.copyto(m.smooth, 0.0, where=which)
        np.copyto(m.frozen_s, 0.0, where=which)
        np.copyto(m.base_age_s, self._c.level_s, where=which)


def _all(which: Marks) -> bool:
    return bool(np.count_nonzero(which) == which.size)  # all() takes five times as long


@lru_cache(maxsize=256)  # a recording has one interval, a link a new one each scan
def _gains(
    interval_s: float, smoothed_s: float, smooth_s: float, baseline_s: float, stretch: float
) -> tuple[float, ...]:
    """What a step of so long adds of the difference to level, trend, short, smoothing and baseline.

    One by one: NumPy's own exp may differ in the last bit by the place of a number in an array.
    """
    tracks = (1.0 - exp(-(interval_s / stretch) / memory_s) for memory_s in (_LEVEL_S, _TREND_S, _SHORT_S))
    return (*tracks, 1.0 - exp(-smoothed_s / smooth_s), 1.0 - exp(-interval_s / baseline_s))
