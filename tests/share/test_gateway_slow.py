"""Clients that send too slowly, too much at once or nothing at all: each is cut off, and the others notice nothing."""

import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from pumpwatch_gui.domain.gateway import Scope
from pumpwatch_gui.share.gateway import bodies, connections, serving
from tests.acquire.certificates import make_authority, make_certificate
from tests.conftest import wait_until
from tests.share.running import ORIGINAL, GatewayStation

HEAD = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GatewayStation]:
    """A gateway that waits for a second or three where it would for ten or thirty."""
    monkeypatch.setattr(connections, "HEAD_WITHIN_S", 0.5)
    monkeypatch.setattr(bodies, "BODY_WITHIN_S", 0.5)
    monkeypatch.setattr(connections, "REST_WITHIN_S", 1.0)
    monkeypatch.setattr(connections, "TAKEN_WITHIN_S", 0.5)
    monkeypatch.setattr(serving, "IDLE_S", 3)
    with GatewayStation(tmp_path, pumps=1) as running:
        yield running


@contextmanager
def client(station: GatewayStation) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", station.loop.port), 20.0) as link:
        yield link


def dripped(link: socket.socket, content: bytes) -> bytes:
    """Send one byte after the other until the other side ends it; all that came back."""
    link.settimeout(0.02)
    came, deadline = bytearray(), time.monotonic() + 20
    for i in range(10**6):
        assert time.monotonic() < deadline, "it was never cut off"
        with suppress(TimeoutError, ConnectionError):
            piece = link.recv(65_536)
            if not piece:
                break
            came += piece
        try:
            link.sendall(content[i % len(content)].to_bytes())
        except OSError:
            break
    return bytes(came)


def rest(link: socket.socket) -> bytes:
    """All that comes until the other side ends it."""
    link.settimeout(20.0)
    came = bytearray()
    with suppress(ConnectionError):
        while piece := link.recv(65_536):
            came += piece
    return bytes(came)


def test_a_head_that_comes_byte_by_byte_is_refused(station: GatewayStation) -> None:
    with client(station) as link:
        link.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
        answer = dripped(link, b"a")
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == "the head of the request did not come in time"


def test_a_second_head_on_a_kept_connection_has_no_longer(station: GatewayStation) -> None:
    with client(station) as link:
        link.sendall(HEAD + b"\r\n")
        wait_until(lambda: b"200 OK" in link.recv(65_536, socket.MSG_PEEK))
        answer = dripped(link, b"GET /health HTTP/1.1 ")
    assert b"200 OK" in answer
    assert b"HTTP/1.1 408" in answer


def test_a_second_head_of_one_byte_is_refused_too(station: GatewayStation) -> None:
    with client(station) as link:
        link.sendall(HEAD + b"\r\n")
        wait_until(lambda: b"200 OK" in link.recv(65_536, socket.MSG_PEEK))
        link.sendall(b"G")
        assert b"HTTP/1.1 408" in rest(link)


def test_a_body_that_comes_byte_by_byte_is_refused(station: GatewayStation) -> None:
    key = station.key(Scope.INGEST)
    with client(station) as link:
        link.sendall(f"POST /api/ingest?pump=P-101 HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n".encode())
        link.sendall(b"Content-Length: 60000\r\n\r\n")
        answer = dripped(link, b" ")
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("how", [b"Content-Length: 60000", b"Transfer-Encoding: chunked"])
def test_a_body_that_nobody_reads_does_not_hold_the_connection(station: GatewayStation, how: bytes) -> None:
    with client(station) as link:
        link.sendall(HEAD + how + b"\r\n\r\n")
        answer = dripped(link, b"1\r\na\r\n" if b"chunked" in how else b" ")
    assert b"200 OK" in answer


def test_idle_connections_are_closed_whether_they_have_asked_or_not(station: GatewayStation) -> None:
    with client(station) as silent, client(station) as kept:
        kept.sendall(HEAD + b"\r\n")
        assert rest(silent) == b""
        assert rest(kept).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01\x00\xff\x01\x00"])
def test_a_tls_handshake_that_never_ends_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(serving, "HANDSHAKE_WITHIN_S", 0.5)
    make_authority(tmp_path)
    make_certificate(tmp_path, "server", role="Gateway")
    files = {"certificate": str(tmp_path / "server.pem"), "key": str(tmp_path / "server.key")}
    with GatewayStation(tmp_path, pumps=1, **files) as running:
        with client(running) as silent:
            silent.sendall(begun)
            assert rest(silent) == b""  # the limit of the socket, twenty seconds, is less than asyncio's own
        trusted = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        trusted.check_hostname = False
        with client(running) as link, trusted.wrap_socket(link) as over_tls:
            over_tls.sendall(HEAD + b"\r\n")
            assert over_tls.recv(12) == b"HTTP/1.1 200"


def test_who_takes_nothing_of_a_response_is_cut_off(station: GatewayStation) -> None:
    key = station.key(Scope.READ)
    with client(station) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        link.settimeout(0.05)
        asked = HEAD.replace(b"/health", b"/openapi.json") + f"X-API-Key: {key}\r\n\r\n".encode()

        def is_cut() -> bool:
            try:
                link.sendall(asked * 50)
            except TimeoutError:
                return False
            except OSError:
                return True
            return False

        wait_until(is_cut, within_s=20)


def test_too_many_connections_are_refused_by_address_and_in_all_and_the_rest_goes_on(
    station: GatewayStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN_S", 60.0)
    monkeypatch.setattr(connections, "MAX_OF_ADDRESS", 20)
    key = station.key(Scope.INGEST)
    with ExitStack() as stack:
        held = [stack.enter_context(client(station)) for _ in range(19)]
        for link in held:
            link.sendall(b"GET ")
        wait_until(lambda: station.post(ORIGINAL, key=key).status == 202)  # the twentieth
        last = stack.enter_context(client(station))
        with client(station) as refused:
            answer = rest(refused)
        assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
        assert b"Retry-After: 5" in answer
        monkeypatch.setattr(connections, "MAX_CONNECTIONS", 20)
        monkeypatch.setattr(connections, "MAX_OF_ADDRESS", 100)
        with client(station) as refused:
            assert rest(refused).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        last.close()
        wait_until(lambda: station.ask("GET", "/health").status == 200)  # there is room again
    counts = station.loop._refusals.counts()
    assert {kind.value: count for kind, count in counts.items() if count}["too many connections"] >= 2


def test_two_hundred_slow_clients_leave_the_live_view_and_the_posts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_OF_ADDRESS", 256)
    with GatewayStation(tmp_path, pumps=1) as station, ExitStack() as stack:
        post, read = station.key(Scope.INGEST), station.key(Scope.READ)
        slow = [stack.enter_context(client(station)) for _ in range(200)]
        for link in slow:
            link.sendall(HEAD)
        for number in range(20):
            for link in slow:
                with suppress(OSError):  # on a busy machine the first are cut off by now
                    link.sendall(b"X")
            assert station.post(ORIGINAL | {"Motor_RPM": 1000 + number}, key=post).status == 202
            wanted = float(1000 + number)
            wait_until(lambda: (f := station.pump().frame) is not None and f.values[0] == wanted)  # noqa: B023
            assert station.ask("GET", "/api/live-data", key=read).status == 200
        assert not station.engine.latest().stopped_loops
