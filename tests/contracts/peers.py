"""A real peer for each row of the driver table. A new driver adds its own function here, and its line in `PEERS`."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pumpwatch_gui.acquire.replay import ReplayConfig
from pumpwatch_gui.acquire.text.config import SerialLineConfig
from pumpwatch_gui.domain.links.config import (
    ModbusRtuConfig,
    ModbusRtuTcpConfig,
    ModbusTcpConfig,
    ModbusTlsConfig,
    RestIngestConfig,
)
from pumpwatch_gui.domain.links.inlet import Inlet, Post
from tests.acquire.certificates import TlsRelay, make_authority, make_certificate
from tests.acquire.faulty_line import FaultyGateway, FaultyPty
from tests.acquire.faulty_server import FaultyServer
from tests.acquire.pty_device import PtyDevice
from tests.acquire.scanning import register_map, registers_profile

PROFILE = registers_profile(0, 1, 9)
"""The peers bind `r0` and `r1`; none brings `r9`."""


@dataclasses.dataclass
class Peer:
    """Settings that reach a real peer, settings that reach nothing, and how far `r1` is above `r0`.

    `inlet` is where a peer posts that reaches us through the gateway.
    """

    good: Any
    absent: Any
    step: int
    inlet: Inlet = dataclasses.field(default_factory=Inlet)


def modbus(folder: Path) -> dict[str, Any]:
    """The settings that all Modbus links have here."""
    return {"period_s": 0.1, "timeout_s": 2.0, "registers": register_map(folder / "two.toml", 0, 1)}


def modbus_tcp(folder: Path) -> Iterator[Peer]:
    with FaultyServer() as server, FaultyServer() as gone:
        gone.kill()
        good, absent = (ModbusTcpConfig("127.0.0.1", s.port, **modbus(folder)) for s in (server, gone))
        yield Peer(good, absent, 1)


def modbus_rtu(folder: Path) -> Iterator[Peer]:
    with FaultyPty(folder) as line:
        good = ModbusRtuConfig(line.device, 115200, **modbus(folder))
        yield Peer(good, dataclasses.replace(good, device=str(folder / "no-such-port")), 1)


def modbus_rtu_over_tcp(folder: Path) -> Iterator[Peer]:
    with FaultyGateway() as gateway, FaultyServer() as gone:
        gone.kill()
        good = ModbusRtuTcpConfig("127.0.0.1", gateway.port, **modbus(folder))
        yield Peer(good, dataclasses.replace(good, port=gone.port), 1)


def modbus_tls(folder: Path) -> Iterator[Peer]:
    make_authority(folder)
    make_certificate(folder, "server", role="Pump")
    make_certificate(folder, "client", role="Viewer")
    files = (str(folder / "ca.pem"), str(folder / "client.pem"), str(folder / "client.key"))
    with FaultyServer() as server, TlsRelay(folder, server.port) as relay, FaultyServer() as gone:
        gone.kill()
        good = ModbusTlsConfig("127.0.0.1", relay.port, *files, **modbus(folder))
        yield Peer(good, dataclasses.replace(good, port=gone.port), 1)


def serial_line(folder: Path) -> Iterator[Peer]:
    with PtyDevice(folder) as device:
        device.repeat(lambda i: b'{"R0": %d, "r1": %d}\r\n' % (i, i + 5), every_s=0.03)
        good = SerialLineConfig(device.path, period_s=0.1, columns=("r0", "r1"))
        yield Peer(good, dataclasses.replace(good, device=str(folder / "absent")), 5)


def replay(folder: Path) -> Iterator[Peer]:
    rows = "".join(f"{1_700_000_000 + t / 10},{t % 100},{t % 100 + 3}\n" for t in range(300))
    (folder / "run.csv").write_text("timestamp,r0,r1\n" + rows)
    good = ReplayConfig(str(folder / "run.csv"), period_s=0.1)
    yield Peer(good, dataclasses.replace(good, file=str(folder / "absent.csv")), 3)


def rest_ingest(folder: Path) -> Iterator[Peer]:
    del folder
    good, inlet, stop = RestIngestConfig(0.1, "feed"), Inlet(), threading.Event()

    def send() -> None:
        count = 0
        while not stop.wait(0.02):
            count += 1
            inlet.offer("feed", Post({"r0": count, "r1": count + 7}, time.time_ns()), period_s=good.period_s)

    thread = threading.Thread(target=send, name="sender")
    thread.start()
    try:
        yield Peer(good, dataclasses.replace(good, posted_as="another-name"), 7, inlet)
    finally:
        stop.set()
        thread.join()


PEERS = {
    "modbus-tcp": modbus_tcp,
    "modbus-rtu": modbus_rtu,
    "modbus-rtu-over-tcp": modbus_rtu_over_tcp,
    "modbus-tls": modbus_tls,
    "serial-line": serial_line,
    "replay": replay,
    "rest-ingest": rest_ingest,
}
