"""Pumps that nobody trained for, from a cold start: no alarm while they are healthy, one when they are not."""

from dataclasses import replace
from itertools import pairwise
from math import inf
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.acquire.simulator.foreign import KNOWN
from pumpwatch_gui.bench.rigs.foreign_pumps import faults
from pumpwatch_gui.domain.detection import Detection, NotScored
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.bundles.bundle import load_bundle
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.evaluation.scoring import ScoredRow
from pumpwatch_gui.infer.learning.fitting import learn
from pumpwatch_gui.infer.learning.learner import REFITS_S, caution_at, threshold_factor_at
from pumpwatch_gui.infer.learning.recorded import learn_rows
from tests.infer.learning.own_pumps import KINDS, START_S, healthy, profile_of

HOURS = 6.0


def changed(recording: Recording, tag_at: int, *, from_h: float, factor: float) -> Recording:
    values = recording.values.copy()
    values[recording.time_s >= START_S + from_h * 3600, tag_at] *= factor
    return replace(recording, values=values)


def hours_of(row: ScoredRow) -> float:
    return (row.time_ns / 1e9 - START_S) / 3600


def raised_at(rows: list[ScoredRow]) -> list[float]:
    return [hours_of(b) for a, b in pairwise(rows) if b.alarm and not a.alarm]


@pytest.mark.parametrize("name", KINDS)
def test_a_pump_nobody_trained_for_learns_in_silence_and_tells_a_fault_afterwards(name: str) -> None:
    kind = KINDS[name]
    profile = profile_of(kind)
    flow = profile.tags.index("flow")
    recording = changed(healthy(kind, hours=HOURS, seed=3), flow, from_h=5.0, factor=0.7)
    reported: list[str] = []
    rows = list(learn_rows(profile, [recording], report=reported.append))
    alarms = raised_at(rows)
    assert [round(hour, 1) for hour in alarms] == [5.0], reported
    assert alarms[0] - 5.0 < 90 / 3600
    (first,) = [row for row in rows if hours_of(row) == alarms[0]]
    assert isinstance(first.score_result, Detection)
    assert profile.tags[int(np.argmax(first.score_result.shares))] == "flow"
    assert reported[0].startswith("learnt from 1 h")
    assert any(text.startswith("learnt from 3 h") for text in reported)


@pytest.mark.parametrize("has_fault_in_first_hours", [False, True])
def test_a_pump_read_once_a_minute_is_armed_in_time_with_and_without_a_fault_in_its_first_hours(
    has_fault_in_first_hours: bool,
) -> None:
    """Sixteen faults, one by one, begin after six hours: while one is not detected the pump is not armed."""
    slow = next(kind for kind in KNOWN if kind.period_s == 60.0)
    found, _ = faults((slow, 31, has_fault_in_first_hours))
    assert len(found) == 16
    assert sum(one.delay_s < inf for one in found) >= 14


def test_while_it_learns_the_pump_says_how_far_it_has_come_and_raises_no_alarm() -> None:
    kind = KINDS["2 kW, five sensors, every 10 s"]
    recording = changed(healthy(kind, hours=1.0, seed=1), 0, from_h=0.5, factor=0.6)
    rows = list(learn_rows(profile_of(kind), [recording]))
    assert not any(row.alarm for row in rows)
    whys = [row.score_result.why for row in rows if isinstance(row.score_result, NotScored)]
    assert len(whys) == len(rows)
    assert whys[0] == "learning, 0 h 00 m of 3 h: the pump settles"
    assert whys[-1] == "learning, 0 h 59 m of 3 h"


def test_running_beyond_a_limit_of_the_site_does_not_count() -> None:
    kind = KINDS["2 kW, five sensors, every 10 s"]
    profile = profile_of(kind, winding=Limits(high=30.0))
    rows = list(learn_rows(profile, [healthy(kind, hours=1.5, seed=1)]))
    last = rows[-1].score_result
    assert isinstance(last, NotScored)
    assert last.why == "learning, 0 h 00 m of 3 h: winding beyond its limit"


def test_a_pump_that_is_never_calm_is_said_to_be_so_and_never_armed() -> None:
    kind = KINDS["2 kW, five sensors, every 10 s"]
    recording = healthy(kind, hours=4.5, seed=2)
    values, rng = recording.values.copy(), np.random.default_rng(5)
    bursts = np.clip(np.abs(rng.standard_cauchy(len(values) // 12 + 1)), 0, 12) ** 2  # two minutes each, no two alike
    values[:, 3] = np.minimum(values[:, 3] + 0.03 * np.repeat(bursts, 12)[: len(values)], 5.0)
    reported: list[str] = []
    rows = list(learn_rows(profile_of(kind), [replace(recording, values=values)], report=reported.append))
    assert not any(isinstance(row.score_result, Detection) for row in rows)
    assert all(text.startswith("not calm after ") for text in reported)
    last = rows[-1].score_result
    assert isinstance(last, NotScored)
    assert "not calm: vibration moves about too widely to be judged" in last.why


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("name", KINDS)
def test_a_healthy_pump_raises_at_most_one_alarm_in_its_first_thirty_hours(name: str, seed: int) -> None:
    kind = KINDS[name]
    rows = list(learn_rows(profile_of(kind), [healthy(kind, hours=30.0, seed=seed)]))
    assert len(raised_at(rows)) <= 1
    assert sum(isinstance(row.score_result, Detection) for row in rows) > 0.8 * len(rows)


@pytest.mark.parametrize("running_s", [*REFITS_S, 10 * REFITS_S[-1]])
def test_the_supply_may_move_by_a_metre_of_liquid_however_long_the_pump_has_been_seen(
    tmp_path: Path, running_s: float
) -> None:
    kind = KINDS["160 kW, 2,950 rpm, every 5 s"]
    profile = profile_of(kind)
    learnt = learn(
        profile, [healthy(kind, hours=4.0, seed=1)], tmp_path / "model", name="own",
        threshold_factor=threshold_factor_at(running_s), caution=caution_at(running_s),
    )  # fmt: skip
    assert learnt.path is not None, learnt.calm.words
    detector = load_bundle(learnt.path, profile).detector
    assert isinstance(detector, CombinedDetector)
    assert detector.alarm_distances[profile.index("suction")] >= 0.098 * (1 - 1e-9)
