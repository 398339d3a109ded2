"""Adding a pump without a window: what is ordered, and what the configuration refuses."""

from pathlib import Path

import pytest

from pumpwatch_gui.commissioning.pumps.new_pump import Draft, Names, new_pump_changes
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusRtuConfig, ModbusTcpConfig
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.engine.configuration import Configuration
from pumpwatch_gui.settings.map_file import read_map_file
from pumpwatch_gui.settings.simulated import site_text
from pumpwatch_gui.settings.site_reader import load_site


def draft_of(folder: Path, config: DriverConfig, template: str = "") -> Draft:
    """A draft of a centrifugal pump, by a template or with one register of its own."""
    draft = Draft(folder, config)
    draft.use_profile("centrifugal")
    if template:
        draft.use_template(template, read_map_file(Path("resources/registers") / f"{template}.toml"))
    else:
        draft.use_template("", None)
        draft.put(Point("motor_rpm", "holding", 0, "uint16"))
    return draft


def test_an_id_that_is_taken_or_a_model_that_is_missing_is_refused_and_no_map_is_left_behind(tmp_path: Path) -> None:
    site_file = tmp_path / "site.toml"
    site_file.write_text(site_text(502, 1, period_s=1.0), "utf-8")
    before = site_file.read_text("utf-8")
    site = load_site(site_file).site
    draft = draft_of(tmp_path, ModbusTcpConfig("127.0.0.1"))
    with pytest.raises(InputError, match="P-101 is taken"):
        new_pump_changes(draft, Names("P-101", "again", "none"), site)
    changes = new_pump_changes(draft, Names("P-102", "other", "no-such-model"), site)
    with pytest.raises(InputError, match="model"):
        Configuration(site, site_file).change(changes)
    assert site_file.read_text("utf-8") == before
    assert list((tmp_path / "registers").glob("*.toml")) == []


def test_a_serial_line_that_cannot_carry_the_pump_is_refused_with_the_figure(tmp_path: Path) -> None:
    site, site_file = Site(folder=tmp_path), tmp_path / "site.toml"
    draft = draft_of(tmp_path, ModbusRtuConfig("/dev/ttyUSB0", 1200, period_s=0.1), "generic")
    changes = new_pump_changes(draft, Names("P-101", "slow", "none"), site)
    with pytest.raises(InputError, match=r"needs \d+\.\d+ s of every 0\.1 s at 1200 baud"):
        Configuration(site, site_file).change(changes)
    assert not site_file.exists()


def test_a_pump_comes_with_its_own_map_and_its_own_limits(tmp_path: Path) -> None:
    site, site_file = Site(folder=tmp_path), tmp_path / "site.toml"
    draft = draft_of(tmp_path, ModbusTcpConfig("10.0.0.1"), "generic")
    draft.put(Point("motor_rpm", "holding", 40, "uint16"))
    changed = Configuration(site, site_file).change(new_pump_changes(draft, Names("P-1", "One", "none"), site)).site
    assert changed.pumps[0].links == (ModbusTcpConfig("10.0.0.1", registers="registers/P-1.toml"),)
    points = {p.tag: p for p in read_map_file(tmp_path / "registers" / "P-1.toml").points}
    assert (points["motor_rpm"].address, len(points)) == (40, 10)
    assert load_site(site_file).site == changed
