"""Rows come to a real server once each, whatever the line does, and what is wrong is said in plain words."""

import time
from pathlib import Path

import pytest

from pumpwatch_gui.bench.rigs.accounts import Accounts
from pumpwatch_gui.bench.rigs.central import Central
from pumpwatch_gui.bench.rigs.sending import SendingStation
from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import AlarmChanged, MaintenanceChanged, OrderDone
from pumpwatch_gui.domain.sync import SyncState, SyncStream
from pumpwatch_gui.store.hot.writer import PumpRow
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.sync import worker
from tests.conftest import wait_until
from tests.store.conftest import START_NS, profile_of
from tests.store.rigs.plant import PUMPS, TAGS, detection
from tests.store.test_store_maintenance import DONE, EVENT
from tests.sync.conftest import needs_server
from tests.sync.faults import Line
from tests.sync.rigs import offer_now, sending

pytestmark = needs_server
READINGS = frozenset({SyncStream.READINGS})


def count(central: Central, table: str, station: int) -> int:
    return int(central.one(f"SELECT count(*) FROM {table} WHERE station_id = {station}"))


def is_through(made: SendingStation) -> bool:
    return made.is_through() and made.worker.view().sent > 0


def test_every_stream_comes_to_its_table(central: Central, accounts: Accounts, tmp_path: Path) -> None:
    with sending(tmp_path, central, accounts, station=11) as made:
        offer_now(made, 100, ago_s=200)  # the minute is over
        made.store.offer_detection(detection("P-101", 5, 1.5, 3))  # of 2023: its month is made
        made.store.offer_event(OrderDone(START_NS, "", "record", True, "first note", "asha"))
        at = START_NS, START_NS
        state = AlarmState.UNACKNOWLEDGED
        alarm = Alarm("P-101/flow.low", "P-101", "flow", Priority.HIGH, "low", state, 1.0, 2.0, "", *at)
        made.store.offer_event(AlarmChanged(START_NS, alarm))
        made.store.offer_event(MaintenanceChanged(START_NS, EVENT, "created", "", ""))
        wait_until(lambda: is_through(made) and count(central, "sensor_rollups", 11) >= 2, within_s=30)
        made.store.offer_event(MaintenanceChanged(START_NS, DONE, "resolved", "ravi", ""))
        wait_until(lambda: central.one("SELECT bool_or(resolved) FROM maintenance_events WHERE station_id = 11") == "t")
        tables = ("sensor_readings", "anomaly_detections", "alarm_journal", "maintenance_events", "pumps")
        wait_until(lambda: count(central, "alarm_journal", 11) == 4)
        assert [count(central, table, 11) for table in tables] == [100, 1, 4, 1, 2]
        wait_until(lambda: count(central, "audit_log", 11) == 2)
        good = central.one("SELECT sum((tags -> 'motor_rpm' ->> 3)::int) FROM sensor_rollups WHERE station_id = 11")
        assert good == "100"
        # A sensor that the server did not know got its column.
        assert central.one("SELECT sum(seal_pressure_bar) FROM sensor_readings WHERE station_id = 11") == "250"
        assert central.one("SELECT name FROM stations WHERE station_id = 11") == "Station 11"
        rows = central.sql(
            "SELECT detail ->> 'alarm_id', by FROM alarm_journal WHERE station_id = 11 AND kind = 'alarm'"
        )
        assert rows == [["P-101/flow.low", ""]]
        assert made.worker.view().quarantined == 0


def test_a_request_that_is_too_large_is_halved_and_grows_again(
    central: Central, accounts: Accounts, tmp_path: Path
) -> None:
    with Line(central.url).open() as line:
        limit = [100]
        line.fate = lambda path, body: "413" if body.count(b'"station_id":') > limit[0] else "pass"
        with sending(tmp_path, central, accounts, station=12, url=line.url, streams=READINGS) as made:
            offer_now(made, 2000)
            wait_until(lambda: is_through(made), within_s=30)
            assert 60 < max(line.sizes) <= 100
            limit[0] = 10_000
            offer_now(made, 4000, first=2000)
            wait_until(lambda: count(central, "sensor_readings", 12) == 6000, within_s=30)
            assert max(line.sizes) > 100


@pytest.mark.parametrize("fate", ["swallow", "cut", "503", "57014", "login page"])
def test_a_request_that_fails_is_repeated_and_its_rows_are_there_once(
    central: Central, accounts: Accounts, tmp_path: Path, fate: str
) -> None:
    station = {"swallow": 13, "cut": 14, "503": 15, "57014": 16, "login page": 26}[fate]
    with Line(central.url).open() as line:
        line.fate = lambda path, body: (
            fate if line.seen["pass"] and line.seen[fate] < 3 and "sensor" in path else "pass"
        )
        with sending(tmp_path, central, accounts, station=station, url=line.url, streams=READINGS) as made:
            offer_now(made, 300)
            wait_until(lambda: is_through(made), within_s=30)
    assert line.seen[fate] == 3
    assert count(central, "sensor_readings", station) == 300
    assert central.one(f"SELECT sum(motor_rpm)::int FROM sensor_readings WHERE station_id = {station}") == "44850"


