"""Pumps and the columns of their sensors, as the database knows them."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.store.ids import LAST_NUMBER, ONE_MS, IdMaker
from pumpwatch_gui.store.reading_rows import (
    FIXED,
    READING_ROWS,
    SCORE_COLUMN,
    STATUS,
    add_sensors,
    shown_column,
    stored_columns,
)
from pumpwatch_gui.store.schema import columns, folded, quoted, run

_PREFIX = "sensor_"
SITE_KEY = "site"
"""The key in `meta` of the site."""
NORMAL = "NORMAL"
"""The machine status of a reading where nothing else is noted; databases of before version 4 spell it."""
_COMPUTED = ("derived", "quantities", "quantity_tags")
"""What follows from the rest of a profile."""
OLD_STATUS = "machine_status"
"""That column before version 4: the word itself."""
RESERVED = frozenset({
    "id", "rowid", "oid", "_rowid_", "timestamp", STATUS, OLD_STATUS, "uncertain_mask", "bad_mask", SCORE_COLUMN,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class PumpRow:
    """A pump as the store knows it. The profile gives the order of a frame's values."""

    pump_id: str
    name: str
    profile: PumpProfile

    @classmethod
    def all_of(cls, site: Site) -> "list[PumpRow]":
        """The pumps of a site."""
        return [cls(pump.pump_id, pump.name, pump.profile) for pump in site.pumps]


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """Where the readings of one pump go: its number, its tags in frame order and the statement that inserts them.

    The statement takes the id, the status, both masks, the score and the cells of the values; `steps` (n,) are those of
    their columns.
    """

    number: int
    tags: tuple[str, ...]
    insert: str
    steps: NDArray[np.float64] = field(compare=False)


def column(tag: str) -> str:
    """The column of a tag: the tag itself, or `sensor_TAG` where that is a column of ours.

    SQLite compares column names without the case of A to Z. `sensor_id` becomes `sensor_sensor_id`, or it
    would share the column of `id`.
    """
    bare = tag.lower()
    while bare.startswith(_PREFIX):
        bare = bare.removeprefix(_PREFIX)
    return _PREFIX + tag if bare in RESERVED else tag


def series_of(tag: str) -> str:
    """The name that the readings of a tag have wherever they are read: that of its column, folded."""
    return folded(column(tag))


def site_note(name: str, currency: str, pumps: Iterable[tuple[str, str, str]], noted_ns: int) -> str:
    """A site in `meta`, as `store.query.recorded` reads it: what a history is shown with where no site file is.

    `pumps` are their ids, areas and duties.
    """
    each = [{"id": pump_id, "area": area, "duty": duty} for pump_id, area, duty in pumps]
    return json.dumps({"name": name, "currency": currency, "noted_ns": noted_ns, "pumps": each})


def reading_columns(connection: apsw.Connection) -> set[str]:
    """The columns of the readings, folded."""
    return {folded(name) for name in columns(connection, "sensor_readings")}


def columns_of_readings(connection: apsw.Connection) -> str:
    """The statement that makes the table of the readings with the columns it has by now."""
    return str(connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (READING_ROWS,)).get)


def noted_series(connection: apsw.Connection) -> dict[int, list[str]]:
    """By pump number the series of the sensors that a pump has or had, the oldest first."""
    noted: dict[int, dict[str, None]] = {}
    layouts: list[Any] = connection.execute("SELECT pump_number, tags FROM layouts ORDER BY from_id").fetchall()
    for number, tags in layouts:
        noted.setdefault(number, {}).update(dict.fromkeys(map(series_of, json.loads(tags))))
    return {number: list(names) for number, names in noted.items()}


def pump_number(connection: apsw.Connection, pump_id: str) -> int | None:
    """The number that the ids of a pump's rows hold; None when the database does not know the pump."""
    number = connection.execute("SELECT pump_number FROM pumps WHERE pump_id = ?", (pump_id,)).get
    return None if number is None else int(str(number))


def check_pumps(pumps: Sequence[PumpRow]) -> None:
    """Raise StoreError when two pumps share an id."""
    ids = [p.pump_id for p in pumps]
    for pump_id in ids:
        if ids.count(pump_id) > 1:
            raise StoreError(f"two pumps are called {pump_id}", "give each pump its own id in the site file")


