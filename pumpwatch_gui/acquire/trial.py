"""One connection and one scan, to show an admin whether the settings are right."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from pumpwatch_gui.acquire.assembly import Assembly, WallClock
from pumpwatch_gui.acquire.config import DriverConfig
from pumpwatch_gui.acquire.driver import LinkSpec
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.meter import LinkFault
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.frame import Frame
from pumpwatch_gui.domain.profile import PumpProfile
from pumpwatch_gui.domain.quality import Quality

LONGEST_S = 5.0


@dataclass(frozen=True, slots=True)
class LinkTest:
    """The outcome in words, with the values when there were any."""

    ok: bool
    text: str
    advice: str = ""
    frame: Frame | None = None


def test_link(config: DriverConfig, profile: PumpProfile, *, beside: Path | None = None) -> LinkTest:  # noqa: PT028 - no test of ours
    """Connect, scan once, close. Blocks for up to some seconds: never on the GUI thread."""
    return asyncio.run(_test(LinkSpec("test/1", "test", profile, config, beside)))


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
    text = f"{spec.config.endpoint} answered: {good} of {len(readings)} points good"
    if unbound := [tag for tag in spec.profile.tags if tag not in readings]:
        text += f"; it does not bring {', '.join(unbound)}"
    return LinkTest(not wrong, text, "; ".join(wrong), frame)
