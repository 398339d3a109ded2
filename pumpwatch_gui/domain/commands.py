"""Commands: the orders that go up to the engine as values."""

from dataclasses import dataclass

from pumpwatch_gui.domain.profile import Limits


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


Command = Acknowledge | SetLimits | Record
