"""Maintenance events are kept whole, one row each, over restarts, renames, upgrades and a damaged database."""

import os
from collections.abc import Callable
from dataclasses import replace
from math import isnan, nan
from pathlib import Path

import apsw

from pumpwatch_gui.domain.events import MaintenanceChanged
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent, MaintenanceNote
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query.audit_check import verify_audit
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.salvage.extract import extract
from pumpwatch_gui.store.salvage.merge import adopt
from pumpwatch_gui.store.schema import connect, upgrades
from pumpwatch_gui.store.upgrading import upgrade
from tests.store.conftest import START_NS, Running, profile_of, rows_of
from tests.store.rigs.plant import ROWS, copy, run_once

OLD = Path(__file__).parent.parent / "data" / "pumpwatch-v5.db"
VERSION_8 = OLD.with_name("pumpwatch-v8.db")
EVENT = MaintenanceEvent(
    "P-101/bearing_temperature_c.high_high@5", "P-101", 5, EventType.ANOMALY_DETECTED, EventSeverity.CRITICAL,
    "Bearing temperature high-high", 67_500.0, "INR", "bearing_temperature_c.high_high", "bearing_temperature_c", 88.1,
    "degC", "45,000 × 1.5 (CRITICAL)", "Start the standby pump.",
)  # fmt: skip
DONE = replace(
    EVENT, assigned_to="ravi", due_ns=START_NS, notes=(MaintenanceNote(7, "asha", "oil was low"),), resolved_ns=9,
    resolved_by="ravi", finding="bearing exchanged", actual_cost=51_000.0, row_version=2, is_failure=True,
    down_from_ns=6, down_s=19_800.0,
)  # fmt: skip


def put(store: Store, event: MaintenanceEvent, act: str = "changed", by: str = "", note: str = "") -> None:
    store.offer_event(MaintenanceChanged(START_NS, event, act, by, note))


def test_an_event_comes_back_as_it_was_and_is_journalled_and_audited(open_store: Callable[..., Running]) -> None:
    running = open_store()
    put(running.store, EVENT, "created from an alarm")
    put(running.store, DONE, "resolved", "ravi", "bearing exchanged, 51,000 INR")
    running.end()
    assert running.history.maintenance() == [DONE]
    line = running.history.journal(JournalQuery(kinds=("maintenance",)))[0]
    assert line.text == (
        "Maintenance resolved: Bearing temperature high-high (critical, 67,500 INR): bearing exchanged, 51,000 INR"
    )
    assert (line.by, line.pump_id) == ("ravi", "P-101")
    audited = running.rows("SELECT action, by, text FROM audit_log")
    assert audited == [("maintenance resolved", "ravi", f"{EVENT.event_id}: bearing exchanged, 51,000 INR")]
    assert verify_audit(running.path).broken_id is None


def test_the_original_s_columns_say_what_they_said(open_store: Callable[..., Running]) -> None:
    running = open_store()
    put(running.store, DONE)
    running.end()
    columns = "event_type, severity, sensor_name, sensor_value, estimated_cost, currency, resolved, resolved_by, note"
    assert running.rows(f"SELECT {columns} FROM maintenance_events") == [
        ("ANOMALY_DETECTED", "CRITICAL", "bearing_temperature_c", 88.1, 67_500.0, "INR", 1, "ravi", "oil was low")
    ]


def test_an_event_written_twice_is_one_row_and_an_older_version_changes_nothing(
    open_store: Callable[..., Running],
) -> None:
    running = open_store()
    running.end()
    for event in (EVENT, DONE, EVENT):
        running = open_store()  # a restart each
        put(running.store, event)
        running.end()
    assert running.history.maintenance() == [DONE]
    assert running.rows("SELECT count(*) FROM maintenance_events") == [(1,)]


def test_an_event_without_value_date_and_cost_comes_back_so(open_store: Callable[..., Running]) -> None:
    bare = replace(
        EVENT, estimated_cost=nan, value=nan, kind=EventType.INSPECTION, tag="", source="", created_by="asha"
    )
    running = open_store()
    put(running.store, bare)
    running.end()
    (found,) = running.history.maintenance()
    assert repr(found) == repr(bare)
    assert running.rows("SELECT sensor_value, estimated_cost, due_ns FROM maintenance_events") == [(None, None, None)]


def test_an_event_follows_its_pump_to_another_id_and_so_does_a_change_under_way(
    open_store: Callable[..., Running],
) -> None:
    running = open_store()
    put(running.store, EVENT)
    running.store.set_pumps([PumpRow("P-9", "nine", profile_of(*STANDARD_TAGS))], {"P-101": "P-9"})
    put(running.store, DONE)  # ordered just before the change came into force
    running.end()
    assert running.history.maintenance() == [replace(DONE, pump_id="P-9")]


