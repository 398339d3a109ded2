"""What a link counts. Everything dropped is counted."""

from collections import Counter, deque

from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault

MAX_RESPONSE_TIMES = 200


class LinkMeter:
    """The counters of one link. Written by the links thread, read by any.

    `dropped` counts by its reason what never became a response or a line.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.good = 0
        self.frames = 0
        self.reconnects = 0
        self.missed_scans = 0
        self.late_responses = 0
        self.faults: Counter[FaultKind] = Counter()
        self.dropped: Counter[str] = Counter()
        self.exceptions: Counter[int] = Counter()
        self.last_error = ""
        self.last_advice = ""
        self.identity = ""
        self._response_times_ms: deque[float] = deque(maxlen=MAX_RESPONSE_TIMES)

    def count_good(self, response_ms: float) -> None:
        """Count a good response."""
        self.good += 1
        self._response_times_ms.append(response_ms)

    def count_fault(self, fault: LinkFault) -> None:
        """Count a fault and keep its message."""
        self.faults[fault.kind] += 1
        if fault.code:
            self.exceptions[fault.code] += 1
        self.keep_message(fault)

    def keep_message(self, fault: LinkFault) -> None:
        """Show a fault as the last error without counting it."""
        self.last_error, self.last_advice = fault.message, fault.advice

    def response_ms(self) -> tuple[float, float]:
        """p50 and p95 of the last 200 response times, NaN before the first."""
        # One call, which nothing can interrupt: a loop over the deque would raise RuntimeError when the links thread
        # appends meanwhile.
        times = sorted(self._response_times_ms)
        if not times:
            return float("nan"), float("nan")
        return times[len(times) // 2], times[int(0.95 * (len(times) - 1))]
