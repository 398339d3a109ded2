"""A scan for devices: what to look for, and the scan under way in a thread of its own."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import Enum

from pumpwatch_gui.acquire.discovery.scan import COMMON_BAUDS, COMMON_PORTS, scan_lines, scan_ports, scan_units
from pumpwatch_gui.commissioning.devices.links import line_to
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import ModbusConfig, ModbusRtuTcpConfig, ModbusTcpConfig
from pumpwatch_gui.domain.links.discovery import Found, Progress
from pumpwatch_gui.domain.links.line_budget import LineSpeed
from pumpwatch_gui.domain.ports import LinkBrowser
from pumpwatch_gui.domain.site import Site

LINE_SPEEDS = tuple(LineSpeed(baud, parity) for baud in COMMON_BAUDS for parity in ("N", "E", "O"))
"""The settings of serial lines to choose from, the usual first."""
SCANNED_PARITIES = ("N", "E")
SERIAL_UNITS = range(1, 248)

Scan = Callable[[Progress, threading.Event], object]


class ScanKind(Enum):
    """What a scan looks for, in words."""

    UNITS = "Units behind an address"
    PORTS = "Ports of one host"
    SPEEDS = "Speeds of a serial port"


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to look for: `units` at each place, `wait_s` for each response.

    UNITS needs `config`, the way to the device; PORTS needs `host`; SPEEDS needs `device`.
    """

    kind: ScanKind
    units: range
    wait_s: float
    config: ModbusConfig | None = None
    host: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class ScanView:
    """The progress of a scan; `error` is what ended it early."""

    done: int
    total: int
    found: tuple[Found, ...]
    is_running: bool
    error: Exception | None = None

    @property
    def there(self) -> int:
        """How many Modbus devices responded."""
        return sum(found.outcome.is_there for found in self.found)


def start_scan(request: ScanRequest, site: Site, running: LinkBrowser | None = None) -> "ScanJob":
    """Begin a scan; units behind one of the `running` lines are looked for between its scans.

    Raises InputError for what is not filled in, for a serial port whose speed a link of the site sets, and for a line
    that cannot be shared.
    """
    return ScanJob(*_scan(request, site, running))


def _scan(request: ScanRequest, site: Site, running: LinkBrowser | None) -> tuple[Scan, int]:
    """The scan, and how many places it has."""
    units, wait_s, config = request.units, request.wait_s, request.config
    if request.kind is ScanKind.PORTS:
        if not request.host:
            raise InputError("no host is given", "type its name or address")
        taken = _running_ports(request.host, running)
        return lambda p, s: scan_ports(
            request.host, unit=units.start, timeout_s=wait_s, running=taken, progress=p, stop=s
        ), len(COMMON_PORTS)  # fmt: skip
    if not units:
        raise InputError(f"there is no unit from {units.start} to {units.stop - 1}", "let the first be the smaller")
    if request.kind is ScanKind.SPEEDS:
        _check_free(request.device, site)
        serial = tuple(unit for unit in units if unit in SERIAL_UNITS)
        return lambda p, s: scan_lines(
            [request.device], parities=SCANNED_PARITIES, units=serial, timeout_s=wait_s, progress=p, stop=s
        ), len(COMMON_BAUDS) * len(SCANNED_PARITIES) * len(serial)  # fmt: skip
    if config is None:
        raise InputError("no way to the device is given", "choose one")
    line = line_to(config, running)
    if config.serial_port and line is None:
        _check_free(config.serial_port, site)
    bounds = next(field.metadata for field in fields(config) if field.name == "unit")
    valid = [unit for unit in units if bounds["min"] <= unit <= bounds["max"]]
    return lambda p, s: scan_units(
        config, valid, timeout_s=wait_s, base_dir=site.folder, line=line, progress=p, stop=s
    ), len(valid)  # fmt: skip


def _running_ports(host: str, running: LinkBrowser | None) -> list[int]:
    """The ports of a host to which a running line leads."""
    ways = (ModbusTcpConfig, ModbusRtuTcpConfig)
    return [port for port in COMMON_PORTS if any(line_to(way(host, port), running) for way in ways)]


def _check_free(device: str, site: Site) -> None:
    """A serial port serves one program at a time."""
    if not device:
        raise InputError("no serial port is given", "choose or type one")
    for pump in site.pumps:
        for n, link in enumerate(pump.links, 1):
            if link.serial_port == device:
                raise InputError(f"{pump.pump_id}/{n} uses {device}", "remove the link in the settings meanwhile")


class ScanJob:
    """Runs `scan(progress, stop)` until it ends or `cancel` is called; `poll` from any thread.

    The thread is a daemon: a scan takes minutes, and the end of the program does not wait for it.
    """

    def __init__(self, scan: Scan, total: int) -> None:
        self._scan, self._total, self._done = scan, total, 0
        self._found: list[Found] = []
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pumpwatch-scan", daemon=True)
        self._thread.start()

    def poll(self) -> ScanView:
        """The progress now."""
        is_running = self._thread.is_alive()
        return ScanView(self._done, self._total, tuple(self._found), is_running, None if is_running else self._error)

    def cancel(self) -> None:
        """End it within about one response time."""
        self._stop.set()

    def _run(self) -> None:
        try:
            self._scan(self._progress, self._stop)
        except Exception as error:  # noqa: BLE001 - the top of a thread; it is shown in place of the findings
            self._error = error

    def _progress(self, done: int, total: int, found: Found | None) -> None:
        self._done, self._total = done, total
        if found is not None:
            self._found.append(found)
