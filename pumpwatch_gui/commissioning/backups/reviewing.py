"""Open the history of a home or a backup for a review, without a trace in it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.site import LoadedSite
from pumpwatch_gui.files.backups import CONTENT, MANIFEST, read_manifest
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import is_held
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.stations.reviewed import ReviewedStation

_LOG: Final = "-wal"


@dataclass(frozen=True, slots=True)
class Review:
    """What is looked at: the station, its site as it was loaded, and the file of that."""

    station: ReviewedStation
    loaded: LoadedSite
    site_file: Path


def open_review(folder: Path, scratch: Path, *, site_file: Path | None = None) -> Review:
    """A review of a home or of a backup. Nothing is written into `folder`; `scratch` is for what must be copied first.

    Raises InputError when there is no history or no site, StoreError when the history cannot be read.
    """
    is_backup = (folder / MANIFEST).is_file()
    source = folder.resolve().name if is_backup else str(folder)
    home = Home(folder / CONTENT if is_backup else folder)
    if is_backup:
        read_manifest(folder)
    if not home.database.is_file():
        text = f"there is no history in {folder}"
        raise InputError(text, "name a home with --home DIR, or a folder backup-YYYYMMDD-HHMMSS")
    site_file = site_file or home.site_file
    if not site_file.is_file():
        text = f"there is no site file in {home.path}: the history does not say which limits and names its pumps have"
        raise InputError(text, "name it with --site FILE")
    loaded = load_site(site_file, keep_backup=False)
    return Review(ReviewedStation(loaded.site, _readable(home, scratch), source=source), loaded, site_file)


def _readable(home: Home, scratch: Path) -> Path:
    """The database; a copy of it where its program was killed, for what only the log has is read by writing."""
    log = home.database.with_name(home.database.name + _LOG)
    if is_held(home.path) or not log.is_file() or not log.stat().st_size:
        return home.database
    needed, free = home.database.stat().st_size + 2 * log.stat().st_size, shutil.disk_usage(scratch).free
    if free < needed:
        text = f"the program of {home.path} was killed, and a copy of its history is needed to read the last minutes"
        raise InputError(text, f"{needed / 1e6:,.0f} MB must be free in {scratch}, or start the program there once")
    for path in (home.database, log):
        shutil.copyfile(path, scratch / path.name)
    return scratch / home.database.name
