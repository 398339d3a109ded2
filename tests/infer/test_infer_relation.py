"""What drives what in a pump: found in its own running and taken out of its sensors, with care where it is unknown."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.infer.detectors.chart import Chart
from pumpwatch_gui.infer.detectors.combined import ChartDetector, CombinedDetector
from pumpwatch_gui.infer.detectors.conditioner import Conditioning
from pumpwatch_gui.infer.detectors.relation import AtPoints, Relation
from pumpwatch_gui.infer.detectors.score_limits import ScoreLimits
from pumpwatch_gui.infer.training.operating_point import first_guess, ordinary_level, relation_of, supply_moves
from tests.infer.infer_builders import frame_of

Floats = NDArray[np.float64]

UNITS = {"speed": "rpm", "flow": "L/min", "discharge": "bar", "power": "kW", "bearing": "degC", "level": "m"}
LEVELS = np.array([1450.0, 1500.0, 5.0, 20.0, 60.0, 2.5])
DRIVE = PumpProfile("drive", tuple(Sensor(tag, tag, unit, (-1e7, 1e7), 1e-3) for tag, unit in UNITS.items()))
NOISE = np.array([0.0005, 0.004, 0.004, 0.004, 0.001, 0.004]) * LEVELS


def running(minutes: int, *, speed: float = 0.05, valve: float = 0.05, strength: float = 1.0, seed: int = 1) -> Floats:
    """Rows every 10 s: half-hourly moves of `speed` and `valve`; `strength` is what the rings leave of the head."""
    rng = np.random.default_rng(seed)
    count = minutes * 6
    moves = np.repeat(rng.uniform(-1, 1, (count // 180 + 1, 2)), 180, axis=0)[:count]
    n = 1 + speed * moves[:, 0]
    q = n * (1 + valve * moves[:, 1])
    shown = [n, q, strength * (1.25 * n**2 - 0.25 * q**2), 0.4 * n**3 + 0.6 * q * n**2, n**0, n**0]
    return np.asarray(LEVELS * np.column_stack(shown) + NOISE * rng.standard_normal((count, LEVELS.size)))


def found(rows: Floats, profile: PumpProfile = DRIVE) -> Relation:
    relation = relation_of(profile, rows, period_s=10.0)
    assert relation is not None
    return relation


def test_what_speed_and_flow_explain_is_taken_out_of_what_they_drive() -> None:
    relation = found(running(480))
    assert [DRIVE.tags[i] for i in relation.drivers] == ["speed", "flow"]
    raw = running(480, seed=2)
    left = relation.freed(raw)
    for tag in ("discharge", "power"):
        i = DRIVE.index(tag)
        assert np.std(left[:, i]) < 0.25 * np.std(raw[:, i])
        assert np.std(left[:, i]) < 3 * NOISE[i]


def test_speed_temperatures_and_what_goes_its_own_way_are_taken_as_they_are() -> None:
    relation = found(running(480, valve=0.01))
    assert [DRIVE.tags[i] for i in np.flatnonzero(relation.effect.any(axis=1))] == ["flow", "discharge", "power"]


def test_worn_rings_stand_out_although_speed_and_valve_move_further() -> None:
    relation = found(running(480))
    at = DRIVE.index("discharge")
    sound, worn = (relation.freed(running(480, strength=strength, seed=3))[:, at] for strength in (1.0, 0.94))
    assert np.mean(worn - sound) == pytest.approx(-0.06 * LEVELS[at], rel=0.1)
    assert -np.mean(worn - sound) > 8 * np.std(sound)


def test_a_pump_that_has_not_moved_gives_nothing_to_judge_by() -> None:
    relation = found(running(480, speed=0.0, valve=0.0))
    assert not relation.effect.any()


def test_a_fault_in_what_it_is_found_in_hardly_changes_it() -> None:
    rows = running(480)
    spoilt = rows.copy()
    spoilt[900:1000, DRIVE.index("power")] *= 1.5
    left = found(spoilt).freed(running(480, seed=2))
    assert np.std(left[:, DRIVE.index("power")]) < 4 * NOISE[DRIVE.index("power")]


def test_without_a_flow_meter_the_load_drives_and_without_units_nothing_does() -> None:
    rows = running(480)
    blind = rows.copy()
    blind[:, DRIVE.index("flow")] = np.nan
    assert [DRIVE.tags[i] for i in found(blind).drivers] == ["speed", "power"]
    bare = replace(DRIVE, sensors=tuple(replace(s, unit="") for s in DRIVE.sensors))
    assert relation_of(bare, rows, period_s=10.0) is None


def test_where_the_drivers_were_never_seen_the_limits_are_wider_but_not_those_of_what_drives() -> None:
    relation = found(running(480))
    inside = relation.point(relation.level)
    known = np.zeros(2, dtype=np.bool_)
    assert not relation.slack(inside, known).any()
    near, far = (relation.slack(inside + np.array([0.0, by]), known) for by in (0.6, 1.2))
    assert near[DRIVE.index("discharge")] < 0.5 * far[DRIVE.index("discharge")]
    assert far[DRIVE.index("speed")] == far[DRIVE.index("flow")] == 0.0
    fast = relation.slack(inside + np.array([1.2, 0.0]), known)
    assert fast[DRIVE.index("speed")] == 0.0 < fast[DRIVE.index("flow")]
    unknown = relation.slack(inside, np.array([False, True]))
    assert unknown[DRIVE.index("discharge")] == pytest.approx(relation.reach[DRIVE.index("discharge")])


def test_a_drive_that_has_kept_one_speed_may_take_another_by_the_laws_of_pumps() -> None:
    relation = found(running(60, speed=0.0, valve=0.0))
    slower = relation.level.copy()
    n = 0.96
    slower[[DRIVE.index(tag) for tag in ("speed", "flow", "discharge", "power")]] *= [n, n, n**2, n**3]
    slack = relation.slack(relation.point(slower), np.zeros(2, dtype=np.bool_))
    for tag in ("discharge", "power"):
        i = DRIVE.index(tag)
        assert slack[i] > abs(slower[i] - relation.level[i])


def test_beyond_what_was_seen_the_effects_go_on_straight() -> None:
    relation = found(running(480))
    ahead = [relation.expected(np.array([0.0, relation.high[1] + by])) for by in (1.0, 2.0, 3.0)]
    np.testing.assert_allclose(ahead[2] - ahead[1], ahead[1] - ahead[0], atol=1e-9)


def test_a_row_of_a_pump_among_others_is_judged_as_by_its_relation() -> None:
    relation, count = found(running(480)), len(DRIVE.sensors)
    by_speed = replace(relation, drivers=(0,), low=relation.low[:1], high=relation.high[:1],
                       effect=relation.effect[:, [0, 2]])  # fmt: skip
    rows, known = running(480, speed=0.1, valve=0.1, seed=4), np.zeros(2, dtype=np.bool_)
    points = AtPoints([None, relation, by_speed], np.ones((3, count)))
    last, offsets, wider = np.zeros((3, 2)), [], []
    for row in rows:
        offset, own, last = points.step(np.stack([row, row, row]), last)
        offsets.append(offset)
        wider.append(own)
    assert not np.array(offsets)[:, 0].any()
    assert (np.array(wider)[:, 0] == 1.0).all()
    np.testing.assert_allclose(np.array(offsets)[:, 1], relation.expected(relation.point(rows)), atol=1e-9)
    at_speed = by_speed.expected(by_speed.point(rows))
    np.testing.assert_allclose(np.array(offsets)[:, 2], at_speed, atol=1e-9)
    slack = [relation.slack(point, known) for point in relation.point(rows)]
    np.testing.assert_allclose(np.array(wider)[:, 1], np.hypot(1.0, slack), atol=1e-9)


def test_a_driver_without_a_value_is_where_it_was_and_the_limits_are_wider() -> None:
    relation, count = found(running(480)), len(DRIVE.sensors)
    points, row = AtPoints([relation], np.ones((1, count))), running(10)[:1]
    offset, _, last = points.step(row, np.zeros((1, 2)))
    blind = row.copy()
    blind[0, DRIVE.index("flow")] = np.nan
    again, wider, point = points.step(blind, last)
    np.testing.assert_array_equal(again, offset)
    np.testing.assert_array_equal(point, last)
    assert wider[0, DRIVE.index("discharge")] == pytest.approx(np.hypot(1.0, relation.reach[DRIVE.index("discharge")]))


def test_a_relation_is_stored_and_read_and_one_for_other_sensors_is_refused() -> None:
    relation = found(running(480))
    again = Relation.from_json(relation.to_json(), sensors=len(DRIVE.sensors))
    rows = running(10)
    np.testing.assert_array_equal(again.expected(again.point(rows)), relation.expected(relation.point(rows)))
    with pytest.raises(ValueError, match="made for"):
        Relation.from_json(relation.to_json(), sensors=3)


def test_a_first_guess_is_wider_for_what_goes_with_the_cube_of_the_speed() -> None:
    guess = first_guess(DRIVE, ordinary_level(running(60)))
    assert guess[DRIVE.index("power")] / LEVELS[DRIVE.index("power")] == pytest.approx(0.25, rel=0.1)
    assert guess[DRIVE.index("flow")] / LEVELS[DRIVE.index("flow")] == pytest.approx(0.15, rel=0.1)


def test_what_a_pump_is_supplied_with_may_move_by_a_metre_of_liquid_and_by_a_quarter_of_its_span_at_most() -> None:
    made = [
        Sensor("suction_pressure_bar", "Suction", "bar", (-1.0, 3.0), 0.01),
        Sensor("sump_level_m", "Sump", "m", (0.0, 2.0), 0.01),
        Sensor("head_m", "Head", "m", (0.0, 60.0), 0.1),
        Sensor("discharge_pressure_bar", "Discharge", "bar", (0.0, 10.0), 0.01),
    ]
    np.testing.assert_allclose(supply_moves(PumpProfile("supplied", tuple(made))), [0.098, 0.5, 0.0, 0.0])


def detector_with(relation: Relation | None) -> ChartDetector:
    n = len(DRIVE.sensors)
    limits = ScoreLimits(1.0, 1.0, 3.0, 0.0, np.ones(n), np.full(n, np.inf))
    return ChartDetector(
        DRIVE, None, conditioning=Conditioning(NOISE, np.ones(n)), chart=Chart(np.eye(n)), limits=limits,
        used=np.ones(n, dtype=np.bool_), period_s=10.0, window=1, relation=relation,
    )  # fmt: skip


def scores(detector: CombinedDetector, rows: Floats) -> list[tuple[float, Floats]]:
    stream = detector.stream()
    made = []
    for i, row in enumerate(rows):
        stream.feed(frame_of(row, second=10.0 * i), RunState.RUNNING)
        if not isinstance(stream.window(), str):
            result = stream.score(np.zeros(len(DRIVE.sensors)))
            made.append((result.score, result.usual))
    return made


def test_a_detector_judges_and_shows_what_belongs_to_the_operating_point() -> None:
    relation = found(running(480))
    detector = detector_with(relation)
    moved = running(120, speed=0.0, valve=0.05, seed=5)
    _, usual = scores(detector, moved)[-1]
    assert usual[DRIVE.index("discharge")] == pytest.approx(np.median(moved[-60:, DRIVE.index("discharge")]), rel=0.01)
    manifest = detector.to_manifest()
    again = ChartDetector.from_manifest(DRIVE, None, manifest)
    assert [s for s, _ in scores(again, moved)] == [s for s, _ in scores(detector, moved)]


def test_a_bundle_without_a_relation_takes_every_sensor_as_it_is() -> None:
    manifest = detector_with(None).to_manifest()
    assert "relation" not in manifest
    assert ChartDetector.from_manifest(DRIVE, None, manifest).relation is None


def test_a_driver_that_fails_raises_no_alarm_of_what_it_drives() -> None:
    rows = running(240, speed=0.0, seed=6)
    rows[900:, DRIVE.index("flow")] = np.nan
    after = [score for score, _ in scores(detector_with(found(running(480))), rows)][-500:]
    assert max(after) < 1.0
