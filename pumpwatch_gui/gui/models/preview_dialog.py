"""How a recording is read: its first samples as they were understood, and the choices that change it."""

from collections.abc import Iterable
from functools import partial

import numpy as np
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QWidget

from pumpwatch_gui.commissioning.models.material import Preview, preview
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.values.recording_format import DATE_ORDERS, DECIMALS, SEPARATORS, TIME_UNITS, FormatChoices
from pumpwatch_gui.domain.wording import error_text, unit_text
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import StatusText
from pumpwatch_gui.gui.models.material import MaterialChooser
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

AS_FOUND = "as found"
ENCODINGS = ("utf-8", "utf-16", "cp1252", "iso8859-15")
_UNITS = {"s": "Unix seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds", "days": "serial days"}
_Row = tuple[str, ...]


class PreviewDialog(QDialog):
    """Shows the first file of a chooser as it is read, again after every change; accepting keeps the choices."""

    def __init__(
        self, context: PageContext, pump: PumpSettings, chooser: MaterialChooser, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._context, self._pump, self._chooser = context, pump, chooser
        self._path = chooser.files[0]
        self._asked = 0
        self.setWindowTitle(f"How {self._path.name} is read")
        resize_within_screen(self, context.appearance.px(920), context.appearance.px(520))
        chosen = chooser.choices
        self.separator = self._combo("Separator", _same(SEPARATORS), _word(SEPARATORS, chosen.separator))
        self.decimal = self._combo("Decimal mark", _same(DECIMALS), _word(DECIMALS, chosen.decimal))
        self.encoding = self._combo("Encoding", _same(ENCODINGS), chosen.encoding)
        self.date_order = self._combo("Date order", DATE_ORDERS, chosen.date_order)
        self.time_unit = self._combo("Numeric times", {unit: _UNITS[unit] for unit in TIME_UNITS}, chosen.time_unit)
        self.timezone = QLineEdit(chosen.timezone)
        self.timezone.setPlaceholderText("UTC")
        self.timezone.setAccessibleName("Time zone of times without an offset")
        self.timezone.setToolTip("Such as Europe/Berlin, local or +05:30, for times without an offset")
        self.timezone.editingFinished.connect(self.read)
        self.said, self.remarks = StatusText("reading …"), StatusText()
        self.rows: RowsModel[_Row] = RowsModel(_columns(pump), key=lambda r: r)
        self.table = TableView(context.appearance, self.rows, "First samples as read", many=True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Read it so")
        self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setAutoDefault(False)
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()
        self.read()

    def _combo(self, name: str, choices: dict[str, str], chosen: str) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(name)
        box.addItem(AS_FOUND, "")
        for value, words in choices.items():
            box.addItem(words, value)
        box.setCurrentIndex(max(box.findData(chosen), 0))
        box.currentIndexChanged.connect(lambda _: self.read())
        return box

    def _lay_out(self) -> None:
        forms = []
        for fields in (
            (("Separator", self.separator), ("Decimal mark", self.decimal)),
            (("Date order", self.date_order), ("Numeric times", self.time_unit)),
            (("Encoding", self.encoding), ("Time zone", self.timezone)),
        ):
            form = QFormLayout()
            for words, field in fields:
                form.addRow(words, field)
            forms.append(form)
        vbox(hbox(*((form, 1) for form in forms), spacing=24), self.said, (self.table, 1), self.remarks, self.buttons,
             parent=self, margin=12, spacing=10)  # fmt: skip

    @property
    def choices(self) -> FormatChoices:
        """What is chosen now. Raises ValueError for what does not go together."""
        before = self._chooser.choices
        return FormatChoices(
            encoding=self.encoding.currentData(),
            separator=SEPARATORS.get(self.separator.currentData(), ""),
            decimal=DECIMALS.get(self.decimal.currentData(), ""),
            date_order=self.date_order.currentData(),
            time_unit=self.time_unit.currentData(),
            timezone=self.timezone.text().strip(),
            header_line=before.header_line,
            time_columns=before.time_columns,
            columns=before.columns,
            pump=before.pump,
        )

    def read(self) -> None:
        """Read the first samples with the choices, off the GUI thread; of several under way the last counts."""
        self._asked += 1
        try:
            choices = self.choices
        except ValueError as error:
            self._failed(self._asked, error)
            return
        path, profile, asked = self._path, self._pump.profile, self._asked
        self._context.ask(
            lambda: preview(path, profile, choices), partial(self._show, asked), partial(self._failed, asked)
        )

    def _show(self, asked: int, found: Preview) -> None:
        if asked != self._asked:
            return
        self.said.say(found.words)
        self.rows.show_rows(_texts(found))
        is_empty = np.all(np.isnan(found.values), axis=0)
        self.table.columns.take_out((np.flatnonzero(is_empty) + 1).tolist())
        self.remarks.setText(" · ".join(found.notes))
        self._allow(True)

    def _failed(self, asked: int, error: Exception) -> None:
        if asked != self._asked:
            return
        self.said.warn(error_text(error))
        self.rows.show_rows([])
        self.remarks.setText("")
        self._allow(False)

    def _allow(self, usable: bool) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(usable)

    def _accept(self) -> None:
        self._chooser.use_files(list(self._chooser.files), self.choices)
        self.accept()


def _same(words: Iterable[str]) -> dict[str, str]:
    return {word: word for word in words}


def _word(words: dict[str, str], mark: str) -> str:
    return next((word for word, own in words.items() if mark and own == mark), "")


def _columns(pump: PumpSettings) -> list[Column[_Row]]:
    def cell(at: int) -> Column[_Row]:
        sensor = pump.profile.sensors[at]
        title = f"{sensor.label}, {unit_text(sensor.unit)}" if sensor.unit else sensor.label
        return Column(title, lambda row: row[at + 1], right=True)

    return [Column("Time, UTC", lambda row: row[0]), *map(cell, range(len(pump.profile.sensors)))]


def _texts(found: Preview) -> list[_Row]:
    times = np.array(np.round(found.time_s * 1e3), dtype="datetime64[ms]").astype(str)
    return [
        (time.replace("T", "  "), *("–" if np.isnan(value) else f"{value:.12g}" for value in row))
        for time, row in zip(times.tolist(), found.values.tolist(), strict=True)
    ]
