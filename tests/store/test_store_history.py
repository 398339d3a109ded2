"""Reading back: nothing hidden, nothing invented."""

import csv
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.events import Note, OrderDone, RunStateChanged
from pumpwatch_gui.domain.ports import JournalQuery

START_NS = 1_700_000_000_000_000_000
HOUR_NS = 3_600 * 10**9


def read(store: Any, *, end_s: float = 3_600, points: int = 2_000, pump_id: str = "P-101") -> Any:
    end_ns = START_NS + int(end_s * 1e9)
    return store.history.readings(pump_id, "motor_rpm", start_ns=START_NS, end_ns=end_ns, points=points)


def test_few_readings_come_as_they_are(open_store: Any, frame_of: Any) -> None:
    store = open_store("motor_rpm", pumps=("P-101", "P-102"))
    for second in range(60):
        store.store.offer_frame(frame_of([float(second)], at_s=second), "NORMAL")
        store.store.offer_frame(frame_of([-1.0], at_s=second, pump_id="P-102"), "NORMAL")
    store.end()
    thinned = read(store)
    assert thinned.mean.tolist() == thinned.low.tolist() == thinned.high.tolist() == [float(s) for s in range(60)]
    assert thinned.time_s[0] == START_NS / 1e9
    assert read(store, end_s=10).mean.tolist() == [float(s) for s in range(10)]


@pytest.mark.parametrize("points", [2_000, 50])
def test_a_gap_is_a_hole_and_not_a_bridge(open_store: Any, frame_of: Any, points: int) -> None:
    store = open_store("motor_rpm")
    for second in [*range(200), *range(1_000, 1_200)]:
        store.store.offer_frame(frame_of([5.0], at_s=second), "NORMAL")
    store.end()
    thinned = read(store, points=points)
    hole = (thinned.time_s > START_NS / 1e9 + 230) & (thinned.time_s < START_NS / 1e9 + 970)
    assert hole.any()
    assert np.isnan(thinned.mean[hole]).all()
    assert not np.isnan(thinned.mean[thinned.time_s < START_NS / 1e9 + 199]).any()


def test_readings_more_than_three_usual_distances_apart_have_a_hole_halfway_between_them(
    open_store: Any, frame_of: Any
) -> None:
    store = open_store("motor_rpm")
    for second in [*range(10), 12, 13, 16.5, 17]:  # 3 distances at most, but for one of 3.5
        store.store.offer_frame(frame_of([5.0], at_s=second), "NORMAL")
    store.end()
    thinned = read(store)
    assert (thinned.time_s[np.isnan(thinned.mean)] - START_NS / 1e9).tolist() == [14.75]
    assert np.isnan(thinned.low).tolist() == np.isnan(thinned.high).tolist() == np.isnan(thinned.mean).tolist()


def test_readings_are_given_from_the_start_up_to_but_not_with_the_end(open_store: Any, frame_of: Any) -> None:
    store = open_store("motor_rpm")
    for second in range(20):
        store.store.offer_frame(frame_of([float(second)], at_s=second), "NORMAL")
    store.end()
    assert len(read(store, end_s=10, points=10).mean) == 10
    thinned = read(store, end_s=20, points=6)
    assert (thinned.time_s - START_NS / 1e9).round(3).tolist() == [1.583, 4.750, 7.917, 11.084, 14.251, 17.418]
    assert thinned.low.tolist() == [0, 4, 7, 10, 13, 16]
    assert thinned.high.tolist() == [3, 6, 9, 12, 15, 19]


def test_a_trend_of_no_points_is_refused(open_store: Any) -> None:
    store = open_store("motor_rpm")
    store.end()
    assert read(store, points=1).mean.size == 0
    with pytest.raises(ValueError, match="positive"):
        read(store, points=0)


def test_a_bad_stretch_is_a_hole(open_store: Any, frame_of: Any) -> None:
    store = open_store("motor_rpm")
    for second in range(1_000):
        store.store.offer_frame(frame_of([None if 400 <= second < 600 else 5.0], at_s=second), "NORMAL")
    store.end()
    for points in (2_000, 100):
        thinned = read(store, points=points)
        inside = (thinned.time_s > START_NS / 1e9 + 420) & (thinned.time_s < START_NS / 1e9 + 580)
        assert np.isnan(thinned.mean[inside]).all()
        assert np.nanmax(thinned.high) == 5.0


def test_an_unbroken_trend_has_no_holes_however_it_is_thinned(open_store: Any, frame_of: Any) -> None:
    store = open_store("motor_rpm")
    jitter = np.random.default_rng(5).uniform(-0.2, 0.2, 3_000)
    for second in range(3_000):
        store.store.offer_frame(frame_of([5.0], at_s=second + jitter[second]), "NORMAL")
    store.end()
    for points in (10, 999, 1_500, 2_500, 2_999):
        assert not np.isnan(read(store, points=points).mean).any()


