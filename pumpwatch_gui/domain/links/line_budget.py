"""What a serial line can carry: the time that a poll plan needs, against the time that there is. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pumpwatch_gui.domain.errors import Problem
from pumpwatch_gui.domain.links.register_map import BIT_FUNCTIONS

BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
QUIET_CHARACTERS, FAST_QUIET_S, FAST_BAUD = 3.5, 0.00175, 19200
"""Pause between frames: 3.5 characters; above 19,200 baud a fixed 1.750 ms (Modbus over Serial Line 1.02, 2.5.1.1)."""
REQUEST_BYTES = 8
RESPONSE_EXTRA_BYTES = 5
"""Unit, function, byte count and CRC around the values."""
TURNAROUND_S = 0.005
"""The response time of a usual device; the slowest need 100 ms."""
LISTEN_S = 0.005
"""After each scan without transaction ids: time in which a second response, of another master or repeated, shows."""
MAX_LOAD = 0.9
"""A line that is busier than this has no time for a second try."""


@dataclass(frozen=True, slots=True)
class LineSpeed:
    """How a line is set. A character is start, 8 data bits, parity if any, and stop bits."""

    baud: int
    parity: str = "N"
    stop_bits: int = 1

    # The standard (2.5.1) has 11 bits a character, so 2 stop bits without parity; most devices use 1 all the same.
    @property
    def character_s(self) -> float:
        """Seconds one character takes."""
        return (9 + (self.parity != "N") + self.stop_bits) / self.baud

    @property
    def text(self) -> str:
        """As on a device's label: `19200 8N1`."""
        return f"{self.baud} 8{self.parity}{self.stop_bits}"

    @property
    def quiet_s(self) -> float:
        """The silence required between two frames, in seconds."""
        return FAST_QUIET_S if self.baud > FAST_BAUD else QUIET_CHARACTERS * self.character_s


@dataclass(frozen=True, slots=True)
class PollPlan:
    """What one link requests in each period: (function, count) of its blocks. All times in seconds.

    `pause_s`: the least time between a response and the next request.
    """

    blocks: tuple[tuple[int, int], ...]
    period_s: float
    turnaround_s: float = TURNAROUND_S
    path: str = ""
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """The load of a line: `load` is busy time over time (1.0: all of it); `needs_s` of every `period_s`."""

    load: float
    needs_s: float
    period_s: float
    baud: int
    enough_baud: int | None
    enough_factor: float

    @property
    def fits(self) -> bool:
        """Whether the line can carry the plan."""
        return self.load <= MAX_LOAD

    @property
    def text(self) -> str:
        """The figure in words."""
        return f"needs {self.needs_s:.2f} s of every {self.period_s:g} s at {self.baud} baud"

    @property
    def advice(self) -> str:
        """Settings that the line can carry."""
        slower = f"period {_up(self.period_s * self.enough_factor):g} s"
        return f"{self.enough_baud} baud would do, or {slower}" if self.enough_baud else f"{slower} would do"


def value_bytes(function: int, count: int, register_bytes: int = 2) -> int:
    """Bytes that `count` values take in the response to a read: one for eight bits, two (or four) for a register."""
    return -(-count // 8) if function in BIT_FUNCTIONS else register_bytes * count


def block_s(
    function: int, count: int, speed: LineSpeed, turnaround_s: float = TURNAROUND_S, pause_s: float = 0.0
) -> float:
    """Seconds that one block takes: request, turnaround, response and the silence or the pause after both."""
    characters = REQUEST_BYTES + RESPONSE_EXTRA_BYTES + value_bytes(function, count)
    return characters * speed.character_s + speed.quiet_s + max(speed.quiet_s, pause_s) + turnaround_s


def line_budget(plans: Sequence[PollPlan], speed: LineSpeed) -> Budget:
    """The load that all links of one line put on it. Raises ValueError without a plan."""
    if not plans:
        raise ValueError("a budget needs at least one plan")
    period_s = max(p.period_s for p in plans)
    load = _load(plans, speed)
    enough = next((b for b in BAUDS if b > speed.baud and _load(plans, replace(speed, baud=b)) <= MAX_LOAD), None)
    return Budget(load, load * period_s, period_s, speed.baud, enough, load / MAX_LOAD)


def overload(plans: Sequence[PollPlan], speed: LineSpeed, *, line: str) -> Problem | None:
    """The mistake of a plan that its line cannot carry, at the path of the first link; None when it can."""
    budget = line_budget(plans, speed)
    if budget.fits:
        return None
    others = f" with {len(plans)} links" if len(plans) > 1 else ""
    return Problem(plans[0].path, f"{line}{others} {budget.text}", budget.advice)


def _load(plans: Iterable[PollPlan], speed: LineSpeed) -> float:
    return sum(
        (LISTEN_S + sum(block_s(f, n, speed, p.turnaround_s, p.pause_s) for f, n in p.blocks)) / p.period_s
        for p in plans
    )


def _up(seconds: float) -> float:
    """The next longer period that a person would choose."""
    for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0):
        if seconds <= step:
            return step
    return float(-(-seconds // 3600) * 3600)
