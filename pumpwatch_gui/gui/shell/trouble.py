"""What stops the program from starting, for a person who started it from an icon and sees no terminal."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.shell.app import application


def show_trouble(message: str, advice: str) -> None:
    """Say what is wrong and what to do, and wait until it is read."""
    app = application()
    appearance = Appearance("dark")
    appearance.apply()
    box = trouble_box(message, advice)
    appearance.dress(box)
    box.finished.connect(app.quit)
    box.open()
    app.exec()
    box.deleteLater()


def trouble_box(message: str, advice: str) -> QMessageBox:
    """The box, not yet shown."""
    box = QMessageBox(QMessageBox.Icon.Critical, "PumpWatch cannot start", message)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(advice)
    return box
