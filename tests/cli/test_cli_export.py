"""`pumpwatch export`: what it writes, and what it says when it cannot."""

from pathlib import Path

import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.store.hot.writer import PumpRow
from tests.store.test_streams import frame, write

VALUES: list[float | None] = [1480.25, 60.1, 4.0, 2.0, 1450.0, 1.5, 6.5, 28.0, 58.0, 24.0]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    pumps = [PumpRow(f"P-{i}", f"Pump {i}", load_profile("centrifugal")) for i in (1, 2)]
    write(folder / "pumpwatch.db", pumps, [frame(pump.pump_id, i, VALUES) for i in range(5) for pump in pumps])
    return folder


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_everything_is_exported_where_nothing_is_chosen(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    out = tmp_path / f"out{suffix}"
    assert main(["export", "--home", str(home), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: 10 rows\n"
    assert out.stat().st_size > 500


def test_pumps_tags_and_times_narrow_it(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    chosen = ["--pump", "P-2", "--tag", "motor_rpm", "--from", "2023-11-14T22:13:21Z", "--to", "2023-11-14T22:13:23Z"]
    assert main(["export", "--home", str(home), "--out", str(out), *chosen]) == 0
    head, *lines = out.read_text("utf-8").splitlines()
    assert head == "time,pump,motor_rpm [rpm],motor_rpm quality"
    assert [line.split(",", 1)[1] for line in lines] == ["P-2,1480.25,good"] * 2


def test_a_table_of_the_original_has_its_columns(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert main(["export", "--home", str(home), "--out", str(out), "--table", "sensor_readings"]) == 0
    head, first, *_ = out.read_text("utf-8").splitlines()
    assert head.startswith("id,timestamp,motor_rpm,bearing_temperature_c,")
    assert head.endswith(",ambient_temperature_c,machine_status,pump_id")
    assert first.endswith(",24.0,NORMAL,P-1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pump", "P-9"], ["no pump P-9", "P-1, P-2"]),
        (["--tag", "speed"], ["no tag speed", "motor_rpm"]),
        (["--from", "2023-11-14 10:00", "--to", "2023-11-14 10:00"], ["empty"]),
        (["--from", "2023-11-15", "--to", "2023-11-13"], ["before it begins"]),
        (["--from", "2999-01-01"], ["in the future"]),
        (["--from", "14/11/2023"], ["not a time", "2026-10-25"]),
        (["--from", "2020-01-01", "--to", "2020-01-02"], ["no reading", "history goes from"]),
        (["--table", "pumps"], ["no table pumps", "maintenance_events"]),
        (["--table", "sensor_readings", "--tag", "motor_rpm"], ["--tag does not go with --table"]),
    ],
)
def test_what_cannot_be_exported_is_said_with_what_to_do(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: list[str]
) -> None:
    out = tmp_path / "out.csv"
    assert main(["export", "--home", str(home), "--out", str(out), *arguments]) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in words), said
    assert len(said.splitlines()) == 2
    assert not out.exists()


def test_a_home_without_a_history_and_a_file_of_no_known_kind_are_said(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--home", str(tmp_path), "--out", str(tmp_path / "a.csv")]) == 2
    assert "no history" in capsys.readouterr().err
    assert main(["export", "--home", str(home), "--out", str(tmp_path / "a.txt")]) == 2
    assert ".parquet" in capsys.readouterr().err
