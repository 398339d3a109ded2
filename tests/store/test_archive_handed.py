"""Days that an import hands to the writer: on the disk once, whatever the disk does, or taken back."""

from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

from pumpwatch_gui.store.archive import handed
from pumpwatch_gui.store.archive.chunks import Encoded, insert_chunks
from pumpwatch_gui.store.importing import ImportTarget
from tests.store.conftest import START_NS, Running, frame_of, profile_of

DAY_NS = 86_400 * 10**9
ROWS = 500
LONG_AGO_NS = START_NS - 400 * DAY_NS
Opens = Callable[..., Running]


def day(store: Running, number: int) -> Encoded:
    """Readings of one day long ago."""
    time_ns = LONG_AGO_NS // DAY_NS * DAY_NS + number * DAY_NS + np.arange(ROWS) * 60 * 10**9
    return ImportTarget.read(store.path, "P-101").chunk(
        ("speed",), time_ns, np.arange(ROWS, dtype=np.float64)[:, np.newaxis] * 0.5
    )


def stored(store: Running) -> list[float]:
    """The speeds of long ago."""
    found = store.history.recording("P-101", profile_of("speed"), start_ns=0, end_ns=START_NS - DAY_NS)
    values: list[float] = found.values[:, 0].tolist()
    return values


@pytest.fixture
def store(open_store: Opens, wait_until: Callable[..., None]) -> Running:
    """A store under way, with a reading of now."""
    running = open_store("speed")
    running.start()
    running.store.offer_frame(frame_of([1.0]), "NORMAL")
    wait_until(lambda: running.store.view().committed == 1)
    return running


def test_what_is_handed_over_is_on_the_disk_and_becomes_days(store: Running, wait_until: Callable[..., None]) -> None:
    futures = [store.store.handed.offer(day(store, number)) for number in range(3)]
    assert not wait(futures, 20).not_done
    assert stored(store) == [at * 0.5 for at in range(ROWS)] * 3
    sql = "SELECT count(*) FROM archive_chunks WHERE level = 1 AND series = '@time'"
    wait_until(lambda: store.rows(sql) == [(3,)], within_s=30, what="whole days")
    assert stored(store) == [at * 0.5 for at in range(ROWS)] * 3


def test_a_full_disk_delays_it_and_costs_nothing(store: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[object] = []

    def full_at_first(connection: apsw.Connection, chunks: Any) -> None:
        tries.append(chunks)
        if len(tries) < 3:
            raise apsw.FullError("no room")
        insert_chunks(connection, chunks)

    monkeypatch.setattr(handed, "insert_chunks", full_at_first)
    future = store.store.handed.offer(day(store, 0))
    future.result(30)
    assert stored(store) == [at * 0.5 for at in range(ROWS)]
    assert any("full" in trouble.text for trouble in store.troubles)
    assert not store.store.view().lost


def test_in_a_file_that_lost_its_name_it_does_not_count(
    store: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def lose_the_file(connection: apsw.Connection, chunks: Any) -> None:
        monkeypatch.setattr(handed, "insert_chunks", insert_chunks)
        for ending in ("", "-wal", "-shm"):
            Path(f"{store.path}{ending}").unlink()
        insert_chunks(connection, chunks)

    monkeypatch.setattr(handed, "insert_chunks", lose_the_file)
    store.store.handed.offer(day(store, 0)).result(30)
    assert stored(store) == [at * 0.5 for at in range(ROWS)], "in the file that bears the name now"


def test_what_the_database_refuses_is_said_and_the_next_is_written(store: Running) -> None:
    number, chunk, contents = day(store, 0)
    broken = store.store.handed.offer((number, chunk._replace(row_count=None), contents))  # type: ignore[arg-type]
    good = store.store.handed.offer(day(store, 1))
    with pytest.raises(apsw.ConstraintError):
        broken.result(20)
    good.result(20)
    assert len(stored(store)) == ROWS


def test_what_is_taken_back_is_not_written(open_store: Opens) -> None:
    running = open_store("speed")
    future = running.store.handed.offer(day(running, 0))
    running.store.handed.withdraw()
    assert future.cancelled()
    assert wait([future], 0).done, "whoever waits for it goes on"
    running.end()
    assert running.rows("SELECT count(*) FROM archive_chunks") == [(0,)]
