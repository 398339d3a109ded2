"""Files that are whole or not there: written next to the old one, forced to the disk, then put in its place."""

import errno
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

_WINDOWS_PAUSES_S = (0.01, 0.05, 0.2, 0.5)


@contextmanager
def atomic_file(path: Path, *, is_private: bool = False) -> Iterator[BinaryIO]:
    """Give a file to write to, for a `with` statement; at its end it takes the place of `path`, whole.

    An error (also one raised in the block) leaves the old file as it was, and no other behind. The new file has the
    permissions of the old one; one that `is_private` is for its owner alone from the first moment. A link stays a link,
    a device or a pipe is written to as it is. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            yield file
        return
    fresh = _fresh(target)
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0),
                         0o600 if is_private else 0o666)  # fmt: skip
        with os.fdopen(handle, "wb") as file:
            yield file
            _force(file)
        if target.exists() and not is_private:
            shutil.copymode(target, fresh)
        _rename(fresh, target)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    force_folder(target.parent)


def check_writable(path: Path) -> None:
    """Raise OSError when `atomic_file` could not write to `path` now. Nothing is changed."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if target.is_fifo():  # opening it would wait for ever for a reader
        raise OSError(errno.EINVAL, "it is a pipe")
    if target.exists() and not target.is_file():
        target.open("wb").close()
        return
    fresh = _fresh(target)
    fresh.open("xb").close()
    fresh.unlink()


@contextmanager
def atomic_text(path: Path) -> Iterator[TextIO]:
    """As `atomic_file`, for UTF-8 text whose line ends are kept as they are written."""
    with atomic_file(path) as file:
        text = TextIOWrapper(file, encoding="utf-8", newline="")
        yield text
        text.detach()  # flushes; closing it would close the file before it is forced to the disk


def write_atomic(path: Path, content: bytes, *, is_private: bool = False) -> None:
    """Put a file of that content in the place of `path`; raises OSError, and then the old file is as it was."""
    with atomic_file(path, is_private=is_private) as file:
        file.write(content)


def write_folder_atomic(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder of those files (name → content) in the place of `folder`, whole; raises OSError.

    A folder cannot take the place of another in one step: after a crash between the two renames the old one is there as
    `NAME.old`.
    """
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        for name, content in files.items():
            with (fresh / name).open("xb") as file:
                file.write(content)
                _force(file)
        force_folder(fresh)
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            _rename(folder, old)
        _rename(fresh, folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    force_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _fresh(target: Path) -> Path:
    """A name that no file has, in the same folder: a rename is only atomic within one file system."""
    return target.with_name(f"{target.name}.{os.urandom(4).hex()}.new")


def _rename(fresh: Path, target: Path) -> None:
    # Windows refuses while a virus scanner or a viewer holds one of the two open, mostly for some milliseconds.
    for pause_s in _WINDOWS_PAUSES_S if os.name == "nt" else ():
        try:
            fresh.replace(target)
            return
        except PermissionError:
            time.sleep(pause_s)
    fresh.replace(target)


def publish_new(fresh: Path, target: Path) -> None:
    """Give a file that is whole its name in the same folder. Raises FileExistsError when that is taken, or OSError."""
    try:
        os.link(fresh, target)  # a rename would overwrite what has come there meanwhile
    except FileExistsError:
        raise
    except OSError as error:  # a file system without links
        if target.exists():
            raise FileExistsError(errno.EEXIST, "it exists", os.fspath(target)) from error
        _rename(fresh, target)
    else:
        fresh.unlink()
    force_folder(target.parent)


def _force(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def force_folder(folder: Path) -> None:
    """Force a rename in `folder` to the disk: without this it may be lost in a power cut (ext4, XFS)."""
    if os.name == "nt":  # Windows opens no folders
        return
    # Some network file systems refuse; nothing more can be done there.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
