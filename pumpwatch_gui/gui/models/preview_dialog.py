"""How a recording is read: its first samples as they were understood, and the choices that change it."""

from functools import partial

import numpy as np
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QWidget

from pumpwatch_gui.commissioning.models.material import Preview, preview
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.wording import error_text, unit_text
from pumpwatch_gui.gui.forms.format_fields import FormatFields
from pumpwatch_gui.gui.look.layout import resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, remove_icons
from pumpwatch_gui.gui.models.material import MaterialChooser
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

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
        self.fields = FormatFields(chooser.choices)
        self.fields.changed.connect(self.read)
        self.said, self.remarks = StatusText("reading …"), StatusText()
        self.rows: RowsModel[_Row] = RowsModel(_columns(pump), key=lambda r: r)
        self.table = TableView(context.appearance, self.rows, "First samples as read", many=True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        remove_icons(self.buttons)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Read it so")
        self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setAutoDefault(False)
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        vbox(self.fields, self.said, (self.table, 1), self.remarks, self.buttons, parent=self, margin=12, spacing=10)
        self.read()

    def read(self) -> None:
        """Read the first samples with the choices, off the GUI thread; of several under way the last counts."""
        self._asked += 1
        try:
            choices = self.fields.choices
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
        self._chooser.use_files(list(self._chooser.files), self.fields.choices)
        self.accept()


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