def test_a_token_that_has_expired_is_renewed_once(central: Central, accounts: Accounts, tmp_path: Path) -> None:
    with sending(tmp_path, central, accounts, station=17, streams=READINGS) as made:
        offer_now(made, 10)
        wait_until(lambda: is_through(made), within_s=30)
        before = len(accounts.requests)
        assert made.worker._sender is not None
        made.worker._sender.rest._token = "e30.e30.broken"
        offer_now(made, 10, first=10)
        wait_until(lambda: count(central, "sensor_readings", 17) == 20, within_s=30)
    assert accounts.requests[before:] == ["refresh_token"]


def test_a_poison_row_costs_itself(central: Central, accounts: Accounts, tmp_path: Path) -> None:
    streams = frozenset({SyncStream.AUDIT})
    with sending(tmp_path, central, accounts, station=18, streams=streams) as made:
        for i in range(40):  # no text of PostgreSQL holds U+0000
            text = "po\0ison" if i in (3, 30) else f"note {i}"
            made.store.offer_event(OrderDone(START_NS + i * 10**9, "", "record", True, text, "asha"))
        wait_until(lambda: is_through(made) and made.worker.view().quarantined == 2, within_s=30)
        assert "2 in quarantine" in made.worker.view().words
    assert count(central, "audit_log", 18) == 38


def test_a_refused_row_is_sent_again_once_the_cause_is_gone(
    central: Central, accounts: Accounts, tmp_path: Path
) -> None:
    central.sql("ALTER TABLE audit_log ADD CONSTRAINT test_refusal CHECK (station_id <> 29 OR text <> 'odd')")
    with sending(tmp_path, central, accounts, station=29) as made:
        for text in ("good", "odd"):
            made.store.offer_event(OrderDone(time.time_ns(), "", "record", True, text, "asha"))
        wait_until(lambda: is_through(made) and made.worker.view().quarantined == 1, within_s=30)
        (row,) = History(made.path).quarantined()
        assert row.stream is SyncStream.AUDIT
        assert row.reason.startswith("a value is none that the server allows (23514: ")
        assert '"text": "odd"' in row.content
        made.store.outbox.resend_refused([row.which])
        wait_until(lambda: [r.time_ns for r in History(made.path).quarantined()] > [row.time_ns], within_s=30)
        central.sql("ALTER TABLE audit_log DROP CONSTRAINT test_refusal")
        made.store.outbox.resend_refused([row.which])
        wait_until(lambda: count(central, "audit_log", 29) == 2, within_s=30)
        wait_until(lambda: made.worker.view().quarantined == 0, within_s=30)


def test_rows_of_a_wrong_clock_go_to_the_quarantine_and_the_others_to_the_server(
    central: Central, accounts: Accounts, tmp_path: Path
) -> None:
    with sending(tmp_path, central, accounts, station=27, streams=READINGS) as made:
        offer_now(made, 10)
        offer_now(made, 10, first=10, ago_s=-200 * 86_400.0)  # the clock is half a year ahead
        wait_until(lambda: is_through(made) and made.worker.view().quarantined == 10, within_s=30)
    assert count(central, "sensor_readings", 27) == 10


def test_what_is_sent_again_is_no_new_row(central: Central, accounts: Accounts, tmp_path: Path) -> None:
    with sending(tmp_path, central, accounts, station=19) as made:
        offer_now(made, 500, ago_s=300)
        wait_until(lambda: is_through(made), within_s=30)
        tables = ("sensor_readings", "sensor_rollups")
        before = [count(central, table, 19) for table in tables]
        sent = made.worker.view().sent
        made.store.outbox.resend(time.time_ns() - 86_400 * 10**9, time.time_ns())
        wait_until(lambda: made.worker.view().sent >= sent + 500 and is_through(made), within_s=30)
        assert [count(central, table, 19) for table in tables] == before == [500, before[1]]


def test_a_pause_holds_what_is_to_be_sent(central: Central, accounts: Accounts, tmp_path: Path) -> None:
    with sending(tmp_path, central, accounts, station=20, streams=READINGS) as made:
        made.worker.pause(True)
        wait_until(lambda: made.worker.view().state is SyncState.PAUSED)
        offer_now(made, 50)
        wait_until(lambda: made.worker.view().backlog == 50)
        assert made.worker.view().words == "sync paused · 50 rows wait"
        made.worker.pause(False)
        wait_until(lambda: is_through(made), within_s=30)
    assert count(central, "sensor_readings", 20) == 50


