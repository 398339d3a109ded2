"""One owner a home: a window joins the collector, whoever of the two is started again; all others are refused."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pumpwatch_gui.domain.commands import ChangeSite, Order, Record
from pumpwatch_gui.domain.errors import InputError, LinkError
from pumpwatch_gui.domain.events import Event, OrderDone
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.site_changes import SetLimits
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import HomeLock, read_owner
from pumpwatch_gui.stations.joined import JoinedStation
from tests.conftest import wait_until
from tests.flow.running import simulated, site_text

COMMAND = (sys.executable, "-m", "pumpwatch_gui")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with simulated(2) as port:
        folder = tmp_path / "home"
        folder.mkdir()
        (folder / "site.toml").write_text(site_text(port, pumps=2), "utf-8")
        yield Home(folder)


@contextmanager
def collector(home: Home, *more: str) -> Iterator["subprocess.Popen[str]"]:
    """A collector that watches the home's site, until the end of the context."""
    arguments = ("run", "--headless", "--site", str(home.site_file), "--home", str(home.path), *more)
    process = subprocess.Popen([*COMMAND, *arguments], text=True, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: (o := read_owner(home.path)) is not None and o.door and o.pid == process.pid, within_s=30)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.fixture
def join(home: Home) -> Iterator[Callable[[], "Joined"]]:
    """Windows that join the collector of the home."""
    made: list[Joined] = []

    def one_more() -> Joined:
        made.append(Joined(home))
        return made[-1]

    yield one_more
    for window in made:
        window.end()


class Joined:
    """A window that has joined: its station, with what it was told."""

    def __init__(self, home: Home) -> None:
        self.station = JoinedStation(home)
        self.events: list[Event] = []
        self.station.subscribe(self.events.append)
        self._stop = threading.Event()
        (run,) = self.station.loops().values()
        self._thread = threading.Thread(target=run, args=(self._stop,))
        self._thread.start()

    def order(self, order: Order) -> OrderDone:
        """The outcome of an order."""
        self.station.submit(order)
        wait_until(lambda: self._outcomes(order), within_s=20)
        (done,) = self._outcomes(order)
        return done

    def _outcomes(self, order: Order) -> list[OrderDone]:
        return [e for e in tuple(self.events) if isinstance(e, OrderDone) and e.order_id == order.id]

    def is_live(self) -> bool:
        """Whether values of now come in."""
        view = self.station.latest()
        frames = [p.frame for p in view.pumps]
        return view.stopped_loops == () and all(f is not None and view.mono_ns - f.mono_ns < 2e9 for f in frames)

    def end(self) -> None:
        self._stop.set()
        self._thread.join(20)


