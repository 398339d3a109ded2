"""Searching for devices: unit ids behind an endpoint, ports of one host, speeds of a serial line. Reads only.

Everything here blocks, reports its progress, and ends within about one response time after `stop` is set: never call it
on the GUI thread.
"""

import asyncio
import threading
import time
from collections.abc import Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pumpwatch_gui.acquire.links.fault import LinkFault
from pumpwatch_gui.acquire.links.off_loop import off_loop
from pumpwatch_gui.acquire.modbus.learnt.plan import Block, any_block
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import ModbusConfig, ModbusRtuConfig, ModbusRtuTcpConfig, ModbusTcpConfig
from pumpwatch_gui.domain.links.discovery import Found, Progress, ScanOutcome
from pumpwatch_gui.domain.ports import BorrowedLine

UNITS = range(1, 248)
"""All unit ids of a line: 0 is the broadcast, 248 to 255 are reserved (Modbus over Serial Line 1.02, 2.2)."""
TIMEOUT_S = 0.3
COMMON_PORTS = (502, 802, 503, 1502, 4001, 4196, 5020, 8899, 10001, 20108, 26)
"""Modbus, Modbus over TLS, and what serial gateways and simulators usually listen on."""
COMMON_BAUDS = (9600, 19200, 38400, 57600, 115200, 4800, 2400, 1200)
AT_ONCE = 16
"""Ports that are tried at the same time."""
STOP_POLL_S = 0.05
TLS_PORT = 802


def scan_units(
    config: ModbusConfig,
    units: Sequence[int] = UNITS,
    *,
    timeout_s: float = TIMEOUT_S,
    base_dir: Path | None = None,
    line: BorrowedLine | None = None,
    progress: Progress = lambda done, total, found: None,
    stop: threading.Event | None = None,
) -> tuple[Found, ...]:
    """Read one register of each unit behind one endpoint; the outcome of each that was scanned.

    With `line` over that one, which runs already, between its scans. A silent unit costs `timeout_s`, on a serial line
    and the quiet period after it. Raises LinkFault when the endpoint
    cannot be reached, InputError when a certificate file is wrong.
    """
    search = _Search(timeout_s, base_dir, progress, len(units), stop or threading.Event())
    configs = [_at_unit(config, unit) for unit in units]
    return _run(search, search.units(configs) if line is None else search.units_between(configs, line))


def scan_ports(
    host: str,
    ports: Sequence[int] = COMMON_PORTS,
    *,
    unit: int = 1,
    timeout_s: float = TIMEOUT_S,
    running: Collection[int] = (),
    progress: Progress = lambda done, total, found: None,
    stop: threading.Event | None = None,
) -> tuple[Found, ...]:
    """Try ports of the one host that was named, and read one register of `unit` on those that are open.

    Those on which a link is `running` are not touched: many devices take one connection only.
    Raises InputError for what names more than one host, or none.
    """
    if not host.strip() or any(c in host for c in "/*, "):
        raise InputError(f"{host!r} is not the name or address of one host", "give one host; ranges are not searched")
    search = _Search(timeout_s, None, progress, len(ports), stop or threading.Event())
    return _run(search, search.ports(host, ports, unit, running))


def scan_lines(
    devices: Sequence[str],
    bauds: Sequence[int] = COMMON_BAUDS,
    *,
    parities: Sequence[str] = ("N", "E"),
    units: Sequence[int] = (1,),
    timeout_s: float = TIMEOUT_S,
    progress: Progress = lambda done, total, found: None,
    stop: threading.Event | None = None,
) -> tuple[Found, ...]:
    """Try `units` on each serial device at each speed; its other speeds are left out once a unit has responded."""
    total = len(devices) * len(bauds) * len(parities) * len(units)
    search = _Search(timeout_s, None, progress, total, stop or threading.Event())
    settings = [(baud, parity) for baud in bauds for parity in parities]
    return _run(search, search.lines(devices, settings, units))


