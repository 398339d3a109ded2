"""The journal as it is read: its lines, and where in time they are."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import apsw

from pumpwatch_gui.domain.alarms.alarm import AlarmState, Priority
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.replay import JournalIndex
from pumpwatch_gui.store.schema import Value

INDEX_ROWS: Final = 50_000
"""Of one snapshot: none is held for long."""
_FACT: Final = "CASE WHEN kind = 'alarm' AND json_valid(detail) THEN detail ->> '{}' END"
_INDEX: Final = (
    f"SELECT time_ns, id, {', '.join(_FACT.format(f'$.{name}') for name in ('alarm_id', 'state', 'priority'))}, "
    f"{_FACT.format('$.raised_ns')} = {_FACT.format('$.changed_ns')} "
    "FROM journal WHERE (time_ns, id) > (?, ?) ORDER BY time_ns, id LIMIT ?"
)


def read_index(snapshot: Callable[[], AbstractContextManager[apsw.Connection]]) -> JournalIndex:
    """Where in time every line is, and what it makes of an alarm."""
    numbers: dict[str, int] = {}
    found = [(time_ns, key, *alarm_facts(numbers, *facts)) for time_ns, key, *facts in _index_rows(snapshot)]
    return JournalIndex.of(found)


def _index_rows(snapshot: Callable[[], AbstractContextManager[apsw.Connection]]) -> Iterator[Any]:
    after = (-(1 << 62), 0)
    while True:
        with snapshot() as connection:
            rows: list[Any] = connection.execute(_INDEX, (*after, INDEX_ROWS)).fetchall()
        yield from rows
        if len(rows) < INDEX_ROWS:
            return
        after = rows[-1][:2]


def alarm_facts(
    numbers: dict[str, int], alarm_id: object, state: object, priority: object, is_raised: object
) -> tuple[int, bool, int]:
    """Of a line: the number of its alarm (-1: none), whether that is open from there on, the priority that came."""
    if not isinstance(alarm_id, str):
        return -1, False, 0
    came = Priority[priority] if is_raised and isinstance(priority, str) and priority in Priority.__members__ else 0
    is_open = state != AlarmState.NORMAL.value
    return numbers.setdefault(alarm_id, len(numbers)), is_open, int(came) if is_open else 0


def rows_by_id(connection: apsw.Connection, ids: Sequence[int]) -> list[JournalRow]:
    """The lines of these ids; those that are not there are left out."""
    sql = "SELECT * FROM journal WHERE id IN (SELECT value FROM json_each(?))"
    rows: list[Any] = connection.execute(sql, (json.dumps(list(ids)),)).fetchall()
    return [journal_row_of(row) for row in rows]


def journal_filter(query: JournalQuery) -> tuple[str, list[Value]]:
    """The WHERE clause of a query, and its values."""
    terms: list[str] = []
    values: list[Value] = []
    if query.before_ns is not None and query.before_id is not None:
        terms.append("(time_ns, id) < (?, ?)")
        values += [query.before_ns, query.before_id]
    elif query.before_ns is not None:
        terms.append("time_ns < ?")
        values.append(query.before_ns)
    if query.pump_id is not None:
        terms.append("pump_id = ?")
        values.append(query.pump_id)
    if query.text:
        pattern = "%" + query.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        terms.append("(text LIKE ? ESCAPE '\\' OR by LIKE ? ESCAPE '\\')")
        values += [pattern, pattern]
    if query.kinds is not None:
        wanted = list(query.kinds)
        terms.append(f"kind IN ({', '.join('?' * len(wanted))})")
        values += wanted
    return (" WHERE " + " AND ".join(terms) if terms else ""), values


def journal_row_of(row: Any) -> JournalRow:
    """A row of the table as a line."""
    key, at_ns, kind, pump_id, severity, text, by, detail = row
    return JournalRow(key, at_ns, kind, pump_id, severity, text, by, json.loads(detail))
