"""Stretches of a commissioning span that look like a fault: found, left out and named.

One fault that was missed while the pump was commissioned widens its limits two- or threefold, and half of the later
faults are not detected. The rule: blocks of two minutes whose 90th percentile is out of line with that of the others.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.wording import minute
from pumpwatch_gui.infer.detectors.chart import power_mean

Floats = NDArray[np.float64]

BLOCK_S, ROWS_OF_BLOCK = 120.0, 8
"""With twelve rows a pump that is read once a minute had too few blocks in its first hours: one fault in them, and it
was not armed for a day."""
LEAST_BLOCKS = 12
MOST_MADS = 2.5
_GAUSS = 1.4826
TIMES = 2.0
"""A block whose deviation is less than so many times the ordinary one is no fault, however calm the others are."""
APART_S = 900.0
OFTEN = 3
"""What comes back so often is the way of the pump, not a fault of it."""
MOST_PART = 0.4
"""When more than this part is out of line, which part is the healthy one cannot be known."""


@dataclass(frozen=True, slots=True)
class SuspiciousSpan:
    """A stretch that is left out, in Unix seconds, and the sensor (its index) that deviates most in it."""

    start_s: float
    end_s: float
    sensor: int

    def words(self, profile: PumpProfile) -> str:
        """For people: `2026-03-01 12:02 to 12:17 (flow)`."""
        start, end = minute(round(self.start_s * 1e9)), minute(round(self.end_s * 1e9))
        end = end[len("2026-03-01 ") :] if start[:10] == end[:10] else end
        return f"{start} to {end} ({profile.sensors[self.sensor].label.lower()})"

    def holds(self, time_s: Floats) -> NDArray[np.bool_]:
        """Which times (m,) lie in it."""
        inside: NDArray[np.bool_] = (time_s >= self.start_s) & (time_s <= self.end_s)
        return inside


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The scored rows of one recording: rising times (m,) in seconds and deviations (m, n). Never written to."""

    time_s: Floats
    deviations: Floats


def suspicious_spans(tracks: Sequence[Scored], *, period_s: float) -> tuple[SuspiciousSpan, ...]:
    """The stretches of the tracks that are out of line with all the rest, in the order of time within each track."""
    block_s = max(BLOCK_S, ROWS_OF_BLOCK * period_s)
    ordinary = _ordinary(tracks)
    blocks = [
        block for track in tracks for block in _blocks(Scored(track.time_s, track.deviations / ordinary), block_s)
    ]
    if len(blocks) < LEAST_BLOCKS:
        return ()
    height = np.log(np.array([max(float(np.percentile(power_mean(b.deviations), 90.0)), 1e-9) for b in blocks]))
    middle = float(np.median(height))
    mad = _GAUSS * float(np.median(np.abs(height - middle)))
    odd = (height > middle + MOST_MADS * mad) & (height > middle + np.log(TIMES))
    if not odd.any() or odd.mean() > MOST_PART:
        return ()
    return tuple(_joined([b for b, is_odd in zip(blocks, odd.tolist(), strict=True) if is_odd], block_s))


def without_habits(spans: Sequence[SuspiciousSpan]) -> tuple[SuspiciousSpan, ...]:
    """The spans in the order of time, without those of a sensor that is often out of line; overlaps as one."""
    merged = list[SuspiciousSpan]()
    for span in spans:
        if merged and merged[-1].sensor == span.sensor and span.start_s <= merged[-1].end_s:
            merged[-1] = replace(merged[-1], end_s=max(merged[-1].end_s, span.end_s))
        else:
            merged.append(span)
    often = Counter(span.sensor for span in merged)
    return tuple(span for span in merged if often[span.sensor] < OFTEN)


def _ordinary(tracks: Sequence[Scored]) -> Floats:
    """The ordinary deviation of each sensor (n,): a median, for a mean would be that of the fault."""
    if not tracks:
        return np.ones(1)
    ordinary: Floats = np.median(np.concatenate([track.deviations for track in tracks]), axis=0)
    return np.where(ordinary > 0, ordinary, max(float(ordinary.max()), 1e-9))


def _blocks(track: Scored, block_s: float) -> list[Scored]:
    if not track.time_s.size:
        return []
    numbers = np.floor((track.time_s - track.time_s[0]) / block_s)
    cuts = np.flatnonzero(np.diff(numbers) > 0) + 1
    times, deviations = np.split(track.time_s, cuts), np.split(track.deviations, cuts)
    return [Scored(t, d) for t, d in zip(times, deviations, strict=True) if t.size > 1]


def _joined(blocks: Sequence[Scored], block_s: float) -> list[SuspiciousSpan]:
    """Blocks next to each other as one span, a block's length wider: a fault comes and goes slowly."""
    groups = [[blocks[0]]]
    for block in blocks[1:]:
        apart_s = block.time_s[0] - groups[-1][-1].time_s[-1]
        if 0 <= apart_s <= max(APART_S, 2 * block_s):
            groups[-1].append(block)
        else:
            groups.append([block])
    return [
        SuspiciousSpan(
            float(group[0].time_s[0]) - block_s,
            float(group[-1].time_s[-1]) + block_s,
            int(np.argmax(np.concatenate([b.deviations for b in group]).mean(axis=0))),
        )
        for group in groups
    ]
