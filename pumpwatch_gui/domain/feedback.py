"""What people say of an episode: whether the alarm was right."""

from dataclasses import dataclass
from enum import Enum


class FeedbackVerdict(Enum):
    """Whether there was something wrong with the pump."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EpisodeFeedback:
    """One person's word on one episode of a pump, from `start_ns` to `end_ns` (Unix UTC).

    `given_ns` is when it was said (0: not yet stored). Raises ValueError for an end before the start.
    """

    pump_id: str
    start_ns: int
    end_ns: int
    verdict: FeedbackVerdict
    note: str = ""
    by: str = ""
    given_ns: int = 0

    def __post_init__(self) -> None:
        """Check the times."""
        if self.end_ns < self.start_ns:
            raise ValueError("end_ns: before start_ns")
