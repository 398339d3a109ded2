"""An incident file: a small database of the same layout with a stretch of the history of some pumps, verified."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import apsw

from pumpwatch_gui import __version__
from pumpwatch_gui.domain.errors import InputError, StoreError
from pumpwatch_gui.domain.incident import Incident, IncidentSpan
from pumpwatch_gui.domain.journal import ABOUT, NOTE
from pumpwatch_gui.files.atomic import publish_new
from pumpwatch_gui.store.archive.chunks import PIECE, encoded_chunk, insert_chunks, read_chunks
from pumpwatch_gui.store.archive.moving import resolutions_of
from pumpwatch_gui.store.archive.rows import BAD, SCORE, STATUS, UNCERTAIN
from pumpwatch_gui.store.hot.opening import mark_writing
from pumpwatch_gui.store.ids import LAST_NUMBER, NUMBER_BITS, make_id
from pumpwatch_gui.store.layout import (
    SITE_KEY,
    column,
    columns_of_readings,
    noted_series,
    pump_number,
    reading_columns,
)
from pumpwatch_gui.store.query.journal import read_index
from pumpwatch_gui.store.query.past import Stretch, days_between, rows_between
from pumpwatch_gui.store.reading_rows import add_sensors
from pumpwatch_gui.store.schema import (
    DAMAGE,
    FileKind,
    file_kind,
    folded,
    from_apsw,
    open_for_reading,
    run,
    transaction,
    upgrades,
)
from pumpwatch_gui.store.upgrading import upgrade

KEY: Final = "incident"
BEFORE_NS: Final = 120 * 10**9
"""Of the readings before it, for what was newest at its beginning."""
STATION_LINES: Final = ("", "station")
"""What the lines of the journal have in place of a pump that are about all of them."""
Snapshot = Callable[[], AbstractContextManager[apsw.Connection]]


def write_incident(
    snapshot: Snapshot, target: Path, span: IncidentSpan, *, made_ns: int, cancelled: Callable[[], bool]
) -> Incident:
    """Write the new file `target`, verify it, and give it its name: whole or not there, never over another file.

    Raises InputError for a pump that is not there, a span without a reading, a target that exists or cannot be
    written, and when it was cancelled; StoreError when the history cannot be read.
    """
    numbers = _numbers(snapshot, span)
    fresh = target.with_name(f".{target.name}.{os.urandom(4).hex()}.new")
    try:
        with _writing(fresh) as written:
            incident = _fill(snapshot, written, span, numbers, made_ns=made_ns, cancelled=cancelled)
        if read_incident(fresh) != incident or _readings_in(fresh, numbers) != incident.readings:
            raise StoreError(f"{target} was not written as it should be; nothing is left of it", "check that disk")
        publish_new(fresh, target)
    except FileExistsError as error:
        raise InputError(f"{target} is there already", "choose another name: no file is overwritten") from error
    except apsw.Error as error:
        raise from_apsw(error, target) from error
    except OSError as error:
        advice = "free space there or correct its permissions, or choose another folder"
        raise InputError(f"{target} cannot be written: {error.strerror or error}; nothing is left", advice) from error
    finally:
        for path in (fresh, fresh.with_name(fresh.name + "-journal")):
            with suppress(OSError):
                path.unlink(missing_ok=True)
    return incident


def read_incident(path: Path) -> Incident:
    """What an incident file says of itself, after a check of the whole file. Raises StoreError or InputError."""
    advice = "get it once more from where it came from"
    if file_kind(path, max(upgrades())) is not FileKind.OURS:
        raise StoreError(f"{path} is damaged, or no incident file of PumpWatch", advice)
    try:
        connection = open_for_reading(path, untouched=True)
        try:
            sound = str(connection.execute("PRAGMA integrity_check(1)").get)
            noted = connection.execute("SELECT value FROM meta WHERE key = ?", (KEY,)).get
        finally:
            connection.close()
    except DAMAGE as error:
        raise StoreError(f"the incident file {path} is damaged: {error}", advice) from error
    except apsw.Error as error:
        raise from_apsw(error, path) from error
    if sound != "ok":
        raise StoreError(f"the incident file {path} is damaged: {sound}", advice)
    if noted is None:
        raise InputError(f"{path} is a database, not an incident file", "name its home with --home DIR")
    plain = json.loads(str(noted))
    return Incident(**(plain | {"pump_ids": tuple(plain["pump_ids"])}))


def _numbers(snapshot: Snapshot, span: IncidentSpan) -> dict[str, int]:
    with snapshot() as connection:
        found = {pump_id: pump_number(connection, pump_id) for pump_id in span.pump_ids}
        known = [str(row[0]) for row in connection.execute("SELECT pump_id FROM pumps ORDER BY pump_number").fetchall()]
    unknown = [pump_id for pump_id, number in found.items() if number is None]
    if unknown or not found:
        text = f"the history has no pump {', '.join(unknown)}" if unknown else "no pump is named"
        raise InputError(text, f"it has {', '.join(known) or 'none'}")
    return {pump_id: number for pump_id, number in found.items() if number is not None}


@contextmanager
def _writing(fresh: Path) -> Iterator[apsw.Connection]:
    fresh.open("xb").close()  # first: SQLite has no words for why it cannot make a file
    try:
        written = apsw.Connection(os.fspath(fresh))
        try:
            run(written, "PRAGMA synchronous = OFF")  # forced to the disk at the end, not page by page
            upgrade(written, fresh, upgrades())
            yield written
        finally:
            written.close()
    except apsw.FullError as error:
        raise InputError(f"the disk of {fresh.parent} is full; nothing is left", "free space, or choose another"
                         " folder") from error  # fmt: skip
    except apsw.IOError as error:
        raise OSError(None, str(error), os.fspath(fresh)) from error
    with fresh.open("rb+") as file:
        os.fsync(file.fileno())


def _fill(
    snapshot: Snapshot,
    written: apsw.Connection,
    span: IncidentSpan,
    numbers: dict[str, int],
    *,
    made_ns: int,
    cancelled: Callable[[], bool],
) -> Incident:
    with transaction(written):
        station = _copy_site(snapshot, written, numbers)
        readings, within = _copy_readings(snapshot, written, span, numbers, cancelled)
        if not within:
            raise InputError(f"there is no reading of {', '.join(span.pump_ids)} in that time",
                             "choose a span in which they were recorded")  # fmt: skip
        _copy_windows(snapshot, written, span, numbers)
        lines = _copy_journal(snapshot, written, span)
        _copy_work(snapshot, written, span, numbers)
        incident = Incident(station, span.pump_ids, span.start_ns, span.end_ns, made_ns, __version__, readings, lines)
        _note(written, KEY, json.dumps(asdict(incident)))
        mark_writing(written, False)
    return incident


def _note(written: apsw.Connection, key: str, value: str) -> None:
    run(written, "INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _copy(written: apsw.Connection, table: str, rows: Sequence[Any]) -> int:
    if rows:
        written.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    return len(rows)


def _copy_site(snapshot: Snapshot, written: apsw.Connection, numbers: dict[str, int]) -> str:
    """The pumps, their tags, and what is kept of their site; its name."""
    own = ", ".join(map(str, numbers.values()))
    with snapshot() as connection:
        pumps: list[Any] = connection.execute(f"SELECT * FROM pumps WHERE pump_number IN ({own})").fetchall()
        layouts: list[Any] = connection.execute(f"SELECT * FROM layouts WHERE pump_number IN ({own})").fetchall()
        meta = dict(connection.execute("SELECT key, value FROM meta WHERE key IN (?, 'station')", (SITE_KEY,)))
    _copy(written, "pumps", pumps)
    _copy(written, "layouts", layouts)
    known = reading_columns(written)
    names = [column(tag) for row in layouts for tag in json.loads(row[2])]
    if more := [name for name in dict.fromkeys(names) if folded(name) not in known]:
        add_sensors(written, more, {})
    site: dict[str, Any] = {}
    with suppress(ValueError):
        site = json.loads(str(meta.get(SITE_KEY, "{}")))
    if site:
        pumps_then = [one for one in site.get("pumps", ()) if one.get("id") in numbers]
        _note(written, SITE_KEY, json.dumps(site | {"pumps": pumps_then}))
    _note(written, "station", str(meta.get("station", 1)))
    _note(written, "columns", columns_of_readings(written))
    _note(written, "pumps", json.dumps(numbers))
    return str(site.get("name", ""))


def _copy_readings(
    snapshot: Snapshot, written: apsw.Connection, span: IncidentSpan, numbers: dict[str, int],
    cancelled: Callable[[], bool],
) -> tuple[int, int]:  # fmt: skip
    """Readings with their scores and qualities, as columns of the archive; how many, and how many within the span."""
    resolutions, known, noted = resolutions_of(written), reading_columns(written), noted_series(written)
    first_ms, many, within = make_id(span.start_ns) >> NUMBER_BITS, 0, 0
    for number in numbers.values():
        series = [name for name in noted.get(number, ()) if name in known]
        whole = Stretch.of(number, max(span.start_ns - BEFORE_NS, 0), span.end_ns + 1_000_000)
        with snapshot() as connection:
            days = days_between(connection, whole)
        for day in days:
            if cancelled():
                raise InputError("the incident file was cancelled; nothing is left of it")
            with snapshot() as connection:  # day by day: no snapshot is held for long
                rows = rows_between(connection, whole.within(day), (*series, SCORE, UNCERTAIN, BAD, STATUS))
            if rows.ms.size:
                insert_chunks(written, [encoded_chunk(number, PIECE, rows, resolutions.get(number, {}))])
                ms = rows.readings.ms
                many += ms.size
                within += int((ms >= first_ms).sum())
    return many, within


def _readings_in(path: Path, numbers: dict[str, int]) -> int:
    """The readings of a file that was written, each column decoded against its check sum."""
    connection = open_for_reading(path, untouched=True)
    try:
        series = [str(name) for (name,) in connection.execute("SELECT DISTINCT series FROM archive_chunks").fetchall()]
        return sum(
            rows.readings.ms.size
            for number in numbers.values()
            for _, rows in read_chunks(connection, number, series, -(1 << 62), 1 << 62)
        )
    finally:
        connection.close()


def _copy_windows(snapshot: Snapshot, written: apsw.Connection, span: IncidentSpan, numbers: dict[str, int]) -> None:
    """The detections with their models, and the counters."""
    start, end = make_id(max(span.start_ns - BEFORE_NS, 0)), make_id(span.end_ns) + LAST_NUMBER
    own = ", ".join(map(str, numbers.values()))
    with snapshot() as connection:
        windows: list[Any] = connection.execute(
            "SELECT w.id, w.model_number, w.is_anomaly, w.reconstruction_loss, w.per_sensor, "
            "coalesce(w.score, s.score) FROM anomaly_windows AS w LEFT JOIN scores_apart AS s ON s.id = w.id "
            f"WHERE w.id BETWEEN ? AND ? AND (w.id & {LAST_NUMBER}) IN ({own})", (start, end)
        ).fetchall()  # fmt: skip
        models: list[Any] = connection.execute("SELECT * FROM detection_models").fetchall()
        counters: list[Any] = [
            row
            for number in numbers.values()
            for row in connection.execute(
                f"SELECT * FROM counters WHERE (id & {LAST_NUMBER}) = ?1 AND id <= ?3 AND id >= coalesce((SELECT "
                f"max(id) FROM counters WHERE (id & {LAST_NUMBER}) = ?1 AND id <= ?2), 0)", (number, start, end)
            ).fetchall()
        ]  # fmt: skip
    used = {row[1] for row in windows}
    _copy(written, "detection_models", [row for row in models if row[0] in used])
    _copy(written, "anomaly_windows", windows)
    _copy(written, "counters", counters)


def _copy_journal(snapshot: Snapshot, written: apsw.Connection, span: IncidentSpan) -> int:
    """The lines of the span, what was noted about it later, and of the alarms that were open at its beginning."""
    index, pumps = read_index(snapshot), json.dumps([*span.pump_ids, *STATION_LINES])
    before = json.dumps(index.open_at(span.start_ns))
    sql = (
        "SELECT * FROM journal WHERE pump_id IN (SELECT value FROM json_each(?1)) AND ((time_ns BETWEEN ?2 AND ?3) "
        f"OR id IN (SELECT value FROM json_each(?4)) OR (kind = 'annotation' AND detail ->> '$.{ABOUT}' "
        "BETWEEN ?2 AND ?3)) ORDER BY id"
    )
    with snapshot() as connection:
        rows: list[Any] = connection.execute(sql, (pumps, span.start_ns, span.end_ns, before)).fetchall()
    _copy(written, "journal", rows)
    newest = {row[0]: row for row in rows}
    open_then = []
    for key in index.open_at(span.end_ns):
        if key in newest:
            plain: dict[str, Any] = json.loads(newest[key][7])
            plain.pop(NOTE, None)
            open_then.append((plain["alarm_id"], json.dumps(plain)))
    _copy(written, "open_alarms", open_then)
    return len(rows)


def _copy_work(snapshot: Snapshot, written: apsw.Connection, span: IncidentSpan, numbers: dict[str, int]) -> None:
    """Maintenance events that were there in the span, and what people said of its episodes."""
    pumps = json.dumps(list(numbers))
    own = "pump_id IN (SELECT value FROM json_each(?1))"
    with snapshot() as connection:
        work: list[Any] = connection.execute(
            f"SELECT * FROM maintenance_events WHERE {own} AND time_ns <= ?3 AND ifnull(resolved_at_ns, ?2) >= ?2",
            (pumps, span.start_ns, span.end_ns)
        ).fetchall()  # fmt: skip
        said: list[Any] = connection.execute(
            f"SELECT * FROM episode_feedback WHERE {own} AND start_ns <= ?3 AND end_ns >= ?2",
            (pumps, span.start_ns, span.end_ns)
        ).fetchall()  # fmt: skip
    _copy(written, "maintenance_events", work)
    _copy(written, "episode_feedback", said)
