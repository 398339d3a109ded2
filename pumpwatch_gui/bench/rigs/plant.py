"""The simulated-plant protocol: days of normal running and every fault, streamed through the live scorer and alarm."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from pumpwatch_gui.acquire.simulator.faults import FAULTS, FaultSpec
from pumpwatch_gui.acquire.simulator.plant import Plant
from pumpwatch_gui.domain.alarms.alarm import Stimulus
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.infer.bundles.bundle import load_bundle
from pumpwatch_gui.infer.live.scorer import Scorer
from pumpwatch_gui.judge.sources.anomaly import AnomalyJudge
from pumpwatch_gui.settings.profile_file import load_profile

SEVERITIES = {"mild": 0.3, "moderate": 0.6, "severe": 1.0}
ONSET_S = 7200.0
FAULT_S = 1800.0
HOURS = 72.0
PUMPS = 10
SEED = 9001
"""Of its own: `simulate --history`, which makes training data, starts at seed 1."""
_STEPS_A_SECOND = 10


@dataclass(slots=True)
class WatchedPump:
    """What the alarm of one pump did: rows seen, scored and in alarm, and each alarm as (second, leading tag).

    `missing` is the first second at which a tag was said to be missing, with that tag.
    """

    rows: int
    scored: int
    in_alarm: int
    raised: list[tuple[float, str]]
    missing: list[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class FaultOutcome:
    """How a fault was detected: seconds after its onset (infinite: not at all) and the tag that led, "" for none."""

    fault: str
    severity: float
    delay_s: float
    tag: str

    @property
    def is_detected(self) -> bool:
        """Whether it was."""
        return self.delay_s < inf

    @property
    def led_well(self) -> bool:
        """Whether the leading sensor is one of the two strongest symptoms of the fault (or one as strong)."""
        return self.tag in leading(self.fault)


def watch(plant: Plant, *, hours: float) -> dict[str, WatchedPump]:
    """Run a plant for that long; every pump is read at 1 Hz and judged by the shipped model as the program does."""
    profile = load_profile("centrifugal")
    bundle = load_bundle(shipped("models") / "centrifugal", profile)
    rule, scorer = run_rule(profile), Scorer()
    judges = {pump_id: AnomalyJudge(profile) for pump_id in plant.pump_ids}
    seen = {pump_id: WatchedPump(0, 0, 0, [], []) for pump_id in plant.pump_ids}
    for pump_id in plant.pump_ids:
        scorer.assign(pump_id, profile, bundle)
    for frames in _seconds(plant, hours=hours):
        for frame in frames:
            scorer.feed(frame, state_of(frame, profile.tags, rule))
            seen[frame.pump_id].rows += 1
        for score_result in scorer.score_due():
            if isinstance(score_result, Detection):
                _take(seen[score_result.pump_id], judges[score_result.pump_id], score_result)
    return seen


def _take(seen: WatchedPump, judge: AnomalyJudge, score_result: Detection) -> None:
    finding, second = judge.judge(score_result), score_result.time_ns / 1e9
    seen.scored += 1
    seen.in_alarm += judge.active
    if finding is not None and finding.stimulus is Stimulus.RAISED:
        seen.raised.append((second, finding.tag))
    for tag, state in zip(STANDARD_TAGS, score_result.sensor_states, strict=True):
        if state == "MISSING" and tag not in [t for _, t in seen.missing]:
            seen.missing.append((second, tag))


def _seconds(plant: Plant, *, hours: float) -> Iterator[list[Frame]]:
    """The frames of all pumps, second by second."""
    seq = 0
    for readings in plant.stream(round(hours * 3600) * _STEPS_A_SECOND):
        each = readings.part(slice(_STEPS_A_SECOND - 1, None, _STEPS_A_SECOND))
        bad = np.isnan(each.values)
        quality = np.where(bad, Quality.BAD, Quality.GOOD).astype(np.uint8)
        reason = np.where(bad, Reason.SENSOR_FAILURE, Reason.NONE).astype(np.uint8)
        for i, time_s in enumerate(each.time_s.tolist()):
            ns = round(time_s * 1e9)
            yield [
                Frame(pump_id, seq, ns, ns, each.values[i, p].copy(), quality[i, p].copy(), reason[i, p].copy())
                for p, pump_id in enumerate(plant.pump_ids)
            ]
            seq += 1


def normal(part: tuple[int, int, float]) -> list[WatchedPump]:
    """(seed, pumps, hours) of healthy running from a cold start: starts, stops, valve moves, the day's swing."""
    seed, pumps, hours = part
    return list(watch(Plant(pumps, seed=seed, cold=True, cycles=True), hours=hours).values())


def faults(part: tuple[int, Sequence[tuple[str, float]]]) -> list[FaultOutcome]:
    """(seed, (fault, severity)…): a pump for each, healthy for two hours after a cold start, then half an hour ill."""
    seed, cases = part
    specs = [FaultSpec(f"P-{101 + i}", name, ONSET_S, severity) for i, (name, severity) in enumerate(cases)]
    plant = Plant(len(cases), seed=seed, cold=True, faults=specs)
    seen = watch(plant, hours=(ONSET_S + FAULT_S) / 3600)
    return [_outcome(spec, seen[spec.pump_id]) for spec in specs]


def _outcome(spec: FaultSpec, seen: WatchedPump) -> FaultOutcome:
    found = sorted((t, tag) for t, tag in (*seen.raised, *seen.missing) if t >= spec.onset_s)
    time_s, tag = found[0] if found else (inf, "")
    return FaultOutcome(spec.fault, spec.severity, time_s - spec.onset_s, tag)


def every_case() -> list[tuple[str, float]]:
    """Every fault of the simulator at every severity."""
    return [(name, severity) for name in FAULTS for severity in SEVERITIES.values()]


def leading(fault: str) -> frozenset[str]:
    """The tags of the two strongest symptoms of a fault, with those as strong as the second (fault-symptom table)."""
    kind = FAULTS[fault]
    if kind.sensor:
        return frozenset((kind.sensor,))
    strength = {tag: _strength(sign) for tag, sign in kind.symptoms.items()}
    second = sorted(strength.values())[-2]
    return frozenset(tag for tag, value in strength.items() if value >= max(second, 1e-9))


def _strength(sign: str) -> float:
    """`++` is strong, `+` or `~` plain, brackets weak or late, `0` none."""
    if sign.startswith("("):
        return 0.5
    first = sign.split("/")[-1] if sign.startswith("0/") else sign
    return float(max(first.count("+"), first.count("-"), 1 if "~" in first else 0))
