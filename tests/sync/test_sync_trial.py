"""A trial of the connection finds each thing that is missing, on a real server, and says what to do about it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from typing_extensions import override

from pumpwatch_gui.bench.rigs.accounts import KEY, Accounts, loopback_server
from pumpwatch_gui.bench.rigs.central import Central
from pumpwatch_gui.bench.rigs.posting import free_port
from pumpwatch_gui.commissioning.sync_setup import kept_secrets, try_sync
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.sync import SyncCheck, SyncSettings
from pumpwatch_gui.sync.secrets import SyncSecrets
from pumpwatch_gui.sync.trial import ACCOUNT, CLOCK, MEMBER, NAMES, POSTGREST, REACHED, SCHEMA, try_connection
from pumpwatch_gui.sync.worker import SCHEMA as NEWEST
from tests.sync.conftest import needs_server

STATION, WHO = 61, "trial@example.org"
SECRETS = SyncSecrets(KEY, "a password")


@pytest.fixture
def settings(central: Central, accounts: Accounts) -> Iterator[SyncSettings]:
    """An account that is a collector of the station."""
    accounts.passwords[WHO] = "a password"
    central.sql(f"INSERT INTO members VALUES ('{WHO}', {STATION}, 'collector') ON CONFLICT DO NOTHING")
    yield SyncSettings(central.url, WHO, accounts.url)
    central.sql(f"DELETE FROM members WHERE station_id = {STATION}")


def tried(settings: SyncSettings, secrets: SyncSecrets = SECRETS, station: int = STATION) -> dict[str, SyncCheck]:
    found = {check.name: check for check in try_connection(settings, secrets, station)}
    assert tuple(found) == NAMES or set(found) == set(NAMES)
    return found


def failing(found: dict[str, SyncCheck]) -> dict[str, bool | None]:
    return {name: found[name].is_ok for name in NAMES if found[name].is_ok is not True}


@contextmanager
def answering(status: int, content: bytes) -> Iterator[str]:
    """A server that says the same to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    with loopback_server(Handler, "other") as url:
        yield url


@needs_server
def test_all_is_well_and_nothing_is_written(settings: SyncSettings, central: Central) -> None:
    found = tried(settings)
    assert failing(found) == {}
    assert f"version {NEWEST}" in found[SCHEMA].words
    assert central.one(f"SELECT count(*) FROM stations WHERE station_id = {STATION}") == "0"


@needs_server
def test_an_account_that_is_no_member_gets_the_line_to_run(settings: SyncSettings, central: Central) -> None:
    found = tried(settings, station=62)
    assert failing(found) == {MEMBER: False}
    assert f"VALUES ('{WHO}', 62, 'collector')" in found[MEMBER].advice
    central.sql(found[MEMBER].advice.partition(": ")[2])
    assert failing(tried(settings, station=62)) == {}
    central.sql("UPDATE members SET role = 'viewer' WHERE station_id = 62")
    viewer = tried(settings, station=62)[MEMBER]
    assert "is viewer, not collector" in viewer.words
    central.sql(viewer.advice.partition(": ")[2])
    assert failing(tried(settings, station=62)) == {}
    central.sql("DELETE FROM members WHERE station_id = 62")


@needs_server
def test_a_wrong_password_ends_the_trial_there(settings: SyncSettings) -> None:
    found = tried(settings, SyncSecrets(KEY, "another"))
    assert failing(found) == {ACCOUNT: False, SCHEMA: None, MEMBER: None, CLOCK: None}
    assert "is not let in" in found[ACCOUNT].words
    assert "another" not in repr(found)


@needs_server
def test_a_server_of_another_version_is_said(settings: SyncSettings, central: Central) -> None:
    ((version, oldest),) = central.sql("SELECT version, oldest FROM pumpwatch.schema_version")
    central.sql("UPDATE pumpwatch.schema_version SET version = 0, oldest = 0")
    try:
        found = tried(settings)
    finally:
        central.sql(f"UPDATE pumpwatch.schema_version SET version = {version}, oldest = {oldest}")
    assert failing(found) == {SCHEMA: False, MEMBER: None, CLOCK: None}
    assert "server-sql" in found[SCHEMA].advice


@needs_server
def test_a_clock_that_is_off_is_said(settings: SyncSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3_700)
    found = tried(settings)
    assert failing(found) == {CLOCK: False}
    assert "1 h 01 min ahead of" in found[CLOCK].words


def test_nothing_there_is_said_with_the_address() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    found = tried(SyncSettings(url, WHO, url))
    assert found[REACHED].is_ok is False
    assert url in found[REACHED].words
    assert {found[name].is_ok for name in NAMES[1:]} == {None}


@pytest.mark.parametrize(
    ("status", "content", "name", "words"),
    [
        (200, b"<html>log in to the network</html>", POSTGREST, "what answers is none"),
        (404, b"not here", POSTGREST, "HTTP 404"),
        (401, b'{"message":"Invalid API key"}', POSTGREST, "does not take the key (401: Invalid API key)"),
        (404, b'{"code":"PGRST202","message":"no function"}', SCHEMA, "no tables of PumpWatch"),
    ],
)
def test_what_is_no_server_of_ours_is_said(status: int, content: bytes, name: str, words: str) -> None:
    with answering(status, content) as url:
        found = tried(SyncSettings(url, WHO, url))
    assert found[REACHED].is_ok
    assert found[name].is_ok is False
    assert words in found[name].words
    assert found[MEMBER].is_ok is None


def test_a_cancelled_trial_goes_no_further() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with answering(404, b'{"code":"42501","message":"no"}') as url:
        found = try_connection(SyncSettings(url, WHO, url), SECRETS, STATION, cancelled.is_set)
    assert [check.is_ok for check in found] == [True, *[None] * 5]


def test_a_trial_uses_what_is_kept_where_nothing_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUMPWATCH_SYNC_PASSWORD", raising=False)
    settings = SyncSettings("http://127.0.0.1:1", WHO, "http://127.0.0.1:1")
    assert kept_secrets(tmp_path) == (False, False)
    with pytest.raises(InputError, match="is nowhere"):
        try_sync(tmp_path, settings, STATION, key=KEY)
    with pytest.raises(InputError, match="secret key"):
        try_sync(tmp_path, settings, STATION, key="sb_secret_x", password="x")
    assert try_sync(tmp_path, settings, STATION, password="x")[0].is_ok is False
    monkeypatch.setenv("PUMPWATCH_SYNC_PASSWORD", "kept")
    assert kept_secrets(tmp_path) == (True, False)
    assert try_sync(tmp_path, replace(settings, account="other"), STATION)[0].is_ok is False
