"""The hand-over of a shift: notes, and what the next shift must know, to read, to print and to save."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QComboBox, QDialog, QFileDialog, QLineEdit, QWidget

from pumpwatch_gui.commissioning.journal import journal_span
from pumpwatch_gui.domain.commands import Record
from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.handover import as_markdown, hand_over
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.wording import error_text, minute
from pumpwatch_gui.files.atomic import write_atomic
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.marked_text import PAGE_SIZES, MarkedText, fill
from pumpwatch_gui.gui.look.printing import choose_printer
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.shell.page import PageContext

HOUR_NS = 3600 * 10**9
SHIFTS_H = (8, 12, 24)
COMMITTED_MS = 1500
"""The store commits once a second: so long after a note it is in the journal."""


class HandOverDialog(QDialog):
    """A note is a line of the journal, signed and timed; everything else is read from the journal and the station."""

    def __init__(self, context: PageContext, pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Hand-over")
        self.context = context
        self.markdown = ""
        self._turn = 0
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.timeout.connect(self.read)
        self.note = QLineEdit()
        self.note.setPlaceholderText("A note for the next shift")
        self.note.setAccessibleName("Note")
        self.pump = QComboBox()
        self.pump.setAccessibleName("Pump of the note")
        self.pump.addItems(["station", *(pump.pump_id for pump in context.station.site().pumps)])
        self.pump.setCurrentText(pump_id or "station")
        self.add = button("Add note", "Write the note into the journal", self.write_note)
        self.add.setDefault(True)
        if not context.can_operate:
            self.note.setPlaceholderText("Notes are written at the station itself")
            for field in (self.note, self.pump, self.add):
                field.setEnabled(False)
        self.shift = QComboBox()
        self.shift.setAccessibleName("Length of the shift")
        for hours in SHIFTS_H:
            self.shift.addItem(f"last {hours} h", hours)
        self.shift.activated.connect(self.read)
        self.text = MarkedText(context.appearance, "Hand-over")
        self.trouble = StatusText()
        head = hbox(label("Note", "heading"), self.pump, (self.note, 1), self.add)
        foot = hbox(
            self.shift, button("Renew", "Read it again", self.read), (self.trouble, 1),
            button("Save…", "Save the hand-over as text", self.choose_file),
            button("Print…", "Print the hand-over", self.choose_printer),
            button("Close", "Close the hand-over", self.reject),
        )  # fmt: skip
        vbox(head, (self.text, 1), foot, parent=self, margin=16, spacing=12)
        resize_within_screen(self, context.appearance.px(820), context.appearance.px(660))
        self.note.setFocus()
        self.read()

    # ---------------------------------------------------------------- notes

    def write_note(self) -> None:
        """Order that the note be written; it stays in the field until it is."""
        words = self.note.text().strip()
        if not words:
            self.trouble.warn("Write the note first")
            return
        pump_id = self.pump.currentText() if self.pump.currentIndex() > 0 else ""
        self.add.setEnabled(False)
        self.context.order(Record(words, pump_id), self._written)

    def _written(self, outcome: OrderDone) -> None:
        self.add.setEnabled(True)
        if not outcome.ok:
            self.trouble.warn(outcome.text)
            return
        self.note.clear()
        self.trouble.say("Noted")
        self._again.start(COMMITTED_MS)

    # ---------------------------------------------------------------- the hand-over

    def read(self) -> None:
        """Read the journal of the shift."""
        self._turn += 1
        end_ns = self.context.station.latest().time_ns
        start_ns = end_ns - int(self.shift.currentData()) * HOUR_NS
        rows = journal_span(self.context.station.history, start_ns=start_ns, end_ns=end_ns + 1)
        self.context.ask(lambda: list(rows), partial(self._show, self._turn, start_ns, end_ns), self._failed)

    def _show(self, turn: int, start_ns: int, end_ns: int, rows: list[JournalRow]) -> None:
        if turn != self._turn:
            return
        view = self.context.station.latest()
        period = f"{minute(start_ns)} to {minute(end_ns)}, written by {self.context.user}"
        sections = hand_over(view, rows, start_ns=start_ns, end_ns=end_ns + 1)
        self.markdown = as_markdown(sections, title=f"Hand-over of {view.name}", period=period)
        self.text.show_text(self.markdown)

    def _failed(self, error: Exception) -> None:
        self.trouble.warn(error_text(error))

    # ---------------------------------------------------------------- out of the program

    def choose_file(self) -> None:
        """Ask for a file and save the hand-over there."""
        name = f"hand-over-{minute(self.context.station.latest().time_ns).replace(':', '').replace(' ', '-')}.md"
        path, _ = QFileDialog.getSaveFileName(self, "Save the hand-over", name, "Text (*.md *.txt)")
        if path:
            self.save(Path(path))

    def save(self, path: Path) -> None:
        """Write the hand-over as Markdown; a failure is said."""
        try:
            write_atomic(path, self.markdown.encode("utf-8"))
        except OSError as error:
            self._failed(InputError(f"cannot write {path}: {error.strerror}", "choose another folder"))
            return
        self.trouble.say(f"Saved as {path.name}")

    def choose_printer(self) -> None:
        """Ask for a printer and print the hand-over."""
        try:
            choose_printer(self, self.print_on)
        except PumpWatchError as error:
            self._failed(error)

    def print_on(self, printer: object) -> None:
        """Print the hand-over in the colours of paper."""
        document = QTextDocument()
        fill(document, self.markdown, sizes=PAGE_SIZES, above=10)
        document.print_(printer)  # type: ignore[arg-type]
