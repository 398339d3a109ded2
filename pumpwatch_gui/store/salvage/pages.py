"""The pages of a database file and of its write-ahead log, read as bytes: SQLite itself refuses a file that is broken.

The format is that of https://www.sqlite.org/fileformat2.html.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

PAGE_SIZE = 4096
"""That of every database of ours; believed before a header that may be broken."""
_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_MAGIC = 0x377F0682


class DamagedFile:
    """The newest committed version of every page that there is. Raises OSError when the file cannot be read.

    A page of the log takes the place of that of the file, up to the last frame that a commit closed and whose checksum
    is right: a frame that was half written would give values that were never measured.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        size = self._file.seek(0, 2)
        self.page_count = -(-size // PAGE_SIZE)
        """Pages of the file; the last may be cut."""
        wal = path.with_name(path.name + "-wal")
        self._wal = wal.open("rb") if wal.is_file() else None
        self._newer = self._committed_frames()
        self.last_page = max([self.page_count, *self._newer])

    def __enter__(self) -> "DamagedFile":
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the files."""
        self._file.close()
        if self._wal is not None:
            self._wal.close()

    def page(self, number: int) -> bytes:
        """Page `number` (1 is the first): shorter where the file is cut, nothing where the disk does not give it."""
        offset = self._newer.get(number)
        try:
            if offset is not None and self._wal is not None:
                self._wal.seek(offset)
                content = self._wal.read(PAGE_SIZE)
            else:
                self._file.seek((number - 1) * PAGE_SIZE)
                content = self._file.read(PAGE_SIZE)
        except OSError:  # a sector of the disk: the others can still be read
            return b""
        return content

    def _committed_frames(self) -> dict[int, int]:
        """Page number → where its newest committed version begins in the log."""
        if self._wal is None:
            return {}
        committed: dict[int, int] = {}
        open_frames: dict[int, int] = {}
        for number, is_commit, offset in self._frames():
            open_frames[number] = offset
            if is_commit:
                committed |= open_frames
                open_frames.clear()
        return committed

    def _frames(self) -> Iterator[tuple[int, bool, int]]:
        """Page number, whether it ends a commit, and where its content begins, of every frame that is whole."""
        assert self._wal is not None
        header = self._wal.read(_WAL_HEADER)
        if len(header) < _WAL_HEADER:
            return
        magic, _, page_size, _, salt_1, salt_2, *_ = struct.unpack(">8I", header)
        if magic | 1 != _WAL_MAGIC | 1 or page_size != PAGE_SIZE:
            return
        order = ">" if magic & 1 else "<"
        sums = _checksum(order, header[:24], (0, 0))
        offset = _WAL_HEADER
        while True:
            frame = self._wal.read(_FRAME_HEADER + PAGE_SIZE)
            if len(frame) < _FRAME_HEADER + PAGE_SIZE:
                return
            number, size, one, two, *expected = struct.unpack(">6I", frame[:_FRAME_HEADER])
            sums = _checksum(order, frame[_FRAME_HEADER:], _checksum(order, frame[:8], sums))
            if (one, two) != (salt_1, salt_2) or list(sums) != expected or not number:
                return
            yield number, size > 0, offset + _FRAME_HEADER
            offset += _FRAME_HEADER + PAGE_SIZE


def _checksum(order: str, content: bytes, before: tuple[int, int]) -> tuple[int, int]:
    one, two = before
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for x, y in zip(words[::2], words[1::2], strict=True):
        one = (one + x + two) & 0xFFFFFFFF
        two = (two + y + one) & 0xFFFFFFFF
    return one, two
