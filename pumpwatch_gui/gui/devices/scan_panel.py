"""Looking for devices: units behind an address, ports of one host, speeds of a serial port; progress and cancel."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import isfinite

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QProgressBar, QSpinBox, QVBoxLayout, QWidget

from pumpwatch_gui.acquire.discovery.scan import COMMON_BAUDS, COMMON_PORTS, Found, scan_lines, scan_ports, scan_units
from pumpwatch_gui.commissioning.scan_job import ScanJob
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
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.forms.port_box import PortBox
from pumpwatch_gui.gui.look.widgets import button, label, set_role
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

POLL_MS = 100
UNITS, PORTS, SPEEDS = "units", "ports", "speeds"
_KINDS = {UNITS: "Units behind an address", PORTS: "Ports of one host", SPEEDS: "Speeds of a serial port"}
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
        self.found: RowsModel[Found] = RowsModel(_columns())
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.poll)
        self._make_fields()
        self.start_button = button("Start", "Start the scan", self.start)
        self.cancel_button = button("Cancel", "Cancel the scan", self.cancel)
        self.use_button = button(use_words, use_words, self._use)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the scan")
        self.said = label("Asks only what you name here, for one register each; never writes.", "dim")
        self.said.setWordWrap(True)
        self.view = TableView(
            context.appearance, self.found, "What was found", widths={0: 210, 1: 110, 2: 84}, stretch=3
        )
        self.view.activated.connect(lambda _: self._use())
        self.view.selectionModel().currentRowChanged.connect(lambda _now, _before: self._show_state())
        self._lay_out()
        self._choose_kind()
        self._show_state()

    # ---------------------------------------------------------------- building

    def _make_fields(self) -> None:
        self.kind, self.way = QComboBox(), QComboBox()
        for key, words in _KINDS.items():
            self.kind.addItem(words, key)
        for key, words in list(_WAYS.items())[:3]:
            self.way.addItem(words, key)
        self.host, self.device = QLineEdit(), PortBox(self.context.ask)
        self.host.setPlaceholderText("host")
        self.port, self.first, self.last, self.wait = QSpinBox(), QSpinBox(), QSpinBox(), QSpinBox()
        for spin, low, high, value in ((self.port, 1, 65535, 502), (self.first, 0, 255, 1), (self.last, 0, 255, 32),
                                       (self.wait, 50, 5000, 300)):  # fmt: skip
            spin.setRange(low, high)
            spin.setValue(value)
        self.wait.setSuffix(" ms")
        self.wait.setSingleStep(50)
        self.line = QComboBox()
        for baud in COMMON_BAUDS:
            for parity in ("N", "E", "O"):
                self.line.addItem(f"{baud} 8{parity}1", (baud, parity))
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
        self._labels: dict[QWidget, QLabel] = {}
        ask, run = QHBoxLayout(), QHBoxLayout()
        ask.setSpacing(6)
        run.setSpacing(6)
        for widget, words in ((self.kind, ""), (self.way, ""), (self.host, ""), (self.port, "port"), (self.device, ""),
                              (self.line, "")):  # fmt: skip
            self._place(ask, widget, words)
        ask.setStretchFactor(self.host, 1)
        ask.setStretchFactor(self.device, 1)
        for widget, words in ((self.first, "unit"), (self.last, "to"), (self.wait, "wait")):
            self._place(run, widget, words)
        run.addWidget(self.start_button)
        run.addWidget(self.cancel_button)
        run.addWidget(self.progress, 1)
        run.addWidget(self.use_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        for row in (ask, run):
            column.addLayout(row)
        column.addWidget(self.view, 1)
        column.addWidget(self.said)

    def _place(self, row: QHBoxLayout, widget: QWidget, words: str) -> None:
        if words:
            self._labels[widget] = label(words, "dim")
            row.addWidget(self._labels[widget])
        row.addWidget(widget)

    def _choose_kind(self) -> None:
        kind, way = str(self.kind.currentData()), str(self.way.currentData())
        is_serial = kind == SPEEDS or (kind == UNITS and way == "modbus-rtu")
        is_fixed = kind == UNITS and way == "modbus-tls"
        shown: dict[QWidget, bool] = {
            self.way: kind == UNITS,
            self.host: not is_serial and not is_fixed,
            self.port: kind == UNITS and not is_serial and not is_fixed,
            self.device: is_serial,
            self.line: kind == UNITS and is_serial,
            self.last: kind != PORTS,
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
            scan, total = self._question()
        except (InputError, ValueError) as error:
            self._say(error_text(error), warn=True)
            return
        self.found.show_rows([])
        self.job = ScanJob(scan, total)
        self.destroyed.connect(self.job.cancel)
        self._say("scanning …")
        self._timer.start()
        self._show_state()

    def cancel(self) -> None:
        """End the scan; what was found so far stays."""
        if self.job is not None:
            self.job.cancel()

    def _question(self) -> tuple[Callable[..., object], int]:
        kind, wait_s = str(self.kind.currentData()), self.wait.value() / 1000
        units = range(self.first.value(), self.last.value() + 1)
        host, device = self.host.text().strip(), self.device.text()
        if kind == PORTS:
            if not host:
                raise InputError("which host?", "type its name or address")
            unit = self.first.value()
            return lambda p, s: scan_ports(host, unit=unit, timeout_s=wait_s, progress=p, stop=s), len(COMMON_PORTS)
        if not units:
            raise InputError(f"there is no unit from {units.start} to {units.stop - 1}", "let the first be the smaller")
        if kind == SPEEDS:
            self._check_free(device)
            serial = tuple(u for u in units if 1 <= u <= 247)
            scan = partial(scan_lines, [device], units=serial, timeout_s=wait_s)
            return lambda p, s: scan(progress=p, stop=s), len(COMMON_BAUDS) * 2 * len(serial)
        config = self._config()
        if isinstance(config, ModbusRtuConfig):
            self._check_free(config.device)
        top = 255 if isinstance(config, ModbusTcpConfig | ModbusTlsConfig) else 247
        asked = [u for u in units if (0 if top == 255 else 1) <= u <= top]
        base_dir = self.context.station.site().folder
        return lambda p, s: scan_units(config, asked, timeout_s=wait_s, base_dir=base_dir, progress=p, stop=s), len(
            asked
        )

    def _config(self) -> ModbusConfig:
        way = str(self.way.currentData())
        if way == "modbus-tls" and self._tls is not None:
            return self._tls
        if way == "modbus-rtu":
            baud, parity = self.line.currentData()
            return ModbusRtuConfig(self.device.text(), baud, parity)
        kind = ModbusRtuTcpConfig if way == "modbus-rtu-over-tcp" else ModbusTcpConfig
        return kind(self.host.text().strip(), self.port.value())

    def _check_free(self, device: str) -> None:
        """A serial port serves one program at a time."""
        if not device:
            raise InputError("which serial port?", "choose or type one")
        for pump in self.context.station.site().pumps:
            for n, link in enumerate(pump.links, 1):
                if getattr(link, "device", "") == device:
                    raise InputError(f"{pump.pump_id}/{n} uses {device}", "take the link out of the settings meanwhile")

    def poll(self) -> None:
        """Show how the scan stands."""
        if self.job is None:
            return
        view = self.job.poll()
        self.progress.setRange(0, max(view.total, 1))
        self.progress.setValue(view.done)
        if len(view.found) != len(self.found.rows):
            self.found.append(view.found[len(self.found.rows) :])
        there = sum(f.outcome.is_there for f in view.found)
        if view.is_running:
            self._say(f"{view.done} of {view.total} asked, {there} there")
            return
        self._timer.stop()
        if view.error is not None:
            self._say(error_text(view.error), warn=True)
        else:
            self._finish(view.found, there, is_whole=view.done >= view.total)
        self._show_state()

    def _finish(self, found: tuple[Found, ...], there: int, *, is_whole: bool) -> None:
        ordered = sorted(found, key=lambda f: not f.outcome.is_there)
        self.found.show_rows(ordered)
        end = "done" if is_whole else "cancelled"
        self._say(f"{end}: {len(found)} asked, {there} there")
        if there:
            self.view.selectRow(0)
            self.view.setFocus()

    @property
    def chosen(self) -> ModbusConfig | None:
        """What reaches the chosen find."""
        at = self.view.currentIndex().row()
        return self.found.rows[at].config if 0 <= at < len(self.found.rows) else None

    def _use(self) -> None:
        if self.chosen is not None:
            self.wanted.emit(replace(self.chosen))

    def _show_state(self) -> None:
        is_running = self.job is not None and self.job.poll().is_running
        self.start_button.setEnabled(not is_running)
        self.cancel_button.setEnabled(is_running)
        self.use_button.setEnabled(self.chosen is not None)

    def _say(self, words: str, *, warn: bool = False) -> None:
        set_role(self.said, "warning" if warn else "dim")
        self.said.setText(words)


def _columns() -> list[Column[Found]]:
    marks = {True: "● ", False: ""}
    return [
        Column("Place", lambda f: f.place, tip=lambda f: f.place),
        Column("Outcome", lambda f: marks[f.outcome.is_there] + f.outcome.value),
        Column("Response", lambda f: f"{f.response_ms:.0f} ms" if isfinite(f.response_ms) else "", right=True),
        Column("In words", lambda f: f.text, tip=lambda f: f.text),
    ]
