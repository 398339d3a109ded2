"""Every fault moves the ten sensors in the directions the literature gives, and can be seen within a minute."""

from contextlib import suppress
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pumpwatch_gui.acquire.simulator import FAULTS, FaultSpec, Plant
from pumpwatch_gui.acquire.simulator.faults import PARAMETERS
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS

Values = NDArray[np.float64]
PUMP_FAULTS = [name for name, fault in FAULTS.items() if not fault.sensor]
SEVERITIES = (0.3, 0.6, 1.0)
ONSET_S = 120
MATERIAL = dict(zip(STANDARD_TAGS, (5.0, 1.5, 0.1, 0.3, 20.0, 0.05, 0.08, 0.6, 1.0, 0.1), strict=True))
"""A shift smaller than this does not count as one (about six times the noise of one reading)."""


@cache
def recorded() -> tuple[Values, Values]:
    """Half an hour at 1 Hz of each fault at each severity, and of the same pumps without: each (m, pumps, 10)."""
    specs = [
        FaultSpec(f"P-{101 + i}", name, ONSET_S, severity)
        for i, (name, severity) in enumerate((n, s) for n in PUMP_FAULTS for s in SEVERITIES)
    ]
    faulty = Plant(len(specs), seed=5, faults=specs, moves=False).run(18_000).values[9::10]
    healthy = Plant(len(specs), seed=5, moves=False).run(18_000).values[9::10]
    return faulty, healthy


def pump_of(name: str, severity: float) -> int:
    return PUMP_FAULTS.index(name) * len(SEVERITIES) + SEVERITIES.index(severity)


def agrees(sign: str, shift: float, unrest: float, material: float) -> bool:
    """Whether a shift of the mean and a growth of the scatter are what `sign` says."""
    if "~" in sign and unrest < 1.5:
        return False
    match sign.strip("~"):
        case "++":
            return shift > 3 * material
        case "+":
            return shift > material
        case "-":
            return shift < -material
        case "--":
            return shift < -3 * material
        case "(+)" | "0/+":
            return shift > -material
        case "(-)" | "0/-" | "0/-~":
            return shift < material
        case "0":
            return abs(shift) < material
        case "":
            return True
        case _:
            raise AssertionError(sign)


