"""A home with a history to report on: a real store, pumps whose figures are known, alarms, work and notes."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import (
    AlarmChanged,
    Event,
    MaintenanceChanged,
    OrderDone,
    RunStateChanged,
    watch_begins,
)
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.settings.simulated import site_text
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from tests.store.rigs.plant import run_once

START = datetime(2026, 10, 14, 6, 0)
HOURS = 8
STEP_S = 10
FLOW_L_MIN = 1200.0
AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class ReportHome:
    """The home and its site file."""

    home: Home
    site_file: Path


def ns(at: datetime) -> int:
    return int(at.timestamp()) * 10**9


def alarm_of(pump_id: str, at_ns: int, state: AlarmState, text: str = "Bearing temperature high") -> Alarm:
    return Alarm(f"{pump_id}/bearing_temperature_c.high", pump_id, "bearing_temperature_c", Priority.HIGH, text, state,
                 86.0, 85.0, "degC", at_ns, at_ns)  # fmt: skip


def events(pump_ids: tuple[str, ...], start: datetime, note: str) -> list[Event]:
    """Two starts of the first pump (one of 5 s, which is none), an open alarm, work resolved after 9 h, a note."""
    at = [ns(start + timedelta(minutes=minutes)) for minutes in (30, 60, 90, 120, 9 * 60)]
    first = pump_ids[0]
    work = MaintenanceEvent(f"{first}/x@{at[2]}", first, at[2], EventType.LIMIT_EXCEEDED, EventSeverity.HIGH,
                            "Bearing temperature high", 67_500.0, "INR")  # fmt: skip
    return [
        watch_begins(ns(start), "North pumping station", len(pump_ids)),
        RunStateChanged(at[0], first, True),
        RunStateChanged(at[0] + 5 * 10**9, first, False),
        RunStateChanged(at[1], first, True),
        AlarmChanged(at[2], alarm_of(first, at[2], AlarmState.UNACKNOWLEDGED)),
        MaintenanceChanged(at[2], work, "created"),
        MaintenanceChanged(at[4], replace(work, resolved_ns=at[4], resolved_by="Asha", row_version=2), "resolved"),
        OrderDone(at[3], "", "record", True, note, "Asha", first),
    ]


def make_home(
    folder: Path, *, pumps: int = 3, start: datetime = START, hours: float = HOURS, step_s: int = STEP_S,
    silent: tuple[int, ...] = (), with_events: bool = True,
    site_name: str = "North pumping station", note: str = "Checked #2 *seal* <ok>",
) -> ReportHome:  # fmt: skip
    """Readings each `step_s`: pump i runs from an hour after the start on; those of `silent` gave none."""
    home = Home(folder)
    home.prepare()
    home.site_file.write_text(site_text(5020, pumps, period_s=1.0).replace("North pumping station", site_name), "utf-8")
    site = load_site(home.site_file).site
    rows = [PumpRow(p.pump_id, p.name, p.profile) for p in site.pumps]
    random = np.random.default_rng(1)
    store = Store(home.database, station=1, pumps=rows)
    offered = 0
    for at_s in range(0, round(hours * 3600), step_s):
        for i, pump in enumerate(site.pumps):
            if i not in silent:
                values = readings(pump.profile.tags, i, at_s, random)
                store.offer_frame(frame(pump.pump_id, start, at_s, values), "NORMAL")
                offered += 1
        if offered >= AT_ONCE:
            run_once(store)
            store, offered = Store(home.database, station=1, pumps=rows), 0
    for event in events(tuple(p.pump_id for p in site.pumps), start, note) if with_events else ():
        store.offer_event(event)
    run_once(store)
    return ReportHome(home, home.site_file)


def readings(
    tags: tuple[str, ...], pump: int, at_s: int, random: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Stopped in the first hour, then at the rated speed and a known flow; later pumps take more current."""
    is_on = at_s >= 3600
    known = {
        "motor_rpm": 1480.0 * is_on,
        "flow_rate_l_min": FLOW_L_MIN * is_on,
        "motor_current_a": (24.0 + 0.5 * pump + 0.2 * float(random.standard_normal())) * is_on,
        "suction_pressure_bar": 1.2,
        "discharge_pressure_bar": 1.2 + 5.0 * is_on,
        "vibration_mm_s": 2.0,
    }
    return np.array([known.get(tag, 40.0) for tag in tags])


def frame(pump_id: str, start: datetime, at_s: int, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Frame:
    """One reading; each hundredth has a sensor that is BAD."""
    values = values.copy()
    quality = np.full(values.size, Quality.GOOD, dtype=np.uint8)
    if at_s % 1000 == 0:
        values[-1], quality[-1] = np.nan, Quality.BAD
    reason = np.where(quality == Quality.GOOD, Reason.NONE, Reason.SENSOR_FAILURE).astype(np.uint8)
    return Frame(pump_id, 0, ns(start) + at_s * 10**9, at_s * 10**9, values, quality, reason)
