"""The fault matrix: every way in which a peer can go wrong, all at once, each against its own link.

`python -m tests.acquire.links.fault_matrix` prints it: fault × driver: wrong values / noticed ms / recovered ms.
"""

import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.acquire.modbus.wire.framers import SILENCE_S
from pumpwatch_gui.acquire.modbus.wire.redial import IDLE_S
from pumpwatch_gui.domain.links.config import (
    DriverConfig,
    ModbusRtuConfig,
    ModbusRtuTcpConfig,
    ModbusTcpConfig,
    ModbusTlsConfig,
)
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.certificates import TlsRelay, make_authority, make_certificate
from tests.acquire.faulty_line import LINE_FAULTS, FaultyGateway, FaultyLine, FaultyPty
from tests.acquire.faulty_server import FAULTS, FaultyServer, Request, truth
from tests.acquire.scanning import Scanning, register_map, registers_profile

PERIOD_S = 0.4
TIMEOUT_S = 0.15
"""Where the fault is that nothing comes in time."""
PATIENCE_S = 2.0
"""Where something comes: a machine that is held up for a moment must not make a time-out of the fault."""
NOTHING_IN_TIME = {
    "stall", "late", "late, behind the next request", "late, within the quiet period", "held back", "slip", "truncated",
    "length too long", "echo alone", "wrong transaction, behind", "wrong transaction, ahead",
}  # fmt: skip
AFTER_THE_VALUES = {"garbage after, apart"}
"""Comes between two scans, so that the frame of its own scan is GOOD; or in the request of the second block; or with
the values, on a machine that is held up, and is dropped."""
FRAME_SILENCE_S = 0.6 * SILENCE_S
"""Measured where the pieces are sent; where they are heard it may be longer."""
AFTERMATH = 10
"""Scans after a fault within which it shows, if it does: a machine that is held up a minute later is another matter."""
FAULT_TICKS = {"modbus-tcp": (4, 13), "modbus-tls": (4, 13), "modbus-rtu": (6, 15), "modbus-rtu-over-tcp": (6, 15)}
MAPS = {"one block": (0, 1, 2, 3), "two blocks": (0, 1, 2, 3, 100, 101, 102)}
UNSEEN = {"byte by byte", "in two pieces", "exception 6", "noise before", "noise after", "zeros before",
          "echo before", "foreign frame before", "gap of 20 ms", "CRC error", "inverted data bit",
          "gap of 100 ms", "reset", "finish"}  # fmt: skip
"""The right response comes whole, or a second try brings it: no value may be lost.

Of exception 6 and a CRC error the second try is that of the scan, of "reset" and "finish" that over a new connection.
"""
MAY_BE_UNSEEN = {
    "garbage after", "garbage after, apart", "exception 2", "exception 3", "lost byte", "noise", "truncated",
    "unplugged", "odd: one byte less", "odd: one byte more", "byte count -2", "byte count +2",
}  # fmt: skip
"""The values came before the garbage; a block that is refused once is split and read in pieces at once; a frame that
fails its CRC is requested again at once."""


def faults_of(driver: str) -> Iterable[str]:
    return FAULTS if driver in ("modbus-tcp", "modbus-tls") else LINE_FAULTS


@dataclass
class Episode:
    """One time that a fault was played: in the how many-th frame after it was not GOOD, and all GOOD again, after s."""

    scans: int | None = None
    noticed_s: float | None = None
    recovered_s: float | None = None
    reasons: set[Reason] = field(default_factory=set)


