"""Control chart and LSTM autoencoder on the same conditioned residuals, one score in limit units."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.infer.detectors.chart import Chart
from pumpwatch_gui.infer.detectors.conditioned import ConditionedMoment, ConditionedStream
from pumpwatch_gui.infer.detectors.conditioner import Conditioning
from pumpwatch_gui.infer.detectors.detector import Detector, Floats, Moment, Stream, Windows, WindowScore
from pumpwatch_gui.infer.detectors.joint import score_together
from pumpwatch_gui.infer.detectors.relation import Relation
from pumpwatch_gui.infer.detectors.scaler import floats
from pumpwatch_gui.infer.detectors.score_limits import ScoreLimits
from pumpwatch_gui.infer.detectors.step import feed_together
from pumpwatch_gui.infer.network.autoencoder import Autoencoder


class CombinedDetector(Detector):
    """Kind `combined`. Sensors that were absent in commissioning (`used` (n,) False) are left out for good."""

    kind: ClassVar[str] = "combined"

    def __init__(  # noqa: PLR0913 - all that a manifest holds, each by its name
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
        relation: Relation | None = None,
    ) -> None:
        self.profile = profile
        self.network = network
        self.conditioning = conditioning
        self.chart = chart
        self.limits = limits
        self.used = used
        self.period_s = period_s
        self.window = window
        self.relation = relation

    @property
    def alarm_distances(self) -> Floats:
        """How far each sensor (n,) may be from its slow baseline, in its unit, before it raises the alarm by itself."""
        return self.conditioning.scale * self.conditioning.spread * self.limits.alone(self.chart)

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
            relation=Relation.from_json(parameters["relation"], sensors=sensors) if "relation" in parameters else None,
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
        } | ({"relation": self.relation.to_json()} if self.relation is not None else {})

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

    @property
    @override
    def sort(self) -> Hashable:
        return "conditioned", len(self.profile.sensors), self.network is None

    @override
    def feed(self, streams: Sequence[Stream], frames: Sequence[Frame], run_states: Sequence[RunState]) -> None:
        feed_together([stream for stream in streams if isinstance(stream, ConditionedStream)], frames, run_states)

    @override
    def score(self, streams: Sequence[Moment], errors: Floats) -> list[WindowScore]:
        return score_together(
            [one for one in streams if isinstance(one, ConditionedStream | ConditionedMoment)], errors
        )


class ChartDetector(CombinedDetector):
    """Kind `chart`: the control chart alone, without a network."""

    kind: ClassVar[str] = "chart"
