"""The archiver among the writer's other work: late rows, a clock set back, a bug in it, and the budget of the disk."""

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.store.archive import archiver, moving, retention
from pumpwatch_gui.store.archive.archiver import Archiver
from pumpwatch_gui.store.archive.moving import Moved
from pumpwatch_gui.store.hot import upkeep
from pumpwatch_gui.store.hot.writer import Store
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.schema import connect
from tests.store.conftest import START_NS, Running, frame_of, rows_of
from tests.store.rigs import plant
from tests.store.rigs.archiving import archive_all
from tests.store.rigs.plant import run_once
from tests.store.test_archive_history import PROFILE, ROWS

HOUR_S = 3_600
END_NS = START_NS + 400 * 86_400 * 10**9


def numbers(path: Path, pump_id: str = "P-101") -> list[float]:
    found = History(path).recording(pump_id, PROFILE, start_ns=START_NS, end_ns=END_NS)
    assert (np.diff(found.time_s) > 0).all()
    return sorted(found.values[:, 0].tolist())


def offer(store: Store, first: int, count: int, *, start_s: float, step_s: float) -> None:
    for i in range(count):
        store.offer_frame(frame_of([float(first + i), 0.0], at_s=start_s + i * step_s), "NORMAL")


def fill(path: Path, first: int, count: int, *, start_s: float = 0.0, step_s: float = 10.0) -> None:
    store = Store(path, station=1, pumps=ROWS)
    offer(store, first, count, start_s=start_s, step_s=step_s)
    run_once(store)


