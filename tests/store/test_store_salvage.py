"""A salvage takes what the pages hold, the newest first, goes on where it was stopped, and doubles nothing."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.cli import main
from pumpwatch_gui.store.hot.opening import open_database
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.ids import LAST_NUMBER
from pumpwatch_gui.store.salvage import extract as extraction
from pumpwatch_gui.store.salvage import graft, merge
from pumpwatch_gui.store.salvage.due import side_of
from pumpwatch_gui.store.salvage.extract import extract
from pumpwatch_gui.store.salvage.merge import Salvage
from pumpwatch_gui.store.salvage.pages import PAGE_SIZE, DamagedFile
from pumpwatch_gui.store.salvage.records import records
from pumpwatch_gui.store.salvage.shapes import table_of
from tests.store.conftest import frame_of, profile_of, rows_of
from tests.store.rigs.plant import PUMPS, ROWS, copy, fill, run_once, start_on

READINGS = 3_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "pumpwatch.db"
    fill(path, READINGS)
    return path


@pytest.fixture
def damaged(source: Path, tmp_path: Path) -> Path:
    """A damaged file next to a database of the same name that has nothing yet."""
    path = copy(source, tmp_path / "home" / "pumpwatch.damaged-1.db")
    with path.open("r+b") as file:
        file.write(b"X")
    return path


class Ended:
    """A child that has come to its end."""

    def poll(self) -> int:
        return 0


def merged(damaged: Path, target: apsw.Connection) -> Salvage:
    salvage = Salvage(damaged, damaged.with_name("pumpwatch.db"))
    salvage._child = Ended()  # type: ignore[assignment]
    while salvage.step(target, within_s=5) is None:
        pass
    return salvage


def test_every_row_of_every_table_is_found_without_sqlite(damaged: Path, source: Path) -> None:
    extract(damaged, side_of(damaged))
    target = open_database(damaged.with_name("pumpwatch.db")).connection
    merged(damaged, target)
    tables = ("sensor_readings", "anomaly_scores", "anomaly_windows", "journal", "audit_log", "pumps", "layouts")
    for table in tables:
        expected: Any = rows_of(source, f"SELECT * FROM {table}")
        assert target.execute(f"SELECT * FROM {table}").fetchall() == expected, table
    assert target.execute("SELECT * FROM anomaly_detections").fetchall() == rows_of(
        source, "SELECT * FROM anomaly_detections"
    )
    assert target.execute("SELECT count(*) FROM meta WHERE key LIKE 'salvage%'").get == 0
    assert not side_of(damaged).exists()
    target.close()


def test_the_newest_readings_come_first(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "PAGES_AT_ONCE", 10)
    extract(damaged, side_of(damaged))
    ids = [int(str(key)) for (key,) in rows_of(side_of(damaged), "SELECT id FROM reading_rows ORDER BY seq")]
    assert len(ids) == READINGS
    assert min(ids[:200]) > max(ids[-200:])


def test_an_extraction_that_is_stopped_goes_on_where_it_was(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "PAGES_AT_ONCE", 10)
    asked = 0
    parent = os.getppid()

    def gone() -> int:
        nonlocal asked
        asked += 1
        return parent if asked < 4 else 1

    monkeypatch.setattr(os, "getppid", gone)
    extract(damaged, side_of(damaged))
    ((some,),) = rows_of(side_of(damaged), "SELECT count(*) FROM reading_rows")
    assert 0 < some < READINGS
    monkeypatch.setattr(os, "getppid", lambda: parent)
    extract(damaged, side_of(damaged))
    counted = "SELECT count(*), count(DISTINCT id) FROM reading_rows"
    assert rows_of(side_of(damaged), counted) == [(READINGS, READINGS)]


def test_a_merge_that_a_full_disk_stops_goes_on_where_it_was(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "PIECE", 300)
    extract(damaged, side_of(damaged))
    path = damaged.with_name("pumpwatch.db")
    target = open_database(path).connection
    commits = iter([*[True] * 12, False])

    def disk(_: object, sql: str, values: object) -> bool:
        if sql == "COMMIT" and not next(commits, True):
            raise apsw.FullError
        return True

    target.set_exec_trace(disk)
    salvage = Salvage(damaged, path)
    salvage._child = Ended()  # type: ignore[assignment]
    with pytest.raises(apsw.FullError):
        salvage.step(target, within_s=30)
    salvage.close()
    target.close()
    target = open_database(path).connection
    assert merged(damaged, target)._rows > READINGS
    assert target.execute("SELECT count(*) FROM sensor_readings").get == READINGS
    target.close()


def test_readings_stay_with_their_pump_though_its_number_is_another_here(damaged: Path, source: Path) -> None:
    extract(damaged, side_of(damaged))
    target = open_database(damaged.with_name("pumpwatch.db")).connection
    for number, pump_id in ((1, "P-900"), (2, PUMPS[0])):
        target.execute("INSERT INTO pumps VALUES (?, ?, '', '{}')", (number, pump_id)).fetchall()
    merged(damaged, target)
    by_pump = (
        "SELECT pump_id, count(*), sum(motor_rpm) FROM sensor_readings "
        f"JOIN pumps ON pump_number = id & {LAST_NUMBER} GROUP BY pump_id ORDER BY pump_id"
    )
    assert target.execute(by_pump).fetchall() == rows_of(source, by_pump)
    target.close()


def test_what_a_commit_left_in_the_log_is_found_and_what_it_did_not_close_is_not(source: Path, tmp_path: Path) -> None:
    path = copy(source, tmp_path / "a" / "pumpwatch.db")
    writer = apsw.Connection(os.fspath(path))
    writer.execute("PRAGMA wal_autocheckpoint = 0; UPDATE reading_rows SET score = -1").fetchall()
    twin = copy(path, tmp_path / "b" / "pumpwatch.db")
    copy(Path(f"{path}-wal"), tmp_path / "c" / "wal").rename(f"{twin}-wal")
    writer.close()
    with DamagedFile(twin) as file:
        assert file._newer
        committed = len(file._newer)
    with Path(f"{twin}-wal").open("r+b") as log:
        log.seek(-(PAGE_SIZE // 2), os.SEEK_END)
        log.write(b"\0" * (PAGE_SIZE // 2))  # the last frame, torn: the commit does not count
    with DamagedFile(twin) as file:
        assert len(file._newer) < committed


def rows_found(damaged: Path) -> dict[str, set[tuple[Any, ...]]]:
    """What an extraction finds in each of the big tables."""
    side_of(damaged).unlink(missing_ok=True)
    extract(damaged, side_of(damaged))
    return {table: {row[1:] for row in rows_of(side_of(damaged), f"SELECT * FROM {table}")} for table in graft.TABLES}


def spoil(path: Path, draw: random.Random) -> None:
    """Break some bytes of some pages: of their header, of their pointers, anywhere, or a stretch."""
    content = bytearray(path.read_bytes())
    for _ in range(draw.choice((1, 5, 20))):
        page = draw.randrange(1, len(content) // PAGE_SIZE) * PAGE_SIZE
        at, length = draw.choice((
            (page + draw.randrange(8), 1),
            (page + draw.randrange(8, 100), 1),
            (page + draw.randrange(PAGE_SIZE), 1),
            (page + draw.randrange(PAGE_SIZE - 16), 16),
            (page + PAGE_SIZE // 2, PAGE_SIZE // 2),
        ))  # fmt: skip
        content[at : at + length] = draw.randbytes(length)
    path.write_bytes(content)


@pytest.mark.parametrize("seed", range(8))
def test_sqlite_reads_from_broken_pages_what_python_reads_and_beyond_that_only_what_was_written(
    damaged: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    written = rows_found(damaged)
    spoil(damaged, random.Random(seed))
    by_sqlite = rows_found(damaged)
    monkeypatch.setattr(extraction, "_sound_leaves", lambda file, pages, grafts: {})
    for table, rows in rows_found(damaged).items():
        assert rows <= by_sqlite[table], table
        assert by_sqlite[table] - rows <= written[table], table


def test_a_broken_letter_in_the_name_of_a_column_costs_no_reading(damaged: Path) -> None:
    at = damaged.read_bytes().index(b"flow_rate_l_min*10")
    with damaged.open("r+b") as file:
        file.seek(at)
        file.write(b"g")
    extract(damaged, side_of(damaged))
    target = open_database(damaged.with_name("pumpwatch.db")).connection
    merged(damaged, target)
    assert target.execute("SELECT count(*) FROM sensor_readings").get == READINGS
    assert target.execute("SELECT count(*) FROM sensor_readings WHERE seal_pressure_bar > 0").get > READINGS * 0.9
    target.close()


def test_rows_of_very_many_columns_are_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "home" / "pumpwatch.damaged-1.db"
    path.parent.mkdir()
    tags = [f"tag_{i}" for i in range(graft.MOST_COLUMNS + 100)]
    rows = [PumpRow(f"P-{i}", "", profile_of(*tags[i : i + 50])) for i in range(0, len(tags), 50)]
    store = Store(path, station=1, pumps=rows)
    for row in rows:
        store.offer_frame(frame_of([1.0 + i for i in range(50)], pump_id=row.pump_id), "NORMAL")
    run_once(store)
    with path.open("r+b") as file:
        file.write(b"X")
    assert len(rows_found(path)["reading_rows"]) == len(rows)


@pytest.mark.parametrize("cut", [0, 50, 100, 4096, 5000])
def test_a_file_cut_anywhere_yields_no_value_that_was_not_written(source: Path, tmp_path: Path, cut: int) -> None:
    path = copy(source, tmp_path / "home" / "pumpwatch.db")
    os.truncate(path, path.stat().st_size * 6 // 10 + cut)
    start = start_on(path)
    assert start.is_quarantined
    assert start.wrong == 0
    assert start.readings > READINGS // 3


def test_a_start_stopped_during_the_salvage_takes_it_up_again(
    source: Path, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    import threading

    path = copy(source, tmp_path / "home" / "pumpwatch.db")
    with path.open("r+b") as file:
        file.write(b"X")
    store = Store(path, station=1, pumps=ROWS)
    stop = threading.Event()
    stop.set()
    store.run(stop)  # one turn: the child has just been started
    assert list(path.parent.glob("*.salvage"))
    again = start_on(path)
    assert (again.readings, again.wrong, again.is_quarantined) == (READINGS, 0, True)


def test_the_command_reads_a_file_of_noise_and_finds_nothing(tmp_path: Path) -> None:
    noise = tmp_path / "noise.db"
    noise.write_bytes(os.urandom(100_000))
    side = tmp_path / "side.db"
    child = subprocess.run(
        [sys.executable, "-m", "pumpwatch_gui", "salvage", str(noise), "--out", str(side)], check=False, timeout=60
    )
    assert child.returncode == 0
    assert rows_of(side, "SELECT count(*) FROM reading_rows") == [(0,)]
    assert main(["salvage", str(tmp_path / "none.db"), "--out", str(side)]) == 2


class OnePage:
    """A file of one page, on which every overflow chain ends as well."""

    last_page = 2

    def __init__(self, content: bytes) -> None:
        self.content = content

    def page(self, number: int) -> bytes:
        return self.content


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([0x02, 0x0A, 0x0D]), st.integers(0, 400), st.integers(0, 2**32), st.booleans())
def test_no_page_whatever_it_holds_stops_a_salvage(kind: int, count: int, seed: int, small: bool) -> None:
    draw = random.Random(seed)
    noise = bytes(draw.choice((0, 1, 7, 8, 9, 10, 12, 13, 255)) for _ in range(4096)) if small else draw.randbytes(4096)
    page = bytes([kind, 0, 0]) + count.to_bytes(2) + noise[5:]
    for record in records(OnePage(page), 2):  # type: ignore[arg-type]
        assert len(record.kinds) == len(record.values)
        table_of(record)
