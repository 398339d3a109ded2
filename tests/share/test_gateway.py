"""The gateway: the original's endpoints as a foreign program sees them, and what it refuses."""

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pumpwatch_gui.domain.commands import CreateMaintenance, Order
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.gateway import Scope
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType
from pumpwatch_gui.domain.values.quality import Quality
from tests.acquire.certificates import make_authority, make_certificate
from tests.share.running import ORIGINAL, GatewayStation, Posting, Response, curl

Wait = Callable[..., None]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayStation]:
    with GatewayStation(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture(scope="module")
def ingest(station: GatewayStation) -> str:
    return station.key(Scope.INGEST)


@pytest.fixture(scope="module")
def read(station: GatewayStation) -> str:
    return station.key(Scope.READ)


def refused(response: Response, status: int) -> str:
    """The words of a refusal, which say nothing of the inside."""
    assert response.status == status, response.text
    assert set(response.json) == {"error", "advice"}
    assert not re.search(r"Traceback|\.py|/home/|/tmp/|starlette|uvicorn", response.text)
    return str(response.json["error"])


# -------------------------------------------------------------------- the original's endpoints


def test_the_originals_example_posted_with_curl_is_seen_by_latest(
    station: GatewayStation, ingest: str, wait_until: Wait
) -> None:
    said = curl(
        "-X", "POST", f"{station.url}/api/ingest?pump=P-101", "-H", "Content-Type: application/json",
        "-H", f"Authorization: Bearer {ingest}", "-d", json.dumps(ORIGINAL),
    )  # fmt: skip
    assert json.loads(said) == {"status": "accepted", "pump_id": "P-101", "values": 10}

    def is_seen() -> bool:
        frame = station.pump().frame
        return frame is not None and frame.values[1] == 72.5 and frame.worst_of(10) is Quality.GOOD

    wait_until(is_seen)
    frame = station.pump().frame
    assert frame is not None
    assert frame.values[:10].tolist() == list(ORIGINAL.values())


def test_live_data_has_the_originals_field_names(
    station: GatewayStation, ingest: str, read: str, wait_until: Wait
) -> None:
    with Posting(station, ingest):
        wait_until(lambda: not live(station, read)["stale"])
        found = live(station, read)
    assert found["sensors"] | ORIGINAL == found["sensors"]
    assert found["quality"]["Motor_RPM"] == "good"
    assert found["machine_status"] == "NORMAL"
    assert {"is_anomaly", "reconstruction_loss", "threshold", "timestamp"} <= set(found)
    both = station.ask("GET", "/api/live-data", key=read).json
    assert [pump["pump_id"] for pump in both["pumps"]] == ["P-101", "P-102"]
    assert set(both["pumps"][1]["sensors"].values()) == {None}  # nothing was posted of it


def live(station: GatewayStation, key: str) -> Any:
    return station.ask("GET", "/api/live-data?pump=P-101", key=key).json


def test_sensor_history_gives_back_what_was_posted(
    station: GatewayStation, ingest: str, read: str, wait_until: Wait
) -> None:
    with Posting(station, ingest):
        wait_until(
            lambda: any(
                row["Flow_Rate_L_min"] == 145.3
                for row in station.ask("GET", "/api/sensor-history?pump=P-101&limit=5", key=read).json["readings"]
            ),
            within_s=20,
        )
    found = station.ask("GET", "/api/sensor-history?pump=P-101&limit=2", key=read).json
    assert found["count"] <= 2
    assert "T" in found["readings"][-1]["timestamp"]


def test_the_other_histories_respond(station: GatewayStation, read: str, wait_until: Wait) -> None:
    assert station.ask("GET", "/api/anomaly-history?pump=P-101", key=read).json["anomalies"] == []
    station.engine.submit(
        Order(CreateMaintenance("P-101", EventType.INSPECTION, EventSeverity.HIGH, "Look at the seal", 500.0), "asha")
    )
    wait_until(lambda: station.ask("GET", "/api/maintenance-events", key=read).json["count"] == 1, within_s=20)
    (event,) = station.ask("GET", "/api/maintenance-events?resolved=false&pump=P-101", key=read).json["events"]
    assert (event["event_type"], event["severity"], event["estimated_cost"]) == ("INSPECTION", "HIGH", 500.0)
    assert event["resolved"] is False
    assert station.ask("GET", "/api/maintenance-events?resolved=true", key=read).json["count"] == 0


def test_system_health_has_the_key_metrics(station: GatewayStation, read: str) -> None:
    found = station.ask("GET", "/api/system-health", key=read).json
    assert found["status"] == "healthy"
    assert found["memory_mb"] > 10
    assert {"inference_latency_ms", "queue_depth", "cpu_percent", "total_anomalies"} <= set(found)


def test_system_health_measures_the_processor_time_from_one_request_to_the_next(
    station: GatewayStation, read: str, wait_until: Wait
) -> None:
    wait_until(lambda: station.ask("GET", "/api/system-health", key=read).json["cpu_percent"] > 0, within_s=20)


def test_a_simulation_is_not_started_from_outside(station: GatewayStation, ingest: str) -> None:
    refused(station.ask("POST", "/api/start-simulation", key=ingest), 409)


def test_the_description_needs_no_key_and_names_every_endpoint(station: GatewayStation) -> None:
    paths = set(station.ask("GET", "/openapi.json").json["paths"])
    assert {"/api/ingest", "/api/live-data", "/api/start-simulation", "/events", "/metrics"} <= paths
    page = station.ask("GET", "/docs")
    assert all(path in page.text for path in paths)
    assert "http://" not in page.text.replace("http://127.0.0.1", "")
    assert station.ask("GET", "/health").json == {"status": "ok"}


def test_the_stream_brings_values_as_they_come(station: GatewayStation, ingest: str, read: str) -> None:
    with Posting(station, ingest):
        said = curl_stream(station, read)
    (first, *_) = [block for block in said.split("\n\n") if block.startswith("event: values")]
    document = json.loads(first.partition("data: ")[2])
    assert document["pump_id"] == "P-101"
    assert "Motor_RPM" in document["sensors"]


def curl_stream(station: GatewayStation, key: str) -> str:
    command = ["curl", "-sSN", "--max-time", "3", f"{station.url}/events?pump=P-101", "-H", f"X-API-Key: {key}"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode == 28  # its own time-out: the stream has no end
    return run.stdout


# -------------------------------------------------------------------- metrics


def test_the_metrics_are_read_by_the_parser_of_prometheus(
    station: GatewayStation, ingest: str, read: str, wait_until: Wait
) -> None:
    with Posting(station, ingest):
        wait_until(lambda: not live(station, read)["stale"])
        response = station.ask("GET", "/metrics", key=read)
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    values = {
        s.labels["sensor"]: s.value for s in families["pumpwatch_pump_value"].samples if s.labels["pump"] == "P-101"
    }
    assert values["motor_rpm"] == 1480.0
    assert families["pumpwatch_memory_bytes"].samples[0].value > 1e7
    (link, _) = families["pumpwatch_link_up"].samples
    assert (link.labels["link"], link.labels["driver"], link.value) == ("P-101/1", "rest-ingest", 1.0)
    assert {s.labels["loop"] for s in families["pumpwatch_loop_up"].samples} >= {"links", "gateway"}
    assert all(family.documentation for family in families.values())


# -------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/ingest"), ("GET", "/api/live-data"), ("GET", "/metrics"), ("GET", "/events")]
)
def test_without_a_key_nothing_is_seen_or_taken(station: GatewayStation, method: str, path: str) -> None:
    response = station.ask(method, path, body=b"{}")
    assert "key" in refused(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"
    assert "not known" in refused(station.ask(method, path, key="x" * 43, body=b"{}"), 401)


def test_a_key_opens_its_own_scope_and_its_own_pumps_alone(station: GatewayStation, ingest: str, read: str) -> None:
    assert "ingest is needed" in refused(station.post(ORIGINAL, key=read), 403)
    assert "read is needed" in refused(station.ask("GET", "/api/live-data", key=ingest), 403)
    one = station.key(Scope.INGEST, "P-102")
    refused(station.post(ORIGINAL, key=one, pump="P-101"), 403)
    assert station.ask("POST", "/api/ingest", key=one, body=json.dumps(ORIGINAL).encode()).json["pump_id"] == "P-102"
    only = station.key(Scope.READ, "P-102")
    assert [p["pump_id"] for p in station.ask("GET", "/api/live-data", key=only).json["pumps"]] == ["P-102"]
    refused(station.ask("GET", "/api/sensor-history?pump=P-101", key=only), 404)
    assert 'pump="P-101"' not in station.ask("GET", "/metrics", key=only).text


def test_an_expired_key_and_one_that_was_removed_open_nothing(station: GatewayStation, wait_until: Wait) -> None:
    expired = station.key(Scope.READ, days=1e-9)
    assert "expired" in refused(station.ask("GET", "/api/live-data", key=expired), 401)
    secret = station.key(Scope.READ)
    station.keys.remove(station.keys.all()[-1].key_id)
    wait_until(lambda: station.ask("GET", "/api/live-data", key=secret).status == 401)


def test_keys_are_kept_as_hashes_for_their_owner_alone(station: GatewayStation, read: str) -> None:
    text = station.keys.path.read_text()
    assert read not in text
    assert station.keys.path.stat().st_mode & 0o777 == 0o600


def test_a_body_that_is_too_large_is_refused_announced_or_not(station: GatewayStation, ingest: str) -> None:
    large = json.dumps({"Motor_RPM": 1, "x": "y" * 70_000}).encode()
    refused(station.ask("POST", "/api/ingest?pump=P-101", key=ingest, body=large), 413)
    said = curl(
        "-X", "POST", f"{station.url}/api/ingest?pump=P-101", "-H", "Transfer-Encoding: chunked", "-H", "Expect:",
        "-H", f"X-API-Key: {ingest}", "-d", large.decode(), "-w", "%{http_code}",
    )  # fmt: skip
    assert said.endswith("413")


def test_who_sends_too_fast_is_told_when_to_come_back_and_others_are_not_held_up(station: GatewayStation) -> None:
    hasty, calm = station.key(Scope.READ), station.key(Scope.READ)
    answers = [station.ask("GET", "/api/maintenance-events", key=hasty) for _ in range(400)]
    (late, *_) = [a for a in answers if a.status == 429]
    assert int(late.headers["retry-after"]) >= 1
    assert station.ask("GET", "/api/maintenance-events", key=calm).status == 200


@pytest.mark.parametrize(("offset_s", "words"), [(60.0, "future"), (-60.0, "too old")])
def test_times_that_cannot_be_live_are_refused(
    station: GatewayStation, ingest: str, offset_s: float, words: str
) -> None:
    assert words in refused(station.post(ORIGINAL | {"timestamp": time.time() + offset_s}, key=ingest), 409)


def test_a_replay_is_refused(station: GatewayStation, ingest: str) -> None:
    stamped = ORIGINAL | {"timestamp": time.time()}
    assert station.post(stamped, key=ingest).status == 202
    assert "last post" in refused(station.post(stamped, key=ingest), 409)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"[[[[", b"{", b"\xff\xfe", b'{"Motor_RPM": NaN}', b'{"Motor_RPM": 1e999}', b"[" * 60_000,
        b'{"Motor_RPM": true}', b'{"Motor_RPM": "1480"}', b'{"Motor_RPM": {"a": 1}}',
        b'{"motor_rpm": 1, "Motor_RPM": 2}',
        b'{"Motor_RPM": ' + b"9" * 5000 + b"}", b'{"Motor_RPM": 1' + b"0" * 400 + b"}", b'{"unknown": 1}',
        b'{"Motor_RPM": 1, "timestamp": "2026-10-25 14:30"}', b'{"Motor_RPM": 1, "timestamp": -1}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_set_of_values_is_refused_whole(station: GatewayStation, ingest: str, body: bytes) -> None:
    refused(station.ask("POST", "/api/ingest?pump=P-101", key=ingest, body=body), 400)


def test_keys_of_no_tag_are_named_in_the_response(station: GatewayStation, ingest: str) -> None:
    assert station.post(ORIGINAL | {"Colour": "blue"}, key=ingest).json["ignored"] == ["Colour"]


def test_a_path_or_method_that_is_not_there_says_so_and_nothing_else(station: GatewayStation, read: str) -> None:
    refused(station.ask("GET", "/etc/passwd", key=read), 404)
    refused(station.ask("GET", "/api/ingest", key=read), 405)
    refused(station.ask("GET", "/api/sensor-history?pump=P-101&from=yesterday", key=read), 400)
    refused(station.ask("GET", "/api/sensor-history?pump=P-101&limit=1e9", key=read), 400)


def test_nothing_names_the_server_or_lets_pages_of_others_in(station: GatewayStation, read: str) -> None:
    response = station.ask("GET", "/api/live-data", key=read, headers={"Origin": "https://elsewhere.example"})
    names = {name.lower() for name in response.headers}
    assert "server" not in names
    assert not any(name.startswith("access-control") for name in names)
    refused(station.ask("OPTIONS", "/api/live-data", headers={"Origin": "https://elsewhere.example"}), 405)


def test_refusals_are_counted_and_the_first_of_a_kind_is_in_the_journal(
    station: GatewayStation, read: str, wait_until: Wait
) -> None:
    station.ask("GET", "/api/live-data")
    station.ask("GET", "/api/live-data")
    found = station.ask("GET", "/api/system-health", key=read).json["requests_refused"]
    assert found["no key"] >= 2

    def lines() -> list[OrderDone]:
        return [e for e in tuple(station.events) if isinstance(e, OrderDone) and "no key" in e.text]

    wait_until(lines)
    assert len(lines()) == 1
    assert lines()[0].actor == "Gateway"


def test_the_last_use_of_a_key_is_written_down_at_the_end(tmp_path: Path) -> None:
    with GatewayStation(tmp_path, pumps=1) as station:
        station.key(Scope.READ)
        station.keys.make(Scope.READ)
        began_s = int(time.time())
    used, unused = (key.key_id for key in station.keys.all())
    found = station.keys.last_used()
    assert found[used] >= began_s - 60
    assert unused not in found


# -------------------------------------------------------------------- open, and off


def test_an_open_gateway_needs_no_key_and_heeds_one_that_is_given(tmp_path: Path) -> None:
    with GatewayStation(tmp_path, pumps=1, is_open=True) as station:
        assert station.ask("POST", "/api/ingest", body=json.dumps(ORIGINAL).encode()).status == 202
        assert station.ask("GET", "/api/live-data").status == 200
        refused(station.ask("GET", "/api/live-data", key="wrong"), 401)
        # What a browser sends for a page of elsewhere, also where its name was given this computer's address.
        for name, value in (
            ("Origin", "https://elsewhere.example"),
            ("Origin", "null"),
            ("Host", "elsewhere.example:80"),
        ):
            refused(station.ask("GET", "/api/live-data", headers={name: value}), 403)
        assert (
            station.ask("GET", "/api/live-data", headers={"Origin": f"http://localhost:{station.loop.port}"}).status
            == 200
        )


def test_with_a_certificate_it_speaks_tls_alone(tmp_path: Path) -> None:
    make_authority(tmp_path)
    make_certificate(tmp_path, "server", role="Gateway")
    files = {"certificate": str(tmp_path / "server.pem"), "key": str(tmp_path / "server.key")}
    with GatewayStation(tmp_path, pumps=1, **files) as station:
        url = f"https://127.0.0.1:{station.loop.port}/health"
        assert json.loads(curl("--cacert", str(tmp_path / "ca.pem"), url)) == {"status": "ok"}
        with pytest.raises(subprocess.CalledProcessError):
            curl(f"http://127.0.0.1:{station.loop.port}/health")


def test_a_port_that_is_taken_is_an_alarm_and_the_station_goes_on(tmp_path: Path, wait_until: Wait) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        station = GatewayStation(tmp_path, pumps=1, port=other.getsockname()[1])
        with station.started():
            wait_until(
                lambda: any("cannot listen" in alarm.text for alarm in station.engine.latest().alarms), within_s=30
            )
            assert [loop.name for loop in station.engine.latest().stopped_loops] in ([], ["gateway"])
            other.close()
            wait_until(lambda: station.loop.port, within_s=60)


def test_a_head_without_end_is_cut_off(station: GatewayStation) -> None:
    with socket.create_connection(("127.0.0.1", station.loop.port), 20) as link:
        link.sendall(b"GET /health HTTP/1.1\r\nX-Long: ")
        with suppress(ConnectionError):
            for _ in range(100):
                link.sendall(b"x" * 65_536)
            pytest.fail("it took 6 MB of a head")
