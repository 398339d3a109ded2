"""There is one current pump: pages and dialogs open on it and name it."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog

from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.gui.devices.page import DevicesPage
from pumpwatch_gui.gui.events.page import EventsPage
from pumpwatch_gui.gui.models.page import ModelsPage
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from pumpwatch_gui.gui.settings.settings_dialog import SettingsDialog
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, page_of


@pytest.mark.parametrize(("key", "title"), [("limits", "Limits of P-103"), ("settings", "Settings · P-103")])
def test_a_dialog_opens_on_the_current_pump_and_names_it(open_window: OpenWindow, key: str, title: str) -> None:
    window = open_window(4, scenes={})
    window.open_page("pump", "P-103")
    window.open_page("overview")
    assert dialog_of(window, QDialog, key).windowTitle() == f"{title} Boiler feed C"


def test_every_page_about_a_pump_turns_to_the_current_one(open_window: OpenWindow) -> None:
    window = open_window(4, scenes={})
    window.open_page("pump", "P-103")
    window.open_page("models")
    assert page_of(window, ModelsPage).chooser.currentText().startswith("P-103")
    window.open_page("devices")
    assert page_of(window, DevicesPage).link_id == "P-103/1"
    page_of(window, DevicesPage).view.selectRow(1)
    window.open_page("pump")
    assert page_of(window, PumpPage).pump_id == "P-102"
    window.open_page("events")
    assert page_of(window, EventsPage).journal.pump.currentIndex() == 0, "the journal is not filtered by it"


def test_the_title_of_the_limits_follows_the_pump_that_is_chosen_there(open_window: OpenWindow) -> None:
    dialog = dialog_of(open_window(3, scenes={}), LimitsDialog, "limits", "P-102")
    dialog.pump.setCurrentIndex(2)
    assert dialog.windowTitle() == "Limits of P-103 Boiler feed C"


def test_the_title_of_the_settings_follows_the_pump_and_its_name(open_window: OpenWindow) -> None:
    dialog = dialog_of(open_window(3, scenes={}), SettingsDialog, "settings", "P-102")
    dialog.list.setCurrentRow(0)
    assert dialog.windowTitle() == "Settings · P-101 Boiler feed A"
    dialog.add_pump()
    assert dialog.windowTitle().startswith("Settings · P-104")


def test_the_current_pump_is_remembered_follows_its_new_name_and_is_the_first_when_it_is_gone(
    open_window: OpenWindow, tmp_path: Path
) -> None:
    station = FakeStation(3, scenes={}, history_s=5)
    window = open_window(source=station)
    window.open_page("pump", "P-102")
    window.close()
    window = open_window(source=station)
    assert window.context.pump_id == "P-102"
    site = station.site()
    renamed = tuple(replace(p, pump_id="P-9") if p.pump_id == "P-102" else p for p in site.pumps)
    station.change(replace(site, pumps=renamed), renamed={"P-102": "P-9"})
    assert window.context.pump_id == "P-9"
    station.change(Site("empty", pumps=site.pumps[:1]))
    assert window.context.pump_id == "P-101"
    station.change(Site("empty"))
    assert window.context.pump_id == ""
