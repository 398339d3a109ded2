"""Readings: a piece of what is stored of a pump, value by value with its quality, and which pumps there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS, PumpProfile
from pumpwatch_gui.domain.values.arrays import freeze_arrays

SCORE_TAG = "anomaly_score"
"""The tag of the anomaly score wherever a quantity of a pump is named by its tag."""
NOT_RECORDED = np.uint8(255)
"""In place of a quality: the pump had no such quantity then."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Some quantities of a pump, oldest first, as they were stored: nothing is thinned or left out.

    `time_ms` (m,) int64 Unix UTC; `values` (m, n) float64, NaN where one is BAD or there is none; `quality` (m, n)
    uint8 of `Quality`, or `NOT_RECORDED`.
    """

    time_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    quality: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "time_ms", "values", "quality")


@dataclass(frozen=True, slots=True)
class RecordedPump:
    """A pump that the history has. `former_tags` were recorded once and are no longer in the profile.

    `first_ns` and `last_ns` (Unix UTC) are the ends of the whole history, 0 while it is empty: those of one pump among
    many are not found at once.
    """

    pump_id: str
    name: str
    profile: PumpProfile
    former_tags: tuple[str, ...] = ()
    first_ns: int = 0
    last_ns: int = 0
    area: str = ""
    duty: str = ""


@dataclass(frozen=True, slots=True)
class RecordedSite:
    """The site as the history keeps it, with its pumps in order, as it was judged at `noted_ns` (Unix UTC).

    `noted_ns` is 0 in a history of before this was kept: then the name is "" and the pumps are all that ever were.
    """

    name: str
    currency: str
    noted_ns: int
    pumps: tuple[RecordedPump, ...]


ORIGINAL_TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sensor_readings": ("id", "timestamp", *STANDARD_TAGS, "machine_status", "pump_id"),
        "anomaly_detections": (
            "id", "reading_id", "is_anomaly", "reconstruction_loss", "threshold", "sensor_states",
            "sensor_anomaly_counts", "pump_id",
        ),
        "maintenance_events": (
            "id", "event_type", "severity", "sensor_name", "estimated_cost", "resolved", "timestamp", "pump_id",
        ),
    }
)  # fmt: skip
"""The three tables of the original system with its columns, and after them what it did not have: time and pump.

`timestamp` is Unix milliseconds UTC, `is_anomaly` and `resolved` are booleans, `sensor_states` and
`sensor_anomaly_counts` JSON objects by tag.
"""
