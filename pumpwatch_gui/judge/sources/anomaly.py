"""The anomaly alarm of one pump, by the one rule for scores, naming the leading sensors."""

from math import nan

import numpy as np

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, Priority, Stimulus
from pumpwatch_gui.domain.alarms.episodes import ANOMALY_RULE, ScoreAlarm
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.pump.profile import PumpProfile


class AnomalyJudge:
    """Turns a pump's detections into signals. `active`: its alarm was already active (after a restart).

    While the pump is not scored there is nothing to call it with: the alarm stays as it is.
    """

    source = "anomaly"

    def __init__(self, profile: PumpProfile, *, active: bool = False) -> None:
        self._profile = profile
        self._alarm = ScoreAlarm(active=active)

    def use_profile(self, profile: PumpProfile) -> None:
        """Name the sensors by another profile that has the same tags."""
        self._profile = profile

    @property
    def active(self) -> bool:
        """Whether the alarm is on."""
        return self._alarm.active

    @property
    def is_at_new_level(self) -> bool:
        """Whether the alarm has become a new level, which a person has to confirm or to re-baseline."""
        return self._alarm.is_at_new_level

    def retire(self) -> AlarmSignal | None:
        """End the alarm of a pump that has no model any more; None when it is not active."""
        if not self.active:
            return None
        self._alarm = ScoreAlarm()
        text = "Anomaly: no model judges this pump any more"
        return AlarmSignal(self.source, "", Priority.LOW, text, nan, nan, "", Stimulus.RETURNED)

    def judge(self, detection: Detection) -> AlarmSignal | None:
        """What this detection changed, if anything."""
        stimulus = self._alarm.update(detection.mono_ns, detection.score)
        if stimulus is None:
            return None
        found = detection.leading(self._profile.sensors)
        text = f"Anomaly: {found}"
        if stimulus is Stimulus.NEW_LEVEL:
            text = f"New level for {ANOMALY_RULE.new_level_after_s / 60:.0f} min, {found}: confirm or re-baseline"
        tag = self._profile.tags[int(np.argmax(detection.shares))]
        return AlarmSignal(self.source, tag, Priority.LOW, text, detection.score, ANOMALY_RULE.threshold, "", stimulus)
