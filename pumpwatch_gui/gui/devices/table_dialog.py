"""A register map from a table: paste the rows of a manual, see what they mean and what the device says, save."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QGridLayout,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)
from typing_extensions import override

from pumpwatch_gui.commissioning.devices.map_table import BASE_WORDS, Choices, MapTable, read_table
from pumpwatch_gui.commissioning.devices.register_reading import PointsRead, Reader, read_points
from pumpwatch_gui.domain.links.codings import TYPES
from pumpwatch_gui.domain.links.decode import PointValue
from pumpwatch_gui.domain.links.register_map import ORDERS, TABLES
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.wording import editable_number, error_text, typed_number
from pumpwatch_gui.gui.devices.table_rows import TableLine, line_columns
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

TYPED_MS, LIVE_MS = 250, 1000
_TABLES = tuple(reversed(TABLES))  # holding registers first
EXAMPLE = """Paste the rows here: number, name, type, scale and unit in any order, such as

40101\tMotor speed\tINT16\t1\trpm
40102\tBearing temperature\tINT16\t0.1\t°C
40103\tFlow\tREAL\t\tm3/h"""


class TableDialog(QDialog):
    """Two halves: what was pasted and how it is read above, the rows with their values now below.

    `on_use` takes `table`, `name` and `source` from it, and answers by `refuse` or `accept`. `reader` reads the device
    (None: there is no device yet); `sensors` are those of the profile, whose tags are proposed.
    """

    def __init__(
        self,
        context: PageContext,
        reader: Reader | None,
        sensors: Sequence[Sensor],
        on_use: "Callable[[TableDialog], None]",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Register map from a table")
        self.context, self._reader, self._sensors, self._on_use = context, reader, tuple(sensors), on_use
        self.table, self._read = MapTable(), PointsRead({})
        self._edits: dict[int, dict[str, object]] = {}
        self._edition, self._is_asking, self._is_filling = 0, False, False
        self._typed, self._live = self._timer(TYPED_MS, self.understand), self._timer(LIVE_MS, self.read)
        self.lines: RowsModel[TableLine] = RowsModel(line_columns(), key=lambda line: line.row.line)
        self._make_fields()
        self._make_row_fields()
        self._lay_out()
        resize_within_screen(self, *map(context.appearance.px, (1240, 690)))
        self.paste.setFocus()

    def _timer(self, after_ms: int, act: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(after_ms)
        timer.timeout.connect(act)
        return timer

    def _make_fields(self) -> None:
        px = self.context.appearance.px
        self.paste = QPlainTextEdit()
        self.paste.setPlaceholderText(EXAMPLE)
        self.paste.setAccessibleName("Rows of the manual")
        self.paste.setTabChangesFocus(True)
        self.paste.setTabStopDistance(px(150))
        self.paste.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.paste.textChanged.connect(self._text_changed)
        self.base, self.where, self.order, self.divides = QComboBox(), QComboBox(), QComboBox(), QComboBox()
        fields: tuple[tuple[QComboBox, str, list[tuple[str, object]]], ...] = (
            (self.base, "Numbers", [("as guessed", None), *((words, base) for base, words in BASE_WORDS.items())]),
            (self.where, "Table", [(f"{t} (where no row says)", t) for t in _TABLES]),
            (self.order, "Word order", [(f"{o} (where no row says)", o) for o in ORDERS]),
            (self.divides, "Plain scales", [("as guessed", None), ("× factors: 10 is × 10", False),
                                            ("÷ divisors: 10 is 0.1", True)]),
        )  # fmt: skip
        grid = QGridLayout()
        grid.setVerticalSpacing(6)
        for at, (box, words, items) in enumerate(fields):
            for text, value in items:
                box.addItem(text, value)
            box.setAccessibleName(words)
            box.currentIndexChanged.connect(lambda _: self.understand())
            grid.addWidget(label(words, "dim"), at, 0)
            grid.addWidget(box, at, 1)
        grid.setColumnStretch(1, 1)
        self.reason, self.remarks = StatusText(), StatusText()
        self.reason.setAccessibleName("Why the numbers are read so")
        self.remarks.setAccessibleName("How the table was read")
        self.side = QWidget()
        self.side.setFixedWidth(px(430))
        vbox(grid, self.reason, self.remarks, None, parent=self.side, spacing=6)

    def _make_row_fields(self) -> None:
        px = self.context.appearance.px
        self.tag, self.type, self.row_order = QComboBox(), QComboBox(), QComboBox()
        self.scale, self.use = QLineEdit(), QCheckBox("Use")
        self.tag.setEditable(True)
        tag = self.tag.lineEdit()
        assert tag is not None  # it is editable
        self.tag.addItems([s.tag for s in self._sensors])
        self.type.addItems([t for t in TYPES if t not in ("bits", "bit")])
        self.row_order.addItems(list(ORDERS))
        for name, field, width in (("Tag", self.tag, 250), ("Type", self.type, 150), ("Order", self.row_order, 92),
                                   ("Scale", self.scale, 110)):  # fmt: skip
            field.setAccessibleName(f"Row: {name.lower()}")
            field.setFixedWidth(px(width))
        self.use.setAccessibleName("Row: use it")
        tag.editingFinished.connect(lambda: self._edit("tag", self.tag.currentText().strip()))
        self.tag.activated.connect(lambda _: self._edit("tag", self.tag.currentText().strip()))
        self.type.activated.connect(lambda _: self._edit("type", self.type.currentText()))
        self.row_order.activated.connect(lambda _: self._edit("order", self.row_order.currentText()))
        self.scale.editingFinished.connect(self._edit_scale)
        self.use.toggled.connect(lambda on: self._edit("use", on))
        self.row_said = StatusText()

    def _lay_out(self) -> None:
        self.view = TableView(self.context.appearance, self.lines, "Rows of the table")
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._show_row(now.row()))
        self.said = StatusText()
        self.said.setAccessibleName("State of the table")
        self.live = QCheckBox("Read the values")
        self.live.setChecked(self._reader is not None)
        self.live.setEnabled(self._reader is not None)
        self.live.toggled.connect(lambda on: self.read() if on else self._live.stop())
        self.name, self.source = QLineEdit(), QLineEdit()
        self.name.setPlaceholderText("name of the map")
        self.source.setPlaceholderText("manual, edition, page")
        px = self.context.appearance.px
        for field, words, width in ((self.name, "Name of the map", 190), (self.source, "Source", 300)):
            field.setAccessibleName(words)
            field.setFixedWidth(px(width))
        self.use_button = button("Use these points", "Use these points as a register map", self._use)
        row = hbox(
            label("Row", "dim"), self.use, label("Tag", "dim"), self.tag, label("Type", "dim"), self.type,
            label("Order", "dim"), self.row_order, label("Scale", "dim"), self.scale, (self.row_said, 1),
        )  # fmt: skip
        cancel = button("Cancel", "Close without a map", self.reject)
        foot = hbox(label("Map", "dim"), self.name, label("Source", "dim"), self.source, None, self.use_button, cancel)
        top = hbox((self.paste, 1), self.side, spacing=12)
        vbox((top, 2), (self.view, 3), row, hbox((self.said, 1), self.live), foot, parent=self, margin=16, spacing=10)
        self._show([])

    # ---------------------------------------------------------------- understanding

    def _text_changed(self) -> None:
        self._edits = {}
        self._typed.start()

    def understand(self) -> None:
        """Read what was pasted, off the GUI thread."""
        self._edition += 1
        text, sensors, edition = self.paste.toPlainText(), self._sensors, self._edition
        choices = Choices(
            self.base.currentData(), str(self.where.currentData()), str(self.order.currentData()),
            self.divides.currentData(), {line: dict(keys) for line, keys in self._edits.items()},
        )  # fmt: skip
        self.context.ask(lambda: read_table(text, sensors, choices), partial(self._understood, edition), self._failed)

    def _understood(self, edition: int, table: MapTable) -> None:
        if edition != self._edition:
            return
        self.table, self._read = table, PointsRead({})
        is_empty = not table.rows
        self.reason.say("" if is_empty else f"Numbers {BASE_WORDS[table.base]}: {table.reason}.", "")
        self.remarks.say("" if is_empty else ";  ".join(table.remarks))
        self._show([TableLine(row) for row in table.rows])
        self.read()

    def _show(self, lines: list[TableLine]) -> None:
        at = self.view.currentIndex().row()
        self.lines.show_rows(lines)
        if lines:
            self.view.selectRow(min(max(at, 0), len(lines) - 1))
        self._show_row(self.view.currentIndex().row())
        wrong = any(line.row.problem for line in lines)
        words = self.table.summary if lines else "Nothing is pasted yet."
        self.said.say(words, "warning" if wrong else "")
        self.use_button.setEnabled(bool(self.table.points))

    def _failed(self, error: Exception) -> None:
        self.said.warn(error_text(error))

    # ---------------------------------------------------------------- one row

    def _show_row(self, at: int) -> None:
        row = self.lines.rows[at].row if 0 <= at < len(self.lines.rows) else None
        self._is_filling = True
        for field in (self.tag, self.type, self.row_order, self.scale, self.use):
            field.setEnabled(row is not None)
        point = row.point if row else None
        self.use.setChecked(row is not None and row.is_used)
        self.tag.setCurrentText(point.tag if point else "")
        self.type.setCurrentIndex(self.type.findText(point.type) if point else -1)
        self.row_order.setCurrentText(point.order if point else "ABCD")
        self.scale.setText(editable_number(point.scale) if point else "")
        self.row_said.say(row.state if row else "", "warning" if row and row.problem else "dim")
        self._is_filling = False

    def _edit(self, key: str, value: object) -> None:
        line = self.lines.row_at(self.view.chosen)
        if self._is_filling or line is None:
            return
        row = line.row
        before = row.is_used if key == "use" else getattr(row.point, key, "") if row.point else ""
        if value not in (before, ""):
            self._edits.setdefault(row.line, {})[key] = value
            self.understand()

    def _edit_scale(self) -> None:
        try:
            scale = typed_number(self.scale.text())
        except ValueError as error:
            self.row_said.warn(str(error) if self.scale.text() else "")
            return
        if scale == 0:
            self.row_said.warn("the scale must not be 0")
            return
        self._edit("scale", scale)

    # ---------------------------------------------------------------- the device

    def read(self) -> None:
        """Read every point once, off the GUI thread; again a second later."""
        reader, points, edition = self._reader, self.table.points, self._edition
        if reader is None or not points or not self.live.isChecked() or self._is_asking or not self.isVisible():
            return
        self._is_asking = True
        self.context.ask(
            lambda: read_points(points, reader), partial(self._came, edition), partial(self._came_not, edition)
        )

    def _again(self, edition: int) -> bool:
        self._is_asking = False
        if edition != self._edition:
            self.read()
            return False
        self._live.start()
        return True

    def _came(self, edition: int, found: PointsRead) -> None:
        if not self._again(edition):
            return
        spans = {s.tag: s.span for s in self._sensors}
        units = {s.tag: s.unit for s in self._sensors}
        values = found.values(self.table.points, spans)
        self.lines.show_rows([_with_value(line, found.registers, values, units) for line in self.lines.rows])
        trouble = "; ".join(found.troubles)
        if trouble:
            self.said.warn(f"{self.table.summary} – {trouble}")

    def _came_not(self, edition: int, error: Exception) -> None:
        if self._again(edition):
            self.lines.show_rows([TableLine(line.row) for line in self.lines.rows])
            self.said.warn(f"{self.table.summary} – {error_text(error)}")

    # ---------------------------------------------------------------- the end

    def _use(self) -> None:
        if not self.table.points:
            self.refuse("not one row is a point: correct what is named at the rows")
            return
        self.use_button.setEnabled(False)
        self._on_use(self)

    def refuse(self, words: str) -> None:
        """Stay open and say why."""
        self.use_button.setEnabled(True)
        self.said.warn(words)

    @override
    def done(self, result: int) -> None:
        """Nothing is read behind a closed dialog."""
        self._edition += 1
        self._live.stop()
        super().done(result)


def _with_value(
    line: TableLine,
    registers: Mapping[str, tuple[int, ...]],
    values: Mapping[str, PointValue],
    units: Mapping[str, str],
) -> TableLine:
    point = line.row.point
    if point is None or not line.row.is_used or line.row.problem:
        return TableLine(line.row)
    unit = units.get(point.tag, line.row.unit_said)
    return replace(TableLine(line.row), registers=registers.get(point.tag, ()), value=values.get(point.tag), unit=unit)
