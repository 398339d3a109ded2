"""A control chart fitted to a pump's own running, and whether the pump was calm enough for it to judge."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.episodes import Episodes
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import run_rule
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.wording import running_time, unit_text
from pumpwatch_gui.infer.bundles.bundle import CARD_FILE
from pumpwatch_gui.infer.bundles.card import card
from pumpwatch_gui.infer.bundles.writing import write_bundle
from pumpwatch_gui.infer.detectors.chart import Chart
from pumpwatch_gui.infer.detectors.combined import ChartDetector, CombinedDetector
from pumpwatch_gui.infer.detectors.conditioner import CLIP
from pumpwatch_gui.infer.evaluation.lane_scores import LaneScorer
from pumpwatch_gui.infer.evaluation.lanes import NEAR, Pause
from pumpwatch_gui.infer.evaluation.recorded_frames import RecordedRows
from pumpwatch_gui.infer.training.combined_trainer import OwnChartTrainer
from pumpwatch_gui.infer.training.normal_running import Commissioning
from pumpwatch_gui.infer.training.operating_point import (
    SLOW,
    SPEED,
    first_guess,
    largest_moves,
    ordinary_level,
    supply_moves,
)

Floats = NDArray[np.float64]

HELD_BACK = 1 / 3
WINDOW = 1
"""A chart needs no past: the pump is scored again at once after a gap."""
ONE_ALARM_IN_H = 8.0
MOST_IN_ALARM = 0.02
CLIP_LIMITS = 3.0
SHOWN_S, SHOWN_TIMES, MOVES_TIMES = 2.9 * 3600.0, 4.0, 2.5
"""What has run for three hours has moved a few times: it will not move so many times as far as it has asked for, nor
so many times as far as it has moved at most."""
RELATED_TIMES, RELATED_PART = 2.0, 0.2
"""A sensor that is judged by the operating point: so many times its own limit, or a fifth of the first guess."""
USUAL_PERIOD_S = 30.0
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
    calm = calm._replace(too_wide=_too_wide(profile, detector, ordinary_level(trial.running_rows())))
    if not calm.is_calm:
        return Learnt(calm)
    commissioning = Commissioning(profile, tuple(own), threshold_factor, pause)
    content, trained = _content(commissioning, name, calm, caution)
    write_bundle(out, profile=profile, content=content | {"trained": trained},
                 files={CARD_FILE: card(profile, content | {"trained": trained}).encode()})  # fmt: skip
    return Learnt(calm, out)


def changes(profile: PumpProfile, before: CombinedDetector | None, after: CombinedDetector, *, most: int = 4) -> str:
    """The limits that a fit has moved most, in words."""
    new = after.alarm_distances
    old = before.alarm_distances if before is not None else np.full(new.size, np.nan)
    moved = np.where(after.used, np.abs(np.log(np.where(np.isnan(old), 1.0, old / new))), -1.0)
    order = [i for i in np.argsort(-moved, kind="stable")[:most].tolist() if after.used[i]]
    parts = []
    for i in order:
        sensor = profile.sensors[i]
        was, now = (f"{x:#.3g}".rstrip(".") for x in (old[i], new[i]))
        if was != now:
            was = "" if before is None else f"{was} → "
            parts.append(f"{sensor.label.lower()} ± {was}{now} {unit_text(sensor.unit)}".rstrip())
    return "limits about the baseline: " + (", ".join(parts) or "as before")


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
        **_by_operating_point(commissioning.profile, detector),
        **figures,
    }
    content = {"name": name, "kind": ChartDetector.kind, "window": WINDOW, "detector": detector}
    return content | {"units": 0, "parity": {}}, trained


def _by_operating_point(profile: PumpProfile, detector: Mapping[str, Any]) -> dict[str, str]:
    """The line of a card that names what is judged by what, nothing where all sensors are taken as they are."""
    relation = ChartDetector.from_manifest(profile, None, detector).relation
    if relation is None or not relation.effect.any():
        return {}

    def named(which: Iterable[int]) -> str:
        return ", ".join(profile.sensors[i].label.lower() for i in which)

    driven = np.flatnonzero(relation.effect.any(axis=1)).tolist()
    return {"judged by the operating point": f"{named(driven)} (by {named(relation.drivers)})"}


def _fitted(commissioning: Commissioning, caution: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """The detector table and its figures, its limits widened by `caution`."""
    profile = commissioning.profile
    rows = commissioning.running_rows()
    guess = first_guess(profile, ordinary_level(rows))
    manifest, figures = OwnChartTrainer(commissioning, WINDOW).finish(None)
    if caution <= 0:
        return manifest, figures
    detector = ChartDetector.from_manifest(profile, None, manifest)
    distances = detector.alarm_distances
    most = np.minimum(caution * guess, _most(detector, rows, guess))
    wider = np.maximum(np.maximum(most, supply_moves(profile)) / distances, 1.0)
    own = np.diag(detector.chart.whitening) / wider
    # What is clipped below its limit could never raise an alarm.
    clip = np.maximum(CLIP, CLIP_LIMITS * distances * wider / detector.conditioning.scale)
    conditioning = replace(detector.conditioning, clip=clip)
    return manifest | {"chart": Chart(np.diag(own)).to_json(), "conditioning": conditioning.to_json()}, figures


def _most(detector: CombinedDetector, rows: Floats, guess: Floats) -> Floats:
    """How far the limit of each sensor (n,) may be widened after rows (m, n) of running, in its unit."""
    relation, sensors, period_s = detector.relation, detector.profile.sensors, detector.period_s
    if len(rows) * period_s >= SHOWN_S * max(1.0, period_s / USUAL_PERIOD_S):
        freed = rows if relation is None else relation.freed(rows)
        shown = MOVES_TIMES * largest_moves(freed, period_s=period_s)
        # Temperatures go after the operating point for hours, wherever a day takes it.
        most = np.where(
            [s.unit in SLOW for s in sensors], inf, np.maximum(SHOWN_TIMES * detector.alarm_distances, shown)
        )
    else:
        most = np.full(guess.size, inf)
    if relation is not None:
        related = np.maximum(RELATED_TIMES * detector.alarm_distances, RELATED_PART * guess)
        most = np.where(relation.effect.any(axis=1), np.minimum(related, most), most)
        if sensors[relation.drivers[0]].unit in SPEED:
            most[relation.drivers[0]] = inf  # it is commanded
    return most


def _too_wide(profile: PumpProfile, detector: CombinedDetector, level: Floats) -> str:
    guess = np.maximum(first_guess(profile, level), supply_moves(profile))
    times = np.where(detector.used & (guess > 0), detector.alarm_distances / np.maximum(guess, 1e-12), 0.0)
    worst = int(np.argmax(times))
    return profile.sensors[worst].label.lower() if times[worst] > WIDEST_GUESSES else ""


def _judged(profile: PumpProfile, detector: CombinedDetector, recordings: Sequence[Recording], pause: Pause) -> Calm:
    """What the live path would have made of recordings."""
    rows, episodes, rule = RecordedRows(recordings, profile), Episodes(), run_rule(profile)
    longest_ns = round(detector.conditioning.gap_s * 1e9)
    scored_ns, alarm_ns, last_ns = 0, 0, 0
    led = np.zeros(len(profile.sensors))
    scorer = LaneScorer(detector, profile, rule, rows, pause=pause, likeness=NEAR)
    for start, score, shares in scorer.pieces():
        scored = np.flatnonzero(np.isfinite(score))
        columns = rows.mono_ns[start + scored].tolist(), score[scored].tolist(), shares[scored]
        for mono_ns, own_score, own_shares in zip(*columns, strict=True):
            step_ns = min(mono_ns - last_ns, longest_ns) if last_ns else 0
            last_ns, scored_ns = mono_ns, scored_ns + step_ns
            if episodes.update(mono_ns, own_score):
                alarm_ns += step_ns
                led += own_shares
    leading = profile.sensors[int(np.argmax(led))].label.lower() if led.any() else ""
    return Calm(scored_ns / 3.6e12, len(episodes.all), alarm_ns / scored_ns if scored_ns else 0.0, leading)


def _part(recordings: Sequence[Recording], start_s: float, end_s: float) -> list[Recording]:
    parts = []
    for recording in recordings:
        inside = (recording.time_s >= start_s) & (recording.time_s < end_s)
        if inside.any():
            parts.append(replace(recording, time_s=recording.time_s[inside], values=recording.values[inside]))
    if not parts:
        raise InputError("there is too little running to learn from", "let the pump run")
    return parts
