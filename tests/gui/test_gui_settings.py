"""Settings are found by their words, and listed with old and new before they are saved."""

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from pumpwatch_gui.commissioning.pumps.edit_site import PumpDraft, ShownChange, drafts_of, shown_changes
from pumpwatch_gui.domain.commands import ChangeSite
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.site_changes import SetStation
from pumpwatch_gui.domain.units import UnitChoice
from pumpwatch_gui.gui.settings.review_dialog import ReviewDialog
from pumpwatch_gui.gui.settings.settings_dialog import SettingsDialog
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of


def find(dialog: SettingsDialog, words: str) -> QWidget | None:
    """Type, Enter; what has the keyboard then."""
    dialog.activateWindow()
    QTest.keyClicks(dialog.search.field, words)
    QTest.keyClick(dialog.search.field, Qt.Key.Key_Return)
    QApplication.processEvents()
    return dialog.focusWidget()


def test_a_setting_of_the_chosen_pump_is_found_by_its_words_also_where_it_is_hidden(open_window: OpenWindow) -> None:
    dialog = dialog_of(open_window(3), SettingsDialog, "settings", "P-102")
    box = dialog.links[0]
    hidden = box.form.advanced[0]
    words = box.form.names[hidden].text()
    assert not box.more.isChecked()
    assert find(dialog, words) is box.form.editors[hidden]
    assert box.more.isChecked()
    assert find(dialog, "pressure psi") is dialog.units["pressure"]
    assert find(dialog, "volume") is dialog.sound.slider
    assert dialog.search.list.isHidden()


def test_the_setting_of_another_pump_is_found_among_50(open_window: OpenWindow) -> None:
    dialog = dialog_of(open_window(50), SettingsDialog, "settings", "P-101")
    field = find(dialog, "P-137 host")
    assert dialog.pump_id.text() == "P-137"
    assert field is dialog.links[0].form.editors["host"]
    assert dialog.search.field.text() == ""


def test_escape_ends_the_search_and_not_the_dialog_and_nothing_found_is_said(open_window: OpenWindow) -> None:
    dialog = dialog_of(open_window(3), SettingsDialog, "settings")
    QTest.keyClicks(dialog.search.field, "qqqqzz")
    assert dialog.search.list.item(0).text() == "No setting is called so"
    QTest.keyClick(dialog.search.field, Qt.Key.Key_Return)
    assert dialog.isVisible()
    QTest.keyClick(dialog.search.field, Qt.Key.Key_Escape)
    assert dialog.search.field.text() == ""
    assert dialog.isVisible()


def test_what_will_be_saved_is_listed_first_and_only_then_ordered(open_window: OpenWindow) -> None:
    station = FakeStation(3, history_s=5)
    dialog = dialog_of(open_window(source=station), SettingsDialog, "settings", "P-102")
    before = dialog.pump_name.text()
    dialog.pump_name.setText("Renamed")
    dialog.units["pressure"].setCurrentIndex(dialog.units["pressure"].findData("psi"))
    dialog.save()
    review = next(iter(dialog.findChildren(ReviewDialog)))
    assert [(c.what, c.before, c.after) for c in review.changes.rows] == [
        ("Pressure shown in", "the unit of the tag", "psi"), ("P-102 name", before, "Renamed"),
    ]  # fmt: skip
    assert station.orders == []
    review.reject()
    assert dialog.isVisible()
    assert station.orders == []
    dialog.save()
    next(one for one in dialog.findChildren(ReviewDialog) if one.isVisible()).save_button.click()
    changed = station.commands[0]
    assert isinstance(changed, ChangeSite)
    assert station.site().units == UnitChoice(pressure="psi")
    assert station.site().pumps[1].name == "Renamed"


def test_every_kind_of_change_is_a_row_with_old_and_new() -> None:
    site = FakeStation(3, history_s=1).site()
    link = ModbusTcpConfig("10.0.0.1", 502)
    site = replace(site, pumps=tuple(replace(pump, links=(link,)) for pump in site.pumps))
    drafts = drafts_of(site)
    drafts[0] = replace(drafts[0], pump_id="P-7", links=(replace(link, timeout_s=2.0),))
    del drafts[2]
    drafts.append(PumpDraft("", "P-9", "Ninth", links=(link,)))
    rows = shown_changes(site, SetStation("South", site.station, site.currency), drafts)
    assert rows[0] == ShownChange("Station name", site.name, "South")
    assert rows[1] == ShownChange("Pump P-103", site.pumps[2].name, "removed, its history stays")
    assert rows[2] == ShownChange("P-101 id", "P-101", "P-7")
    assert rows[3].what.startswith("P-101 link 1 ")
    assert rows[3].after == "2.0 s"
    assert (rows[4].what, rows[4].before) == ("Pump P-9", "")
    assert len(rows) == 5


def test_the_room_of_the_history_and_the_price_of_energy_are_set(open_window: OpenWindow) -> None:
    station = FakeStation(3, history_s=5)
    dialog = dialog_of(open_window(source=station), SettingsDialog, "settings")
    assert find(dialog, "disk space") is dialog.history_gb
    dialog.history_gb.setValue(0.0)
    dialog.energy_price.setValue(8.5)
    dialog.save()
    review = next(iter(dialog.findChildren(ReviewDialog)))
    assert [(c.what, c.before, c.after) for c in review.changes.rows] == [
        ("History at most, GB", "100", "no bound"), ("Price of a kWh", "none", "8.5"),
    ]  # fmt: skip
    review.save_button.click()
    site = station.site()
    assert (site.history_gb, site.energy_price) == (0.0, 8.5)
