"""One connection and one scan, to show an admin whether the settings are right."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.links.assembly import Assembly, WallClock
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.modbus.learnt.plan import Block, any_block
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig
from pumpwatch_gui.domain.links.discovery import LinkTest
from pumpwatch_gui.domain.links.inlet import Inlet
from pumpwatch_gui.domain.ports import BorrowedLine
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.quality import Quality, Reason

if TYPE_CHECKING:
    from pumpwatch_gui.acquire.modbus.wire.strict_link import StrictLink

T = TypeVar("T")
LONGEST_S = 5.0
LONGEST_SHARED_S = 15.0
"""Over a line that runs: a read waits for a moment between two scans."""


def test_link(
    config: DriverConfig,
    profile: PumpProfile,
    *,
    base_dir: Path | None = None,  # noqa: PT028 - no test of ours
    line: BorrowedLine | None = None,  # noqa: PT028
    inlet: Inlet | None = None,  # noqa: PT028
) -> LinkTest:
    """Connect, scan once, close; with `line` over that one, which runs already. Blocks: never on the GUI thread.

    `inlet` is where posts of other programs come in; without it there are none.
    """
    spec = LinkSpec("test/1", "test", profile, config, base_dir, inlet=inlet or Inlet())
    try:
        if line is not None:
            readings: Readings = waited(line.scan(config, profile, base_dir))
        else:
            readings = asyncio.run(_scan(spec))
    except (LinkFault, InputError) as fault:
        return LinkTest(False, fault.message, fault.advice)
    return _outcome(spec, readings)


def read_once(
    config: DriverConfig,
    table: str,
    address: int,
    count: int,
    *,
    base_dir: Path | None = None,
    register_bytes: int = 2,
    line: BorrowedLine | None = None,
) -> tuple[int, ...]:
    """Connect, read one block (registers, or bits as 0 and 1), close; or read it over `line`. Blocks for some seconds.

    For a link that does not run yet; `Scanner.read_block` is for one that does. Raises LinkFault, InputError,
    ValueError for a block that no request can have.
    """
    block = any_block(table, address, count, register_bytes)
    if line is not None:
        values: Sequence[int] = waited(line.read(_with_registers(config), table, address, count, register_bytes))
        return tuple(values)
    return asyncio.run(_with_link(config, base_dir, lambda link, unit, wait_s: _read(link, unit, block, wait_s)))


def identify(
    config: DriverConfig, *, base_dir: Path | None = None, line: BorrowedLine | None = None
) -> Mapping[str, str]:
    """The device identification (function 43/14): vendor, product code, revision … Blocks for some seconds.

    Raises LinkFault, InputError.
    """
    from pumpwatch_gui.acquire.modbus.channel import read_identity

    if line is not None:
        return waited(line.identify(_with_registers(config)))
    return asyncio.run(_with_link(config, base_dir, lambda link, unit, s: read_identity(link, unit, timeout_s=s)))


def waited(read: "Future[T]") -> T:
    """What a read over a running line brings. Raises LinkFault, InputError, ValueError."""
    try:
        return read.result(LONGEST_SHARED_S)
    except (CancelledError, TimeoutError) as error:
        read.cancel()
        text = "the line that this device shares was closed, or had no time for it"
        raise LinkFault(FaultKind.LOST, Reason.NO_COMMUNICATION, text, "try it again") from error


async def _read(link: "StrictLink", unit: int, block: Block, timeout_s: float) -> tuple[int, ...]:
    return tuple(await link.read(unit, block, timeout_s=timeout_s))


def _with_registers(config: DriverConfig) -> ModbusConfig:
    if not isinstance(config, ModbusConfig):
        raise InputError(f"{config.driver} has no registers", "choose a Modbus driver")
    return config


async def _with_link(
    config: DriverConfig, base_dir: Path | None, use: "Callable[[StrictLink, int, float], Awaitable[T]]"
) -> T:
    from pumpwatch_gui.acquire.modbus.channel import strict_link

    found = _with_registers(config)
    link = strict_link(found, base_dir)
    # Closed in any case: many serial gateways serve one client only, and would refuse the link itself.
    try:
        await link.connect()
        return await use(link, found.unit, found.timeout_s)
    finally:
        await link.close()


async def _scan(spec: LinkSpec) -> Readings:
    channel = DRIVERS[spec.config.driver].open([spec])
    try:
        await channel.connect()
        return await asyncio.wait_for(channel.scan(spec), LONGEST_S)
    except TimeoutError as error:
        text = f"nothing came from {spec.config.endpoint} within {LONGEST_S:g} s"
        raise LinkFault(FaultKind.TIMEOUT, Reason.TIMEOUT, text, "is it sending?") from error
    finally:
        await channel.close()


def _outcome(spec: LinkSpec, readings: Readings) -> LinkTest:
    tags = DRIVERS[spec.config.driver].tags(spec)
    frame = Assembly({spec: tags}, WallClock()).scanned(spec.link_id, readings, time.monotonic_ns())
    good = sum(r.quality is Quality.GOOD for r in readings.values())
    wrong = [f"{tag}: {r.reason.text}" for tag, r in readings.items() if r.quality is not Quality.GOOD]
    text = f"{spec.config.endpoint} responded: {good} of {len(readings)} points good"
    if unbound := [tag for tag in spec.profile.tags if tag not in readings]:
        text += f"; it does not bring {', '.join(unbound)}"
    why = [words for words in (spec.meter.last_error, spec.meter.last_advice) if words and wrong]
    return LinkTest(not wrong, text, "; ".join([*wrong, *why]), frame)
