"""The shipped templates against register images that are written here from the makers' tables."""

import struct
from collections.abc import Mapping, Sequence

import pytest

from pumpwatch_gui.commissioning.devices.register_reading import read_identity, read_points
from pumpwatch_gui.domain.links.register_map import SURENESS, RegisterMap
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.settings.map_file import read_map_file, shipped_maps
from pumpwatch_gui.settings.profile_file import load_profile

TEMPLATES = tuple(name for name in shipped_maps() if name != "generic")

Row = tuple[int, str, float, str, float]
"""Wire address, form (H u16, h s16, I u32, i s32, Q u64, q s64, f float32, d float64; `<` low word first), what the
register holds, tag, value."""

HOLDING: Mapping[str, Sequence[Row]] = {
    "danfoss-vlt": [
        (16129, "H", 499, "frequency_hz", 49.9),
        (16139, "H", 1234, "motor_current_a", 12.34),
        (16099, "H", 550, "power_w", 5500),
        (16119, "H", 398, "motor_voltage_v", 398),
        (16299, "H", 561, "dc_link_v", 561),
        (16179, "H", 67, "motor_thermal_percent", 67),
        (16339, "H", 41, "drive_temperature_c", 41),
        (16349, "H", 55, "drive_thermal_percent", 55),
        (14999, "I", 70_000, "operating_time_h", 70_000),
        (15009, "I", 65_537, "running_time_h", 65_537),
        (15019, "I", 123_456, "energy_kwh", 123_456),
        (16899, "I", 1 << 17, "alarm_word", 131_072),
        (16919, "I", 5, "warning_word", 5),
        (50199, "H", 0x0808, "running", 1),
        (50199, "H", 0x0808, "fault_active", 1),
        (50199, "H", 0x0808, "status_word", 2056),
    ],
    "veda-vf51": [
        (0x2101, "H", 5000, "frequency_hz", 50),
        (0x2102, "H", 812, "motor_current_a", 8.12),
        (0x2104, "H", 3801, "motor_voltage_v", 380.1),
        (0x2105, "h", -1450, "motor_rpm", -1450),
        (0x2107, "h", 765, "torque_percent", 76.5),
        (0x210A, "h", 701, "power_percent", 70.1),
        (0x210B, "H", 5402, "dc_link_v", 540.2),
        (0x210C, "h", 412, "drive_temperature_c", 41.2),
        (0x210D, "h", 498, "module_temperature_c", 49.8),
        (0x2003, "H", 3, "fault_code", 3),
        (0x2010, "H", 7, "warning_code", 7),
    ],
    "delta-ms300": [
        (0x2100, "H", 2, "fault_code", 2),
        (0x2101, "H", 3, "status_word", 3),
        (0x2103, "H", 4981, "frequency_hz", 49.81),
        (0x2104, "H", 733, "motor_current_a", 7.33),
        (0x2105, "H", 5391, "dc_link_v", 539.1),
        (0x2106, "H", 3795, "motor_voltage_v", 379.5),
    ],
    "siemens-v20": [(110, "h", 16384, "speed_percent", 100), (109, "H", 0x1234, "status_word", 0x1234)],
    "abb-acs580": [(100, "h", 1480, "motor_rpm", 1480), (113, "h", 11, "power_w", 11_000)],
    "schneider-altivar": [
        (3201, "H", 39, "status_word", 39),
        (3202, "h", 487, "frequency_hz", 48.7),
        (3204, "H", 105, "motor_current_a", 10.5),
        (3208, "H", 391, "motor_voltage_v", 391),
        (3209, "H", 44, "drive_thermal_percent", 44),
        (8604, "h", 1462, "motor_rpm", 1462),
    ],
    "abb-b-series": [
        (0x5B00, "I", 2301, "voltage_l1_v", 230.1),
        (0x5B04, "I", 2299, "voltage_l3_v", 229.9),
        (0x5B0E, "I", 1523, "current_l2_a", 15.23),
        (0x5B14, "i", -987_654, "power_w", -9876.54),
        (0x5B1A, "i", 100, "power_l3_w", 1.0),
        (0x5B3A, "h", -912, "power_factor", -0.912),
        (0x5B2C, "H", 4998, "mains_frequency_hz", 49.98),
        (0x5000, "Q", 2**33, "energy_kwh", 2**33 / 100),
    ],
    "schneider-iem3000": [
        (0x0BD3, "f", 231.5, "voltage_l1_v", 231.5),
        (0x0BBB, "f", 9.25, "current_l3_a", 9.25),
        (0x0BED, "f", 1.5, "power_l1_w", 1500),
        (0x0BF3, "f", 4.5, "power_w", 4500),
        (0x0C25, "f", 50.0, "mains_frequency_hz", 50),
        (0x0C83, "q", 12_345_678, "energy_kwh", 12_345.678),
    ],
    "janitza-umg": [
        (0x4A38, "f", 229.0, "voltage_l1_v", 229),
        (0x4A46, "f", 4.5, "current_l2_a", 4.5),
        (0x4A4C, "f", 990.0, "power_l1_w", 990),
        (0x4A52, "f", 3000.0, "power_w", 3000),
        (0x4A64, "f", 0.875, "power_factor_l1", 0.875),
        (0x4A6A, "f", 50.5, "mains_frequency_hz", 50.5),
        (0x4A7C, "f", 65_536.0, "energy_kwh", 65.536),
    ],
    "banner-qm30vt2": [
        (5201, "H", 2345, "vibration_mm_s", 2.345),
        (5203, "h", -512, "bearing_temperature_c", -5.12),
        (5205, "H", 1987, "vibration_x_mm_s", 1.987),
        (5206, "H", 501, "peak_acceleration_z_g", 0.501),
        (5207, "H", 502, "peak_acceleration_x_g", 0.502),
        (5208, "H", 247, "peak_frequency_z_hz", 24.7),
        (5211, "H", 120, "acceleration_x_g", 0.12),
        (5212, "H", 3100, "kurtosis_z", 3.1),
        (5215, "H", 4200, "crest_factor_x", 4.2),
        (5217, "H", 3300, "peak_vibration_z_mm_s", 3.3),
        (5219, "H", 2800, "peak_vibration_x_mm_s", 2.8),
        (5221, "H", 88, "high_frequency_x_g", 0.088),
    ],
    "wit-wtvb01": [(0x3400, "h", 16384, "acceleration_x_g", 8), (0x3405, "H", 3, "vibration_z_mm_s", 3)],
    "vibration-xyz": [
        (1, "H", 234, "vibration_x_mm_s", 2.34),
        (2, "H", 235, "vibration_y_mm_s", 2.35),
        (3, "H", 236, "vibration_z_mm_s", 2.36),
        (4, "h", -55, "bearing_temperature_c", -5.5),
        (5, "H", 9, "sensor_status", 9),
    ],
    "keller-33x": [(0x0100, "f", 1.25, "pressure_bar", 1.25), (0x0102, "f", 18.5, "liquid_temperature_c", 18.5)],
    "keller-nanolevel": [(0x0002, "f", 0.75, "pressure_bar", 0.75), (0x0006, "f", 11.5, "liquid_temperature_c", 11.5)],
    "level-rs485": [(2, "H", 1, "level_unit_code", 1), (3, "H", 3, "", 0), (4, "h", -1234, "level_m", -1.234)],
    "siemens-mag5000": [
        (3000, "f", 1500.0, "flow_velocity_m_s", 1.5),
        (3002, "f", 0.0625, "flow_rate_l_min", 3750),
        (3012, "f", 62.5, "flow_percent", 62.5),
        (3017, "f", 4096.0, "volume_m3", 4096),
    ],
    "tuf-2000": [
        (0, "<f", 90.0, "flow_rate_l_min", 1500),
        (4, "<f", 1.75, "flow_velocity_m_s", 1.75),
        (8, "<I", 70_001, "volume_m3", 70_001),
        (32, "<f", 61.5, "inlet_temperature_c", 61.5),
        (34, "<f", 41.25, "outlet_temperature_c", 41.25),
        (91, "H", 0x1A5F, "signal_quality_percent", 95),
    ],
    "grundfos-cim": [
        (200, "H", 0x0200, "status_word", 512),
        (206, "H", 0x4212, "months_to_service", 18),
        (300, "H", 1234, "head_bar", 1.234),
        (333, "I", 70_000, "starts", 70_000),
    ],
}