def test_a_spike_of_one_reading_survives_thinning(open_store: Any, frame_of: Any) -> None:
    store = open_store("motor_rpm")
    for second in range(3_000):
        store.store.offer_frame(frame_of([{1_234: 99.0, 2_000: -99.0}.get(second, 5.0)], at_s=second), "NORMAL")
    store.end()
    thinned = read(store, points=100)
    assert thinned.time_s.size <= 100
    assert (np.nanmax(thinned.high), np.nanmin(thinned.low)) == (99.0, -99.0)
    assert abs(thinned.time_s[np.nanargmax(thinned.high)] - START_NS / 1e9 - 1_234) < 31
    assert abs(np.nanmean(thinned.mean) - 5.0) < 0.1


def test_an_unknown_pump_or_tag_is_empty(open_store: Any) -> None:
    store = open_store("motor_rpm")
    store.end()
    assert read(store, pump_id="P-999").time_s.size == 0
    assert store.history.readings("P-101", 'x" OR 1', start_ns=0, end_ns=HOUR_NS).time_s.size == 0
    assert read(store).mean.size == 0


@pytest.fixture
def noted(open_store: Any) -> Any:
    store = open_store("motor_rpm", capacity=30_000)
    for i in range(20):
        pump = f"P-{101 + i % 2}"
        store.store.offer_event(Note(START_NS + i // 4, f"note {i} at 50% load", pump_id=pump))
    store.store.offer_event(RunStateChanged(START_NS + 100, "P-101", True))
    store.end()
    return store


def test_the_journal_is_filtered_by_pump_kind_and_text(noted: Any) -> None:
    history = noted.history
    assert [r.kind for r in history.journal(JournalQuery(kinds=("run",)))] == ["run"]
    assert history.journal(JournalQuery(kinds=())) == []
    assert len(history.journal(JournalQuery(pump_id="P-102"))) == 10
    assert [r.text for r in history.journal(JournalQuery(text="NOTE 13"))] == ["note 13 at 50% load"]
    assert len(history.journal(JournalQuery(text="50% l"))) == 20
    assert history.journal(JournalQuery(text="5_%")) == []
    assert len(history.journal(JournalQuery(), limit=3)) == 3
    assert len(history.journal(JournalQuery(before_ns=START_NS + 1))) == 4


def test_paging_loses_no_line_of_one_instant(noted: Any) -> None:
    seen: list[int] = []
    rows = noted.history.journal(JournalQuery(), limit=3)
    while rows:
        seen += [r.id for r in rows]
        rows = noted.history.journal(JournalQuery(before_ns=rows[-1].time_ns, before_id=rows[-1].id), limit=3)
    assert len(seen) == len(set(seen)) == 21


def test_the_exported_journal_is_a_whole_csv(noted: Any, tmp_path: Path) -> None:
    path = tmp_path / "journal.csv"
    assert noted.history.export_journal_csv(path, JournalQuery(pump_id="P-101")) == 11
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 11
    assert rows[0]["text"] == "Pump started"
    assert rows[0]["time"] == "2023-11-14T22:13:20.000+00:00"
    assert list(tmp_path.glob("*.part")) == []
    with pytest.raises(StoreError, match="cannot be written"):
        noted.history.export_journal_csv(tmp_path / "no" / "such" / "folder.csv", JournalQuery())


def test_an_export_of_many_lines_pages_through_all(open_store: Any, tmp_path: Path) -> None:
    store = open_store("motor_rpm")
    for i in range(12_000):
        store.store.offer_event(Note(START_NS + i // 3_000, f"{i}"))
    store.end()
    assert store.history.export_journal_csv(tmp_path / "all.csv", JournalQuery()) == 12_000


def test_a_reader_never_writes(noted: Any) -> None:
    with pytest.raises(StoreError), noted.history._connection() as connection:
        connection.execute("DELETE FROM journal").fetchall()


def test_a_question_that_takes_too_long_is_broken_off(noted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pumpwatch_gui.store.query.history.LONGEST_S", 0.1)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    with pytest.raises(StoreError, match="too long"), noted.history._connection() as connection:
        connection.execute(endless).fetchall()
    assert isinstance(connection, apsw.Connection)


def test_a_text_that_a_spreadsheet_would_take_for_a_formula_is_exported_as_text(
    open_store: Any, tmp_path: Path
) -> None:
    store = open_store()
    store.start()
    texts = ["=cmd|' /C calc'!A0", "+1+1", "-2", "@SUM(A1)", "\t=1", "plain = 1"]
    for text in texts:
        store.store.offer_event(OrderDone(START_NS, "", "record", True, text, "asha"))
    store.end()
    assert store.history.export_journal_csv(tmp_path / "journal.csv", JournalQuery()) == len(texts)
    with (tmp_path / "journal.csv").open(encoding="utf-8", newline="") as file:
        written = {row["text"] for row in csv.DictReader(file)}
    assert written == {*(f"'{text}" for text in texts[:-1]), texts[-1]}
