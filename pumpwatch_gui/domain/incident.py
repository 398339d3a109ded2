"""An incident file: a stretch of the history of some pumps, in one file that opens in a review."""

from dataclasses import dataclass
from typing import Final

SUFFIX: Final = ".pwincident"


@dataclass(frozen=True, slots=True)
class IncidentSpan:
    """What is wanted of a history: these pumps from `start_ns` to `end_ns` (Unix UTC)."""

    pump_ids: tuple[str, ...]
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Incident:
    """What an incident file holds: these pumps from `start_ns` to `end_ns`, as it was written at `made_ns` (Unix UTC).

    `readings` and `lines` (of the journal) are those in it, with what is needed of before to show its beginning.
    """

    station: str
    pump_ids: tuple[str, ...]
    start_ns: int
    end_ns: int
    made_ns: int
    program: str
    readings: int
    lines: int