SDM: Sequence[Row] = [
    (0, "f", 230.5, "voltage_l1_v", 230.5),
    (4, "f", 231.0, "voltage_l3_v", 231),
    (8, "f", 6.5, "current_l2_a", 6.5),
    (16, "f", 1400.0, "power_l3_w", 1400),
    (52, "f", 4200.0, "power_w", 4200),
    (62, "f", 0.875, "power_factor", 0.875),
    (70, "f", 49.75, "mains_frequency_hz", 49.75),
    (72, "f", 8192.5, "energy_kwh", 8192.5),
]

INPUT: Mapping[str, Sequence[Row]] = {
    "vacon-10-20": [
        (0, "H", 4990, "frequency_hz", 49.9),
        (1, "H", 1478, "motor_rpm", 1478),
        (2, "H", 912, "motor_current_a", 9.12),
        (3, "h", 655, "torque_percent", 65.5),
        (4, "h", -12, "power_percent", -1.2),
        (5, "H", 3980, "motor_voltage_v", 398),
        (6, "H", 562, "dc_link_v", 562),
        (7, "H", 38, "drive_temperature_c", 38),
        (8, "H", 61, "motor_temperature_percent", 61),
        (826, "H", 12, "energy_kwh", 12_000),
        (839, "H", 101, "running_time_d", 101),
        (840, "H", 7, "running_time_h", 7),
        (841, "H", 2, "fault_count", 2),
        (2100, "H", 0b1_0011, "drive_ready", 1),
        (2100, "H", 0b1_0011, "running", 1),
        (2100, "H", 0b1_0011, "fault_active", 0),
        (2100, "H", 0b1_0011, "warning_active", 1),
        (2110, "H", 14, "fault_code", 14),
    ],
    "eastron-sdm630": [
        *SDM,
        (74, "f", 2.5, "energy_export_kwh", 2.5),
        (342, "f", 8195.0, "energy_total_kwh", 8195),
        (248, "f", 3.25, "thd_percent", 3.25),
    ],
    "eastron-sdm230": [
        (0, "f", 229.5, "voltage_l1_v", 229.5),
        (6, "f", 3.5, "current_l1_a", 3.5),
        (72, "f", 9.5, "energy_kwh", 9.5),
    ],
    "crompton-integra": SDM,
    "siemens-pac2200": [
        (1, "f", 230.0, "voltage_l1_v", 230),
        (15, "f", 5.5, "current_l2_a", 5.5),
        (29, "f", 600.0, "power_l3_w", 600),
        (65, "f", 1800.0, "power_w", 1800),
        (69, "f", 0.75, "power_factor", 0.75),
        (801, "d", 1_234_567.5, "energy_kwh", 1234.5675),
    ],
    "carlo-gavazzi-em24": [
        (0, "<i", 2312, "voltage_l1_v", 231.2),
        (14, "<i", 70_001, "current_l2_a", 70.001),
        (22, "<i", -15, "power_l3_w", -1.5),
        (40, "<i", 123_456, "power_w", 12_345.6),
        (53, "h", 987, "power_factor", 0.987),
        (55, "H", 501, "mains_frequency_hz", 50.1),
        (66, "<i", 99_999, "energy_kwh", 9999.9),
    ],
    "pzem-016": [
        (0, "H", 2299, "voltage_l1_v", 229.9),
        (1, "<I", 66_000, "current_l1_a", 66),
        (3, "<I", 70_001, "power_w", 7000.1),
        (5, "<I", 99_999, "energy_kwh", 99.999),
        (7, "H", 500, "mains_frequency_hz", 50),
        (8, "H", 97, "power_factor", 0.97),
    ],
    "remote-io-4-20ma": [
        (0, "H", 13107, "suction_pressure_bar", -1),
        (1, "H", 65535, "discharge_pressure_bar", 16),
        (2, "H", 39321, "flow_rate_l_min", 1500),
        (5, "H", 26214, "bearing_temperature_c", 37.5),
    ],
}

