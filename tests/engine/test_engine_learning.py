"""A pump of the station that learns itself: armed, refitted, gone on after a restart, begun again."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from pumpwatch_gui.domain.commands import Rebaseline
from pumpwatch_gui.domain.detection import Detection, NotScored, ScoreResult
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.engine.models.model_lifecycle import ModelLifecycle
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.infer.evaluation.recorded_frames import frames_of
from pumpwatch_gui.infer.training.train import train_on
from tests.infer.learning.own_pumps import KINDS, healthy, profile_of

WaitUntil = Callable[..., None]
KIND = KINDS["2 kW, five sensors, every 10 s"]
PROFILE = profile_of(KIND)
PUMP = PumpSettings("P-1", "Small pump", PROFILE, "own", "learn", ())
AN_HOUR = 360  # rows


class Running:
    """The models of a station with one pump, fed with its frames as fast as they come."""

    def __init__(self, folder: Path, pump: PumpSettings = PUMP) -> None:
        self.journal: list[str] = []
        self.registry = ModelRegistry(folder)
        self.models = ModelLifecycle(
            self.registry,
            warn=lambda _, text: self.journal.append(text),
            audit=lambda _, __, text: self.journal.append(text),
        )
        self.pump = pump
        self.models.assign(pump, None)

    def feed(self, frames: Iterator[Frame], rows: int) -> ScoreResult:
        rule = run_rule(self.pump.profile)
        results: list[ScoreResult] = []
        for frame in islice(frames, rows):
            self.models.feed([(frame, state_of(frame, self.pump.profile.tags, rule))])
            results = self.models.score_results()
        return results[-1]

    def wait_for(self, text: str, wait_until: WaitUntil) -> None:
        def is_there() -> bool:
            self.models.score_results()
            return any(text in line for line in self.journal)

        wait_until(is_there, within_s=60, what=f"{text} in {self.journal}")


@pytest.fixture
def frames() -> Iterator[Frame]:
    return frames_of(healthy(KIND, hours=9, seed=4), PROFILE, pump_id="P-1")


def test_it_is_armed_after_an_hour_refitted_at_three_and_goes_on_after_a_restart(
    tmp_path: Path, frames: Iterator[Frame], wait_until: WaitUntil
) -> None:
    running = Running(tmp_path)
    learning = running.feed(frames, AN_HOUR // 2)
    assert isinstance(learning, NotScored)
    assert (learning.why, learning.has_model) == ("learning, 0 h 29 m of 3 h", False)
    running.models.close()

    running = Running(tmp_path)
    learning = running.feed(frames, 2)
    assert isinstance(learning, NotScored)
    assert learning.why == "learning, 0 h 29 m of 3 h: the pump settles"
    running.feed(frames, AN_HOUR - 60)
    running.wait_for("Learnt from 1 h", wait_until)
    assert "provisionally" in running.journal[-1]
    first = running.feed(frames, AN_HOUR)
    assert isinstance(first, Detection)
    assert first.kind == "chart"
    running.feed(frames, AN_HOUR)
    running.wait_for("Learnt from 3 h", wait_until)
    assert "→" in running.journal[-1]
    (newest, *_), active = running.registry.models("P-1"), running.registry.state("P-1").active
    assert (len(running.registry.models("P-1")), newest.version) == (2, active)
    running.models.close()

    running = Running(tmp_path)
    again = running.feed(frames, 60)
    assert isinstance(again, Detection)
    assert again.model_version == active
    running.models.close()


def test_rebaseline_begins_anew_and_other_sensors_do_as_well(
    tmp_path: Path, frames: Iterator[Frame], wait_until: WaitUntil
) -> None:
    running = Running(tmp_path)
    running.feed(frames, AN_HOUR + 60)
    running.wait_for("Learnt from 1 h", wait_until)
    assert "learns again" in running.models.execute(Rebaseline("P-1"), PUMP, None)
    learning = running.feed(frames, AN_HOUR // 4)
    assert isinstance(learning, NotScored)
    assert learning.why == "learning, 0 h 15 m of 3 h"
    running.models.close()

    fewer = PumpProfile("fewer", PROFILE.sensors[1:])
    running = Running(tmp_path, PumpSettings("P-1", "Another pump", fewer, "fewer", "learn", ()))
    assert any("begins again" in line for line in running.journal)
    running.models.close()


def test_a_model_promoted_by_hand_stays_active_when_the_pump_has_learnt(
    tmp_path: Path, frames: Iterator[Frame], wait_until: WaitUntil, own_chart: Path
) -> None:
    running = Running(tmp_path)
    version = running.registry.add("P-1", own_chart)
    running.registry.promote("P-1", version, site_model="learn")
    running.models.assign(PUMP, None)
    running.feed(frames, AN_HOUR + 60)
    running.wait_for("the model promoted by hand stays", wait_until)
    assert running.registry.state("P-1").active == version
    running.models.close()


@pytest.fixture
def own_chart(tmp_path: Path) -> Path:
    recording = healthy(KIND, hours=1.5, seed=9)
    return train_on(PROFILE, [recording], tmp_path / "by-hand", kind="chart").path


def on_disk(folder: Path, *, seed: int, factor: float) -> Path:
    """A model of another pump whose flow is `factor` times as steady."""
    recording = healthy(KIND, hours=1.5, seed=seed)
    values = recording.values.copy()
    values[:, 0] = values[:, 0].mean() + (values[:, 0] - values[:, 0].mean()) / factor
    return train_on(PROFILE, [replace(recording, values=values)], folder / "other", kind="chart").path


def test_a_model_named_for_a_pump_that_varies_much_more_is_refused_after_its_first_hour(
    tmp_path: Path, frames: Iterator[Frame]
) -> None:
    pump = replace(PUMP, model=str(on_disk(tmp_path, seed=8, factor=5.0)))
    running = Running(tmp_path / "models", pump)
    assert isinstance(running.feed(frames, AN_HOUR), Detection)
    refused = running.feed(frames, 60)
    assert isinstance(refused, NotScored)
    assert refused.why.startswith("model other does not fit this pump: flow varies ")
    assert "is refused: flow varies" in running.journal[-1]
    again = Running(tmp_path / "models", pump).feed(frames, 1)
    assert isinstance(again, NotScored)
    assert again.why == refused.why


def test_a_model_of_such_a_pump_is_kept(tmp_path: Path, frames: Iterator[Frame]) -> None:
    pump = replace(PUMP, model=str(on_disk(tmp_path, seed=8, factor=1.0)))
    running = Running(tmp_path / "models", pump)
    assert isinstance(running.feed(frames, AN_HOUR + 120), Detection)
    assert running.journal == []
