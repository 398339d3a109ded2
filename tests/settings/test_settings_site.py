"""The site file: every mistake named, the good kept, comments kept."""

import os
import shutil
import stat
from collections.abc import Callable
from datetime import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.errors import BundleError, InputError
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile
from pumpwatch_gui.domain.reports.period import ReportKind
from pumpwatch_gui.domain.reports.schedule import ReportSchedule
from pumpwatch_gui.domain.site_changes import SetStation
from pumpwatch_gui.domain.units import UnitChoice
from pumpwatch_gui.settings.map_file import read_map, read_map_file
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.settings.site_file import SiteFile
from pumpwatch_gui.settings.site_reader import cautions, load_site, parse_site

GOOD = """\
schema = 1
# the plant at the river
[site]
name = "North station"
station = 7
currency = "EUR"
[[pump]]
id = "P-101"   # left one
name = "Boiler feed A"
profile = "centrifugal"
model = "none"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.1"
  port = 5020
  unit = 1
  [pump.limits.bearing_temperature_c]
  high = 70.0   # agreed with the maker
[[pump]]
id = "P-102"
profile = "centrifugal"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.1"
"""


def mistakes(text: str) -> dict[str, str]:
    return {p.path: f"{p.message} {p.advice}" for p in parse_site(text, None)[1]}


def test_a_good_file_is_read_whole() -> None:
    site, problems = parse_site(GOOD, None)
    assert problems == []
    assert (site.name, site.station, site.currency) == ("North station", 7, "EUR")
    assert site.history_gb == 100.0
    for text, most in (("2.5", 2.5), ("0", 0.0)):
        assert parse_site(f"{GOOD}[history]\nmax_gb = {text}\n", None)[0].history_gb == most
    assert [p.pump_id for p in site.pumps] == ["P-101", "P-102"]
    pump = site.pumps[0]
    limits = pump.profile.sensors[pump.profile.index("bearing_temperature_c")].limits
    default = load_profile("centrifugal").sensors[1].limits
    assert limits.high == 70.0
    assert limits.high_high == default.high_high
    assert site.pumps[1].links[0].period_s == 1.0


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("schema = 1", "schema = 2", "schema", "reads 1"),
        ("station = 7", "station = 4000", "site.station", "1 to 1023"),
        ("station = 7", "sation = 7", "site.sation", "did you mean `station`?"),
        ("[[pump]]", "[history]\nmax_gb = 0.5\n[[pump]]", "history.max_gb", "0 or at least 1"),
        ("[[pump]]", "[history]\nmax_gb = nan\n[[pump]]", "history.max_gb", "0 or at least 1"),
        ("[[pump]]", "[history]\nmax = 5\n[[pump]]", "history.max", "did you mean `max_gb`?"),
        ('id = "P-102"', 'id = "P-101"', "pump[1].id", "is there twice"),
        ("port = 5020", "port = 502000", "pump[0].link[0]", "port"),
        ("port = 5020", 'port = "x"', "pump[0].link[0].port", "a whole number"),
        ("port = 5020", "prot = 5020", "pump[0].link[0].prot", "did you mean `port`?"),
        ("unit = 1", "unit = true", "pump[0].link[0].unit", "a whole number"),
        ('driver = "modbus-tcp"', 'driver = "modbus"', "pump[0].link[0].driver", "modbus-tcp"),
        ('profile = "centrifugal"', 'profile = "centrifug"', "pump[0].profile", "centrifugal"),
        ('model = "none"', 'model = "nonsense"', "pump[0].model", "neither a path"),
        ("high = 70.0", "high = 99.0", "pump[0].limits.bearing_temperature_c", "limits must rise"),
        ("high = 70.0", "hihg = 70.0", "pump[0].limits.bearing_temperature_c.hihg", "did you mean `high`?"),
        ("high = 70.0", "high = nan", "pump[0].limits.bearing_temperature_c.high", "finite"),
        ("bearing_temperature_c]", "bearing_temp]", "pump[0].limits.bearing_temp", "did you mean"),
        ("unit = 1", 'registers = "nowhere"', "pump[0].link[0].registers", "nowhere"),
    ],
)
def test_each_mistake_is_named_with_its_path(old: str, new: str, path: str, words: str) -> None:
    found = mistakes(GOOD.replace(old, new, 1))
    assert path in found, found
    assert words in found[path]


