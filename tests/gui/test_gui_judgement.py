"""The judgement of a pump over time on the Models page: score, alarms, feedback, changes of the model."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from pumpwatch_gui.domain.commands import GiveFeedback
from pumpwatch_gui.domain.feedback import FeedbackVerdict
from pumpwatch_gui.domain.judgement import ModelChange
from pumpwatch_gui.domain.likelihood import Likelihood
from pumpwatch_gui.gui.look.time_view import DAY_S
from pumpwatch_gui.gui.models.judgement_panel import JudgementPanel
from pumpwatch_gui.gui.models.page import APART_PX, ModelsPage
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.conftest import OpenWindow
from tests.gui.fake_judgement import put_judged_day
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of


def opened(
    open_window: OpenWindow, size: tuple[int, int] = (1280, 720)
) -> tuple[MainWindow, JudgementPanel, FakeStation]:
    station = FakeStation(3, scenes={2: Scene("hot")}, history_s=60)
    tags = station.site().pumps[2].profile.tags
    put_judged_day(station.history, "P-103", tags, station.latest().time_ns)
    window = open_window(source=station, size=size)
    window.open_page("models", "P-103")
    window.refresh()
    return window, page_of(window, ModelsPage).judgement, station


def test_a_day_of_judging_is_shown_with_its_alarms_and_changes(open_window: OpenWindow) -> None:
    _, panel, _ = opened(open_window)
    assert panel.found is not None
    assert [mark.change for mark in panel.found.marks] == [ModelChange.MODEL, ModelChange.LIMIT, ModelChange.SHADOW]
    assert [e.verdict for e in panel.found.episodes[:3]] == [FeedbackVerdict.TRUE, FeedbackVerdict.FALSE, None]
    assert panel.found.episodes[-1].is_open
    (very,) = panel.counts.rows
    assert (very.step, very.true, very.false) == (Likelihood.VERY_LIKELY, 1, 1)
    assert "4 alarms in 22 h" in panel.rate.text()
    assert panel.now.text().startswith("Score now 2.")
    assert panel.now.text().endswith(" s old")
    assert "4 alarms, 3 changes" in panel.picture.accessibleDescription()


def test_a_pump_that_was_never_judged_says_so(open_window: OpenWindow) -> None:
    window, panel, _ = opened(open_window)
    window.open_page("models", "P-101")
    panel.read()
    assert panel.rate.text() == "0 alarms, not scored in this time"
    assert not panel.count_view.isVisible()
    assert panel.episodes.rows == []


def test_the_alarm_that_is_clicked_is_chosen_and_feedback_on_it_is_ordered(open_window: OpenWindow) -> None:
    _, panel, station = opened(open_window)
    assert not panel.verdicts[FeedbackVerdict.TRUE].isEnabled()
    assert panel.found is not None
    third = panel.found.episodes[2]
    bar = panel.picture._bar_of(third).center()
    QTest.mouseClick(panel.picture, Qt.MouseButton.LeftButton, pos=QPoint(round(bar.x()), round(bar.y())))
    assert panel.chosen == third
    assert panel.picture.selected_ns == third.start_ns
    panel.note.setText("oil was low")
    panel.verdicts[FeedbackVerdict.TRUE].click()
    (command,) = (order.command for order in station.orders if isinstance(order.command, GiveFeedback))
    said = command.feedback
    assert (said.start_ns, said.end_ns, said.verdict, said.note) == (
        third.start_ns, third.end_ns, FeedbackVerdict.TRUE, "oil was low",
    )  # fmt: skip


def test_the_choice_stays_with_its_alarm_when_the_time_is_read_again(open_window: OpenWindow) -> None:
    _, panel, _ = opened(open_window)
    assert panel.found is not None
    panel.episode_view.choose(panel.found.episodes[1].start_ns)
    panel.read()
    assert panel.chosen == panel.found.episodes[1]


def test_buttons_wheel_and_keys_turn_to_another_time(open_window: OpenWindow) -> None:
    _, panel, _ = opened(open_window)
    picture = panel.picture

    def shown() -> tuple[float, bool]:
        return picture.view.length_s, picture.view.is_live

    panel.bar.lengths["7 d"].click()
    assert shown() == (7 * DAY_S, True)
    panel.bar.back.click()
    assert shown() == (7 * DAY_S, False)
    panel.bar.now.click()
    assert shown() == (7 * DAY_S, True)
    QTest.keyClick(picture, Qt.Key.Key_Plus)
    assert picture.view.length_s < 7 * DAY_S


def test_keys_go_from_change_to_change_and_say_it(open_window: OpenWindow) -> None:
    _, panel, _ = opened(open_window)
    QTest.keyClick(panel.picture, Qt.Key.Key_Left)
    assert "shadow: Model 20260110-081500 runs in shadow, by operator" in panel.picture.accessibleDescription()
    QTest.keyClick(panel.picture, Qt.Key.Key_Left)
    assert "another threshold: Threshold factor" in panel.picture.accessibleDescription()


def test_t_opens_the_trend_around_the_chosen_alarm(open_window: OpenWindow) -> None:
    window, panel, _ = opened(open_window)
    assert panel.found is not None
    episode = panel.found.episodes[0]
    panel.episode_view.choose(episode.start_ns)
    QTest.keyClick(panel.episode_view, Qt.Key.Key_T)
    assert window.current == "trends"


def test_where_there_is_room_the_judgement_has_a_column_of_its_own(open_window: OpenWindow) -> None:
    window, panel, _ = opened(open_window)
    page = page_of(window, ModelsPage)
    assert page.tabs.indexOf(panel) == 0
    window.resize(APART_PX + 320, 900)
    assert page.tabs.indexOf(panel) == -1
    assert panel.isVisible()
    window.resize(1280, 720)
    assert page.tabs.indexOf(panel) == 0