@dataclass
class Case:
    """One link against one fault, and what came of it."""

    driver: str
    fault: str
    addresses: tuple[int, ...]
    server: FaultyServer | FaultyLine
    frames: list[tuple[float, Frame]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    checked: int = 0

    def take(self, frame: Frame) -> None:
        """Check a frame against the requests since the one before: more than one when something was tried.

        The end of a connection is a frame at once, before that of the scan which it ended.
        """
        self.frames.append((time.monotonic(), frame))
        requests = self.server.log[self.checked :]
        if any(frame.quality != Quality.BAD):
            self.checked += len(requests)
        for i, address in enumerate(self.addresses):
            if frame.quality[i] == Quality.GOOD and not any(
                r.covers(address) and frame.values[i] == truth(address, r.tick) for r in requests
            ):
                self.wrong.append(f"frame {frame.seq}: register {address}: {frame.values[i]}, {requests}")

    def episodes(self) -> list[Episode]:
        """What came of each time that the fault was played."""
        played = [r for r in self.server.log if r.fault]
        ends = [*(r.at_s for r in played[1:]), float("inf")]
        return [self._episode(r, end_s) for r, end_s in zip(played, ends, strict=False)]

    def _episode(self, request: Request, end_s: float) -> Episode:
        found = Episode()
        frames = [(at_s, f) for at_s, f in self.frames if request.at_s < at_s < end_s]
        for scans, (at_s, frame) in enumerate(frames, 1):
            if not (frame.quality == Quality.GOOD).all():
                if found.scans is None:
                    found.scans, found.noticed_s = scans, at_s - request.at_s
                found.reasons |= {Reason(int(r)) for r in frame.reason[frame.quality != Quality.GOOD]}
            elif found.scans is None and scans >= AFTERMATH:
                break
            elif found.scans is not None and found.recovered_s is None:
                found.recovered_s = at_s - request.at_s
        return found

    def broken(self) -> list[bool]:
        """For each time the fault was played: whether its response really paused longer than a frame may."""
        silences = getattr(self.server, "silences", {})
        return [silences.get(r.tick, 0.0) > FRAME_SILENCE_S for r in self.server.log if r.fault]

    def idled(self) -> list[bool]:
        """For each time the fault was played: whether the path was idle before, on a machine that was held up.

        A scan after such a pause is repeated when no response comes in time: the path may have gone mute.
        """
        before = [float("inf"), *(r.at_s for r in self.server.log)]
        return [r.at_s - at_s >= IDLE_S for at_s, r in zip(before, self.server.log, strict=False) if r.fault]

    def is_over(self) -> bool:
        ticks = FAULT_TICKS[self.driver]
        episodes = self.episodes()
        if len(episodes) < len(ticks):
            return False
        last = episodes[-1]
        if last.scans is not None and not (self.driver.startswith("modbus-rtu") and self.fault == "slip"):
            return last.recovered_s is not None
        if self.fault in UNSEEN | MAY_BE_UNSEEN | {"duplicated"}:
            return len(self.server.log) > ticks[-1] + 6
        # A unit that lags for ever is never good again; and the fault may have met a trial besides the scan.
        return len(self.server.log) > ticks[-1] + 20


def _connect(
    driver: str, fault: str, folder: Path, registers: str, stack: ExitStack
) -> tuple[FaultyServer | FaultyLine, DriverConfig]:
    """A fresh peer that plays the fault, and the settings that reach it."""
    script = dict.fromkeys(FAULT_TICKS[driver], fault)
    timeout_s = TIMEOUT_S if fault in NOTHING_IN_TIME else PATIENCE_S
    common: Any = {"unit": 1, "period_s": PERIOD_S, "timeout_s": timeout_s, "registers": registers}
    if driver == "modbus-rtu":
        line = stack.enter_context(FaultyPty(folder / "lines", script))
        return line, ModbusRtuConfig(line.device, 115200, **common)
    if driver == "modbus-rtu-over-tcp":
        gateway = stack.enter_context(FaultyGateway(script))
        return gateway, ModbusRtuTcpConfig("127.0.0.1", gateway.port, **common)
    server = stack.enter_context(FaultyServer(script))
    if driver == "modbus-tcp":
        return server, ModbusTcpConfig("127.0.0.1", server.port, **common)
    relay = stack.enter_context(TlsRelay(folder, server.port))
    files = (str(folder / "ca.pem"), str(folder / "client.pem"), str(folder / "client.key"))
    return server, ModbusTlsConfig("127.0.0.1", relay.port, *files, **common)


def play(driver: str, folder: Path, maps: Iterable[str] = ("one block",), longest_s: float = 60) -> list[Case]:
    """Run all faults of a driver against these maps on one scanner, until each is over."""
    if driver == "modbus-tls":
        make_authority(folder)
        make_certificate(folder, "server", role="Pump")
        make_certificate(folder, "client", role="Viewer")
    files = {name: register_map(folder / f"{name.replace(' ', '-')}.toml", *MAPS[name]) for name in maps}
    cases, bindings = dict[str, Case](), list[Binding]()
    with ExitStack() as stack:
        for fault in faults_of(driver):
            for name, registers in files.items():
                server, config = _connect(driver, fault, folder, registers, stack)
                pump = f"{fault} on {name}"
                cases[pump] = Case(driver, fault, MAPS[name], server)
                bindings.append(Binding(pump, registers_profile(*MAPS[name]), (config,)))
        with Scanning(bindings) as s:
            s.on_frame = lambda f: cases[f.pump_id].take(f)
            deadline = time.monotonic() + longest_s
            while time.monotonic() < deadline and not all(case.is_over() for case in cases.values()):
                time.sleep(0.05)
    return list(cases.values())


def table(results: dict[str, list[Case]]) -> str:
    """Fault × driver: wrong values accepted / noticed ms / recovered ms (the slower of two times)."""

    def cell(driver: str, fault: str) -> str:
        cases = [c for c in results[driver] if c.fault == fault]
        if not cases:
            return ""
        episodes = [e for c in cases for e in c.episodes()]
        wrong = sum(len(c.wrong) for c in cases)
        noticed_ms = 1e3 * max((e.noticed_s or 0.0 for e in episodes), default=0.0)
        recovered_ms = 1e3 * max((e.recovered_s or 0.0 for e in episodes), default=0.0)
        return f"{wrong} / {noticed_ms:>4.0f} / {recovered_ms:>4.0f}" if noticed_ms else f"{wrong} /    - /    -"

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
