"""Derived quantities from the wire to alarm, screen and disk; counters over a restart and over kill -9."""

import os
import signal
from collections.abc import Collection
from functools import partial
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

from pumpwatch_gui.domain.commands import ChangeSite, SetCounters
from pumpwatch_gui.domain.detection import NotScored
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.site_changes import SetLimits
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.store.query.history import History
from tests.conftest import wait_until
from tests.flow.programs import program
from tests.flow.running import RunningStation, home_at, simulated, site_text


def value_of(station: RunningStation, tag: str) -> float:
    """The newest value of a tag; NaN while there is none."""
    pump = station.pump()
    if pump.frame is None or pump.frame.values.size != len(pump.profile.quantities):
        return float("nan")
    return float(pump.frame.values[pump.profile.index(tag)])


def readings(path: Path) -> int:
    """Readings on the disk; 0 while there is no database."""
    try:
        connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return int(str(connection.execute("SELECT count(*) FROM sensor_readings").get))
        finally:
            connection.close()
    except apsw.Error:
        return 0


def has_more(path: Path, than: int) -> bool:
    return readings(path) > than


def readings_of(path: Path) -> list[tuple[int, float | None]]:
    """Time (ms, Unix) and speed of every reading."""
    connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    rows: list[Any] = connection.execute("SELECT (id >> 12), motor_rpm FROM sensor_readings ORDER BY id").fetchall()
    connection.close()
    return rows


def run_s_of_readings(path: Path, ends_ms: Collection[int] = ()) -> float:
    """Seconds between readings in which the pump ran, without gaps above a second and what follows the `ends_ms`.

    A program that is started again at once leaves less than a second between two runs.
    """
    rows = readings_of(path)
    steps = [b - a for (a, speed), (b, _) in pairwise(rows) if (speed or 0) > 296 and b - a < 1000 and a not in ends_ms]
    return float(sum(steps)) / 1e3


def test_a_derived_quantity_is_seen_limited_stored_and_read_like_a_sensor(tmp_path: Path) -> None:
    with simulated() as port:
        station = RunningStation(home_at(tmp_path), site_text(port)).start()
        try:
            wait_until(lambda: isfinite(value_of(station, "head_m")), within_s=30)
            assert value_of(station, "head_m") == pytest.approx(48, abs=4)
            assert value_of(station, "efficiency_percent") == pytest.approx(69, abs=6)
            limits = Limits(high=20.0, on_delay_s=0.0, off_delay_s=0.0)
            assert station.order(ChangeSite((SetLimits("P-101", {"head_m": limits}),))).ok
            wait_until(lambda: "Head high" in station.alarm_texts(), within_s=30)
            alarm = next(a for a in station.engine.latest().alarms if a.tag == "head_m")
            assert (alarm.unit, alarm.limit) == ("m", 20.0)
            trace = station.engine.trace("P-101")
            assert trace.values.shape[1] == len(station.pump().profile.quantities)
            wait_until(lambda: readings(tmp_path / "pumpwatch.db") > 10, within_s=30)
        finally:
            station.end()
    history, profile = History(station.home.database), station.pump().profile
    read = history.read("P-101", ["head_m", "run_hours"], start_ns=0, end_ns=2**62, profile=profile)
    assert np.nanmedian(read.mean[:, 0]) == pytest.approx(48, abs=4)
    assert history.journal(JournalQuery(text="Head high"))


def test_models_recordings_and_the_columns_of_the_disk_have_the_sensors_alone(tmp_path: Path) -> None:
    with simulated() as port:
        station = RunningStation(home_at(tmp_path), site_text(port, model="centrifugal")).start()
        try:
            wait_until(lambda: isinstance(station.pump().score_result, NotScored), within_s=30)
            found = station.pump().score_result
            assert isinstance(found, NotScored)
            assert (found.has_model, found.why[:8]) == (True, "settling")
        finally:
            station.end()
    assert History(station.home.database).recording(
        "P-101", station.pump().profile, start_ns=0, end_ns=2**62
    ).values.shape[1] == 10  # fmt: skip


