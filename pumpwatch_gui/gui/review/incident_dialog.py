"""Saving an incident file: which pumps, from when to when, which file, and what became of it."""

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.export.spans import span_ns
from pumpwatch_gui.commissioning.incidents import make_incident, written_words
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.incident import SUFFIX
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.wording import error_text, local_time
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, choose_target, label
from pumpwatch_gui.gui.shell.page import PageContext

OFFERED_NS = 1800 * 10**9
FORM = "%Y-%m-%d %H:%M:%S"


class IncidentDialog(QDialog):
    """Writes one file with all that there is of some pumps over a span. It can be cancelled.

    It is offered what `context.opening` says, else the last half hour of `pump_id`.
    """

    def __init__(self, context: PageContext, pump_id: str, parent: QWidget) -> None:
        super().__init__(parent)
        (pump_ids, span), context.opening.incident = context.opening.incident, ((), (0, 0))
        now_ns = context.station.latest().time_ns
        pump_ids, span = pump_ids or (pump_id,), span if span[1] else (now_ns - OFFERED_NS, now_ns)
        self._context, self._cancel = context, threading.Event()
        self.is_running = False
        self.pumps = QListWidget()
        self.pumps.setAccessibleName("Pumps")
        for pump in context.station.site().pumps:
            item = QListWidgetItem(context.title_of(pump.pump_id))
            item.setData(Qt.ItemDataRole.UserRole, pump.pump_id)
            item.setCheckState(Qt.CheckState.Checked if pump.pump_id in pump_ids else Qt.CheckState.Unchecked)
            self.pumps.addItem(item)
        self.start, self.end = (self._field(name, at) for name, at in zip(("From", "To"), span, strict=True))
        name = f"incident-{local_time(span[0], '%Y-%m-%d-%H%M')}{SUFFIX}"
        self.path = QLineEdit(f"~/{name}")
        self.path.setAccessibleName("File")
        self.said = StatusText()
        self.choose = button("Choose…", "Choose the file", self._choose)
        self.save = button("Save", "Save the incident file", self.run)
        self.close_button = button("Close", "Cancel or close", self._leave)
        self.save.setDefault(True)
        advice = label(
            "Readings with their quality, scores, alarms and who acknowledged them, journal, maintenance and notes. "
            f"The command pumpwatch review FILE{SUFFIX} opens it on any machine.", "dim"
        )  # fmt: skip
        advice.setWordWrap(True)
        times = hbox(label("From", "dim"), self.start, label("to", "dim"), self.end, None)
        vbox(label("Pumps", "heading"), (self.pumps, 1), label("Time", "heading"), times, label("File", "heading"),
             hbox((self.path, 1), self.choose), advice, self.said, hbox(None, self.save, self.close_button),
             parent=self, margin=16, spacing=10)  # fmt: skip
        resize_within_screen(self, context.appearance.px(600), context.appearance.px(480))

    def _field(self, name: str, at_ns: int) -> QLineEdit:
        made = QLineEdit(local_time(at_ns, FORM))
        made.setAccessibleName(name)
        made.setFixedWidth(self._context.appearance.px(170))
        return made

    @property
    def chosen(self) -> tuple[str, ...]:
        """The pumps that are ticked."""
        items = (self.pumps.item(i) for i in range(self.pumps.count()))
        return tuple(
            str(item.data(Qt.ItemDataRole.UserRole)) for item in items if item.checkState() is Qt.CheckState.Checked
        )

    def _choose(self) -> None:
        kinds = f"Incident file (*{SUFFIX})"
        choose_target(self, "Save an incident file", self.path.text(), kinds, lambda p: self.path.setText(str(p)))

    def run(self) -> None:
        """Write it in the background."""
        now_ns = self._context.station.latest().time_ns
        replay = self._context.station.latest().replay
        try:
            span = span_ns(self.start.text(), self.end.text(), now_ns=replay.end_ns + 1 if replay else now_ns)
        except InputError as error:
            self.said.warn(error_text(error))
            return
        self._cancel = threading.Event()
        self._show_running(True)
        self.said.say("writing and checking the file…")
        job = partial(_job, self._context.station.history, Path(self.path.text()).expanduser(), self.chosen, span,
                      self._cancel)  # fmt: skip
        self._context.ask(job, self._done, self._failed)

    def _show_running(self, is_running: bool) -> None:
        self.is_running = is_running
        for part in (self.save, self.path, self.choose, self.pumps, self.start, self.end):
            part.setEnabled(not is_running)
        self.close_button.setText("Cancel" if is_running else "Close")

    def _done(self, words: str) -> None:
        self._show_running(False)
        self.said.say(words)

    def _failed(self, error: Exception) -> None:
        self._show_running(False)
        self.said.warn(error_text(error))

    def _leave(self) -> None:
        if self.is_running:
            self._cancel.set()
            self.said.say("cancelling")
        else:
            self.accept()

    @override
    def reject(self) -> None:
        """Escape cancels what runs, and closes what does not."""
        self._leave()

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        """Nothing goes on behind a window that is closed."""
        self._cancel.set()
        super().closeEvent(event)


def _job(history: Historian, path: Path, pumps: Sequence[str], span: tuple[int, int], cancel: threading.Event) -> str:
    """Runs off the GUI thread."""
    return written_words(*make_incident(history, path, pumps, span, cancelled=cancel.is_set))
