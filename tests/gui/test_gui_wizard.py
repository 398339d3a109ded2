"""Adding a pump, the whole way: by keyboard alone on a running engine and a Modbus server of another library."""

from math import isfinite
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.acquire.replay import ReplayConfig
from pumpwatch_gui.commissioning.new_pump import Draft, Names, save_pump
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import ModbusRtuConfig, ModbusTcpConfig
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.gui.add_pump.dialog import AddPumpDialog
from pumpwatch_gui.gui.add_pump.end_steps import FIRST
from pumpwatch_gui.gui.settings.limits_dialog import LIMIT_FIELDS
from pumpwatch_gui.settings.map_file import read_map_file
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.settings.simulated import site_text
from pumpwatch_gui.settings.site_reader import load_site
from tests.gui.fake_station import FakeStation
from tests.gui.real_station import HEALTHY, running, served

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")


@pytest.fixture
def peer():
    with served() as (server, port):
        yield server, port


def key(dialog, what, modifier=Qt.KeyboardModifier.NoModifier):
    """A key where the keyboard is now; a text is typed."""
    target = dialog.focusWidget() or dialog
    if isinstance(what, str):
        QTest.keyClicks(target, what, modifier)
    else:
        QTest.keyClick(target, what, modifier)
    QApplication.processEvents()


def tab_to(dialog, widget):
    """Walk there by Tab."""
    for _ in range(80):
        focus = dialog.focusWidget()
        if focus is widget or (focus is not None and focus.focusProxy() is widget):
            return
        key(dialog, Qt.Key.Key_Tab)
    raise AssertionError(f"{widget.accessibleName()} is not reached by Tab")


def on(dialog, qtbot, to):
    """Alt+N: the button is pressed as if by hand, and let go a moment later."""
    key(dialog, Qt.Key.Key_N, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: dialog.at == to, timeout=5000)


def test_a_pump_comes_from_its_address_to_live_values_by_keyboard_alone(peer, tmp_path, qtbot):
    server, port = peer
    server.data_bank.set_holding_registers(40, [377])
    with running(tmp_path) as parts:
        window = parts.window
        assert window.current == "first-run"
        tab_to(window, window.page("first-run").connect_pump)
        key(window, Qt.Key.Key_Space)
        dialog = window.findChild(AddPumpDialog)
        qtbot.waitUntil(dialog.isVisible)
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
        for figure in "77":  # the first opens the cell, the second goes into it; nobody presses Enter
            key(dialog, figure)
        on(dialog, qtbot, 5)
        key(dialog, "B-7")
        key(dialog, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.current == "overview", timeout=10_000)
        tiles = window.page("overview").tiles
        qtbot.waitUntil(lambda: [s.pump_id for s in tiles.states] == ["B-7"] and tiles.states[0].presence.live,
                        timeout=10_000)  # fmt: skip
        qtbot.waitUntil(lambda: isfinite(parts.value("oil_pressure_bar", "B-7")), timeout=10_000)
        assert parts.value("oil_pressure_bar", "B-7") == pytest.approx(3.77)
        assert parts.value("flow_rate_l_min", "B-7") == pytest.approx(1452.0)
        window.open_page("pump", "B-7")
        page = window.page("pump")
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
def wizard(open_window, peer):
    """The dialog over a double of an empty station, filled in up to the map."""
    window = open_window(source=FakeStation(0, scenes={}, history_s=1))
    window.open_dialog("add-pump")
    QApplication.processEvents()
    dialog = window.findChild(AddPumpDialog)
    dialog.link.box.form.editors["host"].setText("127.0.0.1")
    dialog.link.box.form.editors["port"].setValue(peer[1])
    dialog.next()
    return dialog


def test_a_link_that_is_not_filled_in_keeps_the_step(open_window):
    window = open_window(source=FakeStation(0, scenes={}, history_s=1))
    window.open_dialog("add-pump")
    dialog = window.findChild(AddPumpDialog)
    dialog.next()
    assert dialog.at == 0
    assert "empty" in dialog.link.box.form.mistakes["host"].text()
    dialog.link.box.form.editors["host"].setText("127.0.0.1")
    dialog.link.box.form.editors["port"].setValue(1)
    dialog.link.box.try_it()
    assert "refused" in dialog.link.box.outcome.text()


def test_an_empty_map_is_filled_from_the_registers_and_wants_at_least_one_sensor(wizard, tmp_path):
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
    (pump,) = load_site(tmp_path / "site.toml").site.pumps
    assert pump.links[0].registers == "registers/P-101.toml"
    assert pump.model == "none"
    found = read_map_file(tmp_path / "registers" / "P-101.toml")
    assert [(p.tag, p.address, p.type) for p in found.points] == [("flow_rate_l_min", 4, "float32")]


