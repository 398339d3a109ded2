"""What a link counts. Everything dropped is counted."""

from collections import Counter

from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.domain.station import Percentiles
from pumpwatch_gui.domain.values.latency import Latency

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
        self.hang_ups = 0
        self.late_responses = 0
        self.faults: Counter[FaultKind] = Counter()
        self.dropped: Counter[str] = Counter()
        self.exceptions: Counter[int] = Counter()
        self.last_error = ""
        self.last_advice = ""
        self.identity = ""
        self._remarks: list[LinkFault] = []
        self._latency = Latency(MAX_RESPONSE_TIMES)
        self._found, self._found_at = Percentiles(), 0

    def count_good(self, response_ms: float) -> None:
        """Count a good response."""
        self.good += 1
        self._latency.add(response_ms / 1e3)

    def count_fault(self, fault: LinkFault) -> None:
        """Count a fault and keep its message."""
        self.faults[fault.kind] += 1
        if fault.code:
            self.exceptions[fault.code] += 1
        self.keep_message(fault)

    def keep_message(self, fault: LinkFault) -> None:
        """Show a fault as the last error without counting it."""
        self.last_error, self.last_advice = fault.message, fault.advice

    def remark(self, fault: LinkFault) -> None:
        """Keep a fault of single values for the journal: the link itself stays online."""
        self._remarks.append(fault)

    def take_remarks(self) -> list[LinkFault]:
        """The remarks since the last call."""
        taken, self._remarks = self._remarks, []
        return taken

    def response_ms(self) -> tuple[float, float]:
        """p50 and p95 of the last 200 response times, NaN before the first; found again once a tenth of them is new.

        Every link is asked four times a second, and to sort them is a third of what judging 200 pumps takes.
        """
        good = self.good
        if good - self._found_at > min(good, MAX_RESPONSE_TIMES) // 10:
            self._found, self._found_at = self._latency.percentiles(), good
        return self._found.p50, self._found.p95