WIDTH = {"H": 1, "h": 1, "I": 2, "i": 2, "f": 2, "Q": 4, "q": 4, "d": 4}


def image(rows: Sequence[Row]) -> dict[int, int]:
    """The registers that a device with these values holds."""
    held: dict[int, int] = {}
    for address, form, raw, _, _ in rows:
        packed = struct.pack(">" + form[-1], raw if form[-1] in "fd" else int(raw))
        words = list(struct.unpack(f">{WIDTH[form[-1]]}H", packed))
        held.update(enumerate(words[::-1] if form[0] == "<" else words, start=address))
    return held


def template(name: str) -> RegisterMap:
    return read_map_file(shipped("resources") / "registers" / f"{name}.toml")


@pytest.mark.parametrize(("name", "table"), [*((n, "holding") for n in HOLDING), *((n, "input") for n in INPUT)])
def test_a_template_reads_what_the_makers_table_says(name: str, table: str) -> None:
    rows = (HOLDING if table == "holding" else INPUT)[name]
    held, found = image(rows), template(name)

    def reader(asked: str, address: int, count: int) -> list[int]:
        assert asked == table
        return [held.get(a, 0) for a in range(address, address + count)]

    profile = load_profile(found.profile)
    values = read_points(found.points, reader).values(found.points, {s.tag: s.span for s in profile.sensors})
    for _, _, _, tag, value in rows:
        if tag:
            assert (values[tag].quality, values[tag].reason) == (Quality.GOOD, Reason.NONE), tag
            assert values[tag].value == pytest.approx(value, rel=1e-9), tag