def test_counters_go_on_after_a_restart_and_can_be_set_with_a_line_in_journal_and_audit(tmp_path: Path) -> None:
    with simulated() as port:
        station = RunningStation(home_at(tmp_path), site_text(port)).start()
        wait_until(lambda: value_of(station, "run_hours") > 1.5 / 3600, within_s=30)
        station.end()
        before = value_of(station, "run_hours")
        station = RunningStation(station.home).start()
        try:
            wait_until(lambda: isfinite(value_of(station, "run_hours")), within_s=30)
            assert value_of(station, "run_hours") >= before
            assert value_of(station, "starts") == 0  # it ran before and after
            refused = station.order(SetCounters("P-101", {"run_minutes": 3.0}))
            assert not refused.ok
            assert "run_hours" in refused.text
            assert not station.order(SetCounters("P-101", {"starts": -1.0})).ok
            done = station.order(SetCounters("P-101", {"run_hours": 1200.5, "starts": 17.0}), actor="asha")
            assert done.ok
            assert "Run hours set from 0.00 to 1,200.50 h; Starts set from 0 to 17" in done.text
            wait_until(lambda: value_of(station, "run_hours") >= 1200.5, within_s=30)
            assert value_of(station, "starts") == 17
        finally:
            station.end()
    history = History(station.home.database)
    assert [row.by for row in history.journal(JournalQuery(text="Run hours set from"))] == ["asha"]
    kept = history.counters("P-101", since_ns=0)
    assert kept.newest is not None
    assert kept.newest.totals.run_s > 1200.5 * 3600
    assert kept.starts_ns == ()


def test_after_kill_9_the_counters_stand_where_the_readings_on_the_disk_end(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    with simulated() as port:
        home.site_file.write_text(site_text(port), "utf-8")
        ends_ms = list[int]()
        for _ in range(3):
            before = readings(home.database)
            collector = program("run", "--site", str(home.site_file), "--headless", home=home)
            try:
                wait_until(partial(has_more, home.database, before + 25), within_s=60)
            finally:
                collector.send_signal(signal.SIGKILL)
                collector.wait(timeout=30)
            ends_ms.append(readings_of(home.database)[-1][0])
    station = RunningStation(home).start()  # nothing responds any more: the totals are those of before
    try:
        counters = station.engine.counters("P-101").counters
        wait_until(lambda: counters.totals is not None, within_s=30)
        assert counters.totals is not None
        assert counters.totals.run_s == pytest.approx(run_s_of_readings(home.database, ends_ms), abs=0.7)
        assert counters.totals.run_s > 3 * 25 * 0.1 * 0.8
    finally:
        station.end()


def test_a_run_that_was_killed_before_its_first_row_is_counted_from_its_readings(tmp_path: Path) -> None:
    with simulated() as port:
        station = RunningStation(home_at(tmp_path), site_text(port)).start()
        wait_until(lambda: readings(tmp_path / "pumpwatch.db") > 20, within_s=30)
        station.end()
    connection = apsw.Connection(os.fspath(tmp_path / "pumpwatch.db"))
    connection.execute("DELETE FROM counters").close()
    connection.close()
    ran_s = run_s_of_readings(tmp_path / "pumpwatch.db")  # now: the next run adds rows without values
    station = RunningStation(station.home).start()  # nothing responds any more
    try:
        counters = station.engine.counters("P-101").counters
        wait_until(lambda: counters.totals is not None, within_s=30)
        assert counters.totals is not None
        assert counters.totals.run_s == pytest.approx(ran_s, abs=0.5)
        assert counters.totals.run_s > 1.0
    finally:
        station.end()


def test_a_counter_of_a_pump_that_is_gone_is_not_set(tmp_path: Path) -> None:
    with simulated() as port:
        station = RunningStation(home_at(tmp_path), site_text(port)).start()
        try:
            assert "no pump P-9" in station.order(SetCounters("P-9", {"starts": 0.0})).text
        finally:
            station.end()
