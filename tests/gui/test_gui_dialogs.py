"""Settings, limits and the other dialogs: on a running engine with its site file, and on a fake station."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QLineEdit,
    QSpinBox,
    QTableWidgetItem,
    QWidget,
)
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.commands import ChangeSite
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.site_changes import RenamePump, SetLimits
from pumpwatch_gui.gui.help.dialog import HelpDialog, topic_keys
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from pumpwatch_gui.gui.settings.settings_dialog import SettingsDialog
from pumpwatch_gui.gui.shell.entries import DIALOGS
from pumpwatch_gui.settings.simulated import site_text
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, editor_of, is_closed, save_settings
from tests.gui.real_station import Running, running, served

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Running]:
    """A running station of two pumps whose links lead nowhere."""
    with running(tmp_path, "# our station\n" + site_text(1, 2, period_s=1.0)) as parts:
        yield parts


@pytest.fixture
def fake() -> FakeStation:
    """Two made-up pumps."""
    return FakeStation(2, scenes={}, history_s=5)


def cell(dialog: LimitsDialog, row: int, column: int) -> QTableWidgetItem:
    item = dialog.table.item(row, dialog.table.first + column)
    assert item is not None
    return item


def journal(station: Running) -> list[JournalRow]:
    return station.engine.history.journal(JournalQuery(kinds=("command",)))


# -------------------------------------------------------------------- settings


def test_the_settings_of_a_new_station_connect_its_first_pump(tmp_path: Path, qtbot: QtBot) -> None:
    with served() as (_, port), running(tmp_path) as station:
        assert station.window.current == "first-run"
        dialog = dialog_of(station.window, SettingsDialog, "settings")
        form = dialog.links[0].form
        editor_of(form, "host", QLineEdit).setText("127.0.0.1")
        editor_of(form, "port", QSpinBox).setValue(port)
        dialog.links[0].try_it()
        qtbot.waitUntil(lambda: "responded: " in dialog.links[0].outcome.text(), timeout=10_000)
        save_settings(dialog)
        qtbot.waitUntil(lambda: station.engine.site().pumps != (), timeout=10_000)
        qtbot.waitUntil(lambda: station.value("motor_rpm") > 0, timeout=10_000)
        assert station.saved().pumps[0].links == (ModbusTcpConfig("127.0.0.1", port),)


def test_an_unreachable_device_is_reported_with_advice(open_window: OpenWindow, fake: FakeStation) -> None:
    fake.change(replace(fake.site(), pumps=(replace(fake.site().pumps[0], links=(ModbusTcpConfig("127.0.0.1", 1),)),)))
    box = dialog_of(open_window(source=fake), SettingsDialog, "settings", "P-101").links[0]
    box.try_it()
    assert "refused" in box.outcome.text()
    assert len(box.outcome.text().splitlines()) == 2
    assert box.test.isEnabled()


def test_a_wrong_link_is_named_next_to_its_field_and_nothing_is_ordered(
    open_window: OpenWindow, fake: FakeStation
) -> None:
    dialog = dialog_of(open_window(source=fake), SettingsDialog, "settings", "P-102")
    editor_of(dialog.links[0].form, "host", QLineEdit).setText("  ")
    save_settings(dialog)
    assert dialog.isVisible()
    assert "empty" in dialog.links[0].form.mistakes["host"].text()
    assert fake.orders == []


def test_an_id_that_is_used_twice_is_refused(open_window: OpenWindow, fake: FakeStation) -> None:
    dialog = dialog_of(open_window(source=fake), SettingsDialog, "settings", "P-102")
    dialog.pump_id.setText("P-101")
    save_settings(dialog)
    assert dialog.isVisible()
    assert "P-101 is used twice" in dialog.trouble.text()
    assert fake.orders == []


def test_only_what_was_changed_is_ordered(open_window: OpenWindow, fake: FakeStation) -> None:
    window = open_window(source=fake)
    dialog = dialog_of(window, SettingsDialog, "settings", "P-102")
    dialog.pump_id.setText("P-7")
    save_settings(dialog)
    assert fake.commands == [ChangeSite((RenamePump("P-102", "P-7"),))]
    again = dialog_of(window, SettingsDialog, "settings", "P-101")
    save_settings(again)
    assert not again.isVisible()
    assert len(fake.orders) == 1


def test_saved_settings_keep_the_old_file_its_comments_and_leave_a_line_in_the_journal(
    station: Running, qtbot: QtBot
) -> None:
    before = station.site_file.read_text("utf-8")
    dialog = dialog_of(station.window, SettingsDialog, "settings", "P-101")
    dialog.pump_name.setText("Boiler feed, renamed")
    dialog.copy_pump()
    save_settings(dialog)
    qtbot.waitUntil(lambda: is_closed(dialog), timeout=10_000)
    site = station.saved()
    assert [p.pump_id for p in site.pumps] == ["P-101", "P-102", "P-101-2"]
    assert [p.pump_id for p in station.engine.latest().pumps] == ["P-101", "P-102", "P-101-2"]
    assert site.pumps[0].name == "Boiler feed, renamed"
    assert station.site_file.read_text("utf-8").startswith("# our station")
    kept = [p for p in station.folder.glob("site.toml.*") if p.read_text("utf-8") == before]
    assert len(kept) == 1
    qtbot.waitUntil(lambda: bool(journal(station)), timeout=10_000)
    assert "P-101-2 added" in journal(station)[0].text
    assert journal(station)[0].by == station.window.context.user


def test_a_removed_pump_leaves_the_site(station: Running, qtbot: QtBot) -> None:
    dialog = dialog_of(station.window, SettingsDialog, "settings", "P-101")
    dialog.remove_pump()
    save_settings(dialog)
    qtbot.waitUntil(lambda: is_closed(dialog), timeout=10_000)
    assert [p.pump_id for p in station.saved().pumps] == ["P-102"]


def test_a_site_file_that_was_edited_outside_is_not_written_over(station: Running, qtbot: QtBot) -> None:
    edited = station.site_file.read_text("utf-8").replace("Boiler feed B", "Boiler feed, by hand")
    station.site_file.write_text(edited, "utf-8")
    dialog = dialog_of(station.window, SettingsDialog, "settings", "P-101")
    dialog.pump_name.setText("Boiler feed, renamed")
    save_settings(dialog)
    qtbot.waitUntil(lambda: "changed outside this program" in dialog.trouble.text(), timeout=10_000)
    assert dialog.isVisible()
    assert dialog.save_button.isEnabled()
    assert station.site_file.read_text("utf-8") == edited
    station.site_file.write_text(edited.replace("centrifugal", "no such profile"), "utf-8")
    dialog.reload_button.click()
    qtbot.waitUntil(lambda: "no such profile" in dialog.trouble.text(), timeout=10_000)
    assert dialog.pump_name.text() == "Boiler feed, renamed"
    station.site_file.write_text(edited, "utf-8")
    dialog.reload_button.click()
    qtbot.waitUntil(lambda: dialog.trouble.text() == "Site file read again: 2 pumps", timeout=10_000)
    assert not dialog.reload_button.isVisible()
    assert [dialog.list.item(i).text() for i in range(2)] == ["P-101  Boiler feed A", "P-102  Boiler feed, by hand"]
    dialog.pump_name.setText("Boiler feed, renamed")
    save_settings(dialog)
    qtbot.waitUntil(lambda: is_closed(dialog), timeout=10_000)
    assert [p.name for p in station.saved().pumps] == ["Boiler feed, renamed", "Boiler feed, by hand"]


def test_a_reload_is_offered_while_the_file_is_another_one_and_shows_the_site_as_it_is_then(
    open_window: OpenWindow, fake: FakeStation
) -> None:
    window = open_window(source=fake)
    settings = dialog_of(window, SettingsDialog, "settings", "P-102")
    limits = dialog_of(window, LimitsDialog, "limits", "P-102")
    assert not settings.reload_button.isVisible()
    site = fake.site()
    fake.edited = replace(site, name="By hand", pumps=site.pumps[1:])
    settings.pump_name.setText("Another")
    save_settings(settings)
    assert settings.reload_button.isVisible()
    assert dialog_of(window, LimitsDialog, "limits", "P-102").reload_button.isVisible()
    settings.reload_button.click()
    assert not settings.reload_button.isVisible()
    assert (settings.site_name.text(), settings.pump_id.text()) == ("By hand", "P-102")
    assert settings.pump_name.text() == site.pumps[1].name
    assert settings.list.count() == len(site.pumps) - 1
    fake.edited = site
    cell(limits, 1, 2).setText("75.5")
    limits.save()
    limits.reload_button.click()
    assert limits.pump.count() == len(site.pumps)
    assert limits.pump.currentText() == "P-102"
    assert cell(limits, 1, 2).text() != "75.5"


# -------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("column", "text", "words"),
    [(3, "60", "high"), (2, "hot", "not a number"), (3, "999", "outside the span"), (4, "-1", "deadband")],
)
def test_wrong_limits_are_named_and_cannot_be_saved(
    open_window: OpenWindow, fake: FakeStation, column: int, text: str, words: str
) -> None:
    dialog = dialog_of(open_window(source=fake), LimitsDialog, "limits", "P-101")
    cell(dialog, 1, column).setText(text)
    assert words in dialog.trouble.text().lower()
    assert not dialog.save_button.isEnabled()
    dialog.table.setCurrentCell(1, dialog.table.first + column)
    dialog.restore_row()
    assert dialog.trouble.text() == ""
    assert dialog.save_button.isEnabled()


def test_saved_limits_are_one_order_of_the_sensors_that_were_changed(
    open_window: OpenWindow, fake: FakeStation
) -> None:
    dialog = dialog_of(open_window(source=fake), LimitsDialog, "limits", "P-102")
    cell(dialog, 1, 2).setText("75.5")
    dialog.reason.setText(" new bearing ")
    dialog.save()
    own = replace(fake.profile.sensors[1].limits, high=75.5)
    assert fake.commands == [ChangeSite((SetLimits("P-102", {"bearing_temperature_c": own}, "new bearing"),))]
    assert not dialog.isVisible()


def test_saved_limits_reach_the_file_the_engine_and_the_journal(station: Running, qtbot: QtBot) -> None:
    dialog = dialog_of(station.window, LimitsDialog, "limits", "P-102")
    cell(dialog, 1, 2).setText("75.5")
    dialog.reason.setText("new bearing")
    dialog.save()
    qtbot.waitUntil(lambda: is_closed(dialog), timeout=10_000)
    for site in (station.saved(), station.engine.site()):
        assert site.pumps[1].profile.sensors[1].limits.high == 75.5
    assert station.engine.latest().pump("P-102").profile.sensors[1].limits.high == 75.5
    qtbot.waitUntil(lambda: bool(journal(station)), timeout=10_000)
    assert "P-102 Bearing temperature: high " in journal(station)[0].text
    assert " → 75.5 °C" in journal(station)[0].text
    assert journal(station)[0].text.endswith(": new bearing")


# -------------------------------------------------------------------- what is refused, and what takes its time

REFUSALS = [
    "not saved: pump[1].id: P-101 is there twice (give each pump its own id)",
    "not saved: site.toml: Permission denied (check the disk and permissions)",
    "not saved: site.toml was changed outside this program (reload it in the settings, then save again)",
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refused_save_keeps_the_dialog_open_with_its_reason(
    open_window: OpenWindow, fake: FakeStation, refusal: str
) -> None:
    window = open_window(source=fake)
    fake.refusal = refusal
    settings = dialog_of(window, SettingsDialog, "settings", "P-101")
    settings.pump_name.setText("Another")
    limits = dialog_of(window, LimitsDialog, "limits", "P-101")
    cell(limits, 1, 2).setText("75.5")
    for dialog in (settings, limits):
        save_settings(dialog)
        assert dialog.isVisible()
        assert dialog.trouble.text() == refusal
        assert dialog.save_button.isEnabled()
    assert fake.site().pumps[0].name != "Another"
    fake.refusal = ""
    save_settings(settings)
    assert not settings.isVisible()
    assert fake.site().pumps[0].name == "Another"


def test_save_is_disabled_while_an_order_is_under_way(open_window: OpenWindow, fake: FakeStation) -> None:
    fake.is_held = True
    window = open_window(source=fake)
    settings = dialog_of(window, SettingsDialog, "settings", "P-101")
    settings.pump_name.setText("Another")
    limits = dialog_of(window, LimitsDialog, "limits", "P-101")
    cell(limits, 1, 2).setText("75.5")
    for dialog in (settings, limits):
        save_settings(dialog)
        assert not dialog.save_button.isEnabled()
        QTest.keyClick(dialog.save_button, Qt.Key.Key_Space)
    cell(limits, 1, 2).setText("76")
    assert not limits.save_button.isEnabled()
    assert [type(command) for command in fake.commands] == [ChangeSite, ChangeSite]
    fake.answer()
    assert not settings.isVisible()
    assert not limits.isVisible()
    pump = fake.site().pumps[0]
    assert (pump.name, pump.profile.sensors[1].limits.high) == ("Another", 75.5)


# -------------------------------------------------------------------- every dialog


@pytest.mark.parametrize("key", [entry.key for entry in DIALOGS if entry.key != "help"])
def test_every_control_of_a_dialog_has_a_name_and_f1_explains_it(
    open_window: OpenWindow, fake: FakeStation, key: str
) -> None:
    dialog = dialog_of(open_window(source=fake), QDialog, key, "P-101")
    controls = (QAbstractButton, QLineEdit, QComboBox, QAbstractSpinBox)
    nameless = [
        widget
        for widget in dialog.findChildren(QWidget)
        if isinstance(widget, controls)
        and not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
        and not widget.objectName().startswith("qt_")
        and not isinstance(widget.parent(), (QComboBox, QAbstractSpinBox))
        and type(widget).__name__ != "QToolButton"  # the arrows of a row of tabs
    ]
    assert nameless == []
    QTest.keyClick(dialog, Qt.Key.Key_F1)
    shown = [w for w in dialog.findChildren(HelpDialog) if w.isVisible()]
    assert len(shown) == 1
    shown[0].close()
    dialog.close()


def test_help_opens_at_the_page_on_show_and_finds_topics_by_their_words(
    open_window: OpenWindow, fake: FakeStation
) -> None:
    window = open_window(source=fake)
    window.open_page("trends")
    window.open_dialog("help")
    shown = next(w for w in window.findChildren(HelpDialog) if w.isVisible())
    assert shown.topics.currentItem().text() == "Trends"
    assert shown.topics.count() == len(list(topic_keys()))
    shown.search.setText("quarantine discard")
    found = [item.text() for row in range(shown.topics.count()) if not (item := shown.topics.item(row)).isHidden()]
    assert "Rows in quarantine" in found
    assert "Trends" not in found
    assert shown.topics.currentItem().text() == found[0]
    shown.search.setText("xyzzy")
    assert all(shown.topics.item(row).isHidden() for row in range(shown.topics.count()))
    shown.close()
