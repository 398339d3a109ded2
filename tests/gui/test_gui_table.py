"""A map made of a manual's table, and a map that nobody has confirmed: on the screen, with a device behind them."""

from collections.abc import Iterator
from math import isfinite
from pathlib import Path

import pytest
from pyModbusTCP.server import ModbusServer
from PySide6.QtWidgets import QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.commands import ChangeSite
from pumpwatch_gui.domain.site_changes import SaveRegisterMap
from pumpwatch_gui.gui.add_pump.dialog import AddPumpDialog
from pumpwatch_gui.gui.devices.page import DevicesPage
from pumpwatch_gui.gui.devices.table_dialog import TableDialog
from pumpwatch_gui.settings.map_file import read_map, read_map_file
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, editor_of, is_closed, page_of
from tests.gui.real_station import HEALTHY, Running, running, served

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")
Peer = tuple[ModbusServer, int]

TABLE = """Register\tDescription\tType\tScale\tUnit
40001\tMotor speed\tUINT16\t0.1\trpm
40002\tBearing temperature\tINT16\t0.1\t°C
40005-40006\tFlow rate\tREAL\t\tL/min
40009\tOutput current\tUINT16\t0.1\tA
Status values
40010\tSerial number\tSTRING\t\t
40011\tAmbient temperature\tINT99\t0.1\t°C
"""


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    """A device that holds a healthy pump."""
    with served() as (server, port):
        yield server, port


@pytest.fixture
def wizard(open_window: OpenWindow, peer: Peer) -> AddPumpDialog:
    """The dialog on that device, at the map."""
    peer[0].data_bank.set_holding_registers(0, list(HEALTHY))
    window = open_window(source=FakeStation(0, scenes={}, history_s=1))
    dialog = dialog_of(window, AddPumpDialog, "add-pump")
    editor_of(dialog.link.box.form, "host", QLineEdit).setText("127.0.0.1")
    editor_of(dialog.link.box.form, "port", QSpinBox).setValue(peer[1])
    dialog.next()
    dialog.device.empty.setChecked(True)
    dialog.next()
    return dialog


def table_of(dialog: AddPumpDialog) -> TableDialog:
    dialog.map.open_table()
    (table,) = dialog.map.findChildren(TableDialog)
    table.paste.setPlainText(TABLE)
    table.understand()
    return table


def saved(dialog: AddPumpDialog) -> str:
    """The text of the map in the one order that was given."""
    station = dialog.context.station
    assert isinstance(station, FakeStation)
    (command,) = station.commands
    assert isinstance(command, ChangeSite)
    (save,) = (c for c in command.changes if isinstance(c, SaveRegisterMap))
    return save.text


def test_each_row_shows_what_it_means_and_what_the_device_says(wizard: AddPumpDialog) -> None:
    table = table_of(wizard)
    assert [(x.row.point.tag, x.now) for x in table.lines.rows if x.row.point] == [
        ("motor_rpm", "1479 rpm"), ("bearing_temperature_c", "64.8 °C"), ("flow_rate_l_min", "1452 L/min"),
        ("motor_current_a", "27.9 A"),
    ]  # fmt: skip
    assert "40001" in table.reason.text()
    assert "4 of 7 rows are points, 3 with a problem" in table.said.text()
    assert [x.row.line for x in table.lines.rows if x.row.problem] == [6, 7, 8]


def test_a_row_is_corrected_below_the_table(wizard: AddPumpDialog) -> None:
    table = table_of(wizard)
    table.view.selectRow(6)
    assert "INT99" in table.row_said.text()
    table.type.setCurrentText("int16")
    table.type.activated.emit(table.type.currentIndex())
    assert table.lines.rows[6].now == "24.6 °C"
    assert table.lines.rows[6].row.point is not None
    table.scale.setText("0,2")
    table.scale.editingFinished.emit()
    assert table.lines.rows[6].now == "49.2 °C"
    table.use.setChecked(False)
    assert "left out" in table.lines.rows[6].row.state
    assert len(table.table.points) == 4


