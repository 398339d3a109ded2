"""The form that makes a tag of a register: sensor, type, order, scale; and what would fit the sensor."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest

from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QLineEdit, QScrollArea, QWidget

from pumpwatch_gui.commissioning.devices.register_views import VIEWED, Suggestion, suggest, views
from pumpwatch_gui.domain.links.register_map import ORDERS, CurrentLoop, Point
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.wording import editable_number, typed_number, unit_text
from pumpwatch_gui.gui.devices.register_rows import RegisterRow, is_bits
from pumpwatch_gui.gui.look.layout import vbox
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.widgets import WholeBox, button, label

SUGGESTED = 12
WIDTH = 250
"""px at 100 %."""


class TagForm(QScrollArea):
    """Turn it to a register by `show_register`; `point()` is what is filled in. `on_make` is called by the button."""

    def __init__(self, appearance: Appearance, words: str, on_make: Callable[[], None]) -> None:
        super().__init__()
        self._appearance = appearance
        self._sensors: tuple[Sensor, ...] = ()
        self._rows: Sequence[RegisterRow] = ()
        self._at = -1
        self._shown: Point | None = None
        self.suggestions: tuple[Suggestion, ...] = ()
        self.sensor, self.likely, self.order, self.type = QComboBox(), QComboBox(), QComboBox(), QComboBox()
        self.shown, self.scale, self.offset, self.bit = QLineEdit(), QLineEdit("1"), QLineEdit("0"), WholeBox()
        self.shown.setPlaceholderText("what the display shows")
        self.bit.setRange(-1, 15)
        self.bit.setValue(-1)
        self.bit.setSpecialValueText("whole")
        self.at_4, self.at_20, self.raw_4, self.raw_20 = QLineEdit(), QLineEdit(), QLineEdit(), QLineEdit()
        for field, hint in ((self.at_4, "at 4 mA"), (self.at_20, "at 20 mA"), (self.raw_4, "at 4 mA"),
                            (self.raw_20, "at 20 mA")):  # fmt: skip
            field.setPlaceholderText(hint)
        self.order.addItems(list(ORDERS))
        self.type.addItems(["bool", *VIEWED, "uint8", "int8"])
        self.make = button(words, words, on_make)
        self._lay_out()
        self.sensor.currentIndexChanged.connect(lambda _: self._suggest())
        self.shown.textChanged.connect(lambda _: self._suggest())
        self.likely.currentIndexChanged.connect(self._choose_likely)
        appearance.changed.connect(self._fit)
        self._fit()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setVerticalSpacing(4)
        grid.setHorizontalSpacing(6)
        grid.setColumnStretch(1, 5)
        grid.setColumnStretch(2, 4)
        rows: tuple[tuple[str, tuple[tuple[str, QWidget], ...]], ...] = (
            ("Sensor", (("sensor", self.sensor),)),
            ("Display", (("what the display shows", self.shown),)),
            ("Likely", (("likely readings", self.likely),)),
            ("Type", (("type", self.type), ("order", self.order))),
            ("Scale +", (("scale", self.scale), ("offset", self.offset))),
            ("Bit", (("bit", self.bit),)),
            ("Value", (("value at 4 mA", self.at_4), ("value at 20 mA", self.at_20))),
            ("Raw", (("raw number at 4 mA", self.raw_4), ("raw number at 20 mA", self.raw_20))),
        )
        for row, (words, widgets) in enumerate(rows):
            grid.addWidget(label(words, "dim"), row, 0)
            for column, (name, widget) in enumerate(widgets, 1):
                widget.setAccessibleName(f"Tag: {name}")
                widget.setToolTip(name)
                widget.setMinimumWidth(self._appearance.px(60))
                if isinstance(widget, QComboBox):
                    widget.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
                    widget.setMinimumContentsLength(5)
                grid.addWidget(widget, row, column, 1, 1 if len(widgets) > 1 else 2)
        self.order.setMinimumWidth(self._appearance.px(86))  # never cut: the four orders must not look alike
        inside = QWidget()
        vbox(grid, self.make, None, parent=inside)
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)

    def _fit(self) -> None:
        self.setFixedWidth(self._appearance.px(WIDTH))

    def show_sensors(self, sensors: Sequence[Sensor]) -> None:
        """Offer these sensors."""
        if tuple(sensors) != self._sensors:
            self._sensors = tuple(sensors)
            self.sensor.clear()
            self.sensor.addItems([sensor.label for sensor in sensors])

    def show_register(self, rows: Sequence[RegisterRow], at: int) -> None:
        """Turn to a register of a block; outside it there is none."""
        self._rows, self._at = rows, at
        row = self._row
        if row is not None and is_bits(row.table):
            self.type.setCurrentText("bool")
        elif self.type.currentText() == "bool":
            self.type.setCurrentText("uint16")
        self._suggest()
        self.make.setEnabled(row is not None and self.sensor.count() > 0)

    def show_coding(self, point: Point) -> None:
        """Fill in how a point is coded; what has no field here stays with it as long as its type does."""
        self._shown = point
        self.type.setCurrentText(point.type if point.type not in ("bit", "bits") else "uint16")
        self.order.setCurrentText(point.order)
        self.scale.setText(editable_number(point.scale))
        self.offset.setText(editable_number(point.offset))
        self.bit.setValue(point.bit if point.type == "bit" else -1)
        loop = point.current_loop
        numbers = (*loop.value, loop.raw_at(4.0), loop.raw_at(20.0)) if loop else ()
        for field, number in zip_longest((self.at_4, self.at_20, self.raw_4, self.raw_20), numbers):
            field.setText("" if number is None else editable_number(number))

    def _loop(self) -> CurrentLoop | None:
        """The 4-20 mA signal; None when nothing of it is filled in. Raises ValueError."""
        fields = (self.at_4, self.at_20, self.raw_4, self.raw_20)
        if not any(field.text().strip() for field in fields):
            return None
        if not all(field.text().strip() for field in fields):
            raise ValueError("a 4-20 mA signal needs the value and the raw number at 4 and at 20 mA")
        at_4, at_20, raw_4, raw_20 = (typed_number(field.text()) for field in fields)
        if at_4 == at_20 or raw_4 == raw_20:
            raise ValueError("at 4 and at 20 mA a signal has different values and raw numbers")
        return CurrentLoop((raw_4, raw_20), (4.0, 20.0), (at_4, at_20))

    def point(self) -> Point | None:
        """The tag as filled in; None without a register or a sensor. Raises ValueError with what is wrong."""
        row, sensor = self._row, self._sensor
        if row is None or sensor is None:
            return None
        scale, offset = typed_number(self.scale.text()), typed_number(self.offset.text())
        if scale == 0:
            raise ValueError("the scale must not be 0")
        bit = self.bit.value()
        kind = "bool" if is_bits(row.table) else "bit" if bit >= 0 else self.type.currentText()
        order = self.order.currentText() if kind not in ("bool", "bit") else "ABCD"
        number = bit if kind == "bit" else 0
        loop = self._loop()
        if loop is not None and (scale, offset) != (1.0, 0.0):
            raise ValueError("a 4-20 mA signal scales by itself: leave the scale at 1 and the offset at 0")
        made = Point(sensor.tag, row.table, row.address, kind, order, scale, offset, (), number, current_loop=loop)
        old = self._shown
        if old is None or (old.tag, old.type, old.table) != (made.tag, made.type, made.table):
            return made
        scaled_by = None if loop else old.scaled_by
        return replace(made, byte=old.byte, registers=old.registers, scaled_by=scaled_by)

    @property
    def _row(self) -> RegisterRow | None:
        return self._rows[self._at] if 0 <= self._at < len(self._rows) else None

    @property
    def _sensor(self) -> Sensor | None:
        at = self.sensor.currentIndex()
        return self._sensors[at] if 0 <= at < len(self._sensors) else None

    def _suggest(self) -> None:
        """The readings that the sensor could have, the likeliest first; nothing is chosen by itself."""
        sensor, row = self._sensor, self._row
        self.suggestions = ()
        if sensor is not None and row is not None and not is_bits(row.table):
            found = views([one.value for one in self._rows], self._at)
            self.suggestions = suggest(found, sensor, shown=self._on_display())[:SUGGESTED]
        unit = unit_text(sensor.unit) if sensor else ""
        words = [f"{s.value:.6g} {unit}: {s.view.type} {s.view.order} × {s.scale:g}" for s in self.suggestions]
        if words != [self.likely.itemText(i) for i in range(1, self.likely.count())] or not self.likely.count():
            self.likely.blockSignals(True)
            self.likely.clear()
            self.likely.addItems([f"{len(words)} fit" if words else "none fits", *words])
            self.likely.blockSignals(False)

    def _on_display(self) -> float | None:
        try:
            return typed_number(self.shown.text())
        except ValueError:
            return None  # nothing was typed, or not all of it yet

    def _choose_likely(self, at: int) -> None:
        if 0 < at <= len(self.suggestions):
            chosen = self.suggestions[at - 1]
            self.type.setCurrentText(chosen.view.type)
            self.order.setCurrentText(chosen.view.order)
            self.scale.setText(editable_number(chosen.scale))
