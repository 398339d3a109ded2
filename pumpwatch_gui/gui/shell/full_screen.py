"""What every window of the program does with the full screen."""

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QMainWindow
from typing_extensions import override


class FullScreenWindow(QMainWindow):
    """A window that may fill its screen; as a kiosk it always does."""

    def __init__(self, *, is_kiosk: bool) -> None:
        super().__init__()
        self.is_kiosk = is_kiosk

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves the full screen, where no field or dialog takes it."""
        if event.key() == Qt.Key.Key_Escape and self.isFullScreen() and not self.is_kiosk:
            self.showNormal()
        else:
            super().keyPressEvent(event)

    @override
    def changeEvent(self, event: QEvent) -> None:
        """A kiosk that was minimized or made smaller fills the screen again."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and self.is_kiosk and not self.isFullScreen():
            QTimer.singleShot(0, self, self.showFullScreen)  # not within the change
