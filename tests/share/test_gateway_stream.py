"""The stream of events: what happens to a pump reaches those who read of it, and no other reader."""

import json
from http.client import HTTPConnection
from pathlib import Path

from pumpwatch_gui.domain.commands import CreateMaintenance, Order
from pumpwatch_gui.domain.gateway import Scope
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType
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
