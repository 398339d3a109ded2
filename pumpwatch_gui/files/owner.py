"""Who has a home: one program at a time writes to it, and says who it is."""

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import psutil

from pumpwatch_gui.domain.errors import InputError

log = logging.getLogger("pumpwatch")

LOCK_FILE = "owner.lock"
COLLECTOR = "collector"
WRITTEN_S = 1.0
DOOR_S = 10.0
LOOK_S = 0.02
_ROOM = 1024
_FAR = 1 << 30
"""Windows locks bytes, and nobody may read a locked one: this one is far behind the text."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The program that has a home. `door` is where it can be joined, `key` opens it; both "" when it takes nobody in.

    `site_file` is what it watches, `started_s` Unix seconds.
    """

    pid: int
    kind: str
    started_s: float
    site_file: str = ""
    door: str = ""
    key: str = ""

    @property
    def text(self) -> str:
        """Who it is, in words."""
        since = f"{datetime.fromtimestamp(self.started_s).astimezone():%Y-%m-%d %H:%M:%S %z}"
        return f"the {self.kind} with process id {self.pid}, started {since}"


class HomeLock:
    """The lock of a home. The system frees it with the process, however that ends; no stale lock is ever left.

    `holder` is who has it when it is not ours: None once it was taken.
    """

    def __init__(self, home: Path, kind: str, *, site_file: Path | None = None) -> None:
        self.owner = Owner(os.getpid(), kind, time.time(), str(site_file or ""))
        self.holder: Owner | None = None
        self._path = home / LOCK_FILE
        self._file: BinaryIO | None = None
        self._take()

    def open_door(self, door: str, key: str) -> None:
        """Say where other programs of this user can join."""
        self.owner = Owner(**{**asdict(self.owner), "door": door, "key": key})
        self._write()

    def release(self) -> None:
        """Give the home free."""
        file, self._file = self._file, None
        if file is not None:
            self._rewrite(file, b"")
            file.close()

    def _take(self) -> None:
        deadline = time.monotonic() + WRITTEN_S
        try:
            while (file := _locked(self._path)) is None:
                holder = read_owner(self._path.parent)
                # One who has the home writes it down at once; until then there is nothing, or who was killed before.
                if (holder is not None and psutil.pid_exists(holder.pid)) or time.monotonic() > deadline:
                    self.holder = holder or Owner(0, "program that has not said who it is", time.time())
                    return
                time.sleep(LOOK_S)
        except OSError as error:
            # A home that cannot be written has no second writer either; what that means is said where it matters.
            log.warning("the home is not locked: %s", error)
            return
        self._file = file
        self._write()

    def _write(self) -> None:
        if self._file is not None:
            self._rewrite(self._file, json.dumps(asdict(self.owner)).encode())

    @staticmethod
    def _rewrite(file: BinaryIO, content: bytes) -> None:
        try:
            # In one piece and over what is there: whoever looks meanwhile sees the old or the new, and a full disk
            # has the room already.
            file.seek(0)
            file.write(content.ljust(_ROOM))
            file.truncate()
        except OSError as error:  # a full disk: the lock holds all the same
            log.warning("the owner of the home cannot be written down: %s", error)


@contextmanager
def held(home: Path, kind: str, *, site_file: Path | None = None) -> Iterator[HomeLock]:
    """Have a home for a program, or an act on it, of this kind. Raises InputError where another program has it."""
    lock = HomeLock(home, kind, site_file=site_file)
    if lock.holder is not None:
        raise in_use(home, lock.holder)
    try:
        yield lock
    finally:
        lock.release()


def in_use(home: Path, holder: Owner) -> InputError:
    """What to say to a program that finds the home taken."""
    advice = "end it first, or give this one a home of its own with --home DIR"
    if holder.door:
        advice = "start `pumpwatch` for a window that joins it, or end it first"
    return InputError(f"the home {home} is in use by {holder.text}", advice)


def is_held(home: Path) -> bool:
    """Whether a program has the home just now. Nothing is written, in a home of no lock either."""
    try:
        file = _locked(home / LOCK_FILE, make=False)
    except OSError:
        return False
    if file is not None:
        file.close()
    return file is None


def with_door(home: Path, owner: Owner, within_s: float = DOOR_S) -> Owner:
    """The owner of a home once its door is open: a collector that has just started opens it a moment later."""
    deadline = time.monotonic() + within_s
    while not owner.door and owner.kind == COLLECTOR and time.monotonic() < deadline:
        time.sleep(LOOK_S)
        owner = read_owner(home) or owner
    return owner


def read_owner(home: Path) -> Owner | None:
    """Who is written down as the owner of a home; None when nobody is, or it cannot be read just now."""
    try:
        found = json.loads((home / LOCK_FILE).read_text("utf-8"))
        return Owner(**found)
    except (OSError, ValueError, TypeError):
        return None


def _locked(path: Path, *, make: bool = True) -> BinaryIO | None:
    """The lock file, locked; None while another has it. Raises OSError when there can be no lock."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT * make, 0o600), "r+b", buffering=0)
    try:
        _lock(file)
    except OSError as error:
        file.close()
        if isinstance(error, BlockingIOError | PermissionError):
            return None
        raise
    return file


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
