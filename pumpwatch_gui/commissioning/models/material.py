"""What a model is made of or tested on: a span of a pump's history, or recordings in files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.domain.wording import minute
from pumpwatch_gui.files.recordings.reading import AS_FOUND, read_recording

PREVIEW_ROWS = 2000
SHOWN_ROWS = 12


@dataclass(frozen=True, slots=True)
class Material:
    """A span of a pump's history (Unix UTC ns), or `files` instead, read as `choices` say."""

    pump: PumpSettings
    start_ns: int
    end_ns: int
    files: tuple[Path, ...] = ()
    choices: FormatChoices = AS_FOUND

    def read(self, station: Station) -> list[Recording]:
        """The recordings, oldest first. Blocks. Raises InputError for what cannot be read or is empty."""
        if self.files:
            return [read_recording(path, self.pump.profile, self.choices) for path in self.files]
        if self.end_ns <= self.start_ns:
            raise InputError("the span ends before it begins", "choose a later end")
        history = station.history
        return [history.recording(self.pump.pump_id, self.pump.profile, start_ns=self.start_ns, end_ns=self.end_ns)]

    @property
    def words(self) -> str:
        """What it is, for the journal."""
        if self.files:
            return ", ".join(path.name for path in self.files)
        return f"{minute(self.start_ns)} to {minute(self.end_ns)}"


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """The first samples of a file: how it was understood, what there is to tell, times (m,) Unix s, values (m, n)."""

    words: str
    notes: tuple[str, ...]
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "time_s", "values")


def preview(path: Path, profile: PumpProfile, choices: FormatChoices) -> Preview:
    """The first samples of a file, from its first 2,000 rows. Blocks. Raises InputError as reading it whole would."""
    found = read_recording(path, profile, choices, most_rows=PREVIEW_ROWS)
    words = found.understood.words() if found.understood else ""
    return Preview(f"Read as {words}", found.notes, found.time_s[:SHOWN_ROWS], found.values[:SHOWN_ROWS])
