"""A row that the database refuses costs that row alone; a bug in the writer costs no row at all."""

import json
import threading
from collections.abc import Callable
from math import nan
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.events import AlarmChanged, Note, OrderDone
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.store.hot import database, row_quarantine, writer
from pumpwatch_gui.store.ids import make_id
from pumpwatch_gui.store.query.audit_check import verify_audit
from pumpwatch_gui.store.schema import connect
from tests.store.conftest import START_NS, Running, frame_of, profile_of
from tests.store.test_store_trouble import Disk

Open = Callable[..., Running]
Wait = Callable[..., None]


def detection(second: float, score: float, *, states: tuple[str, ...] = ("NORMAL", "ANOMALY")) -> Detection:
    at_ns = START_NS + round(second * 1e9)
    counts, shares = np.array([0, 1]), np.array([0.5, 0.5])
    return Detection("P-101", 0, at_ns, 0, "lstm", score, 0.1, 0.2, score > 1, shares, states, counts, "v1")


def raised(alarm_id: str) -> AlarmChanged:
    state = AlarmState.UNACKNOWLEDGED
    alarm = Alarm(alarm_id, "P-101", "t", Priority.HIGH, "t high", state, 9.0, 8.0, "", START_NS, START_NS, "")
    return AlarmChanged(START_NS, alarm)


def quarantined(store: Running) -> list[dict[str, Any]]:
    path = store.path.with_name(row_quarantine.FILE)
    return [json.loads(line) for line in path.read_text("ascii").splitlines()] if path.exists() else []


def test_a_score_that_is_no_number_costs_its_row_alone(open_store: Open, wait_until: Wait) -> None:
    store = open_store("motor_rpm", "flow_rate_l_min")
    store.start()
    for second in range(6):
        store.store.offer_frame(frame_of([1.0, 2.0], at_s=second), "NORMAL")
        store.store.offer_detection(detection(second, nan if second == 3 else 2.0 + second))
    store.store.offer_event(Note(START_NS, "after the bad row"))
    wait_until(lambda: store.store.view().last_commit_ns)
    store.store.offer_frame(frame_of([1.0, 2.0], at_s=6), "NORMAL")
    wait_until(lambda: store.store.view().committed == 7)
    store.end()
    assert store.rows("SELECT score FROM anomaly_scores ORDER BY id") == [(2.0,), (3.0,), (4.0,), (6.0,), (7.0,)]
    assert store.rows("SELECT count(*) FROM anomaly_detections") == [(5,)]
    assert store.history.journal(JournalQuery(text="after the bad row"))
    view = store.store.view()
    assert (view.committed, view.lost, view.lost_others, view.quarantined, view.depth) == (7, 0, 1, 1, 0)
    (row,) = quarantined(store)
    assert "NOT NULL" in row["reason"]
    assert (row["kind"], row["item"]["pump_id"], row["item"]["time_ns"]) == ("Detection", "P-101", START_NS + 3 * 10**9)


