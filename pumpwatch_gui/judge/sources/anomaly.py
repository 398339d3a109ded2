"""The anomaly alarm of one pump: one per episode, after persistence, with hysteresis."""

import numpy as np

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.alarms.delays import Watch
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.judge.sources.limits import AlarmSignal

ON_DELAY_NS = 5 * 10**9
OFF_DELAY_NS = 30 * 10**9
CLEAR_BELOW = 0.9
"""Raised after 5 s above 1.0, over after 30 s below 0.9: episodes closer than 30 s are one."""


class AnomalyJudge:
    """Turns a pump's detections into raised and returned, naming the leading sensors."""

    source = "anomaly"

    def __init__(self, profile: PumpProfile) -> None:
        self._profile = profile
        self.watch = Watch(ON_DELAY_NS, OFF_DELAY_NS)

    def use_profile(self, profile: PumpProfile) -> None:
        """Name the sensors by another profile that has the same tags."""
        self._profile = profile

    def judge(self, detection: Detection) -> AlarmSignal | None:
        """What this detection changed, if anything."""
        score = detection.score
        stimulus = self.watch.update(detection.mono_ns, over=score > 1.0, clear=score < CLEAR_BELOW)
        if stimulus is None:
            return None
        leading = [int(i) for i in np.argsort(detection.shares)[::-1][:2]]
        text = "Anomaly: " + ", ".join(
            f"{self._profile.sensors[i].label.lower()} {100 * detection.shares[i]:.0f} %" for i in leading
        )
        tag = self._profile.tags[leading[0]]
        return AlarmSignal(self.source, tag, Priority.LOW, text, score, 1.0, "", stimulus)