def test_all_mistakes_are_listed_at_once_and_the_good_pumps_stay() -> None:
    text = (
        GOOD.replace("port = 5020", "port = 0")
        .replace("high = 70.0", "high = inf")
        .replace("station = 7", "station = 0")
    )
    site, problems = parse_site(text, None)
    assert len(problems) == 3
    assert [p.pump_id for p in site.pumps] == ["P-102"]


def test_a_wrong_limit_costs_the_limit_and_not_the_pump() -> None:
    site, problems = parse_site(GOOD.replace("high = 70.0", "high = 99.0"), None)
    assert len(problems) == 1
    assert site.pumps[0].profile == load_profile("centrifugal")


def test_a_file_that_is_not_toml_gives_an_empty_site_and_a_backup(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(GOOD + "\n[[[")
    loaded = load_site(path)
    assert loaded.site.pumps == ()
    assert "not TOML" in loaded.problems[0].message
    assert loaded.backup is not None
    assert loaded.backup.read_text() == path.read_text()


def test_a_missing_file_is_told_with_advice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_site(tmp_path / "none.toml")


@given(st.text(max_size=200))
def test_no_text_whatever_stops_the_reader(text: str) -> None:
    parse_site(text, None)


@given(
    st.sampled_from([line for line in GOOD.splitlines() if "=" in line]),
    st.sampled_from(["[]", "{}", "1e400", '""', "-1"]),
)
def test_no_value_whatever_stops_the_reader(line: str, value: str) -> None:
    key = line.split("=")[0]
    _site, problems = parse_site(GOOD.replace(line, f"{key}= {value}", 1), None)
    assert all(p.path and p.message for p in problems)


def test_saving_keeps_comments_and_the_old_version(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(GOOD)
    file = SiteFile(path)
    file.set_limits("P-101", "bearing_temperature_c", Limits(high=71.0, high_high=80.0, deadband=1.0))
    old = file.save()
    assert old is not None
    assert old.read_text() == GOOD
    text = path.read_text()
    assert "# the plant at the river" in text
    assert "# left one" in text
    site, problems = parse_site(text, tmp_path)
    assert problems == []
    assert site.pumps[0].profile.sensors[1].limits == Limits(high=71.0, high_high=80.0, deadband=1.0)


def test_a_pump_can_be_added_changed_and_removed(tmp_path: Path) -> None:
    file = SiteFile(tmp_path / "site.toml")
    file.set_site(SetStation("New", 3, "INR"))
    link = ModbusTcpConfig(host="10.0.0.5", unit=3)
    file.set_pump("P-1", name="One", profile="centrifugal", model="none", links=[link])
    file.set_pump("P-2", name="Two", profile="centrifugal", model="none", links=[link])
    assert file.save() is None
    file.set_pump("P-1", name="First", profile="centrifugal", model="none", links=[ModbusTcpConfig(host="10.0.0.6")])
    file.remove_pump("P-2")
    file.save()
    site = load_site(tmp_path / "site.toml").site
    assert [(p.pump_id, p.name) for p in site.pumps] == [("P-1", "First")]
    assert site.pumps[0].links == (ModbusTcpConfig(host="10.0.0.6"),)


def test_area_and_duty_stay_unless_they_are_given_and_go_when_empty(tmp_path: Path) -> None:
    file = SiteFile(tmp_path / "site.toml")
    plain = partial(
        file.set_pump, "P-1", name="One", profile="centrifugal", model="none", links=[ModbusTcpConfig(host="10.0.0.5")]
    )

    def read() -> tuple[str, str]:
        file.save()
        pump = load_site(tmp_path / "site.toml").site.pumps[0]
        return pump.area, pump.duty

    plain(area="Boiler house", duty="Feed water")
    assert read() == ("Boiler house", "Feed water")
    plain()
    assert read() == ("Boiler house", "Feed water")
    plain(area="")
    assert read() == ("", "Feed water")
    assert "area" not in (tmp_path / "site.toml").read_text("utf-8")


@pytest.mark.parametrize("area", ["7", '"  "', '""'])
def test_an_area_that_is_no_text_costs_only_itself(tmp_path: Path, area: str) -> None:
    link = '  [[pump.link]]\n  driver = "modbus-tcp"\n  host = "10.0.0.5"\n'
    text = f'schema = 1\n[[pump]]\nid = "P-1"\nprofile = "centrifugal"\narea = {area}\n{link}'
    site, problems = parse_site(text, tmp_path)
    assert [pump.area for pump in site.pumps] == [""]
    assert [problem.path for problem in problems] == ([] if area == '""' else ["pump[0].area"])


def test_a_wrong_change_is_refused_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(GOOD)
    file = SiteFile(path)
    file.set_pump("P-103", name="x", profile="no-such-profile", model="none", links=[ModbusTcpConfig(host="h")])
    with pytest.raises(InputError, match="no-such-profile"):
        file.save()
    assert path.read_text() == GOOD


def test_a_read_only_folder_is_told_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "site.toml"
    path.parent.mkdir()
    path.write_text(GOOD)
    file = SiteFile(path)
    file.set_site(SetStation("Other", 1, "INR"))
    shutil.rmtree(path.parent)
    path.parent.write_text("a file where the folder was")
    path.parent.chmod(stat.S_IRUSR)
    with pytest.raises(InputError, match="not saved"):
        file.save()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[pump.limits.bearing_temperature_c]\n", "[[pump.limits]]\n"),
        ("[pump.limits.bearing_temperature_c]\n", "[[pump.limits.bearing_temperature_c]]\n"),
        ("[pump.limits.bearing_temperature_c]\n  high = 70.0", "[pump.limits]\nbearing_temperature_c = 70.0"),
        ("[site]", "[[site]]"),
        ("[site]\n", "site = 5\n[other]\n"),
        ("[[pump.link]]", "[pump.link]"),
    ],
)
def test_a_file_of_a_wrong_shape_is_refused_by_every_change_and_stays(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "site.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    file = SiteFile(path)
    link = ModbusTcpConfig(host="10.0.0.5")
    changes: list[Callable[[], object]] = [
        lambda: file.set_limits("P-101", "bearing_temperature_c", Limits(high=71.0)),
        lambda: file.set_site(SetStation("New", 1, "INR")),
        lambda: file.set_pump("P-101", name="x", profile="centrifugal", model="none", links=[link]),
        file.save,
    ]
    refusals = 0
    for change in changes:
        try:
            change()
        except InputError as error:
            refusals += 1
            assert error.advice  # noqa: PT017 - some of the changes may be made
    if new != "[pump.link]":
        assert refusals
        assert path.read_text() == GOOD.replace(old, new, 1)


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    site, profile, registers = (tmp_path / name for name in ("site.toml", "profile.toml", "map.toml"))
    site.write_text(GOOD, "utf-8-sig")
    profile.write_text('name = "p"\n[[sensor]]\ntag = "a"\nspan = [0, 1]\n', "utf-8-sig")
    registers.write_text(
        'name = "m"\n[[point]]\ntag = "a"\ntable = "input"\naddress = 1\ntype = "uint16"\n', "utf-8-sig"
    )
    assert load_site(site).problems == ()
    assert load_profile(str(profile)).tags == ("a",)
    assert read_map_file(registers).name == "m"
    file = SiteFile(site)
    file.set_site(SetStation("New", 1, "INR"))
    file.save()
    assert load_site(site).site.name == "New"


@pytest.mark.parametrize(("encoding", "said"), [("latin-1", "line 2"), ("utf-16", "it is UTF-16")])
def test_another_encoding_is_named_in_every_file(tmp_path: Path, encoding: str, said: str) -> None:
    path = tmp_path / "file.toml"
    path.write_bytes('schema = 1\nname = "Süd"\n'.encode(encoding))
    for read in (load_site, SiteFile, lambda path: load_profile(str(path)), read_map_file):
        with pytest.raises(InputError, match="it is not UTF-8") as caught:
            read(path)
        assert said in caught.value.message
        assert "save it as UTF-8" in caught.value.message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX pipes")
def test_a_pipe_in_the_place_of_a_site_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "site.toml")
    with pytest.raises(InputError, match="not a regular file"):
        load_site(tmp_path / "site.toml")
    with pytest.raises(InputError, match="not a regular file"):
        SiteFile(tmp_path / "site.toml")
    with pytest.raises(InputError, match="not a regular file"):
        load_profile(str(tmp_path / "site.toml"))


