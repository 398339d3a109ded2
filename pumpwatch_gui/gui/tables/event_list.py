"""The list of the last events: what the journal has, and what happens while it is open."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import get_args

from PySide6.QtCore import Signal
from typing_extensions import override

from pumpwatch_gui.domain.commands import COMMANDS, AlarmCommand, Annotate, GiveFeedback, MaintenanceCommand
from pumpwatch_gui.domain.events import Event, OrderDone
from pumpwatch_gui.domain.journal import JournalRow, journal_row, line_words
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.wording import clock
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.row_list import Row, RowList

_COMMANDS = (*get_args(AlarmCommand), *get_args(MaintenanceCommand), Annotate, GiveFeedback)
SHOWN_BY_THEIR_CHANGE = frozenset(COMMANDS[kind].name for kind in _COMMANDS)
"""Orders whose outcome is an event of its own, as in the journal."""


class EventList(RowList):
    """The newest `kept` events on top, of one pump or of all, of some `kinds` or of all (None).

    `pump_chosen` carries the pump of a row that has one.
    """

    pump_chosen = Signal(str)

    def __init__(self, context: PageContext, name: str, *, kept: int, kinds: tuple[str, ...] | None = None) -> None:
        super().__init__(context.appearance, name, empty="No events yet", lines=2)
        self._context, self._kept, self._kinds = context, kept, kinds
        self._pump_id: str | None = None
        self._keys = count()

    def show_pump(self, pump_id: str | None) -> None:
        """Turn to a pump, or to all (None); what the journal has of it comes off the GUI thread."""
        self._pump_id = pump_id
        self.show_rows(())
        self._read(self._add_past)

    def reload(self) -> None:
        """Read it again, for the time that a replay has come to."""
        self._read(self._show_past)

    def _read(self, use: Callable[[str | None, list[JournalRow]], None]) -> None:
        history, limit, pump_id = self._context.station.history, self._kept, self._pump_id
        query = JournalQuery(pump_id=pump_id, kinds=self._kinds, before_ns=self._context.journal_before_ns)
        self._context.ask(lambda: history.journal(query, limit=limit), partial(use, pump_id), self._no_past)

    def add(self, event: Event) -> None:
        """An event happened."""
        if isinstance(event, OrderDone) and event.ok and event.command in SHOWN_BY_THEIR_CHANGE:
            return
        line = journal_row(event, 0)
        is_shown = self._kinds is None or line.kind in self._kinds
        if is_shown and self._pump_id in (None, line.pump_id):
            self.show_rows((self._row(line), *self.rows)[: self._kept])

    @override
    def activate(self, i: int) -> None:
        if self.rows[i].pump_id:
            self.pump_chosen.emit(self.rows[i].pump_id)

    def _add_past(self, pump_id: str | None, journal: list[JournalRow]) -> None:
        if pump_id == self._pump_id:
            known = {(row.left, row.text) for row in self.rows}  # what happened meanwhile may be in the journal too
            past = [row for row in map(self._row, journal) if (row.left, row.text) not in known]
            self.show_rows((*self.rows, *past)[: self._kept])

    def _show_past(self, pump_id: str | None, journal: list[JournalRow]) -> None:
        if pump_id == self._pump_id:
            self.show_rows(tuple(map(self._row, journal)))

    def _no_past(self, error: Exception) -> None:
        """A journal that cannot be read has an alarm of its own; the list starts empty."""

    def _row(self, line: JournalRow) -> Row:
        text = line_words(line)
        if self._pump_id is None and line.pump_id not in text:
            text = f"{line.pump_id} {text}"
        return Row(str(next(self._keys)), text, left=clock(line.time_ns), pump_id=line.pump_id)
