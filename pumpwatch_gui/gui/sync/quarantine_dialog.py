"""The rows that the server refused for good: which, why and as they were sent; sent again, or discarded."""

import json
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from pumpwatch_gui.domain.commands import Command, DiscardRefused, ResendRefused
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.sync import STREAM_WORDS, QuarantinedRow, RowKey
from pumpwatch_gui.domain.wording import counted, error_text, stamp
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import Question, StatusText, ask_first, button, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

MOST = 5000
"""Rows that are shown; when these are gone the next ones are."""
RENEW_MS = 500
COMMITTED_MS = 1500
"""The store commits once a second: so long after an order the quarantine is as ordered."""


class QuarantineDialog(QDialog):
    """Reads when it is opened, after each order, and whenever their number changes."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(parent)
        self.context = context
        self._counted = -1
        columns = [
            Column[QuarantinedRow]("Refused at", lambda r: stamp(r.time_ns), sort=lambda r: r.time_ns),
            Column[QuarantinedRow]("Stream", lambda r: STREAM_WORDS[r.stream]),
            Column[QuarantinedRow]("Key", lambda r: r.row_key, elided=True),
            Column[QuarantinedRow]("Reason", lambda r: r.reason, elided=True),
            Column[QuarantinedRow]("Row as it was sent", lambda r: row_text(r, ", "), elided=True),
        ]
        self.rows: RowsModel[QuarantinedRow] = RowsModel(columns, key=lambda r: r.which)
        self.view = TableView(
            context.appearance, self.rows, "Rows in quarantine", many=True, nothing="The server has taken every row"
        )
        self.count = label("", "heading")
        self.advice = label(
            "The server does not take these rows, now or later; all others have gone on. They are whole in the history "
            "of this station. Send them again once the cause is removed on the server.", "dim"
        )  # fmt: skip
        self.advice.setWordWrap(True)
        self.content = QPlainTextEdit()
        self.content.setReadOnly(True)
        self.content.setAccessibleName("The chosen row as it was sent")
        self.content.setPlaceholderText("Choose a row to read it whole")
        self.content.setFixedHeight(context.appearance.px(150))
        self.trouble = StatusText()
        self.again = button("", "Send the rows again", self.send_again)
        self.discard = button("", "Discard the rows, after a question", self.ask_discard)
        close = button("Close", "Close", self.reject)
        close.setDefault(True)
        self.view.offer(self.again, self.discard)
        foot = hbox((self.trouble, 1), self.again, self.discard, close)
        vbox(self.count, self.advice, (self.view, 1), self.content, foot, parent=self, margin=16, spacing=12)
        resize_within_screen(self, context.appearance.px(1160), context.appearance.px(620))
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._show_choice())
        renew = QTimer(self)
        renew.timeout.connect(self._renew)
        renew.start(RENEW_MS)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.read)
        self._show_choice()
        self._renew()
        if self._counted < 0:
            self.read()

    # ---------------------------------------------------------------- reading

    def _renew(self) -> None:
        view = self.context.station.latest().sync
        if view is not None and view.quarantined != self._counted:
            self._counted = view.quarantined
            self.read()

    def read(self) -> None:
        """Read them off the GUI thread."""
        self.context.ask(partial(self.context.station.history.quarantined, limit=MOST + 1), self._show, self._failed)

    def _failed(self, error: Exception) -> None:
        self.trouble.warn(error_text(error))

    def _show(self, rows: list[QuarantinedRow]) -> None:
        self.rows.show_rows(rows[:MOST])
        words = f"{counted(len(rows), 'row')} in quarantine" if rows else "Nothing is in quarantine"
        if len(rows) > MOST:
            every = f" of {self._counted:,}" if self._counted > MOST else ""
            words = f"The newest {MOST:,}{every} rows in quarantine"
        self.count.setText(words)
        self.advice.setVisible(bool(rows))
        self._show_choice()

    def _chosen(self) -> list[QuarantinedRow]:
        """The selected rows, all that are shown where none is."""
        found = [self.rows.row_at(index) for index in self.view.selectionModel().selectedRows()]
        return [row for row in found if row is not None] or list(self.rows.rows)

    def _show_choice(self) -> None:
        rows, is_some = self._chosen(), self.view.chosen.isValid()
        which = f"{len(rows):,}" if is_some else "all"
        self.again.setText(f"Send {which} again")
        self.discard.setText(f"Discard {which}…")
        self.again.setEnabled(bool(rows) and self.context.station.latest().sync is not None)
        self.discard.setEnabled(bool(rows))
        first = rows[0] if rows and is_some and len(rows) == 1 else None
        text = f"{first.reason}\n\n{row_text(first, chr(10))}" if first else ""
        if text != self.content.toPlainText():
            self.content.setPlainText(text)

    # ---------------------------------------------------------------- orders

    def send_again(self) -> None:
        """Order that the chosen rows be sent once more."""
        self._order(ResendRefused, tuple(row.which for row in self._chosen()))

    def ask_discard(self) -> None:
        """Ask, then order that the chosen rows be forgotten."""
        rows = tuple(row.which for row in self._chosen())
        words = f"Discard {counted(len(rows), 'refused row')}?"
        more = "The server will not have them. In the history of this station they stay."
        question = Question(words, more, yes="Discard", no="Keep")
        ask_first(self, question, lambda: self._order(DiscardRefused, rows))

    def _order(self, kind: Callable[[tuple[RowKey, ...]], Command], rows: tuple[RowKey, ...]) -> None:
        if rows:
            self.trouble.say("")
            self.context.order(kind(rows), self._done)

    def _done(self, outcome: OrderDone) -> None:
        (self.trouble.say if outcome.ok else self.trouble.warn)(outcome.text[:1].upper() + outcome.text[1:])
        self._later.start(COMMITTED_MS)


def row_text(row: QuarantinedRow, between: str) -> str:
    """The columns of a row with their values, as they were sent."""
    try:
        content = json.loads(row.content)
    except ValueError:
        return row.content
    if not isinstance(content, dict):
        return row.content
    return between.join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in content.items())
