"""Commands from outside: exit codes, errors of one line and one of advice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.cli.parser import build_parser
from pumpwatch_gui.settings.simulated import simulated_site, site_text


def pumpwatch(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pumpwatch_gui", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **(env or {})}
    )


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for name in (
        "demo",
        "run",
        "simulate",
        "check",
        "map",
        "train",
        "score",
        "screenshots",
        "bench",
        "report",
        "doctor",
    ):
        assert name in text


def test_options_before_and_after_the_command_both_count() -> None:
    assert build_parser().parse_args(["--home", "a", "doctor"]).home == "a"
    assert build_parser().parse_args(["doctor", "--home", "b"]).home == "b"
    assert build_parser().parse_args(["--verbose", "demo"]).verbose is True


def test_a_good_site_checks_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.toml"
    site.write_text(site_text(5020, 3, period_s=1.0).replace('model = "centrifugal"', 'model = "none"'))
    assert main(["check", "--site", str(site)]) == 0
    assert "3 pumps, 3 links" in capsys.readouterr().out


def test_check_names_every_mistake_and_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.toml"
    site.write_text(site_text(0, 1, period_s=-1.0) + "colour = 3\n")
    assert main(["check", "--site", str(site)]) == 2
    errors = capsys.readouterr().err
    assert "port" in errors
    assert "colour" in errors
    assert [p.name for p in tmp_path.iterdir()] == ["site.toml"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "--site", "nowhere.toml", "--headless"], 2, "does not exist"),
        (["demo", "--headless", "--fault", "P-101=cavitatoin@5"], 2, "cavitation"),
        (["demo", "--headless", "--fault", "P-999=cavitation@5"], 2, "P-999"),
        (["bench", "nothing"], 2, "inference"),
        (["simulate", "--history", "1"], 2, "--csv"),
        (["score", "--model", "nowhere", "--out", "x", "nowhere.csv"], 2, "does not exist"),
    ],
)
def test_wrong_input_gets_one_line_of_what_and_one_of_advice(
    arguments: list[str], code: int, words: str, tmp_path: Path
) -> None:
    run = pumpwatch(*arguments, env={"PUMPWATCH_HOME": str(tmp_path)})
    assert run.returncode == code, run.stderr
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert len(run.stderr.strip().splitlines()) <= 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--site", "x" * 5000),
        ("score", "--learn", "--profile", "centrifugal", "--out", "out.csv", "x" * 5000),
        ("verify-audit", "--home", "x" * 5000),
        ("simulate", "--rtu", "/" + "x" * 5000),
    ],
)
def test_a_path_that_no_system_takes_is_wrong_input(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error, advice = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert advice


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    site = tmp_path / "site.toml"
    site.write_text(site_text(5020, 1, period_s=1.0))
    run = pumpwatch("run", "--site", str(site), "--headless", "--home", str(tmp_path / "file" / "home"))
    assert run.returncode == 2
    assert "--home" in run.stderr


def test_the_simulator_ends_with_its_parent(tmp_path: Path) -> None:
    with simulated_site(tmp_path, pumps=1, faults=[], speed=1.0) as site:
        assert "port = " in site.read_text()


def test_the_demo_without_a_display_prints_status_lines_and_leaves_a_picture(tmp_path: Path) -> None:
    env = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    run = pumpwatch("demo", "--for", "4", "--home", str(tmp_path), env=env)
    assert run.returncode == 0, run.stderr
    assert "running 3/3" in run.stdout
    pictures = [line.removeprefix("picture: ") for line in run.stdout.splitlines() if line.startswith("picture: ")]
    assert len(pictures) == 1
    assert Path(pictures[0]).read_bytes()[:4] == b"\x89PNG"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
@pytest.mark.parametrize("named", [{"DISPLAY": ":7654"}, {"WAYLAND_DISPLAY": "wayland-7654"}])
@pytest.mark.parametrize("arguments", [(), ("demo",)])
def test_a_display_that_cannot_be_reached_is_named(
    tmp_path: Path, named: dict[str, str], arguments: tuple[str, ...]
) -> None:
    env = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": "", **named}
    run = pumpwatch(*arguments, "--home", str(tmp_path), env=env)
    ((name, value),) = named.items()
    assert run.returncode == 2, run.stderr
    assert run.stderr.startswith(f"error: the display cannot be reached ({name}={value})")
    assert "--headless" in run.stderr


def test_doctor_says_what_is_here(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["doctor", "--home", str(tmp_path)]) in (0, 4)
    assert "PySide6-Essentials" in capsys.readouterr().out