def test_brackets_without_end_are_a_mistake_in_words(tmp_path: Path) -> None:
    text = "a = " + "[" * 100_000
    _, (problem,) = parse_site(text, None)
    assert "nested too deep" in problem.message
    (tmp_path / "site.toml").write_text(text)
    with pytest.raises(InputError, match="cannot be changed"):
        SiteFile(tmp_path / "site.toml")
    with pytest.raises(InputError, match="nested too deep"):
        read_map(text)


@pytest.mark.parametrize("number", ["1e308", "-inf", "nan", "1" + "0" * 400])
def test_a_number_that_no_arithmetic_can_take_costs_its_own_link_only(number: str) -> None:
    site, problems = parse_site(GOOD.replace("port = 5020", f"port = 5020\n  period_s = {number}"), None)
    assert [p.path for p in problems] == ["pump[0].link[0].period_s", "pump[0].link"][: len(problems)]
    assert [p.pump_id for p in site.pumps] == ["P-102"]


@pytest.mark.parametrize("name", ["id", "name", "profile", "model", "driver", "host"])
def test_a_text_with_the_character_0_is_named(name: str) -> None:
    old = next(line for line in GOOD.splitlines() if line.strip().startswith(f"{name} =") and "station" not in line)
    assert any(path.endswith(f".{name}") for path in mistakes(GOOD.replace(old, f'{name} = "a\\u0000b"', 1)))


