"""Replay: a recording, played as if the pump were live (the original's CSV simulation)."""

import asyncio
import time
from pathlib import Path

import numpy as np

from pumpwatch_gui.acquire.config import ReplayConfig
from pumpwatch_gui.acquire.decode import bad, judge_value
from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.meter import LinkFault
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.quality import Reason
from pumpwatch_gui.domain.recording import Recording, read_recording


class ReplayChannel:
    """Plays one recording at its own spacing (divided by `speed`); a gap stays a gap, an empty cell is BAD."""

    def __init__(self, spec: LinkSpec) -> None:
        assert isinstance(spec.config, ReplayConfig)
        self._spec, self._config = spec, spec.config
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._recording: Recording | None = None
        self._row = 0
        self._started_s = 0.0

    async def connect(self) -> None:
        """Read the file. Raises InputError naming what is wrong with it, LinkFault when it holds no row."""
        path = Path(self._config.file).expanduser()
        path = path if self._spec.beside is None else self._spec.beside / path
        self._recording = await asyncio.to_thread(read_recording, path, self._spec.profile)
        if self._recording.time_s.size == 0:
            raise InputError(f"{path} holds no readable row", "look at its time column")
        self._started_s = time.monotonic()

    async def scan(self, spec: LinkSpec) -> Readings:
        """Wait for the next row and return it. Raises LinkFault at the end of a recording that is not repeated."""
        recording = self._recording
        assert recording is not None
        if self._row == recording.time_s.size:
            await self._end(recording)
        due_s = self._started_s + (recording.time_s[self._row] - recording.time_s[0]) / self._config.speed
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        values = recording.values[self._row]
        self._row += 1
        spec.meter.requests += 1
        spec.meter.answered(0.0)
        return {
            s.tag: bad(Reason.SENSOR_FAILURE) if np.isnan(v) else judge_value(float(v), s.span)
            for s, v in zip(spec.profile.sensors, values, strict=True)
            if s.tag not in recording.missing
        }

    async def close(self) -> None:
        """Forget the recording."""
        if not self.lost.done():
            self.lost.set_result("closed")

    async def _end(self, recording: Recording) -> None:
        if not self._config.loop:
            text = f"the recording {self._config.file} has ended"
            self.lost.set_result(text)
            raise LinkFault("lost", Reason.NO_COMMUNICATION, text, "turn on repeat to play it again")
        # The pause before the repeat is the recording's usual spacing, so that the seam is no gap.
        spacing_s = float(np.median(np.diff(recording.time_s))) if recording.time_s.size > 1 else self._config.period_s
        length_s = recording.time_s[-1] - recording.time_s[0] + spacing_s
        self._started_s += length_s / self._config.speed
        self._row = 0
