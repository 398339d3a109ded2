"""Recordings in CSV: what is read, what is refused, and what is counted."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS, PumpProfile, Sensor
from pumpwatch_gui.files.recording import read_recording

TWO = PumpProfile("two", (Sensor("motor_rpm", "n", "rpm", (0, 4000)), Sensor("flow_rate_l_min", "q", "L/min", (0, 9))))


def written(folder: Path, text: str) -> Path:
    path = folder / "r.csv"
    path.write_text(text, "utf-8")
    return path


def test_original_key_names_semicolons_and_further_columns_are_understood(tmp_path: Path) -> None:
    path = written(tmp_path, "Flow_Rate_L_min;note;datetime;Motor_RPM\n7.5;hello;2020-03-09 10:14:33;1480\n")
    recording = read_recording(path, TWO)
    assert recording.time_s.tolist() == [1583748873.0]
    assert recording.values.tolist() == [[1480.0, 7.5]]
    assert recording.notes == ()


@pytest.mark.parametrize("stamp", ["2020-03-09T10:14:33Z", "2020-03-09T15:44:33+05:30", "1583748873", "1.583748873e9"])
def test_times_may_be_iso_8601_or_seconds(tmp_path: Path, stamp: str) -> None:
    path = written(tmp_path, f"timestamp,motor_rpm,flow_rate_l_min\n{stamp},1,2\n")
    assert read_recording(path, TWO).time_s.tolist() == [1583748873.0]


def test_text_nan_and_empty_cells_become_nan_and_are_counted_apart(tmp_path: Path) -> None:
    path = written(tmp_path, "timestamp,motor_rpm,flow_rate_l_min\n1,oops,2\n2,,inf\n3,nan,4\n")
    recording = read_recording(path, TWO)
    assert np.isnan(recording.values[:, 0]).all()
    assert np.isnan(recording.values[1, 1])
    assert "1 cells of motor_rpm hold no number" in recording.notes
    assert "2 cells of motor_rpm are empty" in recording.notes
    assert "1 cells of flow_rate_l_min hold no number" in recording.notes


def test_rows_with_repeated_backward_or_unreadable_time_are_dropped_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path, "timestamp,motor_rpm\n1,1\n1,2\n3,3\n2,4\nnoon,5\n4,6\n")
    recording = read_recording(path, TWO)
    assert recording.time_s.tolist() == [1, 3, 4]
    assert recording.values[:, 0].tolist() == [1, 3, 6]
    assert recording.missing == ("flow_rate_l_min",)
    assert {n for n in recording.notes if n.startswith("1 rows dropped")} == {
        "1 rows dropped: their time is unreadable",
        "1 rows dropped: they repeat the time before",
        "1 rows dropped: their time runs backward",
    }


def test_a_row_cut_short_keeps_what_it_has(tmp_path: Path) -> None:
    recording = read_recording(written(tmp_path, "timestamp,motor_rpm,flow_rate_l_min\n1,5,6\n2,7\n"), TWO)
    assert recording.values[1, 0] == 7
    assert np.isnan(recording.values[1, 1])
    assert recording.notes[0].startswith("1 short rows")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the file is empty"),
        ("timestamp,motor_rpm\n", "line 2: there is no sample"),
        ("when,motor_rpm\n1,2\n", "line 1: there is no time column"),
        ("timestamp,depth\n1,2\n", "line 1: none of the sensors"),
        ("timestamp,motor_rpm\nnoon,2\n", "line 2: no row has a readable time"),
    ],
)
def test_an_unusable_file_is_refused_with_line_and_advice(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_recording(written(tmp_path, text), TWO)
    assert caught.value.advice


def test_binary_content_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xff\xfe\x00\x81" * 50)
    with pytest.raises(InputError, match="no CSV text"):
        read_recording(path, TWO)
    with pytest.raises(InputError, match="gone"):
        read_recording(tmp_path / "gone.csv", TWO)


CELL = st.one_of(st.floats(allow_nan=True).map(repr), st.sampled_from(["", "x", "1e999", " 3 ", "-0", "0x1", "1,5"]))


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=20))
def test_whatever_the_cells_times_rise_and_values_are_finite_or_nan(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    text = "timestamp;motor_rpm\n" + "".join(f"{t};{v}\n" for t, v in rows)
    path = written(tmp_path_factory.getbasetemp(), text)
    try:
        recording = read_recording(path, TWO)
    except InputError:
        return
    assert (np.diff(recording.time_s) > 0).all()
    assert not np.isinf(recording.values).any()
    dropped = sum(int(note.split()[0]) for note in recording.notes if "rows dropped" in note)
    assert dropped + recording.time_s.size == len(rows)


def test_a_day_of_ten_sensors_is_read_in_seconds(tmp_path: Path) -> None:
    profile = PumpProfile("ten", tuple(Sensor(tag, tag, "", (0, 9)) for tag in STANDARD_TAGS))
    row = ",".join(f"{i}.25" for i in range(10))
    rows = (f"2026-01-01T{i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}Z,{row}" for i in range(86_400))
    path = written(tmp_path, "timestamp," + ",".join(STANDARD_TAGS) + "\n" + "\n".join(rows) + "\n")
    started = time.process_time()
    assert read_recording(path, profile).values.shape == (86_400, 10)
    assert time.process_time() - started < 5.0
