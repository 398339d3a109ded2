"""The dialogs of the Maintenance page: each fills in one order, and closes when that was executed."""

from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.export.spans import instant_ns
from pumpwatch_gui.domain.commands import (
    AssignMaintenance,
    Command,
    CreateMaintenance,
    NoteMaintenance,
    ReopenMaintenance,
    ResolveMaintenance,
)
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent
from pumpwatch_gui.domain.wording import date, local_time, money, typed_date, typed_hours, typed_money
from pumpwatch_gui.gui.forms.order_dialog import OrderDialog
from pumpwatch_gui.gui.maintenance.rows import notes_of
from pumpwatch_gui.gui.shell.page import PageContext

FORM = "%Y-%m-%d %H:%M:%S"
DATE_HINT = "2026-12-31, empty for no date"


def typed(name: str, read: Callable[[str], float], field: QLineEdit) -> float:
    """What a field reads; raises ValueError that names it."""
    try:
        return read(field.text())
    except ValueError as error:
        field.setFocus()
        raise ValueError(f"{name}: {error}") from None


class CreateDialog(OrderDialog):
    """Planned work or an inspection of a pump."""

    KINDS = tuple(kind for kind in EventType if kind.is_manual)

    def __init__(self, context: PageContext, pump_id: str, parent: QWidget) -> None:
        super().__init__(context, "New maintenance event", "Create", parent, height=430)
        site = context.station.site()
        self.pump = self.add_choice("Pump", [pump.pump_id for pump in site.pumps])
        self.pump.setCurrentText(pump_id)
        self.kind = self.add_choice("Kind", [kind.value for kind in self.KINDS])
        self.severity = self.add_choice("Severity", [severity.name.lower() for severity in EventSeverity])
        self.severity.setCurrentText(EventSeverity.MEDIUM.name.lower())
        self.work = self.add_line("Work", hint="What is to be done, in a line")
        self.cost = self.add_line(f"Estimate, {site.currency}", hint="67500, empty when not known")
        self.assigned_to = self.add_line("Assigned to", hint="Empty for not assigned")
        self.due = self.add_line("Due", hint=DATE_HINT)
        self.note = self.add_line("Note")
        self.begin(self.work)

    @property
    @override
    def command(self) -> Command:
        if not self.work.text().strip():
            raise ValueError("Work: say in a line what is to be done")
        return CreateMaintenance(
            self.pump.currentText(),
            self.KINDS[self.kind.currentIndex()],
            EventSeverity[self.severity.currentText().upper()],
            self.work.text(),
            typed("Estimate", typed_money, self.cost),
            self.assigned_to.text(),
            int(typed("Due", typed_date, self.due)),
            self.note.text(),
        )


class AssignDialog(OrderDialog):
    """Who does the work, and by when."""

    def __init__(self, context: PageContext, event: MaintenanceEvent, parent: QWidget) -> None:
        super().__init__(context, f"Assign – {event.pump_id} {event.title}", "Assign", parent, height=220)
        self._event = event
        self.assigned_to = self.add_line("Assigned to", event.assigned_to, "Empty for not assigned")
        self.due = self.add_line("Due", date(event.due_ns), DATE_HINT)
        self.begin(self.assigned_to)

    @property
    @override
    def command(self) -> Command:
        return AssignMaintenance(self._event.event_id, self.assigned_to.text(), int(typed("Due", typed_date, self.due)))


class NoteDialog(OrderDialog):
    """All notes of an event, and one more."""

    def __init__(self, context: PageContext, event: MaintenanceEvent, parent: QWidget) -> None:
        super().__init__(context, f"Notes – {event.pump_id} {event.title}", "Add note", parent, height=380)
        self._event = event
        self.note = self.add_text("New note", "What the next shift must know")
        if event.notes:
            self.before = QPlainTextEdit("\n\n".join(notes_of(event)))
            self.before.setReadOnly(True)
            self.before.setTabChangesFocus(True)
            self.put("So far", self.before)
        self.begin(self.note)

    @property
    @override
    def command(self) -> Command:
        if not self.note.toPlainText().strip():
            raise ValueError("New note: write what is to be kept")
        return NoteMaintenance(self._event.event_id, self.note.toPlainText())


class ResolveDialog(OrderDialog):
    """What was found and done, what it really cost, whether the pump had failed and how long it was out of service."""

    ANSWERS = (("choose", None), ("no: it could do its duty", False), ("yes: it could not, or a trip stopped it", True))

    def __init__(self, context: PageContext, event: MaintenanceEvent, parent: QWidget) -> None:
        super().__init__(context, f"Resolve – {event.pump_id} {event.title}", "Resolve", parent, height=390)
        self._event = event
        estimate = money(event.estimated_cost, event.currency)
        self.finding = self.add_text("Found and done", "The cause, and what was done about it")
        self.cost = self.add_line(f"Real cost, {event.currency}", hint=f"Estimated {estimate}; empty when not known")
        self.failure = self.add_choice("Did the pump fail?", [words for words, _ in self.ANSWERS])
        self.down_from = self.add_line("Out of service from", local_time(event.time_ns, FORM), "2026-10-25 14:30")
        self.down = self.add_line("For, hours", hint="5.5 or 5:30; 0 when it was not, empty when not known")
        self.begin(self.finding)

    @property
    @override
    def command(self) -> Command:
        if not self.finding.toPlainText().strip():
            raise ValueError("Found and done: say in a line what was found")
        cost = typed("Real cost", typed_money, self.cost)
        is_failure = self.ANSWERS[self.failure.currentIndex()][1]
        if is_failure is None:
            self.failure.setFocus()
            raise ValueError("Did the pump fail? Availability and MTBF in the reports follow from it")
        down_s = typed("For, hours", typed_hours, self.down)
        from_ns = int(typed("Out of service from", _typed_time, self.down_from)) if down_s > 0 else 0
        return ResolveMaintenance(self._event.event_id, self.finding.toPlainText(), cost, is_failure, from_ns, down_s)


def _typed_time(text: str) -> float:
    try:
        return instant_ns(text)
    except InputError as error:
        raise ValueError(f"{error.message}: {error.advice}") from None


class ReopenDialog(OrderDialog):
    """Why the work is not done."""

    def __init__(self, context: PageContext, event: MaintenanceEvent, parent: QWidget) -> None:
        super().__init__(context, f"Reopen – {event.pump_id} {event.title}", "Reopen", parent, height=190)
        self._event = event
        self.reason = self.add_line("Reason", hint="Why the work is not done")
        self.begin(self.reason)

    @property
    @override
    def command(self) -> Command:
        if not self.reason.text().strip():
            raise ValueError("Reason: say why the work is not done")
        return ReopenMaintenance(self._event.event_id, self.reason.text())
