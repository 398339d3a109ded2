"""Counters of one pump: the present value of each, and the one to set."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.commands import SetCounters
from pumpwatch_gui.domain.display import read_sensor
from pumpwatch_gui.domain.pump.quantities import COUNTERS
from pumpwatch_gui.domain.wording import UNKNOWN, typed_number, unit_text
from pumpwatch_gui.gui.forms.site_dialog import SiteDialog
from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.widgets import button, label
from pumpwatch_gui.gui.shell.page import PageContext

RENEW_MS = 500
SETTABLE = tuple(counter for counter in COUNTERS if counter.total)


class CountersDialog(SiteDialog):
    """A row a counter of the pump. An empty field leaves its counter as it is; nothing changes before Save."""

    def __init__(self, context: PageContext, pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(context, (560, 380), parent)
        self.pump = QComboBox()
        self.pump.setAccessibleName("Pump")
        self.pump.addItems([p.pump_id for p in context.station.site().pumps])
        self.pump.setCurrentText(pump_id)
        self.note = QLineEdit()
        self.note.setAccessibleName("Note")
        self.note.setPlaceholderText("Why, for the journal: pump exchanged")
        self.fields = {counter.tag: QLineEdit() for counter in SETTABLE}
        self._now = {counter.tag: label(UNKNOWN) for counter in SETTABLE}
        self._names: list[QLabel] = []
        zero = button("All to 0", "Put 0 into every field: another pump", self.fill_zero)
        self.lay_out(hbox(label("Pump", "heading"), self.pump, None, zero), self._table(), self.note, None)
        self.pump.currentIndexChanged.connect(lambda _: self._show_pump())
        for field in self.fields.values():
            field.textChanged.connect(lambda _: self.check())
        renew = QTimer(self)
        renew.timeout.connect(self._renew)
        renew.start(RENEW_MS)
        self._show_pump()

    def _table(self) -> QWidget:
        table = QWidget()
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setColumnStretch(2, 1)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        titles = [label(words, "dim") for words in ("Counter", "Now", "Set to")]
        for column, title in enumerate(titles):
            grid.addWidget(title, 0, column)
        for number in (titles[1], *self._now.values()):
            number.setAlignment(right)
        for row, counter in enumerate(SETTABLE, 1):
            field, name = self.fields[counter.tag], label(counter.label)
            field.setAccessibleName(f"{counter.label}, {unit_text(counter.unit)}".rstrip(", "))
            field.setPlaceholderText("as it is")
            name.setBuddy(field)
            self._names.append(name)
            for column, part in enumerate((name, self._now[counter.tag], field)):
                grid.addWidget(part, row, column)
        return table

    def _show_pump(self) -> None:
        """Turn to the pump in the box; what was typed for another is dropped."""
        self.setWindowTitle(f"Counters of {self.context.title_of(self.pump.currentText())}")
        pump = self.context.station.site().pump(self.pump.currentText())
        tags = {sensor.tag for sensor in pump.profile.derived} if pump else set()
        for counter, name in zip(SETTABLE, self._names, strict=True):
            self.fields[counter.tag].clear()
            for part in (name, self._now[counter.tag], self.fields[counter.tag]):
                part.setVisible(counter.tag in tags)
        self._renew()
        self.check()

    def _renew(self) -> None:
        view, wanted = self.context.station.latest(), self.pump.currentText()
        pump = next((p for p in view.pumps if p.pump_id == wanted), None)
        for tag, shown in self._now.items():
            if pump is not None and tag in pump.profile.quantity_tags:
                index = pump.profile.index(tag)
                shown.setText(read_sensor(pump, index, view.mono_ns, self.context.last_good).with_unit)

    def fill_zero(self) -> None:
        """Put 0 into every field of the pump."""
        for field in self.fields.values():
            field.setText("" if field.isHidden() else "0")

    def values(self) -> tuple[dict[str, float], list[str]]:
        """What was typed, by tag, and what is wrong with the rest."""
        values, wrong = dict[str, float](), list[str]()
        for counter in SETTABLE:
            text = self.fields[counter.tag].text()
            if not text.strip():
                continue
            try:
                value = typed_number(text)
                if value < 0 or (counter.per_unit == 1.0 and value != int(value)):
                    raise ValueError("must be 0 or more" if value < 0 else "must be a whole number")
                values[counter.tag] = value
            except ValueError as error:
                wrong.append(f"{counter.label}: {error}")
        return values, wrong

    def check(self) -> None:
        """Name every wrong field; Save is there only when something is to be set and none is wrong."""
        values, wrong = self.values()
        self.trouble.warn("\n".join(wrong))
        self.allow_save(bool(values) and not wrong)

    @override
    def is_edited(self) -> bool:
        return any(field.text().strip() for field in self.fields.values())

    @override
    def show_site(self) -> None:
        self._show_pump()

    @override
    def save(self) -> None:
        """Order what was typed."""
        values, wrong = self.values()
        if values and not wrong:
            self._order(SetCounters(self.pump.currentText(), values, self.note.text().strip()), self._done)
