"""Replay: a recording, played as if the pump were live (the original's CSV simulation)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from typing_extensions import override

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.links.off_loop import off_loop
from pumpwatch_gui.domain.links.config import DriverConfig, period, setting
from pumpwatch_gui.domain.links.decode import bad, judge_value
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.quality import Reason
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.values.recording_format import DATE_ORDERS, DECIMALS, FormatChoices
from pumpwatch_gui.files.recordings.reading import read_recording
from pumpwatch_gui.files.shipped import user_path

log = logging.getLogger("pumpwatch.acquire")

SILENT_SPACINGS = 3
"""The recording is silent after this many of its usual spacings without a row."""


@dataclass(frozen=True, slots=True)
class ReplayConfig(DriverConfig):
    """A recording, played as if it were live."""

    driver: ClassVar[str] = "replay"

    file: str = setting(label="File", help="CSV with a time column and the profile's tags.", path=True)
    speed: float = setting(1.0, label="Speed", unit="×", min=0.01, max=1000.0, help="1 keeps the recording's own pace.")
    loop: bool = setting(True, label="Repeat", help="Start again at the end.")
    period_s: float = period()
    decimal: str = setting(
        "", label="Decimal mark", required=False, choices=("", *DECIMALS), help="Found in the file where empty."
    )
    date_order: str = setting(
        "", label="Date order", required=False, choices=("", *DATE_ORDERS), help="Found in the file where empty."
    )
    timezone: str = setting("", label="Time zone", required=False, help="Of times without an offset; empty: UTC.")

    @property
    @override
    def endpoint(self) -> str:
        """The file."""
        return self.file


def recording_of(spec: LinkSpec) -> tuple[Path, PumpProfile, FormatChoices]:
    """What a replay link reads: its file, the profile, and how the file is written."""
    config = spec.config_as(ReplayConfig)
    choices = FormatChoices(decimal=DECIMALS.get(config.decimal, ""), date_order=config.date_order,
                            timezone=config.timezone)  # fmt: skip
    return user_path(config.file, spec.base_dir), spec.profile, choices


class ReplayChannel:
    """Plays one recording at its own spacing (divided by `speed`); a gap stays a gap, an empty cell is BAD."""

    def __init__(
        self,
        spec: LinkSpec,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._spec, self._config = spec, spec.config_as(ReplayConfig)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._recording: Recording | None = None
        self._spacing_s = self._config.period_s
        self._row = 0
        self._started_s: float | None = None  # at the first row

    def shared_by(self, specs: Sequence[LinkSpec]) -> None:
        """Nothing: a recording belongs to one link."""

    async def connect(self) -> None:
        """Read the file. Raises InputError naming what is wrong with it."""
        spec = self._spec
        self._recording = recording = await off_loop(read_recording, *recording_of(spec))
        if recording.notes:
            spec.meter.last_error = f"the recording {self._config.file}: " + "; ".join(recording.notes)
            spec.meter.last_advice = "correct the file where that matters"
            log.warning("%s: %s", spec.link_id, spec.meter.last_error)
        # The recording's usual spacing, in seconds of play: also the pause before a repeat, so that the seam is no gap.
        if recording.time_s.size > 1:
            self._spacing_s = float(np.median(np.diff(recording.time_s))) / self._config.speed

    async def scan(self, spec: LinkSpec) -> Readings:
        """Wait for the next row and return it.

        Raises LinkFault in a gap of the recording, and at the end of one that is not repeated.
        """
        recording = self._recording
        assert recording is not None
        if self._started_s is None:
            self._started_s = self._clock()
        if self._row == recording.time_s.size:
            self._started_s += await self._end(recording)
        due_s = self._started_s + (recording.time_s[self._row] - recording.time_s[0]) / self._config.speed
        await self._wait(due_s - self._clock())
        values = recording.values[self._row]
        self._row += 1
        spec.meter.requests += 1
        spec.meter.count_good(0.0)
        return {
            s.tag: bad(Reason.SENSOR_FAILURE) if np.isnan(v) else judge_value(float(v), s.span)
            for s, v in zip(spec.profile.sensors, values, strict=True)
            if s.tag not in recording.missing
        }

    async def close(self) -> None:
        """Forget the recording."""
        self._recording = None
        if not self.lost.done():
            self.lost.set_result("closed")

    async def _wait(self, wait_s: float) -> None:
        longest_s = SILENT_SPACINGS * max(self._spacing_s, self._config.period_s)
        await self._sleep(min(max(wait_s, 0.0), longest_s))
        if wait_s > longest_s:
            text = f"the recording {self._config.file} holds no row for another {wait_s - longest_s:.1f} s"
            raise LinkFault(FaultKind.TIMEOUT, Reason.TIMEOUT, text, "the gap is in the recording itself")

    async def _end(self, recording: Recording) -> float:
        """Go back to the first row; seconds from the last start to the next."""
        if not self._config.loop:
            await self._sleep(max(self._spacing_s, self._config.period_s))
            text = f"the recording {self._config.file} has ended"
            raise LinkFault(FaultKind.ENDED, Reason.NO_COMMUNICATION, text, "turn on repeat to play it again")
        length_s = float(recording.time_s[-1] - recording.time_s[0]) / self._config.speed
        self._row = 0
        return length_s + self._spacing_s
