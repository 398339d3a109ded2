"""The Devices page on real parts: a running engine, a Modbus server of another library, real scans and real files."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyModbusTCP.server import ModbusServer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSpinBox, QWidget
from pytestqt.qtbot import QtBot
from serial.tools import list_ports as system

from pumpwatch_gui.acquire.replay import ReplayConfig
from pumpwatch_gui.commissioning.devices.links import line_text
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusRtuConfig, ModbusTcpConfig
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.gui.add_pump.dialog import AddPumpDialog
from pumpwatch_gui.gui.devices.page import DevicesPage
from pumpwatch_gui.gui.devices.register_browser import RegisterBrowser
from pumpwatch_gui.gui.devices.register_rows import block_rows, type_rows
from pumpwatch_gui.gui.devices.scan_panel import ScanPanel
from pumpwatch_gui.gui.forms.form import Form
from pumpwatch_gui.gui.forms.port_box import PortBox
from pumpwatch_gui.gui.look.widgets import NumberBox
from pumpwatch_gui.settings.map_file import read_map_file
from pumpwatch_gui.settings.simulated import site_text
from pumpwatch_gui.settings.site_reader import load_site
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SCENES, Scene
from tests.gui.fake_station import FakeStation, at_once
from tests.gui.parts import dialog_of, editor_of, page_of
from tests.gui.real_station import HEALTHY, Running, running, served

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")
Peer = tuple[ModbusServer, int]


@dataclass
class OnDevices:
    """A running station of one pump whose window is on the Devices page."""

    parts: Running
    page: DevicesPage

    def value(self, tag: str) -> float:
        return self.parts.value(tag)

    @property
    def folder(self) -> Path:
        return self.parts.folder


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    """One server for all tests of this file; each starts from the registers of a healthy pump."""
    with served() as (server, port):
        yield server, port


@pytest.fixture
def station(peer: Peer, tmp_path: Path, qtbot: QtBot) -> Iterator[OnDevices]:
    """A running station of one pump on that server, with values."""
    server, port = peer
    server.data_bank.set_holding_registers(0, list(HEALTHY))
    with running(tmp_path, site_text(port, 1, period_s=0.1)) as parts:
        parts.window.open_page("devices")
        qtbot.waitUntil(lambda: isfinite(parts.value("motor_rpm")), timeout=10_000)
        page = page_of(parts.window, DevicesPage)
        qtbot.waitUntil(lambda: page.link_id == "P-101/1")
        yield OnDevices(parts, page)


def fake_with(link: DriverConfig) -> FakeStation:
    """One made-up pump on that link."""
    fake = FakeStation(1, scenes={}, history_s=5)
    fake.change(replace(fake.site(), pumps=(replace(fake.site().pumps[0], links=(link,)),)))
    return fake


def devices(open_window: OpenWindow, source: FakeStation | None = None) -> DevicesPage:
    """The Devices page of a fake station, on show."""
    window = open_window(1, source=source)
    window.open_page("devices")
    return page_of(window, DevicesPage)


def turn_to(page: DevicesPage, panel: QWidget) -> None:
    page.tabs.setCurrentWidget(panel)
    QApplication.processEvents()


def station_reads(station: OnDevices, tag: str, value: float) -> bool:
    return station.value(tag) == pytest.approx(value)


def read(qtbot: QtBot, browser: RegisterBrowser) -> None:
    browser.said.setText("")
    browser.read()
    qtbot.waitUntil(lambda: browser.read_button.isEnabled() and browser.said.text() != "", timeout=10_000)


# -------------------------------------------------------------------- links


def test_the_table_shows_what_the_link_counts(station: OnDevices, qtbot: QtBot) -> None:
    page = station.page

    def shown() -> bool:
        (link,) = station.parts.engine.latest().pumps[0].links
        row = page.links.rows[0]
        return row.good > 3 and row.requests <= link.requests and row.state is link.state

    qtbot.waitUntil(shown, timeout=5000)
    titles = [column.title for column in page.links.columns]
    text = page.links.columns[titles.index("State")].text(page.links.rows[0])
    assert text == "● online"
    assert "Modbus TCP" in page.detail.facts["Driver"].text()
    assert "%" in page.detail.facts["Good"].text()


def test_a_link_that_is_lost_says_why_and_what_to_try(open_window: OpenWindow) -> None:
    window = open_window(12, scenes=SCENES)
    window.open_page("devices", "P-110")
    page = page_of(window, DevicesPage)
    assert page.link_id == "P-110/1"
    assert "offline" in page.detail.facts["State"].text()
    assert "no response from 10.0.4.20" in page.detail.trouble.text()
    assert "switched on" in page.detail.trouble.text()
    assert "11 online, 1 not" in page.summary.text()


def test_the_chosen_link_stays_when_the_page_is_refreshed(open_window: OpenWindow) -> None:
    window = open_window(50, scenes={0: Scene("lost")})
    window.open_page("devices")
    page = page_of(window, DevicesPage)
    page.view.setFocus()
    for _ in range(3):
        QTest.keyClick(page.view, Qt.Key.Key_Down)
    page._last_s = 0.0
    window.refresh()
    assert page.link_id == "P-104/1"
    assert page.detail.heading.text() == "P-104/1"


def test_the_device_id_is_read_over_the_running_link(station: OnDevices, qtbot: QtBot) -> None:
    station.page.detail.identify()
    fact = station.page.detail.facts["Identity"]
    qtbot.waitUntil(lambda: fact.text() not in ("not read", "reading …"), timeout=10_000)
    assert "no identification" in fact.text()  # this server knows no function 43


def test_the_load_of_a_serial_line_is_shown_with_its_figure() -> None:
    site = FakeStation(2, history_s=0).site()
    links = [(ModbusRtuConfig("/dev/ttyUSB0", 9600, unit=n),) for n in (1, 2)]
    site = replace(site, pumps=tuple(replace(p, links=x) for p, x in zip(site.pumps, links, strict=True)))
    assert "s of every 1 s at 9600 baud, 2 links" in line_text(site, "P-101/1")


# -------------------------------------------------------------------- traffic


def test_traffic_shows_requests_and_responses(station: OnDevices, qtbot: QtBot, tmp_path: Path) -> None:
    panel = station.page.traffic
    turn_to(station.page, panel)
    qtbot.waitUntil(lambda: len(panel.packets.rows) >= 4, timeout=5000)
    request = next(p for p in panel.packets.rows if p.sent)
    came = next(p for p in panel.packets.rows if not p.sent)
    assert request.text == "unit 1: read 11 holding registers from 0"
    assert "14790 648 421 231" in came.text
    assert "39 c6 02 88" in came.hex
    panel.save(tmp_path / "traffic.txt")
    qtbot.waitUntil(lambda: "Saved" in panel.whole.text(), timeout=5000)
    assert "read 11 holding registers from 0" in (tmp_path / "traffic.txt").read_text("utf-8")


def test_paused_traffic_does_not_move_and_is_watched_only_while_it_is_on_show(station: OnDevices, qtbot: QtBot) -> None:
    panel = station.page.traffic
    turn_to(station.page, panel)
    qtbot.waitUntil(lambda: len(panel.packets.rows) >= 2, timeout=5000)
    QTest.keyClick(panel.pause, Qt.Key.Key_Space)
    count = len(panel.packets.rows)
    other = station.parts.engine.links.traffic(panel.link_id)  # counters are sampled: they may be from before the pause
    qtbot.waitUntil(lambda: bool(other.take()), timeout=5000)
    other.close()
    assert len(panel.packets.rows) == count
    QTest.keyClick(panel.pause, Qt.Key.Key_Space)
    assert len(panel.packets.rows) > count
    turn_to(station.page, station.page.maps)
    assert panel._traffic is None
    assert station.parts.engine._scanner._watched == ()


# -------------------------------------------------------------------- registers


def test_the_browser_reads_a_block_and_shows_the_right_value_in_the_right_order(
    station: OnDevices, qtbot: QtBot
) -> None:
    browser = station.page.browser
    turn_to(station.page, browser)
    browser.go_to("holding", 0, 12)
    read(qtbot, browser)
    assert [row.value for row in browser.registers.rows] == list(HEALTHY)
    browser.view.selectRow(4)
    floats = next(row for row in browser.types.rows if row.type == "float32")
    assert floats.views[0].text == "1452"
    assert browser.row is not None
    assert "40005 · 4" in browser.registers.columns[0].text(browser.row)
    browser.form.sensor.setCurrentIndex(4)
    assert browser.form.suggestions[0].view.type == "float32"
    assert browser.form.suggestions[0].view.order == "ABCD"
    assert browser.form.make.text() == "Make this a tag"


def test_a_register_that_changed_is_marked_with_what_it_was(peer: Peer, station: OnDevices, qtbot: QtBot) -> None:
    browser = station.page.browser
    turn_to(station.page, browser)
    browser.go_to("holding", 0, 12)
    read(qtbot, browser)
    peer[0].data_bank.set_holding_registers(11, [8])
    read(qtbot, browser)
    changed = [(row.address, row.change) for row in browser.registers.rows if row.change]
    assert changed == [(11, "◆ was 7")]
    assert "1 changed" in browser.said.text()


def test_an_address_of_another_table_is_refused_before_anything_is_requested(station: OnDevices, qtbot: QtBot) -> None:
    browser = station.page.browser
    turn_to(station.page, browser)
    browser.base.setCurrentIndex(2)
    assert browser.address.value() == 40001
    browser.address.setValue(30001)
    browser.read()
    assert "no number of the table holding" in browser.said.text()
    assert browser.read_button.isEnabled()


def test_a_tag_made_of_a_register_is_read_live_from_a_map_next_to_the_site_file(
    peer: Peer, station: OnDevices, qtbot: QtBot
) -> None:
    peer[0].data_bank.set_holding_registers(20, [377])
    browser = station.page.browser
    turn_to(station.page, browser)
    assert station.value("oil_pressure_bar") == pytest.approx(4.21)
    for address, expected in ((20, 3.77), (21, 3.88)):
        peer[0].data_bank.set_holding_registers(address, [round(expected * 100)])
        browser.go_to("holding", address, 4)
        read(qtbot, browser)
        browser.view.selectRow(0)
        browser.form.sensor.setCurrentIndex(2)
        browser.form.shown.setText(str(expected))
        browser.form.likely.setCurrentIndex(1)
        assert (browser.form.type.currentText(), browser.form.scale.text()) == ("uint16", "0.01")
        QTest.keyClick(browser.form.make, Qt.Key.Key_Space)
        qtbot.waitUntil(partial(station_reads, station, "oil_pressure_bar", expected), timeout=10_000)
        assert station.value("motor_rpm") == pytest.approx(1479.0)
    own = station.folder / "registers" / "P-101.toml"
    points = {p.tag: p for p in read_map_file(own).points}
    assert points["oil_pressure_bar"].address == 21
    assert points["oil_pressure_bar"].not_available == (65535,)
    assert own.read_text("utf-8").startswith("# The register map")
    loaded = load_site(station.folder / "site.toml")
    assert loaded.problems == ()
    (link,) = loaded.site.pumps[0].links
    assert isinstance(link, ModbusTcpConfig)
    assert link.registers == "registers/P-101.toml"


def test_a_tag_that_would_overlap_another_is_refused_and_nothing_is_written(station: OnDevices, qtbot: QtBot) -> None:
    before = (station.folder / "site.toml").read_text("utf-8")
    browser = station.page.browser
    browser.tag_wanted.emit(Point("oil_pressure_bar", "holding", 5, "uint16"))
    qtbot.waitUntil(lambda: "overlaps" in browser.said.text(), timeout=5000)
    assert (station.folder / "site.toml").read_text("utf-8") == before
    assert not (station.folder / "registers").exists()


def test_a_link_without_registers_says_so(open_window: OpenWindow) -> None:
    browser = devices(open_window, fake_with(ReplayConfig("x.csv"))).browser
    assert not browser.read_button.isEnabled()
    assert "no registers" in browser.said.text()


def test_rows_of_bits_have_no_types_and_rows_at_the_end_lack_what_needs_more() -> None:
    assert type_rows(block_rows("coil", 0, [1, 0]), 0) == []
    last = type_rows(block_rows("holding", 0, [1, 2]), 1)
    assert next(r for r in last if r.type == "uint16").views[0].value == 2
    assert all(v.value is None for r in last if r.type == "float32" for v in r.views)


# -------------------------------------------------------------------- scan


def scan_to_its_end(qtbot: QtBot, panel: ScanPanel) -> None:
    panel.start()
    qtbot.waitUntil(lambda: not panel._timer.isActive(), timeout=20_000)


def test_a_scan_of_units_finds_those_that_answer(peer: Peer, open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(1)
    panel = page_of(window, DevicesPage).scan
    panel.use_config(ModbusTcpConfig("127.0.0.1", peer[1]))
    panel.first.setValue(3)
    panel.last.setValue(5)
    scan_to_its_end(qtbot, panel)
    assert [f.config.unit for f in panel.found.rows if f.config is not None] == [3, 4, 5]
    assert "3 scanned, 3 found" in panel.said.text()
    assert panel.progress.value() == panel.progress.maximum() == 3
    panel.view.selectRow(1)
    QTest.keyClick(panel.use_button, Qt.Key.Key_Space)
    assert window.context.opening.proposed is None  # the dialog that opened has taken it
    form = dialog_of(window, AddPumpDialog).link.box.form
    assert editor_of(form, "port", QSpinBox).value() == peer[1]
    assert editor_of(form, "unit", QSpinBox).value() == 4


def test_a_scan_of_a_silent_device_can_be_cancelled(open_window: OpenWindow, qtbot: QtBot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        panel = devices(open_window).scan
        panel.use_config(ModbusTcpConfig("127.0.0.1", silent.getsockname()[1]))
        panel.last.setValue(247)
        panel.start()
        assert panel.cancel_button.isEnabled()
        qtbot.waitUntil(lambda: len(panel.found.rows) > 0, timeout=10_000)
        QTest.keyClick(panel.cancel_button, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: not panel._timer.isActive(), timeout=5000)
        assert "cancelled" in panel.said.text()
        assert len(panel.found.rows) < 240
        assert panel.start_button.isEnabled()


def test_a_scan_of_ports_names_the_closed_ones_and_needs_one_host(open_window: OpenWindow, qtbot: QtBot) -> None:
    panel = devices(open_window).scan
    panel.kind.setCurrentIndex(1)
    panel.host.setText("")
    panel.start()
    assert "no host is given" in panel.said.text()
    panel.host.setText("127.0.0.0/24")
    scan_to_its_end(qtbot, panel)
    assert "one host" in panel.said.text()


def test_a_serial_port_that_a_link_uses_is_not_scanned(open_window: OpenWindow) -> None:
    panel = devices(open_window, fake_with(ModbusRtuConfig("/dev/ttyUSB7"))).scan
    panel.kind.setCurrentIndex(2)
    assert panel.device.text() == "/dev/ttyUSB7"
    panel.start()
    assert panel.job is None
    assert "P-101/1 uses /dev/ttyUSB7" in panel.said.text()


def test_the_port_list_names_the_usb_identity_and_leaves_room_to_type(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = SimpleNamespace(device="/dev/ttyUSB3", vid=0x0403, pid=0x6001, serial_number="FT1A", location="1-2",
                            description="USB RS-485")  # fmt: skip
    monkeypatch.setattr(system, "comports", lambda: [found])
    form = Form(ModbusRtuConfig, ask=at_once)
    qtbot.addWidget(form)
    form.show()
    box = editor_of(form, "device", PortBox)
    assert box.itemText(0) == "/dev/ttyUSB3 · USB RS-485 · 0403:6001 FT1A"
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert form.value().device == "/dev/ttyUSB3"
    box.setText("/dev/serial/by-id/usb-x")
    box._list()
    assert form.value().device == "/dev/serial/by-id/usb-x"


@pytest.mark.parametrize(
    ("typed", "value"), [("1.5", 1.5), ("1,5", 1.5), ("0,25", 0.25), ("1500", 1500.0), ("1,234.5", 1.234)]
)
def test_a_number_is_typed_with_a_point_or_a_comma_and_never_grows_by_it(
    qtbot: QtBot, typed: str, value: float
) -> None:
    form = Form(ModbusTcpConfig, ask=at_once)
    qtbot.addWidget(form)
    form.show()
    box = editor_of(form, "period_s", NumberBox)
    box.setMaximum(1e6)
    box.selectAll()
    QTest.keyClicks(box, typed)
    assert box.value() == value
    assert box.text().startswith(str(value).removesuffix(".0"))


@pytest.mark.parametrize(
    ("scale", "offset", "words"),
    [("x", "0", "'x' is not a number"), ("1", "", "'' is not a number"), ("1,234.5", "0", "is not a number"),
     ("inf", "0", "is not a number"), ("0", "0", "the scale must not be 0")],
)  # fmt: skip
def test_a_tag_with_a_wrong_scale_or_offset_is_refused_in_words(
    open_window: OpenWindow, scale: str, offset: str, words: str
) -> None:
    page = page_of(open_window(), DevicesPage)
    page.show_pump("P-101")
    page.browser.go_to("holding", 0, 4)
    page.browser.read()
    form = page.browser.form
    form.scale.setText(scale)
    form.offset.setText(offset)
    QTest.keyClick(form.make, Qt.Key.Key_Space)
    assert words in page.browser.said.text()


def test_a_coding_is_shown_as_it_can_be_typed_again(open_window: OpenWindow) -> None:
    page = page_of(open_window(), DevicesPage)
    page.show_pump("P-101")
    page.browser.go_to("holding", 0, 4)
    page.browser.read()
    form = page.browser.form
    for scale, text in ((0.1, "0.1"), (1.0, "1"), (1 / 3, "0.3333333333333333")):
        form.show_coding(Point("motor_rpm", "holding", 0, "uint16", scale=scale))
        assert form.scale.text() == text
        point = form.point()
        assert point is not None
        assert point.scale == scale
    form.scale.setText("0,1")
    point = form.point()
    assert point is not None
    assert point.scale == 0.1


# -------------------------------------------------------------------- plausibility, maps


def test_the_findings_say_what_looks_wrong_about_the_live_values(peer: Peer, station: OnDevices, qtbot: QtBot) -> None:
    panel = station.page.plausibility
    turn_to(station.page, panel)
    panel.examine()
    qtbot.waitUntil(lambda: "nothing looks wrong" in panel.summary.text(), timeout=10_000)
    registers = list(HEALTHY)
    registers[6], registers[7] = registers[7], registers[6]
    peer[0].data_bank.set_holding_registers(0, registers)
    qtbot.waitUntil(lambda: station.value("suction_pressure_bar") == pytest.approx(6.48), timeout=5000)
    seen = station.parts.engine.trace("P-101").time_s.size
    qtbot.waitUntil(lambda: station.parts.engine.trace("P-101").time_s.size > 2 * seen + 2, timeout=15_000)
    panel.examine()
    qtbot.waitUntil(lambda: len(panel.findings.rows) > 0, timeout=10_000)
    first = panel.findings.rows[0]
    assert first.kind == "pressures"
    assert first.is_certain
    assert "exchanged" in panel.whole.text()


def test_maps_are_imported_checked_and_exported_with_their_comments(
    station: OnDevices, qtbot: QtBot, tmp_path: Path
) -> None:
    panel = station.page.maps
    turn_to(station.page, panel)
    qtbot.waitUntil(lambda: "grundfos-cim" in panel.names, timeout=5000)
    panel.list.setCurrentRow(panel.names.index("grundfos-cim"))
    qtbot.waitUntil(lambda: "Grundfos" in panel.head.text(), timeout=5000)
    out = tmp_path / "elsewhere" / "mine.toml"
    panel.export_file(out)
    qtbot.waitUntil(lambda: "Exported" in panel.said.text(), timeout=5000)
    assert out.read_text("utf-8").startswith("# Grundfos")
    panel.import_file(out)
    qtbot.waitUntil(lambda: panel.name == "registers/mine.toml", timeout=10_000)
    assert (tmp_path / "registers" / "mine.toml").read_text("utf-8") == out.read_text("utf-8")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('name = "x"\n[[point]]\ntag = "a"\naddress = 1\ntype = "uint99"\n', "utf-8")
    panel.import_file(wrong)
    qtbot.waitUntil(lambda: "uint99" in panel.said.text(), timeout=5000)
    assert not (tmp_path / "registers" / "wrong.toml").exists()


def test_only_counts_that_are_no_zero_are_seen_at_first_sight(open_window: OpenWindow) -> None:
    window = open_window(3, scenes={})
    window.open_page("devices")
    links = page_of(window, DevicesPage).links
    column = {c.title: i for i, c in enumerate(links.columns)}
    colour = Qt.ItemDataRole.ForegroundRole
    assert links.index(0, column["CRC"]).data(colour) is not None
    assert links.index(0, column["Time-outs"]).data(colour) is None
