"""Side outputs (summary, record, terminal, logs) are checked before a run and never stop it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.settings.simulated import simulated_site
from pumpwatch_gui.store.query.history import History
from tests.cli.test_cli_commands import pumpwatch

ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1"}
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A site of one simulated pump, without a model (it is quicker)."""
    folder = tmp_path_factory.mktemp("site")
    with simulated_site(folder, pumps=1, faults=[], speed=1.0) as path:
        path.write_text(path.read_text().replace('model = "centrifugal"', 'model = "none"'))
        yield path


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--summary", "no/such/run.json"),
        ("--summary", "."),
        ("--record", "no/such/r.csv"),
        pytest.param("--record", "/dev/full", marks=needs_full),
    ],
)
def test_an_output_that_cannot_be_written_is_found_before_the_run(
    site: Path, tmp_path: Path, option: str, name: str
) -> None:
    home = tmp_path / "home"
    run = pumpwatch("run", "--site", str(site), "--headless", "--home", str(home), option, str(tmp_path / name))
    assert run.returncode == 2, run.stderr
    assert "cannot be written" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (home / "running").exists()  # or the next start would speak of an unclean end


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX pipes")
def test_a_pipe_that_nobody_reads_does_not_hang_the_check(site: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for option in ("--summary", "--record"):
        run = pumpwatch("run", "--site", str(site), "--headless", "--home", str(tmp_path / "h"), option,
                        str(tmp_path / "pipe"))  # fmt: skip
        assert run.returncode == 2, run.stderr
        assert "it is a pipe" in run.stderr


def verbose_run(site: Path, home: Path, *, seconds: int) -> list[str]:
    options = ["--site", str(site), "--home", str(home), "--headless", "--verbose", "--for", str(seconds)]
    return [sys.executable, "-m", "pumpwatch_gui", "run", *options]


def readings(home: Path) -> int:
    history = History(home / "pumpwatch.db")
    return int(history.readings("P-101", "motor_rpm", start_ns=0, end_ns=2**62).time_s.size)


def test_a_reader_of_the_terminal_that_goes_away_stops_nothing(site: Path, tmp_path: Path) -> None:
    command = verbose_run(site, tmp_path, seconds=5)
    command += ["--summary", str(tmp_path / "run.json")]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert run.stdout is not None
    assert run.stderr is not None
    lines = [run.stdout.readline() for _ in range(2)]
    run.stdout.close()
    run.stderr.close()
    assert run.wait(60) == 0
    assert all("running" in line for line in lines)
    summary = json.loads((tmp_path / "run.json").read_text())
    assert summary["exit_reason"] == "time is up"
    assert summary["readings_committed"] == readings(tmp_path) > 2
    assert "nothing more is printed" in (tmp_path / "logs" / "pumpwatch.log").read_text()


@needs_full
def test_a_full_disk_behind_the_terminal_stops_nothing(site: Path, tmp_path: Path) -> None:
    command = verbose_run(site, tmp_path, seconds=3)
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(command, stdout=full, stderr=full, timeout=60, check=False)
    assert run.returncode == 0
    assert readings(tmp_path) > 1


@needs_full
def test_a_disk_that_is_full_only_at_the_end_costs_the_summary_alone(site: Path, tmp_path: Path) -> None:
    run = pumpwatch("run", "--site", str(site), "--headless", "--for", "2", "--home", str(tmp_path), "--summary",
                    "/dev/full")  # fmt: skip
    assert run.returncode == 2, run.stderr
    assert "the summary /dev/full cannot be written: No space left" in run.stderr
    assert readings(tmp_path) > 0
    assert not (tmp_path / "running").exists()


@pytest.mark.parametrize("names", [("crash.log",), ("pumpwatch.log", "pumpwatch.jsonl"), ()])
def test_logs_that_cannot_be_written_do_not_keep_the_program_from_running(
    site: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in names:  # a folder in its place: nobody can write that file, whatever his rights
        (tmp_path / "logs" / name).mkdir(parents=True)
    if not names:
        (tmp_path / "logs").write_text("a file where the folder was")
    run = pumpwatch("run", "--site", str(site), "--headless", "--for", "2", "--home", str(tmp_path))
    assert run.returncode == 0, run.stderr
    assert readings(tmp_path) > 0
    assert "Traceback" not in run.stderr
    assert run.stderr.count("cannot be written") <= 2  # each log once


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate", "--port", "70000"], "must be 0 to 65535"),
        (["simulate", "--rtu", "/none"], "--rtu /none does not exist"),
        (["simulate", "--rtu", "/dev/null"], "cannot serve on /dev/null"),
    ],
)
def test_a_simulator_that_cannot_serve_says_so(arguments: list[str], words: str) -> None:
    run = pumpwatch(*arguments)
    assert run.returncode in (1, 2)
    assert words in run.stderr
    assert "Traceback" not in run.stderr


def test_a_reader_that_goes_away_ends_a_short_command_without_a_traceback(tmp_path: Path) -> None:
    command = f'"{sys.executable}" -m pumpwatch_gui doctor --home "{tmp_path}" | head -1'
    run = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False, env=ENVIRONMENT
    )
    assert "PumpWatch" in run.stdout
    assert run.stderr == ""


def test_check_loads_the_model_of_each_pump(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    from pumpwatch_gui.files.shipped import shipped
    from pumpwatch_gui.settings.simulated import site_text

    model = Path(shutil.copytree(shipped("models") / "centrifugal", tmp_path / "mine"))
    site = tmp_path / "site.toml"
    site.write_text(site_text(5020, 2, period_s=1.0).replace('model = "centrifugal"', 'model = "./mine"', 1))
    assert main(["check", "--site", str(site)]) == 0
    (model / "weights.bin").write_bytes(b"")
    assert main(["check", "--site", str(site)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("pump[0].model: ")
    assert "weights.bin was altered" in error
    (tmp_path / "other.toml").write_text('name = "other"\n[[sensor]]\ntag = "depth"\nspan = [0.0, 1.0]\n')
    site.write_text(site_text(5020, 1, period_s=1.0).replace('profile = "centrifugal"', 'profile = "./other.toml"'))
    assert main(["check", "--site", str(site)]) == 2
    assert "pump[0].model" in capsys.readouterr().err
