"""Looking for devices: unit ids behind an endpoint, ports of one host, speeds of a serial line. Reads only.

Everything here blocks, tells its progress, and ends within about one answer's time after `stop` is set: call it
beside the GUI thread.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from pumpwatch_gui.acquire.links.meter import ANSWERED_WRONGLY, LinkFault
from pumpwatch_gui.acquire.links.off_loop import off_loop
from pumpwatch_gui.acquire.modbus.plan import any_block
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import ModbusConfig, ModbusRtuConfig, ModbusRtuTcpConfig, ModbusTcpConfig

UNITS = range(1, 248)
TIMEOUT_S = 0.3
COMMON_PORTS = (502, 802, 503, 1502, 4001, 4196, 5020, 8899, 10001, 20108, 26)
"""Modbus, Modbus over TLS, and what serial gateways and simulators usually listen on."""
COMMON_BAUDS = (9600, 19200, 38400, 57600, 115200, 4800, 2400, 1200)
AT_ONCE = 16
"""Ports that are tried at the same time."""
LOOK_S = 0.05
NOBODY = (10, 11)
"""Exceptions by which a gateway says that nobody is there."""
TLS_PORT = 802


class ScanOutcome(Enum):
    """What came of asking."""

    ANSWERED = "answered"
    EXCEPTION = "exception"  # somebody is there who does not know this register
    GARBLED = "garbled"  # bytes came that are no answer: a wrong speed, another protocol, two devices at once
    SILENT = "silent"
    OPEN = "open"  # a port that takes connections and speaks no Modbus that we know
    CLOSED = "closed"

    @property
    def is_there(self) -> bool:
        """Whether a Modbus device answered."""
        return self in (ScanOutcome.ANSWERED, ScanOutcome.EXCEPTION)


@dataclass(frozen=True, slots=True)
class Found:
    """One place that was asked: `config` reaches it (None: no driver does); `answer_ms` is NaN without an answer."""

    place: str
    outcome: ScanOutcome
    text: str
    config: ModbusConfig | None = None
    answer_ms: float = float("nan")


Progress = Callable[[int, int, Found | None], None]
"""Told (done, of how many, what was found last) on the scanning thread."""


def scan_units(
    config: ModbusConfig,
    units: Sequence[int] = UNITS,
    *,
    timeout_s: float = TIMEOUT_S,
    base_dir: Path | None = None,
    progress: Progress = lambda done, total, found: None,
    stop: threading.Event | None = None,
) -> tuple[Found, ...]:
    """Ask each unit behind one endpoint for one register; what came of each, as far as it was asked.

    A silent unit costs `timeout_s`, on a serial line and the quiet period after it. Raises LinkFault when the endpoint
    cannot be reached, InputError when a certificate file is wrong.
    """
    seeker = _Seeker(timeout_s, base_dir, progress, len(units), stop or threading.Event())
    return _run(seeker, seeker.units([_at_unit(config, unit) for unit in units]))


def scan_ports(
    host: str,
    ports: Sequence[int] = COMMON_PORTS,
    *,
    unit: int = 1,
    timeout_s: float = TIMEOUT_S,
    progress: Progress = lambda done, total, found: None,
    stop: threading.Event | None = None,
) -> tuple[Found, ...]:
    """Try ports of the one host that was named, and ask those that are open for one register of `unit`.

    Raises InputError for what names more than one host, or none.
    """
    if not host.strip() or any(c in host for c in "/*, "):
        raise InputError(f"{host!r} is not the name or address of one host", "give one host; ranges are not searched")
    seeker = _Seeker(timeout_s, None, progress, len(ports), stop or threading.Event())
    return _run(seeker, seeker.ports(host, ports, unit))


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
    """Ask `units` on each serial device at each speed; a device's other speeds are left out once one has answered."""
    total = len(devices) * len(bauds) * len(parities) * len(units)
    seeker = _Seeker(timeout_s, None, progress, total, stop or threading.Event())
    settings = [(baud, parity) for baud in bauds for parity in parities]
    return _run(seeker, seeker.lines(devices, settings, units))


