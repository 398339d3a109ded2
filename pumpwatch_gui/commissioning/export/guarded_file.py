"""A file for libraries that write: what it raised first is remembered, whatever they make of it."""

from typing import BinaryIO


class GuardedFile:
    """Passes on to a file until that fails; `error` is what it raised then, None before.

    After that what is written is dropped: an archive that was not closed is closed by the interpreter at any time
    later, when the file behind it is gone.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, content: bytes) -> int:
        """Write it. Raises OSError, once."""
        if self.error is not None:
            return len(content)
        try:
            return self._file.write(content)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Pass it on."""
        if self.error is None:
            self._file.flush()

    def seek(self, at: int, whence: int = 0) -> int:
        """Pass it on."""
        return self._file.seek(at, whence) if self.error is None else at

    def tell(self) -> int:
        """Pass it on."""
        return self._file.tell() if self.error is None else 0

    def seekable(self) -> bool:
        """Pass it on."""
        return self.error is None and self._file.seekable()
