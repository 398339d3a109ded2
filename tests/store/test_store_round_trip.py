"""What goes in comes out."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from math import isnan, nan
from typing import Any

import apsw
import numpy as np
import pytest

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.events import AlarmChanged, LinkChanged, Note, OrderDone, RunStateChanged
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.store.audit import AuditRow, chained
from pumpwatch_gui.store.hot.batch import bits, masks
from pumpwatch_gui.store.hot.writer import PumpRow
from pumpwatch_gui.store.ids import make_id
from pumpwatch_gui.store.query.audit_check import verify_audit

START_NS = 1_700_000_000_000_000_000
TEN = ", ".join(STANDARD_TAGS)


def test_every_value_comes_back_and_a_bad_one_is_null(open_store: Any, frame_of: Any) -> None:
    store = open_store()
    rng = np.random.default_rng(3)
    written: list[list[float | None]] = []
    for second in range(50):
        values: list[float | None] = rng.normal(0, 1e3, 10).tolist()
        values[second % 10] = None
        written.append(values)
        store.store.offer_frame(frame_of(values, at_s=second), "NORMAL")
    store.end()
    read = store.rows(f"SELECT {TEN}, bad_mask, uncertain_mask FROM sensor_readings ORDER BY id")
    assert [list(row[:10]) for row in read] == written
    assert [row[10] for row in read] == [1 << (s % 10) for s in range(50)]
    assert {row[11] for row in read} == {0}
    assert store.store.view().committed == 50


def test_the_original_view_has_the_columns_of_the_original_table(open_store: Any, frame_of: Any) -> None:
    store = open_store("motor_rpm", "seal_leak_l_h", *STANDARD_TAGS[1:])
    store.store.offer_frame(frame_of([float(i) for i in range(11)], at_s=0.123), "ANOMALY")
    store.end()
    connection = apsw.Connection(str(store.path))
    cursor = connection.execute("SELECT * FROM sensor_readings_original")
    assert [c[0] for c in cursor.description] == ["id", "timestamp", *STANDARD_TAGS, "machine_status"]
    key = make_id(START_NS + 123_000_000, 1)
    expected = (key, "2023-11-14T22:13:20.123+00:00", 0.0, *map(float, range(2, 11)), "ANOMALY")
    assert cursor.fetchall() == [expected]
    connection.close()


def test_readings_of_one_millisecond_are_all_kept(open_store: Any, frame_of: Any) -> None:
    store = open_store("motor_rpm", pumps=("P-101", "P-102"))
    for i in range(20):
        store.store.offer_frame(frame_of([float(i)], pump_id=f"P-{101 + i % 2}"), "NORMAL")
    store.end()
    again = open_store("motor_rpm", pumps=("P-101", "P-102"))
    again.store.offer_frame(frame_of([20.0]), "NORMAL")
    again.end()
    assert sorted(v for (v,) in again.rows("SELECT motor_rpm FROM sensor_readings")) == [float(i) for i in range(21)]


def test_readings_before_a_clock_was_set_back_are_not_overwritten(open_store: Any, frame_of: Any) -> None:
    store = open_store("motor_rpm")
    store.start()
    for round_ in range(2):  # the clock falls back by an hour and the same milliseconds come again
        for second in (0, 3600):
            store.store.offer_frame(frame_of([round_ * 10.0 + second], at_s=second), "NORMAL")
    store.end()
    assert store.rows("SELECT motor_rpm FROM sensor_readings ORDER BY id") == [(0.0,), (10.0,), (3600.0,), (3610.0,)]


def test_sixty_four_sensors_have_a_mask_bit_and_a_column_each(open_store: Any, frame_of: Any) -> None:
    tags = [f"extra_{i}" for i in range(64)]
    store = open_store(*tags)
    values: list[float | None] = [float(i) for i in range(64)]
    values[63] = values[5] = None
    store.store.offer_frame(frame_of(values, uncertain=(0, 62)), "NORMAL")
    store.end()
    ((bad, uncertain, last, first),) = store.rows(
        "SELECT bad_mask, uncertain_mask, extra_63, extra_0 FROM sensor_readings"
    )
    assert np.flatnonzero(bits(bad, 64)).tolist() == [5, 63]
    assert np.flatnonzero(bits(uncertain, 64)).tolist() == [0, 62]
    assert (last, first) == (None, 0.0)


def test_masks_name_uncertain_and_bad_apart() -> None:
    quality = np.array([0, 1, 2, 1], dtype=np.uint8)
    assert masks(quality) == (0b1010, 0b0100)
    assert masks(np.zeros(64, dtype=np.uint8)) == (0, 0)


def test_a_tag_named_like_a_column_of_ours_gets_a_column_of_its_own(open_store: Any, frame_of: Any) -> None:
    store = open_store("ID", "machine_status")
    store.store.offer_frame(frame_of([1.0, 2.0]), "NORMAL")
    store.end()
    assert store.rows('SELECT "sensor_ID", sensor_machine_status, machine_status FROM sensor_readings') == [
        (1.0, 2.0, "NORMAL")
    ]
    read = store.history.readings("P-101", "ID", start_ns=START_NS, end_ns=START_NS + 10**9)
    assert read.mean.tolist() == [1.0]


def test_every_tag_has_a_column_of_its_own(open_store: Any, frame_of: Any) -> None:
    tags = ("id", "sensor_id", "sensor_sensor_id", "sensor_x", "x")
    store = open_store(*tags)
    store.store.offer_frame(frame_of([1.0, 2.0, 3.0, 4.0, 5.0]), "NORMAL")
    store.end()
    read = [store.history.readings("P-101", t, start_ns=START_NS, end_ns=START_NS + 10**9).mean[0] for t in tags]
    assert read == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_changed_profile_takes_effect_in_its_place_in_the_queue(
    open_store: Any, frame_of: Any, profile_of: Any
) -> None:
    store = open_store("motor_rpm")
    store.store.offer_frame(frame_of([1.0], at_s=0), "NORMAL")
    store.store.set_pumps(
        [PumpRow("P-101", "", profile_of("seal_temp_c", "motor_rpm")), PumpRow("P-9", "", profile_of("a"))]
    )
    store.store.offer_frame(frame_of([70.0, 2.0], at_s=1, uncertain=(0,)), "NORMAL")
    store.store.offer_frame(frame_of([3.0], at_s=2), "NORMAL")  # a scan of the old kind that was still under way
    store.store.offer_frame(frame_of([4.0], pump_id="P-9"), "NORMAL")
    store.end()
    rows = store.rows("SELECT motor_rpm, seal_temp_c, a, uncertain_mask FROM sensor_readings ORDER BY id & 4095, id")
    assert rows == [(1.0, None, None, 0), (2.0, 70.0, None, 1), (3.0, None, None, 0), (None, None, 4.0, 0)]
    layouts = store.rows("SELECT from_id, tags FROM layouts WHERE pump_number = 1 ORDER BY from_id")
    assert [json.loads(tags) for _, tags in layouts] == [["motor_rpm"], ["seal_temp_c", "motor_rpm"]]
    assert make_id(START_NS, 1) < layouts[1][0] <= make_id(START_NS + 10**9, 1)


def test_a_frame_of_an_unknown_pump_is_counted_as_lost(open_store: Any, frame_of: Any) -> None:
    store = open_store("motor_rpm")
    store.store.offer_frame(frame_of([1.0], pump_id="P-999"), "NORMAL")
    store.end()
    assert (store.store.view().lost, store.store.view().depth) == (1, 0)


def detection(at_s: float, score: float) -> Detection:
    ns = round(at_s * 1e9)
    return Detection(
        pump_id="P-101",
        seq=0,
        time_ns=START_NS + ns,
        mono_ns=ns,
        kind="lstm",
        score=score,
        reconstruction_loss=score * 0.05,
        threshold=0.05,
        is_anomaly=score > 1,
        shares=np.array([0.75, 0.25]),
        sensor_states=("ANOMALY", "NORMAL"),
        sensor_anomaly_counts=np.array([3, 0]),
        model_version="1.0",
    )


def test_every_score_is_kept_but_whole_detections_only_where_they_matter(open_store: Any, frame_of: Any) -> None:
    store = open_store("motor_rpm", "flow_rate_l_min")
    scores = [0.5] * 130
    scores[70:73] = [1.5, 2.0, 1.25]
    for second, score in enumerate(scores):
        store.store.offer_frame(frame_of([1.0, 2.0], at_s=second), "NORMAL")
        store.store.offer_detection(detection(second, score))
    store.end()
    read = store.history.scores("P-101", start_ns=START_NS, end_ns=START_NS + 200 * 10**9)
    assert read.mean.tolist() == scores
    kept = store.history.detections("P-101", start_ns=START_NS, end_ns=START_NS + 200 * 10**9)
    assert [(d.time_ns - START_NS) // 10**9 for d in kept] == [0, 60, 70, 71, 72, 73]
    assert kept[2].sensor_states == {"motor_rpm": "ANOMALY", "flow_rate_l_min": "NORMAL"}
    assert kept[2].sensor_anomaly_counts == {"motor_rpm": 3, "flow_rate_l_min": 0}
    assert kept[2].shares == {"motor_rpm": 0.75, "flow_rate_l_min": 0.25}
    joined = "SELECT count(*) FROM anomaly_detections d JOIN sensor_readings r ON r.id = d.reading_id"
    assert store.rows(joined) == [(6,)]


def test_a_detection_finds_its_reading_though_two_shared_a_millisecond(open_store: Any, frame_of: Any) -> None:
    store = open_store("motor_rpm", "flow_rate_l_min")
    store.store.offer_frame(frame_of([1.0, 2.0], at_s=0.0001), "NORMAL")
    store.store.offer_frame(frame_of([7.0, 2.0], at_s=0.0002), "NORMAL")
    store.store.offer_detection(detection(0.0002, 2.0))
    store.end()
    sql = "SELECT motor_rpm FROM anomaly_detections d JOIN sensor_readings r ON r.id = d.reading_id"
    assert store.rows(sql) == [(7.0,)]


def alarm(
    state: AlarmState, *, by: str = "", at_s: int = 0, value: float = 91.5, act: str = "", note: str = ""
) -> AlarmChanged:
    now = START_NS + at_s * 10**9
    one = Alarm("P-101/t.high", "P-101", "t", Priority.HIGH, "t high", state, value, nan, "degC", START_NS, now, by)
    return AlarmChanged(now, one, act=act, by=by if act else "", note=note)


def test_every_kind_of_event_leaves_its_line(open_store: Any) -> None:
    store = open_store("motor_rpm")
    events = [
        Note(START_NS, "Station started"),
        LinkChanged(START_NS, "P-101/1", "P-101", LinkState.OFFLINE, "connection refused"),
        RunStateChanged(START_NS, "P-101", True),
        alarm(AlarmState.UNACKNOWLEDGED),
        OrderDone(START_NS, "", "set limits", True, "t limits set", "asha", "P-101"),
    ]
    for event in events:
        store.store.offer_event(event)
    store.end()
    rows = store.history.journal(JournalQuery())
    assert [r.kind for r in reversed(rows)] == ["note", "link", "run", "alarm", "command"]
    assert rows[1].detail["value"] == 91.5
    assert rows[1].detail["limit"] is None
    assert (rows[0].by, rows[1].severity, rows[3].severity) == ("asha", "HIGH", "WARNING")
    assert rows[3].text == "Link P-101/1 offline: connection refused"


def test_a_restart_knows_the_alarms_that_were_open(open_store: Any) -> None:
    store = open_store("motor_rpm")
    store.store.offer_event(alarm(AlarmState.UNACKNOWLEDGED))
    store.end()
    (read,) = store.history.open_alarms()
    assert read.state is AlarmState.UNACKNOWLEDGED
    assert read.priority is Priority.HIGH
    assert (read.value, read.raised_ns) == (91.5, START_NS)
    assert isnan(read.limit)
    again = open_store("motor_rpm")
    again.store.offer_event(alarm(AlarmState.NORMAL, at_s=5))
    again.end()
    assert again.history.open_alarms() == []


def test_what_people_did_to_an_alarm_is_audited_and_what_it_did_by_itself_is_not(open_store: Any) -> None:
    store = open_store("motor_rpm")
    for second, event in enumerate((
        alarm(AlarmState.UNACKNOWLEDGED, at_s=0),
        alarm(AlarmState.ACKNOWLEDGED, by="asha", at_s=1, act="acknowledge", note="seen"),
        alarm(AlarmState.SHELVED, by="asha", at_s=2, act="shelve", note="seal exchange"),
        alarm(AlarmState.UNACKNOWLEDGED, at_s=3),
        alarm(AlarmState.RETURNED, by="asha", at_s=4),  # still carries the name of who acknowledged: not an act
    )):  # fmt: skip
        assert event.time_ns == START_NS + second * 10**9
        store.store.offer_event(event)
    store.end()
    assert store.rows("SELECT action, by, text FROM audit_log ORDER BY id") == [
        ("acknowledge", "asha", "P-101/t.high: seen"),
        ("shelve", "asha", "P-101/t.high: seal exchange"),
    ]
    assert [r.by for r in reversed(store.history.journal(JournalQuery()))] == ["", "asha", "asha", "", ""]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_log SET by = 'nobody'",
        "DELETE FROM audit_log",
        "INSERT OR REPLACE INTO audit_log SELECT id, 0, 'x', '', 'nobody', 1, '', x'' FROM audit_log",
    ],
)
def test_the_audit_log_cannot_be_changed(open_store: Any, sql: str) -> None:
    store = open_store("motor_rpm")
    store.store.offer_event(OrderDone(START_NS, "", "record", True, "cleaned the strainer", "asha"))
    store.end()
    with pytest.raises(apsw.ConstraintError, match="append-only"):
        store.rows(sql)
    assert store.rows("SELECT by, text FROM audit_log") == [("asha", "cleaned the strainer")]


def test_a_forged_audit_row_breaks_the_chain(open_store: Any) -> None:
    store = open_store("motor_rpm")
    for second in range(3):
        store.store.offer_event(OrderDone(START_NS + second * 10**9, "", "record", True, f"note {second}", "asha"))
    store.end()
    assert verify_audit(store.path).broken_id is None
    (second_id,) = store.rows("SELECT id FROM audit_log ORDER BY id LIMIT 1 OFFSET 1")[0]
    store.rows("DROP TRIGGER audit_log_keeps_values")
    store.rows("UPDATE audit_log SET by = 'ravi' WHERE id = ?", second_id)
    assert verify_audit(store.path).broken_id == second_id


def test_an_audit_row_taken_out_of_the_middle_breaks_the_chain_at_the_next(open_store: Any) -> None:
    store = open_store("motor_rpm")
    for second in range(3):
        store.store.offer_event(OrderDone(START_NS + second * 10**9, "", "record", True, f"note {second}", "asha"))
    store.end()
    ids = [row_id for (row_id,) in store.rows("SELECT id FROM audit_log ORDER BY id")]
    store.rows("DROP TRIGGER audit_log_keeps_rows")
    store.rows("DELETE FROM audit_log WHERE id = ?", ids[1])
    assert verify_audit(store.path).broken_id == ids[2]


def test_the_hash_of_an_audit_row_covers_each_of_its_values_and_the_hash_before() -> None:
    row = AuditRow(1, 2, "record", "P-101", "asha", True, "note")
    others = [
        replace(row, id=9), replace(row, time_ns=9), replace(row, action="x"), replace(row, pump_id="P-102"),
        replace(row, by="ravi"), replace(row, ok=False), replace(row, text="other"),
    ]  # fmt: skip
    assert len({chained(b"", row), chained(b"before", row), *(chained(b"", other) for other in others)}) == 9


def test_a_stop_writes_all_that_is_queued(open_store: Any, frame_of: Any, wait_until: Callable[..., None]) -> None:
    store = open_store(pumps=("P-101",))
    store.start()
    wait_until(lambda: threading.active_count() > 1)
    for i in range(30_000):
        store.store.offer_frame(frame_of([1.5] * 10, at_s=i / 1000), "NORMAL")
    store.end()
    view = store.store.view()
    assert (view.committed, view.depth, view.lost) == (30_000, 0, 0)
    assert view.last_commit_ns > 0
    assert 0 < view.commit_ms.p50 <= view.commit_ms.p99
    assert view.database_bytes > 30_000 * 30
