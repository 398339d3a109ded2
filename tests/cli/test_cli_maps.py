"""Register maps on the command line: what those of a site need, and one made of a manual's table."""

from pathlib import Path

import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.settings.map_file import read_map_file

SITE = """schema = 1
[[pump]]
id = "P-1"
profile = "{profile}"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.1"
  registers = "{registers}"
"""


def check(folder: Path, profile: str, registers: str) -> int:
    (folder / "site.toml").write_text(SITE.format(profile=profile, registers=registers))
    return main(["check", "--site", str(folder / "site.toml")])


def test_check_says_what_a_map_needs_and_how_sure_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path, "drive", "danfoss-vlt") == 0
    said = capsys.readouterr()
    assert "P-1/1: danfoss-vlt: 16 of 28 sensors, " in said.out
    assert "one public source" in said.out
    assert said.err == ""


def test_check_cautions_against_a_map_that_nobody_has_confirmed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, "transmitter", "level-rs485") == 0
    said = capsys.readouterr()
    assert "2 of 13 sensors, 3 registers in 1 request; unconfirmed" in said.out
    assert "caution: P-1/1: the map level-rs485 is unconfirmed" in said.err


TABLE = "Register;Name;Type;Scale;Unit\n40001;Speed;INT16;1;rpm\n40002;Torque;INT99;;\n"


def test_a_table_becomes_a_map_and_each_row_that_does_not_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "manual.csv").write_text(TABLE, "utf-8")
    out = tmp_path / "drive.toml"
    assert main(["map", "from-table", str(tmp_path / "manual.csv"), "--out", str(out), "--source", "page 7"]) == 0
    said = capsys.readouterr()
    assert "line 3: ✕ the type 'INT99' is not understood" in said.err
    assert "40001" in said.err
    found = read_map_file(out)
    assert [(p.tag, p.address) for p in found.points] == [("motor_rpm", 0)]
    assert (found.source, found.is_unconfirmed, found.name) == ("page 7", True, "drive")


def test_a_table_without_an_out_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manual.csv").write_text(TABLE, "utf-8")
    assert main(["map", "from-table", str(tmp_path / "manual.csv"), "--base", "0", "--table", "input"]) == 0
    assert "address = 40001" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"only words\n", b"\xff\xfe\x00"])
def test_a_file_without_a_table_ends_with_2(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manual.csv").write_bytes(content)
    assert main(["map", "from-table", str(tmp_path / "manual.csv")]) == 2
    assert capsys.readouterr().err
