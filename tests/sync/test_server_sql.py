"""The server side: applied twice without a change, and closed to all who are not members."""

import json
import subprocess
import urllib.error
import urllib.request
from typing import Any

import pytest

from pumpwatch_gui.bench.figure import NotMeasuredError
from pumpwatch_gui.bench.rigs.accounts import KEY, token_of
from pumpwatch_gui.bench.rigs.central import Central
from pumpwatch_gui.cli import main
from pumpwatch_gui.commissioning.server_sql import apply_to_server, server_script
from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from tests.sync.conftest import needs_server

pytestmark = needs_server
READING = {
    "station_id": 7,
    "pump_id": "P-101",
    "timestamp": "2026-11-01T00:00:00Z",
    "id": 1,
    "machine_status": "NORMAL",
}
MERGE = "resolution=merge-duplicates,return=minimal"
LIVE = {"station_id": 7, "part": "head", "content": {"t": 1}}
FILE = {"station_id": 7, "path": "site.toml", "content": "schema = 1", "sha256": "00", "generation": 1}
AUDIT = {"station_id": 7, "id": 5, "timestamp": "2026-11-01T00:00:00Z", "time_ns": 1, "action": "a", "pump_id": "",
         "by": "", "ok": True, "text": "", "hash": "00"}  # fmt: skip


def ask(
    central: Central, path: str, *, token: str = "", method: str = "GET", body: object = None, prefer: str = ""
) -> tuple[int, Any]:
    headers = {"apikey": KEY, "Content-Type": "application/json", "Prefer": prefer}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{central.url}/{path}", content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            said = response.read()
            return response.status, json.loads(said) if said else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


@pytest.fixture(scope="module")
def members(central: Central) -> dict[str, str]:
    """Tokens by role; the collector of another station is `foreign`."""
    roles = {"collector": 7, "viewer": 7, "engineer": 7, "foreign": 8}
    for name, station in roles.items():
        role = "collector" if name == "foreign" else name
        central.sql(f"INSERT INTO public.members VALUES ('rls-{name}', {station}, '{role}') ON CONFLICT DO NOTHING")
    for month in ("2026-10-01", "2026-11-01"):
        central.sql(f"SELECT pumpwatch.make_month('{month}')")
    return {name: token_of(f"rls-{name}") for name in roles}


