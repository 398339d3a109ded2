"""Reading over a line that runs already: a serial line, or a device that takes one connection, has no second."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from pumpwatch_gui.acquire.driver import Browsable, Channel, LinkSpec, Readings
from pumpwatch_gui.acquire.links.extra_reads import ExtraRead, browsing
from pumpwatch_gui.acquire.links.line import Line
from pumpwatch_gui.acquire.links.meter import LinkMeter
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig
from pumpwatch_gui.domain.pump.profile import PumpProfile


class BorrowedLine:
    """A running line, for reads between its scans; they never make a link of it bad. Any thread.

    Every future raises LinkError when no trustworthy response came; it is cancelled when the line ends.
    """

    def __init__(self, line: Line, call_on_loop: Callable[[Callable[[], None]], bool]) -> None:
        self._line, self._call_on_loop = line, call_on_loop

    def scan(self, config: DriverConfig, profile: PumpProfile, folder: Path | None) -> "Future[Readings]":
        """Read every point of a link that is none yet; InputError for a wrong register map."""
        spec = LinkSpec("test/1", "test", profile, config, folder)
        return self._read(spec, lambda channel, own: channel.scan(own))

    def read(
        self, config: ModbusConfig, table: str, address: int, count: int, register_bytes: int = 2
    ) -> "Future[Sequence[int]]":
        """Any block of a unit behind the line; `address` is the wire address, `register_bytes` 2 or 4."""

        async def read(channel: Browsable, own: LinkSpec) -> Sequence[int]:
            return await channel.read(own, table, address, count, register_bytes)

        return self._read(self._at(config), browsing(read))

    def identify(self, config: ModbusConfig) -> "Future[Mapping[str, str]]":
        """The device identification (function 43/14) of a unit behind the line."""
        return self._read(self._at(config), browsing(lambda channel, own: channel.identify(own)))

    def _at(self, config: ModbusConfig) -> LinkSpec:
        """A unit with the map of the line's first link: nothing is known of its own."""
        first = self._line.links[0].spec
        changed: Any = replace(first.config, unit=config.unit, timeout_s=config.timeout_s)
        return replace(first, link_id="test/1", pump_id="test", config=changed, meter=LinkMeter())

    def _read(self, spec: LinkSpec, read: Callable[[Channel, LinkSpec], Awaitable[Any]]) -> "Future[Any]":
        units = {getattr(link.spec.config, "unit", None) for link in self._line.links}
        extra = ExtraRead(spec, read, getattr(spec.config, "unit", None) not in units)
        if not self._call_on_loop(lambda: self._line.read_extra(extra)):
            extra.outcome.cancel()
        return extra.outcome
