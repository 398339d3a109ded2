"""Episodes: from scores to an alarm that comes late enough to be meant and goes late enough not to chatter."""

from dataclasses import dataclass

ON_AFTER_S = 5.0
OFF_BELOW = 0.85
MERGE_S = 30.0


@dataclass(slots=True)
class Persistence:
    """0 or 1 from scores in limit units: on after `on_after_s` above 1.0, off below `off_below`.

    Driven by monotonic nanoseconds. Between scores it stands still, but `unscored` ends an alarm that nobody could
    confirm for `forget_s`; `reset` it when the pump stops.
    """

    on_after_s: float = ON_AFTER_S
    off_below: float = OFF_BELOW
    forget_s: float = MERGE_S
    is_on: bool = False
    _since_ns: int | None = None
    _scored_ns: int = 0

    def update(self, mono_ns: int, score: float) -> bool:
        """The alarm after this score."""
        self._scored_ns = mono_ns
        if self.is_on:
            self.is_on = score >= self.off_below
        elif score > 1.0:
            self._since_ns = mono_ns if self._since_ns is None else self._since_ns
            self.is_on = mono_ns - self._since_ns >= self.on_after_s * 1e9
        if self.is_on or score <= 1.0:
            self._since_ns = None
        return self.is_on

    def unscored(self, mono_ns: int) -> bool:
        """The alarm at an instant without a score."""
        if mono_ns - self._scored_ns > self.forget_s * 1e9:
            self.reset()
        return self.is_on

    def reset(self) -> None:
        """Off, and nothing counted."""
        self.is_on, self._since_ns = False, None


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch in alarm, monotonic nanoseconds, `peak` the highest score in it."""

    start_ns: int
    end_ns: int
    peak: float


class Episodes:
    """Collects episodes; those less than `merge_s` apart are one."""

    def __init__(self, merge_s: float = MERGE_S) -> None:
        self._merge_ns = round(merge_s * 1e9)
        self._closed: list[Episode] = []
        self._open: Episode | None = None

    def update(self, mono_ns: int, score: float, *, is_on: bool) -> None:
        """Take in the alarm's state at an instant."""
        current = self._open
        if is_on:
            if current is not None and mono_ns - current.end_ns > self._merge_ns:
                self._closed.append(current)
                current = None
            start_ns, peak = (mono_ns, score) if current is None else (current.start_ns, max(current.peak, score))
            self._open = Episode(start_ns, mono_ns, peak)

    @property
    def all(self) -> tuple[Episode, ...]:
        """Every episode so far, the one still open last."""
        return (*self._closed, *((self._open,) if self._open else ()))
