"""The benchmarks of the store: rows as a running station writes them, and no figure when one of them was lost."""

from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.bench import history, store
from pumpwatch_gui.bench.figure import NotMeasuredError
from pumpwatch_gui.bench.rigs.plant_rows import PUMPS, PlantRows
from pumpwatch_gui.store.query.history import History


@pytest.fixture(scope="module")
def rows() -> PlantRows:
    return PlantRows()


def test_no_two_scans_of_a_pump_are_alike(rows: PlantRows) -> None:
    first, second = (rows.at(number, 10**18 + number) for number in (0, 1))
    assert len(first) == len({frame.pump_id for frame, _ in first}) == PUMPS
    for (one, scored), (other, scored_next) in zip(first, second, strict=True):
        assert np.isfinite(one.values).all()
        assert not np.array_equal(one.values, other.values)
        assert scored.pump_id == one.pump_id
        assert scored.score != scored_next.score


def test_the_writer_is_measured_with_scores() -> None:
    said = {figure.what: figure.value for figure in store.figures(seconds=1.5, most=1000)}
    assert said["500 readings/s with scores: commit p50"] > 0
    assert said["as fast as it goes, with scores"] > 0


def test_readings_and_scores_of_every_pump_are_in_the_history_that_is_read(rows: PlantRows, tmp_path: Path) -> None:
    path = tmp_path / "bench.db"
    history.grow(path, rows, 0, 20)
    history.grow(path, rows, 20, 30)
    span = {"start_ns": history.START_NS, "end_ns": history.START_NS + 30 * history.SECOND}
    for pump in (rows.pumps[0], rows.pumps[-1]):
        assert len(History(path).recording(pump.pump_id, rows.profile, **span).time_s) == 30
        assert np.isfinite(History(path).scores(pump.pump_id, **span).mean).sum() == 30


def test_each_size_gives_a_start_and_the_reads_that_it_is_long_enough_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "HOUR_S", 15)
    said = [figure.what for figure in history.figures((10, 20))]
    assert said == [
        "open the store on 500 readings",
        "open the store on 1,000 readings",
        "read 1 hour of one pump of 50, 1,000 readings",
        "bytes a reading of ten sensors, with its score",
    ]


def test_a_history_that_lost_rows_is_not_measured(
    rows: PlantRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "QUEUE", 20)  # room for less than one scan of 50 pumps
    with pytest.raises(NotMeasuredError, match="found no room in the queue"):
        history.grow(tmp_path / "bench.db", rows, 0, 2)
