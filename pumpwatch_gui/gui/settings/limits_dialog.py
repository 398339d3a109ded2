"""Limits of one pump: every sensor's alarm limits, deadband and delays, checked while they are typed."""

from collections.abc import Callable
from dataclasses import fields

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.site_changes import SetLimits
from pumpwatch_gui.domain.wording import number, unit_text
from pumpwatch_gui.gui.forms.site_dialog import SiteDialog
from pumpwatch_gui.gui.look.theme import color
from pumpwatch_gui.gui.look.widgets import button, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.settings.profile_file import load_profile

LIMIT_FIELDS = tuple(f.name for f in fields(Limits))
TITLES = ("Low-low", "Low", "High", "High-high", "Deadband", "On-delay, s", "Off-delay, s")
FIRST = 3
"""Columns before the limits: sensor, value now, span."""


def parse_limits(sensor: Sensor, cells: dict[str, str]) -> Limits:
    """The limits that the typed cells mean; an empty limit is not watched.

    Raises ValueError with the column and what is wrong: no number, order, or outside the sensor's span.
    """
    values: dict[str, float | None] = {}
    for name, text in cells.items():
        optional = name in ("low_low", "low", "high", "high_high")
        try:
            values[name] = float(text) if text.strip() else None if optional else 0.0
        except ValueError:
            raise ValueError(f"{TITLES[LIMIT_FIELDS.index(name)].lower()}: {text!r} is not a number") from None
        value = values[name]
        if optional and value is not None and not sensor.span[0] <= value <= sensor.span[1]:
            title = TITLES[LIMIT_FIELDS.index(name)].lower()
            raise ValueError(f"{title}: {text} is outside the span {sensor.span[0]:g} to {sensor.span[1]:g}")
    return Limits(**values)  # type: ignore[arg-type]


class LimitsDialog(SiteDialog):
    """A row a sensor. A wrong row is named below and cannot be saved; nothing changes before Save."""

    def __init__(self, context: PageContext, pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(context, (1080, 600), parent)
        self.setWindowTitle("Limits")
        self._profile: PumpProfile | None = None
        self.pump = QComboBox()
        self.pump.setAccessibleName("Pump")
        self.pump.addItems([p.pump_id for p in context.station.site().pumps])
        self.pump.setCurrentText(pump_id)
        self.table = self._make_table()
        head = QHBoxLayout()
        head.addWidget(label("Pump", "heading"))
        head.addWidget(self.pump)
        head.addStretch(1)
        head.addWidget(label("An empty limit is not watched.", "dim"))
        head.addWidget(button("Restore row", "Restore the profile's own limits in this row", self.restore_row))
        inner = QVBoxLayout(self.content)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(12)
        inner.addLayout(head)
        inner.addWidget(self.table, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self.content, 1)
        column.addWidget(self.trouble)
        column.addLayout(self.foot())
        self.pump.currentIndexChanged.connect(lambda _: self.load())
        self.table.itemChanged.connect(lambda _: self.check())
        self.load()

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, FIRST + len(TITLES))
        table.setAccessibleName("Limits of every sensor")
        table.setHorizontalHeaderLabels(["Sensor", "Now", "Span", *TITLES])
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(self.context.appearance.px(34))
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        return table

    # ---------------------------------------------------------------- the table

    def load(self) -> None:
        """Show the limits the chosen pump is judged by now."""
        views = {p.pump_id: p for p in self.context.station.latest().pumps}
        view = views.get(self.pump.currentText())
        self._profile = view.profile if view else None
        sensors = view.profile.sensors if view else ()
        self.table.blockSignals(True)
        self.table.setRowCount(len(sensors))
        for row, sensor in enumerate(sensors):
            value = float(view.frame.values[row]) if view and view.frame else float("nan")
            self._fixed(row, 0, sensor.label)
            self._fixed(row, 1, f"{number(value, sensor.decimals)} {unit_text(sensor.unit)}")
            self._fixed(row, 2, f"{sensor.span[0]:g} to {sensor.span[1]:g}")
            self._fill(row, sensor.limits)
        self.table.blockSignals(False)
        self.check()

    def _fixed(self, row: int, column: int, text: str) -> None:
        item = QTableWidgetItem(text)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        if column:
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.table.setItem(row, column, item)

    def _fill(self, row: int, limits: Limits) -> None:
        for i, name in enumerate(LIMIT_FIELDS):
            value = getattr(limits, name)
            item = QTableWidgetItem("" if value is None else f"{value:g}")
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, FIRST + i, item)

    def _row(self, row: int, sensor: Sensor) -> Limits:
        def cell(i: int) -> str:
            item = self.table.item(row, FIRST + i)
            return item.text() if item is not None else ""

        return parse_limits(sensor, {name: cell(i) for i, name in enumerate(LIMIT_FIELDS)})

    def _each(self, use: Callable[[Sensor, Limits], None]) -> list[str]:
        wrong = []
        for row, sensor in enumerate(self._profile.sensors if self._profile else ()):
            try:
                use(sensor, self._row(row, sensor))
                good = True
            except ValueError as error:
                wrong.append(f"{sensor.label}: {error}")
                good = False
            item = self.table.item(row, 0)
            if item is not None:
                theme = self.context.appearance.theme
                item.setForeground(color(theme.text if good else theme.warning))
        return wrong

    def check(self) -> None:
        """Name every wrong row; Save is there only when none is."""
        self.table.blockSignals(True)
        wrong = self._each(lambda sensor, limits: None)
        self.table.blockSignals(False)
        self.trouble.setText("\n".join(wrong))
        self.allow_save(not wrong)

    def restore_row(self) -> None:
        """Put the profile's own limits into the current row."""
        row = self.table.currentRow()
        pump = next((p for p in self.context.station.site().pumps if p.pump_id == self.pump.currentText()), None)
        if pump is None or row < 0:
            return
        try:
            folder = self.context.station.site().folder
            own = load_profile(pump.profile_name, base_dir=folder).sensors[row].limits
        except InputError as error:
            self.trouble.setText(f"{error.message}: {error.advice}")
            return
        self._fill(row, own)
        self.check()

    @override
    def save(self) -> None:
        """Order the limits that were changed."""
        pump_id, changed = self.pump.currentText(), dict[str, Limits]()

        def keep(sensor: Sensor, limits: Limits) -> None:
            if limits != sensor.limits:
                changed[sensor.tag] = limits

        if not self._each(keep):
            self.order((SetLimits(pump_id, changed),) if changed else ())
