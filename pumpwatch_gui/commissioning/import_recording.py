"""A recording of another system as history of a pump: what was understood of it, then its readings in the archive."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.commands import COMMANDS, CancelImport, ImportReadings, Order
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import Event, OrderDone
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.domain.wording import minute, number
from pumpwatch_gui.files.atomic import atomic_file
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import held
from pumpwatch_gui.files.recordings.reading import read_recording
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.ids import EPOCH_MS
from pumpwatch_gui.store.importing import MINUTE_MS, stored_minutes, write_readings

COMMAND = COMMANDS[ImportReadings].name
"""What it is called in the audit log."""
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """What was understood of a sensor: the `name` of its column ("": it has none), its values and empty cells.

    `low` and `high` are NaN without a value; `outside` values are not taken over.
    """

    sensor: Sensor
    name: str
    low: float
    high: float
    empty: int
    outside: int


@dataclass(frozen=True, slots=True, eq=False)
class ImportPlan:
    """What an import would take over of `recording`: readings with `values` (m, n) of `profile`.

    `time_ns` (m,) is when they were taken (Unix UTC), by the millisecond.
    `in_the_way` counts the rows of minutes of which the history has readings. `outside` is, by tag, how many values lie
    outside what the sensor can report, with the farthest: they are not taken over.
    """

    pump_id: str
    profile: PumpProfile
    recording: Recording
    time_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    in_the_way: int
    outside: Mapping[str, tuple[int, float]]

    @property
    def columns(self) -> tuple[PlannedColumn, ...]:
        """What was understood of each sensor of the pump, in its order."""
        understood = self.recording.understood
        names = dict(understood.columns) if understood is not None else {tag: tag for tag in self.profile.tags}
        return tuple(self._planned(i, names.get(tag, "")) for i, tag in enumerate(self.profile.tags))

    def _planned(self, at: int, name: str) -> PlannedColumn:
        sensor, values = self.profile.sensors[at], self.recording.values[:, at]
        good = values[np.isfinite(values)]
        low, high = (float(good.min()), float(good.max())) if good.size else (nan, nan)
        return PlannedColumn(
            sensor, name, low, high, values.size - good.size, self.outside.get(sensor.tag, (0, 0.0))[0]
        )

    @property
    def span_words(self) -> str:
        """How many readings of when, and how far apart."""
        time_s = self.recording.time_s
        start_ns, end_ns = (round(time_s[i] * 1e9) for i in (0, -1))
        step_s = float(np.median(np.diff(time_s))) if time_s.size > 1 else 0.0
        return f"{time_s.size:,} readings from {minute(start_ns)} to {minute(end_ns)}, {step_s:g} s apart"

    def words(self) -> Iterator[str]:
        """What was understood, a line each."""
        recording = self.recording
        yield f"{recording.path} → history of {self.pump_id}"
        if recording.understood is not None:
            yield f"read as {recording.understood.words()}"
            for column in self.columns:
                if column.name:
                    yield f"  {column.name} → {column.sensor.tag} ({_values(column)})"
            if recording.understood.unused:
                yield f"  not taken over: {', '.join(recording.understood.unused)}"
        if recording.missing:
            yield f"  without a column: {', '.join(recording.missing)}"
        yield self.span_words
        yield from recording.notes
        for tag, (count, farthest) in self.outside.items():
            sensor = self.profile.sensors[self.profile.index(tag)]
            span = " to ".join(number(end, sensor.decimals) for end in sensor.span)
            yield f"{count:,} values of {tag} are outside {span} {sensor.unit} (as {farthest:g}): not taken over"
        if self.in_the_way:
            yield f"{self.in_the_way:,} readings are of minutes of which there is history of {self.pump_id}"


def _values(column: PlannedColumn) -> str:
    if isnan(column.low):
        return "no values"
    return f"{column.low:g} to {column.high:g} {column.sensor.unit}, {column.empty:,} empty"


def plan_import(
    path: Path, home: Home, site: Site, pump_id: str, choices: FormatChoices, *, now_ns: int | None = None
) -> ImportPlan:
    """Read a recording and say what would be taken over. Nothing is written.

    Raises InputError for a file that cannot be read, a pump that the site has not, and readings of before 2020 or of
    the future; StoreError when the history cannot be read.
    """
    pump = site.pump(pump_id)
    if pump is None:
        known = ", ".join(p.pump_id for p in site.pumps) or "none"
        raise InputError(f"the site has no pump {pump_id}", f"name one of it: {known}")
    recording = read_recording(path, pump.profile, choices)
    first_ns, last_ns = (round(recording.time_s[i] * 1e9) for i in (0, -1))
    if first_ns // 1_000_000 < EPOCH_MS:
        raise InputError(
            f"{path}: its first reading is of {minute(first_ns)}, a history begins with 2020",
            "if the times are wrong, say how they are written (date order, numeric times); else cut the file",
        )
    if last_ns > (now_ns if now_ns is not None else time.time_ns()):
        raise InputError(
            f"{path}: its last reading is of {minute(last_ns)}, which is in the future",
            "say of which time zone its times are, or how they are written (date order)",
        )
    ms = np.round(recording.time_s * 1e3).astype(np.int64)
    own = np.concatenate(([True], np.diff(ms) > 0))
    stored = np.isin(ms // MINUTE_MS, stored_minutes(home.database, pump_id, first_ns, last_ns))
    values, outside = _within_spans(recording.values, pump.profile)
    is_empty = np.isnan(values).all(axis=1)
    taken = own & ~stored & ~is_empty
    time_ns = ms[taken] * 1_000_000
    return ImportPlan(pump_id, pump.profile, recording, time_ns, values[taken], int(stored.sum()), outside)


def carry_out(
    plan: ImportPlan, home: Home, site: Site, *, actor: str, around: bool = False,
    progress: Callable[[float], None] = lambda share: None, cancelled: threading.Event | None = None,
) -> int:  # fmt: skip
    """Write what was planned, and the line of the audit log; how many readings that are.

    `around`: leave out what is of minutes with history, instead of refusing. `progress` gets the share that is written.
    A cancelled import has written whole days, which the audit line says. Raises InputError when there is nothing to
    write, something in the way, or a program has the home; StoreError when the disk refuses.
    """
    _refuse_in_the_way(plan, around=around)
    if not plan.time_ns.size:
        raise InputError(f"{plan.recording.path.name} has nothing that is not in the history", "nothing was written")
    written = 0
    home.prepare()
    with held(home.path, COMMAND):
        _store(home, site).close()  # makes or upgrades the database, and lets it know the pumps
        try:
            for written in write_readings(home.database, plan.pump_id, plan.profile.tags, plan.time_ns, plan.values):
                progress(written / plan.time_ns.size)
                if cancelled is not None and cancelled.is_set():
                    break
        finally:
            _note(plan, home, site, plan.time_ns[:written], actor)
    return written


def staged(plan: ImportPlan, home: Home) -> ImportReadings:
    """Put what was planned where a running program finds it, as the command to give it. Blocks.

    Raises InputError when there is nothing to write, or the file cannot be written.
    """
    if not plan.time_ns.size:
        raise InputError(f"{plan.recording.path.name} has nothing that is not in the history", "nothing was ordered")
    used = np.flatnonzero(np.isfinite(plan.values).any(axis=0))
    table = np.column_stack((plan.time_ns // 1_000_000, plan.values[:, used]))
    name = f"{os.urandom(8).hex()}.npy"
    try:
        home.imports.mkdir(mode=0o700, exist_ok=True)
        with atomic_file(home.imports / name) as file:
            np.save(file, table, allow_pickle=False)
    except OSError as error:
        text = f"the readings of {plan.recording.path.name} cannot be put in {home.imports}: {error.strerror or error}"
        raise InputError(text, "free space there or correct its permissions") from error
    tags = tuple(plan.profile.tags[i] for i in used.tolist())
    return ImportReadings(plan.pump_id, plan.recording.path.name, name, tags)


def order_import(
    plan: ImportPlan, home: Home, station: Station, *, actor: str, around: bool = False,
    progress: Callable[[float], None] = lambda share: None, cancelled: threading.Event | None = None,
) -> OrderDone:  # fmt: skip
    """As `carry_out`, by the program that has the home: `station` is its station. Blocks; what came of it."""
    _refuse_in_the_way(plan, around=around)
    order = Order(staged(plan, home), actor)
    outcome: list[OrderDone] = []
    ended = threading.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, OrderDone) and event.order_id == order.id:
            outcome.append(event)
            ended.set()

    subscription = station.subscribe(on_event)
    try:
        station.submit(order)
        is_cancelling = False
        while not ended.wait(LOOK_EVERY_S):
            view = station.latest().importing
            if view is not None and view.order_id == order.id:
                progress(view.done / view.total)
                if cancelled is not None and cancelled.is_set() and not is_cancelling:
                    is_cancelling = True
                    station.submit(Order(CancelImport(), actor))
    finally:
        subscription.close()
    return outcome[0]


def _refuse_in_the_way(plan: ImportPlan, *, around: bool) -> None:
    if plan.in_the_way and not around:
        raise InputError(
            f"{plan.in_the_way:,} readings of {plan.recording.path.name} are of minutes of which there is history of "
            f"{plan.pump_id}: nothing was written",
            "give --around to take over the others",
        )


def _note(plan: ImportPlan, home: Home, site: Site, time_ns: NDArray[np.int64], actor: str) -> None:
    if not time_ns.size:
        return
    span = f"{minute(int(time_ns[0]))} to {minute(int(time_ns[-1]))}"
    text = f"{time_ns.size:,} readings of {span} taken over from {plan.recording.path.name}"
    store = _store(home, site)
    store.offer_event(OrderDone(time.time_ns(), "", COMMAND, True, text, actor, plan.pump_id))
    stop = threading.Event()
    stop.set()
    store.run(stop)


def _store(home: Home, site: Site) -> Store:
    return Store(home.database, station=site.station, pumps=PumpRow.all_of(site))


def _within_spans(
    values: NDArray[np.float64], profile: PumpProfile
) -> tuple[NDArray[np.float64], dict[str, tuple[int, float]]]:
    """The values (m, n) without those that no instrument can report, and what these were."""
    kept, outside = values.copy(), dict[str, tuple[int, float]]()
    for i, sensor in enumerate(profile.sensors):
        low, high = sensor.span
        beyond = np.maximum(low - values[:, i], values[:, i] - high)
        is_outside = beyond > 0  # NaN is not
        if is_outside.any():
            outside[sensor.tag] = int(is_outside.sum()), float(values[int(np.nanargmax(beyond)), i])
            kept[is_outside, i] = np.nan
    return kept, outside
