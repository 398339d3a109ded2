"""Hiding one alarm: for how long it goes on the shelf, or out of service, and why."""

from PySide6.QtWidgets import QCheckBox, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.commands import AlarmCommand, ShelveAlarm, TakeOutOfService
from pumpwatch_gui.domain.wording import duration
from pumpwatch_gui.gui.forms.order_dialog import OrderDialog
from pumpwatch_gui.gui.look.widgets import label
from pumpwatch_gui.gui.shell.page import PageContext

TIMES_S = (900.0, 1800.0, 3600.0, 2 * 3600.0, 4 * 3600.0, 8 * 3600.0)


class HideDialog(OrderDialog):
    """Asks for the reason, and for the time of a shelf."""

    def __init__(self, context: PageContext, alarm: Alarm, parent: QWidget, *, out_of_service: bool) -> None:
        words = "Take out of service" if out_of_service else "Shelve"
        super().__init__(context, f"{words} – {alarm.pump_id} {alarm.text}", words, parent, height=270)
        self._alarm_id, self._out = alarm.alarm_id, out_of_service
        if numbers := context.shown(alarm, context.latest()).numbers:
            self.put("Value", label(numbers, "strong"))
        if not out_of_service:
            self.time = self.add_choice("For", [duration(seconds) for seconds in TIMES_S])
            self.time.setCurrentIndex(TIMES_S.index(3600.0))
            self.one_shot = QCheckBox("At most until it returns to normal")
            self.put("", self.one_shot)
        self.reason = self.add_line("Reason", hint="Why, as the next shift must know it")
        self.reason.textChanged.connect(lambda _: self._offer())
        advice = (
            "It is announced again when it is returned to service."
            if out_of_service
            else "It is announced again when the time is over; the journal keeps who shelved it and why."
        )
        self.put("", label(advice, "dim"))
        self._offer()
        self.begin(self.reason)

    @property
    @override
    def command(self) -> AlarmCommand:
        reason = self.reason.text().strip()
        if self._out:
            return TakeOutOfService(self._alarm_id, reason)
        seconds = TIMES_S[self.time.currentIndex()]
        return ShelveAlarm(self._alarm_id, seconds, reason, self.one_shot.isChecked())

    def _offer(self) -> None:
        self.ok.setEnabled(bool(self.reason.text().strip()))
