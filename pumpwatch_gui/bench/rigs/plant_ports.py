"""A simulated plant in a child process in which every pump has a TCP port of its own, as separate devices have.

`pumpwatch simulate` serves all its pumps behind one port, which costs its reader one connection instead of fifty.
"""

import asyncio
import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

from typing_extensions import override

from pumpwatch_gui.acquire.simulator import Plant
from pumpwatch_gui.acquire.simulator.device import Devices
from pumpwatch_gui.acquire.simulator.registers import RegisterLayout
from pumpwatch_gui.files.register_maps import load_register_map
from pumpwatch_gui.settings.simulated import site_text

REFRESH_S = 0.1
COMMAND = [sys.executable, "-m", "pumpwatch_gui.bench.rigs.plant_ports"]


@contextmanager
def plant_with_ports(folder: Path, *, pumps: int, period_s: float) -> Iterator[Path]:
    """Start the child and yield a site file in `folder` that reads each pump on its own port, scored by the model."""
    child = subprocess.Popen([*COMMAND, str(pumps)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        text = site_text(0, pumps, period_s=period_s)
        for port in json.loads(child.stdout.readline()):
            text = text.replace("port = 0\n", f"port = {port}\n", 1)
        site_file = folder / "site.toml"
        site_file.write_text(text, "utf-8")
        yield site_file
    finally:
        child.stdin.close()
        child.wait(10)
        child.stdout.close()


class _Port(asyncio.Protocol):
    """One client. It has one request in flight, so that a request comes in one piece on the loopback."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    @override
    def data_received(self, data: bytes) -> None:
        transaction, _, _, unit = struct.unpack(">HHHB", data[:7])
        pdu = self._devices.respond(unit, data[7:])
        if self._transport is not None:
            self._transport.write(struct.pack(">HHHB", transaction, 0, 1 + len(pdu), unit) + pdu)


async def _serve(pumps: int) -> None:
    """Serve until standard input ends; the values are those of the simulator, ten times a second."""
    plant, devices = Plant(pumps, seed=1), Devices()
    layout = RegisterLayout(load_register_map("generic", tags=plant.tags).points, tags=plant.tags)
    ended, loop = threading.Event(), asyncio.get_running_loop()
    threading.Thread(target=_watch_parent, args=(ended,), daemon=True).start()
    servers = [await loop.create_server(partial(_Port, devices), "127.0.0.1", 0) for _ in range(pumps)]
    sequence, due = 0, time.monotonic()
    while not ended.is_set():
        rows = cast(list[list[float]], plant.values.tolist())
        devices.images = {unit: layout.image(row, sequence) for unit, row in enumerate(rows, start=1)}
        if sequence == 0:
            print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
        due, sequence = due + REFRESH_S, sequence + 1
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        plant.advance(REFRESH_S)
    for server in servers:
        server.close()


def _watch_parent(ended: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    ended.set()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
