"""Frame: the result of one scan over a pump's points."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.domain.values.quality import BAD_CODE, Quality, Reason


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """All sensors of one pump at one instant, each with its quality. A failed scan is a frame too (all BAD).

    What the engine hands on to judge and screen has the derived quantities of the profile behind its sensors.

    `values` (n,) float64 in the profile's units and order, NaN where BAD; `quality` (n,) uint8 of `Quality`;
    `reason` (n,) uint8 of `Reason`. `time_ns` is Unix UTC, `mono_ns` the monotonic clock at the answer.
    The arrays are read-only copies. Raises ValueError when the shapes differ or a BAD value is not NaN.
    """

    pump_id: str
    seq: int
    time_ns: int
    mono_ns: int
    values: NDArray[np.float64]
    quality: NDArray[np.uint8]
    reason: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Check the shapes and the law that a BAD value is NaN and any other is finite."""
        if not self.values.shape == self.quality.shape == self.reason.shape:
            raise ValueError(f"frame of {self.pump_id}: shapes differ")
        # `.any()` of so small an array takes four times as long.
        if 1 in (np.isfinite(self.values) == (self.quality == BAD_CODE)).tobytes():
            raise ValueError(f"frame of {self.pump_id}: BAD values must be NaN and all others finite")
        freeze_arrays(self, "values", "quality", "reason")

    @property
    def worst(self) -> Quality:
        """The worst quality among the bound sensors; BAD when none is bound."""
        return self.worst_of(self.values.size)

    def worst_of(self, sensors: int) -> Quality:
        """As `worst`, of the first so many values: derived ones may follow those of the sensors."""
        # In plain Python: with some ten sensors numpy takes five times as long, and each frame is looked at.
        pairs = zip(self.quality[:sensors].tolist(), self.reason[:sensors].tolist(), strict=True)
        return Quality(max((q for q, r in pairs if r != Reason.NOT_CONNECTED), default=Quality.BAD))

    @property
    def time_s(self) -> float:
        """Unix seconds."""
        return self.time_ns / 1e9


def bad_frame(pump_id: str, *, seq: int, time_ns: int, mono_ns: int, size: int, reason: Reason) -> Frame:
    """A frame of `size` sensors that are all BAD for one reason: what a failed scan yields."""
    return Frame(
        pump_id,
        seq,
        time_ns,
        mono_ns,
        np.full(size, np.nan),
        np.full(size, Quality.BAD, dtype=np.uint8),
        np.full(size, reason, dtype=np.uint8),
    )