def refused(home: Home, *arguments: str) -> str:
    """What a program says that may not have the home."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([*COMMAND, *arguments, "--home", str(home.path)], capture_output=True, text=True, timeout=60,
                          env=environment, check=False)  # fmt: skip
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_second_collector_is_refused_with_the_first_ones_process_id_kind_and_start(home: Home) -> None:
    with collector(home) as first:
        said = refused(home, "run", "--headless", "--site", str(home.site_file))
        assert f"in use by the collector with process id {first.pid}, started 2" in said
        assert "joins it" in said
        assert f"process id {first.pid}" in refused(home, "demo", "--headless")
    assert read_owner(home.path) is None


def test_a_collector_is_refused_while_a_window_has_the_home(home: Home) -> None:
    lock = HomeLock(home.path, "window")
    said = refused(home, "run", "--headless", "--site", str(home.site_file))
    assert f"in use by the window with process id {os.getpid()}" in said
    assert "a home of its own with --home" in said
    with pytest.raises(InputError, match="no collector can be joined"):
        JoinedStation(home)
    lock.release()


def test_a_window_for_another_site_does_not_join(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(home.site_file.read_text("utf-8"), "utf-8")
    with collector(home):
        assert f"watches {home.site_file}, not {other}" in refused(home, "run", "--site", str(other))


def test_a_window_that_has_joined_sees_and_orders_as_one_of_its_own(home: Home, join: Callable[[], Joined]) -> None:
    with collector(home):
        window = join()
        wait_until(window.is_live, within_s=20)
        limits = Limits(high=0.1, on_delay_s=0.0)
        assert window.order(Order(ChangeSite((SetLimits("P-101", {"motor_current_a": limits}),)), "asha")).ok
        wait_until(lambda: window.station.latest().pump("P-101").alarms, within_s=20)
        profile = window.station.site().pumps[0].profile
        assert profile.sensors[profile.index("motor_current_a")].limits.high == 0.1
        assert "high = 0.1" in home.site_file.read_text("utf-8")
        before = window.station.trace("P-102").time_s
        wait_until(lambda: window.station.trace("P-102").time_s.size > before.size + 2)
        assert window.station.links.read_block("P-101/1", "holding", 0, 2).result(20)
        second = join()  # another window: each has its own view, the device is polled once
        assert second.station.trace("P-102").time_s[: before.size].tolist() == before.tolist()


def test_a_window_finds_its_collector_again_whatever_ended_it(home: Home, join: Callable[[], Joined]) -> None:
    with collector(home) as first:
        window = join()
        wait_until(window.is_live, within_s=20)
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        wait_until(lambda: "collector" in {loop.name for loop in window.station.latest().stopped_loops}, within_s=20)
        done = window.order(Order(Record("to nobody"), "asha"))
        assert (done.ok, done.text) == (False, "the collector does not answer; nothing was done")
        with pytest.raises(LinkError, match="does not answer"):
            window.station.links.identify("P-101/1").result(5)
    with collector(home):
        wait_until(window.is_live, within_s=30)
        assert window.order(Order(Record("back again"), "asha")).ok
        wait_until(lambda: window.station.history.journal(JournalQuery(text="back again")), within_s=10)


def test_a_window_that_goes_away_in_any_way_costs_the_collector_nothing(home: Home, join: Callable[[], Joined]) -> None:
    summary = home.path / "summary.json"
    with collector(home, "--summary", str(summary)) as process:
        for _ in range(3):
            script = (
                "import sys, threading; from pathlib import Path; from pumpwatch_gui.files.home import Home\n"
                "from pumpwatch_gui.stations.joined import JoinedStation\n"
                "s = JoinedStation(Home(Path(sys.argv[1]))); print('joined', flush=True)\n"
                "next(iter(s.loops().values()))(threading.Event())"
            )
            child = subprocess.Popen([sys.executable, "-c", script, str(home.path)], stdout=subprocess.PIPE, text=True)
            assert child.stdout is not None
            assert child.stdout.readline() == "joined\n"
            child.kill()
            child.communicate()
        again = join()
        wait_until(again.is_live, within_s=20)
        assert process.poll() is None
    document = json.loads(summary.read_text("utf-8"))
    assert document["readings_lost"] == 0
    assert document["exit_reason"] == "SIGINT"


def test_a_visitor_without_the_key_learns_nothing(home: Home, join: Callable[[], Joined]) -> None:
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import Client

    with collector(home):
        owner = read_owner(home.path)
        assert owner is not None
        with pytest.raises((AuthenticationError, EOFError, OSError)):
            Client(owner.door, authkey=b"guessed")
        silent = Client(owner.door)  # says nothing, and keeps nobody else out
        window = join()
        wait_until(window.is_live, within_s=20)
        silent.close()
        assert (home.path / "owner.lock").stat().st_mode & 0o077 == 0


def test_the_lock_of_a_home_is_free_once_its_program_has_ended(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from pumpwatch_gui.files.owner import HomeLock\n"
        "lock = HomeLock(Path(sys.argv[1]), 'collector'); print(lock.holder, flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "None\n"
    holder = HomeLock(tmp_path, "window").holder
    assert holder is not None
    assert (holder.pid, holder.kind) == (child.pid, "collector")
    assert time.time() - 60 < holder.started_s <= time.time()
    child.kill()
    child.communicate()
    lock = HomeLock(tmp_path, "window")
    assert lock.holder is None
    lock.release()
