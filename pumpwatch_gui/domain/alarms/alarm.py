"""Alarms and the pure table of their states (ISA-18.2, all nine)."""

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
    LATCHED_UNACKNOWLEDGED = "latched, unacknowledged"  # E
    LATCHED = "latched, acknowledged"  # F
    SHELVED = "shelved"  # G
    SUPPRESSED = "suppressed by design"  # H
    OUT_OF_SERVICE = "out of service"  # I

    @property
    def is_active(self) -> bool:
        """Whether it is announced and its condition holds (B, C); what is hidden says so itself (`Alarm.holds`)."""
        return self in (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)

    @property
    def is_unacknowledged(self) -> bool:
        """Whether it waits for a person to acknowledge it."""
        return self in (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED, AlarmState.LATCHED_UNACKNOWLEDGED)

    @property
    def is_announced(self) -> bool:
        """Whether it is on the operator's list: neither normal nor hidden."""
        return self is not AlarmState.NORMAL and not self.is_hidden

    @property
    def is_hidden(self) -> bool:
        """Whether it is kept from the operator's list, by a person or by logic (G, H, I)."""
        return self in (AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE)


class Stimulus(Enum):
    """What can move an alarm."""

    RAISED = "raised"
    RESUMED = "raised again in the same episode"
    NEW_LEVEL = "at a new level"
    RETURNED = "returned to normal"
    ACKNOWLEDGED = "acknowledged"
    RESET = "reset"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SHELF_ENDED = "the time on the shelf is over"
    SUPPRESSED = "suppressed by design"
    RELEASED = "no longer suppressed by design"
    TAKEN_OUT = "taken out of service"
    PUT_BACK = "returned to service"


TRANSITIONS = {
    (AlarmState.NORMAL, Stimulus.RAISED): AlarmState.UNACKNOWLEDGED,
    (AlarmState.UNACKNOWLEDGED, Stimulus.ACKNOWLEDGED): AlarmState.ACKNOWLEDGED,
    (AlarmState.UNACKNOWLEDGED, Stimulus.RETURNED): AlarmState.RETURNED,
    (AlarmState.ACKNOWLEDGED, Stimulus.RETURNED): AlarmState.NORMAL,
    (AlarmState.RETURNED, Stimulus.ACKNOWLEDGED): AlarmState.NORMAL,
    (AlarmState.RETURNED, Stimulus.RAISED): AlarmState.UNACKNOWLEDGED,
    (AlarmState.LATCHED_UNACKNOWLEDGED, Stimulus.ACKNOWLEDGED): AlarmState.LATCHED,
    (AlarmState.LATCHED_UNACKNOWLEDGED, Stimulus.RAISED): AlarmState.UNACKNOWLEDGED,
    (AlarmState.LATCHED, Stimulus.RESET): AlarmState.NORMAL,
    (AlarmState.LATCHED, Stimulus.RAISED): AlarmState.ACKNOWLEDGED,
    # What was acknowledged as a passing trouble is asked about again once it is there to stay.
    (AlarmState.ACKNOWLEDGED, Stimulus.NEW_LEVEL): AlarmState.UNACKNOWLEDGED,
    # Practice, not the standard: an episode that flickers is announced once, and acknowledged once.
    (AlarmState.RETURNED, Stimulus.RESUMED): AlarmState.UNACKNOWLEDGED,
    (AlarmState.NORMAL, Stimulus.RESUMED): AlarmState.ACKNOWLEDGED,
    (AlarmState.LATCHED_UNACKNOWLEDGED, Stimulus.RESUMED): AlarmState.UNACKNOWLEDGED,
    (AlarmState.LATCHED, Stimulus.RESUMED): AlarmState.ACKNOWLEDGED,
}
"""What moves an alarm that is announced. The conditional ones are in `next_state`."""

