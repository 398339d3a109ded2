"""Adding a pump, the whole way: by keyboard alone on a running engine and a Modbus server of another library."""

from collections.abc import Iterator
from math import isfinite
from pathlib import Path

import pytest
from pyModbusTCP.server import ModbusServer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QMainWindow, QSpinBox, QTableWidgetItem, QWidget
from pytestqt.qtbot import QtBot

from pumpwatch_gui.acquire.replay import ReplayConfig
from pumpwatch_gui.domain.commands import ChangeSite
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.domain.site_changes import SaveRegisterMap, SetPump, SiteChange
from pumpwatch_gui.gui.add_pump.dialog import AddPumpDialog
from pumpwatch_gui.gui.add_pump.first_run import FirstRunPage
from pumpwatch_gui.gui.forms.limits_table import LIMIT_FIELDS
from pumpwatch_gui.gui.overview.page import OverviewPage
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.settings.map_file import read_map, read_map_file
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.settings.site_reader import load_site
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, editor_of, is_closed, page_of
from tests.gui.real_station import HEALTHY, running, served

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")


Peer = tuple[ModbusServer, int]


@pytest.fixture
def peer() -> Iterator[Peer]:
    with served() as (server, port):
        yield server, port


def key(
    dialog: QDialog | QMainWindow, what: str | Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    """A key where the keyboard is now; a text is typed."""
    target = dialog.focusWidget() or dialog
    if isinstance(what, str):
        QTest.keyClicks(target, what, modifier)
    else:
        QTest.keyClick(target, what, modifier)
    QApplication.processEvents()


def tab_to(dialog: QDialog | QMainWindow, widget: QWidget) -> None:
    """Walk there by Tab."""
    for _ in range(80):
        focus = dialog.focusWidget()
        if focus is widget or (focus is not None and focus.focusProxy() is widget):
            return
        key(dialog, Qt.Key.Key_Tab)
    raise AssertionError(f"{widget.accessibleName()} is not reached by Tab")


def on(dialog: AddPumpDialog, qtbot: QtBot, to: int) -> None:
    """Alt+N: the button is pressed as if by hand, and let go a moment later."""
    key(dialog, Qt.Key.Key_N, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: dialog.at == to, timeout=5000)


def test_a_pump_comes_from_its_address_to_live_values_by_keyboard_alone(
    peer: Peer, tmp_path: Path, qtbot: QtBot
) -> None:
    server, port = peer
    server.data_bank.set_holding_registers(40, [377])
    with running(tmp_path) as parts:
        window = parts.window
        assert window.current == "first-run"
        tab_to(window, page_of(window, FirstRunPage).connect_pump)
        key(window, Qt.Key.Key_Space)
        dialog = dialog_of(window, AddPumpDialog)
        key(dialog, "127.0.0.1")
        key(dialog, Qt.Key.Key_Tab)
        key(dialog, str(port))
        tab_to(dialog, dialog.link.box.test)
        key(dialog, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: "responds in" in dialog.link.box.outcome.text(), timeout=10_000)
        on(dialog, qtbot, 1)
        qtbot.waitUntil(lambda: dialog.device.maps.map is not None, timeout=5000)
        assert dialog.focusWidget() is dialog.device.maps.list
        on(dialog, qtbot, 2)
        step = dialog.map
        qtbot.waitUntil(lambda: step.said.text() == "live: 10 of 10 sensors good", timeout=10_000)
        assert [row.value for row in step.rows.rows][:2] == ["1,479 rpm", "64.8 °C"]

        # The oil pressure lies elsewhere in this device: register 40 of the manual's table.
        for _ in range(2):
            key(dialog, Qt.Key.Key_Down)
        tab_to(dialog, step.browser.address)
        key(dialog, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        key(dialog, "40")
        tab_to(dialog, step.browser.read_button)
        key(dialog, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: len(step.browser.registers.rows) == 16, timeout=10_000)
        tab_to(dialog, step.browser.form.shown)
        key(dialog, "3.77")
        tab_to(dialog, step.browser.form.likely)
        key(dialog, Qt.Key.Key_Down)
        assert (step.browser.form.type.currentText(), step.browser.form.scale.text()) == ("uint16", "0.01")
        tab_to(dialog, step.browser.form.make)
        key(dialog, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: step.rows.rows[2].value == "3.77 bar", timeout=10_000)
        on(dialog, qtbot, 3)
        qtbot.waitUntil(lambda: "nothing looks wrong" in dialog.plausibility.panel.summary.text(), timeout=10_000)
        on(dialog, qtbot, 4)
        key(dialog, Qt.Key.Key_Down)
        for _ in range(2):
            key(dialog, Qt.Key.Key_Right)
        for figure in "77":  # the first opens the cell, the second goes into it; Enter is not pressed
            key(dialog, figure)
        on(dialog, qtbot, 5)
        key(dialog, "B-7")
        key(dialog, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.current == "overview", timeout=10_000)
        tiles = page_of(window, OverviewPage).tiles
        qtbot.waitUntil(lambda: [s.pump_id for s in tiles.states] == ["B-7"] and tiles.states[0].presence.live,
                        timeout=10_000)  # fmt: skip
        qtbot.waitUntil(lambda: isfinite(parts.value("oil_pressure_bar", "B-7")), timeout=10_000)
        assert parts.value("oil_pressure_bar", "B-7") == pytest.approx(3.77)
        assert parts.value("flow_rate_l_min", "B-7") == pytest.approx(1452.0)
        window.open_page("pump", "B-7")
        page = page_of(window, PumpPage)
        qtbot.waitUntil(lambda: page.trends._trace is not None and page.trends._trace.time_s.size >= 2, timeout=10_000)
    loaded = load_site(tmp_path / "site.toml")
    assert loaded.problems == ()
    (pump,) = loaded.site.pumps
    assert pump.links == (ModbusTcpConfig("127.0.0.1", port, registers="registers/B-7.toml"),)
    assert pump.profile.sensors[1].limits.high == 77.0
    points = {p.tag: p for p in read_map_file(tmp_path / "registers" / "B-7.toml").points}
    assert points["oil_pressure_bar"].address == 40
    assert points["motor_rpm"].address == 0


@pytest.fixture
def wizard(open_window: OpenWindow, peer: Peer) -> AddPumpDialog:
    """The dialog over a double of an empty station, filled in up to the map."""
    window = open_window(source=FakeStation(0, scenes={}, history_s=1))
    dialog = dialog_of(window, AddPumpDialog, "add-pump")
    editor_of(dialog.link.box.form, "host", QLineEdit).setText("127.0.0.1")
    editor_of(dialog.link.box.form, "port", QSpinBox).setValue(peer[1])
    dialog.next()
    return dialog


def station_of(dialog: AddPumpDialog) -> FakeStation:
    station = dialog.context.station
    assert isinstance(station, FakeStation)
    return station


def ordered(dialog: AddPumpDialog) -> tuple[SiteChange, ...]:
    """The changes of the one order that was given."""
    (command,) = station_of(dialog).commands
    assert isinstance(command, ChangeSite)
    return command.changes


def test_a_link_that_is_not_filled_in_keeps_the_step(open_window: OpenWindow) -> None:
    window = open_window(source=FakeStation(0, scenes={}, history_s=1))
    dialog = dialog_of(window, AddPumpDialog, "add-pump")
    dialog.next()
    assert dialog.at == 0
    assert "empty" in dialog.link.box.form.mistakes["host"].text()
    editor_of(dialog.link.box.form, "host", QLineEdit).setText("127.0.0.1")
    editor_of(dialog.link.box.form, "port", QSpinBox).setValue(1)
    dialog.link.box.try_it()
    assert "refused" in dialog.link.box.outcome.text()


def test_an_empty_map_is_filled_from_the_registers_and_wants_at_least_one_sensor(
    wizard: AddPumpDialog, peer: Peer
) -> None:
    wizard.device.empty.setChecked(True)
    wizard.next()
    assert wizard.at == 2
    wizard.next()
    assert wizard.at == 2
    assert "not one sensor" in wizard.trouble.text()
    wizard.map.put(Point("motor_rpm", "holding", 0, "uint16", scale=0.1))
    wizard.map.put(Point("flow_rate_l_min", "holding", 0, "float32"))
    assert "overlaps" in wizard.map.browser.said.text()
    wizard.map.put(Point("flow_rate_l_min", "holding", 4, "float32"))
    assert [row.value for row in wizard.map.rows.rows if row.point] == ["1,479 rpm", "1,452 L/min"]
    wizard.map.view.selectRow(0)
    QTest.keyClick(wizard.map.view, Qt.Key.Key_Delete)
    assert [row.sensor.tag for row in wizard.map.rows.rows if row.point] == ["flow_rate_l_min"]
    for _ in range(4):
        wizard.next()
    save, pump = ordered(wizard)
    assert isinstance(save, SaveRegisterMap)
    assert isinstance(pump, SetPump)
    link = ModbusTcpConfig("127.0.0.1", peer[1], registers="registers/P-101.toml")
    assert (save.file, pump.links, pump.model) == (link.registers, (link,), "learn")
    assert [(p.tag, p.address, p.type) for p in read_map(save.text).points] == [("flow_rate_l_min", 4, "float32")]
    assert is_closed(wizard)


def test_a_template_brings_its_profile_and_a_device_that_lacks_its_registers_shows_it(wizard: AddPumpDialog) -> None:
    maps = wizard.device.maps
    maps.list.setCurrentRow(maps.names.index("grundfos-cim"))
    wizard.next()
    assert wizard.at == 2
    assert wizard.draft.profile_name == "circulator"
    assert len(wizard.draft.used) > 10
    assert "of" in wizard.map.said.text()


def test_exchanged_words_are_found_before_anything_is_saved(wizard: AddPumpDialog, peer: Peer) -> None:
    registers = list(HEALTHY)
    registers[4], registers[5] = registers[5], registers[4]
    peer[0].data_bank.set_holding_registers(0, registers)
    wizard.next()
    assert "✕" in wizard.map.rows.rows[4].state
    assert wizard.map.rows.rows[4].value == "?"
    wizard.next()
    finding = wizard.plausibility.panel.findings.rows[0]
    assert finding.kind == "order"
    assert 'order = "CDAB"' in wizard.plausibility.panel.whole.text()


def limit(dialog: AddPumpDialog, column: int) -> QTableWidgetItem:
    item = dialog.limits.table.item(1, column)
    assert item is not None
    return item


def test_a_wrong_limit_keeps_the_step_and_going_back_keeps_what_was_filled_in(
    wizard: AddPumpDialog, tmp_path: Path
) -> None:
    for _ in range(3):
        wizard.next()
    column = wizard.limits.table.first + LIMIT_FIELDS.index("high")
    limit(wizard, column).setText("999")
    wizard.next()
    assert wizard.at == 4
    assert "outside the span" in wizard.trouble.text()
    limit(wizard, column).setText("70")
    wizard.next()
    wizard.back()
    assert limit(wizard, column).text() == "70"
    for _ in range(4):
        wizard.back()
    assert editor_of(wizard.link.box.form, "host", QLineEdit).text() == "127.0.0.1"
    fake = station_of(wizard)
    wizard.reject()
    assert fake.orders == []
    assert list(tmp_path.glob("*.toml")) == []


def test_a_closed_dialog_reads_no_more(wizard: AddPumpDialog) -> None:
    wizard.next()
    step, draft = wizard.map, wizard.draft
    assert step._timer.isActive()
    seen = len(draft.series)
    wizard.done(0)
    assert not step._timer.isActive()
    step.read()
    assert len(draft.series) == seen


def test_a_unit_that_the_scan_found_becomes_the_link(wizard: AddPumpDialog, peer: Peer, qtbot: QtBot) -> None:
    wizard.device.tabs.setCurrentWidget(wizard.device.scan)
    scan = wizard.device.scan
    assert (scan.host.text(), scan.port.value()) == ("127.0.0.1", peer[1])
    scan.first.setValue(7)
    scan.last.setValue(8)
    scan.start()
    qtbot.waitUntil(lambda: not scan._timer.isActive(), timeout=10_000)
    scan.view.selectRow(1)
    QTest.keyClick(scan.use_button, Qt.Key.Key_Space)
    assert "unit 8" in wizard.device.said.text()
    wizard.next()
    assert wizard.draft.config == ModbusTcpConfig("127.0.0.1", peer[1], unit=8)
    wizard.back()
    wizard.back()
    assert editor_of(wizard.link.box.form, "unit", QSpinBox).value() == 8


def test_a_driver_without_registers_needs_no_map(open_window: OpenWindow, tmp_path: Path) -> None:
    profile = load_profile("centrifugal")
    values = "1479,64.8,4.21,2.31,1452,1.79,6.48,27.9,58.1,24.6"
    lines = [f"2026-01-01T00:00:{s:02d}Z,{values}" for s in range(30)]
    (tmp_path / "day.csv").write_text("\n".join(["timestamp," + ",".join(profile.tags), *lines]), "utf-8")
    window = open_window(source=FakeStation(0, scenes={}, history_s=1))
    dialog = dialog_of(window, AddPumpDialog, "add-pump")
    dialog.link.box.driver.setCurrentIndex(dialog.link.box.driver.findData("replay"))
    editor_of(dialog.link.box.form, "file", QLineEdit).setText("day.csv")
    dialog.next()
    assert not dialog.device.tabs.isEnabled()
    dialog.next()
    assert not dialog.map.browser.isVisibleTo(dialog.map)
    assert [row.value for row in dialog.map.rows.rows][:2] == ["1,479 rpm", "64.8 °C"]
    for _ in range(4):
        dialog.next()
    (pump,) = ordered(dialog)
    assert isinstance(pump, SetPump)
    assert pump.links == (ReplayConfig("day.csv"),)


def test_a_refused_pump_keeps_the_dialog_and_can_be_saved_under_another_id(wizard: AddPumpDialog) -> None:
    fake = station_of(wizard)
    for _ in range(4):
        wizard.next()
    fake.refusal = "not saved: pump[0].id: must not contain / or ="
    wizard.end.pump_id.setText("P/1")
    wizard.next()
    assert wizard.trouble.text() == fake.refusal
    fake.refusal, fake.is_held = "", True
    wizard.end.pump_id.setText("P-1")
    wizard.next()
    assert not wizard.save_button.isEnabled()
    assert not wizard.back_button.isEnabled()
    fake.answer()
    assert is_closed(wizard)
    assert [pump.pump_id for pump in fake.site().pumps] == ["P-1"]
