"""The terminal of a run is a side output: a pipe that closes or a full disk behind it stops nothing."""

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from typing_extensions import override

log = logging.getLogger("pumpwatch")


@contextmanager
def side_streams() -> Iterator[None]:
    """Let nothing that is printed meanwhile, on standard output or standard error, raise."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (None if stream is None else SideStream(stream) for stream in before)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # or Python would do it at its end, and complain
        sys.stdout, sys.stderr = before


class SideStream(io.TextIOBase):
    """Passes text on to a stream, and gives it up for good at the first error: what follows goes to the null device."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_lost = False

    @override
    def write(self, text: str) -> int:
        if not self._is_lost:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:  # a ValueError, but only of this text: the terminal has no such character
                self.write(text.encode(self.encoding, "replace").decode(self.encoding))
            except (OSError, ValueError) as error:
                self._give_up(error)
        return len(text)

    @override
    def flush(self) -> None:
        if not self._is_lost:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)

    @override
    def fileno(self) -> int:
        return self._stream.fileno()

    @override
    def isatty(self) -> bool:
        return self._stream.isatty()

    @override
    def writable(self) -> bool:
        return True

    @property
    @override
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream."""
        return self._stream.encoding

    def _give_up(self, error: Exception) -> None:
        self._is_lost = True
        # What the stream still holds would fail once more at the end of the program: let it go to nowhere.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        log.warning("nothing more is printed on the terminal: %s", error)
