"""Adding a pump, the map: each sensor with its register and its value now, and the browser to find what is missing."""

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QSplitter, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.pumps.new_pump import Draft, Preview, read_preview, reader_of
from pumpwatch_gui.domain.display import ShownValue, Trust
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.add_pump.step import Step
from pumpwatch_gui.gui.devices.register_browser import RegisterBrowser
from pumpwatch_gui.gui.devices.table_dialog import TableDialog
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

PERIOD_MS = 1000


@dataclass(frozen=True, slots=True)
class PointRow:
    """A sensor, its point (None: left out), what was read last (None: nothing yet) and its raw registers."""

    sensor: Sensor
    point: Point | None
    shown: ShownValue | None = None
    registers: tuple[int, ...] = ()

    @property
    def value(self) -> str:
        """The value with its unit, as far as it may be shown."""
        return self.shown.with_unit if self.shown else ""

    @property
    def state(self) -> str:
        """Whether the value will be used, and why not."""
        if self.shown is None:
            return "not read yet" if self.point else "– no register"
        return "● good" if self.shown.trust is Trust.LIVE else f"✕ {self.shown.reason}"


class MapStep(Step):
    """The live preview above, the register browser below."""

    title = "Map"
    advice = (
        "Each sensor with its value now. Find what is missing in the registers; what stays without one is left out."
    )

    def __init__(self, context: PageContext, draft: Draft) -> None:
        super().__init__(context, draft)
        self.rows: RowsModel[PointRow] = RowsModel(_columns(), key=lambda r: r.sensor.tag)
        self._is_on = self._is_asking = False
        self._edition = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PERIOD_MS)
        self._timer.timeout.connect(self.read)
        self.view = TableView(context.appearance, self.rows, "Sensors, registers and values now")
        self.view.activated.connect(lambda i: self._go_to(i.row()))
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._go_to(now.row()))
        self.leave_button = button("Leave out", "Take the register from this sensor", self.leave_out)
        self.table_button = button("From a table…", "Make the map of the rows of a manual", self.open_table)
        QShortcut(QKeySequence(Qt.Key.Key_Delete), self.view, self.leave_out, context=Qt.ShortcutContext.WidgetShortcut)
        self.said = StatusText()
        self.said.setAccessibleName("State of the preview")
        self.browser = RegisterBrowser(context.appearance, context.ask, make_words="Put into the map")
        self.browser.tag_wanted.connect(self.put)
        upper = QWidget()
        vbox((self.view, 1), hbox((self.said, 1), self.table_button, self.leave_button), parent=upper, spacing=6)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(upper)
        split.addWidget(self.browser)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(8)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        vbox(split, parent=self)

    @property
    @override
    def first(self) -> QWidget:
        return self.view

    @override
    def enter(self) -> None:
        draft, config = self.draft, self.draft.config
        self._is_on = True
        self._edition += 1
        self.browser.setVisible(isinstance(config, ModbusConfig))
        for part in (self.leave_button, self.table_button):
            part.setVisible(isinstance(config, ModbusConfig))
        if isinstance(config, ModbusConfig) and draft.profile is not None:
            reader = reader_of(config, draft.folder, draft.register_bytes, self.context.running)
            self.browser.use(reader, draft.profile.sensors)
        self._show(None)
        self.view.selectRow(0)
        self._go_to(0)
        self.said.say("reading …")
        self.read()

    @override
    def leave(self) -> str:
        if self.draft.is_modbus and not self.draft.used:
            return "not one sensor has a register: put at least one into the map"
        return ""

    @override
    def stop(self) -> None:
        self._is_on = False
        self._timer.stop()
        self.browser.repeat.setChecked(False)

    # ---------------------------------------------------------------- the preview

    def read(self) -> None:
        """Read every point once, off the GUI thread; again a second later."""
        draft, edition = self.draft, self._edition
        config, profile, points, folder = draft.config, draft.profile, draft.used, draft.folder
        identity = draft.identity if draft.identity_read is None else ()
        if self._is_asking or not self._is_on or config is None or profile is None:
            return
        self._is_asking, running = True, self.context.running
        self.context.ask(
            lambda: read_preview(config, profile, points, folder, identity, running),
            partial(self._read, edition),
            partial(self._not_read, edition),
        )

    def _ended(self, edition: int) -> bool:
        """A reading has ended; whether it is of the map as it is now. The next is on its way then."""
        self._is_asking = False
        if self._is_on and edition != self._edition:
            self.read()
        elif self._is_on:
            self._timer.start()
        return self._is_on and edition == self._edition

    def _not_read(self, edition: int, error: Exception) -> None:
        if self._ended(edition):
            self._show(None)
            self.said.warn(error_text(error))

    def _read(self, edition: int, preview: Preview) -> None:
        if not self._ended(edition):
            return
        self.draft.keep(preview)
        self._show(preview)
        good = sum(value.trust is Trust.LIVE for value in preview.shown.values())
        words = f"live: {good} of {len(self.rows.rows)} sensors good"
        identity = self.draft.identity_read
        words += f" · {identity.text}" if identity and identity.text else ""
        if preview.trouble:
            self.said.warn(f"{words} – {preview.trouble}")
        else:
            self.said.say(words)

    def _show(self, preview: Preview | None) -> None:
        draft = self.draft
        sensors = draft.profile.sensors if draft.profile else ()
        shown, registers = (preview.shown, preview.registers) if preview else ({}, {})
        self.rows.show_rows(
            [PointRow(s, draft.points.get(s.tag), shown.get(s.tag), registers.get(s.tag, ())) for s in sensors]
        )

    # ---------------------------------------------------------------- the map

    def _go_to(self, at: int) -> None:
        """Point the browser at the chosen sensor."""
        if not 0 <= at < len(self.rows.rows):
            return
        self.browser.form.sensor.setCurrentIndex(at)
        point = self.rows.rows[at].point
        if point is not None:
            self.browser.show_point(point)

    def put(self, point: Point) -> None:
        """Take a point into the map."""
        try:
            self.draft.put(point)
        except InputError as error:
            self.browser.said.warn(error_text(error))
            return
        self.browser.said.say(f"{point.tag} is read from {point.documented} (wire {point.address})")
        self._changed()

    def open_table(self) -> None:
        """Make the map of the rows of a manual, with the values of this device beside them."""
        config, profile = self.draft.config, self.draft.profile
        if isinstance(config, ModbusConfig) and profile is not None:
            reader = reader_of(config, self.draft.folder)
            TableDialog(self.context, reader, profile.sensors, self._use_table, self).open()

    def _use_table(self, dialog: TableDialog) -> None:
        try:
            self.draft.use_table(dialog.table, dialog.source.text().strip())
        except InputError as error:
            dialog.refuse(error_text(error))
            return
        dialog.accept()
        self._changed()

    def leave_out(self) -> None:
        """Take the chosen sensor's point out of the map."""
        row = self.rows.row_at(self.view.chosen)
        if row is not None:
            self.draft.leave_out(row.sensor.tag)
            self._changed()

    def _changed(self) -> None:
        self._edition += 1
        self.draft.series.clear()
        self._show(None)
        self._timer.stop()
        self.read()


def _columns() -> list[Column[PointRow]]:
    def context(row: PointRow) -> str:
        return f"{row.point.documented} · {row.point.address}" if row.point else ""

    def coding(row: PointRow) -> str:
        return row.point.words if row.point else ""

    def raw(row: PointRow) -> str:
        return " ".join(f"{r:04X}" for r in row.registers)

    return [
        Column("Sensor", lambda r: r.sensor.label, tip=lambda r: r.sensor.tag, elided=True),
        Column("Manual · wire", context),
        Column("Coding", coding, elided=True),
        Column("Registers", raw, right=True, spare=True),
        Column("Now", lambda r: r.value, right=True),
        Column("Believed", lambda r: r.state, elided=True),
    ]
