"""What a model is made of or tested on: a span of a pump's history, or recordings in files."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.files.recordings.reading import read_recording


@dataclass(frozen=True, slots=True)
class Material:
    """A span of a pump's history (Unix UTC ns), or `files` instead."""

    pump: PumpSettings
    start_ns: int
    end_ns: int
    files: tuple[Path, ...] = ()

    def read(self, station: Station) -> list[Recording]:
        """The recordings, oldest first. Blocks. Raises InputError for what cannot be read or is empty."""
        if self.files:
            return [read_recording(path, self.pump.profile) for path in self.files]
        if self.end_ns <= self.start_ns:
            raise InputError("the span ends before it begins", "choose a later end")
        history = station.history
        return [history.recording(self.pump.pump_id, self.pump.profile, start_ns=self.start_ns, end_ns=self.end_ns)]

    @property
    def words(self) -> str:
        """What it is, for the journal."""
        if self.files:
            return ", ".join(path.name for path in self.files)
        start, end = (f"{datetime.fromtimestamp(ns / 1e9):%Y-%m-%d %H:%M}" for ns in (self.start_ns, self.end_ns))
        return f"{start} to {end}"
