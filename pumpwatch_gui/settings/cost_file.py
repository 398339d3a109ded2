"""The cost table of maintenance: the shipped rows, and those of a site before them."""

from pathlib import Path
from tomllib import TOMLDecodeError

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.errors import Problem
from pumpwatch_gui.domain.maintenance.costs import CostRow, CostTable
from pumpwatch_gui.domain.maintenance.event import EventSeverity
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.files.toml_text import parse_toml, read_toml_text
from pumpwatch_gui.settings.toml_table import Table

FILE = "maintenance.toml"
_PRIORITIES = {priority.name.lower(): priority for priority in Priority}


def read_costs(folder: Path | None) -> tuple[CostTable, tuple[Problem, ...]]:
    """The table that counts, the rows of `maintenance.toml` in `folder` first, and what is wrong in that file.

    A row, factor or priority with a mistake is left out, the others count.
    """
    problems: list[Problem] = []
    rows, factors, least = _content(shipped("resources") / FILE, [], is_own=False)
    if folder is not None and (folder / FILE).exists():
        own_rows, own_factors, own_least = _content(folder / FILE, problems, is_own=True)
        rows, factors, least = [*own_rows, *rows], factors | own_factors, own_least or least
    return CostTable(tuple(rows), factors, least or Priority.MEDIUM), tuple(problems)


def _content(
    path: Path, problems: list[Problem], *, is_own: bool
) -> tuple[list[CostRow], dict[EventSeverity, float], Priority | None]:
    try:
        document = parse_toml(read_toml_text(path))
    except (OSError, TOMLDecodeError) as error:
        problems.append(Problem(path.name, str(error), "correct the file; until then the shipped rows count"))
        return [], {}, None
    found: list[Problem] = []
    top = Table(document, "", found)
    least = _priority(top)
    factors = _factors(top.table("factors"))
    rows = [row for table in top.tables("cost") if (row := _row(table, is_own=is_own))]
    top.finish()
    problems += [Problem(f"{path.name}: {one.path}", one.message, one.advice) for one in found]
    return rows, factors, least


def _factors(table: Table) -> dict[EventSeverity, float]:
    given = {severity: table.take_number(severity.name, None) for severity in EventSeverity}
    for severity, factor in given.items():
        if factor is not None and factor < 0:
            table.note(severity.name, "must not be negative")
    table.finish()
    return {severity: factor for severity, factor in given.items() if factor is not None and factor >= 0}


def _priority(table: Table) -> Priority | None:
    name = table.take_text("from_priority", None)
    if name is None or name in _PRIORITIES:
        return _PRIORITIES.get(name or "")
    table.note("from_priority", f"must be one of {', '.join(_PRIORITIES)}, not {name!r}")
    return None


def _row(table: Table, *, is_own: bool) -> CostRow | None:
    before = len(table.problems)
    alarm, cost = table.take_text("alarm"), table.take_number("estimated_cost")
    above, below = table.take_number("critical_above", None), table.take_number("critical_below", None)
    least = _priority(table)
    if cost is not None and cost < 0:
        table.note("estimated_cost", "must not be negative")
    if above is not None and below is not None and below >= above:
        table.note("critical_below", f"must be below critical_above ({above:g})")
    table.finish()
    if len(table.problems) > before or alarm is None or cost is None:
        return None
    return CostRow(alarm, cost, above, below, least, is_own)