def test_an_account_that_may_not_write_is_said_and_loses_nothing(
    central: Central, accounts: Accounts, tmp_path: Path
) -> None:
    with sending(tmp_path, central, accounts, station=21, role="viewer", streams=READINGS) as made:
        offer_now(made, 5)
        wait_until(lambda: "may not write for this station" in made.worker.view().error, within_s=30)
        wait_until(lambda: made.worker.view().backlog == 5)
        assert made.worker.view().quarantined == 0
        central.sql("UPDATE members SET role = 'collector' WHERE station_id = 21")
        wait_until(lambda: is_through(made), within_s=40)
    assert count(central, "sensor_readings", 21) == 5


def test_a_wrong_password_is_said_without_the_password(central: Central, accounts: Accounts, tmp_path: Path) -> None:
    with sending(tmp_path, central, accounts, station=22, streams=READINGS) as made:
        accounts.passwords["station22@example.org"] = "another"
        made.worker.pause(True)
        wait_until(lambda: made.worker.view().state is SyncState.PAUSED)
        made.worker.pause(False)
        wait_until(lambda: "is not let in" in made.worker.view().error, within_s=30)
        assert "a password" not in made.worker.view().error
        accounts.passwords["station22@example.org"] = "a password"


@pytest.mark.parametrize(
    ("version", "oldest", "words"),
    [(0, 0, "this program needs 1"), (9, 9, "install the newer PumpWatch"), (9, 1, "")],
)  # fmt: skip
def test_a_server_of_another_version_is_explained(
    central: Central, accounts: Accounts, tmp_path: Path, version: int, oldest: int, words: str
) -> None:
    central.sql(f"UPDATE pumpwatch.schema_version SET version = {version}, oldest = {oldest}")
    try:
        with sending(tmp_path, central, accounts, station=23, streams=READINGS) as made:
            offer_now(made, 5)
            if words:
                wait_until(lambda: words in made.worker.view().error, within_s=30)
            else:
                wait_until(lambda: is_through(made), within_s=30)
    finally:
        central.sql("UPDATE pumpwatch.schema_version SET version = 3, oldest = 1")


def test_trouble_that_lasts_is_said_once_and_its_end(
    central: Central, accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SAID_AFTER_S", 0.0)
    is_down = [True]
    with Line(central.url).open() as line:
        line.fate = lambda path, body: "503" if is_down[0] else "pass"
        with sending(tmp_path, central, accounts, station=24, url=line.url, streams=READINGS) as made:
            offer_now(made, 5)
            wait_until(lambda: line.seen["503"] >= 3, within_s=30)
            is_down[0] = False
            wait_until(lambda: is_through(made), within_s=30)
    assert [is_over for _, is_over in made.said] == [False, True]
    assert "the server is in trouble (PGRST000" in made.said[0][0]


def test_a_sensor_that_no_column_can_be_called_by_is_logged_once(
    central: Central, accounts: Accounts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pumps = [PumpRow(pump_id, pump_id, profile_of(*TAGS[:-1], "öldruck")) for pump_id in PUMPS]
    with sending(tmp_path, central, accounts, station=28, streams=READINGS, pumps=pumps) as made:
        for first in (0, 10, 20):
            offer_now(made, 10, first=first)
            wait_until(lambda: count(central, "sensor_readings", 28) == first + 10, within_s=30)  # noqa: B023
    assert [one for one in caplog.messages if "no column can be called so" in one] == [
        "raw readings of öldruck are not sent: no column can be called so"
    ]


def test_both_pumps_of_a_station_are_known_by_name(central: Central, accounts: Accounts, tmp_path: Path) -> None:
    with sending(tmp_path, central, accounts, station=25, streams=READINGS) as made:
        wait_until(lambda: count(central, "pumps", 25) == len(PUMPS), within_s=30)
        assert made.worker.view().error == ""


def test_a_server_of_before_gets_what_it_takes_and_that_is_said_once(
    central: Central, accounts: Accounts, tmp_path: Path
) -> None:
    central.sql("UPDATE pumpwatch.schema_version SET version = 1")
    try:
        with sending(tmp_path, central, accounts, station=94) as made:
            made.store.offer_event(OrderDone(START_NS, "", "record", True, "no alarm", "asha"))
            at = START_NS, START_NS
            state = AlarmState.UNACKNOWLEDGED
            alarm = Alarm("P-101/flow.low", "P-101", "flow", Priority.HIGH, "low", state, 1.0, 2.0, "", *at)
            made.store.offer_event(AlarmChanged(START_NS, alarm))
            wait_until(lambda: is_through(made), within_s=30)
            made.worker.pause(True)
            wait_until(lambda: made.worker.view().state is SyncState.PAUSED)
            made.worker.pause(False)  # it connects again
            wait_until(lambda: is_through(made), within_s=30)
    finally:
        central.sql("UPDATE pumpwatch.schema_version SET version = 3")
    assert central.sql("SELECT kind, time_ns FROM alarm_journal WHERE station_id = 94") == [["alarm", ""]]
    assert [text for text, _ in made.said if "is of schema version 1: viewers see no live values" in text] == [
        made.said[0][0]
    ]
    assert len(made.said) == 1
    assert count(central, "live", 94) == 0
