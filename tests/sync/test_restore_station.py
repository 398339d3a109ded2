"""A new computer takes the settings and the history of its station back from a real server, and says what it cannot."""

import time
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.bench.figure import NotMeasuredError
from pumpwatch_gui.bench.rigs.accounts import KEY, Accounts
from pumpwatch_gui.bench.rigs.central import Central
from pumpwatch_gui.bench.rigs.sending import SendingStation
from pumpwatch_gui.cli import main
from pumpwatch_gui.commissioning.backups.from_server import NOT_THERE, restore_station
from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.commands import Annotate, CreateMaintenance, Record
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import AlarmChanged
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.sync import SyncSettings, SyncState, SyncStream
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.settings.kept_texts import texts_to_keep
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.store.query.audit_check import verify_audit
from pumpwatch_gui.store.query.history import History
from tests.conftest import wait_until
from tests.flow.running import RunningStation, simulated, site_text
from tests.store.conftest import frame_of, rows_of
from tests.store.rigs.plant import TAGS
from tests.sync.conftest import needs_server
from tests.sync.rigs import ROWS
from tests.sync.viewers import NUMBERS, SECRETS, member, sending_home, sync_table

PROFILE = """name = "own"
[[sensor]]
tag = "motor_rpm"
label = "Motor speed"
unit = "rpm"
span = [0.0, 4000.0]
[[sensor]]
tag = "bearing_temperature_c"
label = "Bearing temperature"
unit = "degC"
span = [0.0, 150.0]
limits = { high = 78.0, high_high = 85.0 }
"""


def filled(folder: Path, central: Central, accounts: Accounts, number: int) -> tuple[Home, str]:
    """The home of a station that has run, written and sent; its site file."""
    home = sending_home(folder, central, accounts, number)
    (home.path / "profiles").mkdir()
    (home.path / "profiles" / "own.toml").write_text(PROFILE, "utf-8")
    with simulated(2) as port:
        text = site_text(port, pumps=2).replace('profile = "centrifugal"', 'profile = "profiles/own.toml"', 1)
        text = text.replace('registers = "generic"', 'registers = "generic"', 1) + sync_table(central, accounts, number)
        running = RunningStation(home, text).start()
        try:
            running.order(Record("the strainer was cleaned", "P-101"))
            running.order(Annotate("the valve was closed", time.time_ns() - 10**9, "P-102"))
            work = CreateMaintenance("P-102", EventType.INSPECTION, EventSeverity.HIGH, "Look at the coupling", 250.0)
            assert running.order(work).ok
            wait_until(lambda: running.engine.latest().stats.readings_committed > 60, within_s=30)
            running.stop.set()  # the readings end here; what is left is sent at the next start
        finally:
            running.end()
        again = RunningStation(home).start()
        try:
            view = again.engine.latest

            def is_through() -> bool:
                sync = view().sync
                return sync is not None and sync.state is SyncState.UP_TO_DATE and sync.lag_s < 3

            wait_until(is_through, within_s=60)
            wait_until(lambda: central.one(f"SELECT count(*) FROM station_files WHERE station_id = {number}") == "2",
                       within_s=30)  # fmt: skip
        finally:
            again.end()
    return home, text


def settings_of(central: Central, accounts: Accounts, account: str) -> SyncSettings:
    return SyncSettings(central.url, account, accounts.url)


@needs_server
def test_a_new_computer_goes_on_where_the_station_was(
    central: Central, accounts: Accounts, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    number = next(NUMBERS)
    old, text = filled(tmp_path / "old", central, accounts, number)
    monkeypatch.setenv("PUMPWATCH_SYNC_KEY", KEY)
    monkeypatch.setenv("PUMPWATCH_SYNC_PASSWORD", SECRETS.password)
    new = Home(tmp_path / "new")
    arguments = ["restore", "--server", central.url, "--auth-url", accounts.url, "--station", str(number)]
    arguments += ["--account", f"collector{number}@example.org", "--home", str(new.path)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "settings: profiles/own.toml, site.toml" in said
    assert NOT_THERE in said
    assert new.site_file.read_text("utf-8") == text
    assert (new.path / "profiles" / "own.toml").read_text("utf-8") == PROFILE
    loaded = load_site(new.site_file)
    assert not loaded.problems
    assert [pump.profile for pump in loaded.site.pumps] == [
        pump.profile for pump in load_site(old.site_file).site.pumps
    ]

    before, after = History(old.database), History(new.database)
    sent = {row.id: row for row in before.journal(JournalQuery(), limit=5000)}
    back = after.journal(JournalQuery(), limit=5000)
    assert len(back) >= len(sent) - 3  # the last lines of an end wait for the next start
    assert all(sent[row.id] == row for row in back)
    assert {row.text for row in back} >= {"the strainer was cleaned"}
    assert [(e.event_id, e.title, e.estimated_cost) for e in after.maintenance()] == [
        (e.event_id, e.title, e.estimated_cost) for e in before.maintenance()
    ]
    assert verify_audit(new.database).broken_id is None
    assert rows_of(new.database, "SELECT count(*) FROM audit_log")[0][0] >= 3
    end_ns = time.time_ns()
    for pump in loaded.site.pumps:
        own, real = (
            history.read(pump.pump_id, pump.profile.tags, start_ns=end_ns - 3600 * 10**9, end_ns=end_ns)
            for history in (after, before)
        )
        assert own.time_s.size > 20
        assert set(own.time_s.tolist()) <= set(real.time_s.tolist())

    assert main(arguments) == 2
    assert "has a site already" in capsys.readouterr().err
    running = RunningStation(new).start()  # a program that starts there goes on with it
    try:
        wait_until(lambda: running.engine.latest().stats.readings_committed > 5, within_s=30)
        assert [e.title for e in running.engine.latest().maintenance] == ["Look at the coupling"]
    finally:
        running.end()
    assert verify_audit(new.database).broken_id is None


@needs_server
def test_what_cannot_be_restored_is_said_and_leaves_the_home_as_it_was(
    central: Central, accounts: Accounts, tmp_path: Path
) -> None:
    number = next(NUMBERS)
    home = Home(tmp_path)
    viewer = member(central, accounts, number, "viewer")
    with pytest.raises(InputError, match="no settings of station"):
        restore_station(settings_of(central, accounts, viewer), SECRETS, number, home)
    collector = member(central, accounts, number, "collector")
    for path, digest, words in (("../x.toml", "00", "new row"), ("site.toml", "00", "is not what the station sent")):
        sql = f"INSERT INTO station_files VALUES ({number}, '{path}', 'schema = 1', '{digest}', 1)"
        if path.startswith(".."):
            with pytest.raises(NotMeasuredError, match=words):  # the server takes no such path
                central.sql(sql)
            continue
        central.sql(sql)
        with pytest.raises(InputError, match=words):
            restore_station(settings_of(central, accounts, collector), SECRETS, number, home)
    assert not home.site_file.exists()
    assert not home.database.exists()
    assert not (home.path / ".restoring-files").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "restore of what?"),
        (["x", "--server", "https://a.example.org"], "a backup or a server, not both"),
        (["--server", "https://a.example.org", "--account", "a"], "which station is meant"),
        (["--server", "ftp://a", "--account", "a", "--station", "7"], "--server must be an address as https://host"),
        (["--server", "http://a.example.org", "--account", "a", "--station", "7"], "is not encrypted"),
    ],
)
def test_wrong_usage_is_explained(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["restore", *arguments, "--home", str(tmp_path)]) == 2
    assert words in capsys.readouterr().err


