"""The Alarms page: three lists, and what can be done to the chosen alarm."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QInputDialog
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.alarms.alarm import AlarmState, Priority
from pumpwatch_gui.domain.alarms.filtering import AlarmFilter
from pumpwatch_gui.domain.commands import Acknowledge, ReturnToService, ShelveAlarm, TakeOutOfService, UnshelveAlarm
from pumpwatch_gui.domain.events import AlarmChanged, Note
from pumpwatch_gui.gui.alarms.acknowledge_dialog import AcknowledgeDialog
from pumpwatch_gui.gui.alarms.hide_dialog import HideDialog
from pumpwatch_gui.gui.alarms.page import ACTIVE, HIDDEN, JOURNAL, SHELVED, AlarmsPage
from pumpwatch_gui.gui.overview.page import OverviewPage
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.conftest import OpenWindow
from tests.gui.fake_history import FakeHistorian
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import is_closed, page_of


def opened(open_window: OpenWindow) -> tuple[MainWindow, AlarmsPage, FakeStation]:
    """A window on three pumps, two of them in alarm, at its Alarms page."""
    station = FakeStation(3, scenes={0: Scene("hot"), 2: Scene("hot")}, history_s=60)
    window = open_window(source=station, size=(1600, 900))
    window.open_page("alarms")
    window.refresh()
    return window, page_of(window, AlarmsPage), station


def choose(page: AlarmsPage, row: int = 0) -> str:
    """Select a row of the list on show; the id of its alarm."""
    view = page.alarm_view if page.at == ACTIVE else page.hidden_view
    view.selectRow(row)
    assert page.chosen is not None
    return page.chosen.alarm_id


def last_order(station: FakeStation) -> object:
    """What was ordered last."""
    return station.commands[-1]


def dialog_on(page: AlarmsPage) -> HideDialog:
    (dialog,) = (d for d in page.findChildren(HideDialog) if d.isVisible())
    return dialog


def test_an_alarm_is_shelved_with_a_reason_and_taken_from_the_shelf_again(open_window: OpenWindow) -> None:
    window, page, station = opened(open_window)
    count = len(page.alarms.rows)
    alarm_id = choose(page)
    page.shelve_button.click()
    dialog = dialog_on(page)
    assert not dialog.ok.isEnabled(), "a reason is needed"
    dialog.reason.setText("seal exchange")
    dialog.one_shot.setChecked(True)
    dialog.ok.click()
    assert last_order(station) == ShelveAlarm(alarm_id, 3600.0, "seal exchange", one_shot=True)
    assert is_closed(dialog)
    window.refresh()
    kept = {s.alarm.alarm_id: s.alarm.state for s in page.alarms.rows}
    assert kept[alarm_id] is AlarmState.SHELVED, "its row stays while it is selected"
    assert not page.acknowledge_button.isEnabled()
    QTest.keyClick(page.alarm_view, Qt.Key.Key_Escape)
    assert alarm_id not in {s.alarm.alarm_id for s in page.alarms.rows}
    assert page.tabs[ACTIVE].text() == f"{ACTIVE} {count - 1}"

    page.tabs[SHELVED].click()
    assert [(s.alarm.alarm_id, s.alarm.reason) for s in page.hidden.rows] == [(alarm_id, "seal exchange")]
    assert choose(page) == alarm_id
    assert not page.shelve_button.isVisible()
    page.back_button.click()
    assert last_order(station) == UnshelveAlarm(alarm_id)
    window.refresh()
    assert page.hidden.rows == []
    page.tabs[ACTIVE].click()
    states = {s.alarm.alarm_id: s.alarm.state for s in page.alarms.rows}
    assert states[alarm_id] is AlarmState.ACKNOWLEDGED


def test_an_alarm_is_taken_out_of_service_and_returned(open_window: OpenWindow) -> None:
    window, page, station = opened(open_window)
    alarm_id = choose(page)
    page.out_button.click()
    dialog = dialog_on(page)
    assert not hasattr(dialog, "time")
    dialog.reason.setText("sensor sent in")
    dialog.ok.click()
    assert last_order(station) == TakeOutOfService(alarm_id, "sensor sent in")
    window.refresh()
    page.tabs[HIDDEN].click()
    assert [s.alarm.alarm_id for s in page.hidden.rows] == [alarm_id]
    choose(page)
    page.back_button.click()
    assert last_order(station) == ReturnToService(alarm_id)


def test_a_hidden_alarm_is_not_in_the_top_bar_nor_on_its_tile(open_window: OpenWindow) -> None:
    window, _, station = opened(open_window)
    for alarm in station.latest().alarms:
        window.context.order(ShelveAlarm(alarm.alarm_id, 900.0, "x"))
    window.refresh()
    assert station.latest().alarms == ()
    window.open_page("overview")
    assert [tile.border for tile in page_of(window, OverviewPage).tiles.states] == [None, None, None]


def test_the_filter_names_what_it_lets_through(open_window: OpenWindow) -> None:
    _, page, _ = opened(open_window)
    assert {s.alarm.pump_id for s in page.alarms.rows} == {"P-101", "P-103"}
    page.filter.pump.setCurrentText("P-103")
    assert {s.alarm.pump_id for s in page.alarms.rows} == {"P-103"}
    page.filter.text.setText("no such words")
    assert page.alarms.rows == []
    assert page.alarm_view.nothing == "Nothing that the filter lets through"


def test_a_filter_by_priority_says_so_and_each_tab_says_how_many_it_hides(open_window: OpenWindow) -> None:
    _, page, station = opened(open_window)
    every = station.latest().alarms
    page.filter.use(AlarmFilter(priority=Priority.HIGH, is_unacknowledged=True))
    shown = [s.alarm for s in page.alarms.rows]
    assert 0 < len(shown) < len(every)
    assert all(alarm.priority is Priority.HIGH for alarm in shown)
    assert page.tabs[ACTIVE].text() == f"Active {len(shown)}/{len(every)}"
    assert page.filter.more.text() == "Filter: on"
    assert page.filter.more.toolTip() == "Shown: high, unacknowledged"
    page.filter.use(AlarmFilter())
    assert page.tabs[ACTIVE].text() == f"Active {len(every)}"
    assert page.filter.more.text() == "Filter"


def test_the_menu_of_the_filter_sets_and_keeps_and_forgets(open_window: OpenWindow) -> None:
    _, page, _ = opened(open_window)
    page.filter.text.setText("bearing")
    act(page, "Medium and above").trigger()
    act(page, "Unacknowledged only").trigger()
    chosen = AlarmFilter("bearing", "", Priority.MEDIUM, is_unacknowledged=True)
    assert page.filter.filter == chosen
    act(page, "Keep this filter…").trigger()
    (dialog,) = page.window().findChildren(QInputDialog)
    dialog.setTextValue("Night & day")
    dialog.accept()
    again = opened(open_window)[1]
    assert again.filter.filter == AlarmFilter(), "no alarm is missing unseen after a start"
    act(again, "Night && day").trigger()
    assert again.filter.filter == chosen
    act(again, "No filter").trigger()
    assert again.filter.filter == AlarmFilter()
    again.filter.kept.remove("Night & day")
    assert page.filter.kept.names == ()


def test_a_kept_filter_of_a_pump_that_is_gone_looks_for_its_name(open_window: OpenWindow) -> None:
    _, page, _ = opened(open_window)
    page.filter.use(AlarmFilter(pump_id="P-777"))
    assert page.alarms.rows == []
    assert page.filter.text.text() == "P-777"


def act(page: AlarmsPage, words: str) -> QAction:
    """An entry of the menu of the filter."""
    menu = page.filter.more.menu()
    menu.aboutToShow.emit()
    return next(action for action in menu.actions() if action.text() == words)


def test_nothing_is_hidden_when_the_dialog_is_cancelled(open_window: OpenWindow) -> None:
    _, page, station = opened(open_window)
    choose(page)
    page.shelve_button.click()
    dialog = dialog_on(page)
    dialog.reason.setText("x")
    (box,) = dialog.findChildren(QDialogButtonBox)
    box.button(QDialogButtonBox.StandardButton.Cancel).click()
    QApplication.processEvents()
    assert station.commands == []


def test_the_chosen_alarm_has_guidance_and_that_of_the_site_goes_first(open_window: OpenWindow) -> None:
    window, page, _ = opened(open_window)
    assert not page.guidance.accessibleDescription()
    alarm_id = choose(page)
    assert alarm_id.endswith("bearing_temperature_c.high_high")
    assert page.guidance.guidance is not None
    assert page.guidance.guidance.alarm == "bearing_temperature_c.high_high"
    spoken = page.guidance.accessibleDescription()
    assert "What to do: 1. Start the standby pump" in spoken
    assert "first out of 2" in page.alarms.data(page.alarms.index(0, 3))

    (page.context.site_file.parent / "guidance.toml").write_text(
        '[[guidance]]\nalarm = "bearing_temperature_c.*"\naction = ["Call Ravi."]\nrespond_min = 7\n'
        '[[guidance]]\nalarm = "bearing_temperature_c.high_high"\naction = ["Call Asha."]\nrespond_min = 180\n'
        '[[guidance]]\nalarm = "x"\n',
        "utf-8",
    )
    window.open_page("overview")
    window.open_page("alarms")
    choose(page)
    assert page.guidance.guidance.action == ("Call Asha.",)
    assert "respond_min" in page.outcome.text(), "what is wrong in the file is said"


def test_no_row_moves_while_a_person_reads_and_new_alarms_wait_behind_a_bar(open_window: OpenWindow) -> None:
    window, page, station = opened(open_window)
    chosen = choose(page, 1)
    before = [s.alarm.alarm_id for s in page.alarms.rows]
    ended = before[0]
    station.scenes[1] = Scene("hot")
    window.context.order(ShelveAlarm(ended, 900.0, "x"))
    window.refresh()
    assert [s.alarm.alarm_id for s in page.alarms.rows] == before
    assert page.alarms.rows[0].alarm.state is AlarmState.SHELVED
    assert {a.pump_id for a in page.active.new} == {"P-102"}
    assert page.active.bar.isVisible()
    assert page.active.bar.text().startswith("▲ 2 new alarms: 1 high, 1 ")
    assert "P-102" in page.active.bar.text()

    QTest.keyClick(page.alarm_view, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    assert not page.active.bar.isVisible()
    ids = {s.alarm.alarm_id for s in page.alarms.rows}
    assert ended not in ids
    assert {a.pump_id for a in station.latest().alarms} == {s.alarm.pump_id for s in page.alarms.rows}
    assert page.chosen is not None
    assert page.chosen.alarm_id == chosen, "what was chosen stays chosen"


def test_several_alarms_are_acknowledged_with_one_note(open_window: OpenWindow) -> None:
    window, page, station = opened(open_window)
    page.alarm_view.selectAll()
    ids = [s.alarm.alarm_id for s in page.alarms.rows if s.alarm.state.is_unacknowledged]
    assert len(ids) > 1
    assert page.acknowledge_button.text() == f"Acknowledge {len(ids)}"
    page.note_button.click()
    (dialog,) = page.findChildren(AcknowledgeDialog)
    assert dialog.windowTitle() == f"Acknowledge {len(ids)} alarms"
    dialog.note.setText("oil on its way")
    dialog.ok.click()
    assert station.commands == [Acknowledge(alarm_id, "oil on its way") for alarm_id in ids]
    assert is_closed(dialog)
    window.refresh()
    assert not any(s.alarm.state.is_unacknowledged for s in page.alarms.rows)
    assert not page.acknowledge_button.isEnabled()


def test_acknowledge_page_takes_what_is_on_the_screen_only(open_window: OpenWindow) -> None:
    station = FakeStation(12, scenes={i: Scene("hot") for i in range(12)}, history_s=60)
    window = open_window(source=station, size=(1280, 720))
    window.open_page("alarms")
    window.refresh()
    page = page_of(window, AlarmsPage)
    seen = page.alarm_view.viewport().rect()
    on_screen = [
        s.alarm.alarm_id
        for i, s in enumerate(page.alarms.rows)
        if s.alarm.state.is_unacknowledged
        and seen.top() <= page.alarm_view.visualRect(page.alarms.index(i, 0)).top()
        and page.alarm_view.visualRect(page.alarms.index(i, 0)).bottom() <= seen.bottom()
    ]
    assert 0 < len(on_screen) < len(page.alarms.rows)
    QTest.keyClick(page.alarm_view, Qt.Key.Key_F10, Qt.KeyboardModifier.ControlModifier)
    assert station.commands == [Acknowledge(alarm_id) for alarm_id in on_screen]


def test_the_journal_of_the_alarms_is_a_tab(open_window: OpenWindow, qtbot: QtBot) -> None:
    window, page, station = opened(open_window)
    page.tabs[JOURNAL].click()
    assert page.journal.isVisible()
    assert page.journal.kind.currentText() == "alarm"
    assert not page.acknowledge_button.isVisible()
    assert isinstance(station.history, FakeHistorian)
    station.history.put_event(AlarmChanged(station.latest().time_ns, station.latest().alarms[0]))
    station.history.put_event(Note(station.latest().time_ns, "no alarm"))
    page.journal.note()
    qtbot.waitUntil(lambda: len(page.journal.journal.rows) == 1)
    window.refresh()
    assert page.chosen is None


def test_all_of_the_page_is_on_a_small_screen_with_large_text(open_window: OpenWindow, qtbot: QtBot) -> None:
    station = FakeStation(3, scenes={0: Scene("hot"), 2: Scene("hot")}, history_s=60)
    window = open_window(source=station, size=(1280, 720))
    window.appearance.set_scale(150)
    window.open_page("alarms")
    window.refresh()
    page = page_of(window, AlarmsPage)
    frame = page.parentWidget()
    assert frame is not None
    qtbot.waitUntil(lambda: page.width() <= frame.width() and page.height() <= frame.height(), timeout=5_000)
    high = page.guidance.height()
    choose(page)
    qtbot.waitUntil(lambda: page.guidance.height() > 3 * high, timeout=5_000)
