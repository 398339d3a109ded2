"""Recordings carry what the plant did, with the truth in columns of its own."""

import csv
import threading
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.acquire.simulator import FaultSpec, Plant, write_history
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS

MINUTE = 1 / 1440


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_pump_writes_exactly_the_file_named(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    assert write_history(Plant(1), days=MINUTE, path=path) == (path,)
    assert [p.name for p in tmp_path.iterdir()] == ["one.csv"]
    rows = rows_of(path)
    assert len(rows) == 60
    assert list(rows[0]) == ["timestamp", *STANDARD_TAGS, "fault", "severity", "run_state"]
    assert rows[0]["timestamp"] == "2026-01-01T09:00:01Z"
    assert rows[-1]["timestamp"] == "2026-01-01T09:01:00Z"


def test_several_pumps_write_a_file_each(tmp_path: Path) -> None:
    paths = write_history(Plant(3), days=MINUTE, path=tmp_path / "many.csv")
    assert [p.name for p in paths] == ["many_P-101.csv", "many_P-102.csv", "many_P-103.csv"]
    assert all(p.exists() for p in paths)


def test_a_recording_holds_exactly_what_the_plant_reads(tmp_path: Path) -> None:
    paths = write_history(Plant(2, seed=3), days=5 * MINUTE, path=tmp_path / "h.csv")
    values = Plant(2, seed=3).run(3000).values[9::10]
    for pump, path in enumerate(paths):
        written = np.array([[float(row[tag]) for tag in STANDARD_TAGS] for row in rows_of(path)])
        assert np.allclose(written, values[:, pump], atol=1e-9)


def test_the_truth_is_in_columns_after_the_readings(tmp_path: Path) -> None:
    faults = [FaultSpec.parse("P-101=cavitation@60+60:0.8"), FaultSpec.parse("P-101=sensor_dropout.motor_rpm@90+60:1")]
    plant = Plant(1, seed=3, faults=faults, cold=True)
    rows = rows_of(write_history(plant, days=3 * MINUTE, path=tmp_path / "h.csv")[0])
    at = {i + 1: row for i, row in enumerate(rows)}
    assert (at[50]["fault"], at[50]["severity"]) == ("", "0.000")
    assert (at[80]["fault"], at[80]["severity"]) == ("cavitation", "0.800")
    assert at[100]["fault"] == "cavitation+sensor_dropout.motor_rpm"
    assert at[100]["motor_rpm"] == ""
    assert at[100]["flow_rate_l_min"] != ""
    assert at[10]["run_state"] == "STANDBY"
    assert at[40]["run_state"] == "RUNNING"


def test_the_same_seed_writes_the_same_bytes_and_finer_periods_carry_milliseconds(tmp_path: Path) -> None:
    first = write_history(Plant(1, seed=5), days=MINUTE, path=tmp_path / "a.csv", period_s=0.5)[0]
    second = write_history(Plant(1, seed=5), days=MINUTE, path=tmp_path / "b.csv", period_s=0.5)[0]
    assert first.read_bytes() == second.read_bytes()
    assert rows_of(first)[0]["timestamp"] == "2026-01-01T09:00:00.500Z"
    assert len(rows_of(first)) == 120


def test_a_recording_that_is_stopped_ends_with_a_whole_row(tmp_path: Path) -> None:
    stop, reported = threading.Event(), list[float]()

    def progress(part: float) -> None:
        reported.append(part)
        stop.set()

    path = write_history(Plant(1), days=1, path=tmp_path / "h.csv", stop=stop, progress=progress)[0]
    assert len(reported) == 1
    assert path.read_text().endswith("RUNNING\n")


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_history(Plant(1), days=MINUTE, path=tmp_path / "file" / "h.csv")
    with pytest.raises(ValueError, match="period_s"):
        write_history(Plant(1), days=MINUTE, path=tmp_path / "h.csv", period_s=0.25)
    with pytest.raises(ValueError, match="days"):
        write_history(Plant(1), days=0, path=tmp_path / "h.csv")
