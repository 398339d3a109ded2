"""An export has every reading with its quality, is whole or not there, and says what was wrong with what was asked."""

import csv
import errno
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import numpy as np
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.commissioning.export import export as exporting
from pumpwatch_gui.commissioning.export import xlsx_file
from pumpwatch_gui.commissioning.export.csv_file import local_times
from pumpwatch_gui.commissioning.export.export import ExportCancelledError, ExportProgress, export
from pumpwatch_gui.commissioning.export.selection import Selection, select
from pumpwatch_gui.commissioning.export.spans import instant_ns, span_ns
from pumpwatch_gui.domain.errors import InputError, PrerequisiteError, PumpWatchError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.readings import SCORE_TAG
from pumpwatch_gui.files.recordings.reading import read_recording
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.store.hot.writer import PumpRow
from pumpwatch_gui.store.query.history import History
from tests.store.test_streams import SECOND, START_NS, frame, write

ROWS = 50
VALUES: list[float | None] = [1480.25, 60.1, 4.0, 2.0, 1450.0, 1.5, 6.5, 28.0, 58.0, 24.0]
LATER_NS = START_NS + 10**6 * SECOND


@pytest.fixture
def profile() -> PumpProfile:
    return load_profile("centrifugal")


@pytest.fixture
def history(tmp_path: Path, profile: PumpProfile) -> History:
    """Two pumps: of the first the second value is BAD in row 3 and UNCERTAIN in row 4."""
    frames = []
    for i in range(ROWS):
        values = [1480.25 + i, *VALUES[1:]]
        if i == 3:
            values[1] = None
        frames += [frame("P-1", i, values, [1] if i == 4 else []), frame("P-2", i, VALUES)]
    (tmp_path / "home").mkdir()
    write(tmp_path / "home" / "x.db", [PumpRow("P-1", "=One", profile), PumpRow("P-2", "Two", profile)], frames)
    return History(tmp_path / "home" / "x.db")


def selected(
    history: History, *tags: str, pumps: tuple[str, ...] = ("P-1",), tables: tuple[str, ...] = ()
) -> Selection:
    return select(history.recorded_pumps(), dict.fromkeys(pumps, tags), START_NS, LATER_NS, tables)