class _Seeker:
    """One scan under way. `found` is what it has so far."""

    def __init__(
        self, timeout_s: float, base_dir: Path | None, progress: Progress, total: int, stop: threading.Event
    ) -> None:
        self.found: list[Found] = []
        self._timeout_s, self._beside = timeout_s, base_dir
        self._progress, self._total, self._stop = progress, total, stop
        self._done = 0

    async def units(self, configs: Sequence[ModbusConfig]) -> None:
        """Ask one after the other over one connection, which is made anew when it is lost."""
        link: Any = None
        try:
            for config in configs:
                if link is None or link.lost.done():
                    if link is not None:
                        await link.close()
                    link = await self._open(config)
                self._note(await self._ask(link, config))
        finally:
            if link is not None:
                await link.close()

    async def ports(self, host: str, ports: Sequence[int], unit: int) -> None:
        """Try the ports, several at once, and tell them in their order."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(port: int) -> None:
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
        try:
            async with asyncio.timeout(max(self._timeout_s, 1.0)):
                await off_loop(_connect_once, host, port)
        except OSError as error:  # and its kin TimeoutError
            return Found(place, ScanOutcome.CLOSED, error.strerror or str(error) or "no answer")
        if port == TLS_PORT:
            return Found(place, ScanOutcome.OPEN, "Modbus/TCP Security usually: needs certificates")
        framed: Found | None = None
        for config in (ModbusTcpConfig(host, port, unit), ModbusRtuTcpConfig(host, port, max(unit, 1))):
            try:
                link = await self._open(config)
            except LinkFault as fault:
                return Found(place, ScanOutcome.OPEN, fault.message)
            try:
                found = await self._ask(link, config, is_port=True)
            finally:
                await link.close()
            if found.outcome.is_there:
                return replace(found, place=place)
            framed = framed or found
        assert framed is not None
        return Found(place, ScanOutcome.OPEN, f"open, but no Modbus answer from unit {unit}: {framed.text}")

    async def _open(self, config: ModbusConfig) -> Any:
        from pumpwatch_gui.acquire.modbus.channel import (
            strict_link,
        )  # with pymodbus: only when something is really asked

        link = strict_link(config, self._beside)
        link.close_after = 1_000_000  # silence is what is expected here
        try:
            await link.connect()
        except BaseException:
            await link.close()
            raise
        return link

    async def _ask(self, link: Any, config: ModbusConfig, *, is_port: bool = False) -> Found:
        """One register, holding first."""
        started = time.perf_counter()
        place = config.endpoint
        try:
            await link.read(config.unit, any_block("holding", 0, 1), timeout_s=self._timeout_s)
        except LinkFault as fault:
            answer_ms = (time.perf_counter() - started) * 1e3
            if fault.code and (is_port or fault.code not in NOBODY):
                return Found(place, ScanOutcome.EXCEPTION, f"is there ({fault.message})", config, answer_ms)
            outcome = ScanOutcome.GARBLED if fault.kind in ANSWERED_WRONGLY else ScanOutcome.SILENT
            return Found(place, outcome, fault.message)
        answer_ms = (time.perf_counter() - started) * 1e3
        return Found(place, ScanOutcome.ANSWERED, f"answers in {answer_ms:.0f} ms", config, answer_ms)

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
            await asyncio.wait((task,), timeout=LOOK_S)
            if self._stop.is_set() and not task.done():
                task.cancel()
        with suppress(asyncio.CancelledError):
            task.result()


def _run(seeker: _Seeker, work: "Coroutine[Any, Any, None]") -> tuple[Found, ...]:
    try:
        asyncio.run(seeker.until_stopped(work))
    except BaseExceptionGroup as group:  # of the ports that were tried at once: one tells it all
        raise group.exceptions[0] from group
    return tuple(seeker.found)


def _connect_once(host: str, port: int) -> None:
    """Connect and hang up. Raises OSError."""
    import socket

    socket.create_connection((host, port), timeout=1.0).close()


def _at_unit(config: ModbusConfig, unit: int) -> ModbusConfig:
    return replace(config, unit=unit)