def test_two_frames_of_one_id_cost_the_second_one_alone(open_store: Open) -> None:
    store = open_store("motor_rpm")
    store.rows(  # as a second program on the same home would
        'INSERT INTO reading_rows (id, "motor_rpm*10") VALUES (?, -10)',
        make_id(START_NS + 2 * 10**9, 1),
    )
    for second in range(5):
        store.store.offer_frame(frame_of([float(second)], at_s=second), "NORMAL")
    store.end()
    assert store.rows("SELECT motor_rpm FROM sensor_readings ORDER BY id") == [(0.0,), (1.0,), (-1.0,), (3.0,), (4.0,)]
    view = store.store.view()
    assert (view.committed, view.lost, view.quarantined, view.depth) == (4, 1, 1, 0)
    (row,) = quarantined(store)
    assert "UNIQUE" in row["reason"]
    assert row["kind"] == "Frame"
    assert row["item"][0]["values"] == [2.0]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (Note(START_NS, "half a character: \ud83d"), "Unicode"),
        (Note(2**80, "a time beyond 64 bits"), "Overflow"),
        (OrderDone(START_NS, "", "record", True, b"bytes", "asha"), "JSON serializable|cannot store BLOB"),  # type: ignore[arg-type]
        (Note(START_NS, None), "NOT NULL"),  # type: ignore[arg-type]
    ],
)
def test_an_event_that_cannot_be_written_leaves_no_half_of_itself(open_store: Open, item: Any, reason: str) -> None:
    store = open_store("motor_rpm")
    store.store.offer_event(Note(START_NS, "before"))
    store.store.offer_event(item)
    store.store.offer_event(raised("P-101/t.high"))
    store.store.offer_event(OrderDone(START_NS, "", "record", True, "after", "asha"))
    store.end()
    texts = {r.text for r in store.history.journal(JournalQuery())}
    assert texts == {"before", "t high (unacknowledged)", "after"}
    assert [a.alarm_id for a in store.history.open_alarms()] == ["P-101/t.high"]
    assert store.rows("SELECT text FROM audit_log") == [("after",)]
    assert verify_audit(store.path).broken_id is None
    (row,) = quarantined(store)
    assert any(word in row["reason"] for word in reason.split("|")), row["reason"]
    assert store.store.view().lost_others == 1


def test_an_item_that_cannot_be_made_into_rows_is_quarantined_too(open_store: Open) -> None:
    store = open_store("motor_rpm", "flow_rate_l_min")
    store.store.offer_detection(detection(0, 2.0, states=("NORMAL",)))
    store.store.offer_detection(detection(1, 2.0))
    store.end()
    assert store.rows("SELECT count(*) FROM anomaly_scores") == [(1,)]
    assert [row["kind"] for row in quarantined(store)] == ["Detection"]


def test_bad_rows_are_reported_once_when_they_start_and_once_when_they_end(
    open_store: Open, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "REFUSED_OVER_S", 3600.0)
    monkeypatch.setattr(writer, "COMMIT_EVERY_S", 0.02)
    store = open_store("motor_rpm", "flow_rate_l_min")
    store.start()
    for count in range(1, 4):
        store.store.offer_detection(detection(count, nan))
        wait_until(lambda count=count: store.store.view().quarantined == count)
    wait_until(lambda: [t.started for t in store.troubles] == [True])
    assert row_quarantine.FILE in store.troubles[0].text
    assert "NOT NULL" in store.store.view().error
    monkeypatch.setattr(writer, "REFUSED_OVER_S", 0.0)
    wait_until(lambda: len(store.troubles) == 2)
    assert not store.troubles[1].started
    assert store.store.view().error == ""


def test_the_quarantine_file_is_bounded(open_store: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_quarantine, "MAX_BYTES", 4_000)
    store = open_store("motor_rpm", "flow_rate_l_min")
    for second in range(100):
        store.store.offer_detection(detection(second, nan))
    store.end()
    size = sum(p.stat().st_size for p in store.path.parent.glob(row_quarantine.FILE + "*"))
    assert size <= 2 * 4_000
    assert quarantined(store)[-1]["item"]["time_ns"] == START_NS + 99 * 10**9
    assert store.store.view().quarantined == 100


def test_a_quarantine_that_cannot_be_written_stops_nothing(open_store: Open) -> None:
    store = open_store("motor_rpm", "flow_rate_l_min")
    store.path.with_name(row_quarantine.FILE).mkdir()
    store.store.offer_detection(detection(0, nan))
    store.store.offer_detection(detection(1, 2.0))
    store.end()
    assert store.rows("SELECT score FROM anomaly_scores") == [(2.0,)]
    assert (store.store.view().quarantined, store.store.view().lost_others) == (1, 1)


