"""The plant behind a real Modbus endpoint: pump i is unit i + 1.

Written on asyncio directly and not with pymodbus' server: a device only responds, which needs a fraction of that
machinery, and fifty units refreshed ten times a second must leave the processor to the program that watches them.
"""

import asyncio
import os
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

from typing_extensions import override

from pumpwatch_gui.acquire.modbus.wire.response import NotModbusError, cut
from pumpwatch_gui.acquire.simulator.connection import Connection
from pumpwatch_gui.acquire.simulator.device import Devices, RequestCounts
from pumpwatch_gui.acquire.simulator.line_server import LineUnits, Terminal
from pumpwatch_gui.acquire.simulator.plant import Plant
from pumpwatch_gui.acquire.simulator.registers import RegisterLayout, can_encode
from pumpwatch_gui.domain.errors import InputError, LinkError
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
    `speed` simulated seconds a second. `ready` gets the port that was opened (`port` 0: any free one).
    `rtu`: RTU frames, as through a transparent serial gateway.
    Raises LinkError when the port cannot be opened, InputError for a bad register map, ValueError for a bad speed.
    """
    layout, devices = _layout(plant, registers, speed), Devices()
    kind = LineUnits if rtu else _MbapConnection
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

    `ready` gets the name that a client opens. Raises LinkError when the terminal cannot be opened, and as `serve`.
    """
    layout = _layout(plant, registers, speed)
    return asyncio.run(_serve_line(plant, device, layout, speed, ready, stop))


def _layout(plant: Plant, registers: str | Sequence[Point], speed: float) -> RegisterLayout:
    if not speed > 0:
        raise ValueError("speed: must be above 0")
    points = load_register_map(registers, tags=plant.tags).points if isinstance(registers, str) else registers
    if strange := next((p for p in points if not can_encode(p)), None):
        text = f"the simulator cannot serve {strange.tag}: {strange.words}"
        raise InputError(text, "serve a map of plain registers, such as generic")
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
    kind: type[Connection],
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
        # `close` leaves accepted connections open, and from Python 3.12 on `wait_closed` waits for them.
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


class _MbapConnection(Connection):
    """One client: cuts the stream into requests by their MBAP headers and responds to each in turn."""

    @override
    def data_received(self, data: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        self.buffer += data
        responses = []
        while True:
            try:
                found = cut(self.buffer)
            except NotModbusError:
                self.devices.counts.malformed += 1
                self.transport.close()
                break
            if found is None:
                break
            request, size = found
            self.buffer = self.buffer[size:]
            pdu = self.devices.respond(request.unit, request.pdu)
            responses.append(struct.pack(">HHHB", request.transaction, 0, 1 + len(pdu), request.unit) + pdu)
        if responses:
            self.transport.write(b"".join(responses))
