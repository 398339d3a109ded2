"""What only shows when all links of a serial device are seen together is found before anything connects."""

import subprocess
import sys
from pathlib import Path

import pytest

from pumpwatch_gui.settings.site_file import SiteFile
from pumpwatch_gui.settings.site_reader import parse_site


def pump(n: int, **link: object) -> str:
    rows = "\n".join(f"{k} = {v!r}".replace("'", '"') for k, v in link.items())
    return f'[[pump]]\nid = "P-{n}"\nprofile = "centrifugal"\n[[pump.link]]\n{rows}\n'


def rtu(n: int, device: str = "/dev/ttyUSB0", **more: object) -> str:
    return pump(n, driver="modbus-rtu", device=device, unit=n + 1, **more)


def mistakes(*pumps: str) -> dict[str, str]:
    return {p.path: f"{p.message} ({p.advice})" for p in parse_site("schema = 1\n[site]\n" + "".join(pumps), None)[1]}


def test_a_line_that_can_carry_its_plan_is_accepted() -> None:
    assert not mistakes(*(rtu(n, baud=9600) for n in range(10)))


def test_a_plan_that_the_line_cannot_carry_is_refused_with_the_figure_and_its_path() -> None:
    found = mistakes(*(rtu(n, baud=9600) for n in range(25)))
    # 35 characters and 7 of silence, of 10 bits, and 5 ms to respond: 48.75 ms each, of 25 units
    text = "/dev/ttyUSB0 with 25 links needs 1.34 s of every 1 s at 9600 baud (19200 baud would do, or period 2 s)"
    assert found == {"pump[0].link[0].period_s": text}


def test_what_is_advised_passes() -> None:
    assert not mistakes(*(rtu(n, baud=19200) for n in range(25)))
    assert not mistakes(*(rtu(n, baud=9600, period_s=2.0) for n in range(25)))


def test_each_line_has_its_own_budget() -> None:
    assert not mistakes(*(rtu(n, f"/dev/ttyUSB{n % 2}", baud=9600) for n in range(30)))


def test_a_device_is_one_line_by_whatever_name(tmp_path: Path) -> None:
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "pumps").symlink_to(tmp_path / "ttyUSB0")
    names = (str(tmp_path / "ttyUSB0"), str(tmp_path / "pumps"))
    assert "pump[0].link[0].period_s" in mistakes(*(rtu(n, names[n % 2], baud=9600) for n in range(25)))


def test_links_of_one_line_must_agree_on_its_speed() -> None:
    found = mistakes(rtu(0, baud=9600), rtu(1, baud=19200))
    assert found["pump[1].link[0].baud"].startswith("/dev/ttyUSB0 runs at 9600 8N1 in pump[0].link[0] and at 19200 8N1")


@pytest.mark.parametrize("other", ["serial-line", "modbus-rtu"])
def test_a_port_of_text_lines_serves_one_link_alone(other: str) -> None:
    found = mistakes(pump(0, driver="serial-line", device="/dev/ttyUSB0"), pump(1, driver=other, device="/dev/ttyUSB0"))
    assert list(found) == ["pump[1].link[0].device"]
    assert "belongs to pump[0].link[0]" in found["pump[1].link[0].device"]


def test_columns_that_name_no_tag_are_a_mistake_of_the_site_file() -> None:
    line = pump(0, driver="serial-line", device="COM3", format="csv")
    assert "pump[0].link[0].columns" in mistakes(line + 'columns = ["a", "b"]\n')
    assert not mistakes(line + 'columns = ["a", "Motor_RPM"]\n')


@pytest.mark.parametrize("checksum", ["none", "nmea", "if-present", "required"])
def test_a_serial_line_link_survives_the_site_file(checksum: str, tmp_path: Path) -> None:
    text = pump(0, driver="serial-line", device="COM3", baud=19200, parity="N", stop_bits=1, format="csv",
                checksum=checksum) + 'columns = ["motor_rpm", "t"]\n'  # fmt: skip
    site, problems = parse_site("schema = 1\n[site]\n" + text, None)
    assert not problems
    link = site.pumps[0].links[0]
    file = SiteFile(tmp_path / "site.toml")
    file.set_pump("P-0", name="P-0", profile="centrifugal", model="none", links=[link])
    file.save()
    assert file.loaded().site.pumps[0].links == (link,)


def test_checking_a_site_loads_neither_modbus_nor_serial_libraries() -> None:
    code = (
        "import sys; from pumpwatch_gui.settings.site_reader import parse_site\n"
        f"parse_site({('schema = 1' + chr(10) + '[site]' + chr(10) + rtu(0))!r}, None)\n"
        "assert not {'pymodbus', 'serial', 'PySide6', 'onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
