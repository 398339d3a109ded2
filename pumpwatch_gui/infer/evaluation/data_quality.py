"""The data-quality report: what is wrong with a recording, told before a model is made of it."""

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.data_quality import QualityFinding, QualityReport, Severity, gravest_first
from pumpwatch_gui.domain.values.pace import GAP_PERIODS, LEAST_GAP_S
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.training.modes import Modes, levels, modes_of
from pumpwatch_gui.infer.training.normal_running import REFUSE_BELOW_S, WARN_BELOW_S, Commissioning

Floats = NDArray[np.float64]

IN_ALARM = 0.01
MOSTLY_IN_ALARM = 0.5
MUCH_MISSING = 0.02
FLAT_S = 600.0


def quality_report(recording: Recording, profile: PumpProfile) -> QualityReport:
    """Look a recording over: length, gaps, what the reader dropped, and each sensor's holes, flat lines and modes."""
    commissioning = Commissioning(profile, (recording,))
    (seen,) = commissioning.seen()
    running = seen.running
    running_s = float(seen.steps_s.sum())
    period_s = float(np.median(np.diff(recording.time_s))) if recording.time_s.size > 1 else float("nan")
    findings = [*_length(running_s), *_gaps(recording.time_s, period_s), *_notes(recording)]
    for i, sensor in enumerate(profile.sensors):
        values = recording.values[running, i] if running.any() else recording.values[:, i]
        findings += [QualityFinding(g, sensor.tag, t) for g, t in _sensor(values, sensor.span, period_s)]
        findings += _beyond_limits(sensor, values)
    if running.any():
        findings += _modes(modes_of(profile, recording.values[running], running_s=running_s))
    duration_s = float(recording.time_s[-1] - recording.time_s[0])
    return QualityReport(recording.time_s.size, duration_s, running_s, period_s, gravest_first(findings))


def _length(running_s: float) -> list[QualityFinding]:
    minutes = running_s / 60
    if running_s < REFUSE_BELOW_S:
        text = f"{minutes:.1f} min of running: 25 min are needed"
        return [QualityFinding(Severity.REFUSAL, "", text)]
    if running_s < WARN_BELOW_S:
        text = f"{minutes:.0f} min of running: a limit from less than 45 min is rough"
        return [QualityFinding(Severity.WARNING, "", text)]
    return []


def _gaps(time_s: Floats, period_s: float) -> list[QualityFinding]:
    steps = np.diff(time_s)
    gaps = steps[steps > max(LEAST_GAP_S, GAP_PERIODS * period_s)]
    if not gaps.size:
        return []
    text = f"{gaps.size} gaps, {gaps.sum() / 60:.1f} min in all, the longest {gaps.max():.0f} s"
    return [QualityFinding(Severity.NOTE, "", text)]


def _notes(recording: Recording) -> list[QualityFinding]:
    """What the reader has to tell: a warning where something of the file is not in the recording."""
    lost = [note for note in recording.notes if "dropped" in note or "no number" in note]
    return [
        QualityFinding(Severity.WARNING if note in lost else Severity.NOTE, "", note) for note in recording.remarks()
    ]


def _modes(found: Modes | None) -> list[QualityFinding]:
    """The operating modes, and those that are not covered."""
    if found is None:
        return []
    findings = [QualityFinding(Severity.NOTE, found.sensor.tag, f"operating modes: {found.words}")]
    if found.uncovered:
        text = f"seen too shortly to be learnt: {found.uncovered}; record 25 min at least in each mode"
        findings.append(QualityFinding(Severity.WARNING, found.sensor.tag, text))
    return findings


def _sensor(values: Floats, span: tuple[float, float], period_s: float) -> list[tuple[Severity, str]]:
    """What is odd about one sensor's values while running."""
    there = values[np.isfinite(values)]
    if not there.size:
        return [(Severity.WARNING, "no value at all: the model will leave this sensor out")]
    found: list[tuple[Severity, str]] = []
    if (missing := 1 - there.size / values.size) > MUCH_MISSING:
        found.append((Severity.WARNING, f"{100 * missing:.0f} % of the values are missing"))
    if outside := int(((there < span[0]) | (there > span[1])).sum()):
        found.append((Severity.WARNING, f"{outside} values outside the span {span[0]:g} to {span[1]:g}"))
    if (there == there[0]).all():
        return [*found, (Severity.WARNING, f"constant at {there[0]:g}: a change is an anomaly, a flat line is not")]
    if (flat_s := _longest_run(there) * period_s) > FLAT_S:
        found.append((Severity.NOTE, f"stood still for {flat_s / 60:.0f} min"))
    if (count := len(levels(there))) > 1:
        found.append((Severity.NOTE, f"{count} separate operating levels: the model should have seen all of them"))
    return found


def _beyond_limits(sensor: Sensor, values: Floats) -> list[QualityFinding]:
    """Whether the sensor's own alarm limits call this normal running."""
    limits, there = sensor.limits, values[np.isfinite(values)]
    lows = [x for x in (limits.low, limits.low_low) if x is not None]
    highs = [x for x in (limits.high, limits.high_high) if x is not None]
    if not there.size or not lows + highs:
        return []
    low, high = max(lows, default=-np.inf), min(highs, default=np.inf)
    share = float(np.mean((there < low) | (there > high)))
    if share < IN_ALARM:
        return []
    severity = Severity.REFUSAL if share > MOSTLY_IN_ALARM else Severity.WARNING
    text = f"beyond its alarm limits for {100 * share:.0f} % of the running: this is no normal running"
    return [QualityFinding(severity, sensor.tag, text)]


def _longest_run(values: Floats) -> int:
    ends = np.flatnonzero(np.diff(values) != 0)
    return int(np.diff(np.concatenate(([-1], ends, [values.size - 1]))).max())
