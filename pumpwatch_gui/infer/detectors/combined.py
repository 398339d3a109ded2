"""Control chart and LSTM autoencoder on the same conditioned residuals, one score in limit units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.pace import Pace
from pumpwatch_gui.domain.values.quality import GOOD_CODE
from pumpwatch_gui.infer.detectors.chart import NORM, Chart, contributions, power_mean
from pumpwatch_gui.infer.detectors.conditioner import Conditioner, Conditioning
from pumpwatch_gui.infer.detectors.detector import Detector, Floats, Moment, Stream, Windows, WindowScore
from pumpwatch_gui.infer.detectors.flat_line import FlatLine
from pumpwatch_gui.infer.detectors.release import Release
from pumpwatch_gui.infer.detectors.scaler import floats
from pumpwatch_gui.infer.detectors.score_limits import NETWORK_CAP, ScoreLimits
from pumpwatch_gui.infer.live.window import Window
from pumpwatch_gui.infer.network.autoencoder import Autoencoder

REACH = 16.0
"""Residuals beyond this many spreads are the same to the network."""
INPUT_UNIT = 4.0
SPEED = "motor_rpm"
SPEED_CHANGE = 0.1
SPEED_CHANGE_S = 60.0
MOST_FLAT = 2.0
INVOLVED = 0.8
"""A sensor that is so far towards its own limit has a part in an alarm: its level from before is kept."""
LET_GO_S = 30.0
MOST_SLOWER = 2.0
"""A faster link is judged as well: time alone drives the conditioner. A slower one has not the rows for it."""
STILL_OFF = 0.5
"""A sensor this many spreads from its baseline when an alarm is released settles again."""
_ROW_AFTER = 0.9  # of the commissioning period: a faster link does not shorten the window


class CombinedDetector(Detector):
    """Kind `combined`. Sensors that were absent in commissioning (`used` (n,) False) are left out for good."""

    kind: ClassVar[str] = "combined"

    def __init__(
        self,
        profile: PumpProfile,
        network: Autoencoder | None,
        *,
        conditioning: Conditioning,
        chart: Chart,
        limits: ScoreLimits,
        used: NDArray[np.bool_],
        period_s: float,
        window: int,
    ) -> None:
        self.profile = profile
        self.network = network
        self.conditioning = conditioning
        self.chart = chart
        self.limits = limits
        self.used = used
        self.period_s = period_s
        self.window = window

    @classmethod
    def from_manifest(
        cls, profile: PumpProfile, network: Autoencoder | None, parameters: Mapping[str, Any]
    ) -> "CombinedDetector":
        """From the `detector` table of a manifest; raises KeyError, TypeError or ValueError when it does not fit."""
        sensors = len(profile.sensors)
        period_s = float(parameters["period_s"])
        if not period_s > 0:
            raise ValueError("period_s must be above 0")
        return cls(
            profile,
            network,
            conditioning=Conditioning.from_json(parameters["conditioning"], sensors=sensors),
            chart=Chart.from_json(parameters["chart"], sensors=sensors),
            limits=ScoreLimits.from_json(parameters["limits"], sensors=sensors),
            used=floats(parameters["used"], sensors) > 0,
            period_s=period_s,
            window=int(parameters["window"]),
        )

    def to_manifest(self) -> dict[str, Any]:
        """The `detector` table of a manifest."""
        return {
            "period_s": self.period_s,
            "window": self.window,
            "used": self.used.astype(int).tolist(),
            "conditioning": self.conditioning.to_json(),
            "chart": self.chart.to_json(),
            "limits": self.limits.to_json(),
        }

    @override
    def stream(self) -> "ConditionedStream":
        return ConditionedStream(self)

    @override
    def errors(self, windows: Windows) -> Floats:
        if self.network is None:
            return np.zeros((len(windows), windows.shape[2]))
        return self.network.errors(windows)

    @override
    def warm_up(self) -> None:
        if self.network is not None:
            self.network.warm_up()

    @override
    def score(self, streams: Sequence[Moment], errors: Floats) -> list[WindowScore]:
        own = [stream for stream in streams if isinstance(stream, ConditionedStream | ConditionedMoment)]
        scored = np.stack([stream.scored for stream in own])
        deviations = np.stack([stream.deviations for stream in own])
        score, chart, network, shares = self._judge(deviations, np.where(scored, errors, 0.0))
        flat = np.minimum(np.stack([stream.flat_s for stream in own]) / self.limits.flat_s, MOST_FLAT) * scored
        for i in np.flatnonzero(flat.max(axis=1) > np.maximum(1.0, score)).tolist():
            frozen = np.where(flat[i] > 1.0, flat[i], 0.0)
            score[i], shares[i] = flat[i].max(), frozen / frozen.sum()
        limit = self.limits.limit
        high = (deviations > self.limits.chart * limit * scored.shape[1] ** (1 / NORM)) | (flat > 1.0)
        figures = zip(score.tolist(), chart.tolist(), network.tolist(), strict=True)
        return [
            WindowScore(
                score=whole,
                loss=whole * limit,
                threshold=limit,
                shares=shares[i],
                high=high[i],
                missing=stream.missing,
                parts=(("chart", by_chart), ("lstm", by_network)),
                usual=stream.usual,
                present=stream.present,
            )
            for i, (stream, (whole, by_chart, by_network)) in enumerate(zip(own, figures, strict=True))
        ]

    def _judge(self, deviations: Floats, errors: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Of rows (b, n): score (b,), what chart and network contribute, all in limit units, and shares (b, n)."""
        limits = self.limits
        chart: Floats = power_mean(deviations) / limits.chart
        if self.network is None:
            network = np.zeros_like(chart)
            return limits.mean(chart, network) / limits.limit, chart / limits.limit, network, contributions(deviations)
        unusual = errors / limits.usual_error
        network = power_mean(unusual) / limits.network
        score: Floats = limits.mean(chart, network) / limits.limit
        ours, its = (1.0 - limits.weight) * chart, limits.weight * np.minimum(network, NETWORK_CAP)
        ours = ours / np.maximum(ours + its, 1e-12)
        both: Floats = ours[:, np.newaxis] * contributions(deviations) + (1.0 - ours[:, np.newaxis]) * contributions(
            unusual
        )
        return score, chart / limits.limit, network / limits.limit, both