def test_a_template_brings_its_profile_and_a_device_that_lacks_its_registers_shows_it(wizard):
    maps = wizard.device.maps
    maps.list.setCurrentRow(maps.names.index("grundfos-cim"))
    wizard.next()
    assert wizard.at == 2
    assert wizard.draft.profile_name == "circulator"
    assert len(wizard.draft.used) > 10
    assert "of" in wizard.map.said.text()


def test_exchanged_words_are_found_before_anything_is_saved(wizard, peer):
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


def test_a_wrong_limit_keeps_the_step_and_going_back_keeps_what_was_filled_in(wizard, tmp_path):
    for _ in range(3):
        wizard.next()
    column = FIRST + LIMIT_FIELDS.index("high")
    wizard.limits.table.item(1, column).setText("999")
    wizard.next()
    assert wizard.at == 4
    assert "outside the span" in wizard.trouble.text()
    wizard.limits.table.item(1, column).setText("70")
    wizard.next()
    wizard.back()
    assert wizard.limits.table.item(1, column).text() == "70"
    for _ in range(4):
        wizard.back()
    assert wizard.link.box.form.editors["host"].text() == "127.0.0.1"
    wizard.reject()
    assert not (tmp_path / "site.toml").exists()
    assert not (tmp_path / "registers").exists()


def test_an_id_that_is_taken_is_refused_and_no_map_is_left_behind(peer, tmp_path):
    site_file = tmp_path / "site.toml"
    site_file.write_text(site_text(peer[1], 1, period_s=1.0), "utf-8")
    before = site_file.read_text("utf-8")
    draft = Draft(tmp_path, ModbusTcpConfig("127.0.0.1", peer[1]))
    draft.use_profile("centrifugal")
    draft.use_template("", None)
    draft.put(Point("motor_rpm", "holding", 0, "uint16"))
    with pytest.raises(InputError, match="P-101 is taken"):
        save_pump(draft, Names("P-101", "again", "none"), site_file)
    with pytest.raises(InputError, match="model"):
        save_pump(draft, Names("P-102", "other", "no-such-model"), site_file)
    assert site_file.read_text("utf-8") == before
    assert list((tmp_path / "registers").glob("*.toml")) == []


def test_a_serial_line_that_cannot_carry_the_pump_is_refused_with_the_figure(tmp_path: Path):
    draft = Draft(tmp_path, ModbusRtuConfig("/dev/ttyUSB0", 1200, period_s=0.1))
    draft.use_profile("centrifugal")
    draft.use_template("generic", read_map_file(Path("resources/registers/generic.toml")))
    with pytest.raises(InputError, match=r"needs \d+\.\d+ s of every 0\.1 s at 1200 baud"):
        save_pump(draft, Names("P-101", "slow", "none"), tmp_path / "site.toml")
    assert not (tmp_path / "site.toml").exists()


def test_a_closed_dialog_reads_no_more(wizard):
    wizard.next()
    step, draft = wizard.map, wizard.draft
    assert step._timer.isActive()
    seen = len(draft.series)
    wizard.done(0)
    assert not step._timer.isActive()
    step.read()
    assert len(draft.series) == seen


def test_a_unit_that_the_scan_found_becomes_the_link(wizard, peer, qtbot):
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
    assert wizard.link.box.form.editors["unit"].value() == 8


def test_a_driver_without_registers_needs_no_map(open_window, tmp_path):
    profile = load_profile("centrifugal")
    values = "1479,64.8,4.21,2.31,1452,1.79,6.48,27.9,58.1,24.6"
    lines = [f"2026-01-01T00:00:{s:02d}Z,{values}" for s in range(30)]
    (tmp_path / "day.csv").write_text("\n".join(["timestamp," + ",".join(profile.tags), *lines]), "utf-8")
    window = open_window(source=FakeStation(0, scenes={}, history_s=1))
    window.open_dialog("add-pump")
    dialog = window.findChild(AddPumpDialog)
    dialog.link.box.driver.setCurrentIndex(dialog.link.box.driver.findData("replay"))
    dialog.link.box.form.editors["file"].setText("day.csv")
    dialog.next()
    assert not dialog.device.tabs.isEnabled()
    dialog.next()
    assert not dialog.map.browser.isVisibleTo(dialog.map)
    assert [row.value for row in dialog.map.rows.rows][:2] == ["1,479 rpm", "64.8 °C"]
    for _ in range(4):
        dialog.next()
    (pump,) = load_site(tmp_path / "site.toml").site.pumps
    assert pump.links == (ReplayConfig("day.csv"),)
    assert not (tmp_path / "registers").exists()