@pytest.mark.parametrize("name", ["..", ".", "centrifugal/", "../centrifugal", "x" * 5_000, "a\\u0000b", " "])
def test_a_model_that_is_no_name_and_no_path_is_a_mistake_in_words(tmp_path: Path, name: str) -> None:
    found = {p.path for p in parse_site(GOOD.replace('model = "none"', f'model = "{name}"', 1), tmp_path)[1]}
    assert found == {"pump[0].model"}


def test_each_model_is_loaded_when_that_is_asked_for(tmp_path: Path) -> None:
    def check(path: Path, profile: PumpProfile) -> None:
        assert (path.name, profile.name) == ("centrifugal", "centrifugal")
        raise BundleError("it is altered", "train it again")

    path = tmp_path / "site.toml"
    path.write_text(GOOD.replace('model = "none"', 'model = "centrifugal"', 1))
    assert load_site(path).problems == ()
    loaded = load_site(path, keep_backup=False, check_model=check)
    assert [str(p) for p in loaded.problems] == ["pump[0].model: it is altered (train it again)"]
    assert [p.model for p in loaded.site.pumps] == ["none", "learn"]  # the second names none


def line_site(*links: str) -> str:
    pumps = "".join(
        f'[[pump]]\nid = "P-{i}"\nprofile = "centrifugal"\n[[pump.link]]\n{link}\n' for i, link in enumerate(links)
    )
    return f'schema = 1\n[site]\nname = "S"\n{pumps}'


def test_two_speeds_on_one_serial_line_are_a_mistake_with_both_places_named() -> None:
    rtu = 'driver = "modbus-rtu"\ndevice = "/dev/ttyUSB0"\nbaud = {}\nunit = {}'
    _, problems = parse_site(line_site(rtu.format(19200, 1), rtu.format(9600, 2)), None)
    (problem,) = problems
    assert problem.path == "pump[1].link[0].baud"
    assert "runs at 19200 8N1 in pump[0].link[0] and at 9600 8N1 here" in str(problem)
    assert parse_site(line_site(rtu.format(19200, 1), rtu.format(19200, 2)), None)[1] == []