class ChartDetector(CombinedDetector):
    """Kind `chart`: the control chart alone, without a network."""

    kind: ClassVar[str] = "chart"


@dataclass(frozen=True, slots=True, eq=False)
class ConditionedMoment(Moment):
    """One row of a `ConditionedStream`: what its score is made of, each (n,)."""

    deviations: Floats
    scored: NDArray[np.bool_]
    missing: NDArray[np.bool_]
    flat_s: Floats
    usual: Floats
    present: Floats
    detector: CombinedDetector

    @override
    def score(self, errors: Floats) -> WindowScore:
        return self.detector.score([self], errors[np.newaxis])[0]


class ConditionedStream(Stream):
    """Conditioner, flat-line watch and window of one pump.

    `residuals` (n,) and `deviations` (n,) are those of the newest row, 0 where a sensor does not count.
    """

    def __init__(self, detector: CombinedDetector) -> None:
        sensors = len(detector.profile.sensors)
        self._d = detector
        self._conditioner = Conditioner(detector.conditioning)
        self._flat = FlatLine(sensors)
        self._window = Window(detector.window, sensors)
        self._release = self._new_release()
        self._speed = detector.profile.tags.index(SPEED) if SPEED in detector.profile.tags else -1
        self._why = "no frame yet"
        self._notes: tuple[str, ...] = ()
        self._last_ns: int | None = None
        self._pace = Pace()
        self._row_ns: int | None = None
        self._ran_ns: int | None = None
        self._turning_ns: int | None = None
        self._stopped = False
        self._calm_s = 0.0
        self.deviations = np.zeros(sensors)
        self.residuals = np.zeros(sensors)

    def _new_release(self) -> Release:
        return Release(len(self._d.profile.sensors), stretch=self._d.conditioning.stretch)

    @property
    def flat_s(self) -> Floats:
        """How long each sensor (n,) has shown exactly the same value, in seconds."""
        return self._flat.run_s

    @property
    def missing(self) -> NDArray[np.bool_]:
        """The sensors (n,) without a value, as a copy."""
        return self._conditioner.missing.copy()

    @property
    def usual(self) -> Floats:
        """The baseline of each sensor (n,), NaN where it does not count, as a copy."""
        return np.where(self.scored, self._conditioner.base, np.nan)

    @property
    def present(self) -> Floats:
        """The newest value of each sensor (n,), NaN where there is none yet: an average would be late."""
        return self._conditioner.newest

    @property
    def scored(self) -> NDArray[np.bool_]:
        """The sensors (n,) that count just now."""
        return self._conditioner.scored

    @override
    def feed(self, frame: Frame, run_state: RunState) -> None:
        # An UNCERTAIN value is an old one: taken as none, it is bridged for seconds and then left out.
        self._pace.step(frame.mono_ns)
        used = self._d.used & (frame.quality == GOOD_CODE)
        values = frame.values if np.count_nonzero(used) == used.size else np.where(used, frame.values, np.nan)
        self._why = self._obstacle(frame.mono_ns, values, run_state)
        if not self._why:
            self._take(frame.mono_ns, values)

    @override
    def moment(self) -> "ConditionedMoment":
        # The arrays are replaced at each row, never changed.
        return ConditionedMoment(
            self.deviations,
            self.scored,
            self._conditioner.missing,
            self.flat_s,
            self.usual,
            self.present,
            self._d,
        )

    @override
    def take_notes(self) -> tuple[str, ...]:
        notes, self._notes = self._notes, ()
        return notes

    @override
    def rebaseline(self) -> None:
        self._conditioner.let_go()
        self._conditioner.reset()
        self._flat.reset()
        self._window.restart()
        self._release = self._new_release()

    @property
    @override
    def kept(self) -> Floats:
        return self._conditioner.kept

    @override
    def resume(self, kept: Floats) -> None:
        self._conditioner.kept = kept.copy()

    @override
    def take_level(self) -> tuple[NDArray[np.bool_], Floats, Floats]:
        before = self._conditioner.base.copy()
        off = self._conditioner.take_level()
        self._release = self._new_release()
        return off, before, self._conditioner.base.copy()

    def _obstacle(self, mono_ns: int, values: Floats, run_state: RunState) -> str:
        if run_state is RunState.STANDBY:
            self._stopped = True
            self._window.restart()
            return "pump stopped"
        if not np.count_nonzero(np.isfinite(values)):
            return "no data"
        if self._pace.period_s > MOST_SLOWER * self._d.period_s:
            self._window.restart()
            made, now = f"{self._d.period_s:.3g}", f"{self._pace.period_s:.3g}"
            return f"the model is made for values every {made} s, they come every {now} s: learn or train it again"
        if run_state is RunState.RUNNING:
            self._ran_ns = mono_ns
        elif self._ran_ns is None or mono_ns - self._ran_ns > self._d.conditioning.hold_s * 1e9:
            return "unknown whether the pump runs"
        return self._turning(mono_ns, values)

    def _turning(self, mono_ns: int, values: Floats) -> str:
        """Whether the speed is on its way to another: a start, a stop or a change of set-point, not a fault."""
        if self._speed < 0 or self._stopped or not self._conditioner.ready:
            return ""
        level, speed = self._conditioner.level[self._speed], values[self._speed]
        if not abs(speed - level) > SPEED_CHANGE * abs(level):
            self._turning_ns = None
            return ""
        self._turning_ns = mono_ns if self._turning_ns is None else self._turning_ns
        if mono_ns - self._turning_ns > SPEED_CHANGE_S * 1e9:
            self._turning_ns, self._stopped = None, True
            if np.count_nonzero(np.isfinite(self.kept)):
                self._notes += ("The speed was moved: the level from before the anomaly alarm is given up",)
                self._conditioner.let_go()
                self._release = self._new_release()
        return "the speed is changing"

    def _take(self, mono_ns: int, values: Floats) -> None:
        if self._stopped:
            self._conditioner.reset(started=True)
            self._flat.reset()
            self._stopped, self._last_ns = False, None
        interval = inf if self._last_ns is None else max((mono_ns - self._last_ns) / 1e9, 1e-3)
        self._last_ns = mono_ns
        if interval > self._d.conditioning.gap_s:
            self._window.restart()
        self.residuals = self._conditioner.step(interval, values)
        self._flat.step(interval if interval < self._d.conditioning.gap_s else 0.0, values)
        self.deviations = np.where(self.scored, self._d.chart.deviations(self.residuals), 0.0)
        self._end_alarm(mono_ns, interval)
        if self._conditioner.ready and self._is_row_due(mono_ns):
            self._window.add(np.minimum(np.maximum(self.residuals, -REACH), REACH) / INPUT_UNIT)
            self._row_ns = mono_ns

    def _end_alarm(self, mono_ns: int, interval_s: float) -> None:
        """Where what raised the alarm is over, have the sensors that are still off settle on the level that is now.

        While it is on, the level from before it is kept.
        """
        if self._d.limits.limit == inf or not np.count_nonzero(self.scored):
            return
        step_s = interval_s if interval_s < self._d.conditioning.gap_s else 0.0
        limit = self._d.limits.chart * self._d.limits.limit
        score = float(power_mean(self.deviations)) / limit
        is_over = self._release.step(mono_ns, step_s, score, self._conditioner.deviation, self.residuals)
        self._keep(step_s, limit)
        if not is_over:
            return
        self._conditioner.let_go()
        off = self.scored & (np.abs(self.residuals) > STILL_OFF)
        self._conditioner.resettle(off)
        labels = [self._d.profile.sensors[i].label.lower() for i in np.flatnonzero(off).tolist()]
        again = f"; these settle on their present level: {', '.join(labels)}" if labels else ""
        self._notes += (f"What raised the anomaly alarm is over{again}",)
        self.residuals = np.where(off, 0.0, self.residuals)
        self.deviations = np.where(off, 0.0, self.deviations)

    def _keep(self, step_s: float, limit: float) -> None:
        """Keep the levels from before the alarm that is on; let them go once all of them are judged and it is off."""
        if self._release.in_alarm:
            own = np.abs(self.residuals * np.diag(self._d.chart.whitening))  # without what others make it look like
            self._conditioner.keep(own > INVOLVED * limit * own.size ** (1 / NORM))
            self._calm_s = 0.0
        elif not (np.isfinite(self.kept) & ~self.scored & ~self._conditioner.missing).any():
            self._calm_s += step_s
            if self._calm_s >= LET_GO_S:
                self._conditioner.let_go()

    def _is_row_due(self, mono_ns: int) -> bool:
        due_ns = _ROW_AFTER * self._d.period_s * 1e9
        return self._row_ns is None or not self._window.filled or mono_ns - self._row_ns >= due_ns

    @override
    def window(self) -> Windows | str:
        if self._why:
            return self._why
        if not self._conditioner.ready:
            waited, least = self._conditioner.waited_s, self._conditioner.settles_after_s
            if waited < least:
                return f"settling, {waited:.0f} of {least:.0f} s"
            return "settling" if not self._conditioner.missing.all() else "every sensor is missing"
        if not self._window.is_full:
            return f"window {self._window.filled} of {self._window.length}"
        return self._window.view()

    @override
    def score(self, errors: Floats) -> WindowScore:
        return self._d.score([self], errors[np.newaxis])[0]
