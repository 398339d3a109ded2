"""Guidance for alarms: the shipped rows, and those of a site before them."""

from pathlib import Path
from tomllib import TOMLDecodeError

from pumpwatch_gui.domain.alarms.guidance import Guidance
from pumpwatch_gui.domain.errors import Problem
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.files.toml_text import parse_toml, read_toml_text
from pumpwatch_gui.settings.toml_table import Table

FILE = "guidance.toml"


def read_guidance(folder: Path | None) -> tuple[tuple[Guidance, ...], tuple[Problem, ...]]:
    """The rows that count, those of `guidance.toml` in `folder` first, and what is wrong in that file.

    A row with a mistake is left out, the others count.
    """
    problems: list[Problem] = []
    own = () if folder is None or not (folder / FILE).exists() else _rows(folder / FILE, problems)
    return (*own, *_rows(shipped("resources") / FILE, [])), tuple(problems)


def _rows(path: Path, problems: list[Problem]) -> tuple[Guidance, ...]:
    try:
        document = parse_toml(read_toml_text(path))
    except (OSError, TOMLDecodeError) as error:
        problems.append(Problem(path.name, str(error)))
        return ()
    top = Table(document, "", problems)
    rows = [row for table in top.tables("guidance", required=True) if (row := _row(table))]
    top.finish()
    return tuple(rows)


def _row(table: Table) -> Guidance | None:
    before = len(table.problems)
    alarm, cause = table.take_text("alarm"), table.take_text("cause", "")
    consequence, respond_min = table.take_text("consequence", ""), table.take_number("respond_min")
    action = table.take_texts("action", ()) or ()
    if respond_min is not None and respond_min <= 0:
        table.note("respond_min", "must be above 0 (minutes)")
    table.finish()
    if len(table.problems) > before or alarm is None or respond_min is None:
        return None
    return Guidance(alarm, cause or "", consequence or "", action, respond_min)
