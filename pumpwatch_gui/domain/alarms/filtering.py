"""Which alarms of a list a person wants to see."""

import json
from dataclasses import asdict, dataclass

from pumpwatch_gui.domain.alarms.alarm import Alarm, Priority

PRIORITY_WORDS = {None: "all priorities", Priority.HIGH: "high", Priority.MEDIUM: "medium and above",
                  Priority.LOW: "low and above"}  # fmt: skip
"""What a filter of a least urgency is called."""


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Lets through the alarms with these words, of one pump ("" for all), as urgent as `priority` or more (None: all).

    `is_unacknowledged`: only those that wait for an acknowledgement.
    """

    words: str = ""
    pump_id: str = ""
    priority: Priority | None = None
    is_unacknowledged: bool = False

    def lets_through(self, alarm: Alarm) -> bool:
        """Whether an alarm is shown."""
        words = self.words.strip().casefold()
        return (
            (not self.pump_id or alarm.pump_id == self.pump_id)
            and (self.priority is None or alarm.priority <= self.priority)
            and (not self.is_unacknowledged or alarm.state.is_unacknowledged)
            and (not words or words in _searched(alarm).casefold())
        )

    @property
    def kinds(self) -> str:
        """What it lets through of priorities and states, in words; "" for all of them."""
        parts = [PRIORITY_WORDS[self.priority]] if self.priority is not None else []
        return ", ".join([*parts, *(["unacknowledged"] if self.is_unacknowledged else [])])

    def as_text(self) -> str:
        """What `filter_of_text` reads."""
        return json.dumps(asdict(self))


def _searched(alarm: Alarm) -> str:
    return f"{alarm.pump_id} {alarm.text} {alarm.by} {alarm.hidden_by} {alarm.reason}"


def filter_of_text(text: str) -> AlarmFilter | None:
    """The filter that `as_text` wrote; None for anything else."""
    try:
        kept = json.loads(text)
        priority = None if kept["priority"] is None else Priority(kept["priority"])
        if priority not in PRIORITY_WORDS:
            return None
        return AlarmFilter(str(kept["words"]), str(kept["pump_id"]), priority, bool(kept["is_unacknowledged"]))
    except (ValueError, KeyError, TypeError):
        return None