LATCHES = {
    AlarmState.UNACKNOWLEDGED: AlarmState.LATCHED_UNACKNOWLEDGED,
    AlarmState.ACKNOWLEDGED: AlarmState.LATCHED,
}
HIDES = {
    Stimulus.SHELVED: AlarmState.SHELVED,
    Stimulus.SUPPRESSED: AlarmState.SUPPRESSED,
    Stimulus.TAKEN_OUT: AlarmState.OUT_OF_SERVICE,
}
SHOWS = {
    (AlarmState.SHELVED, Stimulus.UNSHELVED): AlarmState.ACKNOWLEDGED,  # 11.7.3: by hand, so it has been seen
    (AlarmState.SHELVED, Stimulus.SHELF_ENDED): AlarmState.UNACKNOWLEDGED,
    (AlarmState.SUPPRESSED, Stimulus.RELEASED): AlarmState.UNACKNOWLEDGED,
    (AlarmState.OUT_OF_SERVICE, Stimulus.PUT_BACK): AlarmState.UNACKNOWLEDGED,
}
"""What a hidden alarm becomes when its condition still holds; without it, NORMAL."""


def next_state(
    state: AlarmState, stimulus: Stimulus, *, holds: bool = False, is_latching: bool = False, is_one_shot: bool = False
) -> AlarmState:
    """The state after a stimulus (ISA-18.2); one that does not apply leaves it as it is.

    `holds`: whether the condition of a hidden alarm holds. `is_latching`: a return to normal waits for a reset.
    `is_one_shot`: an alarm on the shelf leaves it with its return to normal.
    """
    if state.is_hidden:
        if stimulus is Stimulus.TAKEN_OUT:
            return AlarmState.OUT_OF_SERVICE
        if state is AlarmState.SHELVED and stimulus is Stimulus.RETURNED and is_one_shot:
            return AlarmState.NORMAL
        shown = SHOWS.get((state, stimulus))
        return state if shown is None else shown if holds else AlarmState.NORMAL
    if stimulus in HIDES:
        # Stricter than the standard: logic never hides what no one has seen, such as the alarm that tripped the pump.
        is_seen = stimulus is not Stimulus.SUPPRESSED or state in (AlarmState.NORMAL, AlarmState.ACKNOWLEDGED)
        return HIDES[stimulus] if is_seen else state
    if is_latching and stimulus is Stimulus.RETURNED:
        return LATCHES.get(state, state)
    return TRANSITIONS.get((state, stimulus), state)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it is now. `alarm_id` is `PUMP/source` (`P-101/bearing_temperature_c.high_high`).

    `value` and `limit` are in `unit`; NaN where there is none (a lost link). `raised_ns` and `changed_ns` are Unix UTC
    (`raised_ns`: when the condition had persisted for the on-delay). `by` is who acknowledged, "" before that.
    `is_latching`: its return to normal waits for a reset. While it is hidden, `holds_hidden` is whether its condition
    holds, `hidden_by` and `reason` who hid it and why, `until_ns` when it leaves the shelf (0: not by time) and
    `is_one_shot` whether it does so with its return to normal.
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
    is_latching: bool = False
    holds_hidden: bool = False
    hidden_by: str = ""
    reason: str = ""
    until_ns: int = 0
    is_one_shot: bool = False

    @property
    def source(self) -> str:
        """What of the pump it is about: the id without the pump."""
        return self.alarm_id.removeprefix(self.pump_id + "/")

    @property
    def holds(self) -> bool:
        """Whether its condition holds, announced or not."""
        return self.holds_hidden if self.state.is_hidden else self.state.is_active


_ORDER = {state: place for place, state in enumerate((
    AlarmState.UNACKNOWLEDGED, AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.LATCHED,
    AlarmState.RETURNED, AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE, AlarmState.NORMAL,
))}  # fmt: skip


def by_rank(alarm: Alarm) -> tuple[int, int, int, str]:
    """The order of the operator's list: by priority, then what waits for a person, then the newest."""
    return alarm.priority, _ORDER[alarm.state], -alarm.raised_ns, alarm.alarm_id


@dataclass(frozen=True, slots=True)
class AlarmSignal:
    """What a judge found on one alarm source of a pump at one instant: what the desk takes.

    `source` is `tag.high_high`, `link.1` or `anomaly`; `tag` "" where no sensor is meant; `value` and `limit` in
    `unit`, NaN where there is none. `is_latching`: the return to normal waits for a reset.
    """

    source: str
    tag: str
    priority: Priority
    text: str
    value: float
    limit: float
    unit: str
    stimulus: Stimulus
    is_latching: bool = False

    @property
    def is_raised(self) -> bool:
        """Whether an alarm came up (an episode that goes on is not another alarm)."""
        return self.stimulus is Stimulus.RAISED
