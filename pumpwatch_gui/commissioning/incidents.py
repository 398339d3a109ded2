"""Make an incident file of a history: what was typed is checked before anything is read."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.incident import SUFFIX, Incident, IncidentSpan
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.store.query.history import History


def make_incident(
    history: Historian,
    out: Path,
    pump_ids: Sequence[str],
    span_ns: tuple[int, int],
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Path, Incident]:
    """Write what `history` has of these pumps over a span (Unix UTC) to a new file, which is returned.

    A name without an ending gets that of incident files. Raises InputError for no pump, a name with another ending, a
    file that is there, a folder that is not, and as `Historian.write_incident`.
    """
    if not pump_ids:
        raise InputError("no pump is chosen", "name at least one")
    path = out if out.suffix else out.with_name(out.name + SUFFIX)
    if path.suffix != SUFFIX:
        raise InputError(f"{path.name} does not end in {SUFFIX}", f"name the file {path.stem}{SUFFIX}")
    if path.exists():
        raise InputError(f"{path} is there already", "choose another name: no file is overwritten")
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} is not there", "make it, or choose another")
    span = IncidentSpan(tuple(dict.fromkeys(pump_ids)), *span_ns)
    return path, history.write_incident(path, span, cancelled=cancelled)


def incident_of_home(home: Home, out: Path, pump_ids: Sequence[str], span_ns: tuple[int, int]) -> tuple[Path, Incident]:
    """The same of a home, with or without a program that runs there. Raises InputError without a history."""
    home.need_history()
    return make_incident(History(home.database), out, pump_ids, span_ns)


def written_words(path: Path, made: Incident) -> str:
    """What was written, in a line."""
    size = path.stat().st_size / 1e6
    return f"{path}: {made.readings:,} readings and {made.lines:,} journal lines, {size:,.2f} MB, verified"
