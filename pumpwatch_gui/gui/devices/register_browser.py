"""The register browser: any block, its changes, every type and order side by side, and a tag made of what is right."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QWidget,
)
from typing_extensions import override

from pumpwatch_gui.commissioning.devices.register_reading import Reader
from pumpwatch_gui.commissioning.devices.register_views import bits
from pumpwatch_gui.domain.links.register_map import BASES, ORDERS, Point, number_in, wire_address
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.devices.register_rows import (
    RegisterRow,
    TypeRow,
    block_rows,
    is_bits,
    register_columns,
    type_columns,
    type_rows,
)
from pumpwatch_gui.gui.devices.tag_form import TagForm
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.widgets import StatusText, WholeBox, button, label
from pumpwatch_gui.gui.shell.page import Ask
from pumpwatch_gui.gui.tables.rows_model import RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

REPEAT_MS = 1000
_TABLES = {"holding": "Holding registers (3)", "input": "Input registers (4)", "coil": "Coils (1)",
           "discrete": "Discrete inputs (2)"}  # fmt: skip
_BASES = {0: "from 0 (wire)", 1: "from 1", 40001: "as 40001"}


class RegisterBrowser(QWidget):
    """Give it a reader and the sensors by `use`. `tag_wanted` carries the point that the user has made."""

    tag_wanted = Signal(object)

    def __init__(self, appearance: Appearance, ask: Ask, *, make_words: str = "Make this a tag") -> None:
        super().__init__()
        self._appearance, self._ask = appearance, ask
        self._reader: Reader | None = None
        self._edition = 0
        self.registers: RowsModel[RegisterRow] = RowsModel(register_columns(), key=lambda r: (r.table, r.address))
        self.types: RowsModel[TypeRow] = RowsModel(type_columns(), key=lambda r: r.type)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REPEAT_MS)
        self._timer.timeout.connect(self.read)
        self._make_question()
        self._make_tables()
        self.form = TagForm(appearance, make_words, self._make_it)
        self._lay_out()
        self.show_types()

    # ---------------------------------------------------------------- building

    def _make_question(self) -> None:
        self.table, self.base = QComboBox(), QComboBox()
        for key, words in _TABLES.items():
            self.table.addItem(words, key)
        for base in BASES:
            self.base.addItem(_BASES[base], base)
        self.address, self.count = WholeBox(), WholeBox()
        self.address.setRange(0, 465536)
        self.count.setRange(1, 2000)
        self.count.setValue(16)
        for widget, name in ((self.table, "Table"), (self.base, "Notation of addresses"), (self.address, "Address"),
                             (self.count, "Count of registers")):  # fmt: skip
            widget.setAccessibleName(name)
        self.read_button = button("Read", "Read the block", self.read)
        self.repeat = QCheckBox("Repeat")
        self.repeat.setAccessibleName("Read the block every second")
        self.repeat.toggled.connect(self._repeat)
        self.said = StatusText()
        self.base.currentIndexChanged.connect(lambda _: self._renumber())
        self.table.currentIndexChanged.connect(lambda _: self._renumber())
        self._wire = 0
        self.address.valueChanged.connect(lambda _: self._keep_wire())

    def _make_tables(self) -> None:
        self.view = TableView(
            self._appearance, self.registers, "Registers", nothing="Read a block to see its registers"
        )
        self.view.selectionModel().currentRowChanged.connect(lambda _now, _before: self.show_types())
        self.type_view = TableView(
            self._appearance, self.types, "Every type and order", nothing="Choose a register to see it as every type"
        )
        self.type_view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
        self.type_view.selectionModel().currentChanged.connect(
            lambda now, _: self._choose_type(now.row(), now.column())
        )
        self.bit_text = label("", "dim")
        self.bit_text.setAccessibleName("Bits of the register")

    def _lay_out(self) -> None:
        top = hbox(
            self.table, self.base, self.address, label("count", "dim"), self.count, self.read_button, self.repeat, None,
            spacing=6,
        )  # fmt: skip
        types = vbox((self.type_view, 1), self.bit_text, spacing=4)
        middle = hbox((self.view, 13), (types, 18), self.form, spacing=12)
        vbox(top, (middle, 1), self.said, parent=self, margin=12)

    # ---------------------------------------------------------------- reading

    def use(self, reader: Reader | None, sensors: Sequence[Sensor]) -> None:
        """Read by this from now on; what another device held is dropped."""
        self._reader = reader
        self._edition += 1
        self.repeat.setChecked(False)
        self.registers.show_rows([])
        self.said.say("")
        self.read_button.setEnabled(reader is not None)
        self.form.show_sensors(sensors)
        self.show_types()

    def go_to(self, table: str, address: int, count: int = 16) -> None:
        """Set the question: a table, a wire address."""
        self.table.setCurrentIndex(list(_TABLES).index(table))
        self._wire = address
        self._renumber()
        self.count.setValue(count)

    def show_point(self, point: Point) -> None:
        """Set question and coding to those of a point."""
        places = [(row.table, row.address) for row in self.registers.rows]
        if (point.table, point.address) in places:
            self.view.selectRow(places.index((point.table, point.address)))
        else:
            self.go_to(point.table, point.address, max(self.count.value(), point.size))
        self.form.show_coding(point)

    def read(self) -> None:
        """Read the block, off the GUI thread."""
        reader, edition = self._reader, self._edition
        if reader is None or not self.read_button.isEnabled():
            return
        table, count = str(self.table.currentData()), self.count.value()
        try:
            address = wire_address(self.address.value(), table, int(self.base.currentData()), size=count)
        except ValueError as error:
            self.said.warn(str(error))
            return
        self.read_button.setEnabled(False)
        self._ask(
            lambda: reader(table, address, count),
            partial(self._read, edition, table, address),
            partial(self._not_read, edition),
        )

    def _read(self, edition: int, table: str, address: int, values: Sequence[int]) -> None:
        if edition != self._edition:
            return
        self.read_button.setEnabled(True)
        before = self.registers.rows
        rows = block_rows(table, address, values, before)
        self.registers.show_rows(rows)
        if self.row is None:
            self.view.selectRow(0)
        self.show_types()
        changed = sum(row.before is not None for row in rows)
        self.said.say(f"{len(rows)} read" + (f", ◆ {changed} changed since the reading before" if before else ""))
        self._again()

    def _not_read(self, edition: int, error: Exception) -> None:
        if edition != self._edition:
            return
        self.read_button.setEnabled(True)
        self.said.warn(error_text(error))
        self._again()

    def _again(self) -> None:
        if self.repeat.isChecked() and self.isVisible():
            self._timer.start()

    def _repeat(self, on: bool) -> None:
        if on:
            self.read()
        else:
            self._timer.stop()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is read that is not on the screen."""
        self.repeat.setChecked(False)
        super().hideEvent(event)

    def _keep_wire(self) -> None:
        try:
            self._wire = wire_address(self.address.value(), str(self.table.currentData()), int(self.base.currentData()))
        except ValueError:
            return  # reported when it is read

    def _renumber(self) -> None:
        self.address.setValue(number_in(self._wire, str(self.table.currentData()), int(self.base.currentData())))
        self.count.setMaximum(2000 if is_bits(str(self.table.currentData())) else 125)

    # ---------------------------------------------------------------- meaning

    @property
    def row(self) -> RegisterRow | None:
        """The chosen register."""
        return self.registers.row_at(self.view.chosen)

    def show_types(self) -> None:
        """The chosen register in every type and order, and what it could be."""
        block = self.registers.given  # in the order of their addresses, however they are sorted
        row = self.registers.row_at(self.view.currentIndex())  # which changes before what is selected does
        at = block.index(row) if row is not None else -1
        self.types.show_rows(type_rows(block, at))
        if row is None or is_bits(row.table):
            self.bit_text.hide()
        else:
            text = "".join(str(int(bit)) for bit in reversed(bits(row.value)))
            self.bit_text.setText("bits 15 to 0:  " + "  ".join(text[i : i + 4] for i in range(0, 16, 4)))
            self.bit_text.show()
        self.form.show_register(block, at)

    def _choose_type(self, row: int, column: int) -> None:
        if 0 <= row < len(self.types.rows):
            self.form.type.setCurrentText(self.types.rows[row].type)
            if column > 0:
                self.form.order.setCurrentText(ORDERS[column - 1])
                chosen = self.types.rows[row].views[column - 1]
                self.said.say(f"{chosen.type} {chosen.order}: {chosen.text}")

    def _make_it(self) -> None:
        try:
            point = self.form.point()
        except ValueError as error:
            self.said.warn(str(error))
            return
        if point is not None:
            self.tag_wanted.emit(point)
