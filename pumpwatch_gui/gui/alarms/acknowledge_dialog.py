"""Acknowledging one alarm or several with a note that the journal keeps."""

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.commands import Acknowledge, Command
from pumpwatch_gui.gui.forms.order_dialog import OrderDialog
from pumpwatch_gui.gui.look.widgets import label
from pumpwatch_gui.gui.shell.page import PageContext

NAMED = 6


class AcknowledgeDialog(OrderDialog):
    """Names the alarms and asks for the note; they are those that were chosen, whatever comes meanwhile."""

    def __init__(self, context: PageContext, alarms: tuple[Alarm, ...], parent: QWidget) -> None:
        count = f"{len(alarms)} alarms" if len(alarms) > 1 else f"{alarms[0].pump_id} {alarms[0].text}"
        super().__init__(context, f"Acknowledge {count}", "Acknowledge", parent, height=260)
        self._alarms = alarms
        view = context.latest()
        numbers = [context.shown(alarm, view).numbers for alarm in alarms[:NAMED]]
        if len(alarms) == 1:  # one is named in the title
            if numbers[0]:
                self.put("Value", label(numbers[0], "strong"))
        else:
            lines = [
                " · ".join(filter(None, (f"{alarm.pump_id}  {alarm.text}", words)))
                for alarm, words in zip(alarms, numbers, strict=False)
            ]
            lines += [f"and {len(alarms) - NAMED} more"] if len(alarms) > NAMED else []
            self.put("Alarms", label("\n".join(lines)))
        self.note = self.add_line("Note", hint="What was found or done, as the next shift must know it")
        self.begin(self.note)

    @property
    @override
    def commands(self) -> tuple[Command, ...]:
        note = self.note.text().strip()
        return tuple(Acknowledge(alarm.alarm_id, note) for alarm in self._alarms)
