"""Wire to screen: simulated pumps behind a real server, the real engine, the real window."""

from pathlib import Path

from pytestqt.qtbot import QtBot

from pumpwatch_gui.gui.overview.page import OverviewPage
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.settings.simulated import simulated_site
from tests.gui.parts import page_of
from tests.gui.real_station import running


def test_live_values_of_real_links_reach_the_tiles_and_the_trends(qtbot: QtBot, tmp_path: Path) -> None:
    with (
        simulated_site(tmp_path, pumps=2, faults=[], speed=1.0) as site_file,
        running(tmp_path, site_file.read_text("utf-8")) as parts,
    ):
        window = parts.window
        overview, page = page_of(window, OverviewPage), page_of(window, PumpPage)
        tiles = overview.tiles
        qtbot.waitUntil(lambda: all(s.presence.live for s in tiles.states) and len(tiles.states) == 2, timeout=10_000)
        assert all(not reading.hatched for state in tiles.states for reading in state.readings)
        window.open_page("pump", "P-102")
        qtbot.waitUntil(lambda: page.trends._trace is not None and page.trends._trace.time_s.size >= 2, timeout=10_000)
        qtbot.waitUntil(lambda: any("P-102" in row.text for row in overview.events.rows), timeout=5000)
        assert not window.top_bar.plant.old
