"""Alarms and the pure table of their states (ISA-18.2 states A to D; the names leave room for the rest)."""

from dataclasses import dataclass
from enum import Enum, IntEnum


class Priority(IntEnum):
    """The operator's urgency, 1 first."""

    HIGH = 1
    MEDIUM = 2
    LOW = 3
    DIAGNOSTIC = 4


class AlarmState(Enum):
    """The state of an alarm (letters after ISA-18.2)."""

    NORMAL = "normal"  # A
    UNACKNOWLEDGED = "unacknowledged"  # B
    ACKNOWLEDGED = "acknowledged"  # C
    RETURNED = "returned, unacknowledged"  # D

    @property
    def is_active(self) -> bool:
        """Whether the condition holds."""
        return self in (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)

    @property
    def is_unacknowledged(self) -> bool:
        """Whether it waits for somebody to acknowledge it."""
        return self in (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED)


class Stimulus(Enum):
    """What can move an alarm."""

    RAISED = "raised"
    RESUMED = "raised again in the same episode"
    STANDS = "stands until somebody answers"
    RETURNED = "returned to normal"
    ACKNOWLEDGED = "acknowledged"


TRANSITIONS = {
    (AlarmState.NORMAL, Stimulus.RAISED): AlarmState.UNACKNOWLEDGED,
    (AlarmState.UNACKNOWLEDGED, Stimulus.ACKNOWLEDGED): AlarmState.ACKNOWLEDGED,
    (AlarmState.UNACKNOWLEDGED, Stimulus.RETURNED): AlarmState.RETURNED,
    (AlarmState.ACKNOWLEDGED, Stimulus.RETURNED): AlarmState.NORMAL,
    (AlarmState.RETURNED, Stimulus.ACKNOWLEDGED): AlarmState.NORMAL,
    (AlarmState.RETURNED, Stimulus.RAISED): AlarmState.UNACKNOWLEDGED,
    # What was acknowledged as a passing trouble is asked about again once it is there to stay.
    (AlarmState.ACKNOWLEDGED, Stimulus.STANDS): AlarmState.UNACKNOWLEDGED,
    # Practice, not the standard: an episode that flickers is announced once, and acknowledged once.
    (AlarmState.RETURNED, Stimulus.RESUMED): AlarmState.UNACKNOWLEDGED,
    (AlarmState.NORMAL, Stimulus.RESUMED): AlarmState.ACKNOWLEDGED,
}
"""Every transition there is; a pair that is not listed leaves the state as it is."""


def next_state(state: AlarmState, stimulus: Stimulus) -> AlarmState:
    """The state after a stimulus (ISA-18.2 transitions A→B, B→C, B→D, C→A, D→A, D→B)."""
    return TRANSITIONS.get((state, stimulus), state)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it is now. `alarm_id` is `PUMP/source` (`P-101/bearing_temperature_c.high_high`).

    `value` and `limit` are in `unit`; NaN where there is none (a lost link). `raised_ns` and `changed_ns` are Unix UTC
    (`raised_ns`: when the condition had persisted for the on-delay). `by` is who acknowledged, "" before that.
    """

    alarm_id: str
    pump_id: str
    tag: str
    priority: Priority
    text: str
    state: AlarmState
    value: float
    limit: float
    unit: str
    raised_ns: int
    changed_ns: int
    by: str = ""


@dataclass(frozen=True, slots=True)
class AlarmSignal:
    """What a judge found on one alarm source of a pump at one instant: what the desk takes.

    `source` is `tag.high_high`, `link.1` or `anomaly`; `tag` "" where no sensor is meant; `value` and `limit` in
    `unit`, NaN where there is none.
    """

    source: str
    tag: str
    priority: Priority
    text: str
    value: float
    limit: float
    unit: str
    stimulus: Stimulus

    @property
    def is_raised(self) -> bool:
        """Whether an alarm came up (an episode that goes on is not another alarm)."""
        return self.stimulus is Stimulus.RAISED
