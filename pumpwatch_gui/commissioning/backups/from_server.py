"""Set a station's computer up again from what the server has of it: its settings whole, its history as far as sent."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pumpwatch_gui.commissioning.backups.restoring import STAGED, free_folder, put_in_place
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.sync import SyncSettings
from pumpwatch_gui.domain.wording import minute
from pumpwatch_gui.files.atomic import write_atomic
from pumpwatch_gui.files.home import Home, make_private
from pumpwatch_gui.files.owner import held
from pumpwatch_gui.settings.kept_files import SITE_NAME
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.stations.remote.rows import (
    detection_row,
    iso_of,
    journal_row,
    maintenance_event,
    reading_rows,
)
from pumpwatch_gui.store.archive.chunks import DAY_MS
from pumpwatch_gui.store.archive.rollup import MINUTE_S, Rollup
from pumpwatch_gui.store.audit import AuditRow
from pumpwatch_gui.store.ids import EPOCH_MS
from pumpwatch_gui.store.layout import series_of
from pumpwatch_gui.store.query.recorded import profile_of
from pumpwatch_gui.store.restoring import NewHistory, as_stored, day_of

if TYPE_CHECKING:
    from pumpwatch_gui.stations.remote.history import RemoteHistory
    from pumpwatch_gui.sync.secrets import SyncSecrets

PAGE: Final = 5_000
MOST_EVENTS: Final = 1_000_000
NOT_THERE: Final = (
    "not taken back, for no server has it: the scores of every second, what pumps have learnt, run hours and starts, "
    "passwords and private keys"
)


@dataclass(frozen=True, slots=True)
class RestoredStation:
    """What was taken back, a line each; `problems` are mistakes of the site file as it is."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]


def restore_station(
    settings: SyncSettings, secrets: "SyncSecrets", station: int, home: Home, *, readings_days: int = 1,
    say: Callable[[str], None] = lambda text: None,
) -> RestoredStation:  # fmt: skip
    """Write the settings and the history of a station into a home that has none: whole, or it is left as it was.

    Of the last `readings_days` days (UTC) the readings are taken, where the server has them, of all before the minutes.
    Raises InputError for a home that has a site or a history, a station that the server has no files of, and files that
    cannot be used; StoreError when server or disk fail.
    """
    from pumpwatch_gui.stations.remote.history import RemoteHistory
    from pumpwatch_gui.stations.remote.names import Names

    home.prepare()
    with held(home.path, "restore"):
        _refuse_taken(home)
        server = RemoteHistory(settings, secrets, lambda: Names({station: f"Station {station}"}))
        staged = home.path / STAGED
        try:
            shutil.rmtree(staged, ignore_errors=True)
            staged.mkdir(mode=0o700)
            files = _take_files(server, station, staged)
            loaded = load_site(staged / SITE_NAME)
            say(f"settings: {len(files)} files")
            lines = [f"settings: {', '.join(files)}"]
            with NewHistory.at(staged / home.database.name, station) as history:
                lines += _Taking(server, history, station, say).all(readings_days)
            put_in_place(home, staged, free_folder(home.path / "before-restore"))
        except OSError as error:
            text = f"{home.path} cannot be written: {error.strerror or error}; it is as it was"
            raise InputError(text, "free space there, or correct its permissions") from error
        finally:
            server.close()
            shutil.rmtree(staged, ignore_errors=True)
        make_private(home.path)
    return RestoredStation((*lines, NOT_THERE), tuple(map(str, loaded.problems)))


def _refuse_taken(home: Home) -> None:
    for path, what in ((home.site_file, "a site"), (home.database, "a history")):
        if path.exists():
            raise InputError(f"{home.path} has {what} already ({path.name})", "name an empty home with --home DIR")


def _take_files(server: "RemoteHistory", station: int, staged: Path) -> list[str]:
    rows: Sequence[Any] = server.ask("view_files", {"station": station})
    if SITE_NAME not in [row[0] for row in rows]:
        raise InputError(
            f"the server has no settings of station {station} that this account may read",
            "use the station's own account, or one with the role engineer or admin; a viewer sees no settings",
        )
    for name, text, digest, _ in rows:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or ":" in name or "\\" in name or path.suffix != ".toml":
            raise InputError(f"the server names a file {name!r}, which is none of a home", "nothing was written")
        content = str(text).encode()
        if hashlib.sha256(content).hexdigest() != digest:
            raise InputError(f"{name} on the server is not what the station sent", "have the station send it again")
        target = staged / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(target, content)
    return [str(row[0]) for row in rows]


