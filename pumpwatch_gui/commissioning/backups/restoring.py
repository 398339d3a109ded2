"""Put a backup in a home: whole or not at all, and what was there before is put aside, never deleted."""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pumpwatch_gui.domain.errors import InputError, StoreError
from pumpwatch_gui.files.atomic import force_folder, write_atomic
from pumpwatch_gui.files.backups import (
    CONTENT,
    BackupManifest,
    copy_file,
    read_manifest,
    sha256_of,
    total_bytes,
    verify_backup,
)
from pumpwatch_gui.files.home import Home, make_private
from pumpwatch_gui.files.owner import held
from pumpwatch_gui.settings.kept_files import kept_files
from pumpwatch_gui.store.copying import check_version, span_of

STAGED: Final = ".restoring-files"
_DATABASE: Final = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored; `put_aside` is where the files of before are (None: there were none)."""

    manifest: BackupManifest
    put_aside: Path | None


def restore(backup: Path, home: Home, *, replace: bool = False, now: datetime | None = None) -> Restored:
    """Verify a backup and put its files in a home. Raises InputError or StoreError, and then the home is as it was.

    Refused are a damaged backup, a home that a program has, and one whose readings are newer than the backup's or
    cannot be read, unless `replace`.
    """
    manifest = read_manifest(backup)
    verify_backup(backup, manifest)
    if (database := backup / CONTENT / home.database.name).exists():
        check_version(database)
    home.prepare()
    with held(home.path, "restore"):
        if not replace and not home.restoring.exists():
            _refuse_newer(home, manifest)
        stamp = f"{now or datetime.now().astimezone():%Y%m%d-%H%M%S}"
        staged, aside = home.path / STAGED, free_folder(home.path / f"before-restore-{stamp}")
        try:
            _stage(backup, manifest, staged)
            had_files = put_in_place(home, staged, aside)
        except OSError as error:
            text = f"{backup} could not be restored: {error.strerror or error} ({error.filename or home.path})"
            raise InputError(f"{text}; the home is as it was", "free space or correct the permissions there") from error
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        make_private(home.path)
    return Restored(manifest, aside if had_files else None)


def _refuse_newer(home: Home, manifest: BackupManifest) -> None:
    if not home.database.exists():
        return
    advice = "give --replace to restore all the same: what is there now is then put aside, not deleted"
    try:
        newest_ns = span_of(home.database).last_ns
    except StoreError as error:
        raise InputError(f"what {home.path} holds cannot be read: {error.message}", advice) from error
    if newest_ns // 1_000_000 > manifest.last_ns // 1_000_000:
        newest = datetime.fromtimestamp(newest_ns / 1e9, UTC)
        text = f"{home.path} holds readings up to {newest.isoformat(timespec='milliseconds')}, newer than the backup's"
        raise InputError(f"{text} ({manifest.span})", advice)


def _stage(backup: Path, manifest: BackupManifest, staged: Path) -> None:
    """Copy every file into the home's file system, and see that it is what the manifest says."""
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700)
    free, needed = shutil.disk_usage(staged).free, total_bytes(manifest.files)
    if free < needed:
        text = f"the disk of {staged.parent} has {free / 1e6:,.0f} MB free, the backup needs {needed / 1e6:,.0f} MB"
        raise InputError(text, "free space there: what is in the home now is kept as well")
    for file in manifest.files:
        copy_file(backup / CONTENT / file.name, staged / file.name)
        if sha256_of(staged / file.name) != file.sha256:
            raise InputError(f"{file.name} was changed while it was restored; the home is as it was", "try again")


def put_in_place(home: Home, staged: Path, aside: Path) -> bool:
    """Put the home's files aside and the staged ones in their place; whether there were any.

    On an error all goes back. A crash in the middle leaves the mark, with which no program starts on the home.
    """
    old = [*kept_files(home).files, *(home.database.name + end for end in _DATABASE)]
    old = [name for name in old if (home.path / name).is_file()]
    new = [path.relative_to(staged).as_posix() for path in sorted(staged.rglob("*")) if path.is_file()]
    write_atomic(home.restoring, b"")
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in (
            *((home.path / name, aside / name) for name in old),
            *((staged / name, home.path / name) for name in new),
        ):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            source.rename(target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        home.restoring.unlink()
        for folder in (*sorted(aside.rglob("*"), reverse=True), aside):
            with suppress(OSError):
                folder.rmdir()  # empty by now
        raise
    for folder in {home.path, *(target.parent for _, target in done)}:
        force_folder(folder)
    home.restoring.unlink()
    force_folder(home.path)
    return bool(old)


def free_folder(folder: Path) -> Path:
    """The folder, or one of its name with a number where that is there."""
    return next(f for n in range(1, 1000) if not (f := folder if n == 1 else Path(f"{os.fspath(folder)}-{n}")).exists())
