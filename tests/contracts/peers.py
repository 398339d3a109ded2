"""A real peer for each row of the driver table. A new driver adds its own function here, and its line in `PEERS`."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pumpwatch_gui.acquire.drivers import DRIVERS
from tests.acquire.certificates import TlsRelay, make_authority, make_certificate
from tests.acquire.faulty_line import FaultyGateway, FaultyPty
from tests.acquire.faulty_server import FaultyServer
from tests.acquire.pty_device import PtyDevice
from tests.acquire.scanning import register_map, registers_profile

PROFILE = registers_profile(0, 1, 9)
"""The peers bind `r0` and `r1`; nobody brings `r9`."""


@dataclasses.dataclass
class Peer:
    """Settings that reach a real peer, settings that reach nothing, and how far `r1` is above `r0`."""

    good: Any
    absent: Any
    step: int


def modbus_tcp(folder: Path) -> Iterator[Peer]:
    kind = DRIVERS["modbus-tcp"].config
    more = {"period_s": 0.1, "timeout_s": 0.3, "registers": register_map(folder / "two.toml", 0, 1)}
    with FaultyServer() as server, FaultyServer() as gone:
        gone.kill()
        yield Peer(kind("127.0.0.1", server.port, **more), kind("127.0.0.1", gone.port, **more), 1)


def modbus_rtu(folder: Path) -> Iterator[Peer]:
    kind = DRIVERS["modbus-rtu"].config
    more = {"period_s": 0.1, "timeout_s": 0.3, "registers": register_map(folder / "two.toml", 0, 1)}
    with FaultyPty(folder) as line:
        assert isinstance(line, FaultyPty)
        yield Peer(kind(line.device, 115200, **more), kind(str(folder / "no-such-port"), **more), 1)


def modbus_rtu_over_tcp(folder: Path) -> Iterator[Peer]:
    kind = DRIVERS["modbus-rtu-over-tcp"].config
    more = {"period_s": 0.1, "timeout_s": 0.3, "registers": register_map(folder / "two.toml", 0, 1)}
    with FaultyGateway() as gateway, FaultyServer() as gone:
        assert isinstance(gateway, FaultyGateway)
        gone.kill()
        yield Peer(kind("127.0.0.1", gateway.port, **more), kind("127.0.0.1", gone.port, **more), 1)


def modbus_tls(folder: Path) -> Iterator[Peer]:
    kind = DRIVERS["modbus-tls"].config
    make_authority(folder)
    make_certificate(folder, "server", role="Pump")
    make_certificate(folder, "client", role="Viewer")
    files = {"ca": str(folder / "ca.pem"), "certificate": str(folder / "client.pem"), "key": str(folder / "client.key")}
    more = {"period_s": 0.1, "timeout_s": 0.3, "registers": register_map(folder / "two.toml", 0, 1), **files}
    with FaultyServer() as server, TlsRelay(folder, server.port) as relay, FaultyServer() as gone:
        gone.kill()
        yield Peer(kind("127.0.0.1", relay.port, **more), kind("127.0.0.1", gone.port, **more), 1)


def serial_line(folder: Path) -> Iterator[Peer]:
    kind = DRIVERS["serial-line"].config
    more = {"period_s": 0.1, "columns": ("r0", "r1")}
    with PtyDevice(folder) as device:
        device.repeat(lambda i: b'{"R0": %d, "r1": %d}\r\n' % (i, i + 5), every_s=0.03)
        yield Peer(kind(device.path, **more), kind(str(folder / "absent"), **more), 5)


def replay(folder: Path) -> Iterator[Peer]:
    rows = "".join(f"{t / 10},{t % 100},{t % 100 + 3}\n" for t in range(300))
    (folder / "run.csv").write_text("timestamp,r0,r1\n" + rows)
    kind = DRIVERS["replay"].config
    yield Peer(kind(str(folder / "run.csv"), period_s=0.1), kind(str(folder / "absent.csv"), period_s=0.1), 3)


PEERS = {
    "modbus-tcp": modbus_tcp,
    "modbus-rtu": modbus_rtu,
    "modbus-rtu-over-tcp": modbus_rtu_over_tcp,
    "modbus-tls": modbus_tls,
    "serial-line": serial_line,
    "replay": replay,
}
