"""Recordings in text files: what is read, what is refused, and what is counted."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS, PumpProfile, Sensor
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.files.recordings.reading import read_recording

TWO = PumpProfile(
    "two", (Sensor("motor_rpm", "Speed", "rpm", (0, 4000)), Sensor("flow_rate_l_min", "Flow", "L/min", (0, 9)))
)
T = 1_700_000_000


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "r.csv"
    path.write_bytes(text.encode(encoding))
    return path


def read(folder: Path, text: str, encoding: str = "utf-8", **choices: object) -> Recording:
    return read_recording(written(folder, text, encoding), TWO, FormatChoices(**choices))  # type: ignore[arg-type]


def test_original_key_names_semicolons_and_further_columns_are_understood(tmp_path: Path) -> None:
    recording = read(tmp_path, "Flow_Rate_L_min;note;datetime;Motor_RPM\n7.5;hello;2020-03-09 10:14:33;1480\n")
    assert recording.time_s.tolist() == [1583748873.0]
    assert recording.values.tolist() == [[1480.0, 7.5]]
    assert recording.notes == ()
    assert recording.understood is not None
    assert recording.understood.unused == ("note",)


@pytest.mark.parametrize(
    "stamp",
    [
        *("2020-03-09T10:14:33Z", "2020-03-09T15:44:33+05:30", "2020-03-09T05:14-05:00:33", "20200309T101433Z"),
        *("1583748873", "1.583748873e9", "1583748873000", "1583748873000000", "1583748873000000000"),
        *(
            "2020/03/09 10:14:33",
            "13.03.2020 10:14:33",
            "03/13/2020 10:14:33 AM",
            "9-Mar-2020 10:14:33",
            "43899.4267708333",
        ),
        *(
            "Mar 9, 2020 10:14:33 AM",
            "13/03/2020 10:14:33 a. m.",
            "Mon 9 March 2020 10:14:33",
            "Mon Mar  9 10:14:33 2020",
            "09. März 2020 10.14.33",
        ),
        *("2020-03-09 10:14:33.000", "2020-03-09 10:14:33,000", "2020-03-09_10-14-33", "20200309101433"),
    ],
)
def test_times_are_read_in_many_forms(tmp_path: Path, stamp: str) -> None:
    text = f'timestamp;motor_rpm;flow_rate_l_min\n"{stamp}";1;2\n'
    if stamp == "2020-03-09T05:14-05:00:33":
        with pytest.raises(InputError, match="no row has a readable time"):
            read(tmp_path, text)
        return
    days = 4 * 86_400.0 if "13.03" in stamp or "13/03" in stamp or "03/13" in stamp else 0.0
    assert read(tmp_path, text).time_s.tolist() == [1583748873.0 + days]


def test_text_nan_and_empty_cells_become_nan_and_are_counted_apart(tmp_path: Path) -> None:
    recording = read(tmp_path, f"timestamp,motor_rpm,flow_rate_l_min\n{T},oops,2\n{T + 1},,inf\n{T + 2},#N/A,4\n")
    assert np.isnan(recording.values[:, 0]).all()
    assert np.isnan(recording.values[1, 1])
    assert "1 cells of motor_rpm hold no number, such as 'oops'" in recording.notes
    assert "2 cells of motor_rpm are empty" in recording.notes
    assert "1 cells of flow_rate_l_min hold no number, such as 'inf'" in recording.notes
    assert recording.empty_values == 4


def test_rows_are_sorted_and_those_without_a_time_of_their_own_are_dropped_and_counted(tmp_path: Path) -> None:
    rows = [(T, 1), (T, 1), (T + 3, 3), (T + 2, 4), (T + 3, 5), ("noon", 6), (T + 4, 7)]
    recording = read(tmp_path, "timestamp,motor_rpm\n" + "".join(f"{t},{v}\n" for t, v in rows))
    assert recording.time_s.tolist() == [T, T + 2, T + 3, T + 4]
    assert recording.values[:, 0].tolist() == [1, 4, 3, 7]
    assert recording.missing == ("flow_rate_l_min",)
    assert recording.dropped == 3
    assert recording.notes[:4] == (
        "1 rows dropped: their time is unreadable (line 7: 'noon')",
        "1 rows were earlier than the one before them: sorted by time",
        "1 rows dropped: they repeat another",
        "1 rows dropped: they have the time of another, or are less than 1 ms after it",
    )


def test_a_row_cut_short_keeps_what_it_has(tmp_path: Path) -> None:
    recording = read(tmp_path, f"timestamp,motor_rpm,flow_rate_l_min\n{T},5,6\n{T + 1},7\n")
    assert recording.values[1, 0] == 7
    assert np.isnan(recording.values[1, 1])
    assert recording.notes[0].startswith("1 short rows")


def test_a_last_row_that_was_cut_off_is_dropped_as_its_last_number_may_lack_digits(tmp_path: Path) -> None:
    recording = read(tmp_path, f"timestamp,motor_rpm,flow_rate_l_min\n{T},1480,6\n{T + 1},14")
    assert recording.values[:, 0].tolist() == [1480]
    assert recording.dropped == 1
    assert "1 rows dropped: the last one is cut off" in recording.notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the file is empty"),
        ("timestamp,motor_rpm\n", "line 2: there is no sample"),
        ("when,motor_rpm\n1,2\n", "line 1: there is no time column"),
        ("timestamp,depth\n1,2\n", "line 1: none of the sensors"),
        ("timestamp,motor_rpm\nnoon,2\n", "no row has a readable time"),
        ("timestamp,motor_rpm\n0,1\n1,1\n", "outside 2000 to 2100 in every unit"),
        (f"timestamp,motor_rpm\n{T},1\n5,1\n", "1 times are outside 2000 to 2100, the first in the year 1970"),
        (f"timestamp,motor_rpm\n{T},x\n{T + 1},y\n", "no cell of any sensor holds a number, such as 'x'"),
        (f"timestamp,motor_rpm,flow_rate_l_min\n{T},1,5,2,5\n", "line 2: 5 cells, 3 names; decimal comma?"),
        (f'timestamp,motor_rpm\n{T},"1\n{T + 1},2\n', "a quote is not closed|unexpected end of data"),
        ("timestamp;motor_rpm\n04.05.2023 00:00;1,480\n", "'1,480' has a decimal mark or a thousands mark"),
        (f"timestamp;motor_rpm\n{T};1.480\n", "'1.480' has a decimal mark or a thousands mark"),
        ("timestamp;motor_rpm\n04/05/2023 00:00;1.5\n", "day and month cannot be told apart"),
        ("timestamp;motor_rpm\n13/05/2023 00:00;1.5\n05/13/2023 00:01;1.5\n", "some dates can only be"),
        (f"timestamp;motor_rpm\n{T};1,5\n{T + 1};1.5\n", "'1,5' has a decimal comma and '1.5' a decimal point"),
        (f"timestamp;motor_rpm [Hz]\n{T};1.5\n", "motor_rpm .Hz. is in Hz, the profile has motor_rpm in rpm"),
        (f"timestamp;flow_rate_l_min\n{T};1.5 m3/h\n", "cells of flow_rate_l_min are in m3/h"),
        (f"timestamp;A.motor_rpm;B.motor_rpm\n{T};1.5;1.5\n", "A.motor_rpm and B.motor_rpm may each be motor_rpm"),
        (f"time,pump,tag,value\n{T},A,motor_rpm,1\n{T},B,motor_rpm,2\n", "it holds 2 pumps: A, B"),
        (f"ts~motor_rpm\n{T}~1\n", "line 1: no header with the names of sensors is found"),
        (f"ts motor_rpm flow_rate_l_min\n{T} 1 2\n{T + 1}  2\n{T + 2} 1 2\n", "line 3: fewer cells than the 3 names"),
        (f"ts;motor_rpm\n{T};1\n{T + 1};2\n{T};3\n{T + 1};4\n{T + 2};4\n", "2 of 5 rows have the time of another"),
        (f"ts;motor_rpm\n{T};1\n;2\n;3\n;4\n", "3 of 4 rows have no readable time"),
        (f"ts;motor_rpm\n{T}.0001;1\n{T}.0002;2\n{T}.0003;3\n", "the times are 100 µs apart"),
        (f"ts;tag;value;unit\n{T};motor_rpm;1;Hz\n", "motor_rpm is in Hz, the profile has motor_rpm in rpm"),
        (f"timestamp;motor_rpm\n{T};1\nmotor_rpm;timestamp\n3;{T + 1}\n", "line 3: a second header"),
    ],
)
def test_an_unusable_file_is_refused_with_the_place_and_advice(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, text)
    assert caught.value.advice


@pytest.mark.parametrize(
    "text",
    [
        f"timestamp  motor_rpm\tflow_rate_l_min\n{T}   1 2.5\n{T + 1}\t 3  4.5  \n",
        "timestamp motor_rpm flow_rate_l_min\n2023-11-14 22:13:20  1 2.5\n2023-11-14 22:13:21  3 4.5\n",
        "Date Time motor_rpm flow_rate_l_min\n2023-11-14 22:13:20 1 2.5\n2023-11-14 22:13:21 3 4.5",
        f'motor_rpm "flow_rate_l_min" ts\nrpm l/min\n1 "2.5" {T}\n3 4.5 {T + 1}\n',
    ],
)
def test_cells_that_blanks_part_are_read(tmp_path: Path, text: str) -> None:
    recording = read(tmp_path, text)
    assert recording.time_s.tolist() == [T, T + 1]
    assert sorted(recording.values[np.isfinite(recording.values)].tolist()) == [1, 2.5, 3, 4.5]
    assert "blanks between cells" in " ".join(recording.remarks())


def test_other_files_and_a_missing_one_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    for content, said in (
        (b"\x01\x02\x03\xff" * 50, "no CSV text"),
        (b"PK\x03\x04 and more", "an Excel workbook"),
        (b"\x1f\x8b\x08", "compressed"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=said):
            read_recording(path, TWO)
    with pytest.raises(InputError, match="gone"):
        read_recording(tmp_path / "gone.csv", TWO)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_the_encoding_is_found_and_told(tmp_path: Path, encoding: str) -> None:
    recording = read(tmp_path, f"Öl;Zeit;Flow [L/min];Speed\nä;{T};2,25;1480,5\n", encoding)
    assert recording.values.tolist() == [[1480.5, 2.25]]
    assert recording.understood is not None
    assert recording.understood.encoding == {"utf-8-sig": "UTF-8", "cp1252": "CP1252"}.get(
        encoding, encoding.upper()[:6].rstrip("-")
    )


def test_a_late_character_of_an_old_code_page_is_read_and_a_broken_utf_8_refused(tmp_path: Path) -> None:
    rows = "".join(f"{T + i};{i};ok\n" for i in range(9000))
    assert read(tmp_path, f"ts;motor_rpm;note\n{rows}{T + 9000};1;Öl\n", "cp1252").time_s.size == 9001
    path = tmp_path / "broken.csv"
    path.write_bytes(f"ts;motor_rpm;Öl\n{rows}".encode() + f"{T + 9000};1;Öl\n".encode("cp1252"))
    with pytest.raises(InputError, match="it is not UTF-8") as caught:
        read_recording(path, TWO)
    assert "save it as UTF-8" in caught.value.advice


def test_what_is_chosen_goes_before_what_is_found(tmp_path: Path) -> None:
    choices = FormatChoices(decimal=",", date_order="mdy", timezone="+02:00", columns=(("motor_rpm", "N 1"),))
    recording = read_recording(written(tmp_path, "timestamp;N 1;Speed\n04/05/2023 02:00;1,480;9\n"), TWO, choices)
    assert recording.values[0, 0] == 1.48
    assert recording.time_s.tolist() == [1680652800.0]  # 2023-04-05 00:00 UTC


def test_midnight_settles_the_order_of_day_and_month(tmp_path: Path) -> None:
    stamps = ["04/05/2023 23:59:58", "04/05/2023 23:59:59", "05/05/2023 00:00:00", "05/05/2023 00:00:01"]
    recording = read(tmp_path, "timestamp,motor_rpm\n" + "".join(f"{s},1\n" for s in stamps))
    assert recording.time_s[0] == 1683244798.0  # 4 May


def test_rows_of_coarse_stamps_are_spread_evenly_and_that_is_told(tmp_path: Path) -> None:
    times = [(0, k) for k in range(4, 6)] + [(m, k) for m in (1, 2) for k in range(6)] + [(3, k) for k in range(3)]
    rows = [f"2023-01-01 00:{m:02d},{10 * m + k}\n" for m, k in times]
    for order in (rows, rows[::-1]):
        recording = read(tmp_path, "timestamp,motor_rpm\n" + "".join(order))
        assert (recording.time_s - recording.time_s[0]).tolist() == [10.0 * k for k in range(len(rows))]
        assert recording.values[:, 0].tolist() == [10 * m + k for m, k in times]
        assert recording.dropped == 0
        assert "4 stamps stand on 17 rows: spread evenly, about 10 s apart" in recording.notes


def test_the_hour_that_comes_twice_is_placed_by_its_sequence_or_refused(tmp_path: Path) -> None:
    quarters = [f"29.10.2023 {h:02d}:{m:02d}" for h in (1, 2, 2, 3) for m in (0, 15, 30, 45)]
    whole = "timestamp;motor_rpm\n" + "".join(f"{q};{i}\n" for i, q in enumerate(quarters))
    recording = read(tmp_path, whole, timezone="Europe/Berlin")
    assert np.diff(recording.time_s).tolist() == [900.0] * 15
    assert recording.dropped == 0
    with pytest.raises(InputError, match="2023-10-29 02:30:00 comes twice in Europe/Berlin"):
        read(tmp_path, "timestamp;motor_rpm\n29.10.2023 02:30;1\n", timezone="Europe/Berlin")
    with pytest.raises(InputError, match="there is no 2023-03-26 02:30 in Europe/Berlin"):
        read(tmp_path, "timestamp;motor_rpm\n26.03.2023 02:30;1\n", timezone="Europe/Berlin")


def test_a_long_recording_with_pumps_qualities_and_staggered_times_gives_samples(tmp_path: Path) -> None:
    rows = [
        f"{T + s + lag / 1000},{pump},{tag},{value},{quality}\n"
        for s in range(5)
        for pump in ("A", "B")
        for lag, tag, value, quality in ((0, "motor_rpm", 1480 + s, 192), (40, "flow_rate_l_min", s, 192 if s else 0))
    ]
    text = "wall,pump,sensor,value,quality\n" + "".join(rows)
    recording = read(tmp_path, text, pump="B")
    assert recording.time_s.tolist() == [T + s for s in range(5)]
    assert recording.values[:, 0].tolist() == [1480 + s for s in range(5)]
    assert np.isnan(recording.values[0, 1])
    assert recording.values[1:, 1].tolist() == [1, 2, 3, 4]


def test_numbers_in_groups_and_with_units_are_read(tmp_path: Path) -> None:
    cells = ["1.480,5", "980,25 rpm", "−5", "2 480,75 1/min", "+1,5e3", "1'480,0"]
    text = "ts;motor_rpm\n" + "".join(f"{T + i};{cell}\n" for i, cell in enumerate(cells))
    assert read(tmp_path, text).values[:, 0].tolist() == [1480.5, 980.25, -5, 2480.75, 1500, 1480]


@pytest.mark.parametrize(("cells", "flow"), [("3,999;1,480", 3.999), ("1,480;1480", 1.48), ("1.480;1.480", 1.48)])
def test_the_span_of_a_sensor_settles_what_a_mark_before_three_digits_is(
    tmp_path: Path, cells: str, flow: float
) -> None:
    assert read(tmp_path, f"ts;flow_rate_l_min;motor_rpm\n{T};{cells}\n").values[0, 1] == flow


CELL = st.one_of(
    st.floats(allow_nan=True).map(repr),
    st.integers(T, T + 5).map(str),
    st.sampled_from(["", "x", "1e999", " 3 ", "-0", "0x1", "1,5"]),
)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=20))
def test_whatever_the_cells_times_rise_and_values_are_finite_or_nan(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    text = "timestamp;motor_rpm\n" + "".join(f"{t};{v}\n" for t, v in rows)
    try:
        recording = read(tmp_path_factory.getbasetemp(), text)
    except InputError:
        return
    assert (np.diff(recording.time_s) > 0).all()
    assert not np.isinf(recording.values).any()
    assert recording.dropped + recording.time_s.size + sum(t == v == "" for t, v in rows) == len(rows)


def test_a_day_of_ten_sensors_is_read_in_seconds(tmp_path: Path) -> None:
    profile = PumpProfile("ten", tuple(Sensor(tag, tag, "", (0, 9)) for tag in STANDARD_TAGS))
    row = ",".join(f"{i}.25" for i in range(10))
    rows = (f"2026-01-01T{i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}Z,{row}" for i in range(86_400))
    path = written(tmp_path, "timestamp," + ",".join(STANDARD_TAGS) + "\n" + "\n".join(rows) + "\n")
    started = time.process_time()
    assert read_recording(path, profile).values.shape == (86_400, 10)
    assert time.process_time() - started < 5.0
