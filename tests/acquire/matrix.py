"""The fault matrix: every way in which a peer can go wrong, all at once, each against its own link.

`python tests/acquire/matrix.py` prints it: fault × driver: wrong values accepted / noticed ms / recovered ms.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from pumpwatch_gui.acquire.links.scanner import Binding, Scanner
from pumpwatch_gui.acquire.modbus.framers import SILENCE_S
from pumpwatch_gui.domain.links.config import (
    DriverConfig,
    ModbusRtuConfig,
    ModbusRtuTcpConfig,
    ModbusTcpConfig,
    ModbusTlsConfig,
)
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.certificates import TlsRelay, make_authority, make_certificate
from tests.acquire.faulty_line import LINE_FAULTS, FaultyGateway, FaultyLine, FaultyPty
from tests.acquire.faulty_server import FAULTS, FaultyServer, truth

PERIOD_S, TIMEOUT_S = 0.4, 0.15
PATIENCE_S = 0.35
"""The time-out where the right answer comes: a machine that stands still for a moment must not look like the fault."""
FRAME_SILENCE_S = 0.6 * SILENCE_S
"""Measured where the pieces are sent; where they are heard it may be longer."""
FAULT_TICKS = {"modbus-tcp": (4, 13), "modbus-tls": (4, 13), "modbus-rtu": (6, 15), "modbus-rtu-over-tcp": (6, 15)}
MAPS = {"one block": (0, 1, 2, 3), "two blocks": (0, 1, 2, 3, 100, 101, 102)}
UNSEEN = {"byte by byte", "in two pieces", "duplicated", "exception 6", "noise before", "noise after", "zeros before",
          "echo before", "foreign frame before", "gap of 20 ms", "CRC error", "inverted data bit"}  # fmt: skip
"""The right answer comes whole, or a second try brings it: no value may be lost."""
MAY_BE_UNSEEN = {"garbage after", "exception 2", "exception 3", "lost byte", "noise", "truncated", "unplugged",
                 "odd: one byte less", "odd: one byte more", "byte count -2", "byte count +2"}  # fmt: skip
"""The values came before the garbage; a block that is refused once is split and read in pieces at once; a frame that
fails its CRC is asked for again at once."""


def faults_of(driver: str) -> Iterable[str]:
    return FAULTS if driver in ("modbus-tcp", "modbus-tls") else LINE_FAULTS


@dataclass
class Case:
    """One link against one fault, and what came of it."""

    driver: str
    fault: str
    addresses: tuple[int, ...]
    server: FaultyServer | FaultyLine
    frames: list[tuple[float, Frame]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def take(self, frame: Frame) -> None:
        """Judge a frame while the server's last requests are still those that it came from."""
        self.frames.append((time.monotonic(), frame))
        for i, address in enumerate(self.addresses):
            if frame.quality[i] == Quality.BAD:
                continue
            asked = self.server.newest(address)
            if asked is None or frame.values[i] != truth(address, asked.tick):
                self.wrong.append(f"frame {frame.seq}: register {address} reads {frame.values[i]}, asked {asked}")

    def episodes(self) -> list[tuple[float | None, float | None, set[Reason]]]:
        """For each time the fault was played: noticed after s, all good again after s, reasons seen between."""
        found = []
        asked = [r for r in self.server.log if r.fault]
        for n, request in enumerate(asked):
            end_s = asked[n + 1].at_s if n + 1 < len(asked) else float("inf")
            noticed = recovered = None
            reasons: set[Reason] = set()
            for at_s, frame in self.frames:
                if not request.at_s < at_s < end_s:
                    continue
                if not (frame.quality == Quality.GOOD).all():
                    noticed = noticed or at_s - request.at_s
                    reasons |= {Reason(r) for r in frame.reason[frame.quality != Quality.GOOD]}
                elif noticed and recovered is None:
                    recovered = at_s - request.at_s
            found.append((noticed, recovered, reasons))
        return found

    def broken(self) -> list[bool]:
        """For each time the fault was played: whether its answer really paused so long that no frame lasts over it."""
        silences = getattr(self.server, "silences", {})
        return [silences.get(r.tick, 0.0) > FRAME_SILENCE_S for r in self.server.log if r.fault]

    def is_over(self) -> bool:
        ticks = FAULT_TICKS[self.driver]
        episodes = self.episodes()
        if len(episodes) < len(ticks):
            return False
        if self.fault in UNSEEN | MAY_BE_UNSEEN:
            return len(self.server.log) > ticks[-1] + 6
        if self.driver.startswith("modbus-rtu") and self.fault == "slip":
            return len(self.server.log) > ticks[-1] + 20  # a unit that lags for ever is never good again
        return all(recovered for _, recovered, _ in episodes)


