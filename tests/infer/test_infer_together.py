"""All pumps in one step: each goes on as if it were alone, bit for bit, whatever the others are and do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from pumpwatch_gui.domain.detection import Detection, NotScored, ScoreResult
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.infer.bundles.bundle import Bundle
from pumpwatch_gui.infer.detectors.chart import Chart
from pumpwatch_gui.infer.detectors.combined import ChartDetector, CombinedDetector
from pumpwatch_gui.infer.detectors.conditioner import Conditioning
from pumpwatch_gui.infer.detectors.detector import Floats, Windows
from pumpwatch_gui.infer.detectors.relation import Relation
from pumpwatch_gui.infer.detectors.score_limits import ScoreLimits
from pumpwatch_gui.infer.live.scorer import Scorer
from pumpwatch_gui.infer.network.autoencoder import Autoencoder
from tests.infer.infer_builders import bundle_of

WINDOW = 3


class Absolute(Autoencoder):
    """A network that errs by the mean of what it is given, and counts the windows it was asked about."""

    def __init__(self) -> None:
        blank = Autoencoder.blank(window=WINDOW, sensors=4)
        super().__init__(Path(), blank.weights, window=WINDOW)
        self.asked = 0

    @override
    def errors(self, windows: Windows) -> Floats:
        self.asked += len(windows)
        errors: Floats = np.abs(windows).mean(axis=1, dtype=np.float64)
        return errors


def relation(seed: int, sensors: int) -> Relation:
    """The second sensor drives the others."""
    effect = 0.2 * np.random.default_rng([seed, 1]).normal(size=(sensors, 2))
    effect[1] = 0.0
    one = np.ones(1)
    return Relation((1,), np.zeros(sensors), np.ones(sensors), -one, one, effect)


def model(seed: int, sensors: int, network: Autoencoder | None) -> Bundle:
    """A model of its own: quick to settle, to freeze and to let go."""
    noise = np.random.default_rng(seed)
    tags = ("motor_rpm", "flow", "heat", "hum")[-sensors:]
    profile = PumpProfile("p", tuple(Sensor(tag, tag, "u", (-1e6, 1e6), 0.01) for tag in tags))
    mixed = np.eye(sensors) + 0.1 * noise.normal(size=(sensors, sensors))
    detector = (CombinedDetector if network else ChartDetector)(
        profile,
        network,
        conditioning=Conditioning(
            np.full(sensors, noise.uniform(0.5, 2.0)), np.full(sensors, 0.5), settle_s=noise.uniform(2, 4),
            start_s=5.0, freeze_s=noise.uniform(8, 30), baseline_s=20.0, smooth_s=2.0, keep_s=100.0, stretch=1.0,
        ),
        chart=Chart(mixed),
        limits=ScoreLimits(
            2.0, 0.5, noise.uniform(1.0, 1.5), 0.3 if network else 0.0, np.full(sensors, 0.5), np.full(sensors, 60.0)
        ),
        used=np.arange(sensors) != (1 if seed % 5 == 4 else -1),
        period_s=1.0,
        window=WINDOW,
        relation=relation(seed, sensors) if seed % 3 == 1 else None,
    )  # fmt: skip
    return bundle_of(detector, version=f"v{seed}", profile=profile)


class Plant:
    """Pumps with a healthy level each, which they leave, and which stop, lose sensors, come late or not at all."""

    def __init__(self, seed: int, sensors: list[int]) -> None:
        self.noise = np.random.default_rng(seed)
        self.sensors = sensors
        self.at_s = np.zeros(len(sensors))
        self.off = [np.zeros(n) for n in sensors]
        self.state = [RunState.RUNNING] * len(sensors)

    def frames(self) -> list[tuple[Frame, RunState]]:
        """What comes in one tick: none, one or two frames of each pump."""
        found = []
        for i, n in enumerate(self.sensors):
            for _ in range(self.noise.choice(3, p=(0.15, 0.75, 0.1))):
                found.append((self._frame(i, n), self.state[i]))
        return found

    def _frame(self, i: int, n: int) -> Frame:
        pick = self.noise.random
        self.at_s[i] += self.noise.choice((1.0, 0.37, 1.9, 40.0, 500.0), p=(0.9, 0.04, 0.04, 0.015, 0.005))
        if pick() < 0.02:
            self.state[i] = RunState(self.noise.choice([state.value for state in RunState]))
        elif pick() < 0.2:
            self.state[i] = RunState.RUNNING
        if pick() < 0.03:
            self.off[i] = np.where(self.noise.random(n) < 0.4, self.noise.normal(0, 8, n), 0.0)
        values = 100.0 + self.off[i] + self.noise.normal(0, 0.7, n)
        quality = np.full(n, Quality.GOOD, dtype=np.uint8)
        if pick() < 0.08:
            quality = self.noise.choice((Quality.GOOD, Quality.UNCERTAIN, Quality.BAD), n).astype(np.uint8)
        values[quality == Quality.BAD] = np.nan
        reason = np.where(quality == Quality.GOOD, Reason.NONE, Reason.SENSOR_FAILURE).astype(np.uint8)
        ns = round(self.at_s[i] * 1e9)
        return Frame(f"P-{i}", 0, ns, ns, values, quality, reason)


def content_of(result: ScoreResult) -> tuple[object, ...]:
    """All that a result says."""
    if isinstance(result, NotScored):
        return result.pump_id, result.time_ns, result.why
    arrays = result.shares, result.usual, result.present, result.sensor_anomaly_counts
    exact = [array.tobytes() for array in arrays]
    return result.pump_id, result.time_ns, result.score, result.reconstruction_loss, result.sensor_states, *exact


def scorer_of(models: dict[str, Bundle], notes: list[tuple[str, str]]) -> Scorer:
    scorer = Scorer(on_note=lambda pump_id, text: notes.append((pump_id, text)))
    for pump_id, bundle in models.items():
        scorer.assign(pump_id, profile_of(bundle), bundle)
    return scorer


def profile_of(bundle: Bundle) -> PumpProfile:
    detector = bundle.detector
    assert isinstance(detector, CombinedDetector)
    return detector.profile


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kinds=st.lists(st.integers(0, 7), min_size=2, max_size=9))
def test_pumps_in_one_step_are_judged_as_each_alone(seed: int, kinds: list[int]) -> None:
    bundles = {kind: model(kind, 3 + kind % 2, Absolute() if kind in (1, 3, 5) else None) for kind in set(kinds)}
    models = {f"P-{i}": bundles[kind] for i, kind in enumerate(kinds)}
    plant = Plant(seed, [3 + kind % 2 for kind in kinds])
    noted, noted_alone = list[tuple[str, str]](), list[tuple[str, str]]()
    together = scorer_of(models, noted)
    alone = {pump_id: scorer_of({pump_id: bundle}, noted_alone) for pump_id, bundle in models.items()}
    for tick in range(150):
        frames = plant.frames()
        together.feed_all(frames)
        for frame, state in frames:
            alone[frame.pump_id].feed(frame, state)
        if tick == 100:
            for scorer in (together, alone["P-0"]):
                scorer.rebaseline("P-0")
            assert together.take_level("P-1") == alone["P-1"].take_level("P-1")
        own = [content_of(result) for scorer in alone.values() for result in scorer.score_due()]
        assert sorted(map(content_of, together.score_due()), key=str) == sorted(own, key=str)
        for pump_id, scorer in alone.items():
            assert together.kept(pump_id).tobytes() == scorer.kept(pump_id).tobytes()
    assert sorted(noted) == sorted(noted_alone)
    assert together.count == sum(scorer.count for scorer in alone.values())


def test_the_plant_of_this_test_alarms_releases_and_scores() -> None:
    notes = list[tuple[str, str]]()
    models = {f"P-{i}": model(i, 3 + i % 2, Absolute() if i == 1 else None) for i in range(8)}
    scorer, plant = scorer_of(models, notes), Plant(5, [3 + i % 2 for i in range(8)])
    results, kept = list[ScoreResult](), list[bool]()
    for _ in range(600):
        scorer.feed_all(plant.frames())
        results += scorer.score_due()
        kept += [bool(np.isfinite(scorer.kept(pump_id)).any()) for pump_id in models]
    found = [result for result in results if isinstance(result, Detection)]
    assert len(found) > 1000
    assert sum(result.is_anomaly for result in found) > 100
    assert sum(kept) > 50
    assert any("What raised the anomaly alarm is over" in text for _, text in notes)
    whys = {result.why.split(",")[0] for result in results if isinstance(result, NotScored)}
    assert {"pump stopped", "no data", "settling", "the speed is changing"} <= whys


def test_the_network_is_asked_only_about_a_window_with_a_new_row() -> None:
    network = Absolute()
    bundle = model(2, 4, network)
    scorer = scorer_of({"P-0": bundle, "P-1": replace(bundle)}, [])
    noise, scores = np.random.default_rng(1), 0
    zero = np.zeros(4, dtype=np.uint8)
    for tick in range(400):
        ns = tick * 10**8
        values = noise.normal(100.0, 0.7, (2, 4))
        frames = [Frame(f"P-{i}", 0, ns, ns, values[i], zero, zero) for i in range(2)]
        scorer.feed_all((frame, RunState.RUNNING) for frame in frames)
        scores += sum(isinstance(result, Detection) for result in scorer.score_due())
    assert scores > 600
    assert network.asked < scores / 8