def test_every_open_event_is_read_and_the_newest_of_the_resolved(open_store: Callable[..., Running]) -> None:
    running = open_store()
    for i in range(1, 6):
        put(running.store, replace(EVENT, event_id=f"open{i}", time_ns=i))
        put(running.store, replace(DONE, event_id=f"done{i}", resolved_ns=i))
    running.end()
    found = [event.event_id for event in running.history.maintenance(resolved=2)]
    assert found == ["open1", "open2", "open3", "open4", "open5", "done5", "done4"]


def test_a_database_of_version_5_keeps_its_events_and_takes_new_ones(tmp_path: Path) -> None:
    path = copy(OLD, tmp_path / "home" / "pumpwatch.db")
    store = Store(path, station=7, pumps=ROWS)
    put(store, EVENT)
    run_once(store)
    old, new = sorted(History(path).maintenance(), key=lambda event: event.title)[::-1], EVENT
    assert new in old
    (before,) = [event for event in old if event != EVENT]
    assert (before.kind, before.severity, before.estimated_cost, before.value) == (
        EventType.ANOMALY_DETECTED, EventSeverity.CRITICAL, 67_500.0, 86.5)  # fmt: skip
    assert [note.text for note in before.notes] == ["oil was low"]
    store = Store(path, station=7, pumps=ROWS)
    put(store, replace(before, assigned_to="ravi", row_version=2))
    run_once(store)
    assert rows_of(path, "SELECT count(*) FROM maintenance_events") == [(2,)]
    assert rows_of(path, "SELECT count(*) FROM sensor_readings") == [(60,)]
    assert rows_of(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_database_of_version_8_does_not_say_of_its_events_whether_the_pump_failed(tmp_path: Path) -> None:
    path = copy(VERSION_8, tmp_path / "home" / "pumpwatch.db")
    store = Store(path, station=7, pumps=ROWS)
    put(store, replace(DONE, event_id="new"))
    run_once(store)
    found = {event.event_id: event for event in History(path).maintenance()}
    old = found["P-101/order@1"]
    assert (old.is_resolved, old.finding, old.is_failure, old.down_from_ns) == (True, "bearing exchanged", None, 0)
    assert isnan(old.down_s)
    assert (found["new"].is_failure, found["new"].down_from_ns, found["new"].down_s) == (True, 6, 19_800.0)
    assert rows_of(path, "SELECT count(*) FROM sensor_readings") == [(60,)]
    assert rows_of(path, "PRAGMA integrity_check") == [("ok",)]


def test_the_upgrade_done_again_changes_nothing(tmp_path: Path) -> None:
    path = copy(OLD, tmp_path / "home" / "pumpwatch.db")
    for _ in range(2):
        connection = connect(path)
        upgrade(connection, path, upgrades())
        connection.close()
    assert rows_of(path, "PRAGMA user_version") == [(max(upgrades()),)]
    assert rows_of(path, "SELECT count(*) FROM maintenance_events WHERE event_id IS NOT NULL") == [(1,)]


def test_events_get_out_of_a_damaged_database(open_store: Callable[..., Running], tmp_path: Path) -> None:
    running = open_store()
    put(running.store, EVENT)
    put(running.store, replace(DONE, event_id="another"))
    running.end()
    side = tmp_path / "side.db"
    extract(running.path, side)
    found = rows_of(side, "SELECT event_id, assigned_to, actual_cost FROM maintenance_events ORDER BY event_id")
    assert found == [("P-101/bearing_temperature_c.high_high@5", "", None), ("another", "ravi", 51_000.0)]
    assert rows_of(side, "SELECT is_failure, down_s FROM maintenance_events ORDER BY event_id")[1] == (1, 19_800.0)
    target = apsw.Connection(os.fspath(tmp_path / "new.db"))
    upgrade(target, tmp_path / "new.db", upgrades())
    adopt(running.path, target)
    target.close()
    assert len(History(tmp_path / "new.db").maintenance()) == 2


def test_rows_of_version_5_get_out_of_a_damaged_database(tmp_path: Path) -> None:
    path, side = copy(OLD, tmp_path / "home" / "pumpwatch.db"), tmp_path / "side.db"
    extract(path, side)
    assert rows_of(side, "SELECT sensor_value, event_id FROM maintenance_events") == [(86.5, None)]


def test_a_row_that_is_no_event_costs_itself_only(open_store: Callable[..., Running], caplog: object) -> None:
    running = open_store()
    put(running.store, EVENT)
    put(running.store, replace(EVENT, event_id="another"))
    running.end()
    connection = apsw.Connection(os.fspath(running.path))
    connection.execute("UPDATE maintenance_events SET event_type = 'NONSENSE' WHERE event_id = 'another'")
    connection.close()
    assert running.history.maintenance() == [EVENT]
