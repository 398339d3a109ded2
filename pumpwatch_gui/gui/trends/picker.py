"""Choosing quantities: every one of every pump, found by a few letters."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.wording import unit_text
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button
from pumpwatch_gui.gui.palette.matching import best
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView
from pumpwatch_gui.gui.trends.pens import MOST_PENS, SCORE, Pen

MOST = 400


@dataclass(frozen=True, slots=True)
class Choice:
    """A quantity that can be chosen."""

    pen: Pen
    pump: str
    label: str
    unit: str
    kind: str

    @property
    def words(self) -> str:
        """What is looked for in it."""
        return f"{self.pump} {self.label} {self.pen.tag} {self.unit} {self.kind}"


def choices(site: Site) -> tuple[Choice, ...]:
    """Every quantity of every pump, in plant order: sensors, what is derived, the score."""
    found = []
    for pump in site.pumps:
        name = pump.pump_id if pump.name == pump.pump_id else f"{pump.pump_id} {pump.name}"
        rows = [(sensor, "sensor") for sensor in pump.profile.sensors]
        rows += [(sensor, "derived") for sensor in pump.profile.derived] + [(SCORE, "score")]
        for sensor, kind in rows:
            found.append(Choice(Pen(pump.pump_id, sensor.tag), name, sensor.label, unit_text(sensor.unit), kind))
    return tuple(found)


class PickerDialog(QDialog):
    """Type, then Enter adds or takes away what is chosen; the dialog stays until it is closed.

    `on_change` is called with a pen to add or to take away.
    """

    def __init__(
        self,
        context: PageContext,
        pens: Callable[[], tuple[Pen, ...]],
        on_change: Callable[[Pen], None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Add pens")
        self._pens, self._on_change = pens, on_change
        self._choices = choices(context.shown_site())
        self.found: RowsModel[Choice] = RowsModel(self._columns(), key=lambda c: c.pen.key)
        self.typed = QLineEdit()
        self.typed.setPlaceholderText("Pump, quantity, tag or unit, as: 103 vibr")
        self.typed.setAccessibleName("Find a quantity")
        self.typed.textChanged.connect(self._find)
        self.typed.installEventFilter(self)
        self.view = TableView(context.appearance, self.found, "Quantities", nothing="Nothing is called so")
        self.view.activated.connect(lambda _: self.toggle())
        self.said = StatusText()
        self.act = button("Add", "Add or take away the chosen quantity", self.toggle, hint="Enter")
        close = button("Close", "Close", self.accept)
        vbox(self.typed, (self.view, 1), hbox((self.said, 1), self.act, close), parent=self, margin=12)
        resize_within_screen(self, context.appearance.px(680), context.appearance.px(520))
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._say())
        self._find("")
        self.typed.setFocus()

    def _columns(self) -> list[Column[Choice]]:
        def mark(choice: Choice) -> str:
            return "✓" if choice.pen.key in {pen.key for pen in self._pens()} else ""

        return [
            Column("", mark),
            Column("Pump", lambda c: c.pump, elided=True),
            Column("Quantity", lambda c: c.label, elided=True),
            Column("Unit", lambda c: c.unit),
            Column("Tag", lambda c: c.pen.tag, spare=True),
            Column("Kind", lambda c: c.kind, spare=True),
        ]

    def toggle(self) -> None:
        """Add what is chosen, or take it away."""
        choice = self.found.row_at(self.view.chosen)
        if choice is not None:
            self._on_change(choice.pen)
            self.view.viewport().update()
            self._say()

    def _find(self, typed: str) -> None:
        found = best(typed, self._choices, lambda c: c.words, most=MOST) if typed.strip() else self._choices
        self.found.show_rows(found)
        self.view.selectRow(0)
        self.view.scrollToTop()
        self._say()

    def _say(self) -> None:
        pens, choice = self._pens(), self.found.row_at(self.view.chosen)
        has = choice is not None and choice.pen.key in {pen.key for pen in pens}
        self.act.setText("Take away" if has else "Add")
        self.act.setEnabled(choice is not None and (has or len(pens) < MOST_PENS))
        self.said.say(f"{len(pens)} of at most {MOST_PENS} pens" if self.found.rows else "Nothing is called so")

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move the choice while the field keeps the keyboard; Enter does it."""
        if watched is self.typed and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}
            if (step := steps.get(Qt.Key(event.key()))) is not None and self.found.rows:
                at = max(0, min(self.view.currentIndex().row() + step, len(self.found.rows) - 1))
                self.view.selectRow(at)
                self.view.scrollTo(self.view.currentIndex())
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.toggle()
                return True
        return super().eventFilter(watched, event)
