"""The queue, the counters and the quarantine by themselves: what is kept, what is lost, each counted once."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.events import Note, StoreTrouble
from pumpwatch_gui.store.hot import batch as batch_module
from pumpwatch_gui.store.hot import row_quarantine
from pumpwatch_gui.store.hot.batch import Batch, Encoder, Entry, Item, Kind, Refused, bits, masks
from pumpwatch_gui.store.hot.counters import StoreCounters
from pumpwatch_gui.store.hot.intake import Intake, PumpsChanged, Troubles
from pumpwatch_gui.store.hot.row_quarantine import quarantine_rows
from pumpwatch_gui.store.ids import IdMaker, make_id
from pumpwatch_gui.store.layout import ColumnLayout
from tests.store.conftest import START_NS, frame_of

CHANGE = PumpsChanged((), {})


def reading(at_s: float = 0.0, *, pump_id: str = "P-101") -> Item:
    return frame_of([1.0], at_s=at_s, pump_id=pump_id), "NORMAL"


def note(text: str = "a note") -> Note:
    return Note(START_NS, text)


def intake_of(capacity: int, *items: Item) -> tuple[Intake, list[str]]:
    full: list[str] = []
    intake = Intake(capacity, lambda: full.append("full"))
    for item in items:
        intake.offer(item)
    return intake, full


def test_readings_and_the_rest_have_a_bound_each_and_what_does_not_fit_is_counted() -> None:
    intake, full = intake_of(2, reading(), reading())
    assert (intake.depth, intake.high_water, full) == (2, 2, [])
    assert intake.offer(reading()) is False
    assert [intake.offer(note()) for _ in range(3)] == [True, True, False]
    assert intake.offer(detection(0)) is False
    assert intake.lost == {Kind.READING: 1, Kind.EVENT: 1, Kind.DETECTION: 1}
    assert (intake.high_water, full) == (2, ["full"] * 3)


def test_room_is_free_again_when_readings_are_on_the_disk_and_not_when_they_are_taken() -> None:
    intake, _ = intake_of(2, reading(), reading())
    assert len(intake.take(10)) == 2  # type: ignore[arg-type]
    assert not intake.offer(reading())
    intake.done(1)
    assert intake.depth == 1
    assert intake.offer(reading())
    assert (intake.depth, intake.high_water, intake.lost[Kind.READING]) == (2, 2, 1)


def test_items_are_taken_in_order_at_most_so_many_and_up_to_a_change_of_pumps() -> None:
    intake, _ = intake_of(9, *(note(str(i)) for i in range(3)))
    intake.offer_pumps(CHANGE)
    intake.offer(note("after"))
    taken = [intake.take(2) for _ in range(5)]
    assert taken == [[note("0"), note("1")], [note("2")], CHANGE, [note("after")], []]


def test_what_is_given_up_is_counted_as_lost_with_those_already_taken() -> None:
    intake, _ = intake_of(9, *(reading() for _ in range(3)), note(), detection(0))
    intake.take(2)
    intake.offer_pumps(CHANGE)
    intake.lost = Counter({Kind.READING: 5, Kind.EVENT: 6})
    assert intake.give_up() == {Kind.READING: 3, Kind.EVENT: 1, Kind.DETECTION: 1}
    assert intake.lost == {Kind.READING: 8, Kind.EVENT: 7, Kind.DETECTION: 1}
    assert (intake.depth, intake.take(9)) == (0, [])


def test_a_trouble_is_reported_when_it_starts_and_when_the_last_one_is_over() -> None:
    said: list[StoreTrouble] = []
    troubles = Troubles(said.append)
    troubles.end("write", "never began")
    troubles.start("write", "disk full")
    troubles.start("write", "disk still full")
    troubles.start("full", "queue full")
    assert troubles.text == "disk still full; queue full"
    troubles.end("write", "writes again")
    assert [(t.started, t.text) for t in said] == [(True, "disk full"), (True, "queue full")]
    troubles.end("full", "all well")
    troubles.end("full", "all well")
    assert [(t.started, t.text) for t in said[2:]] == [(False, "all well")]
    assert troubles.text == ""


def test_rows_kept_refused_and_unplaced_are_counted_apart() -> None:
    counters = StoreCounters(committed=100, quarantined=400)
    counters.lost = Counter({Kind.READING: 200, Kind.DETECTION: 300, Kind.EVENT: 50})
    entries = [*(Entry(reading(), ()) for _ in range(5)), Entry(note(), ())]
    refused = [*(Refused(reading(), "") for _ in range(3)), *(Refused(note(), "") for _ in range(4))]
    batch = Batch(entries, refused, Counter({Kind.READING: 7, Kind.DETECTION: 20}))
    assert batch.reading_count == 5
    assert counters.written(batch, 0.25) == 5 + 7 + 3
    intake, _ = intake_of(1, *(reading() for _ in range(4)), note(), note())
    view = counters.view(intake, "trouble")
    assert (view.committed, view.lost, view.quarantined) == (105, 213, 407)
    assert (view.lost_detections, view.lost_events, view.lost_others) == (320, 55, 375)
    assert (view.depth, view.high_water, view.error) == (1, 1, "trouble")
    assert view.commit_ms.p50 == pytest.approx(250.0)
    assert view.last_commit_ns > START_NS


def test_rows_go_in_in_the_order_they_came_also_when_a_statement_comes_back() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE a (x); CREATE TABLE b (x)").fetchall()
    into_a, into_b, clear = "INSERT INTO a VALUES (?)", "INSERT INTO b VALUES (?)", "DELETE FROM a WHERE x < ?"
    batch = Batch()
    for rows in (((into_a, (1,)),), ((clear, (9,)), (into_a, (2,))), ((into_b, (3,)), (into_a, (4,)))):
        batch.add(Entry(note(), rows))
    batch.write(connection)
    assert connection.execute("SELECT x FROM a").fetchall() == [(2,), (4,)]
    assert connection.execute("SELECT x FROM b").fetchall() == [(3,)]
    connection.close()


def test_the_latency_of_commits_is_that_of_the_last_600() -> None:
    counters, (intake, _) = StoreCounters(), intake_of(1)
    for duration_s in [9.0] * 10 + [0.001] * 600:
        counters.written(Batch(), duration_s)
    assert counters.view(intake, "").commit_ms.p99 == pytest.approx(1.0)


def test_before_the_first_item_every_figure_is_nothing() -> None:
    intake, _ = intake_of(1)
    view = StoreCounters().view(intake, "")
    assert (view.committed, view.lost, view.lost_others, view.quarantined, view.depth) == (0,) * 5
    assert (view.high_water, view.database_bytes, view.last_commit_ns) == (0, 0, 0)


def encoder() -> Encoder:
    made = Encoder(IdMaker(lambda key: False, newest=0), IdMaker(lambda key: False, newest=0))
    made.take_up({"P-101": ColumnLayout(5, ("a",), "INSERT", np.array([10.0]))})
    return made


def detection(at_s: float, *, score: float = 0.5, share: float = 0.123456789) -> Detection:
    at_ns = START_NS + round(at_s * 1e9)
    one = np.array([share]), ("NORMAL",), np.array([3])
    return Detection("P-101", 0, at_ns, 0, "lstm", score, 0.1, 0.2, score > 1, *one, "v1")


def kept(times: list[float]) -> list[float]:
    made, found = encoder(), list[float]()
    for at_s in times:
        (entry,) = made.encode([detection(at_s)]).entries
        found += [at_s] * (len(entry.rows) == 3)
    return found


def test_a_quiet_detection_is_kept_once_a_minute_also_after_the_clock_was_set_back() -> None:
    assert kept([0, 1, 59.999, 60, 61, 119.999, 120, 50, 51, 109, 110]) == [0, 60, 120, 50, 110]


def test_a_window_holds_its_model_once_and_what_is_per_sensor_in_a_few_bytes() -> None:
    (entry,) = encoder().encode([detection(0)]).entries
    model: Any = entry.rows[1][1]
    window: Any = entry.rows[2][1]
    assert model == ("lstm", "v1", 0.2)
    assert window == (make_id(START_NS, 5), *model, 0, 0.1, bytes([round(0.123456789 * 200), 0, 3]), 0.5)


def test_frames_and_detections_of_unknown_pumps_or_shapes_are_counted_and_cost_nothing_else() -> None:
    wide = frame_of([1.0, 2.0]), "NORMAL"
    strange = [reading(pump_id="GONE"), reading(pump_id="GONE"), wide, reading()]
    batch = encoder().encode([*strange, detection(0), Detection("GONE", *_rest(detection(0)))])
    assert (batch.unplaced, batch.reading_count) == ({Kind.READING: 3, Kind.DETECTION: 1}, 1)
    assert batch.refused == []


def _rest(found: Detection) -> tuple[Any, ...]:
    return tuple(getattr(found, name) for name in list(Detection.__dataclass_fields__)[1:])


def test_a_frame_in_the_shape_before_a_change_of_pumps_is_still_understood() -> None:
    made = encoder()
    made.take_up({"P-101": ColumnLayout(5, ("a", "b"), "INSERT", np.array([10.0, 10.0]))})
    batch = made.encode([reading(0), (frame_of([1.0, 2.0], at_s=1), "NORMAL")])
    assert (batch.reading_count, batch.unplaced) == (2, {})


def test_of_readings_that_share_a_millisecond_the_newest_4096_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert batch_module.REMEMBERED == 4096
    monkeypatch.setattr(batch_module, "REMEMBERED", 2)
    made = encoder()
    made.encode([reading(at_s) for at_s in (0, 1, 2, 3, 0.0001, 1.0001, 2.0001, 3.0001)])
    scored = [made.encode([detection(at_s)]).entries[0].rows[0][1] for at_s in (1.0001, 2.0001, 3.0001)]
    keys: list[Any] = [row[0] for row in scored]
    own = [make_id(START_NS + second * 10**9, 5) for second in (1, 2, 3)]
    assert [key == mine for key, mine in zip(keys, own, strict=True)] == [True, False, False]


@pytest.mark.parametrize("size", [1, 7, 8, 9, 63, 64])
def test_masks_and_bits_are_each_others_inverse(size: int) -> None:
    for i in range(size):
        quality = np.zeros(size, dtype=np.uint8)
        quality[i] = 2
        uncertain, bad = masks(quality)
        assert (uncertain, np.flatnonzero(bits(bad, size)).tolist(), len(bits(bad, size))) == (0, [i], size)
        quality[i] = 1
        assert np.flatnonzero(bits(masks(quality)[0], size)).tolist() == [i]


def test_the_quarantine_starts_again_when_the_next_line_would_fill_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, path = tmp_path / "pumpwatch.db", tmp_path / row_quarantine.FILE
    quarantine_rows(database, [Refused(note("x"), "why")])
    line = path.stat().st_size - 1  # without its line end
    row = json.loads(path.read_text("ascii"))
    assert list(row) == ["time", "reason", "kind", "item"]
    assert (row["reason"], row["kind"], row["item"]["text"]) == ("why", "Note", "x")
    assert row["time"].endswith("+00:00")
    monkeypatch.setattr(row_quarantine, "MAX_BYTES", 2 * line + 2)
    quarantine_rows(database, [Refused(note("x"), "why")])
    assert len(path.read_text("ascii").splitlines()) == 2
    quarantine_rows(database, [Refused(note("y"), "why")])
    assert len(path.read_text("ascii").splitlines()) == 1
    assert len(path.with_name("quarantine.jsonl.old").read_text("ascii").splitlines()) == 2


def test_the_quarantine_holds_five_megabytes() -> None:
    assert row_quarantine.MAX_BYTES == 5_000_000
