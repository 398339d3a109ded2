"""The scorer: the newest window of every pump, all due pumps of a model in one call."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.detection import Detection, NotScored, ScoreResult
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.latency import Latency
from pumpwatch_gui.infer.bundles.bundle import Bundle
from pumpwatch_gui.infer.detectors.detector import Detector, Stream, WindowScore


class _Pump:
    """What the scorer keeps of one pump."""

    def __init__(self, profile: PumpProfile, bundle: Bundle | None, detector: Detector | None) -> None:
        self.bundle = bundle
        self.detector = detector
        self.stream: Stream | None = None if detector is None else detector.stream()
        self.led = np.zeros(len(profile.sensors), dtype=np.int64)
        self.frame: Frame | None = None  # the newest that was not yet scored
        self.waiting = 0


class Scorer:
    """Feeds every frame to its pump's detector and scores the newest windows. One thread only.

    `count` windows were scored; `skipped` could have been but a newer frame came before their turn. `latency` is that
    of `score_due` calls which scored something.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.latency = Latency()
        self.count = 0
        self.skipped = 0
        self._clock = clock
        self._pumps: dict[str, _Pump] = {}
        self._detectors: dict[str, Detector] = {}
        self._cold: set[str] = set()

    def assign(self, pump_id: str, profile: PumpProfile, bundle: Bundle | None) -> None:
        """Use `bundle` for a pump from now on, from an empty memory; None: the pump has no model."""
        detector = None
        if bundle is not None:  # pumps of one model share one detector, so that they can share a call
            if bundle.version not in self._detectors:
                self._cold.add(bundle.version)
            detector = self._detectors.setdefault(bundle.version, bundle.detector)
        self._pumps[pump_id] = _Pump(profile, bundle, detector)
        used = {p.bundle.version for p in self._pumps.values() if p.bundle is not None}
        self._detectors = {version: d for version, d in self._detectors.items() if version in used}

    def rename(self, old_id: str, new_id: str) -> None:
        """Keep what is known of a pump under another id; a pump that was never assigned is passed over."""
        if old_id in self._pumps:
            self._pumps[new_id] = self._pumps.pop(old_id)

    def feed(self, frame: Frame, run_state: RunState) -> None:
        """Take in a frame; a pump that was never assigned is passed over."""
        pump = self._pumps.get(frame.pump_id)
        if pump is None:
            return
        if pump.stream is not None:
            pump.waiting += pump.frame is not None and not isinstance(pump.stream.window(), str)
            pump.stream.feed(frame, run_state)
        pump.frame = frame

    def score_due(self) -> list[ScoreResult]:
        """A verdict for each pump fed since the last call, on its newest window; one network call a model."""
        self._warm_up()
        started = self._clock()
        score_results: list[ScoreResult] = []
        due: dict[str, list[tuple[_Pump, Frame, Stream]]] = defaultdict(list)
        windows: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
        for pump, frame in self._take():
            window = "no model" if pump.stream is None or pump.bundle is None else pump.stream.window()
            if pump.stream is None or pump.bundle is None or isinstance(window, str):
                score_results.append(NotScored(frame.pump_id, frame.time_ns, str(window)))
            else:
                due[pump.bundle.version].append((pump, frame, pump.stream))
                windows[pump.bundle.version].append(window)
        for version, pumps in due.items():
            detector = self._detectors[version]
            errors = detector.errors(np.stack(windows[version]))
            outcomes = detector.score([stream for _, _, stream in pumps], errors)
            score_results += [
                self._score_result(pump, frame, own) for (pump, frame, _), own in zip(pumps, outcomes, strict=True)
            ]
        if due:
            self.latency.add(self._clock() - started)
        return score_results

    def rebaseline(self, pump_id: str) -> bool:
        """Take the pump's present running as its new normal; False when it has no model."""
        pump = self._pumps.get(pump_id)
        if pump is None or pump.stream is None:
            return False
        pump.stream.rebaseline()
        return True

    def _warm_up(self) -> None:
        """Load what is new before the first window is due: a runtime is slow to start."""
        while self._cold:
            detector = self._detectors.get(self._cold.pop())
            if detector is not None:
                detector.warm_up()

    def _take(self) -> Iterable[tuple[_Pump, Frame]]:
        for pump in self._pumps.values():
            frame, pump.frame = pump.frame, None
            self.skipped, pump.waiting = self.skipped + pump.waiting, 0
            if frame is not None:
                yield pump, frame

    def _score_result(self, pump: _Pump, frame: Frame, outcome: WindowScore) -> Detection:
        is_anomaly = outcome.score > 1.0
        if is_anomaly:
            pump.led[int(np.argmax(outcome.shares))] += 1
        self.count += 1
        assert pump.bundle is not None
        return Detection(
            pump_id=frame.pump_id,
            seq=frame.seq,
            time_ns=frame.time_ns,
            mono_ns=frame.mono_ns,
            kind=pump.bundle.kind,
            score=outcome.score,
            reconstruction_loss=outcome.loss,
            threshold=outcome.threshold,
            is_anomaly=is_anomaly,
            shares=outcome.shares,
            sensor_states=_states(outcome),
            sensor_anomaly_counts=pump.led.copy(),
            model_version=pump.bundle.version,
        )


def _states(outcome: WindowScore) -> tuple[str, ...]:
    """The original's word for each sensor: in an anomalous window the leading one and all that err are ANOMALY."""
    anomalous = outcome.high.copy()
    if outcome.score > 1.0:
        anomalous[int(np.argmax(outcome.shares))] = True
    else:
        anomalous[:] = False
    return tuple(
        "MISSING" if gone else "ANOMALY" if odd else "NORMAL"
        for gone, odd in zip(outcome.missing.tolist(), anomalous.tolist(), strict=True)
    )
