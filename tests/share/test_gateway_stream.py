"""The stream of events: what happens to a pump reaches those who read of it, and no other reader."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from pumpwatch_gui.domain.commands import CreateMaintenance, Order
from pumpwatch_gui.domain.gateway import Scope
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.share.gateway import stream as stream_module
from pumpwatch_gui.share.gateway import tickets
from pumpwatch_gui.share.gateway.stream import EventId
from tests.conftest import wait_until
from tests.share.running import GatewayStation


def create(pump_id: str, title: str) -> Order:
    return Order(CreateMaintenance(pump_id, EventType.INSPECTION, EventSeverity.HIGH, title, 500.0), "asha")


def test_an_event_of_a_pump_reaches_every_reader_of_it_and_one_of_another_pump_does_not(tmp_path: Path) -> None:
    with GatewayStation(tmp_path) as station:
        key = station.key(Scope.READ)
        readers = [HTTPConnection("127.0.0.1", station.loop.port, timeout=20) for _ in range(2)]
        for reader in readers:
            reader.request("GET", "/events?pump=P-101", headers={"X-API-Key": key})
        streams = [reader.getresponse() for reader in readers]
        assert [stream.readline() for stream in streams] == [b"retry: 2000\n"] * 2
        station.engine.submit(create("P-102", "Look at the coupling"))
        station.engine.submit(create("P-101", "Look at the seal"))
        for stream in streams:
            while stream.readline() != b"event: event\n":
                pass
            document = json.loads(stream.readline().partition(b"data: ")[2])
            assert (document["pump_id"], document["kind"]) == ("P-101", "maintenance")
            assert "Look at the seal" in document["text"]
            assert document["timestamp"].endswith("Z")
        for reader in readers:
            reader.close()


def maintenance(stream: HTTPResponse, count: int = 1) -> list[tuple[str, str]]:
    """The next events about maintenance: id and title."""
    found: list[tuple[str, str]] = []
    event_id = ""
    while len(found) < count:
        line = stream.readline().decode()
        assert line, "the stream has ended"
        if line.startswith("id: "):
            event_id = line[4:].strip()
        document = json.loads(line[6:]) if line.startswith("data: ") else {}
        if document.get("kind") == "maintenance":
            found.append((event_id, document["text"].partition(": ")[2].partition(" (")[0]))
    return found


@contextmanager
def reading(station: GatewayStation, path: str, **headers: str) -> Iterator[HTTPResponse]:
    connection = HTTPConnection("127.0.0.1", station.loop.port, timeout=20)
    connection.request("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def test_who_connects_again_gets_what_happened_meanwhile_once_and_only_of_its_pumps(tmp_path: Path) -> None:
    with GatewayStation(tmp_path) as station:
        key = station.key(Scope.READ)
        with reading(station, "/events?pump=P-101", X_API_Key=key) as stream:
            assert stream.readline() == b"retry: 2000\n"
            first = stream.readline().decode().removeprefix("id: ").strip()
            station.engine.submit(create("P-101", "Look at the seal"))
            ((last, _),) = maintenance(stream)
    with GatewayStation(tmp_path, port=0) as station:  # the program was started again
        for pump, title in (("P-101", "Meanwhile"), ("P-102", "Of another pump")):
            station.engine.submit(create(pump, title))
        wait_until(lambda: {"Meanwhile", "Of another pump"} <= {e.title for e in station.engine.latest().maintenance})
        with reading(station, "/events?pump=P-101", X_API_Key=key, Last_Event_ID=last) as stream:
            station.engine.submit(create("P-101", "While it is being read"))
            ((_, one), (_, two)) = maintenance(stream, 2)
            assert [one, two] == ["Meanwhile", "While it is being read"]
            station.engine.submit(create("P-101", "Afterwards"))
            assert [title for _, title in maintenance(stream)] == ["Afterwards"]
        with reading(station, "/events?pump=P-101", X_API_Key=key, Last_Event_ID=first) as stream:
            found = [title for _, title in maintenance(stream, 4)]
            assert found == ["Look at the seal", "Meanwhile", "While it is being read", "Afterwards"]


def test_more_than_is_sent_again_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "MAX_WAITING", 3)
    with GatewayStation(tmp_path, pumps=1) as station:
        key = station.key(Scope.READ)
        for i in range(6):
            station.engine.submit(create("P-101", f"Number {i}"))
        wait_until(lambda: len(station.engine.latest().maintenance) == 6)
        with reading(station, "/events", X_API_Key=key, Last_Event_ID="1-0") as stream:
            while (line := stream.readline()) != b"event: gap\n":
                assert line
            assert "the last" in json.loads(stream.readline()[6:])["text"]


@pytest.mark.parametrize("text", ["", "x", "1-2-3", "²-1", "1", "9" * 50 + "-1", "9" * 19 + "-1", "-", "1-\x00"])
def test_an_id_that_is_none_is_passed_over(text: str) -> None:
    assert EventId.parsed(text) is None


def test_a_ticket_opens_the_stream_of_its_key_alone_and_outlasts_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with GatewayStation(tmp_path) as station:
        key, ingest = station.key(Scope.READ, "P-101"), station.key(Scope.INGEST)
        made = station.ask("GET", "/api/stream-ticket", key=key)
        assert made.status == 200
        ticket = made.json["ticket"]
        assert station.ask("GET", f"/api/live-data?ticket={ticket}").status == 401
        assert station.ask("GET", "/api/stream-ticket", key=ingest).status == 403
        assert station.ask("GET", "/events?pump=P-102&ticket=" + ticket).status == 404
        for wrong in (ticket[:-1] + ("0" if ticket[-1] != "0" else "1"), "x", "x.1.y", ticket.replace(".", ".9", 1)):
            assert station.ask("GET", f"/events?ticket={wrong}").status == 401
        until_s = int(time.time()) - 1
        past = f"{ticket.split('.')[0]}.{until_s}." + tickets._signature(station.keys.all()[0], until_s)
        assert "has expired" in station.ask("GET", f"/events?ticket={past}").json["error"]
    with GatewayStation(tmp_path) as station:
        with reading(station, f"/events?ticket={ticket}") as stream:
            assert stream.status == 200
            station.engine.submit(create("P-101", "Look at the seal"))
            assert [title for _, title in maintenance(stream)] == ["Look at the seal"]
        station.keys.remove(ticket.split(".")[0])

        def is_refused() -> bool:
            with reading(station, f"/events?ticket={ticket}") as stream:
                return stream.status == 401

        wait_until(is_refused)
        lines = [row.text for row in station.engine.history.journal(JournalQuery())]
    assert not [text for text in (*caplog.messages, *lines) if ticket[-20:] in text or key in text]


def test_pages_of_other_addresses_read_nothing_unless_the_site_names_them(tmp_path: Path) -> None:
    page = "http://127.0.0.1:9000"
    with GatewayStation(tmp_path / "off", pumps=1) as station:
        key = station.key(Scope.READ)
        found = station.ask("GET", "/api/live-data", key=key, headers={"Origin": page})
        assert (found.status, "access-control-allow-origin" in found.headers) == (200, False)
        asked = {"Origin": page, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key"}
        assert station.ask("OPTIONS", "/api/live-data", headers=asked).status == 405
    with GatewayStation(tmp_path / "on", pumps=1, origins=(page,)) as station:
        key = station.key(Scope.READ)
        for origin, is_let_in in ((page, True), ("http://127.0.0.1:9001", False), ("https://127.0.0.1:9000", False)):
            found = station.ask("GET", "/api/live-data", key=key, headers={"Origin": origin})
            assert found.headers.get("access-control-allow-origin") == (origin if is_let_in else None)
            before = station.ask("OPTIONS", "/api/live-data", headers=asked | {"Origin": origin})
            assert before.status == (200 if is_let_in else 400)
        posting = asked | {"Access-Control-Request-Method": "POST"}
        assert station.ask("OPTIONS", "/api/ingest", headers=posting).status == 400
