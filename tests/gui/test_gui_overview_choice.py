"""The overview in groups, narrowed by words, state or favourites: nothing in alarm is hidden in silence."""

from dataclasses import replace

from PySide6.QtCore import QPoint, QPointF, QSignalBlocker, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.domain.commands import ChangeSite, Order
from pumpwatch_gui.domain.display import presence
from pumpwatch_gui.domain.site_changes import RenamePump, SetPump
from pumpwatch_gui.gui.overview.choice import Grouping, Which, groups_of
from pumpwatch_gui.gui.overview.page import OverviewPage
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SCENES
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of

AREAS = ("Boiler house", "Boiler house", "Cooling tower", "", "Cooling tower")


def placed(pumps: int = 12) -> FakeStation:
    station = FakeStation(pumps, scenes=SCENES, history_s=60)
    for i, pump in enumerate(station.site().pumps):
        change = SetPump(
            pump.pump_id, pump.name, pump.profile_name, pump.model, pump.links, area=AREAS[i % len(AREAS)], duty="Feed"
        )
        station.submit(Order(ChangeSite((change,)), "x"))
    return station


def page(open_window: OpenWindow, station: FakeStation) -> OverviewPage:
    return page_of(open_window(source=station, size=(1600, 900)), OverviewPage)


def shown(overview: OverviewPage) -> list[str]:
    return [state.pump_id for state in overview.tiles.states]


def choose(overview: OverviewPage, which: Which) -> None:
    box = overview.choice.which
    box.setCurrentIndex(box.findData(which.value))
    box.activated.emit(box.currentIndex())


def test_groups_are_in_the_order_of_their_first_pump_and_those_without_one_come_last() -> None:
    station = placed(5)
    view, site = station.latest(), station.site()
    found = [(g.heading, [p.pump_id for p in g.pumps]) for g in groups_of(view.pumps, site, Grouping.AREA)]
    assert found == [
        ("Boiler house", ["P-101", "P-102"]),
        ("Cooling tower", ["P-103", "P-105"]),
        ("Other pumps", ["P-104"]),
    ]
    assert [g.heading for g in groups_of(view.pumps, site, Grouping.NONE)] == [""]


def test_the_tiles_of_groups_lie_under_their_headings_without_overlap(open_window: OpenWindow) -> None:
    overview = page(open_window, placed())
    overview.choice.grouping.setCurrentIndex(overview.choice.grouping.findData(Grouping.AREA.value))
    overview.choice.grouping.activated.emit(1)
    tiles, grid = overview.tiles, overview.tiles.grid
    rects = [grid.rect(i) for i in range(12)] + [grid.heading_rect(i) for i in range(3)]
    assert len(grid.sizes) == 3
    assert grid.heading > 0
    for i, one in enumerate(rects):
        assert tiles.rect().contains(one.toAlignedRect())
        assert not any(one.intersects(other) for other in rects[i + 1 :])


def test_the_arrows_reach_every_tile_of_groups_whose_rows_are_not_full(open_window: OpenWindow) -> None:
    overview = page(open_window, placed())
    overview.choice.grouping.setCurrentIndex(overview.choice.grouping.findData(Grouping.AREA.value))
    overview.choice.grouping.activated.emit(1)
    tiles = overview.tiles
    tiles.setFocus()
    tiles.move_to(0)
    rows = [tiles.grid.rect(0).y()]
    for _ in range(20):
        QTest.keyClick(tiles, Qt.Key.Key_Down)
        at = tiles.grid.rect(tiles._at).y()
        if at == rows[-1]:
            break
        rows.append(at)
    assert rows == sorted({tiles.grid.rect(i).y() for i in range(12)})
    for _ in rows[1:]:
        QTest.keyClick(tiles, Qt.Key.Key_Up)
    assert tiles.grid.rect(tiles._at).y() == rows[0]


