"""What is painted, and what is not painted again."""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication
from typing_extensions import override

from pumpwatch_gui.gui.overview.choice import Group
from pumpwatch_gui.gui.overview.page import OverviewPage
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of


class Paints(QObject):
    """Counts the paints of a widget."""

    def __init__(self, widget: QObject) -> None:
        super().__init__()
        self.count = 0
        widget.installEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_a_frame_in_which_nothing_changed_is_not_painted_and_one_with_values_is(open_window: OpenWindow) -> None:
    station = FakeStation(10, scenes={}, history_s=60)
    tiles = page_of(open_window(source=station, size=(1600, 900)), OverviewPage).tiles
    view = station.latest()
    tiles.refresh(view, [Group("", view.pumps)])
    QApplication.processEvents()
    paints = Paints(tiles)
    for _ in range(3):
        tiles._turn = 15  # of twenty; a turn of none of the ten sparklines
        tiles.refresh(view, [Group("", view.pumps)])
        QApplication.processEvents()
    assert paints.count == 0
    station.step(1.0)
    tiles.refresh(station.latest(), [Group("", station.latest().pumps)])
    QApplication.processEvents()
    assert paints.count == 1