def test_every_template_is_read_here() -> None:
    elsewhere = {"grundfos-booster-1", "grundfos-booster-2", "grundfos-booster-3", "imp-nmt"}
    assert {*HOLDING, *INPUT} | elsewhere == set(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_says_what_it_is_and_how_sure(name: str) -> None:
    found = template(name)
    assert found.maker
    assert found.models
    assert found.source
    assert found.sureness in SURENESS
    assert found.label != found.name
    assert found.is_unconfirmed == (found.sureness == "C")


def test_the_templates_that_nobody_has_confirmed_are_marked() -> None:
    assert {name for name in TEMPLATES if template(name).is_unconfirmed} == {
        "delta-ms300", "siemens-v20", "abb-acs580", "schneider-altivar", "wit-wtvb01", "vibration-xyz",
        "remote-io-4-20ma", "level-rs485", "siemens-mag5000", "tuf-2000",
    }  # fmt: skip


@pytest.mark.parametrize("form", ["power_w", "energy_kwh", "mains_frequency_hz", "power_factor"])
def test_abbs_meter_says_not_available_with_all_its_bits(form: str) -> None:
    held = {"power_w": (0x5B14, [0x7FFF, 0xFFFF]), "energy_kwh": (0x5000, [0xFFFF] * 4),
            "mains_frequency_hz": (0x5B2C, [0xFFFF]), "power_factor": (0x5B3A, [0x7FFF])}[form]  # fmt: skip
    point = next(p for p in template("abb-b-series").points if p.tag == form)
    assert point.address == held[0]
    read = read_points([point], lambda _t, _a, _n: held[1]).values([point], {})
    assert read[form].reason is Reason.SENSOR_FAILURE


def test_a_template_asks_the_device_who_it_is() -> None:
    cim = {29: 1, 30: 10, 31: 2}
    told = read_identity(template("grundfos-cim").identity, lambda _t, a, n: [cim[i] for i in range(a, a + n)])
    assert told.text == "unit family 1, unit type 10, unit version 2"
    serial = read_identity(template("keller-33x").identity, lambda _t, a, n: [1, 0x86A0][:n] if a == 0x0202 else [])
    assert (serial.text, serial.wrong) == ("serial 100000", ())
