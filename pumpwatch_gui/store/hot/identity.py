"""Whether an open database is still the file that bears its name.

SQLite does not look: it goes on writing into a file that was deleted, renamed or replaced, and calls it committed.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from pumpwatch_gui.domain.errors import StoreError

_Id = tuple[int, int] | None


class LostFileError(StoreError):
    """What was written went into a file that no longer bears the name. `is_log`: only the write-ahead log did."""

    def __init__(self, message: str, advice: str, *, is_log: bool) -> None:
        super().__init__(message, advice)
        self.is_log = is_log


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Device and inode of a database and of its write-ahead log."""

    path: Path
    database: _Id
    log: _Id

    @classmethod
    def of(cls, path: Path) -> "FileIdentity":
        """As the files are now."""
        return cls(path, _id(path), _id(_log_of(path)))

    def check(self) -> None:
        """Raise LostFileError when the name leads to other files by now, or to none."""
        now = FileIdentity.of(self.path)
        if now.database != self.database:
            what = "was deleted or moved away" if now.database is None else "was replaced by another file"
            raise LostFileError(
                f"the database {self.path} {what} while PumpWatch ran",
                "what was not yet safe is written into a new one; put the old one back only while PumpWatch is closed",
                is_log=False,
            )
        if now.log != self.log:
            raise LostFileError(
                f"the log {_log_of(self.path).name} of the database was deleted or replaced while PumpWatch ran",
                "leave the files next to the database alone while PumpWatch runs",
                is_log=True,
            )


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _id(path: Path) -> _Id:
    try:
        found = os.stat(path)  # noqa: PTH116 - once a commit
    except OSError:  # it is gone, or its folder is
        return None
    return found.st_dev, found.st_ino
