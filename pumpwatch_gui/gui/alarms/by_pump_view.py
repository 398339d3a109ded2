"""The alarms by pump, for a flood: one row a pump, which opens into its alarms; nothing moves under the reader."""

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.alarms.flood import AlarmsByPump, PumpGroup
from pumpwatch_gui.domain.alarms.shown import ShownAlarm
from pumpwatch_gui.domain.pump.limit_words import limit_place
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.wording import stamp
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.priority_icons import PriorityIcons
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A pump with its name, or, where there is `shown`, one alarm below it."""

    group: PumpGroup
    name: str
    shown: ShownAlarm | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What the row is about."""
        return self.group.pump_id, self.shown.alarm.alarm_id if self.shown is not None else ""


class ByPumpView(TableView):
    """The table. Enter, a double click, Right and Left open and close a pump; Enter on an alarm opens its page.

    `turned`: a pump was opened or closed.
    """

    turned = Signal()

    def __init__(self, context: PageContext) -> None:
        self._groups = AlarmsByPump()
        self._icons = PriorityIcons(context.appearance)
        self._page_context = context
        self.rows: RowsModel[GroupRow] = RowsModel(self._columns(), key=lambda r: r.key)
        super().__init__(context.appearance, self.rows, "Alarms by pump")
        self.setSortingEnabled(False)  # an order that a reader cannot lose
        self.horizontalHeader().setSortIndicatorShown(False)
        self.lead_to(self._alarm_place, context, lambda row: row.shown.alarm.raised_ns if row.shown else None)
        self.activated.connect(self._activated)

    def _columns(self) -> list[Column[GroupRow]]:
        def alarm(row: GroupRow) -> Alarm:
            return row.shown.alarm if row.shown is not None else row.group.first

        return [
            Column("Pump", _pump),
            Column("Worst", _priority, icon=self._icon),
            Column("Alarms", _count, right=True),
            Column("Unacknowledged", lambda r: "" if r.shown else str(r.group.unacknowledged), right=True),
            Column("First out, alarm", lambda r: alarm(r).text, elided=True, kept=lambda r: limit_place(alarm(r))),
            Column("Since", lambda r: stamp(alarm(r).raised_ns)),
            Column("Now", lambda r: r.shown.now if r.shown else "", right=True),
            Column("State", lambda r: r.shown.alarm.state.value if r.shown else "", elided=True),
        ]

    def _icon(self, row: GroupRow) -> QIcon | None:
        if row.shown is not None:
            return self._icons.of(row.shown.alarm.priority, hollow=not row.shown.alarm.state.is_active)
        return self._icons.of(row.group.worst) if row.group.worst is not None else None

    # ---------------------------------------------------------------- what is shown

    def show_alarms(self, alarms: list[Alarm], hidden: list[Alarm], view: StationView) -> None:
        """Take the alarms that the filter lets through."""
        self._groups.see(alarms, hidden, {pump.pump_id: pump.first_out for pump in view.pumps})
        self._show(view)

    def clear(self) -> None:
        """Forget the order, and what is open."""
        self._groups.clear()

    def _show(self, view: StationView) -> None:
        names = {pump.pump_id: pump.name for pump in view.pumps}
        rows = []
        for group in self._groups.groups:
            name = names.get(group.pump_id, "")
            rows.append(GroupRow(group, name))
            rows += [GroupRow(group, name, self._page_context.shown(a, view)) for a in group.alarms]
        self.rows.show_rows(rows)

    # ---------------------------------------------------------------- what is chosen

    @property
    def chosen_row(self) -> GroupRow | None:
        """The selected row."""
        return self.rows.row_at(self.chosen)

    @property
    def chosen_alarm(self) -> ShownAlarm | None:
        """The selected alarm; None for a pump, and for an alarm that has gone or was hidden."""
        row = self.chosen_row
        if row is None or row.shown is None:
            return None
        return row.shown if row.shown.alarm.state.is_announced else None

    def to_acknowledge(self) -> tuple[Alarm, ...]:
        """The selected alarm, or of a selected pump those of its alarms that are on the screen; the unacknowledged."""
        chosen = self.chosen_row
        if chosen is None:
            return ()
        rows = [(chosen, self.chosen.row())] if chosen.shown is not None else list(self._below(chosen))
        seen = self.viewport().rect()
        return tuple(
            row.shown.alarm
            for row, at in rows
            if row.shown is not None
            and row.shown.alarm.state.is_unacknowledged
            and seen.contains(self.visualRect(self.rows.index(at, 0)).center())
        )

    def _below(self, chosen: GroupRow) -> list[tuple[GroupRow, int]]:
        pump_id = chosen.group.pump_id
        return [(row, at) for at, row in enumerate(self.rows.rows) if row.shown and row.group.pump_id == pump_id]

    # ---------------------------------------------------------------- opening and closing

    def toggle(self) -> None:
        """Open or close the pump of the selected row."""
        if (row := self.chosen_row) is not None:
            self._turn(row.group.pump_id)

    def _turn(self, pump_id: str, *, close: bool = False) -> None:
        (self._groups.close if close else self._groups.toggle)(pump_id)
        self._show(self._page_context.latest())
        self.turned.emit()

    def _activated(self, index: QModelIndex) -> None:
        row = self.rows.row_at(index)
        if row is not None and row.shown is None:
            self._turn(row.group.pump_id)

    def _alarm_place(self, row: GroupRow) -> tuple[str, str]:
        return (row.shown.alarm.pump_id, row.shown.alarm.tag) if row.shown is not None else ("", "")

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Right opens a pump, Left closes it and goes back to its row."""
        row = self.chosen_row
        if row is None or event.key() not in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            super().keyPressEvent(event)
            return
        is_open, wanted = row.group.is_open, event.key() == Qt.Key.Key_Right
        if wanted and (not is_open or row.group.unseen):
            self.toggle()
        elif not wanted and is_open:
            self.choose((row.group.pump_id, ""))
            self._turn(row.group.pump_id, close=True)


def _pump(row: GroupRow) -> str:
    if row.shown is not None:
        return f"      {row.group.pump_id}"
    return f"{'▾' if row.group.is_open else '▸'} {row.group.pump_id}  {row.name}".rstrip()


def _priority(row: GroupRow) -> str:
    priority = row.shown.alarm.priority if row.shown is not None else row.group.worst
    return "" if priority is None else str(int(priority))


def _count(row: GroupRow) -> str:
    if row.shown is not None:
        return ""
    new = f", {row.group.unseen} new" if row.group.is_open and row.group.unseen else ""
    return f"{row.group.count}{new}"
