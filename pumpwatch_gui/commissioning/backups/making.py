"""Make a backup of a home, while its program runs or without one."""

import errno
import os
import shutil
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pumpwatch_gui import __version__
from pumpwatch_gui.domain.errors import InputError, PumpWatchError, StoreError
from pumpwatch_gui.files.atomic import force_folder, write_atomic
from pumpwatch_gui.files.backups import (
    CONTENT,
    MANIFEST,
    BackupManifest,
    copy_file,
    entry_of,
    read_manifest,
    verify_backup,
)
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import is_held, read_owner
from pumpwatch_gui.settings.kept_files import KeptFiles, kept_files
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.store.copying import copy_database, span_of
from pumpwatch_gui.store.hot.opening import bytes_on_disk
from pumpwatch_gui.store.span import ReadingSpan

PARTIAL: Final = ".partial"
ROUNDS: Final = 5
_SPARE: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made and verified. `left_out`: what the site names but is not in it, and why."""

    folder: Path
    manifest: BackupManifest
    left_out: tuple[str, ...]


def back_up(home: Home, out: Path, *, site_file: Path | None = None, now: datetime | None = None) -> Backup:
    """Copy a home into the new folder `backup-YYYYMMDD-HHMMSS` (local time) in `out`, and verify the copy.

    The folder has its name only once it is whole; what fails leaves nothing. `site_file` is the site that is watched,
    where that is not the home's own and no program watches it now. Raises InputError or StoreError.
    """
    site_file = site_file or watched_site(home)
    if not home.database.exists() and not home.site_file.exists():
        raise InputError(f"there is nothing to back up in {home.path}", "name the home with --home DIR")
    if out.resolve().is_relative_to(home.models.resolve()):
        raise InputError(f"{out} is in the home's own models", "choose a folder on another disk")
    now = now or datetime.now().astimezone()
    partial = _begin(out, f"backup-{now:%Y%m%d-%H%M%S}", _needed(home))
    try:
        manifest, left_out = _fill(home, site_file, partial, now)
        folder = partial.with_suffix("")
        partial.rename(folder)
        force_folder(out)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError | StoreError):
            raise _in_words(error, out, home, is_left=partial.exists()) from error
        raise
    return Backup(folder, manifest, left_out)


def watched_site(home: Home) -> Path:
    """The site file of the program that has the home now, else the home's own."""
    owner = read_owner(home.path) if is_held(home.path) else None
    watched = Path(owner.site_file) if owner and owner.site_file else home.site_file
    return watched if watched.exists() else home.site_file


def partial_backups(out: Path) -> list[Path]:
    """What backups that were cut off have left in a folder."""
    return sorted(out.glob(f"backup-*{PARTIAL}"))


def _begin(out: Path, name: str, needed: int) -> Path:
    """Make the folder to be filled, of a name that no backup of this second has."""
    try:
        out.mkdir(exist_ok=True)  # not its parents: a disk that is not mounted is no place for a backup
        free = shutil.disk_usage(out).free
        if free < needed:
            text = f"{out} has {free / 1e6:,.0f} MB free, the backup needs {needed / 1e6:,.0f} MB"
            raise InputError(text, "free space there, or choose another folder with --out")
        folders = (out / (name + (f"-{n}" if n > 1 else "")) for n in range(1, 1000))
        partials = ((folder, folder.with_name(folder.name + PARTIAL)) for folder in folders)
        partial = next(partial for folder, partial in partials if not (folder.exists() or partial.exists()))
        partial.mkdir(mode=0o700)
    except OSError as error:
        text = f"{out} cannot be written: {error.strerror}"
        raise InputError(text, "name a folder that is there with --out, on a disk that is connected") from error
    return partial


def _needed(home: Home) -> int:
    return bytes_on_disk(home.database) + _SPARE


def _fill(home: Home, site_file: Path, partial: Path, now: datetime) -> tuple[BackupManifest, tuple[str, ...]]:
    content = partial / CONTENT
    # Before the database: an anchor of the audit log that is newer than the copied log would look like a missing row.
    kept = _copy_settled(home, site_file, content)
    entries = [entry_of(content / name, name) for name in kept.files]
    span = ReadingSpan()
    if home.database.exists():
        content.mkdir(mode=0o700, exist_ok=True)
        copy = content / home.database.name
        copy_database(home.database, copy)
        copy.chmod(0o600)
        span = span_of(copy)
        entries.append(entry_of(copy, copy.name))
    station = load_site(site_file, keep_backup=False).site.name if site_file.exists() else ""
    made_ns = round(now.timestamp() * 1e3) * 1_000_000
    manifest = BackupManifest(__version__, station, made_ns, span.first_ns, span.last_ns, tuple(entries))
    write_atomic(partial / MANIFEST, manifest.content)
    verify_backup(partial, read_manifest(partial))
    return manifest, kept.left_out


def _copy_settled(home: Home, site_file: Path, content: Path) -> KeptFiles:
    """Copy the files as they were at one instant: those that change or come meanwhile are copied once more."""
    done: dict[str, tuple[int, int]] = {}
    for _ in range(ROUNDS):
        try:
            kept = kept_files(home, site_file)
            state = {name: _signature(path) for name, path in kept.files.items()}
            if state == done:
                return kept
            for name in {*done, *state}:
                if done.get(name) != state.get(name):
                    (content / name).unlink(missing_ok=True)
                    if name in state:
                        copy_file(kept.files[name], content / name)
            done = state
        except FileNotFoundError as error:
            if not content.parent.exists():
                raise OSError(errno.ENOENT, "it is gone", os.fspath(content.parent)) from error
            done = {}  # put in place of another just now
            shutil.rmtree(content, ignore_errors=True)
        time.sleep(0.01)
    raise InputError(f"the files of {home.path} are being changed", "wait until that is over, then try again")


def _signature(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _in_words(error: OSError | StoreError, out: Path, home: Home, *, is_left: bool) -> PumpWatchError:
    rest = "a part of it is left there" if is_left else "nothing is left there"
    if not out.exists():
        return InputError(f"{out} vanished while the backup was written", "connect its disk again, and try once more")
    if isinstance(error, StoreError):
        if os.fspath(home.database) in error.message:
            return error
        text = f"the backup in {out} could not be finished: {error.message}; {rest}"
        return InputError(text, "free space there or correct its permissions, or choose another folder with --out")
    name = f" ({error.filename})" if error.filename else ""
    text = f"the backup in {out} could not be finished: {error.strerror or error}{name}; {rest}"
    return InputError(text, "free space there or correct its permissions, or choose another folder with --out")
