"""A start on ten million readings takes as long as one on none; the salvage of a big file keeps its pace."""

import os
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from pumpwatch_gui.store.ids import ONE_MS, make_id
from pumpwatch_gui.store.reading_rows import stored_columns
from pumpwatch_gui.store.schema import connect, quoted
from tests.store.conftest import START_NS
from tests.store.rigs.plant import TAGS, fill, start_on

MILLIONS = float(os.environ.get("PUMPWATCH_MILLIONS", "10"))

MOST_TIMES = 20
"""A salvage takes at most so many times as long as a plain copy: the writer gives it a third of its time."""

START = """
import sys, time
from pathlib import Path
from pumpwatch_gui.store.hot.writer import Store
from tests.store.rigs.plant import ROWS, run_once
begin = time.perf_counter()
store = Store(Path(sys.argv[1]), station=1, pumps=ROWS)
opened = time.perf_counter() - begin
run_once(store)
print(opened, store.view().error)
"""


def grow(path: Path, rows: int) -> None:
    """Add so many readings and scores, one after the other in time, as a year of running would."""
    connection = apsw.Connection(os.fspath(path))
    connection.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000").fetchall()
    known = stored_columns(connection)
    names = ", ".join(quoted(known[tag]) for tag in TAGS)
    first = make_id(START_NS, 1) + ONE_MS * 10**8
    for start in range(0, rows, 500_000):
        count = min(500_000, rows - start)
        numbers = f"WITH RECURSIVE n(i) AS (VALUES ({start}) UNION ALL SELECT i + 1 FROM n LIMIT {count})"
        values = ", ".join(f"i * {k + 1} / 16.0" for k in range(len(TAGS)))
        sql = f"{numbers} INSERT INTO reading_rows (id, {names}) "
        sql += f"SELECT {first} + i * {ONE_MS}, {values} FROM n"
        connection.execute(sql).fetchall()
        scores = f"{numbers} INSERT INTO scores_apart SELECT {first} + i * {ONE_MS}, i / 7.0 FROM n"
        connection.execute(scores).fetchall()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


def opening_s(path: Path) -> float:
    """The best of some openings, each in a process of its own: the others waited for a person."""
    times = []
    for _ in range(9):
        child = subprocess.run([sys.executable, "-c", START, str(path)], capture_output=True, text=True, check=True)
        opened, *error = child.stdout.split(maxsplit=1)
        assert not error
        times.append(float(opened))
    return min(times)


def copy_s(path: Path, target: Path) -> float:
    """The time in which SQLite copies readings and scores into another file, as the writer writes."""
    connection = connect(target)
    connection.execute("ATTACH ? AS source", (os.fspath(path),)).fetchall()
    begin = time.monotonic()
    for table in ("reading_rows", "scores_apart"):
        columns = connection.execute(f"SELECT * FROM source.{table} LIMIT 1").description
        names = ", ".join(quoted(name) for name, *_ in columns)
        keyed = names.replace('"id"', "id INTEGER PRIMARY KEY", 1)
        connection.execute(f"CREATE TABLE {table} ({keyed})").fetchall()
        connection.execute(f"INSERT INTO {table} SELECT * FROM source.{table}").fetchall()
    seconds = time.monotonic() - begin
    connection.close()
    return seconds


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_start_on_millions_of_readings_takes_as_long_as_on_none(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    fill(path, 0)
    empty_s = opening_s(path)
    grow(path, int(MILLIONS * 1e6))
    full_s = opening_s(path)
    print(f"\nopening: empty {empty_s * 1e3:.2f} ms, {MILLIONS} M readings ({path.stat().st_size / 1e9:.2f} GB) "
          f"{full_s * 1e3:.2f} ms")  # fmt: skip
    assert full_s < empty_s * 1.1 + 0.002


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_salvage_keeps_its_pace_and_the_newest_come_first(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    fill(path, 0)
    rows = int(min(MILLIONS, 1.0) * 1e6)
    grow(path, rows)
    with path.open("r+b") as file:
        file.write(b"X")  # the magic
    begin = time.monotonic()
    start = start_on(path, within_s=600)
    took_s = time.monotonic() - begin
    plain_s = copy_s(path, tmp_path / "copy.db")
    rate = 2 * rows / start.salvage_s
    print(f"\n{rows:,} readings and as many scores salvaged in {start.salvage_s:.1f} s: {rate:,.0f} "
          f"rows/s, {start.salvage_s / plain_s:.1f} times as long as SQLite copies them from a sound file; "
          f"first new reading after {start.storing_s:.2f} s")  # fmt: skip
    connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    assert connection.execute("SELECT count(*) FROM sensor_readings").get == rows + 1
    connection.close()
    assert took_s < 600
    assert rate > 50_000
    assert start.salvage_s < MOST_TIMES * plain_s
