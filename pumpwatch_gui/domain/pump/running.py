"""Whether a pump runs, told from its own frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame

RUNNING_SHARE = 0.2
"""A pump counts as running above this share of its rated speed (or current)."""


@dataclass(frozen=True, slots=True)
class RunRule:
    """The sensor that tells running from standing, and the value above which the pump runs (in its unit)."""

    tag: str
    above: float


def run_rule(profile: PumpProfile) -> RunRule | None:
    """Speed tells first, else current, against the nameplate (half the span without one); None without either."""
    plate = profile.nameplate
    for tag, rated in (("motor_rpm", plate.rated_speed_rpm), ("motor_current_a", plate.rated_current_a)):
        if tag in profile.tags:
            sensor = profile.sensors[profile.index(tag)]
            return RunRule(tag, RUNNING_SHARE * (rated or sensor.span[1] / 2))
    return None


def state_of(frame: Frame, tags: tuple[str, ...], rule: RunRule | None) -> RunState:
    """RUNNING, STANDBY, or NO_DATA when the sensor of the rule is BAD (or all of `tags` are, without a rule)."""
    if rule is None:
        return RunState.RUNNING if np.isfinite(frame.values[: len(tags)]).any() else RunState.NO_DATA
    value = frame.values[tags.index(rule.tag)]
    if np.isnan(value):
        return RunState.NO_DATA
    return RunState.RUNNING if value > rule.above else RunState.STANDBY


def states_of(values: NDArray[np.float64], tags: tuple[str, ...], rule: RunRule | None) -> list[RunState]:
    """As `state_of`, of many rows of values (m, n)."""
    if rule is None:
        known = np.isfinite(values).any(axis=1)
        runs = known
    else:
        value = values[:, tags.index(rule.tag)]
        known, runs = ~np.isnan(value), value > rule.above
    codes = np.where(known, np.where(runs, 0, 1), 2).tolist()
    states = (RunState.RUNNING, RunState.STANDBY, RunState.NO_DATA)
    return [states[code] for code in codes]
