"""How a recording is written, as fields: each is found in the file unless it is chosen."""

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QSizePolicy, QWidget

from pumpwatch_gui.domain.values.recording_format import DATE_ORDERS, DECIMALS, SEPARATORS, TIME_UNITS, FormatChoices
from pumpwatch_gui.gui.look.layout import hbox

AS_FOUND = "as found"
ENCODINGS = ("utf-8", "utf-16", "cp1252", "iso8859-15")
_UNITS = {"s": "Unix seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds", "days": "serial days"}


class FormatFields(QWidget):
    """The choices that concern every cell; `changed` when one was. What has no field stays as in `chosen`."""

    changed = Signal()

    def __init__(self, chosen: FormatChoices | None = None) -> None:
        super().__init__()
        self._before = chosen = chosen or FormatChoices()
        self.separator = self._combo("Separator", _same(SEPARATORS), _word(SEPARATORS, chosen.separator))
        self.decimal = self._combo("Decimal mark", _same(DECIMALS), _word(DECIMALS, chosen.decimal))
        self.encoding = self._combo("Encoding", _same(ENCODINGS), chosen.encoding)
        self.date_order = self._combo("Date order", DATE_ORDERS, chosen.date_order)
        self.time_unit = self._combo("Numeric times", {unit: _UNITS[unit] for unit in TIME_UNITS}, chosen.time_unit)
        self.timezone = QLineEdit(chosen.timezone)
        self.timezone.setPlaceholderText("UTC")
        self.timezone.setAccessibleName("Time zone of times without an offset")
        self.timezone.setToolTip("Such as Europe/Berlin, local or +05:30, for times without an offset")
        self.timezone.editingFinished.connect(self.changed)
        forms = []
        for fields in (
            (("Separator", self.separator), ("Decimal mark", self.decimal)),
            (("Date order", self.date_order), ("Numeric times", self.time_unit)),
            (("Encoding", self.encoding), ("Time zone", self.timezone)),
        ):
            form = QFormLayout()
            for words, field in fields:
                form.addRow(words, field)
            form.setVerticalSpacing(8)
            forms.append(form)
        hbox(*((form, 1) for form in forms), parent=self, spacing=24)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _combo(self, name: str, choices: dict[str, str], chosen: str) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(name)
        box.addItem(AS_FOUND, "")
        for value, words in choices.items():
            box.addItem(words, value)
        box.setCurrentIndex(max(box.findData(chosen), 0))
        box.currentIndexChanged.connect(lambda _: self.changed.emit())
        return box

    @property
    def choices(self) -> FormatChoices:
        """What is chosen now. Raises ValueError for what does not go together."""
        return replace(
            self._before,
            encoding=self.encoding.currentData(),
            separator=SEPARATORS.get(self.separator.currentData(), ""),
            decimal=DECIMALS.get(self.decimal.currentData(), ""),
            date_order=self.date_order.currentData(),
            time_unit=self.time_unit.currentData(),
            timezone=self.timezone.text().strip(),
        )


def _same(words: Iterable[str]) -> dict[str, str]:
    return {word: word for word in words}


def _word(words: dict[str, str], mark: str) -> str:
    return next((word for word, own in words.items() if mark and own == mark), "")
