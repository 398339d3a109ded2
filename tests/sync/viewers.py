"""Stations that are seen through the server: accounts that read, and a viewer on a thread."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pumpwatch_gui.bench.rigs.accounts import KEY, Accounts
from pumpwatch_gui.bench.rigs.central import Central
from pumpwatch_gui.domain.sync import SyncSettings
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.stations.remote.history import RemoteHistory
from pumpwatch_gui.stations.remote.names import Names
from pumpwatch_gui.stations.remote.station import RemoteStation
from pumpwatch_gui.sync.secrets import SyncSecrets
from tests.flow.running import home_at

NUMBERS = itertools.count(500)
"""Of stations: rows of different tests are of different ones."""
SECRETS = SyncSecrets(KEY, "a password")
EVERY_STREAM = ("alarms", "audit", "events", "detections", "rollups", "readings")


def member(central: Central, accounts: Accounts, station: int, role: str, *, account: str = "") -> str:
    """An account with a role at a station; its name."""
    name = account or f"{role}{station}@example.org"
    accounts.passwords[name] = SECRETS.password
    central.sql(f"INSERT INTO members VALUES ('{name}', {station}, '{role}') ON CONFLICT DO NOTHING")
    return name


def sync_table(
    central: Central, accounts: Accounts, station: int, *, url: str = "", streams: tuple[str, ...] = EVERY_STREAM
) -> str:
    """What the site file of a station says of the server, and who it is."""
    return (
        f"[site]\nstation = {station}\n[sync]\nurl = '{url or central.url}'\nauth_url = '{accounts.url}'\n"
        f"account = 'collector{station}@example.org'\nstreams = {list(streams)}\n"
    )


def sending_home(folder: Path, central: Central, accounts: Accounts, station: int) -> Home:
    """A home whose station may send."""
    member(central, accounts, station, "collector")
    home = home_at(folder)
    home.prepare()
    secrets = home.path / "secrets.toml"
    secrets.write_text(f'sync_key = "{KEY}"\nsync_password = "{SECRETS.password}"\n', "utf-8")
    secrets.chmod(0o600)
    return home


def viewer_settings(
    central: Central, accounts: Accounts, *stations: int, account: str = "", url: str = ""
) -> SyncSettings:
    """An account that may look at these stations."""
    name = account or f"viewer{'-'.join(map(str, stations))}@example.org"
    for station in stations:
        member(central, accounts, station, "viewer", account=name)
    return SyncSettings(url or central.url, name, accounts.url)


@contextmanager
def viewing(central: Central, accounts: Accounts, *stations: int, url: str = "") -> Iterator[RemoteStation]:
    """The stations as a viewer sees them."""
    with running_viewer(viewer_settings(central, accounts, *stations, url=url)) as station:
        yield station


@contextmanager
def running_viewer(settings: SyncSettings) -> Iterator[RemoteStation]:
    """A viewer, its loop on a thread."""
    station, stop = RemoteStation(settings, SECRETS), threading.Event()
    threads = [threading.Thread(target=run, args=(stop,), name=name) for name, run in station.loops().items()]
    for thread in threads:
        thread.start()
    try:
        yield station
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()


def remote_history(central: Central, accounts: Accounts, station: int) -> RemoteHistory:
    """What the server has of a station."""
    settings = viewer_settings(central, accounts, station)
    return RemoteHistory(settings, SECRETS, lambda: Names({station: f"Station {station}"}))
