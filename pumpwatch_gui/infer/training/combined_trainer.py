"""Commissioning of the kinds `combined` and `chart`: what is ordinary, what moves together, and the limits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.infer.detectors.chart import Chart, power_mean, sensor_limits, whitening
from pumpwatch_gui.infer.detectors.combined import ChartDetector, CombinedDetector
from pumpwatch_gui.infer.detectors.conditioned import ConditionedStream
from pumpwatch_gui.infer.detectors.conditioner import Conditioning
from pumpwatch_gui.infer.detectors.detector import Floats, Windows
from pumpwatch_gui.infer.detectors.relation import Relation
from pumpwatch_gui.infer.detectors.score_limits import ScoreLimits
from pumpwatch_gui.infer.network.autoencoder import Autoencoder
from pumpwatch_gui.infer.training.alarm_rate import DAY_S, Track, alarms_at, level_for_alarm_rate
from pumpwatch_gui.infer.training.modes import modes_of
from pumpwatch_gui.infer.training.normal_running import THRESHOLD_FACTOR, Commissioning
from pumpwatch_gui.infer.training.operating_point import relation_of
from pumpwatch_gui.infer.training.statistics import independent, ordinary_deviation, spread_of
from pumpwatch_gui.infer.training.suspicious import Scored, SuspiciousSpan, suspicious_spans, without_habits
from pumpwatch_gui.infer.training.trainer import Trainer, errors_of

HELD_BACK = 0.2
LEFT_OUT = "left out, looks like a fault"
"""The line of a manifest that names them."""
QUANTILE = 99.0
MOST_WEIGHT = 0.25
"""On recordings of the pump test bed a network that counts more finds less and alarms falsely more often."""
FULL_WEIGHT_S = 4 * 3600.0
"""A network that has seen less than half a shift counts less: it has learnt by heart what little it saw."""
MODES = "operating modes"
"""The line of a manifest that names them."""
MOST_LEARNT = 25_000
_PASSES, _ROUNDS = 2, 3


class _HeldBack(NamedTuple):
    """The scored rows of the later part of one recording: times (m,), deviations (m, n), windows (m, w, n)."""

    time_s: Floats
    deviations: Floats
    windows: Windows


class CombinedTrainer(Trainer):
    """Kind `combined`: the network learns the first 80 % of each recording, the limits come from the rest."""

    kind: type[CombinedDetector] = CombinedDetector
    held_back: ClassVar[float] = HELD_BACK

    def __init__(self, commissioning: Commissioning, window: int) -> None:
        self._commissioning = commissioning
        self._overview = overview = commissioning.overview()
        if not overview.blocks:
            raise InputError("the pump never ran for a minute without a hole", "record it while it runs")
        resolution = np.array([s.resolution for s in commissioning.profile.sensors])
        self._relation = self._related()
        blocks = overview.blocks if self._relation is None else [self._relation.freed(b) for b in overview.blocks]
        scale = ordinary_deviation(blocks, resolution=resolution)
        self._conditioning = Conditioning(scale, np.full(scale.size, 0.5)).for_period(overview.period_s)
        self._chart = Chart(np.eye(scale.size))
        self.left_out: tuple[SuspiciousSpan, ...] = ()
        for _ in range(_PASSES):
            self._commission()
        for _ in range(_ROUNDS if commissioning.leaves_out else 0):
            if not self._leave_out():
                break
            self._commission()
        self._window = window
        self._learnt, self._held = self._final_pass()

    @property
    @override
    def wants_network(self) -> bool:
        return self.kind is CombinedDetector

    @override
    def windows(self) -> Windows:
        return self._learnt

    @override
    def finish(self, network: Autoencoder | None) -> tuple[dict[str, Any], dict[str, Any]]:
        held = [h for h in self._held if h.time_s.size]
        if not held:
            raise InputError("nothing to set the limit by: the later part holds no window", "record longer")
        errors = [np.zeros_like(h.deviations) if network is None else errors_of(network, h.windows) for h in held]
        usual = np.maximum(np.concatenate(errors).mean(axis=0), 1e-3)
        weight = 0.0 if network is None else MOST_WEIGHT * min(1.0, self._commissioning.running_s() / FULL_WEIGHT_S)
        chart = [power_mean(h.deviations) for h in held]
        networks = [power_mean(e / usual) for e in errors]
        limits = ScoreLimits(
            _quantile(chart), _quantile(networks) if network else 1.0, 1.0, weight, usual, self._overview.flat_s
        )
        both = [limits.mean(c / limits.chart, n / limits.network) for c, n in zip(chart, networks, strict=True)]
        tracks = [Track(h.time_s, score) for h, score in zip(held, both, strict=True)]
        factor = self._commissioning.threshold_factor
        limit = max(factor * _quantile(both), factor / THRESHOLD_FACTOR * level_for_alarm_rate(tracks))
        detector = self._detector(network, replace(limits, limit=limit), window=self._window)
        return detector.to_manifest(), self._figures(limit, tracks)

    def _figures(self, limit: float, tracks: Sequence[Track]) -> dict[str, Any]:
        """What the part that set the limit says of it."""
        days = sum(track.duration_s for track in tracks) / DAY_S
        count = alarms_at(limit, tracks)
        over = float(np.mean(np.concatenate([t.score for t in tracks]) > limit))
        part = (
            "all of the running" if self.held_back >= 1 else f"the last {100 * self.held_back:.0f} % of each recording"
        )
        name = "running" if self.held_back >= 1 else "held-back part"
        commissioning = self._commissioning
        left_out = [span.words(commissioning.profile) for span in self.left_out]
        modes = modes_of(commissioning.profile, commissioning.running_rows(), running_s=commissioning.running_s())
        return (
            ({LEFT_OUT: ", ".join(left_out)} if left_out else {})
            | ({MODES: modes.words} if modes else {})
            | {
                "threshold": f"{limit:.3f} times the {QUANTILE:.0f}th percentiles of {part}",
                f"alarms in the {name}": f"{count} in {24 * days:.1f} h, {7 * count / max(days, 1e-9):.1f} a week",
                f"share of the {name} above the limit": f"{100 * over:.2f} %",
            }
        )

    def _commission(self) -> None:
        """Learn the size of the residuals and what moves together from a pass over everything."""
        tracks: list[tuple[Floats, NDArray[np.bool_]]] = []
        for rows in self._passes():
            left = (stream.memory for at, stream in rows if not self._is_left_out(at))
            seen = [(memory.residuals[0].copy(), memory.scored[0].copy()) for memory in left]
            if seen:
                tracks.append((np.stack([r for r, _ in seen]), np.stack([s for _, s in seen])))
        if not tracks:
            raise InputError("the pump never settled", "record it while it runs, for half an hour at least")
        old = self._conditioning.spread
        each = [[r[s[:, i], i] * old[i] for r, s in tracks] for i in range(old.size)]
        spread = np.array([spread_of(stretches) for stretches in each])
        self._conditioning = replace(self._conditioning, spread=spread)
        worth = float(np.median([independent(stretches) for stretches in each]))
        residuals = np.concatenate([r for r, _ in tracks]) * old / spread
        together = self._together(residuals, worth)
        self._chart = Chart(together / sensor_limits(np.abs(residuals @ together)))

    def _leave_out(self) -> bool:
        """Look for stretches that look like a fault in what is left; whether there are more of them now."""
        tracks = []
        for rows in self._passes():
            seen = [(at, stream.memory.deviations[0].copy()) for at, stream in rows if not self._is_left_out(at)]
            if seen:
                tracks.append(Scored(np.array([at for at, _ in seen]), np.stack([d for _, d in seen])))
        found = suspicious_spans(tracks, period_s=self._overview.period_s)
        before = self.left_out
        self.left_out = without_habits(sorted((*before, *found), key=lambda span: span.start_s))
        return bool(found) and self.left_out != before

    def _is_left_out(self, time_s: float) -> bool:
        return any(span.start_s <= time_s <= span.end_s for span in self.left_out)

    def _together(self, residuals: Floats, worth: float) -> Floats:
        """What takes out of the residuals (m, n) that they move together (n, n)."""
        return whitening(residuals, independent=worth)

    def _related(self) -> Relation | None:
        """What of the sensors is taken out as belonging to the operating point."""
        return None

    def _final_pass(self) -> tuple[Windows, list[_HeldBack]]:
        thin = max(1, round(self._overview.rows * (1 - self.held_back) / MOST_LEARNT))
        learnt: list[Windows] = []
        held: list[_HeldBack] = []
        for recording, rows in zip(self._commissioning.recordings, self._passes(full=True), strict=True):
            later = recording.time_s[0] + (1 - self.held_back) * (recording.time_s[-1] - recording.time_s[0])
            kept: list[tuple[float, Floats, Windows]] = []
            for count, (time_s, stream) in enumerate(rows):
                if self._is_left_out(time_s):
                    continue
                window = stream.window()
                assert not isinstance(window, str)
                if time_s >= later:
                    kept.append((time_s, stream.memory.deviations[0].copy(), window.copy()))
                elif count % thin == 0:
                    learnt.append(window.copy())
            if kept:
                held.append(
                    _HeldBack(np.array([k[0] for k in kept]), *(np.stack([k[j] for k in kept]) for j in (1, 2)))
                )
        return np.stack(learnt) if learnt else np.zeros((0, 1, self._conditioning.scale.size), np.float32), held

    def _passes(self, *, full: bool = False) -> Iterator[Iterator[tuple[float, ConditionedStream]]]:
        """Each recording through the live path; the rows at which a sensor counts (`full`: with a whole window)."""
        sensors = self._conditioning.scale.size
        # Endless limits: nothing scores in here, so nothing is released either.
        limits = ScoreLimits(1.0, 1.0, inf, 0.0, np.ones(sensors), np.full(sensors, inf))
        detector = self._detector(None, limits, window=self._window if full else 1)
        for run in self._commissioning.runs():
            yield _rows(detector.stream(), run)

    def _detector(self, network: Autoencoder | None, limits: ScoreLimits, *, window: int) -> CombinedDetector:
        return self.kind(
            self._commissioning.profile,
            network,
            conditioning=self._conditioning,
            chart=self._chart,
            limits=limits,
            used=self._overview.used,
            period_s=self._overview.period_s,
            window=window,
            relation=self._relation,
        )


def _rows(
    stream: ConditionedStream, run: Iterable[tuple[Frame, RunState]]
) -> Iterator[tuple[float, ConditionedStream]]:
    for frame, state in run:
        stream.feed(frame, state)
        if not isinstance(stream.window(), str):
            yield frame.time_s, stream


def _quantile(tracks: Sequence[Floats]) -> float:
    return max(float(np.percentile(np.concatenate(list(tracks)), QUANTILE)), 1e-6)


class ChartTrainer(CombinedTrainer):
    """Kind `chart`: the same without a network."""

    kind = ChartDetector


class OwnChartTrainer(ChartTrainer):
    """A chart of a pump that learns itself: its limit covers every move of the operating point it has seen so far.

    In a few hours there are a few such moves; a part held back would hold one or none.
    """

    held_back = 1.0

    @override
    def _together(self, residuals: Floats, worth: float) -> Floats:
        """Each sensor for itself: what moves together in a few hours is not what will in a week."""
        return np.eye(residuals.shape[1])

    @override
    def _related(self) -> Relation | None:
        commissioning = self._commissioning
        return relation_of(commissioning.profile, commissioning.running_rows(), period_s=self._overview.period_s)


def left_out_of(commissioning: Commissioning) -> tuple[SuspiciousSpan, ...]:
    """What of the recordings looks like a fault and would be left out. Raises InputError for unusable recordings."""
    return ChartTrainer(commissioning, 1).left_out
