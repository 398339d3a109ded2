"""Only the alarm that a person has chosen is acknowledged, whatever comes, goes and moves meanwhile."""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.commands import Acknowledge, Order
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.tables.row_list import Row, RowList
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of

EXAMPLES = int(os.environ.get("PUMPWATCH_EXAMPLES", "25"))
PLACES = 5
"""So many alarms there may be at once."""
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("raise"), st.integers(0, PLACES - 1), st.integers(1, 4)),
        st.tuples(st.just("end"), st.integers(0, PLACES - 1), st.just(0)),
        st.tuples(st.just("choose"), st.integers(0, PLACES - 1), st.just(0)),
        st.tuples(st.just("acknowledge"), st.integers(0, 1), st.just(0)),
    ),
    min_size=4,
    max_size=24,
)


class AlarmedStation(FakeStation):
    """A station whose alarms a test decides; they are sorted as the engine does it."""

    def __init__(self) -> None:
        self.alarms: dict[str, Alarm] = {}
        super().__init__(2, scenes={}, history_s=2)

    @override
    def latest(self) -> StationView:
        """The station with the alarms that there are now."""
        view, alarms = super().latest(), tuple(sorted(self.alarms.values(), key=lambda a: (a.priority, a.raised_ns)))
        pumps = tuple(replace(p, alarms=tuple(a for a in alarms if a.pump_id == p.pump_id)) for p in view.pumps)
        return replace(view, pumps=pumps, alarms=alarms)

    @override
    def _execute_command(self, order: Order) -> str:
        if not isinstance(order.command, Acknowledge):
            return super()._execute_command(order)
        alarm_id = order.command.alarm_id
        self.alarms[alarm_id] = replace(self.alarms[alarm_id], state=AlarmState.ACKNOWLEDGED, by=order.actor)
        return "acknowledged"

    def raise_one(self, place: int, priority: int) -> None:
        """An alarm comes, or the one that is there comes again."""
        tag, now_ns = self.profile.sensors[place].tag, self.start_ns + len(self.orders)
        alarm_id = f"P-101/{tag}.high"
        self.alarms[alarm_id] = Alarm(
            alarm_id, "P-101", tag, Priority(priority), f"{tag} high", AlarmState.UNACKNOWLEDGED, 9.0, 8.0, "", now_ns,
            now_ns,
        )  # fmt: skip


