"""Looking for devices: units behind an address, ports of one host, speeds of a serial port; progress and cancel."""

from dataclasses import replace
from math import isfinite

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QProgressBar, QWidget

from pumpwatch_gui.commissioning.devices.scan import LINE_SPEEDS, ScanJob, ScanKind, ScanRequest, ScanView, start_scan
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import (
    DriverConfig,
    ModbusConfig,
    ModbusRtuConfig,
    ModbusRtuTcpConfig,
    ModbusTcpConfig,
    ModbusTlsConfig,
    SerialPlace,
)
from pumpwatch_gui.domain.links.discovery import Found
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.forms.port_box import PortBox
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, WholeBox, button, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

POLL_MS = 100
_WAYS = {"modbus-tcp": "Modbus TCP", "modbus-rtu-over-tcp": "RTU over TCP", "modbus-rtu": "RTU, serial",
         "modbus-tls": "TLS, as the link"}  # fmt: skip


class ScanPanel(QWidget):
    """What to look for above, what was found below. `wanted` carries the config that reaches the chosen find."""

    wanted = Signal(object)

    def __init__(self, context: PageContext, *, use_words: str) -> None:
        super().__init__()
        self.context = context
        self.job: ScanJob | None = None
        self._tls: ModbusTlsConfig | None = None
        self.found: RowsModel[Found] = RowsModel(_columns(), key=lambda f: f.place)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.poll)
        self._make_fields()
        self.start_button = button("Start", "Start the scan", self.start)
        self.cancel_button = button("Cancel", "Cancel the scan", self.cancel)
        self.use_button = button(use_words, use_words, self._use)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the scan")
        self.said = StatusText("Scans only what you name here: one register of each is read, nothing is written.")
        self.view = TableView(context.appearance, self.found, "What was found", nothing="What responds is listed here")
        self.view.activated.connect(lambda _: self._use())
        self.view.selectionModel().currentRowChanged.connect(lambda _now, _before: self._show_state())
        self._lay_out()
        self._choose_kind()
        self._show_state()

    # ---------------------------------------------------------------- building

    def _make_fields(self) -> None:
        self.kind, self.way = QComboBox(), QComboBox()
        for kind in ScanKind:
            self.kind.addItem(kind.value, kind)
        for key, words in list(_WAYS.items())[:3]:
            self.way.addItem(words, key)
        self.host, self.device = QLineEdit(), PortBox(self.context.ask)
        self.host.setPlaceholderText("host")
        self.port, self.first, self.last, self.wait = WholeBox(), WholeBox(), WholeBox(), WholeBox()
        for spin, low, high, value in ((self.port, 1, 65535, 502), (self.first, 0, 255, 1), (self.last, 0, 255, 32),
                                       (self.wait, 50, 5000, 300)):  # fmt: skip
            spin.setRange(low, high)
            spin.setValue(value)
        self.wait.setSuffix(" ms")
        self.wait.setSingleStep(50)
        self.line = QComboBox()
        for speed in LINE_SPEEDS:
            self.line.addItem(speed.text, speed)
        names: tuple[tuple[QWidget, str], ...] = (
            (self.kind, "What to look for"), (self.way, "Way to the device"), (self.host, "Host to scan"),
            (self.port, "TCP port"), (self.device, "Serial port"), (self.line, "Line settings"),
            (self.first, "First unit"), (self.last, "Last unit"), (self.wait, "Time-out for each"),
        )  # fmt: skip
        for widget, name in names:
            widget.setAccessibleName(name)
        self.kind.currentIndexChanged.connect(lambda _: self._choose_kind())
        self.way.currentIndexChanged.connect(lambda _: self._choose_kind())

    def _lay_out(self) -> None:
        self._labels: dict[QWidget, QLabel] = {
            widget: label(words, "dim")
            for widget, words in ((self.port, "port"), (self.first, "unit"), (self.last, "to"), (self.wait, "wait"))
        }
        port, *units = ((self._labels[widget], widget) for widget in (self.port, self.first, self.last, self.wait))
        where = hbox(self.kind, self.way, (self.host, 1), *port, (self.device, 1), self.line, spacing=6)
        run = hbox(*(part for unit in units for part in unit), self.start_button, self.cancel_button,
                   (self.progress, 1), self.use_button, spacing=6)  # fmt: skip
        vbox(where, run, (self.view, 1), self.said, parent=self, margin=12)

    def _choose_kind(self) -> None:
        kind, way = self.kind.currentData(), str(self.way.currentData())
        is_units = kind is ScanKind.UNITS
        is_serial = kind is ScanKind.SPEEDS or (is_units and way == "modbus-rtu")
        is_fixed = is_units and way == "modbus-tls"
        shown: dict[QWidget, bool] = {
            self.way: is_units,
            self.host: not is_serial and not is_fixed,
            self.port: is_units and not is_serial and not is_fixed,
            self.device: is_serial,
            self.line: is_units and is_serial,
            self.last: kind is not ScanKind.PORTS,
        }
        for widget, on in shown.items():
            widget.setVisible(on)
            if widget in self._labels:
                self._labels[widget].setVisible(on)

    def use_config(self, config: DriverConfig | None) -> None:
        """Take over where a link leads to."""
        if self.job is not None and self.job.poll().is_running:
            return
        if isinstance(config, ModbusTlsConfig):
            self._tls = config
            if self.way.findData(config.driver) < 0:
                self.way.addItem(_WAYS[config.driver], config.driver)
        if isinstance(config, ModbusConfig):
            self.way.setCurrentIndex(self.way.findData(config.driver))
        if isinstance(config, ModbusTcpConfig | ModbusRtuTcpConfig):
            self.host.setText(config.host)
            self.port.setValue(config.port)
        if isinstance(config, SerialPlace):
            self.device.setText(config.device)
            at = self.line.findText(replace(config.speed, stop_bits=1).text)
            self.line.setCurrentIndex(max(at, 0))

    # ---------------------------------------------------------------- scanning

    def start(self) -> None:
        """Begin; what was found before goes."""
        try:
            self.job = start_scan(self._request(), self.context.station.site(), self.context.running)
        except (InputError, ValueError) as error:
            self.said.warn(error_text(error))
            return
        self.found.show_rows([])
        self.destroyed.connect(self.job.cancel)
        self.said.say("scanning …")
        self._timer.start()
        self._show_state()

    def cancel(self) -> None:
        """End the scan; what was found so far stays."""
        if self.job is not None:
            self.job.cancel()

    def _request(self) -> ScanRequest:
        kind = self.kind.currentData()
        return ScanRequest(
            kind,
            range(self.first.value(), self.last.value() + 1),
            self.wait.value() / 1000,
            config=self._config() if kind is ScanKind.UNITS else None,
            host=self.host.text().strip(),
            device=self.device.text(),
        )

    def _config(self) -> ModbusConfig:
        way = str(self.way.currentData())
        if way == "modbus-tls" and self._tls is not None:
            return self._tls
        if way == "modbus-rtu":
            speed = self.line.currentData()
            return ModbusRtuConfig(self.device.text(), speed.baud, speed.parity)
        kind = ModbusRtuTcpConfig if way == "modbus-rtu-over-tcp" else ModbusTcpConfig
        return kind(self.host.text().strip(), self.port.value())

    def poll(self) -> None:
        """Show the progress of the scan."""
        if self.job is None:
            return
        view = self.job.poll()
        self.progress.setRange(0, max(view.total, 1))
        self.progress.setValue(view.done)
        if len(view.found) != len(self.found.rows):
            self.found.append(view.found[len(self.found.rows) :])
        if view.is_running:
            self.said.say(f"{view.done} of {view.total} scanned, {view.there} found")
            return
        self._timer.stop()
        if view.error is not None:
            self.said.warn(error_text(view.error))
        else:
            self._finish(view)
        self._show_state()

    def _finish(self, view: ScanView) -> None:
        self.found.show_rows(sorted(view.found, key=lambda f: not f.outcome.is_there))
        end = "done" if view.done >= view.total else "cancelled"
        self.said.say(f"{end}: {len(view.found)} scanned, {view.there} found")
        if view.there:
            self.view.selectRow(0)
            self.view.setFocus()

    @property
    def chosen(self) -> ModbusConfig | None:
        """What reaches the chosen find."""
        found = self.found.row_at(self.view.chosen)
        return found.config if found else None

    def _use(self) -> None:
        if self.chosen is not None:
            self.wanted.emit(replace(self.chosen))

    def _show_state(self) -> None:
        is_running = self.job is not None and self.job.poll().is_running
        self.start_button.setEnabled(not is_running)
        self.cancel_button.setEnabled(is_running)
        self.use_button.setEnabled(self.chosen is not None)


def _columns() -> list[Column[Found]]:
    marks = {True: "● ", False: ""}
    return [
        Column("Place", lambda f: f.place),
        Column("Outcome", lambda f: marks[f.outcome.is_there] + f.outcome.value),
        Column("Response", lambda f: f"{f.response_ms:.0f} ms" if isfinite(f.response_ms) else "", right=True),
        Column("Result", lambda f: f.text, elided=True),
    ]
