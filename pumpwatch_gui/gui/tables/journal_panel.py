"""The journal with its filter, older rows on demand, and export: all of it, or one kind of event."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon, QShowEvent
from PySide6.QtWidgets import QComboBox, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.journal import KINDS, JournalRow
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.wording import plain, stamp
from pumpwatch_gui.gui.look.layout import vbox
from pumpwatch_gui.gui.look.widgets import Panel, button, choose_target, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.filters import pump_filter, text_filter
from pumpwatch_gui.gui.tables.priority_icons import PriorityIcons
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

PAGE_ROWS = 300
BATCH_MS = 400
COMMITTED_S = 1.3
"""The store commits once a second: what happened longer ago than this is in the journal."""
CHOICES = ("everything", *KINDS)


class JournalPanel(QWidget):
    """The newest events first; `kind` is the one that is chosen at first, `acts` more buttons at its head."""

    def __init__(
        self, context: PageContext, *, name: str = "Journal", kind: str = CHOICES[0], acts: Sequence[QWidget] = ()
    ) -> None:
        super().__init__()
        self.context, self.appearance = context, context.appearance
        self._icons = PriorityIcons(self.appearance)
        self.journal: RowsModel[JournalRow] = RowsModel(self._journal_columns(), key=lambda r: r.id)
        self._all_loaded = False
        self._loading = False
        self._last_event_s = 0.0
        self._batch = QTimer(self)
        self._batch.setSingleShot(True)
        self._batch.setInterval(BATCH_MS)
        self._batch.timeout.connect(self._load_newest)
        vbox((self._make_journal(name, kind, acts), 1), parent=self, margin=0)
        self.setFocusProxy(self.journal_view)
        self._is_behind = True

    # ---------------------------------------------------------------- building

    def _make_journal(self, name: str, kind: str, acts: Sequence[QWidget]) -> Panel:
        self.journal_view = TableView(self.appearance, self.journal, name, many=True)
        self.journal_view.lead_to(lambda r: (r.pump_id, ""), self.context, lambda r: r.time_ns)
        self.journal_view.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.text = text_filter("text or person", width=self.appearance.px(200))
        self.text.textChanged.connect(lambda _: self.reload())
        self.pump = pump_filter(self.context.station.site())
        self.pump.currentIndexChanged.connect(lambda _: self.reload())
        self.kind = QComboBox()
        self.kind.setAccessibleName("Filter by kind")
        self.kind.addItems(list(CHOICES))
        self.kind.setCurrentText(kind)
        self.kind.currentIndexChanged.connect(lambda _: self.reload())
        self.outcome = label("", "dim")
        export = button("Export CSV…", "Export what the filter shows as CSV", self.choose_export)
        head = (self.outcome, self.text, self.pump, self.kind, export, *acts)
        return Panel(self.appearance, name, self.journal_view, head)

    def _journal_columns(self) -> list[Column[JournalRow]]:
        return [
            Column("Time", lambda r: stamp(r.time_ns), sort=lambda r: r.time_ns),
            Column("Kind", lambda r: r.kind),
            Column("Pump", lambda r: r.pump_id),
            Column("Severity", lambda r: r.severity.lower(), icon=self._severity_icon),
            Column("Event", lambda r: plain(r.text), tip=lambda r: r.text, elided=True),
            Column("By", lambda r: r.by, elided=True),
        ]

    def _severity_icon(self, row: JournalRow) -> QIcon | None:
        return self._icons.of(Priority[row.severity]) if row.severity in Priority.__members__ else None

    # ---------------------------------------------------------------- living

    def note(self) -> None:
        """Something happened: read what is new, once it is committed; out of sight, when it is shown again."""
        self._last_event_s = time.monotonic()
        if not self.isVisible():
            self._is_behind = True
        elif not self._batch.isActive():
            self._batch.start()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_behind:
            self._is_behind = False
            self.reload()
            if time.monotonic() - self._last_event_s < COMMITTED_S:
                self._batch.start()

    def show_pump(self, pump_id: str) -> None:
        """Let only the events of a pump through."""
        self.pump.setCurrentText(pump_id)

    # ---------------------------------------------------------------- the journal

    def query(self) -> JournalQuery:
        """What the filter lets through, in a replay up to the time on show."""
        return replace(self._filter(), before_ns=self.context.journal_before_ns)

    def _filter(self) -> JournalQuery:
        kind, pump = self.kind.currentText(), self.pump.currentText()
        return JournalQuery(
            pump_id=None if self.pump.currentIndex() <= 0 else pump,
            text=self.text.text().strip() or None,
            kinds=None if kind == CHOICES[0] else (kind,),
        )

    def reload(self) -> None:
        """Read the newest rows that the filter lets through."""
        self._loading = True
        self._read(self.query(), self._show)

    def _read(self, query: JournalQuery, use: Callable[[JournalQuery, list[JournalRow]], None]) -> None:
        """Read a page of the journal for `use`, which is called with what the filter was then."""
        history, shown = self.context.station.history, self._filter()
        self.context.ask(lambda: history.journal(query, limit=PAGE_ROWS), partial(use, shown), self._failed)

    def _show(self, query: JournalQuery, rows: list[JournalRow]) -> None:
        self._loading = False
        if query == self._filter():
            self.journal.show_rows(rows)
            self._all_loaded = len(rows) < PAGE_ROWS
            self._count()

    def _load_newest(self) -> None:
        if time.monotonic() - self._last_event_s < COMMITTED_S:
            self._batch.start()
        self._read(self.query(), self._merge)

    def _merge(self, query: JournalQuery, rows: list[JournalRow]) -> None:
        if query == self._filter():
            known = {row.id for row in self.journal.given[:PAGE_ROWS]}
            self.journal.prepend([row for row in rows if row.id not in known])
            self._count()

    def _scrolled(self, value: int) -> None:
        bar = self.journal_view.verticalScrollBar()
        if self._loading or self._all_loaded or not self.journal.rows or value < bar.maximum() - bar.pageStep():
            return
        self._loading = True
        last = self.journal.given[-1]
        self._read(replace(self._filter(), before_ns=last.time_ns, before_id=last.id), self._add_older)

    def _add_older(self, query: JournalQuery, rows: list[JournalRow]) -> None:
        self._loading = False
        if query == self._filter():
            self.journal.append(rows)
            self._all_loaded = len(rows) < PAGE_ROWS
            self._count()

    def _count(self) -> None:
        self.outcome.setText(f"{len(self.journal.rows):,}{'' if self._all_loaded else ' newest'} events")

    def _failed(self, error: Exception) -> None:
        self._loading = False
        self.outcome.setText(f"the journal cannot be read: {error}")

    # ---------------------------------------------------------------- export

    def choose_export(self) -> None:
        """Ask for a file and export what the filter shows."""
        start = str(Path.home() / "journal.csv")
        choose_target(self, "Export the journal", start, "CSV (*.csv)", self.export)

    def export(self, path: Path) -> None:
        """Write every row the filter lets through, not only those on the screen."""
        history, query = self.context.station.history, self.query()
        self.context.ask(lambda: history.export_journal_csv(path, query), self._exported, self._failed)

    def _exported(self, count: int) -> None:
        self.outcome.setText(f"{count:,} events exported")
