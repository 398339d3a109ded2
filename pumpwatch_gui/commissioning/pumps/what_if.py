"""What other limits would have done: a pump's stored past judged by the present limits and by the proposed ones."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile
from pumpwatch_gui.domain.pump.running import run_rule, states_of
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.judge.sources.limit_replay import Past, PastEpisode, replay
from pumpwatch_gui.judge.sources.rule_replay import PumpPast

DAY_NS = 86_400 * 10**9
_READ = 0.7
"""The part of the work that reading is."""

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class JudgedPast:
    """What limits would have done: their alarms, and for how many seconds at least one of them was active."""

    episodes: tuple[PastEpisode, ...]
    active_s: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The past from `start_ns` to `end_ns` (Unix UTC) under the `present` limits and the `proposed` ones.

    `hours` of it had a value. `gained` and `lost` are stretches of alarm that only the proposed or only the present
    limits have.
    """

    start_ns: int
    end_ns: int
    hours: float
    present: JudgedPast
    proposed: JudgedPast
    gained: tuple[PastEpisode, ...]
    lost: tuple[PastEpisode, ...]


def what_if(
    history: Historian, pump_id: str, profile: PumpProfile, tag: str, proposed: Limits, *,
    start_ns: int, end_ns: int, progress: Progress = lambda part: None,
) -> WhatIf:  # fmt: skip
    """Judge what the history has of one quantity, from `start_ns` up to `end_ns`, twice.

    `progress` gets the part done; what it raises ends the work. Raises InputError where there is nothing to judge:
    a tag that is not there, a counter, a span without readings; StoreError.
    """
    if tag not in profile.quantity_tags:
        raise InputError(f"{pump_id} has no quantity {tag}", "choose one of the list")
    read = read_past(history, pump_id, profile, (tag,), start_ns, end_ns, lambda part: progress(_READ * part))
    past = Past(read.time_ns, read.values[:, 0], read.states)
    seconds = np.minimum(np.diff(past.time_ns, append=past.time_ns[-1:]) / 1e9, 60.0)
    hours = float(seconds[np.isfinite(past.values)].sum()) / 3600
    if not np.isfinite(past.values).any():
        raise InputError(f"{tag} of {pump_id} had no value in that time", "choose a longer time")
    sensor = profile.quantities[profile.quantity_tags.index(tag)]
    half = (1 - _READ) / 2
    old = replay(sensor, sensor.limits, past, progress=lambda part: progress(_READ + half * part))
    new = replay(sensor, proposed, past, progress=lambda part: progress(_READ + half * (1 + part)))
    progress(1.0)
    first_ns, last_ns = int(past.time_ns[0]), int(past.time_ns[-1])
    return WhatIf(
        first_ns, last_ns, hours, JudgedPast(old, _active_s(old)), JudgedPast(new, _active_s(new)), _only(new, old),
        _only(old, new),
    )  # fmt: skip


def read_past(
    history: Historian, pump_id: str, profile: PumpProfile, tags: Sequence[str], start_ns: int, end_ns: int,
    progress: Progress,
) -> PumpPast:  # fmt: skip
    """What the history has of these tags, day by day, so that memory holds their columns and a day.

    Raises InputError for a counter and for a span without readings.
    """
    derived, rule = DerivedQuantities(profile), run_rule(profile)
    own, instant = [t for t in tags if t in profile.tags], [t for t in tags if t in derived.instant_tags]
    for tag in tags:
        if tag not in own and tag not in instant:
            text = f"{tag} counts on from value to value: its past cannot be judged"
            raise InputError(text, "choose another quantity")
    times, values, states = list[NDArray[np.int64]](), list[NDArray[np.float64]](), list[RunState]()
    for at_ns in range(start_ns, end_ns, DAY_NS):
        progress((at_ns - start_ns) / (end_ns - start_ns))
        try:
            read = history.recording(pump_id, profile, start_ns=at_ns, end_ns=min(at_ns + DAY_NS, end_ns))
        except InputError:
            continue  # a day without readings
        times.append(np.round(read.time_s * 1e9).astype(np.int64))
        found = derived.evaluate(read.values) if instant else read.values
        columns = [
            read.values[:, profile.tags.index(t)] if t in own else found[:, derived.instant_tags.index(t)] for t in tags
        ]
        values.append(np.column_stack(columns))
        states += states_of(read.values, profile.tags, rule)
    if not times:
        raise InputError(f"{pump_id} has no readings in that time", "choose a longer time")
    return PumpPast(np.concatenate(times), np.concatenate(values), states)


def stretches(episodes: Iterable[PastEpisode]) -> list[tuple[int, int]]:
    """When at least one was active, from and to in Unix ns, in order."""
    found: list[tuple[int, int]] = []
    for episode in sorted(episodes, key=lambda e: e.start_ns):
        if found and episode.start_ns <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], episode.end_ns)
        else:
            found.append((episode.start_ns, episode.end_ns))
    return found


def _active_s(episodes: Iterable[PastEpisode]) -> float:
    return sum(end - start for start, end in stretches(episodes)) / 1e9


def _only(these: Iterable[PastEpisode], those: Iterable[PastEpisode]) -> tuple[PastEpisode, ...]:
    """Those of `these` that overlap none of `those` on the same side, in order."""
    sides = {is_high: stretches(e for e in those if e.is_high is is_high) for is_high in (False, True)}

    def overlaps(one: PastEpisode) -> bool:
        others = sides[one.is_high]
        last = bisect_right(others, one.end_ns, key=itemgetter(0)) - 1  # the last that begins before its end
        return last >= 0 and others[last][1] >= one.start_ns

    return tuple(one for one in sorted(these, key=lambda e: e.start_ns) if not overlaps(one))
