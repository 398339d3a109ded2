"""The table in which limits are edited: a row a sensor, checked while it is typed."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QLineEdit, QTableWidget
from PySide6.QtWidgets import QTableWidgetItem as Cell
from typing_extensions import override

from pumpwatch_gui.domain.pump.profile import Limits, Sensor
from pumpwatch_gui.domain.units import tidy
from pumpwatch_gui.domain.wording import editable_number, typed_number, unit_text
from pumpwatch_gui.gui.look.theme import REGULAR, STRONG, Appearance, color
from pumpwatch_gui.gui.look.widgets import plain_tip
from pumpwatch_gui.gui.tables.columns import Columns
from pumpwatch_gui.gui.tables.row_copies import copy_selected

LIMIT_FIELDS = tuple(f.name for f in fields(Limits) if f.name != "latching")
TITLES = ("Low-low", "Low", "High", "High-high", "Deadband", "On-delay, s", "Off-delay, s")
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def parse_limits(sensor: Sensor, cells: Mapping[str, str]) -> Limits:
    """The limits that the typed cells mean; an empty limit is not watched.

    Raises ValueError with the column and what is wrong: no number, order, or outside the sensor's span.
    """
    values: dict[str, float | None] = {}
    for name, text in cells.items():
        title, optional = TITLES[LIMIT_FIELDS.index(name)].lower(), name in ("low_low", "low", "high", "high_high")
        try:
            values[name] = typed_number(text) if text.strip() else None if optional else 0.0
        except ValueError as error:
            raise ValueError(f"{title}: {error}") from None
        value = values[name]
        if optional and value is not None and not sensor.span[0] <= value <= sensor.span[1]:
            raise ValueError(f"{title}: {text} is outside the span {span_words(sensor)}")
    return replace(sensor.limits, **values)  # type: ignore[arg-type]


def span_words(sensor: Sensor) -> str:
    """The span of a sensor: `0 to 3,600`."""
    low, high = map(tidy, sensor.span)
    return f"{low:,g} to {high:,g}"


class LimitsTable(QTableWidget):
    """Sensor, span and `facts` in fixed cells, then the limits. `edited` is emitted after every change by hand."""

    edited = Signal()

    def __init__(self, appearance: Appearance, *facts: str) -> None:
        titles = ("Sensor", "Span", *facts)
        super().__init__(0, len(titles) + len(TITLES))
        self._appearance, self.first = appearance, len(titles)
        self.sensors: tuple[Sensor, ...] = ()
        self._saved: tuple[tuple[str, ...], ...] = ()
        self.setAccessibleName("Limits of every sensor")
        for column, title in enumerate((*titles, *TITLES)):
            heading = Cell(title)
            heading.setTextAlignment(RIGHT if column else LEFT)
            self.setHorizontalHeaderItem(column, heading)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(appearance.px(34))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.columns = Columns(appearance, self, elided=(0,), even=True)
        self.itemChanged.connect(lambda _: self.edited.emit())

    def turn_to(self, tag: str) -> None:
        """Make the row of a sensor the current one; of one that is not there nothing changes."""
        row = next((i for i, sensor in enumerate(self.sensors) if sensor.tag == tag), -1)
        if row >= 0:
            self.setCurrentCell(row, self.first)

    def show_limits(
        self, sensors: Sequence[Sensor], limits: Mapping[str, Limits], facts: Sequence[Sequence[str]] = ()
    ) -> None:
        """Show these sensors with their limits by tag, and the other fixed cells of each row."""
        self.sensors = tuple(sensors)
        with QSignalBlocker(self):
            self.setRowCount(len(sensors))
            for row, sensor in enumerate(sensors):
                span = f"{span_words(sensor)} {unit_text(sensor.unit)}".rstrip()
                for column, text in enumerate((sensor.label, span, *(facts[row] if facts else ()))):
                    cell = Cell(text)
                    cell.setToolTip("" if column else plain_tip(text))
                    cell.setFlags(Qt.ItemFlag.ItemIsEnabled)
                    if column:
                        cell.setTextAlignment(RIGHT)
                    self.setItem(row, column, cell)
                self.fill(row, limits[sensor.tag])
        self._saved = self.texts()
        self.columns.forget()
        if sensors:
            self.setCurrentCell(0, self.first)

    def texts(self) -> tuple[tuple[str, ...], ...]:
        """What the editable cells of each row say."""
        columns = range(self.first, self.columnCount())
        return tuple(tuple(self._text(row, column) for column in columns) for row in range(self.rowCount()))

    def show_texts(self, texts: tuple[tuple[str, ...], ...]) -> None:
        """Put texts into the editable cells."""
        with QSignalBlocker(self):
            for row, cells in enumerate(texts):
                for column, text in enumerate(cells, self.first):
                    cell = self.item(row, column)
                    if cell is not None and cell.text() != text:
                        cell.setText(text)
                        self.setCurrentCell(row, column)

    def show_facts(self, facts: Sequence[Sequence[str]]) -> None:
        """Renew the fixed cells, those of sensor and span apart."""
        with QSignalBlocker(self):
            for row, texts in enumerate(facts):
                for column, text in enumerate(texts, self.first - len(texts)):
                    cell = self.item(row, column)
                    if cell is not None and cell.text() != text:
                        cell.setText(text)
        self.viewport().update()

    def fill(self, row: int, limits: Limits) -> None:
        """Put limits into a row."""
        for i, name in enumerate(LIMIT_FIELDS):
            value = getattr(limits, name)
            cell = Cell("" if value is None else editable_number(value))
            cell.setTextAlignment(RIGHT)
            self.setItem(row, self.first + i, cell)

    def set_limit(self, row: int, name: str, value: float) -> None:
        """Put one limit into its cell, as if it were typed."""
        cell = self.item(row, self.first + LIMIT_FIELDS.index(name))
        if cell is not None:
            cell.setText(editable_number(value))

    def changes(self) -> tuple[str, ...]:
        """What was changed since the limits were shown, in words: `Vibration high 5.1 → 8`."""
        return tuple(
            f"{self.sensors[row].label} {TITLES[i].lower()} {before or 'none'} → {now or 'none'}"
            for row, (old, new) in enumerate(zip(self._saved, self.texts(), strict=True))
            for i, (before, now) in enumerate(zip(old, new, strict=True))
            if before.strip() != now.strip()
        )

    def _mark_changes(self) -> None:
        """Changed cells are strong and say in their tool tip what they were."""
        for row, old in enumerate(self._saved):
            for column, before in enumerate(old, self.first):
                cell = self.item(row, column)
                if cell is not None:
                    is_changed = cell.text().strip() != before.strip()
                    cell.setFont(self._appearance.font(13, STRONG if is_changed else REGULAR))
                    cell.setToolTip(f"was {before or 'not watched'}" if is_changed else "")

    def read(self) -> tuple[dict[str, Limits], list[str]]:
        """The limits of the right rows by tag, and what is wrong with the others, which are marked."""
        limits, wrong = dict[str, Limits](), list[str]()
        theme = self._appearance.theme
        with QSignalBlocker(self):
            self._mark_changes()
            for row, sensor in enumerate(self.sensors):
                try:
                    limits[sensor.tag] = parse_limits(
                        sensor, {name: self._text(row, self.first + i) for i, name in enumerate(LIMIT_FIELDS)}
                    )
                except ValueError as error:
                    wrong.append(f"{sensor.label}: {error}")
                head = self.item(row, 0)
                if head is not None:
                    head.setForeground(color(theme.text if sensor.tag in limits else theme.warning))
        return limits, wrong

    def commit(self) -> None:
        """Take what is typed in a cell that is still open."""
        for editor in self.viewport().findChildren(QLineEdit):
            self.commitData(editor)
            self.closeEditor(editor, QAbstractItemDelegate.EndEditHint.NoHint)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+C copies the whole row; Qt would copy one cell."""
        if event.matches(QKeySequence.StandardKey.Copy):
            copy_selected(self, self.columns)
        else:
            super().keyPressEvent(event)

    def _text(self, row: int, column: int) -> str:
        cell = self.item(row, column)
        return cell.text() if cell is not None else ""
