"""A viewer shows what stations send to a real server, says what it cannot, and goes on by itself."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pumpwatch_gui.bench.rigs.accounts import KEY, Accounts
from pumpwatch_gui.bench.rigs.central import Central
from pumpwatch_gui.commissioning.viewing import open_view, server_settings
from pumpwatch_gui.domain.commands import Acknowledge, CreateMaintenance, Order, Record
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import Event, OrderDone, SiteChanged
from pumpwatch_gui.domain.incident import SUFFIX, IncidentSpan
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.stations.remote import heard
from pumpwatch_gui.stations.remote import station as remote_station
from pumpwatch_gui.stations.remote.history import RemoteHistory
from pumpwatch_gui.stations.remote.names import Names
from pumpwatch_gui.stations.remote.station import RemoteStation
from pumpwatch_gui.sync import worker
from tests.conftest import wait_until
from tests.flow.running import RunningStation, simulated, site_text
from tests.sync.conftest import needs_server
from tests.sync.faults import Line
from tests.sync.viewers import NUMBERS, SECRETS, running_viewer, sending_home, sync_table, viewer_settings, viewing

pytestmark = needs_server


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_station, "RETRY_S", 0.2)
    monkeypatch.setattr(remote_station, "LATE_AFTER_S", 2.0)
    monkeypatch.setattr(heard, "LATE_AFTER_S", 3.0)


@contextmanager
def running(
    folder: Path, central: Central, accounts: Accounts, number: int, *, pumps: int = 1, name: str = ""
) -> Iterator[RunningStation]:
    with simulated(pumps) as port:
        table = sync_table(central, accounts, number)
        table = table.replace("[site]\n", f'[site]\nname = "{name}"\n') if name else table
        made = RunningStation(
            sending_home(folder, central, accounts, number), site_text(port, pumps=pumps) + table
        ).start()
        try:
            yield made
        finally:
            made.end()


def has_values(station: RemoteStation, count: int) -> bool:
    pumps = station.latest().pumps
    return len(pumps) == count and all(p.frame is not None and p.run_state is RunState.RUNNING for p in pumps)


def said(station: RemoteStation) -> str:
    """What the red bar says."""
    words = [loop.words for loop in station.latest().stopped_loops]
    return " · ".join(f"{one.name} {one.fault}: {one.consequence}" for one in words if one is not None)


def test_pumps_of_one_name_of_two_stations_are_kept_apart(central: Central, accounts: Accounts, tmp_path: Path) -> None:
    first, second = next(NUMBERS), next(NUMBERS)
    with ExitStack() as stack:
        north = stack.enter_context(running(tmp_path / "a", central, accounts, first, pumps=2, name="North"))
        station = stack.enter_context(viewing(central, accounts, first, second))
        events: list[Event] = []
        station.subscribe(events.append)
        wait_until(lambda: has_values(station, 2), within_s=30)
        assert [pump.area for pump in station.site().pumps] == ["", ""]
        assert [pump.pump_id for pump in station.latest().pumps] == ["P-101", "P-102"]
        stack.enter_context(running(tmp_path / "b", central, accounts, second, name="South"))
        ids = [f"{first}-P-101", f"{first}-P-102", f"{second}-P-101"]
        wait_until(lambda: [pump.pump_id for pump in station.latest().pumps] == ids, within_s=30)
        wait_until(lambda: has_values(station, 3), within_s=30)
        assert [pump.area for pump in station.site().pumps] == ["North", "North", "South"]
        changed = [event for event in events if isinstance(event, SiteChanged)]
        assert {"P-101": ids[0], "P-102": ids[1]} in [dict(event.renamed) for event in changed]
        view = station.latest()
        assert [link.link_id for pump in view.pumps for link in pump.links] == [f"{pump_id}/1" for pump_id in ids]
        wait_until(lambda: station.trace(ids[0]).time_s.size > 1, within_s=30)

        notes = station.history.journal(JournalQuery(kinds=("note",)))
        assert {"North: Station North started with 2 pumps", "South: Station South started with 1 pumps"} <= {
            row.text for row in notes
        }
        north.order(Record("the strainer was cleaned", "P-102"))
        history = station.history
        query = JournalQuery(text="strainer")
        wait_until(lambda: history.journal(query), within_s=20)
        (line,) = history.journal(query)
        assert (line.pump_id, line.by) == (ids[1], "asha")
        assert history.journal(JournalQuery(pump_id=ids[2], text="strainer")) == []
        assert len({row.id for row in history.journal(JournalQuery())}) == len(history.journal(JournalQuery()))
        north.order(CreateMaintenance("P-101", EventType.INSPECTION, EventSeverity.LOW, "Look at the coupling"))
        wait_until(lambda: [work.pump_id for work in station.latest().maintenance] == ids[:1], within_s=20)
        wait_until(lambda: [work.pump_id for work in history.maintenance()] == ids[:1], within_s=20)
        end_ns = time.time_ns()
        wait_until(
            lambda: history.read(ids[2], ("motor_rpm",), start_ns=end_ns - 600 * 10**9, end_ns=end_ns).time_s.size > 2,
            within_s=20,
        )


def test_an_incident_file_is_of_pumps_of_one_station(central: Central, accounts: Accounts, tmp_path: Path) -> None:
    history = RemoteHistory(viewer_settings(central, accounts, 7), SECRETS, lambda: Names({7: "North", 8: "South"}))
    for pumps, words in ((("7-P-101", "8-P-101"), "is of one station"), (("9-P-101",), "no pump 9-P-101")):
        with pytest.raises(InputError, match=words):
            history.write_incident(tmp_path / f"one{SUFFIX}", IncidentSpan(pumps, 0, 10**9))
    assert not list(tmp_path.iterdir())


def test_an_order_is_refused_with_the_words_why(central: Central, accounts: Accounts) -> None:
    station = RemoteStation(viewer_settings(central, accounts, next(NUMBERS)), SECRETS)
    events: list[Event] = []
    station.subscribe(events.append)
    order_id = station.submit(Order(Acknowledge("P-101/x"), "asha"))
    assert [(e.order_id, e.ok, e.text) for e in events if isinstance(e, OrderDone)] == [
        (order_id, False, "this is a view through a server: nothing can be changed here; do it at the station itself")
    ]


def test_a_station_that_ends_is_lost_by_name_and_its_values_are_not_live(
    central: Central, accounts: Accounts, tmp_path: Path
) -> None:
    first, second = next(NUMBERS), next(NUMBERS)
    with ExitStack() as stack:
        stack.enter_context(running(tmp_path / "a", central, accounts, first, name="North"))
        station = stack.enter_context(viewing(central, accounts, first, second))
        with running(tmp_path / "b", central, accounts, second, name="South"):
            wait_until(lambda: has_values(station, 2), within_s=30)
            assert said(station) == ""
        wait_until(lambda: said(station) == f"South lost: {heard.LOST}", within_s=20)
        view = station.latest()
        north, south = view.pumps
        assert (north.run_state, south.run_state) == (RunState.RUNNING, RunState.NO_DATA)
        assert south.links[0].state is LinkState.OFFLINE
        assert south.frame is not None
        assert view.mono_ns - south.frame.mono_ns > south.stale_after_s * 1e9
        with running(tmp_path / "b", central, accounts, second, name="South"):
            wait_until(lambda: said(station) == "" and has_values(station, 2), within_s=30)


@pytest.mark.parametrize("fate", ["cut", "503", "login page", "swallow"])
def test_a_server_that_is_away_is_said_and_the_viewer_goes_on_when_it_is_back(
    central: Central, accounts: Accounts, tmp_path: Path, fate: str
) -> None:
    number, is_away = next(NUMBERS), [False]
    with Line(central.url).open() as line, running(tmp_path, central, accounts, number):
        line.fate = lambda path, body: fate if is_away[0] else "pass"
        with viewing(central, accounts, number, url=line.url) as station:
            wait_until(lambda: has_values(station, 1), within_s=30)
            is_away[0] = True
            wait_until(lambda: said(station).startswith("Server lost: "), within_s=20)
            assert station.latest().pumps[0].frame is not None
            is_away[0] = False
            wait_until(lambda: said(station) == "" and has_values(station, 1), within_s=30)


Wrong = tuple[Callable[[Central, Accounts, str, int], None], str, Callable[[Central, Accounts, str, int], None]]


def _set_password(text: str) -> Callable[[Central, Accounts, str, int], None]:
    return lambda central, accounts, account, number: accounts.passwords.update({account: text})


def _sql(text: str) -> Callable[[Central, Accounts, str, int], None]:
    def do(central: Central, accounts: Accounts, account: str, number: int) -> None:
        central.sql(text.format(account=account, number=number))

    return do


WRONG: dict[str, Wrong] = {
    "password": (_set_password("another"), "is not let in", _set_password("a password")),
    "no stations": (
        _sql("DELETE FROM members WHERE user_id = '{account}'"),
        "Stations missing: this account is a member of none",
        _sql("INSERT INTO members VALUES ('{account}', {number}, 'viewer')"),
    ),
    "older server": (
        _sql("UPDATE pumpwatch.schema_version SET version = 1"),
        "the server is of schema version 1, a viewer needs 2; have `pumpwatch server-sql --apply` run",
        _sql("UPDATE pumpwatch.schema_version SET version = 3"),
    ),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_what_is_wrong_at_the_start_is_said_and_is_over_when_it_was_put_right(
    central: Central, accounts: Accounts, tmp_path: Path, what: str
) -> None:
    spoil, words, correct = WRONG[what]
    number = next(NUMBERS)
    with running(tmp_path, central, accounts, number):
        settings = viewer_settings(central, accounts, number)
        wait_until(lambda: central.one(f"SELECT count(*) FROM live WHERE station_id = {number}") > "1", within_s=30)
        spoil(central, accounts, settings.account, number)
        try:
            with running_viewer(settings) as station:
                wait_until(lambda: words in said(station), within_s=20)
                assert "a password" not in said(station)
                assert station.latest().pumps == ()
                correct(central, accounts, settings.account, number)
                wait_until(lambda: said(station) == "" and has_values(station, 1), within_s=30)
        finally:
            central.sql("UPDATE pumpwatch.schema_version SET version = 3")


def test_a_station_that_sends_no_live_values_is_said_and_its_history_is_shown(
    central: Central, accounts: Accounts, tmp_path: Path
) -> None:
    number = next(NUMBERS)
    with running(tmp_path, central, accounts, number):
        wait_until(lambda: central.one(f"SELECT count(*) FROM sensor_readings WHERE station_id = {number}") > "5",
                   within_s=40)  # fmt: skip
    central.sql(f"DELETE FROM live WHERE station_id = {number}")
    with viewing(central, accounts, number) as station:
        wait_until(lambda: heard.NOT_LIVE in said(station), within_s=20)
        (pump,) = station.latest().pumps
        assert (pump.pump_id, pump.run_state, pump.frame) == ("P-101", RunState.NO_DATA, None)
        end_ns = time.time_ns()
        found = station.history.read("P-101", ("motor_rpm",), start_ns=end_ns - 3600 * 10**9, end_ns=end_ns)
        assert found.time_s.size > 5


def test_the_command_opens_the_window_and_leaves_nothing_behind(
    central: Central, accounts: Accounts, tmp_path: Path
) -> None:
    number = next(NUMBERS)
    picture = tmp_path / "window.png"
    environment = {**os.environ, "PUMPWATCH_SYNC_KEY": KEY, "PUMPWATCH_SYNC_PASSWORD": SECRETS.password,
                   "QT_QPA_PLATFORM": "offscreen"}  # fmt: skip
    with running(tmp_path / "station", central, accounts, number):
        settings = viewer_settings(central, accounts, number)
        environment["PUMPWATCH_SYNC_ACCOUNT"] = settings.account
        command = [sys.executable, "-m", "pumpwatch_gui", "view", "--server", central.url, "--auth-url", accounts.url,
                   "--for", "6", "--picture", str(picture)]  # fmt: skip
        run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=90, check=False)
    assert (run.returncode, run.stdout) == (0, ""), run.stderr
    assert "Traceback" not in run.stderr
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("server", "words"),
    [("ftp://a", "--server must be an address as https://host"), ("http://a.example.org", "is not encrypted"),
     ("https://u:p@a.example.org", "no name and no password"), ("https://a.example.org", "is nowhere")],
)  # fmt: skip
def test_a_view_that_cannot_begin_says_why(
    server: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUMPWATCH_SYNC_PASSWORD", raising=False)
    with pytest.raises(InputError, match=words):
        open_view(server, "", "office@example.org", Home(tmp_path))


def test_who_reads_is_named_by_the_option_or_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUMPWATCH_SYNC_ACCOUNT", raising=False)
    with pytest.raises(InputError, match="no account is named") as caught:
        server_settings("https://a.example.org", "", "")
    assert "--account NAME" in caught.value.advice
    monkeypatch.setenv("PUMPWATCH_SYNC_ACCOUNT", "office@example.org")
    assert server_settings("https://a.example.org", "", "").account == "office@example.org"
    assert server_settings("https://a.example.org", "", "asha@example.org").account == "asha@example.org"


@pytest.mark.parametrize("fate", ["413", "57014"])
def test_a_server_that_takes_no_live_values_gets_the_rows_all_the_same(
    central: Central, accounts: Accounts, tmp_path: Path, fate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LIVE_PAUSE_S", 1.0)
    number, is_full = next(NUMBERS), [True]
    with ExitStack() as stack:
        line = stack.enter_context(Line(central.url).open())
        line.fate = lambda path, body: fate if is_full[0] and path.startswith("/live") else "pass"
        port = stack.enter_context(simulated(1))
        home = sending_home(tmp_path, central, accounts, number)
        made = RunningStation(home, site_text(port) + sync_table(central, accounts, number, url=line.url)).start()
        stack.callback(made.end)
        rows = f"SELECT count(*) FROM sensor_readings WHERE station_id = {number}"
        wait_until(lambda: int(central.one(rows)) > 20, within_s=40)
        wait_until(lambda: line.seen[fate] > 1, within_s=20)
        view = made.engine.latest().sync
        assert view is not None
        assert view.error == ""
        is_full[0] = False
        live = f"SELECT count(*) FROM live WHERE station_id = {number} AND part IN ('site', 'head')"
        wait_until(lambda: central.one(live) == "2", within_s=20)


def test_a_server_that_lost_what_viewers_see_gets_all_of_it_again(
    central: Central, accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LIVE_WHOLE_S", 2.0)
    number = next(NUMBERS)
    with running(tmp_path, central, accounts, number), viewing(central, accounts, number) as station:
        wait_until(lambda: has_values(station, 1), within_s=30)
        site = station.site()
        central.sql(f"DELETE FROM live WHERE station_id = {number}")
        parts = f"SELECT count(*) FROM live WHERE station_id = {number} AND part IN ('site', 'maintenance', 'alarms')"
        wait_until(lambda: central.one(parts) == "3", within_s=20)
        with running_viewer(viewer_settings(central, accounts, number)) as another:
            wait_until(lambda: has_values(another, 1), within_s=20)
        assert station.site() is site
