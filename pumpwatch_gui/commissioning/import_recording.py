"""A recording of another system as history of a pump: what was understood of it, then its readings in the archive."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.domain.wording import minute, number
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import held
from pumpwatch_gui.files.recordings.reading import read_recording
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.ids import EPOCH_MS
from pumpwatch_gui.store.importing import MINUTE_MS, stored_minutes, write_readings

COMMAND = "import"
"""What it is called in the audit log."""


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

    def words(self) -> Iterator[str]:
        """What was understood, a line each."""
        recording = self.recording
        yield f"{recording.path} → history of {self.pump_id}"
        if recording.understood is not None:
            yield f"read as {recording.understood.words()}"
            for tag, name in recording.understood.columns:
                yield f"  {name} → {tag} ({self._column(tag)})"
            if recording.understood.unused:
                yield f"  not taken over: {', '.join(recording.understood.unused)}"
        if recording.missing:
            yield f"  without a column: {', '.join(recording.missing)}"
        start_ns, end_ns = (round(recording.time_s[i] * 1e9) for i in (0, -1))
        step_s = float(np.median(np.diff(recording.time_s))) if recording.time_s.size > 1 else 0.0
        yield f"{recording.time_s.size:,} readings from {minute(start_ns)} to {minute(end_ns)}, {step_s:g} s apart"
        yield from recording.notes
        for tag, (count, farthest) in self.outside.items():
            sensor = self.profile.sensors[self.profile.index(tag)]
            span = " to ".join(number(end, sensor.decimals) for end in sensor.span)
            yield f"{count:,} values of {tag} are outside {span} {sensor.unit} (as {farthest:g}): not taken over"
        if self.in_the_way:
            yield f"{self.in_the_way:,} readings are of minutes of which there is history of {self.pump_id}"

    def _column(self, tag: str) -> str:
        values = self.recording.values[:, self.profile.index(tag)]
        unit, good = self.profile.sensors[self.profile.index(tag)].unit, values[np.isfinite(values)]
        if not good.size:
            return "no values"
        return f"{good.min():g} to {good.max():g} {unit}, {values.size - good.size:,} empty"


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
            "if the times are wrong, say how they are written: --date-order, --time-unit; else cut the file",
        )
    if last_ns > (now_ns if now_ns is not None else time.time_ns()):
        raise InputError(
            f"{path}: its last reading is of {minute(last_ns)}, which is in the future",
            "say of which zone its times are: --timezone, or how they are written: --date-order",
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
    if plan.in_the_way and not around:
        raise InputError(
            f"{plan.in_the_way:,} readings of {plan.recording.path.name} are of minutes of which there is history of "
            f"{plan.pump_id}: nothing was written",
            "give --around to take over the others",
        )
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
    pumps = [PumpRow(pump.pump_id, pump.name, pump.profile) for pump in site.pumps]
    return Store(home.database, station=site.station, pumps=pumps)


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
