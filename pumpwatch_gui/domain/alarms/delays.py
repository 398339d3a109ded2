"""On-delay and off-delay: a condition counts only after it has held, and is over only after it has stayed away."""

from dataclasses import dataclass

from pumpwatch_gui.domain.alarms.alarm import Stimulus


@dataclass(slots=True)
class OnOffDelay:
    """The on-delay and off-delay of one condition, driven by monotonic nanoseconds.

    `update` takes whether the condition is over its limit, and whether it is clear of it (back by the deadband).
    Between the two (neither) no delay runs. Time that could not be judged (a BAD value, no score) freezes `active`;
    do not call `update` for it. Call `restart` when it lasted: a delay must not run through a gap.
    """

    on_delay_ns: int
    off_delay_ns: int
    active: bool = False
    _since_ns: int | None = None

    @property
    def is_running(self) -> bool:
        """Whether a delay has begun that has not yet passed."""
        return self._since_ns is not None

    def restart(self) -> None:
        """Let a delay that has begun count from its next sample; `active` stays."""
        self._since_ns = None

    def update(self, mono_ns: int, *, over: bool, clear: bool) -> Stimulus | None:
        """RAISED or RETURNED at the instant the delay has passed, else None."""
        if over == self.active or (self.active and not clear):
            self._since_ns = None
            return None
        if self._since_ns is None:
            self._since_ns = mono_ns
        delay_ns = self.off_delay_ns if self.active else self.on_delay_ns
        if mono_ns - self._since_ns < delay_ns:
            return None
        self.active, self._since_ns = over, None
        return Stimulus.RAISED if over else Stimulus.RETURNED
