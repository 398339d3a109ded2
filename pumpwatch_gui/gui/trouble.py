"""What stops the program from starting, for somebody who started it from an icon and sees no terminal."""

from PySide6.QtWidgets import QMessageBox

from pumpwatch_gui.gui.app import application
from pumpwatch_gui.gui.theme import Look


def show_trouble(message: str, advice: str) -> None:
    """Say what is wrong and what to do, and wait until it is read."""
    app = application()
    Look("dark").apply()
    box = trouble_box(message, advice)
    box.finished.connect(app.quit)
    box.open()
    app.exec()
    box.deleteLater()


def trouble_box(message: str, advice: str) -> QMessageBox:
    """The box, not yet shown."""
    box = QMessageBox(QMessageBox.Icon.Critical, "PumpWatch cannot start", message)
    box.setInformativeText(advice)
    return box
