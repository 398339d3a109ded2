"""Hiding one alarm: for how long it goes on the shelf, or out of service, and why."""

from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QDialogButtonBox, QLineEdit, QWidget

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.commands import AlarmCommand, ShelveAlarm, TakeOutOfService
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.wording import duration
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, label
from pumpwatch_gui.gui.shell.page import PageContext

TIMES_S = (900.0, 1800.0, 3600.0, 2 * 3600.0, 4 * 3600.0, 8 * 3600.0)


class HideDialog(QDialog):
    """Asks for the reason, and for the time of a shelf. It closes when the order was executed."""

    def __init__(self, context: PageContext, alarm: Alarm, parent: QWidget, *, out_of_service: bool) -> None:
        super().__init__(parent)
        self._context, self._alarm_id, self._out = context, alarm.alarm_id, out_of_service
        words = "Take out of service" if out_of_service else "Shelve"
        self.setWindowTitle(f"{words} – {alarm.pump_id} {alarm.text}")
        self.time = QComboBox()
        self.time.setAccessibleName("For how long")
        for seconds in TIMES_S:
            self.time.addItem(duration(seconds), seconds)
        self.time.setCurrentIndex(TIMES_S.index(3600.0))
        self.one_shot = QCheckBox("At most until it returns to normal")
        self.reason = QLineEdit()
        self.reason.setPlaceholderText("Why, as the next shift must know it")
        self.reason.setAccessibleName("Reason")
        self.trouble = StatusText()
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.ok, cancel = (box.button(b) for b in (QDialogButtonBox.StandardButton.Ok, box.StandardButton.Cancel))
        self.ok.setText(words)
        self.ok.setDefault(True)
        cancel.setAutoDefault(False)
        box.accepted.connect(self.give)
        box.rejected.connect(self.reject)
        self.reason.textChanged.connect(lambda _: self._offer())
        advice = (
            "It is announced again when it is returned to service."
            if out_of_service
            else "It is announced again when the time is over; the journal keeps who shelved it and why."
        )
        times = hbox(label("For"), self.time, self.one_shot, None, spacing=12)
        rows = (label(f"{alarm.pump_id}  {alarm.text}", "heading"), label(advice, "dim"))
        shelf = () if out_of_service else (times,)
        vbox(*rows, *shelf, self.reason, self.trouble, None, box, parent=self, margin=16, spacing=12)
        resize_within_screen(self, context.appearance.px(560), context.appearance.px(240))
        self._offer()
        self.reason.setFocus()

    @property
    def command(self) -> AlarmCommand:
        """What was filled in, as an order."""
        reason = self.reason.text().strip()
        if self._out:
            return TakeOutOfService(self._alarm_id, reason)
        return ShelveAlarm(self._alarm_id, float(self.time.currentData()), reason, self.one_shot.isChecked())

    def give(self) -> None:
        """Order it."""
        if self.ok.isEnabled():
            self.ok.setEnabled(False)
            self._context.order(self.command, self._done)

    def _done(self, done: OrderDone) -> None:
        if done.ok:
            self.accept()
        else:
            self.trouble.warn(done.text)
            self._offer()

    def _offer(self) -> None:
        self.ok.setEnabled(bool(self.reason.text().strip()))
