"""The slow side: bearing, casing and oil follow their heat with lags of minutes to a quarter of an hour."""

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.acquire.simulator.disturbances import decay, follow
from pumpwatch_gui.acquire.simulator.physics import DUTY_POWER_KW, LIQUID_C, RATED_FLOW_L_MIN, Builds, Machine, Scene

Array = NDArray[np.float64]

BEARING_RISE_K = 44.0
FAST_PART = (
    0.35  # of the bearing's rise follows its friction within FAST_S (the race), the rest within SLOW_S (the housing)
)
FAST_S = 90.0
SLOW_S = 900.0
OIL_RISE_K = 22.0
OIL_S = 700.0
CASING_KJ_K = 80.0
CASING_TO_HALL_KW_K = 0.040
LIQUID_TO_CASING_KW_K = 0.400
STANDING_LIQUID_KW_K = 0.015


class Temperatures:
    """State of the lags: fast and slow part of the bearing's temperature, oil, casing; each (pumps,) degC."""

    def __init__(self, *, dt_s: float) -> None:
        self._dt_s = dt_s
        self._keep = np.array([[decay(dt_s, FAST_S)], [decay(dt_s, SLOW_S)], [decay(dt_s, OIL_S)]])
        self._bearing_and_oil: Array | None = None
        self._casing: Array | None = None

    def run(
        self, machine: Machine, scene: Scene, builds: Builds, hall_c: Array, *, cold: bool
    ) -> tuple[Array, Array, Array]:
        """Bearing, oil and casing, degC, each (m, pumps). The first call settles them, or leaves them `cold`."""
        target = self._bearing_and_oil_target(machine, scene, builds, hall_c)
        casing_target, casing_keep = self._casing_target(machine, hall_c)
        if self._bearing_and_oil is None or self._casing is None:
            self._bearing_and_oil = np.broadcast_to(hall_c[0], target[0].shape) if cold else target[0]
            self._casing = hall_c[0] if cold else casing_target[0]
        track, self._bearing_and_oil = follow(self._bearing_and_oil, target, self._keep)
        casing, self._casing = follow(self._casing, casing_target, casing_keep)
        bearing = FAST_PART * track[:, 0] + (1.0 - FAST_PART) * track[:, 1]
        return bearing, track[:, 2], casing

    @staticmethod
    def _bearing_and_oil_target(machine: Machine, scene: Scene, builds: Builds, hall_c: Array) -> Array:
        friction = 1.0 + scene.fault("bearing_heat") + 0.8 * scene.fault("oil_loss") ** 2
        bearing = hall_c + BEARING_RISE_K * builds.bearing * machine.flow.n**1.5 * friction
        oil = hall_c + OIL_RISE_K * machine.flow.n
        return np.stack([bearing, bearing, oil], axis=1)

    def _casing_target(self, machine: Machine, hall_c: Array) -> tuple[Array, Array]:
        """Balance of the heat left in the casing, the liquid passing through and the hall; and what one step keeps."""
        flow = machine.flow
        hydraulic_kw = RATED_FLOW_L_MIN / 6e4 * flow.q * flow.head_m * 9.79
        dry_seal_kw = np.where(flow.q < 0.01, 0.25 * DUTY_POWER_KW * flow.n**3, 0.0)
        stays = 0.15 + 0.85 * np.clip(1.0 - flow.q, 0.0, 1.0) ** 2
        heat_kw = stays * np.maximum(flow.shaft_kw - hydraulic_kw, 0.0) + dry_seal_kw
        liquid = LIQUID_TO_CASING_KW_K * np.tanh(3.0 * flow.q) + STANDING_LIQUID_KW_K
        total = liquid + CASING_TO_HALL_KW_K
        target = (heat_kw + liquid * LIQUID_C + CASING_TO_HALL_KW_K * hall_c) / total
        return target, np.exp(-self._dt_s * total / CASING_KJ_K)


def oil_pressure_bar(oil_c: Array, machine: Machine, scene: Scene, builds: Builds) -> Array:
    """A shaft-driven oil pump: pressure with speed, less as the oil thins with heat (0.5 % per kelvin)."""
    thin = 1.0 - 0.005 * (oil_c - 46.0)
    return np.asarray(4.2 * builds.oil * machine.flow.n * thin * np.maximum(1.0 - scene.fault("oil_loss"), 0.0))
