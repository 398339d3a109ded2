"""The journal of a span, read page by page."""

from collections.abc import Iterator
from dataclasses import replace

from pumpwatch_gui.domain.alarms.occurrences import AlarmMove
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.journal import JournalRow, alarm_of
from pumpwatch_gui.domain.ports import Historian, JournalQuery

PAGE = 5_000
MAX_LINES = 400_000
"""More than 3,000 alarms a day over a month: no one looks at each of them."""


def journal_span(
    history: Historian,
    *,
    start_ns: int,
    end_ns: int,
    kinds: tuple[str, ...] | None = None,
    pump_id: str | None = None,
) -> Iterator[JournalRow]:
    """The lines from `start_ns` up to `end_ns` (Unix UTC), newest first; None means of any kind, of any pump.

    Raises StoreError when the journal cannot be read, InputError when it has too many lines.
    """
    query, lines = JournalQuery(pump_id=pump_id, kinds=kinds, before_ns=end_ns), 0
    while rows := history.journal(query, limit=PAGE):
        for row in rows:
            if row.time_ns < start_ns:
                return
            yield row
        lines += len(rows)
        if lines >= MAX_LINES:
            raise InputError(f"the journal has more than {MAX_LINES:,} lines in that time", "choose a shorter span")
        if len(rows) < PAGE:
            return
        query = replace(query, before_ns=rows[-1].time_ns, before_id=rows[-1].id)


def alarm_moves(history: Historian, *, start_ns: int, end_ns: int) -> tuple[list[AlarmMove], int]:
    """How alarms have moved from `start_ns` up to `end_ns` (Unix UTC), oldest first; and how many lines have none.

    Those are of another version of the program. Raises as `journal_span`.
    """
    found = [(row, alarm_of(row)) for row in journal_span(history, start_ns=start_ns, end_ns=end_ns, kinds=("alarm",))]
    moves = [AlarmMove(row.time_ns, alarm, row.by) for row, alarm in reversed(found) if alarm is not None]
    return moves, len(found) - len(moves)
