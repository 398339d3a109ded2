"""A note on a time of the trends: of which pump, and what it says."""

from collections.abc import Sequence

from PySide6.QtWidgets import QComboBox, QDialog, QPlainTextEdit, QWidget

from pumpwatch_gui.domain.commands import Annotate
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.wording import stamp
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.shell.page import PageContext

STATION = "the station"


class NoteDialog(QDialog):
    """Writes a note on `at_s` (Unix seconds) to the journal; one of `pump_ids` or of the station."""

    def __init__(self, context: PageContext, pump_ids: Sequence[str], at_s: float, parent: QWidget) -> None:
        super().__init__(parent)
        self._context, self._about_ns = context, round(at_s * 1e9)
        self.setWindowTitle(f"Note on {stamp(self._about_ns)}")
        self.pump = QComboBox()
        self.pump.setAccessibleName("What it is about")
        for pump_id in dict.fromkeys(pump_ids):
            self.pump.addItem(context.title_of(pump_id), pump_id)
        self.pump.addItem(STATION, "")
        self.text = QPlainTextEdit()
        self.text.setAccessibleName("Note")
        self.text.setTabChangesFocus(True)
        self.said = StatusText()
        self.write = button("Write", "Write the note to the journal", self.order)
        self.write.setDefault(True)
        leave = button("Cancel", "Write nothing", self.reject)
        words = label(f"{stamp(self._about_ns)}, of", "strong")
        vbox(hbox(words, (self.pump, 1)), (self.text, 1), self.said, hbox(None, self.write, leave), parent=self,
             margin=16, spacing=12)  # fmt: skip
        resize_within_screen(self, context.appearance.px(460), context.appearance.px(220))
        self.text.setFocus()

    def order(self) -> None:
        """Hand it in."""
        text = " ".join(self.text.toPlainText().split())
        if not text:
            self.said.warn("Write what there is to say")
            return
        self.write.setEnabled(False)
        self._context.order(Annotate(text, self._about_ns, str(self.pump.currentData())), self._done)

    def _done(self, done: OrderDone) -> None:
        self.write.setEnabled(True)
        if done.ok:
            self.accept()
        else:
            self.said.warn(done.text)