def write_map(path: Path, addresses: tuple[int, ...]) -> str:
    points = "".join(f'[[point]]\ntag = "r{a}"\naddress = {a}\ntype = "uint16"\n' for a in addresses)
    path.write_text(f'name = "{path.stem}"\n{points}')
    return str(path)


def profile(addresses: tuple[int, ...]) -> PumpProfile:
    return PumpProfile("registers", tuple(Sensor(f"r{a}", f"Register {a}", "", (0, 65535), 1) for a in addresses))


def _connect(
    driver: str, fault: str, folder: Path, registers: str, stack: ExitStack
) -> tuple[FaultyServer | FaultyLine, DriverConfig]:
    """A fresh peer that plays the fault, and the settings that reach it."""
    script = dict.fromkeys(FAULT_TICKS[driver], fault)
    timeout_s = PATIENCE_S if fault in UNSEEN else TIMEOUT_S
    common = {"unit": 1, "period_s": PERIOD_S, "timeout_s": timeout_s, "registers": registers}
    if driver == "modbus-rtu":
        line = stack.enter_context(FaultyPty(folder / "lines", script))
        assert isinstance(line, FaultyPty)
        return line, ModbusRtuConfig(line.device, 115200, **common)
    if driver == "modbus-rtu-over-tcp":
        gateway = stack.enter_context(FaultyGateway(script))
        assert isinstance(gateway, FaultyGateway)
        return gateway, ModbusRtuTcpConfig("127.0.0.1", gateway.port, **common)
    server = stack.enter_context(FaultyServer(script))
    if driver == "modbus-tcp":
        return server, ModbusTcpConfig("127.0.0.1", server.port, **common)
    relay = stack.enter_context(TlsRelay(folder, server.port))
    files = (str(folder / "ca.pem"), str(folder / "client.pem"), str(folder / "client.key"))
    return server, ModbusTlsConfig("127.0.0.1", relay.port, *files, **common)


def play(driver: str, folder: Path, maps: Iterable[str] = ("one block",), longest_s: float = 16) -> list[Case]:
    """Run all faults of a driver against these maps on one scanner."""
    if driver == "modbus-tls":
        make_authority(folder)
        make_certificate(folder, "server", role="Pump")
        make_certificate(folder, "client", role="Viewer")
    files = {name: write_map(folder / f"{name.replace(' ', '-')}.toml", MAPS[name]) for name in maps}
    cases, bindings = dict[str, Case](), list[Binding]()
    with ExitStack() as stack:
        for fault in faults_of(driver):
            for name, registers in files.items():
                server, config = _connect(driver, fault, folder, registers, stack)
                pump = f"{fault} on {name}"
                cases[pump] = Case(driver, fault, MAPS[name], server)
                bindings.append(Binding(pump, profile(MAPS[name]), (config,)))
        scanner = Scanner(bindings, on_frame=lambda f: cases[f.pump_id].take(f), on_event=lambda e: None)
        escaped: list[BaseException] = []
        stop = threading.Event()

        def run() -> None:
            try:
                scanner.run(stop)
            except BaseException as error:  # noqa: BLE001 - the top of a thread
                escaped.append(error)

        thread = threading.Thread(target=run, name="pumpwatch-links-matrix")
        thread.start()
        deadline = time.monotonic() + longest_s
        while time.monotonic() < deadline and not all(case.is_over() for case in cases.values()):
            time.sleep(0.05)
        stop.set()
        thread.join(5)
    assert not escaped, escaped
    return list(cases.values())


def table(results: dict[str, list[Case]]) -> str:
    """Fault × driver: wrong values accepted / noticed ms / recovered ms (the slower of two times)."""

    def cell(driver: str, fault: str) -> str:
        cases = [c for c in results[driver] if c.fault == fault]
        if not cases:
            return ""
        episodes = [e for c in cases for e in c.episodes()]
        noticed, recovered = (max((e[i] or 0 for e in episodes), default=0) * 1e3 for i in (0, 1))
        return f"{sum(len(c.wrong) for c in cases)} / {noticed or '-':>4.0f} / {recovered:>4.0f}" if noticed else (
            f"{sum(len(c.wrong) for c in cases)} /    - /    -")  # fmt: skip

    faults = list(dict.fromkeys(c.fault for cases in results.values() for c in cases))
    lines = [f"{'fault':32}" + "".join(f"{driver:>22}" for driver in results)]
    lines += [f"{fault:32}" + "".join(f"{cell(driver, fault):>22}" for driver in results) for fault in faults]
    return "\n".join(lines)


if __name__ == "__main__":
    found = {}
    for name in sys.argv[1:] or FAULT_TICKS:
        with tempfile.TemporaryDirectory() as scratch:
            found[name] = play(name, Path(scratch))
    print(table(found))
