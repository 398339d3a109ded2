"""The outbox names every row that is to be sent, in the transaction that writes it, and nothing while sync is off."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import apsw
import pytest

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import AlarmChanged, MaintenanceChanged, OrderDone
from pumpwatch_gui.domain.sync import SyncStream
from pumpwatch_gui.store.hot.batch import Batch
from pumpwatch_gui.store.hot.writer import PumpRow
from pumpwatch_gui.store.ids import make_id
from pumpwatch_gui.store.outbox import GONE, OLD_MS, Outbox, RefusedRow, join_old
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.query.outgoing import Outgoing, ranges_of
from pumpwatch_gui.store.schema import connect
from pumpwatch_gui.sync.sender import TABLES
from tests.conftest import wait_until
from tests.store.conftest import START_NS, Running, frame_of, profile_of
from tests.store.rigs.archiving import archive_all
from tests.store.rigs.plant import PUMPS, TAGS, detection, fill
from tests.store.test_store_maintenance import DONE, EVENT

OLD = Path(__file__).parent.parent / "data" / "pumpwatch-v7.db"
EVERY = frozenset(SyncStream)
NOW_MS = START_NS // 1_000_000 + 3_600_000


def offer_all(running: Running, *, seconds: int = 90) -> None:
    """Something of every stream."""
    for second in range(seconds):
        for pump_id in PUMPS:
            values: list[float | None] = [None if second == 4 and i == 2 else second + i / 8 for i in range(len(TAGS))]
            running.store.offer_frame(frame_of(values, at_s=second, pump_id=pump_id), "NORMAL" if second else "IDLE")
    running.store.offer_detection(detection("P-101", 5, 1.5, 3))
    running.store.offer_event(OrderDone(START_NS, "", "record", True, "first note", "asha"))
    at = START_NS, START_NS
    alarm = Alarm("P-101/flow.low", "P-101", "flow", Priority.HIGH, "low", AlarmState.UNACKNOWLEDGED, 1.0, 2.0, "", *at)
    running.store.offer_event(AlarmChanged(START_NS, alarm))
    running.store.offer_event(MaintenanceChanged(START_NS, EVENT, "created", "", ""))


def rows_due(path: Path, stream: SyncStream) -> list[dict[str, Any]]:
    """All rows that wait of a stream, as a server gets them."""
    outgoing = Outgoing(path)
    entries = outgoing.pending(stream, now_ms=NOW_MS, limit=10_000)
    return [row for lo, hi in ranges_of(stream, entries) for piece in outgoing.rows(stream, lo, hi) for row in piece]


@pytest.fixture
def sending(open_store: Callable[..., Running]) -> tuple[Running, Outbox]:
    """A store that notes every stream."""
    running = open_store(*TAGS, pumps=PUMPS)
    running.store.outbox.streams = EVERY
    return running, running.store.outbox


def test_nothing_is_noted_while_sync_is_off(open_store: Callable[..., Running]) -> None:
    running = open_store(*TAGS, pumps=PUMPS)
    offer_all(running)
    running.end()
    assert running.rows("SELECT * FROM outbox") == []
    assert running.rows("SELECT * FROM sync_quarantine") == []


def test_what_was_written_is_what_waits(sending: tuple[Running, Outbox]) -> None:
    running, _ = sending
    offer_all(running)
    running.end()
    readings = rows_due(running.path, SyncStream.READINGS)
    assert sorted(int(row["id"]) for row in readings) == [
        key for (key,) in running.rows("SELECT id FROM sensor_readings ORDER BY id")
    ]
    bad = next(row for row in readings if row["bad_mask"])
    assert bad["oil_pressure_bar"] is None
    assert (bad["timestamp"], bad["bad_mask"]) == ("2023-11-14T22:13:24.000+00:00", 4)
    assert {row["machine_status"] for row in readings} == {"NORMAL", "IDLE"}
    minutes = rows_due(running.path, SyncStream.ROLLUPS)
    assert [row["timestamp"] for row in minutes if row["pump_id"] == "P-102"] == [
        f"2023-11-14T22:{minute}:00.000+00:00" for minute in (13, 14)
    ]
    first = next(row for row in minutes if row["pump_id"] == "P-101")
    assert first["tags"]["motor_rpm"] == [0.0, 19.5, 39.0, 40, 0]
    assert first["tags"]["oil_pressure_bar"][3:] == [39, 1]
    (found,) = rows_due(running.path, SyncStream.DETECTIONS)
    assert (found["pump_id"], found["is_anomaly"], found["sensor_states"]["vibration_mm_s"]) == (
        "P-101",
        True,
        "ANOMALY",
    )
    lines = rows_due(running.path, SyncStream.ALARMS)
    assert sorted(line["kind"] for line in lines) == ["alarm", "command", "maintenance"]
    alarm = next(line for line in lines if line["kind"] == "alarm")
    assert alarm["time_ns"] == START_NS
    assert alarm["detail"]["alarm_id"] == "P-101/flow.low"
    (audited,) = rows_due(running.path, SyncStream.AUDIT)
    assert (audited["by"], len(audited["hash"])) == ("asha", 64)
    (event,) = rows_due(running.path, SyncStream.EVENTS)
    assert (event["event_id"], event["severity"], event["resolved"]) == (EVENT.event_id, "CRITICAL", False)
    waiting = Outgoing(running.path).waiting(NOW_MS)
    assert (waiting.rows, waiting.quarantined) == (180 + 6 + 4, 0)


def test_a_minute_that_is_not_over_waits(sending: tuple[Running, Outbox]) -> None:
    running, _ = sending
    offer_all(running, seconds=20)
    running.end()
    outgoing, now_ms = Outgoing(running.path), START_NS // 1_000_000 + 20_000
    assert outgoing.pending(SyncStream.ROLLUPS, now_ms=now_ms, limit=9) == []
    assert outgoing.pending(SyncStream.ROLLUPS, now_ms=now_ms + 60_000, limit=9)


def test_archived_rows_are_sent_as_those_that_are_not(sending: tuple[Running, Outbox]) -> None:
    running, _ = sending
    offer_all(running)
    running.store.offer_frame(frame_of([1.0] * len(TAGS), at_s=3000), "NORMAL")
    running.end()
    before = {stream: rows_due(running.path, stream) for stream in EVERY}
    archive_all(running.path, piece_ms=1_000, kept_ms=0)
    assert len(running.rows("SELECT id FROM sensor_readings")) < 180
    assert {stream: rows_due(running.path, stream) for stream in EVERY} == before


def test_an_event_that_changes_is_sent_again_under_its_own_id(sending: tuple[Running, Outbox]) -> None:
    running, _ = sending
    running.store.offer_event(MaintenanceChanged(START_NS, EVENT, "created", "", ""))
    running.store.offer_event(OrderDone(START_NS + 10**9, "", "record", True, "another", "asha"))
    running.store.offer_event(MaintenanceChanged(START_NS + 2 * 10**9, DONE, "resolved", "ravi", ""))
    running.end()
    rows = rows_due(running.path, SyncStream.EVENTS)
    assert {(row["resolved"], row["finding"], row["row_version"]) for row in rows} == {(True, "bearing exchanged", 2)}


def test_the_events_of_a_pump_that_is_renamed_are_sent_again(sending: tuple[Running, Outbox]) -> None:
    running, outbox = sending
    running.store.offer_event(MaintenanceChanged(START_NS, EVENT, "created", "", ""))
    running.start()
    outgoing = Outgoing(running.path)
    wait_until(lambda: outgoing.pending(SyncStream.EVENTS, now_ms=NOW_MS, limit=9))
    outbox.sent([entry.entry_id for entry in outgoing.pending(SyncStream.EVENTS, now_ms=NOW_MS, limit=9)])
    rows = [PumpRow(pump_id, pump_id, profile_of(*TAGS)) for pump_id in ("P-901", "P-102")]
    running.store.set_pumps(rows, {"P-101": "P-901"})
    running.end()
    assert [row["pump_id"] for row in rows_due(running.path, SyncStream.EVENTS)] == ["P-901"]


def test_a_clock_that_was_set_back_does_not_name_what_lies_between(sending: tuple[Running, Outbox]) -> None:
    running, _ = sending
    for at_s in (0, 86_400, 1):
        running.store.offer_frame(frame_of([1.0] * len(TAGS), at_s=at_s), "NORMAL")
    running.end()
    spans = running.rows("SELECT hi - lo, row_count FROM outbox WHERE stream = 'readings' ORDER BY lo")
    assert spans == [(1000 << 12, 2), (0, 1)]


def test_a_batch_of_which_a_row_is_refused_notes_the_others(sending: tuple[Running, Outbox]) -> None:
    running, _ = sending
    running.store.offer_event(OrderDone(START_NS, "", "record", True, "good", "asha"))
    broken = OrderDone(START_NS + 10**9, "", "record", True, "bad", "ravi")
    running.store.offer_event(broken)
    real = Batch.write

    def write(batch: Batch, connection: apsw.Connection) -> None:
        if any(entry.item is broken for entry in batch.entries):
            raise apsw.ConstraintError("refused")
        real(batch, connection)

    with patch.object(Batch, "write", write):
        running.end()
    assert [row["text"] for row in rows_due(running.path, SyncStream.AUDIT)] == ["good"]


def test_what_was_sent_is_deleted_and_what_was_refused_is_kept(sending: tuple[Running, Outbox]) -> None:
    running, outbox = sending
    offer_all(running)
    running.start()
    outgoing = Outgoing(running.path)
    wait_until(lambda: outgoing.pending(SyncStream.AUDIT, now_ms=NOW_MS, limit=9))
    entries = outgoing.pending(SyncStream.AUDIT, now_ms=NOW_MS, limit=9)
    outbox.sent([e.entry_id for e in entries], [RefusedRow(SyncStream.AUDIT, "17", "22P05: no", "{}")])
    wait_until(lambda: not outgoing.pending(SyncStream.AUDIT, now_ms=NOW_MS, limit=9))
    running.end()
    assert running.rows("SELECT stream, row_key, reason FROM sync_quarantine") == [("audit", "17", "22P05: no")]
    assert outgoing.waiting(NOW_MS).quarantined == 1


def test_what_has_waited_for_long_is_one_entry_an_hour_and_names_the_same_rows(
    sending: tuple[Running, Outbox],
) -> None:
    running, _ = sending
    for minute in range(0, 55, 5):
        running.store.offer_frame(frame_of([1.0] * len(TAGS), at_s=60 * minute), "NORMAL")
    running.store.offer_event(OrderDone(START_NS, "", "record", True, "alone", "asha"))
    running.end()
    before = {stream: rows_due(running.path, stream) for stream in EVERY}
    connection = connect(running.path)
    first = int(str(connection.execute("SELECT min(noted_ms) FROM outbox").get))
    join_old(connection, first + OLD_MS)  # none is older
    assert len(running.rows("SELECT 1 FROM outbox WHERE stream = 'readings'")) == 11
    for _ in range(2):
        join_old(connection, first + OLD_MS + 60_000)
        counts = running.rows("SELECT stream, count(*), sum(row_count) FROM outbox GROUP BY 1 ORDER BY 1")
        assert counts == [("alarms", 1, 1), ("audit", 1, 1), ("readings", 2, 11), ("rollups", 2, 11)]
    connection.close()
    assert {stream: rows_due(running.path, stream) for stream in EVERY} == before


def test_a_span_can_be_sent_again(sending: tuple[Running, Outbox]) -> None:
    running, outbox = sending
    offer_all(running)
    running.start()
    outbox.resend(START_NS + 10 * 10**9, START_NS + 20 * 10**9)
    running.end()
    sql = "SELECT lo, hi FROM outbox WHERE stream = 'readings' AND row_count = 0"
    ((lo, hi),) = running.rows(sql)
    rows = [row for piece in Outgoing(running.path).rows(SyncStream.READINGS, lo, hi) for row in piece]
    assert len(rows) == 20
    assert lo == make_id(START_NS + 10 * 10**9)


def test_what_is_salvaged_is_sent_for_what_was_noted_of_it_is_not_known(
    open_store: Callable[..., Running], tmp_path: Path
) -> None:
    path = tmp_path / "pumpwatch.db"
    fill(path, 600)
    with path.open("r+b") as file:
        file.write(b"X")
    running = open_store(*TAGS, pumps=PUMPS)
    running.store.outbox.streams = EVERY
    running.start()
    sql = "SELECT count(*) FROM outbox WHERE stream = 'readings' AND row_count = 0"
    wait_until(lambda: running.rows(sql) != [(0,)], within_s=60, what="the salvage")
    running.end()
    rows = rows_due(path, SyncStream.READINGS)
    assert len({row["id"] for row in rows}) == len(running.rows("SELECT id FROM sensor_readings")) > 500


def test_a_database_of_version_7_gets_an_outbox(open_store: Callable[..., Running], tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    shutil.copy(OLD, path)
    running = open_store(*TAGS, pumps=PUMPS)
    running.store.outbox.streams = EVERY
    running.store.offer_frame(frame_of([1.0] * len(TAGS), at_s=1000), "NORMAL")
    running.end()
    assert len(rows_due(path, SyncStream.READINGS)) == 1
    assert running.rows("SELECT count(*) FROM sensor_readings") == [(201,)]


def refused_rows(path: Path) -> dict[SyncStream, RefusedRow]:
    """A row of each stream that waits, as a server would have refused it."""
    found: dict[SyncStream, RefusedRow] = {}
    for stream in SyncStream:
        row = {"station_id": 7, **rows_due(path, stream)[-1]}
        key = "/".join(str(row[name]) for name in TABLES[stream].key)
        found[stream] = RefusedRow(stream, key, "a number is larger than its column takes (22003)", json.dumps(row))
    return found


def test_refused_rows_are_sent_again_as_they_are_now_or_discarded(sending: tuple[Running, Outbox]) -> None:
    running, outbox = sending
    running.start()
    offer_all(running)
    wait_until(lambda: len(rows_due(running.path, SyncStream.READINGS)) == 180)
    wait_until(lambda: all(rows_due(running.path, stream) for stream in SyncStream))
    refused = refused_rows(running.path)
    every = [entry for (entry,) in running.rows("SELECT entry_id FROM outbox")]
    outbox.sent(every, list(refused.values()))
    history = History(running.path)
    wait_until(lambda: len(history.quarantined()) == len(SyncStream))
    assert {row.stream: (row.row_key, row.reason, row.content) for row in history.quarantined()} == {
        stream: (row.row_key, row.reason, row.content) for stream, row in refused.items()
    }
    assert len(history.quarantined(limit=2)) == 2
    running.store.offer_event(
        MaintenanceChanged(START_NS, DONE, "resolved", "", "")
    )  # has changed since it was refused
    outbox.resend_refused([(row.stream, row.row_key) for row in refused.values()])
    wait_until(lambda: not history.quarantined())
    for stream, row in refused.items():
        sent = [{"station_id": 7, **one} for one in rows_due(running.path, stream)]
        keys = ["/".join(str(one[name]) for name in TABLES[stream].key) for one in sent]
        assert row.row_key in keys, stream
        if stream is SyncStream.EVENTS:
            assert sent[0]["resolved"]
        else:
            assert json.loads(row.content) in sent
    outbox.sent([], list(refused.values()))
    wait_until(lambda: len(history.quarantined()) == len(SyncStream))
    outbox.discard([(SyncStream.AUDIT, refused[SyncStream.AUDIT].row_key), (SyncStream.ALARMS, "not there")])
    wait_until(lambda: {row.stream for row in history.quarantined()} == set(SyncStream) - {SyncStream.AUDIT})


def test_a_refused_row_that_the_history_no_longer_has_stays_and_says_so(sending: tuple[Running, Outbox]) -> None:
    running, outbox = sending
    running.start()
    gone = RefusedRow(SyncStream.AUDIT, "7/5", "why", json.dumps({"id": 5}))
    odd = RefusedRow(SyncStream.READINGS, "7/P-101/x", "why", "no JSON")
    outbox.sent([], [gone, odd])
    which = [(SyncStream.AUDIT, "7/5"), (SyncStream.READINGS, "7/P-101/x")]
    history = History(running.path)
    for _ in range(2):
        outbox.resend_refused(which)
        wait_until(lambda: {row.reason for row in history.quarantined()} == {GONE + "why"})
    assert running.rows("SELECT count(*) FROM outbox WHERE row_count = 1 AND stream = 'audit'") == [(0,)]


def test_archived_rows_are_sent_again_too(sending: tuple[Running, Outbox]) -> None:
    running, outbox = sending
    offer_all(running)
    running.end()
    refused = refused_rows(running.path)
    with closing(connect(running.path)) as connection:
        outbox.sent([entry for (entry,) in running.rows("SELECT entry_id FROM outbox")], list(refused.values()))
        outbox.settle(connection)
    archive_all(running.path)
    with closing(connect(running.path)) as connection:
        outbox.resend_refused([(row.stream, row.row_key) for row in refused.values()])
        outbox.settle(connection)
    assert History(running.path).quarantined() == []
    for stream in (SyncStream.READINGS, SyncStream.ROLLUPS):
        assert rows_due(running.path, stream)
