"""The simulated-plant protocol: what it counts, and what it calls leading."""

from pumpwatch_gui.acquire.simulator.faults import FAULTS
from pumpwatch_gui.acquire.simulator.plant import Plant
from pumpwatch_gui.bench.detection import _protocols
from pumpwatch_gui.bench.rigs.plant import FaultOutcome, every_case, faults, leading, watch


def test_every_fault_is_tried_at_three_severities() -> None:
    assert len(every_case()) == 3 * len(FAULTS)
    assert {name for name, _ in every_case()} == set(FAULTS)


def test_the_two_strongest_symptoms_lead_and_a_sensor_fault_leads_by_its_own_sensor() -> None:
    assert leading("bearing_wear") == {"bearing_temperature_c", "vibration_mm_s"}
    assert leading("oil_pressure_loss") == {"oil_pressure_bar", "bearing_temperature_c"}
    assert leading("imbalance") == {"vibration_mm_s", "bearing_temperature_c"}
    assert leading("sensor_dropout") == {FAULTS["sensor_dropout"].sensor}
    assert all(leading(name) for name in FAULTS)


def test_a_severe_fault_is_detected_after_its_onset_with_a_leading_sensor() -> None:
    (outcome,) = faults((3, [("oil_pressure_loss", 1.0)]))
    assert outcome.is_detected
    assert outcome.delay_s >= 0
    assert outcome.led_well == (outcome.tag in leading("oil_pressure_loss"))
    assert not FaultOutcome("imbalance", 0.3, float("inf"), "").is_detected


def test_every_second_of_every_pump_is_watched() -> None:
    seen = watch(Plant(2, seed=4), hours=0.25)
    assert [one.rows for one in seen.values()] == [900, 900]
    assert all(0 < one.scored < 900 for one in seen.values())


def test_another_folder_of_recordings_gets_the_same_protocols_with_its_own_files() -> None:
    files = {f"valve1/{i}": None for i in range(8, 16)} | {"valve2/2": None}
    _, c = _protocols(files)  # type: ignore[arg-type]
    assert c.keywords["commissioned"] == tuple(f"valve1/{i}" for i in range(8, 14))  # type: ignore[attr-defined]
    assert c.keywords["streamed"] == ("valve1/14", "valve1/15", "valve2/2")  # type: ignore[attr-defined]