def test_another_base_is_chosen_and_shows_the_neighbours(wizard: AddPumpDialog) -> None:
    table = table_of(wizard)
    table.paste.setPlainText("1;Motor speed;UINT16;0.1;rpm\n2;Bearing temperature;INT16;0.1;°C")
    table.understand()
    assert [x.now for x in table.lines.rows] == ["1479 rpm", "64.8 °C"]
    table.base.setCurrentIndex(table.base.findData(0))
    assert "chosen" in table.reason.text()
    assert table.lines.rows[0].now == "64.8 rpm"


def test_a_map_of_a_table_must_pass_before_it_is_saved_and_says_where_it_is_from(wizard: AddPumpDialog) -> None:
    table = table_of(wizard)
    table.source.setText("manual of 2019, page 7")
    table.use_button.click()
    assert is_closed(table)
    assert len(wizard.draft.used) == 4
    wizard.next()
    panel = wizard.plausibility.panel
    assert panel.is_unconfirmed
    for row, finding in enumerate(panel.findings.rows):
        wizard.next()
        assert wizard.at == 3
        assert "unconfirmed" in wizard.trouble.text()
        panel.view.selectRow(row)
        panel.accept()
        assert "reason" in panel.state.text()
        panel.reason.setText(f"seen on the display: {finding.kind}")
        panel.accept()
    assert panel.is_passed
    for _ in range(3):
        wizard.next()
    found = read_map(saved(wizard))
    assert (found.source, found.sureness) == ("manual of 2019, page 7", "C")
    assert not found.is_unconfirmed
    assert found.confirmed.startswith("20")


def test_a_map_of_a_table_outlives_a_step_back(wizard: AddPumpDialog) -> None:
    wizard.back()
    wizard.device.empty.setChecked(False)
    wizard.next()
    table = table_of(wizard)
    table.use_button.click()
    wizard.back()
    wizard.next()
    assert [p.tag for p in wizard.draft.used] == [
        "motor_rpm", "bearing_temperature_c", "flow_rate_l_min", "motor_current_a",
    ]  # fmt: skip


def test_a_template_that_nobody_confirmed_wants_its_findings_accepted(wizard: AddPumpDialog) -> None:
    wizard.back()
    wizard.device.empty.setChecked(False)
    maps = wizard.device.maps
    maps.list.setCurrentRow(maps.names.index("remote-io-4-20ma"))
    assert "unconfirmed" in maps.about.text()
    wizard.next()
    wizard.next()
    assert wizard.at == 3
    (finding, *_) = [f for f in wizard.plausibility.panel.findings.rows if f.kind == "running"]
    assert "not seen running" in finding.what
    wizard.next()
    assert wizard.at == 3


def test_the_search_finds_makers_and_models(wizard: AddPumpDialog) -> None:
    maps = wizard.device.maps
    maps.search.setText("siemens v20")
    shown = [maps.names[i] for i in range(maps.list.count()) if not maps.list.item(i).isHidden()]
    assert shown == ["siemens-v20"]


# -------------------------------------------------------------------- on a running link

SITE = """schema = 1
[[pump]]
id = "P-101"
profile = "centrifugal"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.1"
  port = {port}
  period_s = 0.1
  registers = "registers/mine.toml"
"""
MAP = """name = "mine"
sureness = "C"
[[identity]]
name = "serial"
address = 9
type = "uint16"
expect = ["581"]
[[identity]]
name = "family"
address = 10
type = "uint16"
expect = ["7"]
[[point]]
tag = "motor_rpm"
address = 0
type = "uint16"
scale = 0.1
[[point]]
tag = "motor_current_a"
address = 8
type = "uint16"
scale = 0.1
"""