def register(
    connection: apsw.Connection, pumps: Iterable[PumpRow], ids: IdMaker, numbers: Mapping[str, int]
) -> tuple[dict[str, ColumnLayout], dict[str, str]]:
    """Note pumps, their columns and tag orders; to be called inside a transaction.

    `numbers` are those that pumps had in a database that was lost: rows under way hold them in their ids, so a pump
    gets its own again. Returns pump id → layout, and pump id → reason for each pump that cannot be stored: no number
    is left (4,095), or no column (SQLite has 2,000).
    """
    layouts: dict[str, ColumnLayout] = {}
    failed: dict[str, str] = {}
    for pump in pumps:
        run(connection, "SAVEPOINT pump")
        try:
            layouts[pump.pump_id] = _register(connection, pump, ids, numbers.get(pump.pump_id))
        except StoreError as error:
            run(connection, "ROLLBACK TO pump")
            failed[pump.pump_id] = error.message
        except apsw.SQLError as error:
            run(connection, "ROLLBACK TO pump")
            failed[pump.pump_id] = str(error)
        run(connection, "RELEASE pump")
    return layouts, failed


def rename(connection: apsw.Connection, renamed: Mapping[str, str]) -> None:
    """Give pumps (old id → new id) their new ids, so that they keep their numbers and with them their history.

    To be called inside a transaction. A new id that an earlier pump of the station still has is freed first: that one
    goes on as `ID=NUMBER`, an id that no site file can hold, for the histories of two machines must not be mixed.
    """
    numbers = {old: number for old in renamed if (number := pump_number(connection, old)) is not None}
    for old, number in numbers.items():  # first out of the way: two pumps may swap their ids
        _set_id(connection, old, f"{old}={number}")
    for old, number in numbers.items():
        holder = pump_number(connection, renamed[old])
        if holder is not None:
            _set_id(connection, renamed[old], f"{renamed[old]}={holder}")
        _set_id(connection, f"{old}={number}", renamed[old])


def _set_id(connection: apsw.Connection, old: str, new: str) -> None:
    for table in ("pumps", "episode_feedback", "maintenance_events"):
        run(connection, f"UPDATE {table} SET pump_id = ? WHERE pump_id = ?", (new, old))


def _register(connection: apsw.Connection, pump: PumpRow, ids: IdMaker, number: int | None) -> ColumnLayout:
    found = _note_pump(connection, pump, number)
    known = stored_columns(connection)
    new = [name for name in map(column, pump.profile.tags) if folded(name) not in known]
    if new:
        add_sensors(connection, new, {series_of(sensor.tag): sensor.resolution for sensor in pump.profile.sensors})
        known = stored_columns(connection)
    _note_order(connection, found, pump.profile.tags, ids)
    stored = [known[series_of(tag)] for tag in pump.profile.tags]
    steps = np.array([shown_column(one)[1] for one in stored], np.float64)
    return ColumnLayout(found, pump.profile.tags, insert_of(stored), steps)


def _note_pump(connection: apsw.Connection, pump: PumpRow, wanted: int | None) -> int:
    number = pump_number(connection, pump.pump_id)
    if number is None and wanted is not None:
        taken = connection.execute("SELECT 1 FROM pumps WHERE pump_number = ?", (wanted,)).get
        number = None if taken else wanted
    if number is None:
        number = int(str(connection.execute("SELECT coalesce(max(pump_number), 0) + 1 FROM pumps").get))
    if number > LAST_NUMBER:
        raise StoreError(f"the station has had {LAST_NUMBER} pumps: no number is left", "start a new home")
    whole = asdict(pump.profile)
    profile = json.dumps({key: value for key, value in whole.items() if key not in _COMPUTED})
    sql = (
        "INSERT INTO pumps VALUES (?, ?, ?, ?) ON CONFLICT (pump_number) DO UPDATE "
        "SET name = excluded.name, profile = excluded.profile"
    )
    run(connection, sql, (number, pump.pump_id, pump.name, profile))
    return number


def _note_order(connection: apsw.Connection, number: int, tags: Sequence[str], ids: IdMaker) -> None:
    text = json.dumps(tags)
    sql = "SELECT tags FROM layouts WHERE pump_number = ? ORDER BY from_id DESC LIMIT 1"
    before = connection.execute(sql, (number,)).get
    if before != text:
        from_id = 0 if before is None else ids.newest(number) + ONE_MS
        run(connection, "INSERT OR REPLACE INTO layouts VALUES (?, ?, ?)", (number, from_id, text))


def insert_of(stored: Iterable[str]) -> str:
    """The statement that inserts a row with these columns of sensors."""
    names = [*FIXED, *map(quoted, stored)]
    # Pumps of one profile share the text itself, so that a batch compares it by identity.
    return sys.intern(f"INSERT INTO {READING_ROWS} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})")
