"""Mutated bodies: each is accepted or refused with words, none ends the gateway or says anything of the inside."""

import json
import random
import socket
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

import pytest

from pumpwatch_gui.domain.gateway import Scope
from tests.share.running import ORIGINAL, GatewayStation

SEEDS = [
    json.dumps(ORIGINAL).encode(),
    json.dumps(ORIGINAL | {"timestamp": "2026-10-25T14:30:07Z", "pump_id": "P-101"}).encode(),
    b'{"Motor_RPM": null, "Vibration_mm_s": -1e-300, "timestamp": 1800000000.5}',
]
PIECES = [b"NaN", b"-Infinity", b"1e999", b'"', b"{", b"}", b"[", b"\\u0000", b"\x00", b"\xff", b":", b",", b"9" * 400,
          b"true", b"null", b'{"a":' * 200, b"\xed\xa0\x80", b'"timestamp":', b'"pump_id":[]', b"-",
          b"\\", b"\n"]  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    body = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(5):
            case 0:
                body[at:at] = chance.choice(PIECES)
            case 1:
                del body[at : at + chance.randint(1, 30)]
            case 2 if at < len(body):
                body[at] ^= 1 << chance.randrange(8)
            case 3:
                body[at:at] = bytes(body[at : at + chance.randint(1, 60)])
            case _:
                body = body[:at] or bytearray(b" ")
    return bytes(body)


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_mutated_bodies_are_taken_or_refused_and_the_station_is_not_disturbed(
    count: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chance, statuses = random.Random(1), Counter[int]()
    with GatewayStation(tmp_path, pumps=2) as station:
        keys = [station.keys.make(Scope.INGEST, pumps=["P-101"])[0] for _ in range(40)]
        station.key(Scope.INGEST)  # by now all of them are known
        connection = HTTPConnection("127.0.0.1", station.loop.port, timeout=20)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # it writes head and body apart
        for number in range(count):
            headers = {"Authorization": f"Bearer {keys[number % len(keys)]}"}
            connection.request("POST", "/api/ingest", mutated(chance), headers)
            response = connection.getresponse()
            text = response.read().decode()
            statuses[response.status] += 1
            assert set(json.loads(text)) <= {"error", "advice", "status", "pump_id", "values", "ignored"}
            assert "Traceback" not in text
        connection.close()
        assert set(statuses) <= {202, 400, 403, 409, 429}
        assert statuses[400] > count / 3
        assert station.ask("GET", "/health").status == 200
        assert not station.engine.latest().stopped_loops
        assert station.pump("P-102").frame is None or station.pump("P-102").run_state.value == "NO DATA"
    assert not [record for record in caplog.records if record.levelname == "CRITICAL" or record.exc_info]
