"""The performance of the alarm system, read from the journal."""

from collections.abc import Sequence
from dataclasses import dataclass

from pumpwatch_gui.commissioning.journal import alarm_moves
from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.alarms.occurrences import occurrences
from pumpwatch_gui.domain.alarms.performance import PERIOD_NS, AlarmPerformance, performance
from pumpwatch_gui.domain.ports import Historian, JournalQuery

BEFORE_NS = 86_400 * 10**9
"""How far before its start the journal of a span is read, for the alarms that were open then."""


@dataclass(frozen=True, slots=True)
class PerformanceRead:
    """What was read: the figures, of less than the span asked for where the journal is younger (`is_whole`).

    `unreadable` are lines of the journal without an alarm that this version knows.
    """

    found: AlarmPerformance
    is_whole: bool
    unreadable: int


def read_performance(history: Historian, open_alarms: Sequence[Alarm], *, end_ns: int, span_ns: int) -> PerformanceRead:
    """The performance in the `span_ns` before `end_ns` (Unix UTC); `open_alarms` are those announced at its end.

    Raises StoreError when the journal cannot be read, InputError when it has too many lines, ValueError for a span that
    is not whole 10 min.
    """
    if span_ns <= 0 or span_ns % PERIOD_NS:
        raise ValueError("the span must be whole periods of 10 min")
    wanted_ns = end_ns - span_ns
    start_ns = _first_ns(history, wanted_ns, end_ns)
    moves, unreadable = alarm_moves(history, start_ns=start_ns - BEFORE_NS, end_ns=end_ns)
    found = occurrences(moves, open_alarms)
    return PerformanceRead(performance(found, start_ns=start_ns, end_ns=end_ns), start_ns == wanted_ns, unreadable)


def _first_ns(history: Historian, start_ns: int, end_ns: int) -> int:
    """`start_ns`, or where the journal is younger the last whole 10 min before the end that precede its first line."""
    if history.journal(JournalQuery(before_ns=start_ns + 1), limit=1):
        return start_ns
    without, within = (end_ns - start_ns) // PERIOD_NS, 1  # periods before the end: nothing is older, something may be
    while without - within > 1:
        middle = (without + within) // 2
        if history.journal(JournalQuery(before_ns=end_ns - middle * PERIOD_NS), limit=1):
            within = middle
        else:
            without = middle
    at_one = history.journal(JournalQuery(before_ns=end_ns - within * PERIOD_NS), limit=1)
    return end_ns - (without if at_one else within) * PERIOD_NS