def test_no_secret_is_kept_by_a_server(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    site = 'schema = 1\n[sync]\nurl = "https://a.example.org"\naccount = "a"\n'
    home.site_file.write_text(site, "utf-8")
    (tmp_path / "secrets.toml").write_text('sync_password = "x"\n', "utf-8")
    (tmp_path / "costs.toml").write_text('currency = "EUR"\n', "utf-8")
    kept = texts_to_keep(home, home.site_file)
    assert "secrets.toml" not in kept
    assert kept["site.toml"] == site
    for line in ('password = "x"', 'key = "x"', 'token = "x"', 'auth_url = "https://me:word@a.example.org"'):
        home.site_file.write_text(site + line + "\n", "utf-8")
        assert "site.toml" not in texts_to_keep(home, home.site_file)


@needs_server
def test_where_only_minutes_were_sent_the_minutes_come_back(
    central: Central, accounts: Accounts, tmp_path: Path
) -> None:
    number = next(NUMBERS)
    account = member(central, accounts, number, "collector")
    streams = frozenset({SyncStream.ROLLUPS, SyncStream.ALARMS, SyncStream.AUDIT, SyncStream.EVENTS})
    settings = SyncSettings(central.url, account, accounts.url, streams)
    made = SendingStation(tmp_path / "old.db", settings, station=number, password=SECRETS.password, pumps=ROWS)
    site = "schema = 1\n[site]\nname = 'Minutes'\n"
    made.worker._files = lambda: {"site.toml": site}
    start_ns = (time.time_ns() // (3600 * 10**9) - 30) * 3600 * 10**9  # yesterday
    for second in range(0, 7200, 5):
        values: list[float | None] = [float(second), *([None if second < 600 else 1.5] * (len(TAGS) - 1))]
        made.store.offer_frame(frame_of(values, at_s=second, pump_id="P-101", start_ns=start_ns), "NORMAL")
    state = AlarmState.UNACKNOWLEDGED
    alarm = Alarm("P-101/flow.low", "P-101", "flow", Priority.HIGH, "low", state, 1.0, 2.0, "", start_ns, start_ns)
    made.store.offer_event(AlarmChanged(start_ns, alarm))
    made.start()
    try:
        wait_until(lambda: central.one(f"SELECT count(*) FROM sensor_rollups WHERE station_id = {number}") == "120",
                   within_s=40)  # fmt: skip
        wait_until(lambda: central.one(f"SELECT count(*) FROM alarm_journal WHERE station_id = {number}") != "0")
        wait_until(made.is_through, within_s=40)
    finally:
        made.end()
    home = Home(tmp_path / "new")
    done = restore_station(settings_of(central, accounts, account), SECRETS, number, home, readings_days=3)
    assert "journal: 1 lines; 1 alarms were open" in done.lines
    assert any(line.startswith("one-minute values: 120 from ") and "every reading: 0" in line for line in done.lines)
    after, before = History(home.database), History(tmp_path / "old.db")
    assert [(a.alarm_id, a.state) for a in after.open_alarms()] == [("P-101/flow.low", state)]
    span = start_ns, start_ns + 3 * 3600 * 10**9
    own, real = (one.read("P-101", TAGS[:2], start_ns=span[0], end_ns=span[1], points=200) for one in (after, before))
    assert own.time_s.size >= 120
    assert np.nanmin(own.low[:, 0]) == np.nanmin(real.low[:, 0]) == 0.0
    assert np.nanmax(own.high[:, 0]) == np.nanmax(real.high[:, 0]) == 7195.0
    assert np.isnan(own.mean[:9, 1]).all()
    assert np.nanmax(own.mean[:, 1]) == 1.5
    (pump,) = [pump for pump in after.recorded_pumps() if pump.pump_id == "P-101"]
    assert pump.profile.tags == TAGS