@pytest.fixture
def station(peer: Peer, tmp_path: Path, qtbot: QtBot) -> Iterator[tuple[Running, DevicesPage]]:
    """A running pump on a map that nobody has confirmed."""
    peer[0].data_bank.set_holding_registers(0, list(HEALTHY))
    (tmp_path / "registers").mkdir()
    (tmp_path / "registers" / "mine.toml").write_text(MAP)
    with running(tmp_path, SITE.format(port=peer[1])) as parts:
        parts.window.open_page("devices")
        qtbot.waitUntil(lambda: isfinite(parts.value("motor_rpm")), timeout=10_000)
        page = page_of(parts.window, DevicesPage)
        qtbot.waitUntil(lambda: page.link_id == "P-101/1", timeout=5000)
        yield parts, page


def test_a_map_is_confirmed_on_the_devices_page(station: tuple[Running, DevicesPage], qtbot: QtBot) -> None:
    parts, page = station
    panel = page.plausibility
    page.tabs.setCurrentWidget(panel)
    panel.examine()
    qtbot.waitUntil(lambda: panel.is_unconfirmed, timeout=10_000)
    for row in range(len(panel.findings.rows)):
        panel.view.selectRow(row)
        panel.reason.setText("a test pump")
        panel.accept()
    assert panel.confirm_button.isEnabled()
    panel.confirm_button.click()
    path = parts.folder / "registers" / "mine.toml"
    qtbot.waitUntil(lambda: bool(read_map_file(path).confirmed), timeout=10_000)
    assert not read_map_file(path).is_unconfirmed
    qtbot.waitUntil(lambda: "confirmed now" in panel.summary.text(), timeout=5000)


def test_a_running_device_says_who_it_is_where_its_map_asks(station: tuple[Running, DevicesPage], qtbot: QtBot) -> None:
    detail = station[1].detail
    qtbot.waitUntil(lambda: "unconfirmed" in detail.facts["Map"].text(), timeout=5000)
    detail.identify()
    qtbot.waitUntil(lambda: "serial 581" in detail.facts["Identity"].text(), timeout=10_000)
    assert "✕ family is '246', and '7' in the map" in detail.facts["Identity"].text()


def test_a_table_is_read_through_the_running_link_and_saved_as_a_map(
    station: tuple[Running, DevicesPage], qtbot: QtBot
) -> None:
    parts, page = station
    page.tabs.setCurrentWidget(page.maps)
    page.maps.open_table()
    (table,) = page.maps.findChildren(TableDialog)
    table.paste.setPlainText(TABLE)
    qtbot.waitUntil(lambda: any(x.now == "1479 rpm" for x in table.lines.rows), timeout=10_000)
    table.name.setText("pump 7")
    table.use_button.click()
    qtbot.waitUntil(lambda: page.maps.name == "registers/pump-7.toml", timeout=10_000)
    found = read_map_file(parts.folder / "registers" / "pump-7.toml")
    assert [p.tag for p in found.points][:2] == ["motor_rpm", "bearing_temperature_c"]
    assert found.is_unconfirmed


def test_a_4_20_ma_signal_is_filled_in_beside_its_register(wizard: AddPumpDialog, peer: Peer) -> None:
    peer[0].data_bank.set_holding_registers(60, [12_000])
    browser, form = wizard.map.browser, wizard.map.browser.form
    browser.go_to("holding", 60, 1)
    browser.read()
    form.sensor.setCurrentIndex(form.sensor.findText("Discharge pressure"))
    for field, text in ((form.at_4, "0"), (form.at_20, "16"), (form.raw_4, "4000")):
        field.setText(text)
    form.make.click()
    assert "needs the value" in browser.said.text()
    form.raw_20.setText("20000")
    form.scale.setText("0.1")
    form.make.click()
    assert "scales by itself" in browser.said.text()
    form.scale.setText("1")
    form.make.click()
    (row,) = (row for row in wizard.map.rows.rows if row.point)
    assert (row.sensor.tag, row.value) == ("discharge_pressure_bar", "8.00 bar")
    form.show_coding(row.point) if row.point else None
    assert (form.at_20.text(), form.raw_4.text()) == ("16", "4000")
