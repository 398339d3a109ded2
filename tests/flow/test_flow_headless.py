"""Wire to disk: the collector against a server of another library, record and database judged value by value."""

import csv
import json
import signal
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from pumpwatch_gui.bench.rigs.posting import free_port
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS

HERE = Path(__file__).parent
from tests.flow.truth_server import register  # noqa: E402

Row = tuple[float, str, float | None, str]
SCALES = [1.0, 0.05, 0.005, 0.005, 1.0, 0.005, 0.01, 0.03, 0.05, 0.02]

SITE = """
schema = 1
[site]
name = "Truth"
station = 1
[[pump]]
id = "P-1"
profile = "centrifugal"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.1"
  port = {port}
  period_s = 0.1
  timeout_s = 0.3
  registers = "{registers}"
"""


class TruthServer:
    def __init__(self, port: int, log: Path) -> None:
        self.port, self.log = port, log
        command = [sys.executable, str(HERE / "truth_server.py"), str(port), str(log)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[tuple[TruthServer, Path]]:
    rows = "".join(
        f'[[point]]\ntag = "{tag}"\ntable = "holding"\naddress = {i}\ntype = "uint16"\nscale = {SCALES[i]}\n'
        for i, tag in enumerate(STANDARD_TAGS)
    )
    (tmp_path / "map.toml").write_text(f'name = "truth"\nbase = 0\n{rows}')
    server = TruthServer(free_port(), tmp_path / "ticks.log")
    site = tmp_path / "site.toml"
    site.write_text(SITE.format(port=server.port, registers=tmp_path / "map.toml"))
    yield server, site
    server.stop()


def collector(site: Path, *more: str) -> subprocess.Popen[str]:
    home = site.parent / "home"
    command = [sys.executable, "-m", "pumpwatch_gui", "run", "--site", str(site), "--home", str(home), "--headless",
               "--record", str(site.parent / "record.csv"),
               "--summary", str(site.parent / "summary.json"), *more]  # fmt: skip
    return subprocess.Popen(command, text=True, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[str], *, within_s: float = 30) -> str:
    _, errors = process.communicate(timeout=within_s)
    assert process.returncode == 0, errors
    return errors


def records(site: Path) -> list[Row]:
    with (site.parent / "record.csv").open() as file:
        return [
            (float(r["wall"]), r["sensor"], float(r["value"]) if r["value"] else None, r["quality"])
            for r in csv.DictReader(file)
        ]


def ticks(log: Path) -> tuple[list[float], list[int]]:
    pairs = [line.split() for line in log.read_text().splitlines()]
    return [float(w) for w, _ in pairs], [int(k) for _, k in pairs]


def count_wrong(rows: list[Row], logs: list[Path], *, slack: int = 2) -> tuple[int, int]:
    """(GOOD values, how many of them are not what the server held at that moment, give or take `slack` ticks)."""
    walls: list[float] = []
    numbers: list[int] = []
    for log in logs:
        w, k = ticks(log)
        walls += w
        numbers += k
    good = wrong = 0
    for wall, tag, value, quality in rows:
        if quality != "good":
            assert value is None
            continue
        good += 1
        i = STANDARD_TAGS.index(tag)
        at = bisect_right(walls, wall) - 1
        allowed = numbers[max(0, at - slack) : at + slack + 1]
        truths = {round(register(i, k) * SCALES[i], 9) for k in allowed}
        wrong += round(value or 0.0, 9) not in truths
    return good, wrong


def test_every_good_value_recorded_and_stored_is_the_truth(station: tuple[TruthServer, Path]) -> None:
    server, site = station
    finish(collector(site, "--for", "6"))
    rows = records(site)
    good, wrong = count_wrong(rows, [server.log])
    assert wrong == 0
    assert good > 400
    summary = json.loads((site.parent / "summary.json").read_text())
    pump = summary["pumps"]["P-1"]
    assert pump["frames"] * 10 == len(rows)
    assert summary["readings_lost"] == 0
    assert summary["readings_committed"] == pump["frames"]
    db = apsw.Connection(str(site.parent / "home" / "pumpwatch.db"), flags=apsw.SQLITE_OPEN_READONLY)
    stored = list(db.execute(f"SELECT {', '.join(STANDARD_TAGS)} FROM sensor_readings ORDER BY id"))
    db.close()
    recorded = [[value for _, _, value, _ in rows[i : i + 10]] for i in range(0, len(rows), 10)]
    assert [list(r) for r in stored] == recorded


def test_a_killed_server_turns_values_bad_and_its_return_turns_them_good(
    station: tuple[TruthServer, Path], wait_until: Callable[..., None]
) -> None:
    server, site = station
    process = collector(site)
    record = site.parent / "record.csv"
    wait_until(
        lambda: record.exists() and record.read_text().count("good") > 150, within_s=15, what="first good values"
    )
    server.stop()
    wait_until(lambda: ",bad" in record.read_text()[-400:], what="bad values after the kill")
    again = TruthServer(server.port, site.parent / "ticks2.log")
    try:
        wait_until(lambda: ",good" in record.read_text()[-400:], within_s=10, what="good values after the return")
        process.send_signal(signal.SIGINT)
        finish(process)
    finally:
        again.stop()
    good, wrong = count_wrong(records(site), [server.log, again.log])
    assert (wrong, good > 150) == (0, True)
    assert json.loads((site.parent / "summary.json").read_text())["pumps"]["P-1"]["reconnects"] >= 1


def test_a_paused_server_turns_values_bad_within_its_timeout(
    station: tuple[TruthServer, Path], wait_until: Callable[..., None]
) -> None:
    server, site = station
    process = collector(site)
    record = site.parent / "record.csv"
    wait_until(
        lambda: record.exists() and record.read_text().count("good") > 150, within_s=15, what="first good values"
    )
    server.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: ",bad" in record.read_text()[-400:], what="bad values while paused")
    server.process.send_signal(signal.SIGCONT)
    wait_until(lambda: ",good" in record.read_text()[-400:], within_s=10, what="good values after the pause")
    process.send_signal(signal.SIGINT)
    finish(process)
    good, wrong = count_wrong(records(site), [server.log], slack=4)
    assert (wrong, good > 150) == (0, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly_and_loses_nothing(
    station: tuple[TruthServer, Path], number: signal.Signals, wait_until: Callable[..., None]
) -> None:
    _server, site = station
    process = collector(site)
    record = site.parent / "record.csv"
    wait_until(
        lambda: record.exists() and record.read_text().count("good") > 150, within_s=15, what="first good values"
    )
    process.send_signal(number)
    finish(process, within_s=10)
    summary = json.loads((site.parent / "summary.json").read_text())
    assert summary["exit_reason"] == number.name
    assert summary["readings_committed"] == summary["pumps"]["P-1"]["frames"] == len(records(site)) // 10


def test_an_unreachable_host_is_told_and_nothing_breaks(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE.format(port=free_port(), registers="generic"))
    finish(collector(site, "--for", "2", "--verbose"))
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["pumps"]["P-1"]["good"] == 0
    assert summary["pumps"]["P-1"]["bad"] > 0
    assert summary["pumps"]["P-1"]["last_quality"] == "bad"
    assert "connection refused" in (tmp_path / "home" / "logs" / "pumpwatch.log").read_text()
