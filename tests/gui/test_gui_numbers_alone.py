"""Numbers that are painted over the ones before leave the picture that is painted whole: tiles, lanes of trends."""

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
from pumpwatch_gui.gui.pump.page import PumpPage
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


def test_tiles_that_lie_otherwise_before_their_numbers_are_painted_leave_nothing_of_the_ones_before(
    open_window: OpenWindow,
) -> None:
    station = FakeStation(12, history_s=60)
    window = open_window(source=station, size=(1600, 900))
    tiles = page_of(window, OverviewPage).tiles
    QApplication.processEvents()
    view = station.latest()
    changed = with_other_numbers(view, 1)
    tiles.refresh(changed, [Group("", changed.pumps)])
    assert tiles._live
    tiles.refresh(changed, [Group("", changed.pumps[:5])])
    QCoreApplication.sendPostedEvents(None, QEvent.Type.UpdateRequest.value)
    shown = on_screen(window.winId(), QRect(tiles.mapTo(window, tiles.rect().topLeft()), tiles.size()))
    assert not differing(pixels(shown), pixels(tiles.grab().toImage())).any()


def test_numbers_of_lanes_painted_alone_leave_the_picture_of_the_whole_page(open_window: OpenWindow) -> None:
    station = FakeStation(3, scenes=SCENES, history_s=60)
    window = open_window(source=station, size=(1600, 900))
    window.open_page("pump", "P-101")
    trends = page_of(window, PumpPage).trends
    QApplication.processEvents()
    view = station.latest()
    trends.window_now = replace(trends.window_now, length_s=3600.0)  # a pixel is some seconds
    window.page("pump").refresh(view)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.UpdateRequest.value)
    curves, before = trends._curves, trends._texts
    for seed in range(3):
        window.page("pump").refresh(with_other_numbers(view, seed))
        QCoreApplication.sendPostedEvents(None, QEvent.Type.UpdateRequest.value)
    assert trends._texts != before
    assert trends._curves is curves
    shown = on_screen(window.winId(), QRect(trends.mapTo(window, trends.rect().topLeft()), trends.size()))
    trends.update()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.UpdateRequest.value)
    whole = on_screen(window.winId(), QRect(trends.mapTo(window, trends.rect().topLeft()), trends.size()))
    assert not differing(pixels(shown), pixels(whole)).any()


def on_screen(window_id: int, part: QRect) -> QImage:
    """What the window shows now, nothing painted for it."""
    screen = QApplication.primaryScreen()
    return screen.grabWindow(window_id, part.x(), part.y(), part.width(), part.height()).toImage()