class _Taking:
    """Takes the history of one station over, and counts it."""

    def __init__(self, server: "RemoteHistory", history: NewHistory, station: int, say: Callable[[str], None]) -> None:
        self._server, self._history, self._station, self._say = server, history, station, say
        self._names = server.names

    def all(self, readings_days: int) -> list[str]:
        """Everything; what it was, a line each."""
        lines = []
        for line in self._parts(readings_days):
            self._say(line)
            lines.append(line)
        return lines

    def _parts(self, readings_days: int) -> Iterator[str]:
        pumps = [row for row in self._server.ask("view_pumps", {}) if row["station_id"] == self._station]
        profiles = {row["pump_id"]: profile_of(row["profile"]) for row in pumps}
        for row in pumps:
            tags = profiles[row["pump_id"]].tags
            self._history.pump(row["pump_number"], row["pump_id"], row["name"], row["profile"], tags)
        yield f"pumps: {', '.join(profiles) or 'none'}"
        yield from self._lines_of_people()
        since = max(0, day_of(time.time_ns() // 1_000_000) - readings_days + 1) * DAY_MS + EPOCH_MS
        minutes = readings = detections = 0
        ends: list[int] = []
        for row in pumps:
            profile = profiles[row["pump_id"]]
            series = [series_of(tag) for tag in profile.tags]
            raw_first = max(since, int(row["raw_first"] or 0)) if row["raw_last"] and readings_days else 0
            # Days of readings make their own minutes: those of the server would count them twice.
            has_raw = bool(raw_first) and int(row["raw_last"]) >= raw_first
            until = day_of(raw_first) * DAY_MS + EPOCH_MS if has_raw else 1 << 50
            minutes += self._minutes(row, until)
            readings += self._readings(row, series, until) if has_raw else 0
            ends += [int(row[name]) for name in ("raw_first", "first", "raw_last", "last") if row[name]]
            for page in self._pages("view_detections", row["pump_id"], 0):
                self._history.detections([detection_row(one) for one in page], profile)
                detections += len(page)
        span = f" from {minute(min(ends) * 1_000_000)} to {minute(max(ends) * 1_000_000)}" if ends else ""
        yield f"one-minute values: {minutes:,}{span}; every reading: {readings:,}; detections: {detections:,}"

    def _lines_of_people(self) -> Iterator[str]:
        newest: dict[str, JournalRow] = {}
        count = 0
        for rows in self._journal():  # the newest first
            self._history.journal(rows)
            count += len(rows)
            for row in rows:
                alarm_id = row.detail.get("alarm_id") if row.kind == "alarm" else None
                if isinstance(alarm_id, str):
                    newest.setdefault(alarm_id, row)
        is_open = self._history.open_alarms(newest)
        yield f"journal: {count:,} lines; {is_open} alarms were open"
        rows_of_work = self._server.ask("view_maintenance", {"most": MOST_EVENTS})
        own = [row for row in rows_of_work if row["station_id"] == self._station]
        events = [(int(row["id"]), maintenance_event(row, self._names)) for row in own]
        self._history.maintenance(events)
        yield f"maintenance events: {len(events):,}"
        audit = list(self._audit())
        if self._history.audit(audit):
            yield f"audit log: {len(audit):,} rows, their chain is whole"
        else:
            why = f"the {len(audit):,} rows on the server are no whole chain"
            yield f"audit log: not taken back, for {why}; they stay there"

    def _journal(self) -> Iterator[list[JournalRow]]:
        asked: dict[str, object] = {"station": self._station, "most": PAGE}
        while page := self._server.ask("view_journal", asked):
            yield [as_stored(journal_row(line, self._names)) for line in page]
            asked |= {"before_ns": page[-1][1], "before_key": page[-1][0]}

    def _audit(self) -> Iterator[tuple[AuditRow, bytes]]:
        after = 0
        while page := self._server.ask("view_audit", {"station": self._station, "after": after, "most": PAGE}):
            for key, time_ns, action, pump_id, by, ok, text, digest in page:
                yield AuditRow(key, time_ns, action, pump_id, by, ok, text), bytes.fromhex(digest)
            after = page[-1][0]

    def _minutes(self, pump: Mapping[str, Any], until_ms: int) -> int:
        found: dict[str, list[tuple[int, Sequence[Any]]]] = {}
        since_ms, count = int(pump["first"] or 0), 0
        while pump["first"]:
            place = {"station": self._station, "pump": pump["pump_id"]}
            page = self._server.ask("view_minutes", {**place, **_span(since_ms, until_ms), "most": PAGE})
            for ms, tags in page:
                count += 1
                for name, parts in tags.items():
                    found.setdefault(name, []).append(((ms - EPOCH_MS) // (MINUTE_S * 1000), parts))
            if len(page) < PAGE:
                break
            since_ms = page[-1][0] + 1
        self._history.minutes(pump["pump_number"], {name: _rollup(rows) for name, rows in found.items()})
        return count

    def _readings(self, pump: Mapping[str, Any], series: Sequence[str], since_ms: int) -> int:
        count, days = 0, set[int]()
        for page in self._pages("view_readings", pump["pump_id"], since_ms):
            rows = reading_rows(page, series)
            self._history.readings(pump["pump_number"], rows)
            days |= {day_of(int(ms) + EPOCH_MS) for ms in (rows.ms[0], rows.ms[-1])}
            count += rows.ms.size
        self._history.close_days(pump["pump_number"], sorted(days))
        return count

    def _pages(self, function: str, pump_id: str, since_ms: int) -> Iterator[Sequence[Mapping[str, Any]]]:
        return self._server.pages(function, (self._station, pump_id), since_ms * 1_000_000, 1 << 62)


def _span(since_ms: int, until_ms: int) -> Mapping[str, object]:
    return {"since": iso_of(since_ms * 1_000_000), "until": iso_of(until_ms * 1_000_000)}


def _rollup(rows: Sequence[tuple[int, Sequence[Any]]]) -> Rollup:
    """Minutes of a series: index, and [minimum, mean, maximum, values, missing values] of each."""
    index = np.array([at for at, _ in rows], np.int64)
    numbers = np.array([[np.nan if x is None else x for x in parts[:5]] for _, parts in rows], np.float64)
    counts = numbers[:, 3:].astype(np.int64)
    return Rollup(index, numbers[:, 0], numbers[:, 1], numbers[:, 2], counts[:, 0], counts[:, 1])
