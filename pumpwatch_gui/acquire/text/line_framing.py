"""A stream of bytes → whole lines. Pure: the same bytes give the same lines, however they were cut on the way."""

from collections import Counter

from pumpwatch_gui.acquire.text.refusal import DropReason

LONGEST = 1024
"""Bytes a line may have; of a longer one nothing is kept, up to its end: at a wrong speed there may be none at all."""


class LineFramer:
    """Cuts lines at CR, LF or CR LF. Empty lines do not count.

    What comes before the first end of line is dropped: the port may have been opened in the middle of a line.
    `dropped` counts by reason what never became a line. Never holds more than `LONGEST` bytes.
    """

    def __init__(self) -> None:
        self.dropped: Counter[DropReason] = Counter()
        self._rest = b""
        self._is_discarding = True
        self._saw_any = False
        self._is_first = True

    def feed(self, received: bytes) -> list[bytes]:
        """The lines that these bytes complete, without their ends."""
        # Arduino's println ends a line with CR LF, other devices with one of them: the empty line between is dropped.
        *ended, rest = received.replace(b"\r", b"\n").split(b"\n")
        lines = [line for piece in ended if (line := self._end(piece))]
        self._keep(rest)
        return lines

    @property
    def held(self) -> int:
        """Bytes of the line that has not ended yet."""
        return len(self._rest)

    def _end(self, piece: bytes) -> bytes:
        """The line that ends here; empty when there is none to keep."""
        self._keep(piece)
        line, self._rest = self._rest, b""
        if self._is_discarding and self._is_first and self._saw_any:
            self.dropped[DropReason.HALF_LINE] += 1
        self._is_discarding = self._is_first = False
        return line

    def _keep(self, piece: bytes) -> None:
        self._saw_any = self._saw_any or bool(piece)
        if self._is_discarding:
            return
        if len(self._rest) + len(piece) > LONGEST:
            self.dropped[DropReason.TOO_LONG] += 1
            self._rest, self._is_discarding = b"", True
            return
        self._rest += piece
