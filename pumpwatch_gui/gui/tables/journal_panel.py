"""The journal with its filter, older rows on demand, and export: all of it, or one kind of event."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtGui import QIcon, QShowEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.export.spans import instant_ns
from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.journal import KINDS, JournalRow, line_words
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.wording import clock, counted, date_words, error_text, stamp
from pumpwatch_gui.gui.look.layout import vbox
from pumpwatch_gui.gui.look.widgets import Panel, button, choose_target, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.filters import offer_clear, pump_filter, text_filter
from pumpwatch_gui.gui.tables.priority_icons import PriorityIcons
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

PAGE_ROWS = 300
BATCH_MS, UP_TO_PX = 400, 134
COMMITTED_S = 1.3
"""The store commits once a second: what happened longer ago than this is in the journal."""
CHOICES = ("everything", *KINDS)


class JournalPanel(QWidget):
    """The newest events first; `kind` is the one that is chosen at first, `acts` more buttons at its head.

    Not `is_framed`: it is part of another panel.
    """

    def __init__(
        self,
        context: PageContext,
        *,
        name: str = "Journal",
        kind: str = CHOICES[0],
        acts: Sequence[QWidget] = (),
        is_framed: bool = True,
    ) -> None:
        super().__init__()
        self.context, self.appearance = context, context.appearance
        self._icons = PriorityIcons(self.appearance)
        self.journal: RowsModel[JournalRow] = RowsModel(self._journal_columns(), key=lambda r: r.id)
        self._up_to_ns: int | None = None
        self._all_loaded = False
        self._loading = False
        self._last_event_s = 0.0
        self._batch = QTimer(self)
        self._batch.setSingleShot(True)
        self._batch.setInterval(BATCH_MS)
        self._batch.timeout.connect(self._load_newest)
        panel = self._make_journal(name, kind, acts)
        if not is_framed:
            panel.setProperty("panel", False)
            panel.body.setContentsMargins(0, 0, 0, 0)
        vbox((panel, 1), parent=self, margin=0)
        self.setFocusProxy(self.journal_view)
        self._is_behind = True

    def _say_day(self) -> None:
        """The day of the first row in sight: its divider may be above it."""
        first = self.journal.row_at(self.journal_view.indexAt(QPoint(1, 1)))
        day = (
            f"  ·  {date_words(first.time_ns, is_short=True)}"
            if first is not None and self.journal.divided >= 0
            else ""
        )
        self._heading.setText(f"{self._name_of_list}{day}")

    # ---------------------------------------------------------------- building

    def _make_journal(self, name: str, kind: str, acts: Sequence[QWidget]) -> Panel:
        self.journal_view = TableView(self.appearance, self.journal, name, many=True, nothing="No events")
        self.journal_view.lead_to(lambda r: (r.pump_id, ""), self.context, lambda r: r.time_ns)
        self.journal_view.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.text = text_filter("text or person", width=self.appearance.px(160))
        self.text.textChanged.connect(lambda _: self.reload())
        self.pump = pump_filter(self.context.station.site())
        self.pump.currentIndexChanged.connect(lambda _: self.reload())
        self.up_to = QLineEdit()
        self.up_to.setPlaceholderText("Up to: now")
        self.up_to.setAccessibleName("Up to this day or time")
        self.up_to.setToolTip("A day or a time, as 2026-10-25 or 2026-10-25 14:30: what happened up to its end")
        offer_clear(self.up_to, "Up to now again")
        self.up_to.setFixedWidth(round(self.appearance.px(UP_TO_PX)))
        self.up_to.editingFinished.connect(self._turn_to)
        self.up_to.textChanged.connect(lambda text: None if text else self._turn_to())
        self.kind = QComboBox()
        self.kind.setAccessibleName("Filter by kind")
        self.kind.addItems(list(CHOICES))
        self.kind.setCurrentText(kind)
        self.kind.currentIndexChanged.connect(lambda _: self.reload())
        self.outcome = label("", "dim")
        export = button("Export CSV…", "Export what the filter shows as CSV", self.choose_export)
        head = (self.outcome, self.up_to, self.text, self.pump, self.kind, export, *acts)
        panel = Panel(self.appearance, name, self.journal_view, head)
        self._heading, self._name_of_list = panel.heading, name
        for changed in (self.journal_view.verticalScrollBar().valueChanged, self.journal.rowsInserted,
                        self.journal.modelReset, self.journal.layoutChanged):  # fmt: skip
            changed.connect(lambda *_: self._say_day())
        return panel

    def _journal_columns(self) -> list[Column[JournalRow]]:
        return [
            Column(
                "Time",
                lambda r: stamp(r.time_ns),
                sort=lambda r: r.time_ns,
                group=lambda r: date_words(r.time_ns),
                brief=lambda r: clock(r.time_ns),
            ),
            Column("Kind", lambda r: r.kind),
            Column("Severity", lambda r: r.severity.lower(), icon=self._severity_icon),
            Column("Pump", lambda r: r.pump_id),
            Column("Name", self._name, spare=True),
            Column("By", lambda r: r.by),
            Column("Event", line_words, tip=lambda r: r.text, elided=True),
        ]

    def _name(self, row: JournalRow) -> str:
        """What the pump is called, where the site still has it and that is not its id."""
        pump = self.context.station.site().pump(row.pump_id) if row.pump_id else None
        return pump.name if pump is not None and pump.name != row.pump_id else ""

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
        ends = [at for at in (self._up_to_ns, self.context.journal_before_ns) if at is not None]
        return replace(self._filter(), before_ns=min(ends, default=None))

    def _filter(self) -> JournalQuery:
        kind, pump = self.kind.currentText(), self.pump.currentText()
        return JournalQuery(
            pump_id=None if self.pump.currentIndex() <= 0 else pump,
            text=self.text.text().strip() or None,
            kinds=None if kind == CHOICES[0] else (kind,),
            before_ns=self._up_to_ns,
        )

    def _turn_to(self) -> None:
        """Show what happened up to the day or time that was typed, or all where nothing is."""
        text = self.up_to.text().strip()
        try:
            up_to_ns = instant_ns(text, is_end=True) if text else None
        except InputError as error:
            self.outcome.setText(error_text(error))
            return
        if up_to_ns != self._up_to_ns:
            self._up_to_ns = up_to_ns
            self.reload()

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
        which = "" if self._all_loaded else "last " if self._up_to_ns is not None else "newest "
        self.outcome.setText(counted(len(self.journal.rows), f"{which}event"))

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
        self.outcome.setText(f"{counted(count, 'event')} exported")
