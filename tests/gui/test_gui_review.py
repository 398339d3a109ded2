"""The window on a history: every page of it, nothing live on any, and no trace in the folder that is looked at."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from pumpwatch_gui.commissioning.backups.making import back_up
from pumpwatch_gui.commissioning.backups.reviewing import Review, open_review
from pumpwatch_gui.domain.commands import Acknowledge, Order, Record
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import Event, OrderDone
from pumpwatch_gui.domain.ports import JournalQuery, Station
from pumpwatch_gui.domain.replay import ReplayState
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.review.page import ReviewPage
from pumpwatch_gui.gui.shell.app import dispose
from pumpwatch_gui.gui.shell.footer import stats_words
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.past import PastTraces
from pumpwatch_gui.gui.shell.threads import EngineHost
from pumpwatch_gui.store.query.history import History
from tests.conftest import wait_until
from tests.flow.running import RunningStation, home_at, simulated, site_text
from tests.stations.test_replay import replaying

LIMITS = "[pump.limits.motor_rpm]\nhigh = 10.0\non_delay_s = 0.0\n"
"""A limit that every running pump is above."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that a station has ended in, with an alarm that is open."""
    home = home_at(tmp_path_factory.mktemp("recorded") / "home")
    with simulated(1) as port:
        station = RunningStation(home, site_text(port).replace("  [[pump.link]]", LIMITS + "  [[pump.link]]")).start()
        wait_until(lambda: station.engine.latest().stats.readings_committed > 20, within_s=30)
        wait_until(lambda: station.engine.latest().alarms, within_s=30)
        assert station.order(Record("the seal was looked at")).ok
        station.end()
    return home


@pytest.fixture
def backup(recorded: Home, tmp_path: Path) -> Path:
    return back_up(recorded, tmp_path / "backups").folder


@pytest.fixture
def review(backup: Path, tmp_path: Path) -> Review:
    return open_review(backup, tmp_path)


@pytest.fixture
def window(qtbot: QtBot, review: Review, tmp_path: Path) -> Iterator[MainWindow]:
    host = EngineHost(review.station)
    scratch = home_at(tmp_path / "scratch")
    window = MainWindow(review.station, scratch, review.site_file, ask=host.ask, appearance=Appearance("dark"))
    host.happened.connect(window.on_event)
    host.start()
    window.show()
    window.start()
    yield window
    window.close()
    host.stop()
    dispose(window)


def state_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file with its content and its times, the access time aside."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_mode, p.read_bytes()) for p in files}


@pytest.fixture
def read(review: Review) -> Iterator[Review]:
    """A review whose loop runs, at the end of the history."""
    with replaying(review.station):
        wait_until(lambda: not state_of_replay(review).is_reading, within_s=20)
        yield review


def state_of_replay(review: Review) -> ReplayState:
    state = review.station.latest().replay
    assert state is not None
    return state


def test_it_begins_at_the_end_of_the_history_and_all_of_that_can_be_read(recorded: Home, read: Review) -> None:
    station: Station = read.station
    view = station.latest()
    before = History(recorded.database)
    assert view.name == read.site.loaded.site.name
    assert read.site.words.startswith("site file site.toml of ")
    assert read.site.words in view.reviewed
    assert view.time_ns >= before.journal(JournalQuery(), limit=1)[0].time_ns
    assert [alarm.alarm_id for alarm in view.alarms] == ["P-101/motor_rpm.high"]
    assert not station.capabilities
    assert station.history.journal(JournalQuery()) == before.journal(JournalQuery())
    series = station.history.read(
        "P-101", ["motor_rpm"], start_ns=view.time_ns - 3600 * 10**9, end_ns=view.time_ns + 10**9
    )
    assert series.time_s.size > 10
    assert station.trace("P-101").time_s[-1] <= view.time_ns / 1e9
    with pytest.raises(InputError, match="no links"):
        _ = station.links


def test_an_order_is_refused_with_the_reason(review: Review) -> None:
    events: list[Event] = []
    subscription = review.station.subscribe(events.append)
    order_id = review.station.submit(Order(Acknowledge("P-101/motor_rpm.high"), "asha"))
    subscription.close()
    assert [(e.order_id, e.ok, e.text) for e in events if isinstance(e, OrderDone)] == [
        (order_id, False, "this is a review of a history: nothing can be changed here; do it at the station itself")
    ]


def test_every_page_says_review_and_none_asks_for_what_is_not_there(window: MainWindow, qtbot: QtBot) -> None:
    live = {"models", "devices", "system"}
    for key in window.pages:
        window.open_page(key)
        qtbot.wait_until(lambda: window.top_bar.review.isVisible())
        assert not window.top_bar.stopped.words
        assert isinstance(window.page(key), ReviewPage) is (key in live)
    assert "read-only" in stats_words(window.context.station.latest())[0][0]
    assert not window.top_bar.ack.isEnabled()
    assert not window.context.sound.is_sounding
    assert {"settings", "limits", "add-pump", "counters"}.isdisjoint(window.context.dialogs)


