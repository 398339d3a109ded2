"""The plant behind a real Modbus endpoint: pump i is unit i + 1.

Written on asyncio directly: a device only answers, which needs a fraction of a client's machinery, and fifty units
refreshed ten times a second must leave the machine to the program that watches them.
"""

import asyncio
import os
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

from typing_extensions import override

from pumpwatch_gui.acquire.simulator.device import Devices, RequestCounts
from pumpwatch_gui.acquire.simulator.line_server import LineUnits, Terminal
from pumpwatch_gui.acquire.simulator.plant import Plant
from pumpwatch_gui.acquire.simulator.registers import RegisterLayout
from pumpwatch_gui.domain.errors import LinkError
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.files.register_maps import load_register_map

REFRESH_S = 0.1
_MOST_BEHIND_S = 1.0  # after a suspension the plant goes on from where it was rather than rushing to catch up


def serve(
    plant: Plant,
    *,
    host: str = "127.0.0.1",
    port: int = 5020,
    registers: str | Sequence[Point] = "generic",
    speed: float = 1.0,
    rtu: bool = False,
    ready: Callable[[int], None] = lambda _port: None,
    stop: threading.Event,
) -> RequestCounts:
    """Serve the plant in this thread until `stop` is set (noticed within 0.1 s); gives what was counted.

    `registers`: a register map by name or path, or its points; they are refreshed every 0.1 s. The plant advances by
    `speed` simulated seconds a second. `ready` is told the port that was opened (`port` 0: any free one).
    `rtu`: RTU frames, as through a transparent serial gateway.
    Raises LinkError when the port cannot be opened, InputError for a bad register map, ValueError for a bad speed.
    """
    layout, devices = _layout(plant, registers, speed), Devices()
    kind = LineUnits if rtu else _Connection
    return asyncio.run(_serve(plant, devices, kind, (host, port), layout, speed, ready, stop))


def serve_line(
    plant: Plant,
    *,
    device: str,
    registers: str | Sequence[Point] = "generic",
    speed: float = 1.0,
    ready: Callable[[str], None] = lambda _device: None,
    stop: threading.Event,
) -> RequestCounts:
    """Serve the plant as RTU units on the terminal `device` (`auto`: a new pair) as `serve` does.

    `ready` is told the name that a client opens. Raises LinkError when the terminal cannot be opened, and as `serve`.
    """
    layout = _layout(plant, registers, speed)
    return asyncio.run(_serve_line(plant, device, layout, speed, ready, stop))


def _layout(plant: Plant, registers: str | Sequence[Point], speed: float) -> RegisterLayout:
    if not speed > 0:
        raise ValueError("speed: must be above 0")
    points = load_register_map(registers, tags=plant.tags).points if isinstance(registers, str) else registers
    return RegisterLayout(points, tags=plant.tags)


async def _serve_line(
    plant: Plant,
    device: str,
    layout: RegisterLayout,
    speed: float,
    ready: Callable[[str], None],
    stop: threading.Event,
) -> RequestCounts:
    devices = Devices()
    _refresh(devices, plant, layout, 0)
    terminal = Terminal(device, LineUnits(devices, set()))
    try:
        ready(terminal.name)
        await _run(devices, plant, layout, speed, stop)
    finally:
        terminal.close()
    return devices.counts


async def _serve(
    plant: Plant,
    devices: Devices,
    kind: "type[_Connection | LineUnits]",
    address: tuple[str, int],
    layout: RegisterLayout,
    speed: float,
    ready: Callable[[int], None],
    stop: threading.Event,
) -> RequestCounts:
    _refresh(devices, plant, layout, 0)
    connections: set[asyncio.Transport] = set()
    server = await _listen(lambda: kind(devices, connections), *address)
    try:
        ready(server.sockets[0].getsockname()[1])
        await _run(devices, plant, layout, speed, stop)
    finally:
        server.close()
        for transport in tuple(connections):
            transport.abort()
        await server.wait_closed()
    return devices.counts


async def _listen(factory: Callable[[], asyncio.Protocol], host: str, port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(factory, host, port)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        advice = "choose another --port, or stop the program that uses this one"
        raise LinkError(f"cannot listen on {host}:{port}: {why}", advice) from error


async def _run(devices: Devices, plant: Plant, layout: RegisterLayout, speed: float, stop: threading.Event) -> None:
    """Advance and refresh on an absolute schedule until `stop`."""
    sequence = 0
    before = due = time.monotonic()
    while not stop.is_set():
        due += REFRESH_S
        await asyncio.sleep(max(due - time.monotonic(), 0.0))
        now = time.monotonic()
        if now - due > REFRESH_S:
            devices.counts.late_refreshes += 1
            due = now
        plant.advance(min(now - before, _MOST_BEHIND_S) * speed)
        before = now
        sequence += 1
        _refresh(devices, plant, layout, sequence)


def _refresh(devices: Devices, plant: Plant, layout: RegisterLayout, sequence: int) -> None:
    rows = cast(list[list[float]], plant.values.tolist())
    devices.images = {unit: layout.image(row, sequence) for unit, row in enumerate(rows, start=1)}


class _Connection(asyncio.Protocol):
    """One client: cuts the stream into requests by their MBAP headers and answers each in turn."""

    def __init__(self, devices: Devices, connections: set[asyncio.Transport]) -> None:
        self._devices = devices
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self._transport)
        self._devices.counts.connections += 1

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._connections.discard(self._transport)

    @override
    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._buffer += data
        answers = []
        while len(self._buffer) >= 8:
            transaction, protocol, length, unit = struct.unpack(">HHHB", self._buffer[:7])
            if protocol != 0 or not 2 <= length <= 254:
                self._devices.counts.malformed += 1
                self._transport.close()
                break
            if len(self._buffer) < 6 + length:
                break
            pdu = self._devices.answer(unit, self._buffer[7 : 6 + length])
            self._buffer = self._buffer[6 + length :]
            answers.append(struct.pack(">HHHB", transaction, 0, 1 + len(pdu), unit) + pdu)
        if answers:
            self._transport.write(b"".join(answers))