class OnAlarms:
    """The hands of a person on the Alarms page."""

    def __init__(self, window: MainWindow) -> None:
        window.open_page("alarms")
        self.page = page_of(window, AlarmsPage)

    def choose(self, alarm_id: str) -> bool:
        """Click the row of an alarm; whether it was in sight."""
        view = self.page.alarm_view
        if any(alarm.alarm_id == alarm_id for alarm in self.page.active.new):
            self.page.active.bar.click()
        row = next((i for i, a in enumerate(self.page.alarms.rows) if a.alarm.alarm_id == alarm_id), -1)
        index = self.page.alarms.index(row, 3)
        view.scrollTo(index)
        place = view.visualRect(index)
        if not view.viewport().rect().contains(place.center()) or row < 0:
            return False
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place.center())
        return True

    def acknowledge(self, by_key: bool) -> None:
        """Press the button, or its keys."""
        if by_key:
            self.page.alarm_view.setFocus()
            QTest.keyClick(self.page.alarm_view, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        else:
            self.page.acknowledge_button.click()


class OnPump:
    """The hands of a person on the Pump page."""

    def __init__(self, window: MainWindow) -> None:
        window.open_page("pump", "P-101")
        QApplication.processEvents()  # a page that scrolls is laid out only now
        self.page = page_of(window, PumpPage)

    def choose(self, alarm_id: str) -> bool:
        """Click the row of an alarm; whether it was in sight."""
        rows = self.page.alarms
        at = next((i for i, row in enumerate(rows.rows) if row.key == alarm_id), -1)
        rect = rows.cell_rect(at)
        if rect.isEmpty():
            return False
        QTest.mouseClick(rows, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
        return True

    def acknowledge(self, by_key: bool) -> None:
        """Press the button, or its keys."""
        if by_key:
            self.page.alarms.setFocus()
            QTest.keyClick(self.page.alarms, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        else:
            self.page.ack.click()


@pytest.mark.parametrize("hands_of", [OnAlarms, OnPump])
def test_only_the_chosen_alarm_is_acknowledged_while_others_come_and_go(
    open_window: OpenWindow, hands_of: type[OnAlarms] | type[OnPump]
) -> None:
    station = AlarmedStation()
    window = open_window(source=station, size=(1920, 1080))
    hands = hands_of(window)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    @example([("raise", 0, 2), ("choose", 0, 0), ("raise", 1, 1), ("acknowledge", 0, 0), ("acknowledge", 1, 0)])
    def play(steps: list[tuple[str, int, int]]) -> None:
        station.alarms.clear()
        window.refresh()
        chosen = ""
        for what, place, priority in steps:
            alarm_id = f"P-101/{station.profile.sensors[place].tag}.high"
            before = len(station.orders)
            match what:
                case "raise":
                    station.raise_one(place, priority)
                case "end":
                    station.alarms.pop(alarm_id, None)
                case "choose":
                    chosen = alarm_id if alarm_id in station.alarms and hands.choose(alarm_id) else chosen
                case _:
                    is_open = chosen in station.alarms and station.alarms[chosen].state.is_unacknowledged
                    hands.acknowledge(bool(place))
                    expected = [Acknowledge(chosen)] if is_open else []
                    assert [order.command for order in station.orders[before:]] == expected
                    before = len(station.orders)
            assert len(station.orders) == before, f"{what} has ordered something"
            window.refresh()
            chosen = chosen if chosen in station.alarms else ""

    play()
    assert station.orders


def test_nothing_is_acknowledged_that_was_not_chosen(open_window: OpenWindow) -> None:
    station = AlarmedStation()
    station.raise_one(3, 1)
    window = open_window(source=station)
    for hands in (OnAlarms(window), OnPump(window)):
        window.refresh()
        for by_key in (True, False):
            hands.acknowledge(by_key)
    assert station.commands == []


def test_a_click_below_the_last_row_chooses_nothing(open_window: OpenWindow) -> None:
    station = AlarmedStation()
    for place in range(8):
        station.raise_one(place, 1 + place % 4)
    window = open_window(source=station)
    hands = OnPump(window)
    rows = hands.page.alarms
    for y in range(0, rows.height(), 3):
        QTest.mouseClick(rows, Qt.MouseButton.LeftButton, pos=QPoint(rows.width() // 2, y))
        at = rows.cell_at(QPoint(rows.width() // 2, y).toPointF())
        assert at is None or (rows.current is not None and rows.current.key == rows.rows[at].key)
    assert station.commands == []


def test_every_row_of_a_long_list_can_be_reached(qapp: QApplication) -> None:
    rows = RowList(Appearance(), "Alarms", empty="none", selects=True)
    rows.resize(300, 150)
    rows.show_rows(tuple(Row(str(i), f"alarm {i}") for i in range(30)))
    seen = set[str]()
    for _ in range(30):
        QTest.keyClick(rows, Qt.Key.Key_Down)
        assert rows.current is not None
        seen.add(rows.current.key)
        assert not rows.cell_rect([r.key for r in rows.rows].index(rows.current.key)).isEmpty()
    assert seen == set(map(str, range(30)))
    order = np.random.default_rng(3).permutation(30)
    rows.show_rows(tuple(Row(str(i), f"alarm {i}") for i in order))
    assert [row.key for row in (rows.current,) if row is not None] == ["29"]
    rows.show_rows(tuple(Row(str(i), f"alarm {i}") for i in range(29)))
    assert [row.key for row in (rows.current,) if row is not None] == []
    rows.deleteLater()
