"""MinMax scaling as the original system had it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.values.arrays import freeze_arrays


@dataclass(frozen=True, slots=True, eq=False)
class MinMax:
    """x → (x - low) / (high - low) for each sensor (n,), float64. Values outside the trained range leave 0 to 1.

    A sensor that was constant in training has high = low + 1 unit of what it measures (no division by zero).
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "low", "high")

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scaled values (…, n)."""
        scaled: NDArray[np.float64] = (values - self.low) / (self.high - self.low)
        return scaled

    def to_json(self) -> dict[str, list[float]]:
        """As stored in a manifest."""
        return {"low": self.low.tolist(), "high": self.high.tolist()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], *, sensors: int) -> "MinMax":
        """The inverse of `to_json`; raises ValueError when the sizes do not fit or a range is empty."""
        low, high = floats(content["low"], sensors), floats(content["high"], sensors)
        if not (high > low).all():
            raise ValueError("the range of a sensor is empty")
        return cls(low, high)


def floats(values: Sequence[float], size: int) -> NDArray[np.float64]:
    """A list of a manifest as an array (size,); raises ValueError when it has another size or is not finite."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (size,) or not np.isfinite(array).all():
        raise ValueError(f"{size} finite numbers are needed")
    return array
