"""The box for a serial port: a list with the USB identity of each, and room to type what is not in it."""

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox
from typing_extensions import override

from pumpwatch_gui.commissioning.devices.links import serial_ports
from pumpwatch_gui.domain.links.discovery import SerialPort
from pumpwatch_gui.gui.look.widgets import plain_tip
from pumpwatch_gui.gui.shell.page import Ask


class PortBox(QComboBox):
    """`text()` is the device, typed or chosen. The list is read off the GUI thread, each time it is opened too."""

    def __init__(self, ask: Ask, device: str = "") -> None:
        super().__init__()
        self._ask, self._was_listed = ask, False
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(18)
        self.setEditText(device)
        self.activated.connect(self._choose)

    def text(self) -> str:
        """The device."""
        at = self.findText(self.currentText())
        return str(self.itemData(at)) if at >= 0 else self.currentText().strip()

    def setText(self, device: str) -> None:
        """Type a device."""
        self.setEditText(device)

    def _choose(self, at: int) -> None:
        self.setEditText(str(self.itemData(at)))

    def show_ports(self, ports: tuple[SerialPort, ...]) -> None:
        """Offer these ports; what was typed stays."""
        typed = self.currentText()
        self.blockSignals(True)
        self.clear()
        for port in ports:
            self.addItem(port.label, port.device)
        self.setCurrentIndex(-1)
        self.setEditText(typed)
        self.blockSignals(False)
        self.setToolTip(plain_tip("\n".join(port.label for port in ports) or "the system names no serial port"))

    def _list(self) -> None:
        self._ask(serial_ports, self.show_ports)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """List the ports the first time it is seen."""
        super().showEvent(event)
        if not self._was_listed:
            self._was_listed = True
            self._list()