def test_a_public_address_is_cautioned_against_and_a_private_one_is_not() -> None:
    tcp = 'driver = "modbus-tcp"\nhost = "{}"'
    hosts = ("8.8.8.8", "10.1.2.3", "192.168.0.7", "127.0.0.1", "pump-7.plant", "2001:4860:4860::8888", "fd00::1")
    site, problems = parse_site(line_site(*map(tcp.format, hosts)), None)
    assert problems == []
    assert [c.path for c in cautions(site)] == ["pump P-0, link 1", "pump P-5, link 1"]
    assert "VPN" in str(cautions(site)[0])


@pytest.mark.parametrize("host", ["plc..x", ".", "a" * 70 + ".plant", "10.0.0.7:502", "http://10.0.0.7", "a b"])
def test_a_host_that_no_name_can_be_is_a_mistake_in_words(host: str) -> None:
    site, problems = parse_site(line_site(f'driver = "modbus-tcp"\nhost = "{host}"'), None)
    (problem, *_) = problems
    assert "host" in str(problem)
    assert host in str(problem)
    assert site.pumps == ()


@pytest.mark.parametrize("host", ["[::1]", " 127.0.0.1 ", "::1", "fe80::1%eth0", "plc.plant.", "localhost", "pümpe"])
def test_a_host_may_be_written_as_people_write_it(host: str) -> None:
    assert parse_site(line_site(f'driver = "modbus-tcp"\nhost = "{host}"'), None)[1] == []


def test_a_unit_that_two_pumps_read_with_one_map_is_cautioned_against() -> None:
    tcp = 'driver = "modbus-tcp"\nhost = "{}"\nunit = {}'
    places = (("10.0.0.7", 1), ("10.0.0.7", 2), (" 10.0.0.7", 1))
    site, problems = parse_site(line_site(*(tcp.format(*place) for place in places)), None)
    assert problems == []
    (caution,) = cautions(site)
    assert caution.path == "pump P-2, link 1"
    assert "pump P-0, link 1" in str(caution)


def test_more_different_tags_than_the_history_has_columns_for_are_refused_by_name(tmp_path: Path) -> None:
    pumps = []
    for n in range(40):
        sensors = "".join(f'[[sensor]]\ntag = "t{n}_{i}"\nlabel = "T"\nunit = ""\nspan = [0, 1]\n' for i in range(60))
        (tmp_path / f"p{n}.toml").write_text(f'name = "p{n}"\n{sensors}')
        (tmp_path / f"m{n}.toml").write_text(
            f'name = "m{n}"\n[[point]]\ntag = "t{n}_0"\naddress = 0\ntype = "uint16"\n'
        )
        pumps.append(
            f'[[pump]]\nid = "P-{n}"\nprofile = "p{n}.toml"\n[[pump.link]]\ndriver = "modbus-tcp"\n'
            f'host = "10.0.0.{n + 1}"\nregisters = "m{n}.toml"\n'
        )
    site, problems = parse_site("schema = 1\n" + "".join(pumps), tmp_path)
    assert len(site.pumps) == 31
    assert [p.path for p in problems] == [f"pump P-{n}" for n in range(31, 40)]
    assert "1900" in str(problems[0])


@pytest.mark.skipif(os.name != "posix", reason="permissions of this kind")
def test_a_private_key_that_others_can_read_is_remarked_on(tmp_path: Path) -> None:
    key = tmp_path / "client.key"
    key.write_text("a key")
    text = 'driver = "modbus-tls"\nhost = "10.0.0.7"\nca = "ca.pem"\ncertificate = "c.pem"\nkey = "client.key"'
    site, _ = parse_site(line_site(text), tmp_path)
    key.chmod(0o644)
    (found,) = cautions(site)
    assert "can be read by other users" in str(found)
    assert "chmod 600" in str(found)
    key.chmod(0o600)
    assert cautions(site) == []


def test_a_site_file_gives_a_derived_quantity_limits_and_refuses_those_of_one_that_is_not_there() -> None:
    limits = "[pump.limits.head_m]\nlow = 30.0\n[pump.limits.head_of_water]\nlow = 1.0\n"
    site, problems = parse_site(GOOD + limits, None)
    profile = site.pumps[1].profile
    assert profile.quantities[profile.index("head_m")].limits == Limits(low=30.0)
    assert [problem.path for problem in problems] == ["pump[1].limits.head_of_water"]