class _Search:
    """One scan under way. `found` is what it has so far."""

    def __init__(
        self, timeout_s: float, base_dir: Path | None, progress: Progress, total: int, stop: threading.Event
    ) -> None:
        self.found: list[Found] = []
        self._timeout_s, self._base_dir = timeout_s, base_dir
        self._progress, self._total, self._stop = progress, total, stop
        self._done = 0

    async def units(self, configs: Sequence[ModbusConfig]) -> None:
        """Try one after the other over one connection, which is made again when it is lost."""
        link: Any = None
        try:
            for config in configs:
                if link is None or link.lost.done():
                    if link is not None:
                        await link.close()
                    link = await self._open(config)
                self._note(await self._probe(link, config))
        finally:
            if link is not None:
                await link.close()

    async def units_between(self, configs: Sequence[ModbusConfig], line: BorrowedLine) -> None:
        """Try one after the other between the scans of a line that runs."""
        shared = _Shared(line)
        for config in configs:
            shared.config = replace(config, timeout_s=self._timeout_s)
            self._note(await self._probe(shared, config))

    async def ports(self, host: str, ports: Sequence[int], unit: int, running: Collection[int]) -> None:
        """Try the ports, several at once, and report them in their order."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(port: int) -> None:
            if port in running:
                text = "a link of this station leads there already"
                found = Found(f"{host}:{port}", ScanOutcome.RESPONDED, text, ModbusTcpConfig(host, port, unit))
            else:
                async with gate:
                    found = await self._port(host, port, unit)
            self._note(found)

        async with asyncio.TaskGroup() as group:
            for port in ports:
                group.create_task(one(port))
        self.found.sort(key=lambda f: ports.index(int(f.place.rpartition(":")[2])))

    async def lines(self, devices: Sequence[str], settings: Sequence[tuple[int, str]], units: Sequence[int]) -> None:
        """Try each device at each speed."""
        for device in devices:
            for done, (baud, parity) in enumerate(settings):
                configs = [ModbusRtuConfig(device, baud, parity, unit=unit) for unit in units]
                before = len(self.found)
                try:
                    await self.units(configs)
                except LinkFault as fault:
                    self._note(Found(device, ScanOutcome.CLOSED, f"{fault.message} ({fault.advice})"))
                    self._skip((len(settings) - done) * len(units) - 1)
                    break
                if any(f.outcome.is_there for f in self.found[before:]):
                    self._skip((len(settings) - done - 1) * len(units))
                    break

    async def _port(self, host: str, port: int, unit: int) -> Found:
        place = f"{host}:{port}"
        # Many serial gateways accept one connection only: this one is closed before Modbus is tried.
        try:
            async with asyncio.timeout(max(self._timeout_s, 1.0)):
                await off_loop(_connect_once, host, port)
        except OSError as error:  # and its kin TimeoutError
            return Found(place, ScanOutcome.CLOSED, error.strerror or str(error) or "no response")
        if port == TLS_PORT:
            return Found(place, ScanOutcome.OPEN, "Modbus/TCP Security usually: needs certificates")
        framed: Found | None = None
        # A transparent gateway is open like a Modbus TCP device, and silent to its frames.
        for config in (ModbusTcpConfig(host, port, unit), ModbusRtuTcpConfig(host, port, max(unit, 1))):
            try:
                link = await self._open(config)
            except LinkFault as fault:
                return Found(place, ScanOutcome.OPEN, fault.message)
            try:
                found = await self._probe(link, config, is_port=True)
            finally:
                await link.close()
            if found.outcome.is_there:
                return replace(found, place=place)
            framed = framed or found
        assert framed is not None
        return Found(place, ScanOutcome.OPEN, f"open, but no Modbus response from unit {unit}: {framed.text}")

    async def _open(self, config: ModbusConfig) -> Any:
        # Imports pymodbus: only when something is really scanned.
        from pumpwatch_gui.acquire.modbus.channel import strict_link

        link = strict_link(config, self._base_dir)
        link.close_after = 1_000_000  # silence is what is expected here
        try:
            await link.connect()
        except BaseException:
            await link.close()
            raise
        return link

    async def _probe(self, link: Any, config: ModbusConfig, *, is_port: bool = False) -> Found:
        """One register, holding first."""
        started = time.perf_counter()
        place = config.endpoint
        try:
            await link.read(config.unit, any_block("holding", 0, 1), timeout_s=self._timeout_s)
        except LinkFault as fault:
            response_ms = (time.perf_counter() - started) * 1e3
            # A gateway's exception for a unit that is not there proves the gateway, not the unit.
            if fault.code and (is_port or not fault.is_no_response):
                return Found(place, ScanOutcome.EXCEPTION, f"is there ({fault.message})", config, response_ms)
            outcome = ScanOutcome.GARBLED if fault.kind.is_bad_response else ScanOutcome.SILENT
            return Found(place, outcome, fault.message)
        response_ms = (time.perf_counter() - started) * 1e3
        return Found(place, ScanOutcome.RESPONDED, f"responds in {response_ms:.0f} ms", config, response_ms)

    def _note(self, found: Found) -> None:
        self.found.append(found)
        self._done += 1
        self._progress(self._done, self._total, found)

    def _skip(self, count: int) -> None:
        if count > 0:
            self._done += count
            self._progress(self._done, self._total, None)

    async def until_stopped(self, work: "Coroutine[Any, Any, None]") -> None:
        """Do the work, and end it early when `stop` is set."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.wait((task,), timeout=STOP_POLL_S)
            if self._stop.is_set() and not task.done():
                task.cancel()
        with suppress(asyncio.CancelledError):
            task.result()


class _Shared:
    """Reads as a strict link does, over a line that runs."""

    def __init__(self, line: BorrowedLine) -> None:
        self._line = line
        self.config: ModbusConfig | None = None

    async def read(self, _unit: int, block: Block, *, timeout_s: float) -> Sequence[int]:
        """One block of the unit in `config`. Raises LinkFault."""
        assert self.config is not None
        return await asyncio.wrap_future(self._line.read(self.config, "holding", block.address, block.count))


def _run(search: _Search, work: "Coroutine[Any, Any, None]") -> tuple[Found, ...]:
    try:
        asyncio.run(search.until_stopped(work))
    except BaseExceptionGroup as group:  # of the ports that were tried at once: the first is enough
        raise group.exceptions[0] from group
    return tuple(search.found)


def _connect_once(host: str, port: int) -> None:
    """Connect and hang up. Raises OSError."""
    import socket

    socket.create_connection((host, port), timeout=1.0).close()


def _at_unit(config: ModbusConfig, unit: int) -> ModbusConfig:
    return replace(config, unit=unit)
