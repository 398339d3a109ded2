"""A history as a station leaves it, small enough to be damaged five hundred times."""

import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import apsw
import numpy as np

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.events import AlarmChanged, OrderDone
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from tests.store.conftest import START_NS, frame_of, profile_of

PUMPS = ("P-101", "P-102")
TAGS = (*STANDARD_TAGS, "seal_pressure_bar")
PROFILE = profile_of(*TAGS)
ROWS = [PumpRow(pump_id, f"Pump {pump_id}", PROFILE) for pump_id in PUMPS]


def values_at(number: int) -> list[float | None]:
    """What the scan of that number holds: every value its own, some BAD, some whole numbers."""
    return [None if number % 97 == i else float(number) if i == 0 else number * (i + 1) / 16 for i in range(len(TAGS))]


def detection(pump_id: str, at_s: float, score: float, count: int) -> Detection:
    n = len(TAGS)
    states = tuple("ANOMALY" if i == 3 else "NORMAL" for i in range(n))
    arrays = np.full(n, 1 / n), states, np.arange(n) * count
    at_ns = START_NS + round(at_s * 1e9)
    return Detection(pump_id, 0, at_ns, 0, "combined", score, 0.1 * score, 0.1, score > 1, *arrays, "v1")


def fill(path: Path, readings: int) -> None:
    """Make a database of so many readings that came to a clean end."""
    store = Store(path, station=1, pumps=ROWS)
    for number in range(readings):
        pump_id, second = PUMPS[number % 2], number // 2
        store.offer_frame(frame_of(values_at(number), at_s=second, pump_id=pump_id), "NORMAL")
        if number % 4 == 0:
            store.offer_detection(detection(pump_id, second, 1.5 if number % 40 < 8 else 0.5, number))
        if number % 100 == 0:
            store.offer_event(OrderDone(START_NS + second * 10**9, "", "record", True, f"order {number}", "asha"))
    at_ns = START_NS + readings * 10**9
    alarm = Alarm("P-101/flow.low", "P-101", "flow", Priority.HIGH, "low", AlarmState.UNACKNOWLEDGED, 1.0, 2.0, "",
                  at_ns, at_ns)  # fmt: skip
    store.offer_event(AlarmChanged(at_ns, alarm))
    run_once(store)


def run_once(store: Store) -> None:
    """Write what was offered, and close."""
    stop = threading.Event()
    stop.set()
    store.run(stop)


def copy(source: Path, target: Path) -> Path:
    """A copy in a folder of its own."""
    target.parent.mkdir(parents=True)
    shutil.copy(source, target)
    return target


def mark_unclean(path: Path) -> None:
    """As a power cut leaves it: the next start checks the whole file."""
    connection = apsw.Connection(os.fspath(path))
    connection.execute("UPDATE meta SET value = '1' WHERE key = 'writing'").fetchall()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


@dataclass(frozen=True, slots=True)
class Start:
    """What came of a start: seconds until a new reading was stored, whether a file was put aside, rows of the old."""

    storing_s: float
    is_quarantined: bool
    readings: int
    wrong: int
    salvage_s: float


def start_on(path: Path, *, within_s: float = 30.0) -> Start:
    """Start a store, have it write a reading, and wait until nothing is left to check or to salvage."""
    begin = time.monotonic()
    store = Store(path, station=1, pumps=ROWS)
    stop = threading.Event()
    thread = threading.Thread(target=store.run, args=(stop,), daemon=True)
    thread.start()
    store.offer_frame(frame_of([7.0] * len(TAGS), at_s=10**8, pump_id="P-102"), "NORMAL")
    try:
        storing_s = _time_until(lambda: store.view().committed == 1, begin, within_s)
        salvage_s = _time_until(lambda: _is_settled(store, path), begin, within_s)
    finally:
        stop.set()
        thread.join(20)
    counted = _compared(path)
    aside = any(path.parent.glob("*.damaged-*.db"))
    return Start(storing_s, aside, counted["right"], counted["wrong"], salvage_s)


def _is_settled(store: Store, path: Path) -> bool:
    if store._database.is_broken or not store._database.is_open:
        return False
    check = store._upkeep._check
    is_checked = check is None or (check.is_done and not check.is_damaged)
    return is_checked and not any(path.parent.glob("*.salvage")) and store._upkeep._salvage is None


def _compared(path: Path) -> Counter[str]:
    """Readings of before, by whether they hold what was written for their instant."""
    connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    names = ", ".join(TAGS)
    sql = (
        f"SELECT (id >> 12) + 1577836800000, pump_id, {names} FROM sensor_readings "
        "JOIN pumps ON pump_number = id & 4095 WHERE motor_rpm IS NOT 7.0 OR bearing_temperature_c <> 7.0"
    )
    counted: Counter[str] = Counter()
    for at_ms, pump_id, *values in connection.execute(sql).fetchall():
        number = (int(str(at_ms)) * 10**6 - START_NS) // 10**9 * 2 + PUMPS.index(str(pump_id))
        is_right = all(value in (None, true) for value, true in zip(values, values_at(number), strict=True))
        counted["right" if is_right else "wrong"] += 1
    connection.close()
    return counted


def _time_until(condition: Callable[[], bool], begin: float, within_s: float) -> float:
    while not condition():
        if time.monotonic() - begin > within_s:
            return float("inf")
        time.sleep(0.02)
    return time.monotonic() - begin