@pytest.mark.parametrize("severity", [0.6, 1.0])
@pytest.mark.parametrize("name", PUMP_FAULTS)
def test_each_sensor_goes_the_way_the_symptom_table_says(name: str, severity: float) -> None:
    faulty, healthy = recorded()
    pump = pump_of(name, severity)
    shift = (faulty[-120:, pump] - healthy[-120:, pump]).mean(axis=0)
    unrest = faulty[-120:, pump].std(axis=0) / healthy[-120:, pump].std(axis=0)
    wrong = [
        f"{tag}: expected {sign}, shift {shift[i]:+.3f}, scatter x{unrest[i]:.1f}"
        for i, (tag, sign) in enumerate(FAULTS[name].symptoms.items())
        if not agrees(sign, shift[i], unrest[i], MATERIAL[tag])
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("name", PUMP_FAULTS)
def test_a_moderate_fault_shows_against_the_noise_within_a_minute(name: str) -> None:
    faulty, _ = recorded()
    pump = pump_of(name, 0.6)
    before = faulty[ONSET_S - 60 : ONSET_S, pump]
    after = faulty[ONSET_S + 45 : ONSET_S + 60, pump]
    shift = np.abs(after.mean(axis=0) - before.mean(axis=0)) / before.std(axis=0)
    unrest = after.std(axis=0) / before.std(axis=0)
    seen = (shift > 2.5) | (unrest > 1.5)
    firm = [i for i, sign in enumerate(FAULTS[name].symptoms.values()) if sign.strip("~") in ("+", "++", "-", "--")]
    assert seen.any()
    assert all(seen[i] for i in firm), [(STANDARD_TAGS[i], shift[i]) for i in firm if not seen[i]]


@pytest.mark.parametrize("name", PUMP_FAULTS)
def test_a_harder_fault_shifts_the_sensors_further(name: str) -> None:
    faulty, healthy = recorded()
    reach = [
        np.abs((faulty[200:240, pump_of(name, s)] - healthy[200:240, pump_of(name, s)]).mean(axis=0))
        for s in SEVERITIES
    ]
    lead = max(range(10), key=lambda i: reach[2][i] / MATERIAL[STANDARD_TAGS[i]])
    assert reach[0][lead] < reach[1][lead] < reach[2][lead]


def test_nothing_moves_before_the_onset() -> None:
    faulty, healthy = recorded()
    assert np.array_equal(faulty[: ONSET_S - 1], healthy[: ONSET_S - 1])


def test_dry_run_and_dead_head_part_at_the_discharge_pressure() -> None:
    faulty, healthy = recorded()
    last = slice(-120, None)

    def shift(name: str) -> float:
        pump = pump_of(name, 1.0)
        return float((faulty[last, pump, 6] - healthy[last, pump, 6]).mean())

    assert shift("dry_run") < -3
    assert shift("closed_discharge") > 1


def test_oil_pressure_leads_bearing_temperature_by_minutes() -> None:
    faulty, healthy = recorded()
    pump = pump_of("oil_pressure_loss", 1.0)
    shift = np.abs(faulty[:, pump] - healthy[:, pump])
    oil_at = np.argmax(shift[:, 2] > 0.5 * shift[-1, 2])
    bearing_at = np.argmax(shift[:, 1] > 0.5 * shift[-1, 1])
    assert bearing_at - oil_at > 120


def test_the_table_names_known_parameters_and_all_ten_sensors() -> None:
    for fault in FAULTS.values():
        assert set(fault.effects) <= set(PARAMETERS)
        assert fault.sensor in STANDARD_TAGS or tuple(fault.symptoms) == STANDARD_TAGS
    assert set(PARAMETERS) == {name for fault in FAULTS.values() for name in fault.effects}


def readings_with(text: str, seconds: int = 200) -> tuple[Values, Values]:
    """One reading a second of three pumps with a fault, and without."""
    spec = FaultSpec.parse(text)
    steps = seconds * 10
    return Plant(3, seed=6, faults=(spec,)).run(steps).values[::10].copy(), Plant(3, seed=6).run(steps).values[::10]


def test_a_stuck_sensor_repeats_its_last_value_and_no_other_channel_changes() -> None:
    faulty, healthy = readings_with("P-101=sensor_stuck.motor_current_a@60")
    assert (faulty[62:, 0, 7] == faulty[62, 0, 7]).all()
    assert faulty[62, 0, 7] == pytest.approx(healthy[58:61, 0, 7].mean(), abs=1)
    faulty[:, 0, 7] = healthy[:, 0, 7]
    assert np.array_equal(faulty, healthy)


def test_a_dropped_out_sensor_has_nothing_to_report() -> None:
    faulty, _ = readings_with("P-102=sensor_dropout@60:1")
    assert np.isnan(faulty[61:, 1, 3]).all()
    assert np.isfinite(faulty[:60]).all()
    some, _ = readings_with("P-102=sensor_dropout@60:0.5")
    assert 0.2 < np.isnan(some[61:, 1, 3]).mean() < 0.8


def test_a_drifting_sensor_leaves_its_value_steadily() -> None:
    faulty, healthy = readings_with("P-103=sensor_drift.discharge_pressure_bar@60:1")
    error = faulty[:, 2, 6] - healthy[:, 2, 6]
    assert abs(error[:60]).max() < 1e-9
    assert np.all(np.diff(error[60:180]) >= -1e-9)
    assert error[-1] == pytest.approx(1.2)


def test_a_fault_with_a_duration_goes_away_again() -> None:
    faulty, healthy = readings_with("P-101=imbalance@20+60:1")
    shift = faulty[:, 0, 3] - healthy[:, 0, 3]
    assert shift[40:79].min() > 4
    assert np.abs(shift[95:]).max() < 0.05


def test_a_fault_is_read_from_one_word() -> None:
    spec = FaultSpec.parse("P-103=cavitation@60")
    assert (spec.pump_id, spec.fault, spec.onset_s, spec.severity) == ("P-103", "cavitation", 60.0, 0.6)
    full = FaultSpec.parse("P-101=sensor_stuck.motor_rpm@60+30:0.7:5")
    assert (full.tag, full.duration_s, full.severity, full.ramp_s) == ("motor_rpm", 30.0, 0.7, 5.0)
    assert FaultSpec.parse("P-1=sensor_drift@0").name == "sensor_drift.bearing_temperature_c"


@pytest.mark.parametrize(
    ("text", "message", "advice"),
    [
        ("P-103=cavitaton@60", "cavitaton", "did you mean cavitation?"),
        ("P-103=sensor_stuck.flow@60", "'flow'", "did you mean|there are"),
        ("P-103=cavitation.motor_rpm@60", "not of a sensor", "leave out"),
        ("P-103=cavitation@soon", "'soon' is not a number", "P-103=cavitation@60"),
        ("P-103=cavitation@60:1.5", "severity 1.5", "mild 0.3"),
        ("P-103=cavitation@60:nan", "severity nan", "mild 0.3"),
        ("P-103=cavitation@-1", "onset", "P-103=cavitation@60"),
        ("P-103=cavitation@inf", "onset", "P-103=cavitation@60"),
        ("P-103=cavitation@60+0", "duration", "P-103=cavitation@60"),
        ("P-103=cavitation@60:1:2:3", "colons", "P-103=cavitation@60"),
        ("P-103=cavitation@60:1:-2", "develop", "P-103=cavitation@60"),
        ("cavitation@60", "cannot read", "P-103=cavitation@60"),
        ("P-103=cavitation", "cannot read", "P-103=cavitation@60"),
        ("", "cannot read", "P-103=cavitation@60"),
    ],
)
def test_a_fault_that_cannot_be_read_is_refused_with_advice(text: str, message: str, advice: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        FaultSpec.parse(text)
    assert any(part in caught.value.advice for part in advice.split("|"))


@given(st.text(max_size=40))
def test_any_text_is_a_fault_or_an_input_error(text: str) -> None:
    with suppress(InputError):
        assert FaultSpec.parse(text).fault in FAULTS
