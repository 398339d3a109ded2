"""The first page of a new station: watch the demo, or connect a pump."""

import sys

from PySide6.QtCore import QProcess, Qt
from PySide6.QtWidgets import QWidget

from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import Panel, button, label
from pumpwatch_gui.gui.shell.page import Page, PageContext

DEMO = (
    "Three simulated pumps behind a real Modbus TCP server on this machine, read by the same driver as any other pump. "
    "After a minute P-103 begins to cavitate: you see how an anomaly comes up, what it is made of, and how it is "
    "acknowledged. It opens in a window of its own and leaves nothing behind."
)
CONNECT = (
    "You need the pump's address and its manual. Step by step: the link, a shipped register map or the registers of "
    "your own with their live values, whether they make sense, the limits. Nothing is saved before the last step. "
    "PumpWatch only reads: it never writes to a device."
)


class FirstRunPage(Page):
    """Two ways to begin."""

    key = "first-run"

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.said = label("", "dim")
        column = vbox(parent=self, margin=16, spacing=16)
        column.addStretch(2)
        column.addWidget(label("Welcome to PumpWatch", "title"), 0, Qt.AlignmentFlag.AlignHCenter)
        words = label("This station has no pumps yet. How do you want to begin?")
        column.addWidget(words, 0, Qt.AlignmentFlag.AlignHCenter)
        self.demo = button("Watch the demo", "Watch the demo", self.watch_demo)
        self.connect_pump = button("Connect a pump", "Connect a pump", self._connect)
        demo = self._choice("Watch the demo", DEMO, self.demo)
        connect = self._choice("Connect a pump", CONNECT, self.connect_pump)
        if "add-pump" not in context.dialogs:
            connect.hide()
        column.addLayout(hbox(None, (demo, 3), (connect, 3), None, spacing=16))
        column.addWidget(self.said, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(label(f"The site file will be {context.site_file}", "dim"), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        self.setFocusProxy(self.demo)

    def _choice(self, heading: str, words: str, act: QWidget) -> Panel:
        text = label(words)
        text.setWordWrap(True)
        text.setAlignment(Qt.AlignmentFlag.AlignTop)
        panel = Panel(self.appearance, heading, text)
        panel.body.addWidget(act)
        panel.setMinimumHeight(self.appearance.px(220))
        return panel

    def watch_demo(self) -> None:
        """Start the demo as a program of its own."""
        frozen = bool(getattr(sys, "frozen", False))
        arguments = ["demo"] if frozen else ["-m", "pumpwatch_gui", "demo"]
        started = QProcess.startDetached(sys.executable, arguments)[0]
        self.said.setText("The demo opens in a window of its own." if started else "The demo could not be started.")

    def _connect(self) -> None:
        self.context.open_dialog("add-pump", "")
