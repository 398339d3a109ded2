"""Pumps and the columns of their sensors, as the database knows them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import apsw

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.store.ids import LAST_NUMBER, ONE_MS, IdMaker
from pumpwatch_gui.store.schema import quoted, run

RESERVED = frozenset({"id", "rowid", "oid", "_rowid_", "timestamp", "machine_status", "uncertain_mask", "bad_mask"})


@dataclass(frozen=True, slots=True)
class PumpRow:
    """A pump as the store knows it. The profile gives the order of a frame's values."""

    pump_id: str
    name: str
    profile: PumpProfile


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """Where the readings of one pump go: its number, its tags in frame order and the statement that inserts them."""

    number: int
    tags: tuple[str, ...]
    insert: str


def column(tag: str) -> str:
    """The column of a tag (SQLite compares column names without case)."""
    return f"sensor_{tag}" if tag.lower() in RESERVED else tag


def check_pumps(pumps: Sequence[PumpRow]) -> None:
    """Raise StoreError when two pumps share an id, or two sensors a column."""
    ids = [p.pump_id for p in pumps]
    for pump_id in ids:
        if ids.count(pump_id) > 1:
            raise StoreError(f"two pumps are called {pump_id}", "give each pump its own id in the site file")
    for pump in pumps:
        columns = [column(tag).lower() for tag in pump.profile.tags]
        for tag in pump.profile.tags:
            if columns.count(column(tag).lower()) > 1:
                raise StoreError(
                    f"profile {pump.profile.name}: tag {tag} differs from another only by case", "rename one of them"
                )


def register(connection: apsw.Connection, pumps: Iterable[PumpRow], ids: IdMaker) -> dict[str, ColumnLayout]:
    """Note pumps, their columns and tag orders; to be called inside a transaction. Pump id → layout.

    Raises StoreError when the station has no pump number left (4,095).
    """
    known = _columns(connection)
    layouts: dict[str, ColumnLayout] = {}
    for pump in pumps:
        number = _number(connection, pump)
        for tag in pump.profile.tags:
            if column(tag).lower() not in known:
                run(connection, f"ALTER TABLE sensor_readings ADD COLUMN {quoted(column(tag))} REAL")
                known.add(column(tag).lower())
        _note_order(connection, number, pump.profile.tags, ids)
        layouts[pump.pump_id] = ColumnLayout(number, pump.profile.tags, _insert(pump.profile.tags))
    return layouts


def _number(connection: apsw.Connection, pump: PumpRow) -> int:
    found = connection.execute("SELECT pump_number FROM pumps WHERE pump_id = ?", (pump.pump_id,)).get
    if found is None:
        found = connection.execute("SELECT coalesce(max(pump_number), 0) + 1 FROM pumps").get
    number = int(str(found))
    if number > LAST_NUMBER:
        raise StoreError(f"the station has had {LAST_NUMBER} pumps: no number is left", "start a new home")
    profile = json.dumps(asdict(pump.profile))
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


def _columns(connection: apsw.Connection) -> set[str]:
    return {str(row[1]).lower() for row in connection.execute("PRAGMA table_info(sensor_readings)").fetchall()}


def _insert(tags: Sequence[str]) -> str:
    names = ["id", "machine_status", "uncertain_mask", "bad_mask", *(quoted(column(t)) for t in tags)]
    return f"INSERT INTO sensor_readings ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
