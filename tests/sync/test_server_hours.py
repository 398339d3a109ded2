"""The hours of a server: private, right at any time, and made again without holding up what is sent."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pumpwatch_gui.bench.figure import NotMeasuredError
from pumpwatch_gui.bench.rigs.accounts import Accounts, token_of
from pumpwatch_gui.bench.rigs.central import Central
from pumpwatch_gui.commissioning.server_sql import apply_to_server
from pumpwatch_gui.domain.sync import SyncStream
from pumpwatch_gui.sync import hours
from tests.conftest import wait_until
from tests.sync.conftest import needs_server
from tests.sync.rigs import sending
from tests.sync.test_server_sql import ask, dump

pytestmark = needs_server
STATION = 401
DAYS = {"since": "2024-02-28T00:00:00Z", "until": "2024-03-04T00:00:00Z"}
"""Over the end of a month; in forty steps of whole hours, so that an hour and its minutes are of the same step."""
TREND = {"station": STATION, "pump": "P-1", "points": 40, **DAYS}


def minutes(central: Central, *, since: str, count: int, station: int = STATION, add: int = 0) -> None:
    """Minutes of a pump and its detections; the newer replaces the older."""
    central.sql(
        f"INSERT INTO sensor_rollups SELECT {station}, 'P-1', '{since}'::timestamptz + n * interval '1 min', "
        f"jsonb_build_object('flow', jsonb_build_array(n % 97 + {add}, n % 97 + {add} + 0.5, n % 97 + {add} + 1, "
        "20 + n % 40, 40 - n % 40), 'off', '[null, null, null, 0, 60]'::jsonb) "
        f"FROM generate_series(0, {count - 1}) AS n "
        "ON CONFLICT (station_id, pump_id, timestamp) DO UPDATE SET tags = excluded.tags"
    )
    central.sql(
        "INSERT INTO anomaly_detections SELECT "
        f"{station}, 'P-1', '{since}'::timestamptz + n * interval '1 min', n, n, false, 1, 1, '{{}}', '{{}}', '{{}}', "
        f"n % 89 + {add}, 'lstm', 'v1' FROM generate_series(0, {count - 1}) AS n ON CONFLICT DO NOTHING"
    )


def shown(central: Central, token: str) -> tuple[Any, Any]:
    """What both functions show of the days: of the series without its means, which are sums of other pieces."""
    code, trend = ask(central, "rpc/trend", token=token, method="POST", body={"tag": "flow", **TREND})
    assert code == 200, trend
    body = {"tags": ["flow", "off"], **TREND}
    code, series = ask(central, "rpc/view_series", token=token, method="POST", body=body)
    assert code == 200, series
    means = [trend.pop("mean"), series["columns"][0].pop(1)]
    return (trend, series), means


def make_hours(central: Central) -> list[str]:
    """Refresh until nothing is left; the months."""
    months = []
    while said := central.one("SELECT coalesce(pumpwatch.refresh_month()::text, '')"):
        months.append(json.loads(said)["month"])
    return months


@pytest.fixture(scope="module")
def viewer(central: Central) -> str:
    """The token of a viewer of a station with some days of history, of which the server has made hours."""
    for user, station, role in (("hours-viewer", STATION, "viewer"), ("hours-collector", STATION, "collector"),
                                ("hours-foreign", 402, "engineer")):  # fmt: skip
        central.sql(f"INSERT INTO members VALUES ('{user}', {station}, '{role}')")
    for month in ("2024-02-01", "2024-03-01"):
        central.sql(f"SELECT pumpwatch.make_month('{month}')")
    minutes(central, since="2024-02-27T00:00Z", count=7 * 1440)
    return token_of("hours-viewer")


@pytest.fixture
def made(central: Central, viewer: str) -> str:
    """The same, as at the beginning, with hours of all of it."""
    minutes(central, since="2024-02-27T00:00Z", count=7 * 1440)
    central.sql("SELECT pumpwatch.make_hours('2024-02-01Z'), pumpwatch.make_hours('2024-03-01Z')")
    make_hours(central)
    return viewer


def test_a_trend_is_the_same_with_hours_and_without(central: Central, viewer: str) -> None:
    before, means = shown(central, viewer)
    assert len(before[0]["time"]) == 40
    assert {"2024-03", "2024-02"} <= set(make_hours(central))  # and months of other tests
    after, means_after = shown(central, viewer)
    assert after == before
    for one, other in zip(means, means_after, strict=True):
        assert one == pytest.approx(other, rel=1e-6)
    # It was read from them: without their rows it is shorter.
    central.sql("ALTER MATERIALIZED VIEW pumpwatch.sensor_hours_2024_02 RENAME TO aside; "
                "CREATE VIEW pumpwatch.sensor_hours_2024_02 AS SELECT * FROM pumpwatch.aside WHERE false")  # fmt: skip
    try:
        assert len(shown(central, viewer)[0][0]["time"]) < 40
    finally:
        central.sql("DROP VIEW pumpwatch.sensor_hours_2024_02; "
                    "ALTER MATERIALIZED VIEW pumpwatch.aside RENAME TO sensor_hours_2024_02")  # fmt: skip


def test_what_came_since_is_shown_before_a_refresh_and_after(central: Central, made: str) -> None:
    minutes(central, since="2024-02-29T06:10Z", count=90, add=1000)  # newer ones of what is there
    minutes(central, since="2024-03-03T14:00Z", count=600, add=2000)  # and new ones
    changed = "SELECT count(DISTINCT hour) FROM pumpwatch.hours_changed WHERE hour < '2024-04-01Z'"
    assert central.one(changed) == "12"
    before, _ = shown(central, made)
    assert max(before[0]["high"]) == 2097
    assert sum(high > 1000 for high in before[0]["high"]) > 2
    central.sql("SELECT pumpwatch.make_hours('2024-02-01Z'), pumpwatch.make_hours('2024-03-01Z')")
    assert central.one(changed) == "0"
    assert shown(central, made)[0] == before


def test_of_hours_at_the_ends_only_the_part_in_the_span_is_shown(central: Central, made: str) -> None:
    for minute in ("2024-02-28T00:29Z", "2024-03-02T11:20Z"):
        central.sql("UPDATE sensor_rollups SET tags = '{\"flow\": [-9, 0, 99999, 9, 0]}' "
                    f"WHERE station_id = {STATION} AND timestamp = '{minute}'")  # fmt: skip
    for month in ("2024-02-01Z", "2024-03-01Z"):
        central.sql(f"SELECT pumpwatch.make_hours('{month}')")
    span = {"since": "2024-02-28T00:30:00Z", "until": "2024-03-02T11:20:00Z"}
    body = {"tag": "flow", **TREND, **span}
    found = ask(central, "rpc/trend", token=made, method="POST", body=body)[1]
    assert (min(found["low"]), max(found["high"])) == (0, 97)
    wider = body | {"since": "2024-02-28T00:29:00Z"}
    assert max(ask(central, "rpc/trend", token=made, method="POST", body=wider)[1]["high"]) == 99999


def test_months_without_minutes_keep_their_hours(central: Central, made: str) -> None:
    before, _ = shown(central, made)
    central.sql("CREATE TABLE kept AS SELECT * FROM pumpwatch.sensor_rollups_2024_02; "
                "DROP TABLE pumpwatch.sensor_rollups_2024_02")  # fmt: skip
    try:
        assert shown(central, made)[0] == before
    finally:
        central.sql("SELECT pumpwatch.make_month('2024-02-01'); INSERT INTO sensor_rollups SELECT * FROM kept")
        central.sql("DROP TABLE kept; SELECT pumpwatch.make_hours('2024-02-01Z')")


@pytest.mark.parametrize("who", ["hours-foreign", "no-member", "hours-member-of-before"])
def test_who_is_no_member_sees_nothing(central: Central, made: str, who: str) -> None:
    central.sql(f"INSERT INTO members VALUES ('hours-member-of-before', {STATION}, 'viewer')")
    assert shown(central, token_of("hours-member-of-before"))[0][0]["time"]
    central.sql("DELETE FROM members WHERE user_id = 'hours-member-of-before'")
    (trend, series), _ = shown(central, token_of(who))
    assert trend == {"time": [], "low": [], "high": []}
    assert (series["time"], series["score"]) == ([], [])


@pytest.mark.parametrize("path", ["trend", "view_series", "refresh_hours"])
def test_without_an_account_or_after_its_time_nothing_is_let_in(central: Central, made: str, path: str) -> None:
    bodies = {"trend": {"tag": "flow", **TREND}, "view_series": {"tags": ["flow"], **TREND}, "refresh_hours": {}}
    for token in ("", token_of("hours-viewer", seconds=-100), token_of("hours-viewer", role="anon")):
        assert ask(central, f"rpc/{path}", token=token, method="POST", body=bodies[path])[0] == 401


def test_the_views_are_for_no_account_and_of_no_address(central: Central, made: str) -> None:
    for name in ("sensor_hours_2024_02", "score_hours_2024_02", "hours_changed"):
        assert ask(central, name, token=made)[0] == 404
        for role in ("anon", "authenticated"):
            with pytest.raises(NotMeasuredError, match="permission denied"):
                central.sql(f"SET ROLE {role}; SELECT * FROM pumpwatch.{name}")
    for function in ("make_hours('2024-02-01Z')", "refresh_month()"):
        with pytest.raises(NotMeasuredError, match="permission denied"):
            central.sql(f"SET ROLE authenticated; SELECT pumpwatch.{function}")
    # the function of the reads is no address either, and looks at who asks, whoever calls it
    asked = f"SELECT count(*) FROM pumpwatch.hours('sensor_hours', {STATION}, 'P-1', '2024-02-01Z', '2024-04-01Z')"
    claims = "SELECT set_config('request.jwt.claims', '{{\"sub\": \"{}\"}}', false); SET ROLE authenticated; "
    assert int(central.sql(claims.format("hours-viewer") + asked)[-1][0]) > 0
    assert central.sql(claims.format("hours-foreign") + asked)[-1] == ["0"]
    assert central.sql("SET ROLE authenticated; " + asked)[-1] == ["0"]


def test_a_refresh_is_for_collectors_and_not_too_often(central: Central, made: str) -> None:
    assert ask(central, "rpc/refresh_hours", token=made, method="POST", body={})[0] == 403
    assert ask(central, "rpc/refresh_hours", token=token_of("hours-foreign"), method="POST", body={})[0] == 403
    central.sql("SELECT setval('pumpwatch.refresh_due', 0)")
    minutes(central, since="2024-02-28T00:00Z", count=900, add=3000)
    token = token_of("hours-collector")
    # The time that the server gives an account's requests is not for this one.
    central.sql("ALTER ROLE authenticated SET statement_timeout = '1ms'; NOTIFY pgrst, 'reload config'")
    try:
        wait_until(lambda: ask(central, "rpc/view_pumps", token=made, method="POST", body={})[0] == 500, within_s=20)
        code, said = ask(central, "rpc/refresh_hours", token=token, method="POST", body={})
    finally:
        central.sql("ALTER ROLE authenticated RESET statement_timeout; NOTIFY pgrst, 'reload config'")
    wait_until(lambda: ask(central, "rpc/view_pumps", token=made, method="POST", body={})[0] == 200, within_s=20)
    assert (code, said["month"], said["again_s"]) == (200, "2024-02", 600)
    minutes(central, since="2024-02-28T00:00Z", count=900, add=4000)
    code, said = ask(central, "rpc/refresh_hours", token=token, method="POST", body={})
    assert (code, set(said)) == (200, {"again_s"})
    assert 0 < said["again_s"] <= 600


@contextmanager
def transaction(central: Central, text: str) -> Iterator[None]:
    """A connection of its own that has done `text` and commits at the end of the block."""
    command = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", central.dsn]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(f"BEGIN; {text};\nSELECT 'done';\n")
        running.stdin.flush()
        while (line := running.stdout.readline()) != "done\n":
            assert line
        yield
        running.stdin.write("COMMIT;\n")
        running.stdin.close()
        assert running.wait(30) == 0


def test_rows_that_come_during_a_refresh_do_not_wait_and_are_not_missed(central: Central, made: str) -> None:
    minutes(central, since="2024-03-01T00:00Z", count=900, add=5000)
    with transaction(central, "SELECT pumpwatch.refresh_month()"):
        minutes(central, since="2024-03-01T00:00Z", count=60, add=6000)
        before, _ = shown(central, made)
    assert max(before[0]["high"]) == 6060
    assert shown(central, made)[0] == before
    assert central.one("SELECT count(*) FROM pumpwatch.hours_changed WHERE hour = '2024-03-01Z'") == "1"


def test_a_refresh_waits_for_rows_that_are_being_written(central: Central, made: str) -> None:
    minutes(central, since="2024-03-02T00:00Z", count=900, add=7000)  # the hours are marked
    row = "UPDATE sensor_rollups SET tags = '{\"flow\": [1, 2, 9000, 9, 0]}' WHERE timestamp = '2024-03-02T00:00Z'"
    with transaction(central, row):
        refresh = subprocess.Popen(["psql", "-qX", "-d", central.dsn, "-c", "SELECT pumpwatch.refresh_month()"],
                                   stdout=subprocess.DEVNULL)  # fmt: skip
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%refresh_month%'"
        )
        wait_until(lambda: central.one(waiting) == "1" or refresh.poll() is not None, within_s=20)
    assert refresh.wait(30) == 0
    assert max(shown(central, made)[0][0]["high"]) == 9000
    query = "SELECT tags -> 'flow' ->> 2 FROM pumpwatch.sensor_hours_2024_03 WHERE hour = '2024-03-02Z'"
    assert central.one(query) == "9000"


def test_an_owner_who_is_no_superuser_applies_it_twice_without_a_change_and_refreshes(central: Central) -> None:
    central.sql("CREATE ROLE plain LOGIN CREATEROLE")
    central.sql("CREATE DATABASE hosted OWNER plain")
    dsn = central.dsn.replace("postgres@", "plain@").rpartition("/")[0] + "/hosted"
    try:
        apply_to_server(dsn)
        hosted = _At(dsn)
        hosted.sql("SELECT pumpwatch.make_month('2024-02-01')")
        minutes(hosted, since="2024-02-27T00:00Z", count=1440)
        assert make_hours(hosted) == ["2024-02"]
        minutes(hosted, since="2024-02-27T00:00Z", count=1440, add=5)
        assert make_hours(hosted) == ["2024-02"]
        before = dump(hosted)
        lines = apply_to_server(dsn)
        assert "hours of 1 months, without 0 that have changed since" in lines
        assert dump(hosted) == before
    finally:
        central.sql("DROP DATABASE hosted")
        central.sql("DROP ROLE plain")


class _At(Central):
    """Another database of the server."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn


def test_a_station_asks_for_it_while_it_has_nothing_to_send(
    central: Central, accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hours, "FIRST_AFTER_S", 0.0)
    make_hours(central)
    central.sql("SELECT setval('pumpwatch.refresh_due', 0)")
    central.sql("SELECT pumpwatch.make_month('2024-05-01')")
    minutes(central, since="2024-05-02T00:00Z", count=1440, station=403)
    with sending(tmp_path, central, accounts, station=403, streams=frozenset({SyncStream.ALARMS})):
        view = "SELECT coalesce(to_regclass('pumpwatch.sensor_hours_2024_05')::text, '')"
        wait_until(lambda: central.one(view), within_s=30)
    assert central.one("SELECT last_value > extract(epoch FROM now()) FROM pumpwatch.refresh_due") == "t"
