"""A recording becomes history while the station runs: in its window's process, by a collector, and what is refused."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pumpwatch_gui.cli import main
from pumpwatch_gui.commissioning.import_recording import plan_import, staged
from pumpwatch_gui.domain.commands import CancelImport, ImportReadings, Order
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import HomeLock, read_owner
from pumpwatch_gui.store.query.audit_check import verify_audit
from pumpwatch_gui.store.query.history import History
from tests.conftest import wait_until
from tests.flow.running import RunningStation, simulated, site_text
from tests.flow.test_flow_import import START, chosen, german

DAY_NS = 86_400 * 10**9
START_NS = round(START.timestamp() * 1e9)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningStation]:
    with simulated(1) as port:
        found = RunningStation(Home(tmp_path / "home"), site_text(port)).start()
        try:
            wait_until(lambda: found.engine.latest().stats.readings_committed > 0, within_s=30)
            yield found
        finally:
            found.end()


def ordered(found: RunningStation, log: Path) -> Order:
    """The order to import a log; not given yet."""
    plan = plan_import(log, found.home, found.engine.site(), "P-101", chosen())
    return Order(staged(plan, found.home), "asha")


def outcome(found: RunningStation, order: Order) -> OrderDone:
    """What came of an order."""
    wait_until(lambda: found.outcomes(order.id), within_s=60)
    return found.outcomes(order.id)[0]


def stored(home: Home, days: int = 400) -> NDArray[np.int64]:
    """The times of all readings of the log's pump in its days (Unix ms)."""
    profile = History(home.database).recorded_pumps()[0].profile
    pieces = History(home.database).readings_of(
        "P-101", ["motor_rpm"], start_ns=START_NS, end_ns=START_NS + days * DAY_NS, profile=profile
    )
    return np.concatenate([np.empty(0, np.int64), *(piece.time_ms for piece in pieces)])


def test_a_running_station_takes_an_import_and_goes_on_storing(running: RunningStation, tmp_path: Path) -> None:
    before = running.engine.latest().stats.readings_committed
    order = ordered(running, german(tmp_path / "log.csv", rows=3000))
    running.engine.submit(order)
    done = outcome(running, order)
    assert done.ok, done.text
    assert done.text.startswith("3,000 readings of ")
    assert done.text.endswith("taken over from log.csv")
    assert stored(running.home).size == 3000
    assert running.engine.latest().importing is None
    assert not list(running.home.imports.iterdir()), "what waited is gone"
    wait_until(lambda: running.engine.latest().stats.readings_committed > before)
    assert not running.engine.latest().stats.readings_lost
    # The same again: all of it is left out, by the running program as well.
    again = ordered(running, german(tmp_path / "more.csv", rows=3060))
    running.engine.submit(again)
    assert outcome(running, again).text.startswith("60 readings of ")
    assert stored(running.home).size == 3060
    wait_until(lambda: len(rows_of(running.home)) == 2)
    assert [r.by for r in rows_of(running.home)] == ["asha", "asha"]
    assert verify_audit(running.home.database).broken_id is None


def rows_of(home: Home) -> list[JournalRow]:
    """The lines of the journal about imports."""
    return [r for r in History(home.database).journal(JournalQuery(), limit=200) if r.detail.get("command") == "import"]


def test_what_came_between_the_plan_and_the_order_is_left_out(running: RunningStation, tmp_path: Path) -> None:
    first, second = (ordered(running, german(tmp_path / f"{name}.csv", rows=100)) for name in "ab")
    for order in (first, second):
        running.engine.submit(order)
    assert outcome(running, first).ok
    assert (
        outcome(running, second).text == "no reading of b.csv was taken over; 100 are of minutes with history: left out"
    )
    assert stored(running.home).size == 100


def test_a_cancelled_import_ends_with_a_whole_day(running: RunningStation, tmp_path: Path) -> None:
    order = ordered(running, german(tmp_path / "log.csv", rows=300 * 24, step_s=3600))
    running.engine.submit(order)
    wait_until(lambda: (view := running.engine.latest().importing) is not None and view.done > 0)
    cancel = Order(CancelImport(), "asha")
    running.engine.submit(cancel)
    assert outcome(running, cancel).text == "the import of log.csv is being cancelled"
    done = outcome(running, order)
    assert not done.ok
    assert done.text.startswith("cancelled: ")
    found = stored(running.home)
    assert 0 < found.size < 300 * 24
    assert f"{found.size:,} readings" in done.text
    last = START + timedelta(hours=found.size)
    assert last.hour == 0, "no day is there in part"
    late = Order(CancelImport(), "asha")
    running.engine.submit(late)
    assert outcome(running, late).text == "no import is under way"


@pytest.mark.parametrize("content", [None, b"no array", b"\x93NUMPY"])
def test_what_waits_and_cannot_be_read_is_refused_in_words(running: RunningStation, content: bytes | None) -> None:
    running.home.imports.mkdir(exist_ok=True)
    if content is not None:
        (running.home.imports / "x.npy").write_bytes(content)
    order = Order(ImportReadings("P-101", "log.csv", "x.npy", ("motor_rpm",)), "asha")
    running.engine.submit(order)
    done = outcome(running, order)
    assert not done.ok
    assert done.text.startswith("the readings of log.csv cannot be read")
    assert done.text.endswith("no reading of log.csv was taken over")
    assert not (running.home.imports / "x.npy").exists()


def test_the_command_has_a_collector_take_it_over(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log, home = german(tmp_path / "log.csv", rows=200), Home(tmp_path / "home")
    home.prepare()
    arguments = ["import", str(log), "--into", "P-101", "--home", str(home.path), "--columns", "motor_rpm=Speed [rpm]",
                 "--write"]  # fmt: skip
    with simulated(1) as port:
        home.site_file.write_text(site_text(port), "utf-8")
        run = [sys.executable, "-m", "pumpwatch_gui", "run", "--headless", "--home", str(home.path), "--site",
               str(home.site_file)]  # fmt: skip
        process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: (o := read_owner(home.path)) is not None and bool(o.door), within_s=30)
            assert main(arguments) == 0
            assert "200 readings of " in capfd.readouterr().out
            assert main(arguments) == 2
            assert "200 readings of log.csv are of minutes of which there is history" in capfd.readouterr().err
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    assert stored(home).size == 200


def test_a_home_of_a_window_is_said_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    home.site_file.write_text(site_text(1), "utf-8")
    lock = HomeLock(home.path, "window")
    try:
        log = german(tmp_path / "log.csv", rows=50)
        assert main(["import", str(log), "--into", "P-101", "--home", str(home.path), "--write"]) != 0
    finally:
        lock.release()
    said = capsys.readouterr().err
    assert "is in use by the window" in said
    assert "Import a recording" in said
