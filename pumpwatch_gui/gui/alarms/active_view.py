"""The active alarms: the table, and the bar behind which new ones wait while it is read."""

from collections import Counter
from math import isfinite

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QIcon, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState
from pumpwatch_gui.domain.alarms.held import HeldAlarms
from pumpwatch_gui.domain.alarms.shown import ShownAlarm
from pumpwatch_gui.domain.pump.limit_words import limit_place
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.wording import stamp
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.theme import STRONG
from pumpwatch_gui.gui.look.widgets import KeyButton
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.priority_icons import PriorityIcons
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView
from pumpwatch_gui.gui.tables.text_order import text_order

TAKE_KEY = "Ctrl+Home"
NAMED_PUMPS = 3


class ActiveView(QWidget):
    """By priority, the unacknowledged first, the newest first.

    It is read while a row is selected, it is scrolled, or the pointer is on it: then no row moves.
    """

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        self._icons = PriorityIcons(context.appearance)
        self._held = HeldAlarms()
        self._begins = True
        self._named: tuple[Alarm, ...] = ()
        self.rows: RowsModel[ShownAlarm] = RowsModel(self._columns(), key=lambda s: s.alarm.alarm_id)
        self.table = ActiveTable(context, self.rows)
        self.table.left.connect(self.take)
        self.bar = KeyButton(context.appearance, "", TAKE_KEY, name="Show the new alarms")
        shortcut = QShortcut(QKeySequence(TAKE_KEY), self, self.take)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.bar.clicked.connect(self.take)
        self.bar.hide()
        vbox(hbox(self.bar, None), (self.table, 1), parent=self, margin=0, spacing=8)

    def _columns(self) -> list[Column[ShownAlarm]]:
        def icon(shown: ShownAlarm) -> QIcon:
            return self._icons.of(shown.alarm.priority, hollow=not shown.alarm.state.is_active)

        def strong(shown: ShownAlarm) -> QFont | None:
            return context.appearance.font(13, STRONG) if shown.alarm.state.is_unacknowledged else None

        context = self._context
        return [
            Column("Priority", lambda s: str(int(s.alarm.priority)), icon=icon),
            Column("Since", lambda s: stamp(s.alarm.raised_ns), sort=lambda s: s.alarm.raised_ns),
            Column("Pump", lambda s: s.alarm.pump_id),
            Column(
                "Alarm",
                _text,
                elided=True,
                strong=strong,
                sort=lambda s: text_order(s.alarm.text),
                kept=lambda s: limit_place(s.alarm),
            ),
            Column("Now", lambda s: s.now, right=True, sort=lambda s: s.now_number),
            Column(
                "Raised at",
                lambda s: s.raised_value,
                right=True,
                spare=True,
                sort=lambda s: s.alarm.value if isfinite(s.alarm.value) else None,
            ),
            Column("Worst", lambda s: s.worst, right=True, spare=True),
            Column("Limit", lambda s: s.limit, right=True),
            Column("State", _state, elided=True, strong=strong),
            Column("Duration", lambda s: s.lasts, right=True, sort=lambda s: -s.alarm.raised_ns),
        ]

    # ---------------------------------------------------------------- what is shown

    def show_alarms(self, alarms: list[Alarm], hidden: list[Alarm], view: StationView) -> None:
        """Take the alarms that the filter lets through."""
        self._held.see(alarms, hidden, is_read=self.is_read and not self._begins)
        self._begins = False
        self._show(view)

    def begin(self) -> None:
        """Select nothing, and take the alarms as they are next: the list was left, or another filter is set."""
        self.table.selectionModel().clear()
        self._begins = True

    @property
    def is_read(self) -> bool:
        """Whether a person is at the rows, so that they must stay where they are."""
        table = self.table
        is_at_rows = table.viewport().underMouse() or table.verticalScrollBar().value() > 0
        return bool(self._held.rows) and table.isVisible() and (is_at_rows or table.chosen.isValid())

    @property
    def new(self) -> tuple[Alarm, ...]:
        """The alarms that wait behind the bar."""
        return self._held.new

    def take(self) -> None:
        """Show the new alarms in their places, from the top; what is selected stays selected while it is there."""
        self._held.take()
        self.table.scrollToTop()
        self._show(self._context.latest())

    def _show(self, view: StationView) -> None:
        self.rows.show_rows([self._context.shown(alarm, view) for alarm in self._held.rows])
        new = self._held.new
        self.bar.setVisible(bool(new))
        if new and new != self._named:
            self._named, words = new, _new_words(new)
            self.bar.setText(words)
            self.bar.setToolTip("\n".join(f"{a.pump_id}  {a.text}" for a in new[:20]))
            self.bar.setAccessibleName(f"{words}. Show them")
            self.bar.updateGeometry()

    # ---------------------------------------------------------------- what is chosen

    @property
    def selected(self) -> tuple[Alarm, ...]:
        """The alarms of the selected rows that are still announced, from the top."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return tuple(alarm for i in rows if (alarm := self.rows.rows[i].alarm).state.is_announced)

    @property
    def on_screen(self) -> tuple[Alarm, ...]:
        """The unacknowledged alarms whose rows are whole on the screen: what one act on the page is for."""
        seen = self.table.viewport().rect()
        rows = ((self.rows.rows[i].alarm, self.table.visualRect(self.rows.index(i, 0))) for i in self.table.on_screen)
        return tuple(
            alarm
            for alarm, place in rows
            if alarm.state.is_unacknowledged and seen.top() <= place.top() and place.bottom() <= seen.bottom()
        )


class ActiveTable(TableView):
    """The table of active alarms. `left`: a person has taken the selection back by Escape."""

    left = Signal()

    def __init__(self, context: PageContext, rows: RowsModel[ShownAlarm]) -> None:
        super().__init__(context.appearance, rows, "Active alarms", many=True)
        self.lead_to(lambda s: (s.alarm.pump_id, s.alarm.tag), context, lambda s: s.alarm.raised_ns)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape ends the selection."""
        if event.key() == Qt.Key.Key_Escape and self.chosen.isValid():
            self.clearSelection()
            self.left.emit()
        else:
            super().keyPressEvent(event)


def _new_words(new: tuple[Alarm, ...]) -> str:
    """`▲ 3 new alarms: 1 high, 2 medium · P-103, P-104`."""
    counts = Counter(alarm.priority for alarm in new)
    kinds = ", ".join(f"{counts[priority]} {priority.name.lower()}" for priority in sorted(counts))
    pumps = list(dict.fromkeys(alarm.pump_id for alarm in new))
    more = f" and {len(pumps) - NAMED_PUMPS} more" if len(pumps) > NAMED_PUMPS else ""
    return f"▲ {len(new)} new alarm{'s' * (len(new) != 1)}: {kinds} · {', '.join(pumps[:NAMED_PUMPS])}{more}"


def _text(shown: ShownAlarm) -> str:
    not_judged = f"not judged now: {shown.unjudged}" if shown.unjudged else ""
    return " · ".join(filter(None, (shown.alarm.text, not_judged, shown.first_out)))


def _state(shown: ShownAlarm) -> str:
    alarm = shown.alarm
    by = f" by {alarm.by}" if alarm.by and not alarm.state.is_unacknowledged else ""
    return ("gone" if alarm.state is AlarmState.NORMAL else alarm.state.value) + by
