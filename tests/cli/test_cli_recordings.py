"""Recordings on the command line: what is told of them, and the choices that say how they are written."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.cli.format_options import add_format_options, format_choices
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.files.shipped import shipped

MODEL = str(shipped("models") / "centrifugal")
REPLAY = '[[pump]]\nid = "P-{n}"\nprofile = "centrifugal"\n[[pump.link]]\ndriver = "replay"\nfile = "{file}"\n'


def office(path: Path, rows: int = 40) -> Path:
    """An office export: decimal commas, a title, newest first, one row without a time, one cell without a number."""
    lines = [f"25.10.2025 00:00:{i:02d};1479,5;{'4,2' if i else 'Bad'};kaputt" for i in range(rows)]
    path.write_text(
        "Export\nDatum und Uhrzeit;Motor RPM;oil_pressure_bar;Text\n" + "\n".join(lines[::-1]) + "\nSumme;;;\n"
    )
    return path


def choices(*arguments: str) -> FormatChoices:
    parser = argparse.ArgumentParser()
    add_format_options(parser)
    return format_choices(parser.parse_args(arguments))


def test_score_tells_what_it_understood_and_dropped_and_ends_with_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = office(tmp_path / "office.csv")
    assert main(["score", "--model", MODEL, "--out", str(tmp_path / "out.csv"), str(path)]) == 0
    told = capsys.readouterr()
    assert told.out == "40 rows, 0 scored, 0 in alarm, 1 values missing, 1 rows dropped\n"
    assert "office.csv: 1 rows dropped: their time is unreadable (line 43: 'Summe')" in told.err
    assert "office.csv: the newest row is the first: turned round" in told.err
    assert "office.csv: read as UTF-8, semicolon between cells, decimal comma, header in line 2" in told.err
    lines = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert lines[0].startswith("timestamp,score,threshold,alarm,share_motor_rpm")
    assert lines[1].startswith("2025-10-25T00:00:00Z,")


def test_what_is_in_doubt_is_refused_until_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.csv"
    path.write_text("time;speed\n04/05/2025 00:00:00;1,480\n04/05/2025 00:00:01;1,481\n")
    score = ["score", "--model", MODEL, "--out", str(tmp_path / "out.csv"), "--columns", "motor_rpm=speed", str(path)]
    assert main(score) == 2
    assert "--decimal comma or --decimal point" in capsys.readouterr().err
    assert main([*score, "--decimal", "comma"]) == 2
    assert "--date-order dmy, mdy or ymd" in capsys.readouterr().err
    assert main([*score, "--decimal", "comma", "--date-order", "dmy", "--timezone", "Europe/Berlin"]) == 0
    assert "2025-05-03T22:00:00Z" in (tmp_path / "out.csv").read_text("utf-8")


def test_every_choice_has_an_option() -> None:
    given = choices(
        *("--separator", "tab", "--decimal", "comma", "--encoding", "cp1252", "--timezone", "local", "--pump", "P-1"),
        *("--date-order", "mdy", "--time-unit", "ms", "--time-column", "Day", "--time-column", "Clock"),
        *("--columns", "motor_rpm=Speed, actual,oil_pressure_bar=P", "--header-line", "3"),
    )
    named = (("motor_rpm", "Speed, actual"), ("oil_pressure_bar", "P"))
    assert given == FormatChoices("cp1252", "\t", ",", "mdy", "ms", "local", 3, ("Day", "Clock"), named, "P-1")
    assert choices() == FormatChoices()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--decimal", "x"), "--decimal: 'x' is not one of"),
        (("--separator", "ab"), "--separator: 'ab' is not one character"),
        (("--separator", "comma", "--decimal", "comma"), "--separator: it is the decimal mark as well"),
        (("--encoding", "klingon"), "--encoding: 'klingon' is not known"),
        (("--columns", "speed"), "'speed' is not TAG=NAME"),
    ],
)
def test_a_choice_that_is_none_is_refused_by_name(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        choices(*arguments)


def test_check_reads_the_recordings_of_a_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office(tmp_path / "good.csv")
    (tmp_path / "bad.csv").write_text("timestamp,motor_rpm\n2025-10-25T00:00:00Z,14,80\n")
    site = tmp_path / "site.toml"
    site.write_text(
        "schema = 1\n" + "".join(REPLAY.format(n=n, file=f) for n, f in enumerate(("good.csv", "bad.csv", "gone.csv")))
    )
    assert main(["check", "--site", str(site)]) == 2
    errors = capsys.readouterr().err
    assert "pump P-1, link 1, file: " in errors
    assert "line 2: 3 cells, 2 names; decimal comma?" in errors
    assert "pump P-2, link 1, file: " in errors
    assert "P-0" not in errors
    site.write_text("schema = 1\n" + REPLAY.format(n=0, file="good.csv"))
    assert main(["check", "--site", str(site)]) == 0
    assert "caution: pump P-0, link 1, file: good.csv: 1 rows dropped" in capsys.readouterr().err


@pytest.mark.parametrize("text", ['schema = 1\n[[pump]]\nid = "P-1"\n', "schema = 1\n"])
def test_a_collector_without_a_good_pump_ends_with_2(tmp_path: Path, text: str) -> None:
    site = tmp_path / "site.toml"
    site.write_text(text)
    command = [sys.executable, "-m", "pumpwatch_gui", "--home", str(tmp_path / "home"), "run", "--headless"]
    run = subprocess.run(
        [*command, "--site", str(site)], capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )
    assert run.returncode == 2
    assert "site.toml has no pump that can be watched" in run.stderr