def test_rows_among_copies_are_read_though_they_came_later(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    fill(path, 0, 700)  # nearly two hours: the copies are still there
    archive_all(path)
    copies = Moved.read(connect(path)).ranges
    assert copies
    fill(path, 700, 100, start_s=HOUR_S + 3)  # the clock was set back by an hour
    assert Moved.read(connect(path)).ranges != copies
    assert numbers(path) == list(range(800))
    archive_all(path)
    assert numbers(path) == list(range(800))


def test_a_clock_set_back_gives_no_id_that_the_archive_has(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    fill(path, 0, 3_000)
    archive_all(path)
    assert rows_of(path, "SELECT count(*) FROM sensor_readings")[0][0] < 1_000
    fill(path, 3_000, 100, start_s=1_000)  # at the very milliseconds of what is archived
    assert numbers(path) == list(range(3_100))
    archive_all(path)
    assert numbers(path) == list(range(3_100))


def test_what_is_being_archived_begins_again_when_a_row_of_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    fill(path, 0, 700)
    connection = connect(path)
    archive = Archiver(lambda event: None)
    archive.take_up(connection)
    with patch.object(moving, "ROWS_AT_ONCE", 10):
        for _ in range(4):
            assert archive.step(connection, within_s=0.0)
        (first_id,) = rows_of(path, "SELECT min(id) FROM sensor_readings")[0]
        archive.make_way(connection, first_id + 1)
        assert archive._work is None
        assert archive.step(connection, within_s=0.0)
    connection.close()
    assert numbers(path) == list(range(700))


def test_the_writer_archives_while_it_writes(
    open_store: Callable[..., Running], monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    monkeypatch.setattr(archiver, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(upkeep, "GROWTH_EVERY_S", 0.0)
    running = open_store("speed", "heat")
    running.start()
    offer(running.store, 0, 2_000, start_s=0, step_s=10)
    wait_until(lambda: running.rows("SELECT count(*) FROM archive_chunks") > [(0,)])
    wait_until(lambda: running.rows("SELECT count(*) FROM sensor_readings") < [(1_000,)])
    offer(running.store, 2_000, 10, start_s=20_000, step_s=10)
    wait_until(lambda: running.store.view().committed == 2_010)
    midnight_ns = 1_699_920_000 * 10**9
    wait_until(lambda: running.store.view().oldest_ns == midnight_ns, what="the oldest day known")
    running.end()
    assert numbers(running.path) == list(range(2_010))


def test_a_bug_in_the_archiver_is_reported_and_costs_no_reading(
    open_store: Callable[..., Running], monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("made up")

    monkeypatch.setattr(archiver, "next_range", broken)
    running = open_store("speed", "heat")
    running.start()
    offer(running.store, 0, 10, start_s=0, step_s=10)
    wait_until(lambda: any("made up" in row.text for row in running.history.journal(JournalQuery())))
    offer(running.store, 10, 10, start_s=100, step_s=10)
    wait_until(lambda: running.store.view().committed == 20)
    running.end()
    assert numbers(running.path) == list(range(20))


def test_beyond_the_budget_the_oldest_days_go_whole_and_their_minutes_and_hours_stay(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    noise = np.random.default_rng(1).normal(0, 1e4, 12 * 1_440)
    store = Store(path, station=1, pumps=ROWS, capacity=10**6)
    for minute, value in enumerate(noise.round(1).tolist()):
        for pump_id in ("P-101", "P-102"):
            store.offer_frame(frame_of([float(minute), value], at_s=60 * minute, pump_id=pump_id), "NORMAL")
    run_once(store)
    assert archive_all(path) == []

    used = rows_of(path, "SELECT 4096 * (page_count - freelist_count) FROM pragma_page_count, pragma_freelist_count")
    before = History(path).read("P-101", ("speed",), start_ns=START_NS, end_ns=END_NS, points=10**6)
    with patch.object(archiver, "delete_oldest", lambda connection, today: retention.delete_oldest(connection, 10**6)):
        reported = archive_all(path, budget_bytes=used[0][0] - 20_000)
    (note,) = reported
    assert isinstance(note, Note)
    assert "The readings of 2023-11-14" in note.text
    assert "minutes and hours stay" in note.text
    gone = rows_of(path, "SELECT min(day) FROM archive_chunks")
    assert gone > rows_of(path, "SELECT min(period) FROM archive_rollups WHERE step_s = 60")
    left = numbers(path)
    assert 0 < left[0] <= 3 * 1_440
    assert left == list(range(int(left[0]), 12 * 1_440))
    after = History(path).read("P-101", ("speed",), start_ns=START_NS, end_ns=END_NS, points=10**6)
    assert after.mean[:, 0].tolist() == before.mean[:, 0].tolist(), "a minute has one reading"
    with patch.object(archiver, "delete_oldest", lambda connection, today: retention.delete_oldest(connection, 10**6)):
        archive_all(path, budget_bytes=1)
    assert rows_of(path, "SELECT count(*) FROM archive_rollups") == [(0,)]


def test_the_last_week_stays_whatever_the_budget(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    fill(path, 0, 3_000)
    archive_all(path)
    today = rows_of(path, "SELECT max(day) FROM archive_chunks")[0][0]
    connection = connect(path)
    assert retention.delete_oldest(connection, today + 5) is None
    gone = retention.delete_oldest(connection, today + 10)
    assert gone is not None
    assert gone.what == "readings"
    connection.close()


def test_the_detections_of_a_day_go_with_its_readings_a_few_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    store = Store(path, station=1, pumps=plant.ROWS, capacity=10**6)
    for minute in range(3 * 1_440):
        for pump_id in plant.PUMPS:
            store.offer_frame(frame_of(plant.values_at(minute), at_s=60 * minute, pump_id=pump_id), "NORMAL")
            store.offer_detection(plant.detection(pump_id, 60 * minute, 1.5, minute))
    run_once(store)
    archive_all(path)
    days = "SELECT (id >> 12) / 86400000, count(*) FROM anomaly_windows GROUP BY 1 ORDER BY 1"
    before = rows_of(path, days)
    assert len(before) >= 2
    today = before[-1][0] + 1
    connection = connect(path)
    assert retention.delete_oldest(connection, today) is None, "the last week stays"
    assert rows_of(path, days) == before
    gone = []
    with patch.object(retention, "DELETED_AT_ONCE", 500):
        while retention.oldest_raw_day(connection) == before[0][0]:
            gone.append(retention.delete_oldest(connection, before[0][0] + 1 + retention.RAW_DAYS))
    connection.close()
    kinds = [one.what for one in gone if one is not None]
    assert kinds == ["detections"] * -(-before[0][1] // 500) + ["readings"] * 2
    assert rows_of(path, days) == before[1:]
    assert rows_of(path, "PRAGMA integrity_check") == [("ok",)]
