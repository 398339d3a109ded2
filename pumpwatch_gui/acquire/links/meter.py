"""What a link counts. Everything dropped is counted."""

from collections import Counter, deque

from pumpwatch_gui.domain.errors import LinkError
from pumpwatch_gui.domain.values.quality import Reason

ANSWERED_WRONGLY = frozenset({"refused", "length", "crc"})
"""Kinds of fault in which an answer came that could not be used."""


class LinkFault(LinkError):  # noqa: N818 - a fault of the world, in the words of the field
    """A scan or a connection that failed. `reason` becomes the quality of the values.

    `kind` is what the counters count: connect, certificate, config, lost, timeout, refused, length (a
    short or long answer), crc or exception (then `code` is set).
    """

    def __init__(self, kind: str, reason: Reason, message: str, advice: str = "", *, code: int = 0) -> None:
        super().__init__(message, advice)
        self.kind = kind
        self.reason = reason
        self.code = code


class LinkMeter:
    """The counters of one link. Written by the links thread, read by any."""

    def __init__(self) -> None:
        self.requests = 0
        self.good = 0
        self.frames = 0
        self.reconnects = 0
        self.missed_scans = 0
        self.late_answers = 0
        self.faults: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()  # what never became an answer or a line, by its kind
        self.exceptions: Counter[int] = Counter()
        self.last_error = ""
        self.last_advice = ""
        self.identity = ""
        self._answers_ms: deque[float] = deque(maxlen=200)

    def answered(self, answer_ms: float) -> None:
        """Count a good answer."""
        self.good += 1
        self._answers_ms.append(answer_ms)

    def faulted(self, fault: LinkFault) -> None:
        """Count a fault and keep its words."""
        self.faults[fault.kind] += 1
        if fault.code:
            self.exceptions[fault.code] += 1
        self.last_error, self.last_advice = fault.message, fault.advice

    def answer_ms(self) -> tuple[float, float]:
        """p50 and p95 of the last 200 answers, NaN before the first."""
        times = sorted(self._answers_ms)
        if not times:
            return float("nan"), float("nan")
        return times[len(times) // 2], times[int(0.95 * (len(times) - 1))]