def test_words_find_pumps_by_id_name_area_and_duty(open_window: OpenWindow) -> None:
    overview = page(open_window, placed())
    overview.choice.words.setText("cooling tower feed")
    assert shown(overview) == ["P-103", "P-105", "P-108", "P-110"]
    overview.choice.words.setText("nothing like it")
    assert shown(overview) == []
    assert overview.tiles.empty_words == "No pump matches"
    overview.choice.everything.click()
    assert len(shown(overview)) == 12
    assert not overview.choice.everything.isVisible()


def test_a_pump_in_alarm_that_is_not_shown_is_named(open_window: OpenWindow) -> None:
    station = placed()
    overview = page(open_window, station)
    alarmed = [pump.pump_id for pump in station.latest().pumps if pump.alarms]
    assert alarmed, "the scenes have alarms"
    calm = next(pump.pump_id for pump in station.latest().pumps if not pump.alarms)
    overview.choice.words.setText(calm)
    assert shown(overview) == [calm]
    assert "Not shown, in alarm: " + alarmed[0] in overview.choice.count.text()
    assert overview.choice.count.property("role") == "warning"


def test_a_tile_does_not_leave_when_its_alarm_does(open_window: OpenWindow) -> None:
    station = placed()
    overview = page(open_window, station)
    choose(overview, Which.ALARMED)
    alarmed = shown(overview)
    assert alarmed == [pump.pump_id for pump in station.latest().pumps if pump.alarms]
    view = station.latest()
    calm = replace(view, pumps=tuple(replace(pump, alarms=()) for pump in view.pumps), alarms=())
    overview.refresh(calm)
    assert shown(overview) == alarmed
    with QSignalBlocker(overview.choice):
        choose(overview, Which.ALARMED)
    overview.refresh(calm)
    assert shown(overview) == []


def test_pumps_without_live_values_are_found(open_window: OpenWindow) -> None:
    station = placed()
    overview = page(open_window, station)
    choose(overview, Which.NOT_LIVE)
    view = station.latest()
    last_good = overview.context.last_good
    dead = [pump.pump_id for pump in view.pumps if not presence(pump, view.mono_ns, last_good).live]
    assert dead, "the scenes have a pump without values"
    assert shown(overview) == dead


def test_favourites_are_chosen_by_the_menu_of_a_tile_and_kept(open_window: OpenWindow) -> None:
    station = placed()
    overview = page(open_window, station)
    menu = overview.menu_of("P-102")
    next(action for action in menu.actions() if action.text() == "Add to favourites").trigger()
    assert overview.tiles.states[1].is_favourite
    overview.tiles.move_to(1)
    assert "Favourite" in overview.tiles.accessibleDescription()
    choose(overview, Which.FAVOURITES)
    assert shown(overview) == ["P-102"]
    station.submit(Order(ChangeSite((RenamePump("P-102", "P-902"),)), "x"))
    QApplication.processEvents()
    assert overview.choice.favourites.ids == {"P-902"}
    again = page(open_window, station)
    assert again.choice.favourites.ids == {"P-902"}


def test_the_menu_is_that_of_the_tile_under_the_pointer_or_with_the_keyboard(open_window: OpenWindow) -> None:
    tiles = page(open_window, placed()).tiles
    asked = list[str]()
    tiles.menu_asked.disconnect()
    tiles.menu_asked.connect(lambda pump_id, _: asked.append(pump_id))
    place = tiles.grid.rect(4).center().toPoint()
    QApplication.sendEvent(tiles, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, QPoint(0, 0)))
    tiles.move_to(2)
    QApplication.sendEvent(tiles, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), QPoint(0, 0)))
    assert asked == ["P-105", "P-103"]


def test_the_right_button_opens_no_pump(open_window: OpenWindow) -> None:
    overview = page(open_window, placed())
    opened = list[str]()
    overview.tiles.opened.connect(opened.append)
    place: QPointF = overview.tiles.grid.rect(1).center()
    QTest.mouseClick(overview.tiles, Qt.MouseButton.RightButton, pos=place.toPoint())
    assert opened == []


def test_three_pumps_without_areas_have_no_bar(open_window: OpenWindow) -> None:
    overview = page(open_window, FakeStation(3, scenes={}, history_s=60))
    assert not overview.choice.isVisible()
