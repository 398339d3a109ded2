"""Pumps that learn themselves under odd conditions: each comes to a clear end, and none to a false alarm."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.detection import Detection, LearningPhase, NotScored
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.infer.evaluation.recorded_frames import frames_of
from pumpwatch_gui.infer.evaluation.scoring import ScoredRow
from pumpwatch_gui.infer.learning.learner import FIRST_S, Learner
from pumpwatch_gui.infer.learning.material import Material
from pumpwatch_gui.infer.learning.recorded import learn_rows
from tests.infer.learning.own_pumps import START_S, Kind, healthy, profile_of

Floats = NDArray[np.float64]

KIND = Kind(
    {
        "motor_rpm": (1450.0, "rpm", 0.0006),
        "flow": (900.0, "L/min", 0.01),
        "head": (2.1, "bar", 0.008),
        "motor_current_a": (12.0, "A", 0.006),
        "vibration": (1.6, "mm/s", 0.06),
    },
    1500.0,
    10.0,
    0.02,
)
"""One whose speed and current show whether it runs."""
PROFILE = profile_of(KIND)
VIBRATION = PROFILE.tags.index("vibration")


@dataclass
class Outcome:
    """What came of feeding a recording to a pump that starts without a model. Times are hours."""

    rows: list[ScoredRow]
    reported: list[str]

    @property
    def raised(self) -> list[tuple[float, str]]:
        """When alarms were raised, and by which sensor."""
        new = [b for a, b in pairwise(self.rows) if b.alarm and not a.alarm]
        return [(round((row.time_ns / 1e9 - START_S) / 3600, 1), _leading(row)) for row in new]

    @property
    def whys(self) -> list[str]:
        """Why rows were not scored."""
        return [row.score_result.why for row in self.rows if isinstance(row.score_result, NotScored)]


def _leading(row: ScoredRow) -> str:
    assert isinstance(row.score_result, Detection)
    return PROFILE.tags[int(np.argmax(row.score_result.shares))]


def learnt(change: Callable[[Floats, Floats], None], *, hours: float, seed: int = 3) -> Outcome:
    """Feed a healthy pump whose values (m, n) `change` has changed by the hours (m,) since the start."""
    recording = healthy(KIND, hours=hours, seed=seed)
    values = recording.values.copy()
    change(values, (recording.time_s - START_S) / 3600)
    reported: list[str] = []
    return Outcome(list(learn_rows(PROFILE, [replace(recording, values=values)], report=reported.append)), reported)


def stopping(run_min: float, stop_min: float) -> Callable[[Floats, Floats], None]:
    """A pump that runs and is stopped in turn all day."""

    def change(values: Floats, hours: Floats) -> None:
        is_stopped = (60 * hours) % (run_min + stop_min) >= run_min
        values[is_stopped] = (0.0, 0.0, 0.4, 0.0, 0.02)

    return change


def test_a_pump_that_starts_and_stops_all_day_learns_from_what_runs_steadily_and_raises_no_alarm() -> None:
    found = learnt(stopping(20, 20), hours=12)
    assert found.raised == []
    assert [text[:15] for text in found.reported] == ["learnt from 1 h", "learnt from 3 h"]
    assert "pump stopped" in found.whys[-1]


def test_a_pump_that_never_runs_for_long_enough_says_so_and_is_never_armed() -> None:
    found = learnt(stopping(4, 4), hours=6)
    assert (found.raised, found.reported) == ([], [])
    assert {why.partition(": ")[2] for why in found.whys} == {"", "pump stopped", "the pump settles"}
    assert found.whys[-1].startswith("learning, 0 h ")


def test_another_of_three_modes_is_a_new_operating_region_that_is_learnt() -> None:
    """The first change of speed comes before any has been seen: what it raises ends when the region is learnt."""

    def three_speeds(values: Floats, hours: Floats) -> None:
        speed = np.array([1.0, 0.85, 0.7])[(hours / (7 / 6)).astype(int) % 3]
        speed = np.convolve(np.concatenate((np.ones(5), speed)), np.ones(6) / 6, mode="valid")
        values *= np.column_stack([speed, speed, speed**2, speed**3, speed**2])

    found = learnt(three_speeds, hours=12)
    regions = [text for text in found.reported if "new operating region" in text]
    assert [text.partition("region, ")[2][:5] for text in regions] == ["1,211", "1,017"]
    later = [hour for hour, _ in found.raised if hour > 8.5]
    assert later == [], found.reported
    assert np.mean([row.alarm for row in found.rows]) < 0.05


def test_a_sensor_that_joins_after_the_last_fit_is_learnt_and_then_judged() -> None:
    def joins(values: Floats, hours: Floats) -> None:
        values[hours < 26, VIBRATION] = np.nan
        values[hours >= 28, VIBRATION] *= 3

    found = learnt(joins, hours=29, seed=4)
    assert found.raised == [(28.0, "vibration")]
    assert found.reported[-1].endswith("(values of vibration have come)")


def test_a_sensor_exchanged_for_another_range_is_an_alarm_that_names_it_until_a_person_answers() -> None:
    def exchanged(values: Floats, hours: Floats) -> None:
        values[hours >= 5, VIBRATION] *= 1.6

    found = learnt(exchanged, hours=8)
    assert found.raised == [(5.0, "vibration")]
    assert found.rows[-1].alarm


def test_a_sensor_in_another_unit_begins_again(tmp_path: Path) -> None:
    learner = Learner(PROFILE, Material(tmp_path, PROFILE, first_due_s=FIRST_S))
    for frame in islice(frames_of(healthy(KIND, hours=1, seed=1), PROFILE, pump_id="P-1"), 300):
        learner.feed(frame, RunState.RUNNING)
    learner.close()
    assert learner.counted_s > 2000
    old = PROFILE.sensors[VIBRATION]
    exchanged = Sensor(old.tag, old.label, "in/s", old.span, old.resolution)
    profile = replace(PROFILE, sensors=(*PROFILE.sensors[:VIBRATION], exchanged))
    material = Material(tmp_path, profile, first_due_s=FIRST_S)
    assert material.began_anew
    assert material.progress.counted_s == 0.0


def test_a_step_of_the_wall_clock_while_it_learns_mixes_nothing(tmp_path: Path) -> None:
    """The clock is set back by two hours after 40 minutes: what was read later stays later."""
    material = Material(tmp_path, PROFILE, first_due_s=FIRST_S)
    learner, step_ns = Learner(PROFILE, material), 7200 * 10**9
    recording = healthy(KIND, hours=1.5, seed=2)
    for i, frame in enumerate(frames_of(recording, PROFILE, pump_id="P-1")):
        learner.feed(replace(frame, time_ns=frame.time_ns - step_ns * (i >= 240)), RunState.RUNNING)
    fit = learner.due()
    assert fit is not None
    assert fit.running_s >= FIRST_S
    (kept,) = material.recordings(fit.blocks)
    assert np.all(np.diff(kept.time_s) > 0)
    first = round((kept.time_s[0] - recording.time_s[0]) / KIND.period_s)
    expected = recording.values[first : first + len(kept.values)]
    assert np.allclose(kept.values, expected, rtol=1e-6)


def test_the_phase_does_not_go_back_when_a_busy_line_reads_a_little_slower(tmp_path: Path) -> None:
    slow = replace(KIND, period_s=30.0)
    profile = profile_of(slow)
    learner = Learner(profile, Material(tmp_path, profile, first_due_s=FIRST_S))
    frames = list(frames_of(healthy(slow, hours=4, seed=1), profile, pump_id="P-1"))
    for frame in frames[:380]:
        learner.feed(frame, RunState.RUNNING)
    fit = learner.due()
    assert fit is not None
    learner.fitted(fit, "v1", "", text="learnt")
    assert (learner.view().phase, learner.view().goal_s) == (LearningPhase.ARMED, 3 * 3600.0)
    last_ns = frames[379].mono_ns
    for i, frame in enumerate(frames[380:420]):
        learner.feed(replace(frame, mono_ns=last_ns + (i + 1) * 35 * 10**9), RunState.RUNNING)
    assert (learner.view().phase, learner.view().goal_s) == (LearningPhase.ARMED, 3 * 3600.0)
