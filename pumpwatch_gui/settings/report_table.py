"""The table `[reports]` of a site file: which reports are made by themselves."""

from datetime import time
from typing import Any

from pumpwatch_gui.domain.reports.schedule import FORMATS, SCHEDULED, ReportSchedule
from pumpwatch_gui.settings.toml_table import Table


def read_reports(table: Table) -> ReportSchedule:
    """The schedule; what is wrong is noted, and the usual is taken instead."""
    usual, offered = ReportSchedule(), {kind.value: kind for kind in SCHEDULED}
    kinds = table.take_names("kinds", offered, ())
    folder = table.take_text("folder", usual.folder) or usual.folder
    formats = table.take_names("formats", FORMATS, FORMATS)
    shifts, logo = _shifts(table, usual.shifts), table.take_text("logo", "") or ""
    table.finish()
    return ReportSchedule(tuple(offered[name] for name in kinds), folder, shifts, formats or FORMATS, logo)


def _shifts(table: Table, usual: tuple[time, ...]) -> tuple[time, ...]:
    advice = 'for example shifts = ["06:00", "14:00", "22:00"]'
    given: list[Any] | None = table.take("shifts", list, "a list of times", None)
    if given is None:
        return usual
    try:
        begin = tuple(time.fromisoformat(text) for text in given)
        ReportSchedule(shifts=begin)
    except (TypeError, ValueError):
        table.note("shifts", "must be the local times at which shifts begin, each once", advice)
        return usual
    return begin