@contextmanager
def zone(name: str) -> Iterator[None]:
    """Local time is that of this zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()


# -------------------------------------------------------------------- the three kinds of file


def test_a_csv_has_every_value_as_it_is_stored_with_unit_quality_and_offset(history: History, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with zone("Asia/Kolkata"):
        assert export(history, selected(history, "bearing_temperature_c", "motor_rpm"), out, ExportProgress()) == ROWS
    with out.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["time", "pump", "bearing_temperature_c [°C]", "bearing_temperature_c quality", "motor_rpm [rpm]",
                    "motor_rpm quality"]  # fmt: skip
    assert rows[0] == ["2023-11-15T03:43:20.000+05:30", "P-1", "60.1", "good", "1480.25", "good"]
    assert rows[3][2:4] == ["", "bad"]
    assert rows[4][2:4] == ["60.1", "uncertain"]
    assert len(rows) == ROWS


def test_a_csv_is_read_back_as_a_recording(history: History, tmp_path: Path, profile: PumpProfile) -> None:
    out = tmp_path / "out.csv"
    export(history, selected(history), out, ExportProgress())
    read = read_recording(out, profile)
    stored = history.recording("P-1", profile, start_ns=START_NS, end_ns=LATER_NS)
    assert read.missing == ()
    assert np.array_equal(read.time_s, stored.time_s)
    assert np.array_equal(read.values[:, 0], stored.values[:, 0])


def test_a_parquet_has_times_numbers_nulls_and_units(history: History, tmp_path: Path) -> None:
    import arro3.io

    out = tmp_path / "out.parquet"
    assert (
        export(history, selected(history, "bearing_temperature_c", pumps=("P-1", "P-2")), out, ExportProgress())
        == 2 * ROWS
    )
    table = arro3.io.read_parquet(out).read_all()
    assert table.schema.names == ["time", "pump", "bearing_temperature_c", "bearing_temperature_c quality"]
    assert table.schema.field("bearing_temperature_c").metadata_str == {"unit": "°C", "label": "Bearing temperature"}
    assert table["time"].to_pylist()[0] == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert table["bearing_temperature_c"].to_pylist()[3:5] == [None, 60.1]
    assert table["bearing_temperature_c quality"].to_pylist()[3:5] == ["bad", "uncertain"]
    assert table["pump"].to_pylist()[ROWS] == "P-2"


def test_a_workbook_has_true_dates_and_numbers_and_says_what_it_is(history: History, tmp_path: Path) -> None:
    out = tmp_path / "out.xlsx"
    with zone("Europe/Berlin"):
        export(history, selected(history, "bearing_temperature_c"), out, ExportProgress(), site="=North")
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["Read me", "readings"]
    sheet = book["readings"]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][2:] == ("pump", "Bearing temperature\nbearing_temperature_c [°C]", "quality")
    assert rows[1][:2] == (datetime(2023, 11, 14, 22, 13, 20), datetime(2023, 11, 14, 23, 13, 20))
    assert rows[1][3:] == (60.1, "good")
    assert rows[4][3:] == (None, "bad: bearing_temperature_c")
    assert rows[5][3:] == (60.1, "uncertain: bearing_temperature_c")
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:E{ROWS + 1}"
    about = {row[0]: row[1] for row in book["Read me"].iter_rows(values_only=True) if row[0]}
    assert about["Site"] == "=North"
    assert "2023-11-14T23:13:20" in str(about["From"])
    assert about["Sheet readings"] == f"{ROWS} rows"
    assert not any(cell.data_type == "f" for one in book for row in one for cell in row)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "out.xlsx"]


def test_rows_that_a_sheet_has_no_room_for_go_to_further_sheets(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_file, "MOST_ROWS", 21)
    out = tmp_path / "out.xlsx"
    export(history, selected(history, "motor_rpm"), out, ExportProgress())
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["Read me", "readings", "readings 2", "readings 3"]
    found = [row[3] for name in book.sheetnames[1:] for row in book[name].iter_rows(min_row=2, values_only=True)]
    assert found == [1480.25 + i for i in range(ROWS)]


def test_the_tables_of_the_original_are_a_sheet_each(history: History, tmp_path: Path) -> None:
    out = tmp_path / "out.xlsx"
    tables = ("sensor_readings", "anomaly_detections", "maintenance_events")
    assert export(history, selected(history, tables=tables), out, ExportProgress()) == ROWS
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["Read me", *tables]
    row = next(book["sensor_readings"].iter_rows(min_row=2, values_only=True))
    assert int(str(row[0])) > 2**48
    assert row[3:13] == (1480.25, *VALUES[1:])
    assert row[-2:] == ("NORMAL", "P-1")
    with pytest.raises(InputError, match="holds one table"):
        export(history, selected(history, tables=tables), tmp_path / "out.csv", ExportProgress())


def test_names_from_outside_are_no_formulas(tmp_path: Path, profile: PumpProfile) -> None:
    write(tmp_path / "x.db", [PumpRow("=1+1", "x", profile)], [frame("=1+1", 0, VALUES)])
    history = History(tmp_path / "x.db")
    out = tmp_path / "out.csv"
    export(history, selected(history, "motor_rpm", pumps=("=1+1",)), out, ExportProgress())
    assert ",'=1+1," in out.read_text("utf-8")


# -------------------------------------------------------------------- whole or not there


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_a_disk_that_is_full_leaves_the_old_file_and_a_clear_word(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    @contextmanager
    def full(path: Path) -> Iterator[BinaryIO]:
        with Path("/dev/full").open("wb", buffering=0) as file:
            yield file

    out = tmp_path / f"out{suffix}"
    out.write_text("old")
    monkeypatch.setattr(exporting, "atomic_file", full)
    with pytest.raises(PumpWatchError, match=os.strerror(errno.ENOSPC)):
        export(history, selected(history), out, ExportProgress())
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["home", out.name])


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_a_cancelled_export_leaves_nothing(history: History, tmp_path: Path, suffix: str) -> None:
    progress = ExportProgress()
    progress.cancel.set()
    with pytest.raises(ExportCancelledError):
        export(history, selected(history), tmp_path / f"out{suffix}", progress)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize(("name", "words"), [("out.pdf", "no kind of file"), ("none/out.csv", "cannot be written")])
def test_a_target_that_cannot_be_is_said(history: History, tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        export(history, selected(history), tmp_path / name, ExportProgress())


def test_without_the_package_parquet_says_what_to_install(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "arro3.io", None)
    with pytest.raises(PrerequisiteError, match="Parquet") as found:
        export(history, selected(history), tmp_path / "out.parquet", ExportProgress())
    assert "pip install arro3-core arro3-io" in found.value.advice


def test_the_progress_rises_to_the_whole(history: History, tmp_path: Path) -> None:
    progress = ExportProgress()
    export(history, selected(history, pumps=("P-1", "P-2")), tmp_path / "out.csv", progress)
    assert (progress.share, progress.rows) == (1.0, 2 * ROWS)


# -------------------------------------------------------------------- what can be asked for


def test_unknown_pumps_tags_and_tables_are_named_with_those_there_are(history: History) -> None:
    with pytest.raises(InputError, match="P-9") as found:
        selected(history, pumps=("P-9",))
    assert "P-1, P-2" in found.value.advice
    with pytest.raises(InputError, match="no tag nope, zzz") as found:
        selected(history, "motor_rpm", "zzz", "nope")
    assert "motor_rpm" in found.value.advice
    assert SCORE_TAG in found.value.advice
    with pytest.raises(InputError, match="no table pumps"):
        selected(history, tables=("pumps",))


def test_a_span_without_a_reading_is_said_with_the_one_that_has_some(history: History) -> None:
    with pytest.raises(InputError, match="no reading of P-1") as found:
        select(history.recorded_pumps(), {"P-1": ()}, LATER_NS, LATER_NS + SECOND)
    assert "history goes from" in found.value.advice


def test_a_pump_without_a_reading_where_others_have_some_is_said(tmp_path: Path, profile: PumpProfile) -> None:
    pumps = [PumpRow(pump_id, pump_id, profile) for pump_id in ("P-1", "P-2")]
    write(tmp_path / "x.db", pumps, [frame("P-1", 0, VALUES)])
    history = History(tmp_path / "x.db")
    with pytest.raises(InputError, match="no reading of P-2"):
        export(history, selected(history, pumps=("P-2",)), tmp_path / "out.csv", ExportProgress())
    assert not (tmp_path / "out.csv").exists()


def test_tags_are_found_whatever_their_case_and_derived_ones_too(history: History) -> None:
    assert selected(history, "Motor_RPM", "head_m", SCORE_TAG).pumps[0].tags == ("motor_rpm", "head_m", SCORE_TAG)


def test_pumps_that_measure_one_tag_in_two_units_have_two_columns(history: History, tmp_path: Path) -> None:
    one, two = history.recorded_pumps()
    sensors = tuple(replace(sensor, unit="degF") if sensor.tag == "bearing_temperature_c" else sensor
                    for sensor in two.profile.sensors)  # fmt: skip
    other = replace(two, profile=replace(two.profile, sensors=sensors))
    wanted = {"P-1": ("bearing_temperature_c",), "P-2": ("bearing_temperature_c",)}
    out = tmp_path / "out.csv"
    export(history, select([one, other], wanted, START_NS, LATER_NS), out, ExportProgress())
    with out.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head[2::2] == ["bearing_temperature_c [°C]", "bearing_temperature_c [°F]"]
    assert (rows[0][2:], rows[-1][2:]) == (["60.1", "good", "", ""], ["", "", "60.1", "good"])


# -------------------------------------------------------------------- times


NOW_NS = 1_790_000_000 * SECOND


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2026-13-01", "", "not a time"),
        ("yesterday", "", "not a time"),
        ("2026-09-02", "2026-09-01T00:00:00Z", "before it begins"),
        ("2026-09-01T10:00Z", "2026-09-01T10:00Z", "empty"),
        ("2030-01-01", "", "in the future"),
        ("", "9999-12-31", "not a time"),
    ],
)
def test_a_span_that_cannot_be_is_said(start: str, end: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        span_ns(start, end, now_ns=NOW_NS)


def test_a_day_alone_is_all_of_it() -> None:
    with zone("Europe/Berlin"):
        start_ns, end_ns = span_ns("2026-03-29", "2026-03-29", now_ns=NOW_NS)
    assert end_ns - start_ns == 23 * 3600 * SECOND  # the clocks are set forward


def test_a_local_time_that_is_not_or_comes_twice_is_never_guessed() -> None:
    with zone("Europe/Berlin"):
        with pytest.raises(InputError, match="does not exist"):
            instant_ns("2026-03-29 02:30")
        with pytest.raises(InputError, match="comes twice") as found:
            instant_ns("2026-10-25 02:30")
        assert "+02:00" in found.value.advice
        assert "+01:00" in found.value.advice
        first, second = (instant_ns(f"2026-10-25 02:30{offset}") for offset in ("+02:00", "+01:00"))
    assert second - first == 3600 * SECOND


def test_over_a_change_of_the_clocks_no_two_written_times_are_alike() -> None:
    with zone("Europe/Berlin"):
        start_ms = instant_ns("2026-10-25 01:00") // 10**6
        stamps = list(range(start_ms, start_ms + 4 * 3600_000, 600_000))
        words = local_times(stamps)
    assert len(set(words)) == len(words)
    assert [round(datetime.fromisoformat(text).timestamp() * 1e3) for text in words] == stamps
    assert [next(group) for _, group in itertools.groupby(text[-6:] for text in words)] == ["+02:00", "+01:00"]


@given(
    st.lists(st.integers(0, 4_000_000_000_000), min_size=1, max_size=20),
    st.sampled_from(["UTC", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"]),
)
def test_a_written_time_is_the_instant_that_it_was(stamps: list[int], name: str) -> None:
    with zone(name):
        words = local_times(stamps)
    assert [round(datetime.fromisoformat(text).timestamp() * 1e3) for text in words] == stamps
