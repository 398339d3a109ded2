"""What a line may still bring: responses that were missed, or that come twice. Pure: times come in as arguments.

Without transaction ids a response that is late, or comes again, passes for that to another request of the same form.
The response time proves nothing where the response itself is late as well: two delays can look like no delay.
So a value is doubtful as long as a request of its form is owed a response, by whatever connection it may come.
"""

from collections import deque
from dataclasses import dataclass

from pumpwatch_gui.acquire.modbus.wire.exception_codes import EXCEPTION_BIT
from pumpwatch_gui.acquire.modbus.wire.response import Adu, Request
from pumpwatch_gui.domain.links.line_budget import LISTEN_S

OWED_S = 3.0
"""A response that has not come so long after its time-out hardly comes any more."""
LONGEST_OWED_S = 12.0
"""The same where responses came meanwhile that may belong to the requests before them, so that others are owed."""
COPY_S = 0.1
"""So soon after a response a second one of it may come."""
NEW_RESPONSES, NEW_LISTEN_S = 30, 0.05
"""As long as a line has brought fewer responses, it is listened for so long whether one comes again."""


@dataclass(slots=True)
class _Missed:
    """A request whose response may still come until `until_s`. `due_s`: when it was due at the latest."""

    request: Request
    due_s: float
    until_s: float
    has_come: bool = False


class Owed:
    """The account of one line; it goes from connection to connection. All times in s, of one monotonic clock."""

    def __init__(self) -> None:
        self._missed: deque[_Missed] = deque(maxlen=64)
        self._last: Request | None = None
        self._seen: deque[tuple[bytes, float]] = deque(maxlen=8)
        self._responses = 0
        self._repeat_s = 0.0

    def missed(self, request: Request, now_s: float, *, is_behind: bool = False) -> None:
        """The response to a request may still come; `is_behind`: that to another one came instead."""
        while self._missed and self._missed[0].until_s < now_s:
            self._missed.popleft()
        self._missed.append(_Missed(request, now_s, now_s + (LONGEST_OWED_S if is_behind else OWED_S)))

    def late_by(self, adu: Adu, now_s: float, *, by_id: bool) -> float | None:
        """By how much a frame that was not waited for is late; None when no request is owed it."""
        fitting = [m for m in self._missed if not m.has_come and _fits(adu, m.request, by_id=by_id)]
        is_copy = self._note_copy(adu, now_s)
        if not fitting:
            return None
        # An exception fits all requests of its function: of several it may be the response to any.
        if not is_copy and (len(fitting) == 1 or not adu.pdu[0] & EXCEPTION_BIT):
            fitting[0].has_come, fitting[0].until_s = True, now_s + COPY_S
        return now_s - fitting[0].due_s

    def responded(self, request: Request, adu: Adu, now_s: float, *, is_odd: bool) -> bool:
        """A frame was taken for the response to a request; whether it may be one that an earlier request missed.

        `is_odd`: it took another time than responses use to, so that its own is likely to be late as well.
        """
        self._last = request
        self._seen.append((adu.pdu, now_s))
        self._responses += 1
        if adu.pdu[0] & EXCEPTION_BIT:
            is_doubtful = any(m.until_s >= now_s and m.request.shape[:2] == request.shape[:2] for m in self._missed)
            if is_doubtful:  # then its own may still come
                self.missed(request, now_s)
            return is_doubtful
        owed = [m for m in self._missed if m.until_s >= now_s and m.request.shape == request.shape]
        for missed in owed if is_odd else ():
            missed.until_s = max(missed.until_s, min(now_s + OWED_S, missed.due_s + LONGEST_OWED_S))
        return bool(owed)

    def _note_copy(self, adu: Adu, now_s: float) -> bool:
        """Whether a frame is one that came just before."""
        ages_s = [now_s - seen_s for pdu, seen_s in self._seen if pdu == adu.pdu and now_s - seen_s <= COPY_S]
        self._seen.append((adu.pdu, now_s))
        if ages_s:
            self._repeat_s = max(0.9 * self._repeat_s, ages_s[-1])  # one delay of many soon fades
        return bool(ages_s)

    def is_owed(self, unit: int, function: int, count: int, now_s: float) -> bool:
        """Whether a response of such a shape may still come that belongs to a missed request."""
        return any(m.until_s >= now_s and m.request.shape == (unit, function, count) for m in self._missed)

    def gap_s(self, request: Request) -> float:
        """The silence before a request by which the last response, if it comes again, is not taken for the next."""
        if self._last is None or self._last.unit != request.unit:
            return 0.0
        if self._responses < NEW_RESPONSES:
            return max(NEW_LISTEN_S, LISTEN_S + self._repeat_s)
        return LISTEN_S + self._repeat_s if self._repeat_s else 0.0


def _fits(adu: Adu, request: Request, *, by_id: bool) -> bool:
    """Whether a frame may be the response to a request that missed its own."""
    if by_id:
        return adu.transaction == request.transaction
    if adu.unit != request.unit or adu.pdu[0] & ~EXCEPTION_BIT != request.function:
        return False
    is_exception = bool(adu.pdu[0] & EXCEPTION_BIT)
    return is_exception or adu.pdu[1:2] == bytes((request.size % 256,))
