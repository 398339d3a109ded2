"""The Trends page: any quantities over any time, live and history as one; one key leads there from every number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.commands import Annotate
from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.events import Note, RunStateChanged
from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.values.readings import SCORE_TAG
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.look.time_view import TimeView
from pumpwatch_gui.gui.overview.page import OverviewPage
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.page import around_alarm
from pumpwatch_gui.gui.trends.export_dialog import ExportDialog
from pumpwatch_gui.gui.trends.note_dialog import AnnotateDialog
from pumpwatch_gui.gui.trends.page import TrendsPage
from pumpwatch_gui.gui.trends.pens import MOST_PENS, Pen, SavedView, view_of_text
from pumpwatch_gui.gui.trends.picker import PickerDialog
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SECOND, Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, page_of
from tests.gui.test_gui_past import restarted

VIBRATION, FLOW = "vibration_mm_s", "flow_rate_l_min"


class Waiting:
    """An `ask` whose answers come when a test says so."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[[], Any], Callable[[Any], None], Callable[[Exception], None] | None]] = []

    def __call__(
        self,
        function: Callable[[], Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        self.jobs.append((function, on_result, on_error))

    def answer(self) -> None:
        """Answer the oldest."""
        function, on_result, _ = self.jobs.pop(0)
        on_result(function())


def opened(window: MainWindow, qtbot: QtBot, *pens: Pen) -> TrendsPage:
    """The Trends page with these pens, once their history was read."""
    window.open_page("trends")
    page = page_of(window, TrendsPage)
    if pens:
        page.set_pens(pens)
    settle(page, qtbot)
    return page


def settle(page: TrendsPage, qtbot: QtBot) -> None:
    """Wait until nothing is to be read any more."""
    qtbot.waitUntil(lambda: not page.reader._rest.isActive() and not page.reader.is_reading)
    qtbot.waitUntil(lambda: not page.marks._rest.isActive())


def points_of(page: TrendsPage, tag: str, pump_id: str = "P-101", shift_s: float = 0.0) -> Any:
    return page.plot.points[pump_id, tag, shift_s]


# -------------------------------------------------------------------- live and history


def test_live_and_history_are_one_curve_without_a_seam(open_window: OpenWindow, qtbot: QtBot) -> None:
    station = restarted(2900, in_memory=50)
    page = opened(open_window(source=station), qtbot, Pen("P-101", VIBRATION))
    points = points_of(page, VIBRATION)
    now_s = station.latest().time_ns / 1e9
    assert points.time_s.size >= 2890
    assert np.diff(points.time_s).max() < 1.5
    assert points.time_s[-1] == pytest.approx(now_s, abs=1)
    assert np.isfinite(points.mean).all()


def test_the_live_edge_follows_and_a_paused_one_does_not(open_window: OpenWindow, qtbot: QtBot) -> None:
    station = restarted(120, in_memory=200)
    window = open_window(source=station)
    page = opened(window, qtbot, Pen("P-101", VIBRATION))
    for second in range(1, 20):
        station.step(float(second))
    window.refresh()
    now_s = station.latest().time_ns / 1e9
    assert page.plot.view.end_s == now_s
    assert points_of(page, VIBRATION).time_s[-1] == pytest.approx(now_s)
    QTest.keyClick(page.plot, Qt.Key.Key_Left)
    held = page.plot.view
    station.step(40.0)
    window.refresh()
    assert page.plot.view == held
    QTest.keyClick(page.plot, Qt.Key.Key_End)
    assert page.plot.view.is_live


def test_no_drag_wheel_or_key_leads_into_the_future(open_window: OpenWindow, qtbot: QtBot) -> None:
    page = opened(open_window(source=restarted(120, in_memory=200)), qtbot, Pen("P-101", VIBRATION))
    plot = page.plot
    now_s = plot.now_s
    middle = plot.area.center().toPoint()
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(plot, middle - QPoint(100, 0))
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=middle - QPoint(100, 0))
    assert plot.view.is_live
    for key in (Qt.Key.Key_Right, Qt.Key.Key_PageDown, Qt.Key.Key_Minus, Qt.Key.Key_BracketRight):
        QTest.keyClick(plot, key)
        assert plot.view.end_s <= now_s + 1
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(plot, middle + QPoint(100, 0))
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=middle + QPoint(100, 0))
    assert plot.view.end_s < now_s
    assert plot.cursor_a is None


