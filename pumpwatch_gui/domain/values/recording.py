"""A recording: samples of one pump over time, from a file or from the history."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.values.arrays import freeze_arrays


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Samples of one pump, oldest first.

    `time_s` (m,) float64 Unix seconds, strictly rising; `values` (m, n) float64 in the profile's order, NaN where the
    cell was empty or no finite number; `missing` are the profile's tags without a column (their values are all NaN);
    `notes` say in words what was dropped or unreadable, with counts. The arrays are read-only copies.
    """

    path: Path
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "time_s", "values")
