"""Derived quantities of one pump: which there are, what is wanted for the others, and their values with quality."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.counters import Instant, PumpCounters, shown_totals
from pumpwatch_gui.domain.pump.profile import Limits, Nameplate, PumpProfile, Sensor
from pumpwatch_gui.domain.pump.quantities import COUNTERS, QUANTITIES, Counter, Quantity
from pumpwatch_gui.domain.pump.running import run_rule, state_of, states_of
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.arrays import read_only
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import BAD_CODE, Quality, Reason

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Missing:
    """A quantity that a pump does not have, and what it wants: nameplate keys, and tags that no sensor gives."""

    tag: str
    label: str
    plate: tuple[str, ...]
    tags: tuple[str, ...]


def with_derived(profile: PumpProfile, limits: Mapping[str, Limits] | None = None) -> PumpProfile:
    """The profile with every quantity that its sensors and nameplate give, and the limits of those by tag."""
    own = limits or {}
    rows: tuple[Quantity | Counter, ...] = _quantities(profile) + _counters(profile)
    sensors = tuple(replace(_sensor(row, profile.nameplate), limits=own.get(row.tag, Limits())) for row in rows)
    return replace(profile, derived=sensors)


def missing(profile: PumpProfile) -> tuple[Missing, ...]:
    """What the pump does not have of all that can be derived, and why; each quantity once."""
    there = {tag.casefold() for tag in profile.quantity_tags}
    lacking: dict[str, Missing] = {}
    for row in QUANTITIES:
        if row.tag in there:
            continue
        above = [lacking[tag] for tag in row.inputs if tag in lacking]
        plate = [key for key in row.plate if getattr(profile.nameplate, key) is None]
        tags = [tag for tag in row.inputs if tag not in lacking and tag not in there]
        plate += [key for one in above for key in one.plate]
        tags += [tag for one in above for tag in one.tags]
        found = Missing(row.tag, row.label, tuple(dict.fromkeys(plate)), tuple(dict.fromkeys(tags)))
        before = lacking.get(row.tag)
        if before is None or len(found.tags) <= len(before.tags):  # the way that lacks fewer sensors
            lacking[row.tag] = found
    for counter in COUNTERS:
        if counter.tag not in there:
            above = [lacking[tag] for tag in counter.needs if tag in lacking]
            tags = [tag for one in above for tag in one.tags]
            tags += [] if run_rule(profile) else ["motor_rpm or motor_current_a"]
            plate = list(dict.fromkeys(key for one in above for key in one.plate))
            lacking[counter.tag] = Missing(counter.tag, counter.label, tuple(plate), tuple(dict.fromkeys(tags)))
    return tuple(lacking.values())


def _quantities(profile: PumpProfile) -> tuple[Quantity, ...]:
    own = {tag.casefold() for tag in profile.tags}  # what is measured is not computed
    there, chosen = set(own), list[Quantity]()
    for row in QUANTITIES:
        has_plate = all(getattr(profile.nameplate, key) is not None for key in row.plate)
        if row.tag not in there and has_plate and there.issuperset(row.inputs):
            there.add(row.tag)
            chosen.append(row)
    return tuple(chosen)


def _counters(profile: PumpProfile) -> tuple[Counter, ...]:
    if run_rule(profile) is None:
        return ()
    own = {tag.casefold() for tag in profile.tags}
    there = own | {row.tag for row in _quantities(profile)}
    return tuple(c for c in COUNTERS if c.tag not in own and there.issuperset(c.needs))


def _sensor(row: Quantity | Counter, plate: Nameplate) -> Sensor:
    if isinstance(row, Counter):
        return Sensor(row.tag, row.label, row.unit, row.span, row.resolution, is_counter=True)
    low, high = row.span(plate)
    span, normal = (round(low, 1), round(high, 1)), row.normal(plate)
    if normal is not None:
        normal = max(normal[0], span[0]), min(normal[1], span[1])
        normal = normal if normal[0] < normal[1] else None
    return Sensor(row.tag, row.label, row.unit, span, row.resolution, normal, states=row.states)


class DerivedQuantities:
    """Computes what a profile names as derived, of one frame or of many. Its columns are those of `profile.derived`.

    A derived value has the worst quality of the sensors behind it, with the reason of the first that has it, and the
    time of their frame. What is not a number, like a ratio of a stopped pump, is BAD.
    """

    def __init__(self, profile: PumpProfile) -> None:
        self.profile = profile
        self._rows = tuple(row for row in _quantities(profile) if row.tag in profile.quantity_tags)
        self.instant_tags = tuple(row.tag for row in self._rows)
        self.counters = tuple(c for c in _counters(profile) if c.tag in profile.quantity_tags)
        self._rule = run_rule(profile)
        columns = {tag: i for i, tag in enumerate((*(t.casefold() for t in profile.tags), *self.instant_tags))}
        self._calls: tuple[tuple[Callable[..., Floats], tuple[int, ...]], ...] = tuple(
            (row.function, tuple(columns[tag] for tag in row.inputs)) for row in self._rows
        )
        self._leaves = self._leaf_table(columns)
        self._only_running = np.array([row.only_running for row in self._rows], dtype=np.bool_)
        self._zone = columns.get("vibration_zone", -1)
        self._ratio = columns.get("flow_ratio_percent", -1)
        self._counter_leaves = [self._leaf_of_counter(c, columns) for c in self.counters]

    @property
    def size(self) -> int:
        """How many sensors a frame must have."""
        return len(self.profile.tags)

    @property
    def leaf_tags(self) -> tuple[str, ...]:
        """The sensors that anything is computed from, in the order of the profile."""
        used = {int(i) for i in self._leaves.ravel()} | {i for leaves in self._counter_leaves for i in leaves}
        return tuple(tag for i, tag in enumerate(self.profile.tags) if i in used)

    def behind(self, tags: Collection[str]) -> frozenset[str]:
        """The sensors that these quantities of an instant are computed from."""
        chosen = [i for i, tag in enumerate(self.instant_tags) if tag in tags]
        return frozenset(self.profile.tags[i] for i in self._leaves[chosen].ravel().tolist())

    def evaluate(self, values: Floats) -> Floats:
        """The quantities of an instant (m, d) of sensor values (m, n); NaN where one is BAD or does not exist."""
        columns = list(values.T)
        plate = self.profile.nameplate
        with np.errstate(all="ignore"):
            for function, inputs in self._calls:
                columns.append(function(plate, *(columns[i] for i in inputs)))
        if not self._calls:
            return np.empty((len(values), 0))
        found = np.stack(columns[values.shape[1] :], axis=1)
        found[~np.isfinite(found)] = np.nan
        runs = self._runs(values)
        if not runs.all():
            found[np.ix_(~runs, self._only_running)] = np.nan
        return found

    def whole(self, frame: Frame, counters: PumpCounters | None = None) -> Frame:
        """The frame with the derived values behind those of the sensors. `counters` is stepped by it.

        Raises ValueError for a frame that is not one of the profile.
        """
        if frame.values.size != self.size:
            raise ValueError(f"a frame of {self.size} sensors was expected, not of {frame.values.size}")
        state = state_of(frame, self.profile.tags, self._rule)
        found = self._evaluated(frame.values, is_running=state is RunState.RUNNING)
        quality, reason = self._judged(frame)
        no_value = np.isnan(found)
        if no_value.any():
            no_value &= quality != BAD_CODE
            quality[no_value] = BAD_CODE
            reason[no_value] = Reason.NOT_A_NUMBER
            if state is RunState.STANDBY:
                reason[no_value & self._only_running] = Reason.NOT_RUNNING
        found[quality == BAD_CODE] = np.nan
        parts = [(found, quality, reason)]
        if self.counters and counters is not None:
            counters.step(frame.mono_ns, self._instant(state, np.concatenate([frame.values, found])))
            parts.append(self._counted(frame, counters))
        columns = [np.concatenate([own, *(part[i] for part in parts)])
                   for i, own in enumerate((frame.values, frame.quality, frame.reason))]  # fmt: skip
        values, qualities, reasons = map(read_only, columns)
        return Frame(frame.pump_id, frame.seq, frame.time_ns, frame.mono_ns, values, qualities, reasons)

    def _evaluated(self, values: Floats, *, is_running: bool) -> Floats:
        """As `evaluate`, of one row (n,): in bare numbers, for NumPy takes ten times as long, and each scan asks."""
        columns, plate = cast(list[float], values.tolist()), self.profile.nameplate
        for function, inputs in self._calls:
            try:
                columns.append(cast(float, function(plate, *[columns[i] for i in inputs])))
            except ZeroDivisionError:
                columns.append(nan)
        found = np.array(columns[self.size :])
        found[~np.isfinite(found)] = nan
        if not is_running:
            found[self._only_running] = nan
        return found

    def replay(self, counters: PumpCounters, time_ns: Sequence[int], values: Floats) -> None:
        """Count recorded readings (m, n), NaN where BAD, at these times (m,) as if they came now."""
        rows = np.column_stack([values, self.evaluate(values)])
        states = states_of(values, self.profile.tags, self._rule)
        for at_ns, state, row in zip(time_ns, states, rows, strict=True):
            counters.step(at_ns, self._instant(state, row))

    def _instant(self, state: RunState, row: Floats) -> Instant:
        """What the counters need of sensors and quantities of an instant (n + d,)."""
        zone = float(row[self._zone]) if self._zone >= 0 else np.nan
        ratio = float(row[self._ratio]) if self._ratio >= 0 else np.nan
        return Instant(state, zone, ratio / 100.0)

    # ---------------------------------------------------------------- quality

    def _judged(self, frame: Frame) -> tuple[Codes, Codes]:
        """Quality and reason of each quantity: the worst of the sensors behind it."""
        if not frame.quality.any() or not self._leaves.size:
            none = np.zeros(len(self._leaves), dtype=np.uint8)
            return none, none.copy()
        behind = frame.quality[self._leaves]
        worst = behind.argmax(axis=1)[:, np.newaxis]
        quality = np.take_along_axis(behind, worst, axis=1)[:, 0]
        return quality, np.take_along_axis(frame.reason[self._leaves], worst, axis=1)[:, 0]

    def _counted(self, frame: Frame, counters: PumpCounters) -> tuple[Floats, Codes, Codes]:
        """Values, quality and reason of the counters after a frame."""
        totals = counters.totals
        values = np.array(shown_totals(self.counters, totals, counters.starts_per_hour(frame.mono_ns)))
        quality, reason = (np.zeros(values.size, dtype=np.uint8) for _ in range(2))
        if totals is None:
            quality[:], reason[:] = Quality.BAD, Reason.WAITING_FOR_INITIAL_DATA
        elif frame.quality.any():
            for i, leaves in enumerate(self._counter_leaves):
                worst = max(leaves, key=lambda at: int(frame.quality[at]))
                quality[i], reason[i] = frame.quality[worst], frame.reason[worst]
        values[quality == BAD_CODE] = np.nan
        return values, quality, reason

    def _runs(self, values: Floats) -> NDArray[np.bool_]:
        if self._rule is None:
            return np.ones(len(values), dtype=np.bool_)
        runs: NDArray[np.bool_] = values[:, self.profile.tags.index(self._rule.tag)] > self._rule.above
        return runs

    # ---------------------------------------------------------------- the sensors behind a quantity

    def _leaf_table(self, columns: Mapping[str, int]) -> NDArray[np.intp]:
        """The sensors behind each quantity, in rows of one length (the first repeated)."""
        leaves: list[list[int]] = [[i] for i in range(self.size)]
        for row in self._rows:
            own = {leaf for tag in row.inputs for leaf in leaves[columns[tag]]}
            if row.only_running and self._rule is not None:
                own.add(self.profile.tags.index(self._rule.tag))
            leaves.append(sorted(own))
        behind = leaves[self.size :]
        width = max((len(one) for one in behind), default=0)
        table = [[*one, *one[:1] * (width - len(one))] for one in behind]
        return np.array(table, dtype=np.intp).reshape(len(behind), width)

    def _leaf_of_counter(self, counter: Counter, columns: Mapping[str, int]) -> Sequence[int]:
        assert self._rule is not None  # or there is no counter
        own = {self.profile.tags.index(self._rule.tag)}
        for tag in counter.needs:
            at = columns[tag]
            own |= {at} if at < self.size else set(self._leaves[at - self.size].tolist())
        return sorted(own)