def test_an_alarm_raised_and_returned_between_two_commits_is_not_open(open_store: Open) -> None:
    store = open_store("motor_rpm")
    for alarm_id in ("P-101/t.high", "P-101/t.low"):
        store.store.offer_event(raised(alarm_id))
    gone = raised("P-101/t.high").alarm
    normal = Alarm("P-101/t.high", "P-101", "t", Priority.HIGH, "t high", AlarmState.NORMAL, 9.0, 8.0, "", START_NS,
                   START_NS, "")  # fmt: skip
    store.store.offer_event(AlarmChanged(START_NS, normal))
    store.end()
    assert gone.state is AlarmState.UNACKNOWLEDGED
    assert [a.alarm_id for a in store.history.open_alarms()] == ["P-101/t.low"]


def test_a_pump_that_cannot_be_registered_costs_only_itself(open_store: Open) -> None:
    store = open_store("motor_rpm")
    many = [f"t{n}_{i}" for n in range(32) for i in range(64)]  # SQLite has 2,000 columns
    rows = [writer.PumpRow(f"P-{n}", "", profile_of(*many[n * 64 : n * 64 + 64])) for n in range(32)]
    store.store.set_pumps([writer.PumpRow("P-101", "", profile_of("motor_rpm")), *rows])
    store.store.offer_frame(frame_of([1.0] * 64, pump_id="P-0"), "NORMAL")
    store.store.offer_frame(frame_of([1.0] * 64, pump_id="P-31"), "NORMAL")
    store.store.offer_frame(frame_of([5.0]), "NORMAL")
    store.end()
    assert store.rows("SELECT motor_rpm FROM sensor_readings ORDER BY id & 4095") == [(5.0,), (None,)]
    view = store.store.view()
    assert (view.committed, view.lost) == (2, 1)
    (trouble,) = [t for t in store.troubles if t.started]
    assert "P-31" in trouble.text
    assert "too many columns" in trouble.text


def test_a_full_disk_sends_no_good_row_to_quarantine(open_store: Open, wait_until: Wait) -> None:
    disk = Disk()
    store = open_store("motor_rpm", "flow_rate_l_min", connect=disk.connect)
    for i in range(3_000):
        store.store.offer_frame(frame_of([float(i), 0.0], at_s=i), "NORMAL")
    store.store.offer_detection(detection(5, nan))
    disk.fill()
    store.start()
    wait_until(lambda: store.troubles)
    assert store.store.view().quarantined == 0
    disk.is_full = False
    wait_until(lambda: store.store.view().committed == 3_000)
    store.end()
    assert (store.store.view().lost, store.store.view().quarantined) == (0, 1)
    assert [row["kind"] for row in quarantined(store)] == ["Detection"]


