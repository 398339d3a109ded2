"""The tiles of the Overview: what is painted again of a tile leaves the picture of the whole one."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QRect
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.gui.overview.choice import Group
from pumpwatch_gui.gui.overview.page import OverviewPage
from pumpwatch_gui.gui.overview.tile_painter import TilePainter
from pumpwatch_gui.gui.overview.tile_state import TileState
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SCENES
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of
from tests.gui.snapshots import differing, pixels


def with_other_numbers(view: StationView, seed: int) -> StationView:
    """The same a frame later: every live value, score and health has moved a little."""
    random = np.random.default_rng(seed)
    pumps = []
    for pump in view.pumps:
        if pump.frame is not None and isinstance(pump.score_result, Detection):
            values = pump.frame.values * random.normal(1.0, 0.01, pump.frame.values.size)
            frame = replace(pump.frame, values=values, seq=pump.frame.seq + 1)
            score = replace(pump.score_result, score=float(random.uniform(0.1, 0.9)))
            pump = replace(pump, frame=frame, score_result=score, health=float(random.uniform(60, 99)))
        pumps.append(pump)
    return replace(view, pumps=tuple(pumps))


@pytest.mark.parametrize("pumps", [3, 12, 50])
def test_numbers_painted_alone_leave_the_picture_of_the_whole_tile(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, pumps: int
) -> None:
    station = FakeStation(pumps, scenes=SCENES, history_s=60)
    window = open_window(source=station, size=(1600, 900))
    tiles = page_of(window, OverviewPage).tiles
    QApplication.processEvents()
    alone = set[str]()
    paint_live_parts = TilePainter.paint_live_parts

    def noted(self: TilePainter, painter: QPainter, state: TileState, *, on: bool) -> None:
        alone.add(state.pump_id)
        paint_live_parts(self, painter, state, on=on)

    monkeypatch.setattr(TilePainter, "paint_live_parts", noted)
    view = station.latest()
    for seed in range(3):
        changed = with_other_numbers(view, seed)
        tiles.refresh(changed, [Group("", changed.pumps)])
        QCoreApplication.sendPostedEvents(None, QEvent.Type.UpdateRequest.value)
    assert alone & {pump.pump_id for pump in view.pumps if pump.alarms}
    assert alone & {pump.pump_id for pump in view.pumps if not pump.alarms}
    shown = on_screen(window.winId(), QRect(tiles.mapTo(window, tiles.rect().topLeft()), tiles.size()))
    # Oblique lines that are clipped elsewhere are rounded by a level or two.
    differs = np.argwhere(differing(pixels(shown), pixels(tiles.grab().toImage())))
    assert not differs.size, f"rows and columns {differs.min(axis=0)} to {differs.max(axis=0)}"


def on_screen(window_id: int, part: QRect) -> QImage:
    """What the window shows now, nothing painted for it."""
    screen = QApplication.primaryScreen()
    return screen.grabWindow(window_id, part.x(), part.y(), part.width(), part.height()).toImage()