def test_units_are_read_written_and_taken_out_with_the_comments_kept(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('schema = 1\n[site]\nname = "N"  # north\nunits = { pressure = "psi", temperature = "°F" }\n')
    assert load_site(path).site.units == UnitChoice(pressure="psi", temperature="degF")
    file = SiteFile(path)
    file.set_site(SetStation("N", 1, "INR", UnitChoice(flow="gpm")))
    file.save()
    assert load_site(path).site.units == UnitChoice(flow="gpm")
    file.set_site(SetStation("M", 1, "INR"))
    file.save()
    assert load_site(path).site.units == UnitChoice(flow="gpm")
    file.set_site(SetStation("N", 1, "INR", UnitChoice()))
    file.save()
    assert load_site(path).site.units == UnitChoice()
    assert "# north" in path.read_text()


def test_a_unit_that_is_not_offered_is_named_and_the_others_stay(tmp_path: Path) -> None:
    text = 'schema = 1\n[site]\nunits = { pressure = "torr", flow = "gpm", speed = "rpm" }\n'
    site, problems = parse_site(text, tmp_path)
    assert site.units == UnitChoice(flow="gpm")
    assert [str(p) for p in problems] == [
        "site.units.pressure: must be one of bar, kPa, psi, not 'torr'",
        "site.units.speed: is not known (known: flow, pressure, temperature, vibration)",
    ]


def test_scheduled_reports_and_the_price_of_energy_are_read() -> None:
    text = (
        'schema = 1\n[site]\nenergy_price = 8.5\n[reports]\nkinds = ["daily", "shift"]\nfolder = "out"\n'
        'shifts = ["05:30", "17:30"]\nformats = ["pdf"]\n'
    )
    site, problems = parse_site(text, None)
    assert [p for p in problems if p.path.startswith(("site", "reports"))] == []
    assert site.energy_price == 8.5
    assert site.reports == ReportSchedule(
        (ReportKind.DAILY, ReportKind.SHIFT), "out", (time(5, 30), time(17, 30)), ("pdf",)
    )
    assert parse_site("schema = 1\n", None)[0].reports == ReportSchedule()


@pytest.mark.parametrize(
    ("lines", "path"),
    [
        ('[reports]\nkinds = ["yearly"]', "reports.kinds"),
        ("[reports]\nkinds = 3", "reports.kinds"),
        ('[reports]\nshifts = ["6 o\'clock"]', "reports.shifts"),
        ('[reports]\nshifts = ["06:00", "06:00"]', "reports.shifts"),
        ("[reports]\nshifts = [6]", "reports.shifts"),
        ('[reports]\nformats = ["doc"]', "reports.formats"),
        ("[reports]\nat = 3", "reports.at"),
        ("[site]\nenergy_price = -1", "site.energy_price"),
    ],
)
def test_a_mistake_in_the_reports_is_named(lines: str, path: str) -> None:
    site, problems = parse_site(f"schema = 1\n{lines}\n", None)
    assert path in [problem.path for problem in problems]
    assert site.reports.kinds == ()


def test_the_room_of_the_history_and_the_price_of_energy_are_written_and_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('schema = 1\n[site]\nname = "N"  # north\n')
    file = SiteFile(path)
    file.set_site(SetStation("N", 1, "EUR", None, 100.0, 0.0))
    file.save()
    assert "history" not in path.read_text(), "the usual is not written"
    file.set_site(SetStation("N", 1, "EUR", None, 250.0, 0.21))
    file.save()
    site = load_site(path).site
    assert (site.history_gb, site.energy_price) == (250.0, 0.21)
    file.set_site(SetStation("N", 1, "EUR"))
    file.save()
    assert load_site(path).site.history_gb == 250.0, "what is None stays"
    file.set_site(SetStation("N", 1, "EUR", None, 0.0, 0.0))
    file.save()
    site = load_site(path).site
    assert (site.history_gb, site.energy_price) == (0.0, None)
    assert "# north" in path.read_text()
