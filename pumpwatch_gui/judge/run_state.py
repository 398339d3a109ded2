"""Whether a pump runs, told from its own frame."""

import numpy as np

from pumpwatch_gui.domain.frame import Frame
from pumpwatch_gui.domain.profile import PumpProfile
from pumpwatch_gui.domain.quality import Quality
from pumpwatch_gui.domain.station import RunState

RUNNING_SHARE = 0.2
"""A pump counts as running above this share of its rated speed (or current)."""


def run_state_rule(profile: PumpProfile) -> tuple[int, float] | None:
    """The sensor and the threshold that tell running from standing: speed first, else current; None without either."""
    plate = profile.nameplate
    for tag, rated in (("motor_rpm", plate.rated_speed_rpm), ("motor_current_a", plate.rated_current_a)):
        if tag in profile.tags:
            sensor = profile.sensors[profile.index(tag)]
            return profile.index(tag), RUNNING_SHARE * (rated or sensor.span[1] / 2)
    return None


def run_state(frame: Frame, rule: tuple[int, float] | None) -> RunState:
    """RUNNING, STANDBY, or NO_DATA when the telling sensor is BAD (or all are, where no sensor tells)."""
    if rule is None:
        return (
            RunState.NO_DATA if frame.worst is Quality.BAD and not np.isfinite(frame.values).any() else RunState.RUNNING
        )
    value = frame.values[rule[0]]
    if np.isnan(value):
        return RunState.NO_DATA
    return RunState.RUNNING if value > rule[1] else RunState.STANDBY
