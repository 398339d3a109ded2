"""An empty window of PySide6 with a plot of pyqtgraph: the least that any program of these libraries takes to start.

Run as a module it prints the time (Unix seconds) at which it was painted, its resident memory (MB), and ends.
"""

import time

import psutil
import pyqtgraph
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
from typing_extensions import override


class FirstPaint(QObject):
    """Prints once when its window was painted, and ends the program."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._is_seen = False
        window.installEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wait until the request to paint was served: the paint event of a window comes before that of its plot."""
        if event.type() is QEvent.Type.UpdateRequest and not self._is_seen:
            self._is_seen = True
            QTimer.singleShot(0, self._report)
        return False

    def _report(self) -> None:
        print(time.time(), psutil.Process().memory_info().rss / 1e6)
        QApplication.quit()


if __name__ == "__main__":
    app = QApplication([])
    main_window = QMainWindow()
    main_window.setCentralWidget(pyqtgraph.PlotWidget())
    main_window.resize(1440, 860)
    first_paint = FirstPaint(main_window)
    main_window.show()
    app.exec()
