"""One connection and one scan, to show an admin whether the settings are right."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pumpwatch_gui.acquire.driver import LinkSpec
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.links.assembly import Assembly, WallClock
from pumpwatch_gui.acquire.links.fault import LinkFault
from pumpwatch_gui.acquire.modbus.plan import Block, any_block
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig
from pumpwatch_gui.domain.links.discovery import LinkTest
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.quality import Quality

if TYPE_CHECKING:
    from pumpwatch_gui.acquire.modbus.strict_link import StrictLink

T = TypeVar("T")
LONGEST_S = 5.0


def test_link(config: DriverConfig, profile: PumpProfile, *, base_dir: Path | None = None) -> LinkTest:  # noqa: PT028 - no test of ours
    """Connect, scan once, close. Blocks for up to some seconds: never on the GUI thread."""
    return asyncio.run(_test(LinkSpec("test/1", "test", profile, config, base_dir)))


def read_once(
    config: DriverConfig,
    table: str,
    address: int,
    count: int,
    *,
    base_dir: Path | None = None,
    register_bytes: int = 2,
) -> tuple[int, ...]:
    """Connect, read one block (registers, or bits as 0 and 1), close. Blocks for up to some seconds.

    For a link that does not run yet; `Scanner.read_block` is for one that does. Raises LinkFault, InputError,
    ValueError for a block that no request can have.
    """
    block = any_block(table, address, count, register_bytes)
    return asyncio.run(_with_link(config, base_dir, lambda link, unit, wait_s: _read(link, unit, block, wait_s)))


def identify(config: DriverConfig, *, base_dir: Path | None = None) -> Mapping[str, str]:
    """The device identification (function 43/14): vendor, product code, revision … Blocks for some seconds.

    Raises LinkFault, InputError.
    """
    from pumpwatch_gui.acquire.modbus.channel import read_identity

    return asyncio.run(_with_link(config, base_dir, lambda link, unit, s: read_identity(link, unit, timeout_s=s)))


async def _read(link: "StrictLink", unit: int, block: Block, timeout_s: float) -> tuple[int, ...]:
    return tuple(await link.read(unit, block, timeout_s=timeout_s))


async def _with_link(
    config: DriverConfig, base_dir: Path | None, use: "Callable[[StrictLink, int, float], Awaitable[T]]"
) -> T:
    from pumpwatch_gui.acquire.modbus.channel import strict_link

    if not isinstance(config, ModbusConfig):
        raise InputError(f"{config.driver} has no registers", "choose a Modbus driver")
    link = strict_link(config, base_dir)
    # Closed in any case: many serial gateways serve one client only, and would refuse the link itself.
    try:
        await link.connect()
        return await use(link, config.unit, config.timeout_s)
    finally:
        await link.close()


async def _test(spec: LinkSpec) -> LinkTest:
    kind = DRIVERS[spec.config.driver]
    channel = kind.open([spec])
    try:
        await channel.connect()
        readings = await asyncio.wait_for(channel.scan(spec), LONGEST_S)
    except TimeoutError:
        return LinkTest(False, f"nothing came from {spec.config.endpoint} within {LONGEST_S:g} s", "is it sending?")
    except (LinkFault, InputError) as fault:
        return LinkTest(False, fault.message, fault.advice)
    finally:
        await channel.close()
    frame = Assembly({spec: kind.tags(spec)}, WallClock()).scanned(spec.link_id, readings, time.monotonic_ns())
    good = sum(r.quality is Quality.GOOD for r in readings.values())
    wrong = [f"{tag}: {r.reason.text}" for tag, r in readings.items() if r.quality is not Quality.GOOD]
    text = f"{spec.config.endpoint} responded: {good} of {len(readings)} points good"
    if unbound := [tag for tag in spec.profile.tags if tag not in readings]:
        text += f"; it does not bring {', '.join(unbound)}"
    return LinkTest(not wrong, text, "; ".join(wrong), frame)
