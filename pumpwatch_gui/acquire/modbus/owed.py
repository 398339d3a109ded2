"""What a line may still bring: responses that were missed, or that come twice. Pure: times come in as arguments.

Without transaction ids a response that is late, or comes again, passes for that to another request of the same form.
How long it took tells nothing, where the response itself is late as well: two lates make one that looks in time.
So a value is doubtful as long as a request of its form is owed a response, by whatever connection it may come.
"""

from collections import deque
from dataclasses import dataclass

from pumpwatch_gui.acquire.modbus.exception_codes import EXCEPTION_BIT
from pumpwatch_gui.acquire.modbus.response import Adu, Request
from pumpwatch_gui.domain.links.line_budget import LISTEN_S

OWED_S = 3.0
"""A response that has not come so long after its time-out hardly comes any more."""
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
        self._last_s = float("-inf")
        self._is_exception = False
        self._responses = 0
        self._repeat_s = 0.0

    def missed(self, request: Request, now_s: float) -> None:
        """The response to a request may still come."""
        while self._missed and self._missed[0].until_s < now_s:
            self._missed.popleft()
        self._missed.append(_Missed(request, now_s, now_s + OWED_S))

    def late_by(self, adu: Adu, now_s: float, *, by_id: bool) -> float | None:
        """By how much a frame that was not waited for is late; None when no request is owed it."""
        fitting = [m for m in self._missed if not m.has_come and _fits(adu, m.request, by_id=by_id)]
        may_be_copy = now_s - self._last_s <= COPY_S and self._last is not None and _fits(adu, self._last, by_id=by_id)
        if not fitting:
            if may_be_copy:
                self._repeat_s = max(0.9 * self._repeat_s, now_s - self._last_s)  # one delay of many soon fades
            return None
        # An exception fits all requests of its function: of several it may be the response to any.
        if not may_be_copy and (len(fitting) == 1 or not adu.pdu[0] & EXCEPTION_BIT):
            fitting[0].has_come, fitting[0].until_s = True, now_s + COPY_S
        return now_s - fitting[0].due_s

    def responded(self, request: Request, adu: Adu, now_s: float, *, is_odd: bool) -> bool:
        """A frame was taken for the response to a request; whether it may be one that an earlier request missed.

        `is_odd`: it took another time than responses use to.
        """
        self._last, self._last_s, self._is_exception = request, now_s, bool(adu.pdu[0] & EXCEPTION_BIT)
        self._responses += 1
        if self._is_exception:
            is_doubtful = any(m.until_s >= now_s and m.request.shape[:2] == request.shape[:2] for m in self._missed)
            if is_doubtful:  # then its own may still come
                self.missed(request, now_s)
            return is_doubtful
        owed = [m for m in self._missed if m.until_s >= now_s and m.request.shape == request.shape]
        for missed in owed if is_odd else ():
            missed.until_s = max(missed.until_s, min(now_s, missed.due_s + OWED_S) + OWED_S)
        return bool(owed)

    def is_owed(self, unit: int, function: int, count: int, now_s: float) -> bool:
        """Whether a response of such a shape may still come that belongs to a missed request."""
        return any(m.until_s >= now_s and m.request.shape == (unit, function, count) for m in self._missed)

    def gap_s(self, request: Request) -> float:
        """The silence before a request by which the last response, if it comes again, is not taken for the next."""
        last = self._last
        if last is None or last.unit != request.unit or not (self._is_exception or last.shape == request.shape):
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
