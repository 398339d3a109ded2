"""The port list takes whatever a system reports of its ports."""

from types import SimpleNamespace

import pytest
from serial.tools import list_ports as system
from serial.tools.list_ports_common import ListPortInfo

from pumpwatch_gui.acquire.discovery.serial_ports import list_ports, port_of
from pumpwatch_gui.domain.links.discovery import SerialPort


def usb(device: str, **changes: object) -> SimpleNamespace:
    record = {"vid": 0x0403, "pid": 0x6001, "serial_number": "FT1A", "location": "1-2", "description": "USB RS-485"}
    return SimpleNamespace(device=device, **{**record, **changes})


def test_a_usb_adapter_is_identified_by_its_ids_and_its_serial_number() -> None:
    port = port_of(usb("/dev/ttyUSB0"))
    assert port.identity == "0403:6001 FT1A"
    assert port.label == "/dev/ttyUSB0 · USB RS-485 · 0403:6001 FT1A"
    assert port_of(usb("COM3", serial_number=None)).identity == "0403:6001 1-2"


def test_fields_that_a_system_leaves_out_are_empty() -> None:
    bare = ListPortInfo("/dev/ttyS0")
    assert port_of(bare) == SerialPort("/dev/ttyS0")
    assert port_of(bare).label == "/dev/ttyS0"
    nothing = usb("COM1", vid=None, pid=None, serial_number=None, location=None, description=None)
    assert port_of(nothing) == SerialPort("COM1")


def test_ports_are_sorted_by_name_and_number_whatever_the_system_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("COM10", "/dev/ttyUSB1", "COM2", "/dev/ttyACM0", "/dev/ttyUSB0")
    monkeypatch.setattr(system, "comports", lambda: [usb(n) for n in names])
    assert [p.device for p in list_ports()] == ["/dev/ttyACM0", "/dev/ttyUSB0", "/dev/ttyUSB1", "COM2", "COM10"]


def test_the_ports_of_this_machine_can_be_listed() -> None:
    assert {p.device for p in list_ports()} == {p.device for p in system.comports()}
