"""Which alarm sound starts when: it repeats until acknowledged or silenced, and a new alarm sounds again."""

from collections.abc import Iterable
from math import inf

from pumpwatch_gui.domain.alarms.alarm import Alarm, Priority

REPEAT_S = {Priority.HIGH: 3.0, Priority.MEDIUM: 8.0, Priority.LOW: 20.0}
"""Faster is more urgent; what is not here has no sound (diagnostic alarms)."""
LEAST_S = 1.0
"""No sound starts sooner after another: in a flood they would run into one."""

Key = tuple[str, int]


class Sounding:
    """What should sound, from the announced alarms as they are now.

    Silence is not acknowledge: it quiets the alarms that are there, until one of them is more urgent than it was then,
    or is acknowledged and announced again.
    """

    def __init__(self) -> None:
        self._seen: tuple[Alarm, ...] | None = None
        self._waiting: dict[Key, Priority] = {}
        self._silenced: dict[Key, Priority] = {}
        self._heard: dict[Key, Priority] = {}
        self._last_s = -inf
        self.audible: Priority | None = None
        """The most urgent priority that sounds; None while all is quiet."""

    @property
    def is_silenced(self) -> bool:
        """Whether there is an alarm that would sound had it not been silenced, and none that sounds."""
        return bool(self._waiting) and self.audible is None

    def silence(self) -> None:
        """Quiet every alarm that was there when `due` was asked last."""
        self._silenced = dict(self._waiting)
        self.audible = None

    def due(self, alarms: Iterable[Alarm], now_s: float) -> Priority | None:
        """The sound to start at a time (seconds of a clock that never goes back), None for none now."""
        alarms = tuple(alarms)  # of a tuple that is the tuple itself
        if alarms is not self._seen:
            self._seen = alarms
            self._waiting = {
                (a.alarm_id, a.raised_ns): a.priority
                for a in alarms
                if a.state.is_unacknowledged and a.priority in REPEAT_S
            }
            self._silenced = {key: p for key, p in self._silenced.items() if key in self._waiting}
            self._heard = {key: p for key, p in self._heard.items() if key in self._waiting}
            self.audible = min((p for key, p in self._waiting.items() if self._is_loud(key, p)), default=None)
        audible = self.audible
        if audible is None or now_s - self._last_s < LEAST_S:
            return None
        loud = {key: p for key, p in self._waiting.items() if self._is_loud(key, p)}
        is_new = any(p < self._heard.get(key, inf) for key, p in loud.items())
        if not is_new and now_s - self._last_s < REPEAT_S[audible]:
            return None
        self._heard |= loud
        self._last_s = now_s
        return audible

    def _is_loud(self, key: Key, priority: Priority) -> bool:
        """Whether an alarm was not silenced, or was at a lesser priority."""
        return priority < self._silenced.get(key, inf)