def test_a_bug_in_a_change_of_pumps_is_not_met_again_at_every_restart(
    open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store("motor_rpm")
    store.store.set_pumps([writer.PumpRow("P-9", "", profile_of("motor_rpm"))], {"P-101": "P-9"})
    store.store.offer_frame(frame_of([1.0], pump_id="P-9"), "NORMAL")
    stop = threading.Event()
    stop.set()
    monkeypatch.setattr(database, "rename", lambda connection, renamed: renamed["P-101"] and 1 / 0 if renamed else None)
    with pytest.raises(ZeroDivisionError):
        store.store.run(stop)
    store.store.run(stop)
    assert (store.store.view().committed, store.store.view().lost) == (1, 0)


class BugError(Exception):
    """An error that no part of the store knows."""


def bug_once() -> Callable[[], None]:
    """A callback that fails on its second call, once."""
    calls = iter((False, True))

    def alive() -> None:
        if next(calls, False):
            raise BugError

    return alive


def test_a_writer_that_died_of_a_bug_goes_on_where_it_was_when_it_is_run_again(open_store: Open) -> None:
    store = open_store("motor_rpm")
    for i in range(25_000):
        store.store.offer_frame(frame_of([float(i)], at_s=i), "NORMAL")
    stop = threading.Event()
    stop.set()
    with pytest.raises(BugError):
        store.store.run(stop, bug_once())
    store.store.offer_frame(frame_of([25_000.0], at_s=25_000), "NORMAL")
    store.store.run(stop)
    assert store.rows("SELECT count(*), sum(motor_rpm) FROM sensor_readings") == [(25_001, 25_000 * 25_001 / 2)]
    view = store.store.view()
    assert (view.committed, view.lost, view.depth, view.error) == (25_001, 0, 0, "")
    assert list(store.path.parent.glob("*damaged*")) == []  # a bug says nothing about the file
    assert store.troubles == []


def test_a_bug_right_after_a_commit_does_not_write_its_rows_twice(
    open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store("motor_rpm")
    store.store.offer_event(raised("P-101/t.high"))
    store.store.offer_frame(frame_of([1.0]), "NORMAL")
    stop = threading.Event()
    stop.set()
    with monkeypatch.context() as patched:
        patched.setattr(writer, "bytes_on_disk", lambda path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.store.run(stop)
    store.store.run(stop)
    assert (store.store.view().committed, store.store.view().quarantined) == (1, 0)
    assert [a.alarm_id for a in store.history.open_alarms()] == ["P-101/t.high"]
    assert len(store.history.journal(JournalQuery())) == 1


def test_the_heartbeat_goes_on_between_the_pieces_of_a_backlog(open_store: Open) -> None:
    store = open_store("motor_rpm")
    for i in range(35_000):
        store.store.offer_frame(frame_of([float(i)], at_s=i), "NORMAL")
    seen: list[int] = []
    stop = threading.Event()
    stop.set()
    store.store.run(stop, lambda: seen.append(store.store.view().committed))
    assert {0, 10_000, 20_000, 30_000} <= set(seen)


def test_the_heartbeat_goes_on_while_a_refused_commit_waits_for_its_next_try(
    open_store: Open, monkeypatch: pytest.MonkeyPatch, wait_until: Wait
) -> None:
    monkeypatch.setattr(writer, "RETRY_S", (60.0,))
    monkeypatch.setattr(writer, "ALIVE_EVERY_S", 0.01)
    disk = Disk()
    store = open_store("motor_rpm", connect=disk.connect)
    disk.fill()
    for i in range(5_000):
        store.store.offer_frame(frame_of([float(i)], at_s=i), "NORMAL")
    turns: list[None] = []
    store.start(lambda: turns.append(None))
    wait_until(lambda: store.troubles)
    before = len(turns)
    wait_until(lambda: len(turns) > before + 5)
    disk.is_full = False
    store.end()
    assert store.store.view().committed == 5_000


def test_after_damage_that_yields_no_pump_readings_under_way_stay_with_their_pump(
    open_store: Open, wait_until: Wait
) -> None:
    open_store("motor_rpm", pumps=("P-1", "P-2")).end()
    store = open_store("motor_rpm", pumps=("P-2", "P-1"), connect=breaks_at("INSERT INTO reading_rows"))
    store.store.offer_frame(frame_of([1.0], pump_id="P-1"), "NORMAL")
    store.start()
    wait_until(lambda: store.store.view().committed == 1)
    store.end()
    assert len(list(store.path.parent.glob("*.damaged-*.db"))) == 1
    assert store.rows("SELECT pump_number, pump_id FROM pumps ORDER BY 1") == [(1, "P-1"), (2, "P-2")]
    assert store.rows("SELECT id & 4095 FROM sensor_readings") == [(1,)]


def breaks_at(statement: str) -> Callable[[Path], apsw.Connection]:
    """Opens a database whose file turns to rubbish when the statement first comes."""
    opened: list[Path] = []

    def open_it(path: Path) -> apsw.Connection:
        connection = connect(path)

        def before(_: object, sql: str, values: object) -> bool:
            if sql.startswith(statement):
                path.write_bytes(b"\xff" * path.stat().st_size)
                raise apsw.CorruptError
            return True

        if not opened:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.set_exec_trace(before)
        opened.append(path)
        return connection

    return open_it
