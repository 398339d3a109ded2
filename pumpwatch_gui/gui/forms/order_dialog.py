"""A dialog that fills in one order, or the same order for several things, and closes when all were executed."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QGridLayout, QLineEdit, QPlainTextEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.commands import Command
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.gui.look.layout import resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import Question, StatusText, ask_first, label, remove_icons
from pumpwatch_gui.gui.shell.page import PageContext


class OrderDialog(QDialog):
    """Fields under one another, a line for what is wrong, a button that orders and Cancel.

    A subclass adds its fields and gives the `command`, or the `commands` for several things; they raise ValueError in
    words where a field is wrong. What was refused is said, and the dialog stays.
    """

    def __init__(self, context: PageContext, title: str, words: str, parent: QWidget, *, height: int) -> None:
        super().__init__(parent)
        self.context = context
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnStretch(1, 1)
        self._texts: list[Callable[[], str]] = []
        self._has_text = False
        self.trouble = StatusText()
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.ok, cancel = (box.button(b) for b in (box.StandardButton.Ok, box.StandardButton.Cancel))
        remove_icons(box)
        self.ok.setText(words)
        self.ok.setDefault(True)
        cancel.setAutoDefault(False)
        box.accepted.connect(self.give)
        box.rejected.connect(self.reject)
        vbox(label(title, "heading"), (self._grid, 1), self.trouble, box, parent=self, margin=16, spacing=12)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):  # Enter alone is a new line in a field of several
            QShortcut(QKeySequence(keys), self, self.give)
        resize_within_screen(self, context.appearance.px(560), context.appearance.px(height))
        self._first: tuple[str, ...] = ()
        self._waited_for, self._refused = 0, list[str]()

    def add_line(self, name: str, text: str = "", hint: str = "") -> QLineEdit:
        """A field of one line."""
        field = QLineEdit(text)
        field.setPlaceholderText(hint)
        self._texts.append(field.text)
        self.put(name, field)
        return field

    def add_text(self, name: str, hint: str = "") -> QPlainTextEdit:
        """A field of several lines."""
        field = QPlainTextEdit()
        field.setPlaceholderText(hint)
        field.setTabChangesFocus(True)
        self._texts.append(field.toPlainText)
        self.put(name, field)
        self._grid.setRowStretch(self._grid.rowCount() - 1, 1)
        self._has_text = True
        return field

    def add_choice(self, name: str, choices: list[str]) -> QComboBox:
        """A choice of one of several."""
        field = QComboBox()
        field.addItems(choices)
        self.put(name, field)
        return field

    def put(self, name: str, field: QWidget) -> None:
        """A field below the last, with its name."""
        field.setAccessibleName(name)
        words, row = label(name), self._grid.rowCount()
        words.setBuddy(field)
        if isinstance(field, QPlainTextEdit):
            words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(words, row, 0)
        self._grid.addWidget(field, row, 1)

    def begin(self, first: QWidget) -> None:
        """All fields are there: what is in them now is no edit, and the keyboard goes to the first."""
        self._first = tuple(text() for text in self._texts)
        if not self._has_text:  # the room to spare is below the fields, not between them
            self._grid.setRowStretch(self._grid.rowCount(), 1)
        first.setFocus()

    @property
    def command(self) -> Command:
        """What was filled in, as an order. Raises ValueError in words."""
        raise NotImplementedError

    @property
    def commands(self) -> tuple[Command, ...]:
        """What was filled in, as an order for each thing. Raises ValueError in words."""
        return (self.command,)

    def give(self) -> None:
        """Order it."""
        if not self.ok.isEnabled():
            return
        try:
            commands = self.commands
        except ValueError as error:
            self.trouble.warn(str(error))
            return
        self.ok.setEnabled(False)
        self.trouble.say("")
        self._waited_for, self._refused = len(commands), []
        for command in commands:
            self.context.order(command, self._done)

    def _done(self, done: OrderDone) -> None:
        self._waited_for -= 1
        if not done.ok:
            self._refused.append(done.text)
        if self._waited_for:
            return
        self.ok.setEnabled(True)
        if self._refused:
            self.trouble.warn("; ".join(dict.fromkeys(self._refused)))
        else:
            self.accept()

    @override
    def reject(self) -> None:
        """Cancel or Escape; with edits only after a question."""
        if tuple(text() for text in self._texts) == self._first:
            super().reject()
            return
        question = Question("Discard what you wrote?", "It is not ordered.", yes="Discard", no="Go on editing")
        ask_first(self, question, lambda: QDialog.reject(self))
