"""Wire to screen: simulated pumps behind a real server, the real engine, the real window."""

from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.engine import Engine
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.threads import EngineHost
from pumpwatch_gui.settings.simulated import simulated_site
from pumpwatch_gui.settings.site_reader import load_site


def test_live_values_of_real_links_reach_the_tiles_and_the_trends(qtbot, tmp_path: Path):
    home = Home(tmp_path)
    home.prepare()
    with simulated_site(tmp_path, pumps=2, faults=[], speed=1.0) as site_file:
        engine = Engine(load_site(site_file).site, home)
        host = EngineHost(engine)
        window = MainWindow(engine, home, site_file, ask=host.ask)
        host.happened.connect(window.on_event)
        host.start()
        window.show()
        window.start()
        try:
            tiles, page = window.page("overview").tiles, window.page("pump")
            qtbot.waitUntil(
                lambda: all(s.presence.live for s in tiles.states) and len(tiles.states) == 2, timeout=10_000
            )
            assert all(not reading.hatched for state in tiles.states for reading in state.readings)
            window.open_page("pump", "P-102")
            qtbot.waitUntil(
                lambda: page.trends._trace is not None and page.trends._trace.time_s.size >= 2, timeout=10_000
            )
            qtbot.waitUntil(
                lambda: any("P-102" in row.text for row in window.page("overview").events.rows), timeout=5000
            )
            assert not window.strip.plant.old
        finally:
            window.close()
            host.stop()
            window.deleteLater()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
