"""The timeline of pumps, read from the journal and the maintenance events."""

from pumpwatch_gui.commissioning.journal import journal_span
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.station import RunState, StationView
from pumpwatch_gui.domain.timeline import TimelineMark, timeline

BEFORE_NS = 7 * 86_400 * 10**9
"""How far before its start the journal of a span is read: for what began then and went on."""
RESOLVED = 2_000
_KINDS = ("alarm", "run", "command", "note")


def read_timeline(history: Historian, view: StationView, *, start_ns: int, end_ns: int) -> tuple[TimelineMark, ...]:
    """The marks of all pumps from `start_ns` up to `end_ns` (Unix UTC); `view` is the station as it is now.

    Of a span that has ended it is not known what went on after it: what is open at its end ends with it. Raises
    StoreError when the journal cannot be read, InputError when it has too many lines.
    """
    now_ns = max(view.time_ns, end_ns)
    rows = list(journal_span(history, start_ns=start_ns - BEFORE_NS, end_ns=now_ns, kinds=_KINDS))
    known = {RunState.RUNNING: True, RunState.STANDBY: False}
    marks = timeline(
        reversed(rows),
        open_alarms=view.alarms,
        events={e.event_id: e for e in (*history.maintenance(resolved=RESOLVED), *view.maintenance)}.values(),
        running={pump.pump_id: known[pump.run_state] for pump in view.pumps if pump.run_state in known},
        start_ns=start_ns,
        end_ns=now_ns,
    )
    return tuple(mark for mark in marks if mark.start_ns < end_ns)
