"""A control chart fitted to a pump's own running, and whether the pump was calm enough for it to judge."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.episodes import Episodes
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.wording import running_time
from pumpwatch_gui.infer.bundles.bundle import CARD_FILE
from pumpwatch_gui.infer.bundles.card import card
from pumpwatch_gui.infer.bundles.writing import write_bundle
from pumpwatch_gui.infer.detectors.chart import NORM, Chart
from pumpwatch_gui.infer.detectors.combined import ChartDetector, CombinedDetector
from pumpwatch_gui.infer.detectors.conditioner import CLIP
from pumpwatch_gui.infer.evaluation.recorded_frames import chained
from pumpwatch_gui.infer.training.combined_trainer import OwnChartTrainer
from pumpwatch_gui.infer.training.normal_running import ROWS_BETWEEN_PAUSES, Commissioning, Pause

Floats = NDArray[np.float64]

HELD_BACK = 1 / 3
WINDOW = 1
"""A chart needs no past: the pump is scored again at once after a gap."""
ONE_ALARM_IN_H = 8.0
MOST_IN_ALARM = 0.02
MOVES = 0.15
WIDER_MOVES = dict.fromkeys(("mm/s", "g", "m/s2", "um", "kW", "W", "hp"), 0.25) | {"A": 0.2}
LEAST_OF_SPAN, WIDEST_SPAN = 0.01, 1e6
CLIP_LIMITS = 3.0
WIDEST_GUESSES = 2.5
"""A limit so many first guesses wide (a third of the level) is none: a fault may be in what it was learnt from."""
_PUMP = "own running"


class Calm(NamedTuple):
    """How the held-back last third of the running was judged: hours scored, alarms, part of it in alarm, led by.

    `too_wide` names a sensor that moves about so much that its limit would say nothing, "" where none does.
    """

    hours: float
    alarms: int
    in_alarm: float
    leading: str
    too_wide: str = ""

    @property
    def is_calm(self) -> bool:
        """Few enough alarms for healthy running."""
        allowed = int(self.hours / ONE_ALARM_IN_H)
        return self.hours > 0 and self.alarms <= allowed and self.in_alarm <= MOST_IN_ALARM and not self.too_wide

    @property
    def words(self) -> str:
        """What was found, for people."""
        if not self.hours:
            return "its last third never settled"
        if self.too_wide:
            return f"{self.too_wide} moves about too widely to be judged"
        led = f", led by {self.leading}" if self.leading else ""
        return f"{self.alarms} alarms in {running_time(self.hours * 3600)} of its own running{led}"


@dataclass(frozen=True, slots=True)
class Learnt:
    """What came of a fit: how calm the pump was, and the bundle in `path` (None: it was not calm)."""

    calm: Calm
    path: Path | None = None


def learn(
    profile: PumpProfile,
    recordings: Sequence[Recording],
    out: Path,
    *,
    name: str,
    threshold_factor: float,
    caution: float = 0.0,
    pause: Pause = lambda: None,
) -> Learnt:
    """Fit a chart to recordings of a pump's own running and write it to `out`, unless the pump was not calm.

    Judged by a chart of the first two thirds, through the live path and the one alarm rule. `caution` above 0 takes
    each sensor for itself and widens its limit to at least that part of an engineer's first guess (`first_guess`).
    Raises InputError where the running cannot be used at all, OSError.
    """
    own = list(recordings)
    times = np.concatenate([r.time_s for r in own])
    cut = float(times[int(times.size * (1 - HELD_BACK))])
    early = _part(own, -inf, cut)
    trial = Commissioning(profile, tuple(early), threshold_factor, pause)
    detector = ChartDetector.from_manifest(profile, None, _fitted(trial, caution)[0])
    calm = _judged(profile, detector, _part(own, cut, inf), pause)
    calm = calm._replace(too_wide=_too_wide(profile, detector, _level(trial)))
    if not calm.is_calm:
        return Learnt(calm)
    commissioning = Commissioning(profile, tuple(own), threshold_factor, pause)
    content, trained = _content(commissioning, name, calm, caution)
    write_bundle(out, profile=profile, content=content | {"trained": trained},
                 files={CARD_FILE: card(profile, content | {"trained": trained}).encode()})  # fmt: skip
    return Learnt(calm, out)


def alarm_distances(detector: CombinedDetector) -> Floats:
    """How far each sensor (n,) may be from its slow baseline, in its unit, before it raises the alarm by itself."""
    own = np.maximum(np.abs(np.diag(detector.chart.whitening)), 1e-9)
    level = detector.limits.chart * detector.limits.limit * own.size ** (1 / NORM)
    distances: Floats = detector.conditioning.scale * detector.conditioning.spread * level / own
    return distances


def changes(profile: PumpProfile, before: CombinedDetector | None, after: CombinedDetector, *, most: int = 4) -> str:
    """The limits that a fit has moved most, in words."""
    new = alarm_distances(after)
    old = alarm_distances(before) if before is not None else np.full(new.size, np.nan)
    moved = np.where(after.used, np.abs(np.log(np.where(np.isnan(old), 1.0, old / new))), -1.0)
    order = [i for i in np.argsort(-moved, kind="stable")[:most].tolist() if after.used[i]]
    parts = []
    for i in order:
        sensor = profile.sensors[i]
        was = "" if before is None else f"{old[i]:.3g} → "
        parts.append(f"{sensor.label.lower()} ± {was}{new[i]:.3g} {sensor.unit}".rstrip())
    return "limits about the baseline: " + ", ".join(parts)


def first_guess(profile: PumpProfile, level: Floats) -> Floats:
    """How far a healthy pump may leave its level (n,) by a move of its operating point, in units, before hours showed.

    A valve that is moved by a fifth moves flow, pressures and current by a seventh at most, vibration by a quarter; so
    does a drive with the power, which goes with the cube of its speed.
    """
    part = np.array([WIDER_MOVES.get(s.unit, MOVES) for s in profile.sensors])
    width = np.array([s.span[1] - s.span[0] for s in profile.sensors])
    guess: Floats = np.maximum(part * np.abs(level), np.where(width < WIDEST_SPAN, LEAST_OF_SPAN * width, 0.0))
    return guess


def _content(
    commissioning: Commissioning, name: str, calm: Calm, caution: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    detector, figures = _fitted(commissioning, caution)
    trained = {
        "recordings": [_PUMP],
        "running_h": round(commissioning.running_s() / 3600, 3),
        "sensitivity": commissioning.threshold_factor,
        "learnt from": "the pump's own running",
        "judged on its last third": calm.words,
        **figures,
    }
    content = {"name": name, "kind": ChartDetector.kind, "window": WINDOW, "detector": detector}
    return content | {"units": 0, "parity": {}}, trained


def _fitted(commissioning: Commissioning, caution: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """The detector table and its figures, its limits widened by `caution`."""
    profile = commissioning.profile
    guess = first_guess(profile, _level(commissioning))
    manifest, figures = OwnChartTrainer(commissioning, WINDOW).finish(None)
    if caution <= 0:
        return manifest, figures
    detector = ChartDetector.from_manifest(profile, None, manifest)
    narrow = caution * guess / alarm_distances(detector)
    own = np.diag(detector.chart.whitening) / np.maximum(narrow, 1.0)
    # What is clipped below its limit could never raise an alarm.
    clip = np.maximum(
        CLIP, CLIP_LIMITS * alarm_distances(detector) * np.maximum(narrow, 1.0) / detector.conditioning.scale
    )
    conditioning = replace(detector.conditioning, clip=clip)
    return manifest | {"chart": Chart(np.diag(own)).to_json(), "conditioning": conditioning.to_json()}, figures


def _level(commissioning: Commissioning) -> Floats:
    """The ordinary level of each sensor (n,) while running, 0 where it never had a value."""
    rows = commissioning.running_rows()
    there = np.isfinite(rows).any(axis=0)
    level = np.zeros(there.size)
    level[there] = np.nanmedian(rows[:, there], axis=0)
    return level


def _too_wide(profile: PumpProfile, detector: CombinedDetector, level: Floats) -> str:
    guess = first_guess(profile, level)
    times = np.where(detector.used & (guess > 0), alarm_distances(detector) / np.maximum(guess, 1e-12), 0.0)
    worst = int(np.argmax(times))
    return profile.sensors[worst].label.lower() if times[worst] > WIDEST_GUESSES else ""


def _judged(profile: PumpProfile, detector: CombinedDetector, recordings: Sequence[Recording], pause: Pause) -> Calm:
    """What the live path would have made of recordings."""
    stream, episodes, rule = detector.stream(), Episodes(), run_rule(profile)
    none = np.zeros(len(profile.sensors))
    scored_s, alarm_s, last_ns = 0.0, 0.0, 0
    led = np.zeros(len(profile.sensors))
    for number, frame in enumerate(chained(recordings, profile, pump_id=_PUMP)):
        if number % ROWS_BETWEEN_PAUSES == 0:
            pause()
        stream.feed(frame, state_of(frame, profile.tags, rule))
        if isinstance(stream.window(), str):
            continue
        score = stream.score(none)
        step_s = min((frame.mono_ns - last_ns) / 1e9, detector.conditioning.gap_s) if last_ns else 0.0
        last_ns, scored_s = frame.mono_ns, scored_s + step_s
        if episodes.update(frame.mono_ns, score.score):
            alarm_s += step_s
            led += score.shares
    leading = profile.sensors[int(np.argmax(led))].label.lower() if led.any() else ""
    return Calm(scored_s / 3600, len(episodes.all), alarm_s / scored_s if scored_s else 0.0, leading)


def _part(recordings: Sequence[Recording], start_s: float, end_s: float) -> list[Recording]:
    parts = []
    for recording in recordings:
        inside = (recording.time_s >= start_s) & (recording.time_s < end_s)
        if inside.any():
            parts.append(replace(recording, time_s=recording.time_s[inside], values=recording.values[inside]))
    if not parts:
        raise InputError("there is too little running to learn from", "let the pump run")
    return parts
