"""What the simulator's endpoints have in common: the devices behind them, and the connections that are open."""

import asyncio
from typing import cast

from typing_extensions import override

from pumpwatch_gui.acquire.simulator.device import Devices


class Connection(asyncio.Protocol):
    """One client of `devices`; it is in `transports` while it is connected."""

    def __init__(self, devices: Devices, transports: set[asyncio.Transport]) -> None:
        self.devices, self._transports = devices, transports
        self.transport: asyncio.Transport | None = None
        self.buffer = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._transports.add(self.transport)
        self.devices.counts.connections += 1

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:
            self._transports.discard(self.transport)
