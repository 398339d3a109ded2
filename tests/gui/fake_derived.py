"""Derived quantities and counters of a fake station."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.counters import CounterTotals, PumpCounters
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.pump.quantities import COUNTERS
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.domain.values.trace import TraceRing

_BY_TAG = {counter.tag: counter for counter in COUNTERS}


def counters_of(profile: PumpProfile) -> PumpCounters:
    """A pump that has run for 142 days in its life and was started 97 times."""
    counters = PumpCounters(profile.nameplate.preferred_region)
    counters.take_up(CounterTotals(3417.6 * 3600, 97, 12.25 * 3600, 41.5 * 3600), was_running=None)
    return counters


def whole_frames(derived: DerivedQuantities, frames: Sequence[Frame]) -> Iterator[Frame]:
    """Frames with what is derived of them, all at once: one by one takes a quarter of a second. Counters are BAD."""
    own = np.array([frame.values for frame in frames]).reshape(-1, derived.size)
    counted = np.full((len(own), len(derived.counters)), np.nan)
    for frame, rest in zip(frames, np.column_stack([derived.evaluate(own), counted]), strict=True):
        is_bad = np.isnan(rest)
        quality = np.concatenate([frame.quality, np.where(is_bad, Quality.BAD, Quality.GOOD).astype(np.uint8)])
        reason = np.concatenate([frame.reason, np.where(is_bad, Reason.NOT_RUNNING, Reason.NONE).astype(np.uint8)])
        yield replace(frame, values=np.concatenate([frame.values, rest]), quality=quality, reason=reason)


def set_counters(counters: PumpCounters, values: Mapping[str, float]) -> None:
    """Set these by their tags, in their units. Raises InputError."""
    try:
        counters.set_totals({_BY_TAG[tag].total: x * _BY_TAG[tag].per_unit for tag, x in values.items()})
    except (KeyError, ValueError) as error:
        raise InputError(f"not set: {error}") from None


def put_past(
    ring: TraceRing, derived: DerivedQuantities, counters: PumpCounters, scans: Sequence[tuple[Frame, float]]
) -> Frame:
    """Put scans with their scores into the trace of a pump, oldest first; the last of them, whole."""
    frames = [frame for frame, _ in scans]
    for whole, (_, score) in zip(whole_frames(derived, frames), scans, strict=True):
        ring.append(whole, score)
    return derived.whole(frames[-1], counters)


def limited(profile: PumpProfile, limits: Mapping[str, Limits]) -> PumpProfile:
    """The profile with these limits by tag."""

    def each(sensors: Sequence[Sensor]) -> tuple[Sensor, ...]:
        return tuple(replace(s, limits=limits[s.tag]) if s.tag in limits else s for s in sensors)

    return replace(profile, sensors=each(profile.sensors), derived=each(profile.derived))
