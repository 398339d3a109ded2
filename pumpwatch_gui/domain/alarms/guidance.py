"""The guidance for an alarm (ISA-18.2: cause, consequence, corrective action, time to respond)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Guidance:
    """The row for alarms of a source, `*` in `alarm` standing for any text; the actions in their order."""

    alarm: str
    cause: str
    consequence: str
    action: tuple[str, ...]
    respond_min: float


def guidance_for(source: str, rows: Sequence[Guidance]) -> Guidance | None:
    """The most exact row for a source (`bearing_temperature_c.high`), the first of equals; None where none fits."""
    fitting = [row for row in rows if fnmatchcase(source, row.alarm)]
    return max(fitting, key=lambda row: ("*" not in row.alarm, len(row.alarm)), default=None)
