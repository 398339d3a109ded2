"""Commissioning of the kinds `combined` and `chart`: what is ordinary, what moves together, and the limits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.infer.detectors.chart import Chart, power_mean, sensor_limits, whitening
from pumpwatch_gui.infer.detectors.combined import ChartDetector, CombinedDetector
from pumpwatch_gui.infer.detectors.conditioner import Conditioning
from pumpwatch_gui.infer.detectors.detector import Floats, Windows
from pumpwatch_gui.infer.detectors.relation import Relation
from pumpwatch_gui.infer.detectors.score_limits import ScoreLimits
from pumpwatch_gui.infer.network.autoencoder import Autoencoder
from pumpwatch_gui.infer.training.alarm_rate import DAY_S, Track, alarms_at, level_for_alarm_rate
from pumpwatch_gui.infer.training.conditioned_rows import ConditionedRows, conditioned_rows
from pumpwatch_gui.infer.training.modes import modes_of
from pumpwatch_gui.infer.training.normal_running import THRESHOLD_FACTOR, Commissioning
from pumpwatch_gui.infer.training.operating_point import relation_of
from pumpwatch_gui.infer.training.statistics import independent, ordinary_deviation, spread_of
from pumpwatch_gui.infer.training.suspicious import Scored, SuspiciousSpan, suspicious_spans, without_habits
from pumpwatch_gui.infer.training.trainer import Trainer, errors_of

HELD_BACK, MOST_HELD_BACK, LEAST_ROWS_HELD_BACK = 0.2, 0.5, 600
"""The 99th percentile of few rows is too low: of 80 rows of the pump test bed it gave twice the false alarms that it
gives of 200. So a short recording has more of it held back, up to half."""
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
WINDOWS_AT_ONCE = 4096
_PASSES, _ROUNDS = 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class _HeldBack:
    """The scored rows (m,) of the later part of one recording, and how far they are out (m, n)."""

    rows: NDArray[np.intp]
    deviations: Floats
    of: ConditionedRows

    @property
    def time_s(self) -> Floats:
        times: Floats = self.of.time_s[self.rows]
        return times


class CombinedTrainer(Trainer):
    """Kind `combined`: the network learns the first part of each recording, the limits come from the rest."""

    kind: type[CombinedDetector] = CombinedDetector
    least_held_back: ClassVar[float] = HELD_BACK

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
        self._window = window
        self._seen: tuple[Conditioning, list[ConditionedRows]] | None = None
        self.left_out: tuple[SuspiciousSpan, ...] = ()
        for _ in range(_PASSES):
            self._commission()
        for _ in range(_ROUNDS if commissioning.leaves_out else 0):
            if not self._leave_out():
                break
            self._commission()
        self._learnt, self._held = self._final_pass()

    @property
    def held_back(self) -> float:
        """The share of each recording that the limits come from."""
        return max(self.least_held_back, min(MOST_HELD_BACK, LEAST_ROWS_HELD_BACK / self._overview.rows))

    @property
    @override
    def wants_network(self) -> bool:
        return self.kind is CombinedDetector

    @override
    def windows(self) -> Windows:
        return self._learnt

    @override
    def finish(self, network: Autoencoder | None) -> tuple[dict[str, Any], dict[str, Any]]:
        held = self._held
        if not held:
            raise InputError("nothing to set the limit by: the later part holds no window", "record longer")
        errors = [np.zeros_like(h.deviations) if network is None else _errors_of(network, h) for h in held]
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
        detector = self._detector(network, replace(limits, limit=limit))
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
        tracks = [(one.residuals[rows], one.scored[rows]) for one, rows in self._counting() if rows.size]
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
        tracks = [Scored(one.time_s[rows], self._deviations(one, rows)) for one, rows in self._counting() if rows.size]
        found = suspicious_spans(tracks, period_s=self._overview.period_s)
        before = self.left_out
        self.left_out = without_habits(sorted((*before, *found), key=lambda span: span.start_s))
        return bool(found) and self.left_out != before

    def _left_out_of(self, time_s: Floats) -> NDArray[np.bool_]:
        """Which of the times (m,) are left out."""
        out = np.zeros(time_s.size, dtype=np.bool_)
        for span in self.left_out:
            out |= span.holds(time_s)
        return out

    def _deviations(self, one: ConditionedRows, rows: NDArray[np.intp]) -> Floats:
        """How far each sensor is out (b, n) at rows (b,), 0 where it does not count."""
        deviations: Floats = np.where(one.scored[rows], self._chart.deviations(one.residuals[rows]), 0.0)
        return deviations

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
        for one in self._conditioned():
            later_s = one.time_s[0] + (1 - self.held_back) * (one.time_s[-1] - one.time_s[0])
            whole = np.flatnonzero(one.held >= self._window)
            is_earlier, is_in = one.time_s[whole] < later_s, ~self._left_out_of(one.time_s[whole])
            if self.wants_network:
                learnt.append(one.windows(whole[is_earlier & is_in & (np.arange(whole.size) % thin == 0)]))
            rows = whole[~is_earlier & is_in]
            if rows.size:
                held.append(_HeldBack(rows, self._deviations(one, rows), one))
        return np.concatenate(learnt) if learnt else np.zeros((0, 1, self._conditioning.scale.size), np.float32), held

    def _counting(self) -> list[tuple[ConditionedRows, NDArray[np.intp]]]:
        """Each recording with its rows at which a sensor counts and that are not left out."""
        return [(one, np.flatnonzero((one.held > 0) & ~self._left_out_of(one.time_s))) for one in self._conditioned()]

    def _conditioned(self) -> list[ConditionedRows]:
        """Each recording through the live path, conditioned as it is now."""
        if self._seen is None or self._seen[0] is not self._conditioning:
            sensors = self._conditioning.scale.size
            # Endless limits: nothing scores in here, so nothing is released either.
            limits = ScoreLimits(1.0, 1.0, inf, 0.0, np.ones(sensors), np.full(sensors, inf))
            detector = self._detector(None, limits)
            pause, recordings = self._commissioning.pause, self._commissioning.recordings
            self._seen = self._conditioning, [conditioned_rows(detector, one, pause=pause) for one in recordings]
        return self._seen[1]

    def _detector(self, network: Autoencoder | None, limits: ScoreLimits) -> CombinedDetector:
        return self.kind(
            self._commissioning.profile,
            network,
            conditioning=self._conditioning,
            chart=self._chart,
            limits=limits,
            used=self._overview.used,
            period_s=self._overview.period_s,
            window=self._window,
            relation=self._relation,
        )


def _errors_of(network: Autoencoder, held: _HeldBack) -> Floats:
    """The network's errors (m, n) of the rows that are held back; a piece at a time, for windows are large."""
    pieces = [held.rows[i : i + WINDOWS_AT_ONCE] for i in range(0, held.rows.size, WINDOWS_AT_ONCE)]
    return np.concatenate([errors_of(network, held.of.windows(rows)) for rows in pieces])


def _quantile(tracks: Sequence[Floats]) -> float:
    return max(float(np.percentile(np.concatenate(list(tracks)), QUANTILE)), 1e-6)


class ChartTrainer(CombinedTrainer):
    """Kind `chart`: the same without a network."""

    kind = ChartDetector


class OwnChartTrainer(ChartTrainer):
    """A chart of a pump that learns itself: its limit covers every move of the operating point it has seen so far.

    In a few hours there are a few such moves; a part held back would hold one or none.
    """

    least_held_back = 1.0

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
