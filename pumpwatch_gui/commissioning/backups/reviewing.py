"""Open the history of a home, a backup or an incident file for a review, without a trace in it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pumpwatch_gui.commissioning.kept_site import FoundSite, find_site
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.ports import Historian, JournalQuery
from pumpwatch_gui.domain.wording import minute
from pumpwatch_gui.files.backups import CONTENT, MANIFEST, read_manifest
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import is_held
from pumpwatch_gui.stations.replay import ReplayStation
from pumpwatch_gui.store.copying import check_version, is_older, span_of, upgrade_copy
from pumpwatch_gui.store.incident import read_incident
from pumpwatch_gui.store.query.history import History

_LOG: Final = "-wal"


@dataclass(frozen=True, slots=True)
class Review:
    """What is looked at: the station, and its site with where that was taken from; `site_file` may not be there."""

    station: ReplayStation
    site: FoundSite
    site_file: Path


def open_review(source: Path, scratch: Path, *, site_file: Path | None = None) -> Review:
    """A review of a home, a backup or an incident file. Nothing is written there; `scratch` is for what must be copied.

    Raises InputError when there is no history or no site, StoreError when the history cannot be read.
    """
    if source.is_file():
        return _open_incident(source, scratch, site_file)
    is_backup = (source / MANIFEST).is_file()
    home = Home(source / CONTENT if is_backup else source)
    if is_backup:
        read_manifest(source)
    if not home.database.is_file():
        text = f"there is no history in {source}"
        raise InputError(text, "name a home with --home DIR, a folder backup-YYYYMMDD-HHMMSS, or an incident file")
    check_version(home.database)
    database = _readable(home.database, scratch, is_killed=_is_killed(home))
    history = History(database, untouched=True)
    span, journal = span_of(database, untouched=True), history.journal(JournalQuery(), limit=1)
    end_ns = max(span.last_ns, *(row.time_ns for row in journal), 0)
    readings = f"readings from {minute(span.first_ns)} to {minute(span.last_ns)}" if span.last_ns else "no readings"
    name = source.resolve().name if is_backup else str(source)
    own = site_file or home.site_file
    return _review(history, find_site(history, own, given=site_file), own, f"{name}, {readings}",
                   (span.first_ns or end_ns, end_ns))  # fmt: skip


def _open_incident(file: Path, scratch: Path, site_file: Path | None) -> Review:
    incident = read_incident(file)
    history = History(_readable(file, scratch, is_killed=False), untouched=True)
    words = f"incident file {file.name}, {', '.join(incident.pump_ids)} from {minute(incident.start_ns)} to "
    words += minute(incident.end_ns)
    own = file.with_suffix(".toml")
    found = find_site(history, own, given=site_file)
    return _review(history, found, own, words, (incident.start_ns, incident.end_ns))


def _review(history: Historian, found: FoundSite, own: Path, words: str, span_ns: tuple[int, int]) -> Review:
    start_ns, end_ns = span_ns
    station = ReplayStation(
        found.loaded.site, history, words=f"{words}; {found.words}", start_ns=start_ns, end_ns=end_ns
    )
    return Review(station, found, own)


def _readable(database: Path, scratch: Path, *, is_killed: bool) -> Path:
    """The database; a copy of it where its program was killed or was an older one.

    What only the log has, and what an older program wrote, is read by writing.
    """
    if not is_killed and not is_older(database):
        return database
    log = database.with_name(database.name + _LOG)
    parts = [path for path in (database, log) if path.is_file()]
    needed, free = 2 * sum(path.stat().st_size for path in parts), shutil.disk_usage(scratch).free
    if free < needed:
        why = "its program was killed" if is_killed else "it is of an older version"
        text = f"{database} cannot be read as it is, for {why}, and there is no room for a copy"
        raise InputError(text, f"{needed / 1e6:,.0f} MB must be free in {scratch}")
    for path in parts:
        shutil.copyfile(path, scratch / path.name)
    copy = scratch / database.name
    copy.chmod(0o600)
    upgrade_copy(copy)
    return copy


def _is_killed(home: Home) -> bool:
    """Whether a program ended here without having put its log into the database."""
    log = home.database.with_name(home.database.name + _LOG)
    return not is_held(home.path) and log.is_file() and log.stat().st_size > 0
