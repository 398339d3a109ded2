"""The export of a home's history, as the command line asks for it."""

from collections.abc import Sequence
from pathlib import Path

from pumpwatch_gui.commissioning.export.export import ExportProgress, export
from pumpwatch_gui.commissioning.export.selection import select
from pumpwatch_gui.commissioning.export.spans import span_ns
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.store.query.history import History


def export_home(
    home: Home, path: Path, *, pumps: Sequence[str], tags: Sequence[str], span: tuple[str, str],
    tables: Sequence[str], now_ns: int, progress: ExportProgress,
) -> int:  # fmt: skip
    """Export from the history of a home; the rows written. No pumps means all, no tags all sensors.

    The home may be in use. Raises InputError and what `export` raises.
    """
    home.need_history()
    if tables and tags:
        raise InputError("--tag does not go with --table: a table has its own columns", "leave one of them out")
    start_ns, end_ns = span_ns(*span, now_ns=now_ns)
    history = History(home.database)
    recorded = history.recorded_pumps()
    wanted = dict.fromkeys(pumps or [pump.pump_id for pump in recorded], tags)
    selection = select(recorded, wanted, start_ns, end_ns, tables)
    return export(history, selection, path, progress)
