"""Commands: the orders that go up to the engine as values."""

from dataclasses import dataclass

from pumpwatch_gui.domain.feedback import EpisodeFeedback
from pumpwatch_gui.domain.pump.profile import Limits


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Acknowledge one alarm."""

    alarm_id: str
    by: str


@dataclass(frozen=True, slots=True)
class SetLimits:
    """Replace the limits of one sensor of one pump, live. Saving them to the site file is the settings' affair."""

    pump_id: str
    tag: str
    limits: Limits
    by: str


@dataclass(frozen=True, slots=True)
class Record:
    """Write a line to the journal (settings saved, a note of the operator)."""

    text: str
    by: str
    pump_id: str = ""


@dataclass(frozen=True, slots=True)
class Rebaseline:
    """Take a pump's present running as its new normal."""

    pump_id: str
    by: str


@dataclass(frozen=True, slots=True)
class StartShadow:
    """Score a stored model beside a pump's active one; it raises no alarm."""

    pump_id: str
    version: str
    by: str


@dataclass(frozen=True, slots=True)
class StopShadow:
    """End the shadow of a pump."""

    pump_id: str
    by: str


@dataclass(frozen=True, slots=True)
class Promote:
    """Make a stored model the active one of a pump."""

    pump_id: str
    version: str
    by: str


@dataclass(frozen=True, slots=True)
class RollBack:
    """Go back to the model that was active before the last promotion."""

    pump_id: str
    by: str


@dataclass(frozen=True, slots=True)
class SetSensitivity:
    """Make a copy of a pump's active model with another sensitivity (1.0 tells most, 1.5 least) and promote it."""

    pump_id: str
    sensitivity: float
    by: str


@dataclass(frozen=True, slots=True)
class SetAdaptive:
    """Let a pump's threshold follow its running within bounds, or no longer."""

    pump_id: str
    on: bool
    by: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """Say whether an episode was right; who says so stands in it."""

    feedback: EpisodeFeedback


ModelCommand = Rebaseline | StartShadow | StopShadow | Promote | RollBack | SetSensitivity | SetAdaptive
Command = Acknowledge | SetLimits | Record | ModelCommand | Feedback
