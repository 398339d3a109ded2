"""What looks wrong about a pump's readings, and what to try."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlausibilityFinding:
    """One thing that looks wrong at commissioning.

    `kind` names the check, `tags` the sensors it is about. `what` holds the figure; `cause` is the likely one;
    `advice` is what to try. `is_certain`: no sound pump can read like this, whatever its kind.
    """

    kind: str
    tags: tuple[str, ...]
    what: str
    cause: str
    advice: str
    is_certain: bool = False