def dump(central: Central) -> str:
    command = ["pg_dump", "-d", central.dsn, "--restrict-key=tests"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:  # of a release before the option
        run = subprocess.run(command[:-1], capture_output=True, text=True, check=True)
    return "\n".join(line for line in run.stdout.splitlines() if "estrict " not in line)


def test_applied_twice_it_changes_nothing(central: Central, capsys: pytest.CaptureFixture[str]) -> None:
    before = dump(central)
    assert "CREATE POLICY" in before
    assert main(["server-sql", "--apply", central.dsn]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "schema version 3" in said
    assert any(line.startswith("table sensor_readings: about ") for line in said)
    assert dump(central) == before


def test_without_a_server_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server-sql"]) == 0
    assert capsys.readouterr().out == server_script()


def test_a_table_of_another_program_is_not_touched(central: Central) -> None:
    central.sql("CREATE DATABASE another")
    dsn = central.dsn.rpartition("/")[0] + "/another"
    subprocess.run(["psql", "-qX", "-d", dsn, "-c", "CREATE TABLE sensor_readings (id bigint PRIMARY KEY)"], check=True)
    with pytest.raises(PumpWatchError, match="is of another program"):
        apply_to_server(dsn)
    central.sql("DROP DATABASE another")


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="no address of a database"):
        apply_to_server("https://example.org")


def test_no_server_is_said(central: Central) -> None:
    with pytest.raises(PumpWatchError, match="did not take the SQL") as caught:
        apply_to_server("postgresql://postgres:secret@127.0.0.1:1/postgres")
    assert "secret" not in f"{caught.value.message} {caught.value.advice}"


def test_a_collector_writes_its_station_and_each_row_once(central: Central, members: dict[str, str]) -> None:
    token = members["collector"]
    for _ in range(2):
        code, said = ask(central, "sensor_readings", token=token, method="POST", body=[READING],
                         prefer="resolution=ignore-duplicates,return=minimal")  # fmt: skip
        assert code in (200, 201), said
    assert ask(central, "sensor_readings?station_id=eq.7", token=members["viewer"])[1][0]["pump_id"] == "P-101"
    assert central.one("SELECT count(*) FROM sensor_readings WHERE station_id = 7") == "1"


@pytest.mark.parametrize(
    ("who", "method", "path", "body", "codes"),
    [
        ("viewer", "POST", "sensor_readings", [READING], (403,)),
        ("engineer", "POST", "sensor_readings", [READING], (403,)),
        ("foreign", "POST", "sensor_readings", [READING], (403,)),
        ("", "POST", "sensor_readings", [READING], (401,)),
        ("", "GET", "sensor_readings", None, (401,)),
        ("", "GET", "members", None, (401,)),
        ("", "POST", "rpc/ensure_month", {"day": "2026-11-01"}, (401,)),
        ("", "POST", "rpc/pumpwatch_version", {}, (401,)),
        ("viewer", "POST", "rpc/ensure_month", {"day": "2026-11-01"}, (403,)),
        ("viewer", "POST", "rpc/ensure_sensor_columns", {"tags": ["a"]}, (403,)),
        ("collector", "POST", "rpc/ensure_month", {"day": "1999-01-01"}, (400,)),
        ("collector", "POST", "rpc/ensure_sensor_columns", {"tags": ["a; DROP TABLE pumps"]}, (400,)),
        ("collector", "POST", "members", [{"user_id": "rls-collector", "station_id": 8, "role": "collector"}], (403,)),
        ("collector", "PATCH", "audit_log?id=eq.5", {"text": "altered"}, (403,)),
        ("collector", "DELETE", "audit_log?id=eq.5", None, (403,)),
        ("collector", "DELETE", "sensor_readings?id=eq.1", None, (403,)),
        ("collector", "PATCH", "sensor_readings?id=eq.1", {"motor_rpm": 1}, (403,)),
        ("collector", "GET", "sensor_readings_2026_11", None, (404,)),
        ("collector", "GET", "schema_version", None, (404,)),
        ("viewer", "POST", "live", [LIVE], (403,)),
        ("foreign", "POST", "live", [LIVE], (403,)),
        ("", "GET", "live", None, (401,)),
        ("collector", "DELETE", "live?station_id=eq.7", None, (403,)),
        ("viewer", "POST", "station_files", [FILE], (403,)),
        ("foreign", "POST", "station_files", [FILE], (403,)),
        ("collector", "POST", "station_files", [FILE | {"path": "../site.toml"}], (400,)),
        ("", "POST", "rpc/view_live", {}, (401,)),
        ("", "POST", "rpc/view_journal", {}, (401,)),
        ("", "POST", "rpc/view_pumps", {}, (401,)),
        ("", "POST", "rpc/view_maintenance", {}, (401,)),
        ("", "POST", "rpc/view_files", {"station": 7}, (401,)),
        ("", "POST", "rpc/view_audit", {"station": 7}, (401,)),
    ],
)  # fmt: skip
def test_what_is_not_permitted_is_refused(
    central: Central, members: dict[str, str], who: str, method: str, path: str, body: object, codes: tuple[int, ...]
) -> None:
    code, said = ask(central, path, token=members.get(who, ""), method=method, body=body)
    assert code in codes, said


def test_an_expired_token_is_refused(central: Central) -> None:
    code, said = ask(central, "sensor_readings", token=token_of("rls-collector", seconds=-100))
    assert (code, said["code"]) == (401, "PGRST301")


def test_a_foreign_station_is_not_seen(central: Central, members: dict[str, str]) -> None:
    assert ask(central, "sensor_readings", token=members["foreign"]) == (200, [])
    assert ask(central, "members", token=members["foreign"])[1] == [
        {"user_id": "rls-foreign", "station_id": 8, "role": "collector"}
    ]


def test_the_audit_log_only_grows_whoever_owns_it(central: Central, members: dict[str, str]) -> None:
    assert ask(central, "audit_log", token=members["collector"], method="POST", body=[AUDIT])[0] == 201
    for statement in ("UPDATE audit_log SET text = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with pytest.raises(NotMeasuredError, match="append-only"):
            central.sql(statement)


def test_a_new_sensor_gets_a_column_and_a_trend(central: Central, members: dict[str, str]) -> None:
    token = members["collector"]
    code, said = ask(
        central, "rpc/ensure_sensor_columns", token=token, method="POST", body={"tags": ["seal_bar", "seal_bar"]}
    )
    assert code in (200, 204), said
    central.sql(
        "INSERT INTO sensor_readings (station_id, pump_id, timestamp, id, seal_bar, machine_status) SELECT 7, 'P-9', "
        "'2026-11-02T00:00Z'::timestamptz + n * interval '1 s', n, n % 10, 'NORMAL' FROM generate_series(0, 3599) AS n"
    )
    span = {"since": "2026-11-02T00:00:00Z", "until": "2026-11-02T01:00:00Z"}
    asked = {"station": 7, "pump": "P-9", "tag": "seal_bar", "points": 60, **span}
    code, found = ask(central, "rpc/trend", token=members["viewer"], method="POST", body=asked)
    assert code == 200, found
    assert (len(found["time"]), set(found["low"]), set(found["high"]), set(found["mean"])) == (60, {0}, {9}, {4.5})
    assert ask(central, "rpc/trend", token=members["foreign"], method="POST", body=asked)[1]["time"] == []


def test_a_trend_of_days_is_made_of_minutes(central: Central, members: dict[str, str]) -> None:
    central.sql(
        "INSERT INTO sensor_rollups SELECT 7, 'P-9', '2026-11-02T00:00Z'::timestamptz + n * interval '1 min', "
        "jsonb_build_object('flow', jsonb_build_array(n, n + 1, n + 2, 60, 0)) FROM generate_series(0, 1439) AS n"
    )
    span = {"since": "2026-11-02T00:00:00Z", "until": "2026-11-03T00:00:00Z"}
    asked = {"station": 7, "pump": "P-9", "tag": "flow", "points": 24, **span}
    found = ask(central, "rpc/trend", token=members["viewer"], method="POST", body=asked)[1]
    assert (found["low"][1], found["mean"][1], found["high"][1], len(found["time"])) == (60, 90.5, 121, 24)


def test_what_a_station_shows_is_seen_by_its_members_alone_and_once(central: Central, members: dict[str, str]) -> None:
    def look(who: str, seen: dict[str, int]) -> list[list[Any]]:
        code, said = ask(central, "rpc/view_live", token=members[who], method="POST", body={"seen": seen})
        assert code == 200, said
        parts: list[list[Any]] = [part for part in said["parts"] if part[0] == 7]
        return parts

    for value in (1, 2):
        rows = [LIVE | {"content": {"t": value}, "change": 10**12, "received": "2000-01-01T00:00:00Z"}]
        code, said = ask(central, "live?on_conflict=station_id,part", token=members["collector"], method="POST",
                         body=rows, prefer=MERGE)  # fmt: skip
        assert code in (200, 201), said
    ((station, part, change, age_s, content),) = look("viewer", {})
    assert (station, part, content) == (7, "head", {"t": 2})
    assert change < 10**12  # the server counts, and its clock says how old it is
    assert 0 <= age_s < 60
    assert look("viewer", {"7": change}) == look("foreign", {}) == []


def test_the_files_of_a_station_are_for_those_who_set_it_up(central: Central, members: dict[str, str]) -> None:
    for generation, path in ((1, "profiles/old.toml"), (1, "site.toml"), (2, "site.toml")):
        rows = [FILE | {"path": path, "generation": generation, "content": f"# {generation}"}]
        where = "station_files?on_conflict=station_id,path"
        code, said = ask(central, where, token=members["collector"], method="POST", body=rows, prefer=MERGE)
        assert code in (200, 201), said

    def files(who: str) -> list[list[Any]]:
        found: list[list[Any]] = ask(central, "rpc/view_files", token=members[who], method="POST", body={"station": 7})[
            1
        ]
        return [row[:2] for row in found]

    assert files("collector") == files("engineer") == [["site.toml", "# 2"]]
    assert files("viewer") == files("foreign") == []