def test_the_trends_of_a_pump_are_those_of_the_history(window: MainWindow, qtbot: QtBot) -> None:
    end_s = window.context.station.latest().time_ns / 1e9
    traces = PastTraces(window.context)
    qtbot.wait_until(lambda: traces.trace("P-101", end_s - 600, end_s).time_s.size > 10, timeout=20_000)
    trace = traces.trace("P-101", end_s - 600, end_s)
    assert trace.values[:, 0].max() > 100
    assert trace.time_s[-1] <= end_s


def test_closing_a_review_asks_nothing(window: MainWindow) -> None:
    assert window.context.station.latest().alarms
    window.quit()
    assert not window.isVisible()


def pumpwatch_review(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pumpwatch_gui", "review", *arguments, "--for", "2"]
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env)


@pytest.mark.parametrize("kind", ["home", "backup"])
def test_a_review_leaves_no_trace(kind: str, recorded: Home, backup: Path, tmp_path: Path) -> None:
    folder = backup
    if kind == "home":
        folder = tmp_path / "home"
        shutil.copytree(recorded.path, folder)
        for side in folder.glob("pumpwatch.db-*"):
            side.unlink()
        (folder / "owner.lock").unlink(missing_ok=True)
    before = state_of(folder)
    folder.chmod(0o500)
    picture = tmp_path / "window.png"
    where = ("--home", str(folder)) if kind == "home" else (str(folder),)
    run = pumpwatch_review(*where, "--picture", str(picture))
    folder.chmod(0o700)
    assert run.returncode == 0, run.stderr
    assert picture.stat().st_size > 10_000
    assert state_of(folder) == before


def test_what_only_the_log_of_a_killed_program_has_is_read_too(recorded: Home, tmp_path: Path) -> None:
    folder, scratch = tmp_path / "killed", tmp_path / "scratch"
    scratch.mkdir()
    home = home_at(folder)
    with simulated(1) as port:
        station = RunningStation(home, site_text(port)).start()
        wait_until(lambda: station.engine.latest().stats.readings_committed > 20, within_s=30)
        copy = tmp_path / "copy"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*-shm", "owner.lock"))
        station.end()
    assert (copy / "pumpwatch.db-wal").stat().st_size
    before = state_of(copy)
    found = open_review(copy, scratch).station.history.journal(JournalQuery())
    assert any("started with 1 pump" in row.text for row in found)
    assert state_of(copy) == before


def test_a_home_that_runs_can_be_looked_at(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    with simulated(1) as port:
        station = RunningStation(home, site_text(port)).start()
        wait_until(lambda: station.engine.latest().stats.readings_committed > 20, within_s=30)
        found = open_review(home.path, tmp_path).station
        assert found.history.journal(JournalQuery())
        station.end()


def test_a_folder_without_history_is_refused(recorded: Home, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    shutil.copytree(recorded.path, folder)
    (folder / "pumpwatch.db").unlink()
    with pytest.raises(InputError, match="there is no history"):
        open_review(folder, tmp_path)


@pytest.mark.parametrize("version", [1, 3, 6, 9])
def test_the_history_of_an_older_program_is_read_from_a_copy(version: int, tmp_path: Path) -> None:
    folder, scratch = tmp_path / "home", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    shutil.copy(Path(__file__).parents[1] / "data" / f"pumpwatch-v{version}.db", folder / "pumpwatch.db")
    before = state_of(folder)
    review = open_review(folder, scratch)
    state = state_of_replay(review)
    assert state.end_ns > state.start_ns
    assert review.station.site().pumps
    found = review.station.history.readings_of(
        review.station.site().pumps[0].pump_id, ["motor_rpm"], start_ns=0, end_ns=2**62,
        profile=review.station.site().pumps[0].profile,
    )  # fmt: skip
    assert sum(part.time_ms.size for part in found) > 10
    assert state_of(folder) == before


def test_without_a_site_file_the_site_is_the_one_that_the_history_keeps(recorded: Home, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    shutil.copytree(recorded.path, folder)
    whole = open_review(folder, tmp_path).station.site()
    (folder / "site.toml").unlink()
    found = open_review(folder, tmp_path)
    assert found.site.words.startswith("the site that the history keeps as it was on ")
    kept = found.station.site()
    assert (kept.name, kept.currency) == (whole.name, whole.currency)
    assert [(p.pump_id, p.name, p.profile) for p in kept.pumps] == [(p.pump_id, p.name, p.profile) for p in whole.pumps]
    with pytest.raises(InputError, match="there is no site file"):
        open_review(folder, tmp_path, site_file=folder / "other.toml")
