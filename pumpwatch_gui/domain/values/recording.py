"""A recording: samples of one pump over time, from a file or from the history."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.domain.values.recording_format import Understanding


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Samples of one pump, oldest first.

    `time_s` (m,) float64 Unix seconds, strictly rising; `values` (m, n) float64 in the profile's order, NaN where the
    cell was empty or no finite number; `missing` are the profile's tags without a column (their values are all NaN);
    `notes` say in words what was dropped, moved or unreadable, with counts; `dropped` counts the rows of the file that
    are in no sample; `understood` is how a file was read, None for what came from no file. The arrays are read-only
    copies.
    """

    path: Path
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    dropped: int = 0
    understood: Understanding | None = None

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "time_s", "values")

    def remarks(self) -> tuple[str, ...]:
        """What people should know of it: what was dropped, moved or unreadable, and how a file was understood."""
        return (*self.notes, *((f"read as {self.understood.words()}",) if self.understood else ()))

    @property
    def empty_values(self) -> int:
        """How many values there are not, of the sensors that have a column."""
        return int(np.isnan(self.values).sum()) - len(self.missing) * self.time_s.size
