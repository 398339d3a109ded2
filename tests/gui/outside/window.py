"""A window on a fake station, for a reader in another process. Each line on its input turns to a page, has all
alarms return (`calm`), or ends it.

It says `shown` on its output when it is on the screen, and `turned` when it is on another page.
"""

import os
import sys
import tempfile
import threading
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.shell.app import application, dispose
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation, at_once


class Lines(QObject):
    """What another process has written."""

    came = Signal(str)

    def read(self) -> None:
        """Until the end of the input."""
        for line in sys.stdin:
            self.came.emit(line.strip())
        self.came.emit("quit")


def main() -> None:
    """Show it until the input ends."""
    app = application()
    station = FakeStation(3, scenes={1: Scene("hot")}, history_s=60)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.prepare()
        window = MainWindow(station, home, home.site_file, ask=at_once, appearance=Appearance())
        station.subscribe(window.on_event)
        window.resize(1280, 720)
        window.show()
        window.start()

        def turn(line: str) -> None:
            if line == "quit":
                window.close()
                app.quit()
                return
            if line == "calm":
                station.scenes.clear()
                station.step(1.0)
            else:
                window.open_page(line, "P-102" if line == "pump" else "")
            QApplication.processEvents()
            window.refresh()
            print("turned", flush=True)

        lines = Lines()
        lines.came.connect(turn)
        threading.Thread(target=lines.read, daemon=True).start()
        window.first_painted.connect(lambda: print("shown", flush=True))
        app.exec()
        dispose(window)
    sys.stdout.flush()
    os._exit(0)  # the thread still waits for a line


if __name__ == "__main__":
    main()
