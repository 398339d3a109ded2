"""A window in few bytes reads as the original's row; rows of before move over, whatever stops that."""

import json
import shutil
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.store.hot.old_windows import OldWindows
from pumpwatch_gui.store.hot.opening import open_database
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.windows import packed
from tests.store.conftest import START_NS, rows_of

OLD = Path(__file__).parent.parent / "data" / "pumpwatch-v2.db"
STATES = ("NORMAL", "ANOMALY", "MISSING")


def detection(second: float, counts: list[int], states: tuple[str, ...], shares: list[float]) -> Detection:
    at_ns = START_NS + round(second * 1e9)
    arrays = np.array(shares), states, np.array(counts, dtype=np.int64)
    return Detection("P-101", 0, at_ns, 0, "combined", 1.5, 0.15, 0.1, True, *arrays, "v1")


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_what_is_packed_is_read_back_by_the_view(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    from pumpwatch_gui.store.hot.writer import PumpRow, Store
    from tests.store.conftest import profile_of
    from tests.store.rigs.plant import run_once

    n = data.draw(st.integers(1, 64))
    tags = tuple(f"tag_{i}" for i in range(n))
    counts = data.draw(st.lists(st.integers(0, 2**62), min_size=n, max_size=n))
    states = tuple(data.draw(st.lists(st.sampled_from(STATES), min_size=n, max_size=n)))
    shares = data.draw(st.lists(st.floats(0, 1), min_size=n, max_size=n))
    path = tmp_path_factory.mktemp("view") / "pumpwatch.db"
    store = Store(path, station=1, pumps=[PumpRow("P-101", "", profile_of(*tags))])
    store.offer_detection(detection(0, counts, states, shares))
    run_once(store)
    (read,) = History(path).detections("P-101", start_ns=START_NS, end_ns=START_NS + 10**9)
    assert read.sensor_states == dict(zip(tags, states, strict=True))
    assert read.sensor_anomaly_counts == dict(zip(tags, counts, strict=True))
    assert list(read.shares) == list(tags)
    assert list(read.shares.values()) == pytest.approx(shares, abs=0.0026)
    assert (read.score, read.threshold, read.kind, read.model_version) == (1.5, 0.1, "combined", "v1")


def test_an_anomalous_window_takes_seventy_bytes_at_most(open_store: Any) -> None:
    store = open_store(*STANDARD_TAGS)
    states = ("ANOMALY", *("NORMAL",) * 9)
    for second in range(6_000):
        counts = [60_000 + second, *range(0, 63_000, 7_000)]
        store.store.offer_detection(detection(second, counts, states, [0.1] * 10))
    store.end()
    ((size,),) = store.rows("SELECT sum(pgsize) FROM dbstat WHERE name = 'anomaly_windows'")
    assert size / 6_000 <= 70


@pytest.mark.parametrize("shares", [[0.5], [0.5, float("nan")]])
def test_what_cannot_be_packed_is_refused(shares: list[float]) -> None:
    with pytest.raises(ValueError, match=r"counts|NaN"):
        packed(shares, ("NORMAL", "NORMAL"), [0, 0])


def old_rows(path: Path) -> list[Any]:
    sql = (
        "SELECT id, reading_id, is_anomaly, reconstruction_loss, threshold, sensor_states, sensor_anomaly_counts, "
        "sensor_shares, score, kind, model_version FROM anomaly_detections ORDER BY id"
    )
    return [[json.loads(v) if str(v).startswith("{") else v for v in row] for row in rows_of(path, sql)]


def test_a_database_of_version_2_is_moved_over_and_reads_as_before(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    shutil.copy(OLD, path)
    before = old_rows(path)
    connection = open_database(path).connection
    assert old_rows(path) == before  # the upgrade itself moves nothing
    mover = OldWindows()
    while not mover.is_done:
        mover.step(connection, within_s=1.0)
    assert connection.execute("SELECT count(*) FROM anomaly_detections_v2").get == 0
    assert connection.execute("SELECT count(*) FROM anomaly_windows").get == len(before) == 24
    assert old_rows(path) == before
    connection.close()


def test_a_move_that_is_broken_off_costs_and_doubles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pumpwatch_gui.store.hot.old_windows.PIECE", 5)
    path = tmp_path / "pumpwatch.db"
    shutil.copy(OLD, path)
    before = old_rows(path)
    connection = open_database(path).connection
    deletes = iter([*[True] * 12, False])

    def disk(_: object, sql: str, values: object) -> bool:
        if sql.startswith("DELETE FROM anomaly_detections_v2") and not next(deletes, True):
            raise apsw.FullError
        return True

    connection.set_exec_trace(disk)
    with pytest.raises(apsw.FullError):
        OldWindows().step(connection, within_s=10.0)
    assert connection.execute("SELECT count(*) FROM anomaly_windows").get == 10
    assert old_rows(path) == before
    connection.set_exec_trace(None)
    again = OldWindows()
    again.step(connection, within_s=10.0)
    assert again.is_done
    assert old_rows(path) == before
    connection.close()


def test_an_old_row_that_cannot_be_understood_stays_and_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    shutil.copy(OLD, path)
    connection = open_database(path).connection
    connection.execute("UPDATE anomaly_detections_v2 SET sensor_states = '{\"motor_rpm\": \"ODD\"}' WHERE rowid = "
                       "(SELECT min(id) FROM anomaly_detections_v2)").fetchall()  # fmt: skip
    mover = OldWindows()
    mover.step(connection, within_s=10.0)
    assert mover.is_done
    assert connection.execute("SELECT count(*) FROM anomaly_detections_v2").get == 1
    assert connection.execute("SELECT count(*) FROM anomaly_detections").get == 24
    connection.close()
