"""A disk whose power can be cut at any write: what was not synced is then there in part, torn, or in another order."""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import apsw
from typing_extensions import override

from pumpwatch_gui.store.schema import run

SECTOR = 512
Write = tuple[int, bytes | None]
"""Where something is written; None: the file is cut there."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What is safe of each file at some instant, and what is under way; and what the program had said by then.

    `said` readings and `handed` chunks of an import were said to be on the disk.
    """

    safe: dict[str, bytes]
    under_way: dict[str, tuple[Write, ...]]
    said: int
    handed: int = 0

    def leave(self, folder: Path, draw: random.Random, how: str) -> None:
        """Write the files as they are found after the cut."""
        folder.mkdir(parents=True)
        for name in self.safe.keys() | self.under_way.keys():
            content = bytearray(self.safe.get(name, b""))
            for at, data in self._survived(name, draw, how):
                _apply(content, at, data)
            (folder / Path(name).name).write_bytes(content)

    def _survived(self, name: str, draw: random.Random, how: str) -> list[Write]:
        writes = list(self.under_way.get(name, ()))
        count = draw.randint(0, len(writes))
        if how == "drop":
            return writes[:count]
        if how == "reorder":
            return draw.sample(writes, count)
        at, data = writes[count] if count < len(writes) else (0, b"")
        if data is None or len(data) <= SECTOR:
            return writes[:count]
        length = draw.randrange(0, len(data), SECTOR)
        piece = (at, data[:length]) if draw.random() < 0.5 else (at + length, data[length:])
        return [*writes[:count], piece]


class Disk:
    """Remembers what was synced. `on_write` is called before every write, sync and delete."""

    def __init__(self) -> None:
        self.safe: dict[str, bytearray] = {}
        self.under_way: dict[str, list[Write]] = {}
        self.on_write: Callable[[], None] = lambda: None

    def opened(self, name: str) -> None:
        """A file that was there before is on the disk."""
        if name not in self.safe and name not in self.under_way and Path(name).exists():
            self.safe[name] = bytearray(Path(name).read_bytes())

    def write(self, name: str, at: int, data: bytes | None) -> None:
        """Something is under way."""
        self.on_write()
        self.under_way.setdefault(name, []).append((at, data))

    def sync(self, name: str) -> None:
        """All of a file is safe."""
        self.on_write()
        content = self.safe.setdefault(name, bytearray())
        for at, data in self.under_way.pop(name, []):
            _apply(content, at, data)

    def delete(self, name: str) -> None:
        """A file is gone."""
        self.on_write()
        self.safe.pop(name, None)
        self.under_way.pop(name, None)

    def cut(self, said: int, handed: int = 0) -> Cut:
        """The state of now."""
        under_way = {name: tuple(writes) for name, writes in self.under_way.items()}
        return Cut({name: bytes(content) for name, content in self.safe.items()}, under_way, said, handed)


class PowerVFS(apsw.VFS):
    """SQLite's own file system, with a `Disk` that looks on."""

    def __init__(self, name: str, disk: Disk) -> None:
        self.disk = disk
        super().__init__(name, "")

    @override
    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "PowerFile":
        return PowerFile(self.disk, name, flags)

    @override
    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self.disk.delete(filename)


class PowerFile(apsw.VFSFile):
    """One open file."""

    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        text = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._disk, self._name = disk, str(text)
        if text is not None:
            disk.opened(self._name)
        super().__init__("", name, flags)

    @override
    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.write(self._name, offset, bytes(data))
        super().xWrite(data, offset)

    @override
    def xTruncate(self, newsize: int) -> None:
        self._disk.write(self._name, newsize, None)
        super().xTruncate(newsize)

    @override
    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._disk.sync(self._name)


def connector(vfs: str, synchronous: str = "FULL") -> Callable[[Path], apsw.Connection]:
    """Connections like the product's, on that file system. It has no shared memory, so one connection owns the file.

    With another `synchronous` than the product's the rig itself is tested: it must see what that loses.
    """

    def connect(path: Path) -> apsw.Connection:
        connection = apsw.Connection(os.fspath(path), vfs=vfs)
        run(connection, "PRAGMA locking_mode = EXCLUSIVE")
        run(connection, "PRAGMA journal_mode = WAL")
        run(connection, f"PRAGMA synchronous = {synchronous}")
        run(connection, "PRAGMA wal_autocheckpoint = 40")  # so that many cuts fall into a checkpoint
        return connection

    return connect


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data