def test_the_wheel_keeps_the_time_under_the_pointer(open_window: OpenWindow, qtbot: QtBot) -> None:
    page = opened(open_window(source=restarted(120, in_memory=200)), qtbot, Pen("P-101", VIBRATION))
    plot = page.plot
    plot.set_view(TimeView(plot.now_s - 9000, plot.now_s - 5400))
    where = QPointF(plot.area.left() + 200, plot.area.center().y())
    before_s, none = plot.time_at(where.x()), Qt.MouseButton.NoButton
    turn = QWheelEvent(where, plot.mapToGlobal(where), QPoint(), QPoint(0, 240), none, Qt.KeyboardModifier.NoModifier,
                       Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(plot, turn)
    assert plot.view.length_s == pytest.approx(3600 * 0.64)
    assert plot.time_at(where.x()) == pytest.approx(before_s, abs=0.01)


def test_the_newest_request_wins_and_a_cancelled_one_is_said(open_window: OpenWindow, qtbot: QtBot) -> None:
    station = restarted(600, in_memory=20)
    window = open_window(source=station)
    page = opened(window, qtbot, Pen("P-101", VIBRATION))
    later = Waiting()
    page.context.ask = later
    page.plot.set_view(TimeView(page.plot.now_s - 40 * 86_400, page.plot.now_s - 20 * 86_400))
    qtbot.waitUntil(lambda: page.reader.is_reading)
    done, total = page.reader.progress
    assert (done, total > 5) == (0, True)
    later.answer()
    assert page.reader.progress == (1, total)
    page.refresh(station.latest())
    assert page.bar.cancel.isVisible()
    page.plot.set_view(TimeView(page.plot.now_s - 30_000, page.plot.now_s - 100))
    qtbot.waitUntil(lambda: page.reader.progress == (0, 1))
    while later.jobs:
        later.answer()
    assert not page.reader.is_reading
    assert points_of(page, VIBRATION).between(page.plot.view.start_s, page.plot.view.end_s).time_s.size > 300
    page.plot.set_view(TimeView(page.plot.now_s - 90 * 86_400, page.plot.now_s - 50 * 86_400))
    qtbot.waitUntil(lambda: page.reader.is_reading)
    page.bar.cancel.click()
    assert not page.reader.is_reading
    assert page.plot.said == "not all of the history was read"


def test_a_history_that_cannot_be_read_is_said_on_the_plot(
    open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = restarted(600, in_memory=20)
    page = opened(open_window(source=station), qtbot, Pen("P-101", VIBRATION))

    def broken(*_: Any, **__: Any) -> Series:
        raise StoreError("the disk is gone")

    monkeypatch.setattr("pumpwatch_gui.gui.trends.history_reader.AGAIN_MS", 100)
    with monkeypatch.context() as wrong:
        wrong.setattr(station.history, "read", broken)
        page.plot.set_view(TimeView(page.plot.now_s - 86_400, page.plot.now_s - 50_000))
        qtbot.waitUntil(lambda: "the disk is gone" in page.plot.said)
    qtbot.waitUntil(lambda: page.plot.said == "")  # it is read again by itself


def test_a_page_that_no_one_looks_at_reads_nothing(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(source=restarted(600, in_memory=20))
    page = opened(window, qtbot, Pen("P-101", VIBRATION))
    window.open_page("overview")
    page.plot.set_view(TimeView(page.plot.now_s - 9000, page.plot.now_s - 100))
    qtbot.wait(200)
    assert not page.reader.is_reading
    assert points_of(page, VIBRATION).time_s[0] > page.plot.now_s - 5000
    window.open_page("trends")
    settle(page, qtbot)
    assert page.reader._known["P-101", 0.0].wanted.start_s <= page.plot.now_s - 9000


def test_home_is_the_beginning_of_the_history(open_window: OpenWindow, qtbot: QtBot) -> None:
    station = restarted(1000, in_memory=20)
    page = opened(open_window(source=station), qtbot, Pen("P-101", VIBRATION))
    page.bar.start.setText("")
    page.plot.set_view(TimeView.last(100, page.plot.now_s))
    QTest.keyClick(page.plot, Qt.Key.Key_Home)
    assert page.plot.view.start_s == pytest.approx(station.latest().time_ns / 1e9 - 1000, abs=1)


def test_times_that_are_typed_are_shown_and_wrong_ones_are_said(open_window: OpenWindow, qtbot: QtBot) -> None:
    page = opened(open_window(), qtbot, Pen("P-101", VIBRATION))
    page.bar.start.setText("2025-10-01 12:00")
    page.bar.end.setText("2025-10-01 14:00")
    page.bar.go.click()
    assert page.plot.view.length_s == 7200
    assert not page.plot.view.is_live
    page.bar.start.setText("tomorrow")
    page.bar.go.click()
    assert "'tomorrow' is not a time" in page.bar.said.text()
    assert page.plot.view.length_s == 7200


# -------------------------------------------------------------------- pens


def test_a_pen_that_is_hidden_has_no_lane_and_keeps_its_row(open_window: OpenWindow, qtbot: QtBot) -> None:
    page = opened(open_window(), qtbot, Pen("P-101", VIBRATION), Pen("P-101", FLOW), Pen("P-102", VIBRATION))
    page.plot.picture()
    assert [[one.name for one in lane.pens] for lane in page.plot.lanes] == [
        ["P-101 Vibration", "P-102 Vibration"],
        ["P-101 Flow rate"],
    ]
    page.table.choose(Pen("P-101", FLOW).key)
    QTest.keyClick(page.table, Qt.Key.Key_Space)
    page.plot.picture()
    assert [lane.unit for lane in page.plot.lanes] == ["mm/s"]
    assert [row.state for row in page.table.pens.rows] == ["shown", "hidden", "shown"]
    page.table.choose(Pen("P-101", FLOW).key)
    QTest.keyClick(page.table, Qt.Key.Key_Delete)
    assert page.pens == (Pen("P-101", VIBRATION), Pen("P-102", VIBRATION))


def test_the_list_of_quantities_finds_adds_and_takes_away(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(3)
    page = opened(window, qtbot)
    page.set_pens(())
    page.bar.add.click()
    picker = dialog_of(window, PickerDialog)
    QTest.keyClicks(picker.typed, "103 vibr")
    QTest.keyClick(picker.typed, Qt.Key.Key_Return)
    assert page.pens[0] == Pen("P-103", VIBRATION)
    QTest.keyClick(picker.typed, Qt.Key.Key_Return)
    assert page.pens == ()
    for choice in list(picker.found.rows):
        page.toggle_pen(choice.pen)
    assert len(page.pens) == min(len(picker.found.rows), MOST_PENS)
    for other in picker._choices[:40]:
        if other.pen not in page.pens:
            page.toggle_pen(other.pen)
    assert len(page.pens) == MOST_PENS >= 10
    picker.typed.setText("no such quantity")
    assert picker.said.text() == "Nothing is called so"
    picker.close()


def test_a_pump_that_is_renamed_keeps_its_pens(open_window: OpenWindow, qtbot: QtBot) -> None:
    from pumpwatch_gui.domain.commands import ChangeSite
    from pumpwatch_gui.domain.site_changes import RenamePump

    window = open_window()
    page = opened(window, qtbot, Pen("P-101", VIBRATION))
    window.context.order(ChangeSite((RenamePump("P-101", "P-900"),)))
    assert page.pens == (Pen("P-900", VIBRATION),)


def test_ghosts_are_the_same_quantities_so_long_before(open_window: OpenWindow, qtbot: QtBot) -> None:
    station = restarted(900, in_memory=30)
    page = opened(open_window(source=station), qtbot, Pen("P-101", VIBRATION))
    page.plot.set_view(TimeView.last(300, page.plot.now_s))
    page.compare_time(400.0)
    settle(page, qtbot)
    ghost, live = points_of(page, VIBRATION, shift_s=400.0), points_of(page, VIBRATION)
    then = ghost.between(page.plot.now_s - 100, page.plot.now_s)
    stored = station.history.read(
        "P-101", (VIBRATION,), start_ns=int((then.time_s[0] - 400.5) * 1e9), end_ns=int((then.time_s[-1] - 399.5) * 1e9)
    )
    assert np.allclose(then.mean, stored.mean[:, 0])
    assert live.time_s[-1] == pytest.approx(page.plot.now_s, abs=1)
    page.compare_pump("P-102")
    assert Pen("P-102", VIBRATION) in page.pens


def test_views_are_kept_for_each_user_over_a_restart(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    page = opened(window, qtbot, Pen("P-101", VIBRATION, 60.0), Pen("P-102", SCORE_TAG, is_visible=False))
    page.bar.fit.click()
    page.views.keep(" Night/shift & co ", page.as_view().as_text())
    page.set_pens([Pen("P-101", FLOW)])
    again = open_window()
    other = page_of(again, TrendsPage)
    assert other.pens == (Pen("P-101", FLOW),)
    assert other.views.names == ("Night/shift & co",)
    view = view_of_text(other.views.text("Night/shift & co"))
    assert view is not None
    other.use_view(view)
    assert list(other.pens) == [Pen("P-101", VIBRATION, 60.0), Pen("P-102", SCORE_TAG, is_visible=False)]
    assert other.plot.is_fitted
    other.views.remove("Night/shift & co")
    assert page.views.names == ()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pens": [{}], "length_s": 1}', '{"pens": [], "length_s": -1}'])
def test_what_is_no_saved_view_is_none(text: str) -> None:
    assert view_of_text(text) is None


def test_a_saved_view_is_read_as_it_was_written() -> None:
    view = SavedView((Pen("P-1", "a", 3.5, False),), 60.0, True)
    assert view_of_text(view.as_text()) == view


# -------------------------------------------------------------------- figures


def test_cursors_show_values_differences_and_slopes(open_window: OpenWindow, qtbot: QtBot) -> None:
    page = opened(open_window(source=restarted(600, in_memory=700)), qtbot, Pen("P-101", VIBRATION))
    plot = page.plot
    plot.set_view(TimeView.last(500, plot.now_s))
    left, right = (QPointF(plot.area.left() + share * plot.area.width(), plot.area.center().y()).toPoint()
                   for share in (0.25, 0.75))  # fmt: skip
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, pos=left)
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, pos=right)
    assert plot.cursor_a is not None
    assert plot.cursor_b is not None
    assert plot.cursor_b - plot.cursor_a == pytest.approx(250, abs=2)
    (row,) = page.table.pens.rows
    points = points_of(page, VIBRATION)
    assert row.cursors.at_a == points.value_at(plot.cursor_a, 5)
    assert row.cursors.per_hour == pytest.approx(row.cursors.difference / 250 * 3600, rel=0.02)
    assert "B − A" in page.cursor_words.text()
    before = plot.cursor_a
    QTest.keyClick(plot, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert plot.cursor_a > before
    QTest.keyClick(plot, Qt.Key.Key_Escape)
    assert [plot.cursor_a, plot.cursor_b] == [None, None]


def test_the_table_says_what_the_view_has(open_window: OpenWindow, qtbot: QtBot) -> None:
    page = opened(open_window(source=restarted(600, in_memory=700)), qtbot, Pen("P-101", VIBRATION))
    page.plot.set_view(TimeView(page.plot.now_s - 500, page.plot.now_s - 100))
    page._show_figures()
    (row,) = page.table.pens.rows
    part = points_of(page, VIBRATION).between(page.plot.now_s - 500, page.plot.now_s - 100)
    assert (row.view.low, row.view.high) == (part.mean.min(), part.mean.max())
    assert row.view.mean == pytest.approx(part.mean.mean(), rel=1e-3)
    assert row.view.std == pytest.approx(part.mean.std(), rel=1e-2)
    assert row.good == "100.0 %"


def test_the_x_y_plot_says_how_far_two_quantities_go_together(open_window: OpenWindow, qtbot: QtBot) -> None:
    page = opened(open_window(source=restarted(600, in_memory=700)), qtbot, Pen("P-101", VIBRATION), Pen("P-101", FLOW))
    page.bar.xy.click()
    assert page.scatter.isVisible()
    assert not page.plot.isVisible()
    words = page.scatter.plot.accessibleDescription()
    assert words.startswith("P-101 Vibration over P-101 Flow rate, 6")
    assert "correlation" in words


# -------------------------------------------------------------------- events


def test_events_are_marks_that_open_their_page(open_window: OpenWindow, qtbot: QtBot) -> None:
    station = restarted(900, in_memory=30)
    now_ns = station.latest().time_ns
    station.history.put_event(RunStateChanged(now_ns - 200 * SECOND, "P-101", True))
    station.history.put_event(RunStateChanged(now_ns - 190 * SECOND, "P-102", True))
    station.history.put_event(Note(now_ns - 100 * SECOND, "Filter <b>cleaned</b>"))
    window = open_window(source=station)
    page = opened(window, qtbot, Pen("P-101", VIBRATION))
    page.plot.set_view(TimeView.last(400, page.plot.now_s))
    settle(page, qtbot)
    assert [mark.words for mark in page.plot.marks] == ["Pump started", "Filter <b>cleaned</b>"]
    plot = page.plot
    where = QPointF(plot.x_of(now_ns / 1e9 - 200), plot.area.bottom() + 8)
    assert [mark.words for mark in plot.mark_at(where)] == ["Pump started"]
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, pos=where.toPoint())
    assert window.current == "events"
    page.bar.events.click()
    assert plot.marks == ()


def test_a_note_on_a_time_is_ordered_and_marked_there(open_window: OpenWindow, qtbot: QtBot) -> None:
    station = restarted(900, in_memory=30)
    window = open_window(source=station)
    page = opened(window, qtbot, Pen("P-101", VIBRATION))
    page.plot.set_view(TimeView.last(400, page.plot.now_s))
    about_s = page.plot.now_s - 300
    page.plot.set_cursors(about_s, None)
    QTest.keyClick(page.plot, Qt.Key.Key_N)
    dialog = dialog_of(window, AnnotateDialog)
    assert [dialog.pump.itemData(i) for i in range(dialog.pump.count())] == ["P-101", ""]
    dialog.give()
    assert "Write what there is to say" in dialog.trouble.text()
    dialog.text.setPlainText("valve <b>half</b>\nshut")
    dialog.give()
    (order,) = [order.command for order in station.orders if isinstance(order.command, Annotate)]
    assert order == Annotate("valve <b>half</b> shut", round(about_s * 1e9), "P-101")
    page.plot.set_view(TimeView.last(401, page.plot.now_s))
    qtbot.wait_until(lambda: any(mark.letter == "N" for mark in page.plot.marks), timeout=10_000)
    (mark,) = [mark for mark in page.plot.marks if mark.letter == "N"]
    assert mark.time_s == pytest.approx(about_s)
    assert mark.words.startswith("valve <b>half</b> shut, by ")
    texts = [action.text() for action in page._menus.menu_at(about_s).actions()]
    assert texts[0].startswith("Note on ")
    assert texts[-1] == "Save an incident file of this view…"


# -------------------------------------------------------------------- out of the page


def test_values_in_view_are_copied_as_a_table(open_window: OpenWindow, qtbot: QtBot) -> None:
    page = opened(open_window(source=restarted(600, in_memory=700)), qtbot, Pen("P-101", VIBRATION), Pen("P-102", FLOW))
    page.plot.set_view(TimeView(page.plot.now_s - 60, page.plot.now_s - 10))
    page.copy_values()
    head, *lines = QApplication.clipboard().text().splitlines()
    assert head == "time UTC\tP-101 Vibration [mm/s]\tP-102 Flow rate [L/min]"
    assert len(lines) in (50, 51)
    assert all(len(line.split("\t")) == 3 for line in lines)


def test_a_picture_is_whole_or_what_is_wrong_is_said(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    page = opened(open_window(), qtbot, Pen("P-101", VIBRATION))
    page.save_picture(tmp_path / "a.png")
    assert QImage(str(tmp_path / "a.png")).width() == page.split.width()
    page.save_picture(tmp_path / "none" / "a.png")
    assert "cannot be written" in page.bar.said.text()


def test_what_is_in_view_is_exported_with_progress(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(source=restarted(600, in_memory=30))
    page = opened(window, qtbot, Pen("P-101", VIBRATION), Pen("P-101", VIBRATION, 60.0), Pen("P-102", FLOW))
    page.plot.set_view(TimeView(page.plot.now_s - 100, page.plot.now_s - 50))
    page.bar.export.click()
    dialog = dialog_of(window, ExportDialog)
    dialog.path.setText(str(tmp_path / "out.csv"))
    dialog.start.click()
    assert "100 rows written" in dialog.said.text()
    head = (tmp_path / "out.csv").read_text("utf-8").splitlines()[0]
    assert head == f"time,pump,{VIBRATION},{VIBRATION} quality,{FLOW},{FLOW} quality"
    dialog.path.setText(str(tmp_path / "out.pdf"))
    dialog.start.click()
    assert "no kind of file" in dialog.said.text()
    later = Waiting()
    page.context.ask = later
    dialog.path.setText(str(tmp_path / "other.csv"))
    dialog.start.click()
    dialog.cancel.click()
    function, _, on_error = later.jobs.pop()
    assert on_error is not None
    with pytest.raises(Exception, match="cancelled") as found:
        function()
    assert isinstance(found.value, Exception)
    on_error(found.value)
    assert "cancelled" in dialog.said.text()
    assert not (tmp_path / "other.csv").exists()
    dialog.close()


# -------------------------------------------------------------------- one key from every number


def test_t_on_a_reading_opens_its_trend(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.open_page("pump", "P-102")
    pump = page_of(window, PumpPage)
    pump.sensors.move_to(3)
    QTest.keyClick(pump.sensors, Qt.Key.Key_T)
    page = page_of(window, TrendsPage)
    assert window.current == "trends"
    assert page.pens == (Pen("P-102", VIBRATION),)
    assert page.plot.chosen == Pen("P-102", VIBRATION).key
    window.open_page("pump", "P-102")
    pump.derived.move_to(0)
    QTest.keyClick(pump.derived, Qt.Key.Key_T)
    assert [pen.pump_id for pen in page.pens] == ["P-102"]  # pens that no person has chosen make room


def test_t_adds_to_what_a_person_has_put_together(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    page = opened(window, qtbot, Pen("P-101", FLOW))
    window.context.open_trend("P-102", VIBRATION)
    assert page.pens == (Pen("P-101", FLOW), Pen("P-102", VIBRATION))
    assert page.plot.chosen == Pen("P-102", VIBRATION).key


def test_t_on_a_tile_and_its_menu_open_the_usual_trends_of_the_pump(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.open_page("overview")
    overview = page_of(window, OverviewPage)
    overview.tiles.move_to(1)
    QTest.keyClick(overview.tiles, Qt.Key.Key_T)
    page = page_of(window, TrendsPage)
    assert window.current == "trends"
    assert {pen.pump_id for pen in page.pens} == {"P-102"}
    assert page.pens[-1].tag == SCORE_TAG
    window.open_page("overview")
    (act,) = [action for action in overview.menu_of("P-103").actions() if action.text() == "Trends of P-103"]
    act.trigger()
    assert {pen.pump_id for pen in page.pens} == {"P-103"}


def test_t_on_an_alarm_opens_its_trend_from_10_minutes_before_to_2_after(open_window: OpenWindow, qtbot: QtBot) -> None:
    station = FakeStation(3, scenes={1: Scene("hot")}, history_s=60)
    window = open_window(source=station)
    (alarm,) = [a for a in station.latest().alarms if a.tag == "bearing_temperature_c"][:1]
    window.open_page("alarms")
    alarms = page_of(window, AlarmsPage)
    alarms.alarm_view.choose(alarm.alarm_id)
    QTest.keyClick(alarms.alarm_view, Qt.Key.Key_T)
    page = page_of(window, TrendsPage)
    assert page.pens == (Pen(alarm.pump_id, alarm.tag),)
    start_s, end_s = around_alarm(alarm)
    assert page.plot.view.length_s == end_s - start_s == 720
    assert page.plot.view.end_s <= station.latest().time_ns / 1e9
    window.open_page("pump", alarm.pump_id)
    pump = page_of(window, PumpPage)
    pump.alarms.move_to(0)
    page.plot.set_view(TimeView.last(3600, page.plot.now_s))
    QTest.keyClick(pump.alarms, Qt.Key.Key_T)
    assert window.current == "trends"
    assert page.plot.view.length_s == 720


def test_the_page_says_what_it_shows_to_assistive_technology(open_window: OpenWindow, qtbot: QtBot) -> None:
    page = opened(open_window(source=restarted(120, in_memory=200)), qtbot, Pen("P-101", VIBRATION))
    page.plot.picture()
    words = page.plot.accessibleDescription()
    assert words.startswith("1 h 00 min, live: P-101 Vibration 2.")
    assert "mm/s" in words
