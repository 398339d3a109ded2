"""Settings, limits and the first run, on a real site file and a real Modbus server of another library."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyModbusTCP.server import ModbusServer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QComboBox, QDialog, QLineEdit, QWidget

from pumpwatch_gui.domain.commands import Record, SetLimits
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.gui.settings.limits_dialog import FIRST, LimitsDialog
from pumpwatch_gui.gui.settings.settings_dialog import SettingsDialog
from pumpwatch_gui.gui.shell.help import HelpDialog
from pumpwatch_gui.settings.simulated import site_text
from pumpwatch_gui.settings.site_reader import load_site
from tests.gui.gui_station import StationDouble


@pytest.fixture
def served():
    """The port of a server of another library whose ten holding registers hold what a healthy pump does."""
    server = ModbusServer("127.0.0.1", 0, no_block=True)
    server.start()
    port = server._service.socket.getsockname()[1]
    server.data_bank.set_holding_registers(0, [1479, 648, 421, 231, 1452, 179, 648, 279, 581, 246])
    yield port
    server.stop()


@pytest.fixture
def station(tmp_path: Path) -> StationDouble:
    """Two pumps that stand in the site file of the home too."""
    (tmp_path / "site.toml").write_text("# our station\n" + site_text(5020, 2, period_s=1.0), "utf-8")
    double = StationDouble(2, scenes={}, history_s=5)
    double.site = replace(load_site(tmp_path / "site.toml").site, folder=tmp_path)
    return double


def opened(window, key, pump_id=""):
    window.open_dialog(key, pump_id)
    QApplication.processEvents()
    return next(w for w in reversed(window.findChildren(QDialog)) if w.isVisible())


def test_the_settings_of_a_new_station_connect_its_first_pump(open_window, served, tmp_path):
    window = open_window(source=StationDouble(0, scenes={}, history_s=1))
    assert window.current == "first-run"
    dialog = opened(window, "settings")
    assert isinstance(dialog, SettingsDialog)
    dialog.links[0].form.editors["host"].setText("127.0.0.1")
    dialog.links[0].form.editors["port"].setValue(served)
    dialog.links[0].try_it()
    assert "responded: " in dialog.links[0].outcome.text()
    dialog.save()
    loaded = load_site(tmp_path / "site.toml")
    assert loaded.problems == ()
    assert loaded.site.pumps[0].links == (ModbusTcpConfig("127.0.0.1", served),)
    assert [s.pumps for s in window.context.station.applied] == [loaded.site.pumps]
    assert isinstance(window.context.station.submitted[-1], Record)


def test_an_unreachable_device_is_told_in_words_with_advice(open_window, station):
    window = open_window(source=station)
    dialog = opened(window, "settings", "P-101")
    dialog.links[0].form.editors["port"].setValue(1)
    dialog.links[0].try_it()
    text = dialog.links[0].outcome.text()
    assert "refused" in text
    assert len(text.splitlines()) == 2
    assert dialog.links[0].test.isEnabled()


def test_a_wrong_link_is_named_beside_its_field_and_nothing_is_saved(open_window, station, tmp_path):
    before = (tmp_path / "site.toml").read_text("utf-8")
    window = open_window(source=station)
    dialog = opened(window, "settings", "P-102")
    dialog.links[0].form.editors["host"].setText("  ")
    dialog.save()
    assert dialog.isVisible()
    assert "empty" in dialog.links[0].form.mistakes["host"].text()
    assert (tmp_path / "site.toml").read_text("utf-8") == before
    assert station.applied == []


def test_an_id_that_stands_twice_is_refused(open_window, station):
    window = open_window(source=station)
    dialog = opened(window, "settings", "P-102")
    dialog.pump_id.setText("P-101")
    dialog.save()
    assert "P-101 stands twice" in dialog.trouble.text()
    assert station.applied == []


def test_saved_settings_keep_the_old_file_its_comments_and_leave_a_journal_row(open_window, station, tmp_path):
    before = (tmp_path / "site.toml").read_text("utf-8")
    window = open_window(source=station)
    dialog = opened(window, "settings", "P-101")
    dialog.pump_name.setText("Boiler feed, renamed")
    dialog.copy_pump()
    dialog.save()
    loaded = load_site(tmp_path / "site.toml")
    assert [p.pump_id for p in loaded.site.pumps] == ["P-101", "P-102", "P-101-2"]
    assert loaded.site.pumps[0].name == "Boiler feed, renamed"
    assert (tmp_path / "site.toml").read_text("utf-8").startswith("# our station")
    (order,) = station.submitted
    (kept,) = (p for p in tmp_path.rglob("site*") if p.name != "site.toml" and p.name in order.text)
    assert kept.read_text("utf-8") == before


def test_a_removed_pump_leaves_the_site(open_window, station, tmp_path):
    window = open_window(source=station)
    dialog = opened(window, "settings", "P-101")
    dialog.remove_pump()
    dialog.save()
    assert [p.pump_id for p in load_site(tmp_path / "site.toml").site.pumps] == ["P-102"]


@pytest.mark.parametrize(
    ("column", "text", "said"),
    [(3, "60", "high"), (2, "hot", "not a number"), (3, "999", "outside the span"), (4, "-1", "deadband")],
)
def test_wrong_limits_are_named_and_cannot_be_saved(open_window, station, column, text, said):
    window = open_window(source=station)
    dialog = opened(window, "limits", "P-101")
    assert isinstance(dialog, LimitsDialog)
    dialog.table.item(1, FIRST + column).setText(text)
    assert said in dialog.trouble.text().lower()
    assert not dialog.save_button.isEnabled()
    dialog.table.setCurrentCell(1, FIRST + column)
    dialog.restore_row()
    assert dialog.trouble.text() == ""
    assert dialog.save_button.isEnabled()


def test_saved_limits_reach_the_file_the_engine_and_the_journal(open_window, station, tmp_path):
    window = open_window(source=station)
    dialog = opened(window, "limits", "P-102")
    dialog.table.item(1, FIRST + 2).setText("75.5")
    dialog.save()
    orders = station.submitted
    assert isinstance(orders[0], SetLimits)
    assert (orders[0].pump_id, orders[0].tag, orders[0].limits.high) == ("P-102", "bearing_temperature_c", 75.5)
    assert isinstance(orders[1], Record)
    sensors = load_site(tmp_path / "site.toml").site.pumps[1].profile.sensors
    assert sensors[1].limits.high == 75.5
    assert not dialog.isVisible()


def test_a_read_only_site_file_is_told_and_the_dialog_stays(open_window, station, tmp_path, monkeypatch):
    window = open_window(source=station)
    dialog = opened(window, "limits", "P-101")
    dialog.table.item(1, FIRST + 2).setText("75.5")

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)  # the tests may run as root, whom no file mode stops
    dialog.save()
    assert dialog.isVisible()
    assert "Permission denied" in dialog.trouble.text()
    assert station.submitted == []


@pytest.mark.parametrize("key", ["settings", "limits", "add-pump", "shortcuts", "about"])
def test_every_control_of_a_dialog_has_a_name_and_f1_explains_it(open_window, station, key):
    window = open_window(source=station)
    dialog = opened(window, key, "P-101")
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


def test_every_page_and_its_dialogs_have_a_help_text_of_their_own():
    from pumpwatch_gui.gui.shell.help import help_text
    from pumpwatch_gui.gui.shell.main_window import PAGES

    texts = [help_text(key) for key in (*(p.key for p in PAGES), "settings", "limits", "add-pump")]
    assert len(set(texts)) == len(texts)
