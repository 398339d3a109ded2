"""What the ten instruments make of the truth: noise, steps, and their own faults."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.acquire.simulator.faults import FAULTS, FaultSpec, SensorEffect
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS

Array = NDArray[np.float64]

#       n    Tb    Po     V     Q    Ps     Pd     I     Tc    Ta
NOISE = np.array([0.4, 0.08, 0.012, 0.02, 4.0, 0.008, 0.015, 0.08, 0.08, 0.06])
"""Standard deviation of the white noise of each instrument, in its unit."""
DECIMALS = (1, 1, 2, 2, 0, 2, 2, 1, 1, 1)
"""Of what each instrument shows."""
_PARTS = 10.0 ** np.array(DECIMALS)
DRIFT = np.array([25.0, 20.0, 1.5, 3.0, 350.0, 0.9, 1.2, 6.0, 20.0, 20.0])
"""How far each instrument is off at a drift of severity 1."""
ROTATING = np.array([1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
"""1 where the reading is exactly 0 at standstill: the noise scales with the speed."""


class Instruments:
    """Turns true values into readings. Holds what a stuck instrument shows."""

    def __init__(self, specs: Sequence[FaultSpec], pump_ids: Sequence[str]) -> None:
        self._faults = [
            (spec, pump_ids.index(spec.pump_id), STANDARD_TAGS.index(spec.tag)) for spec in specs if spec.tag
        ]
        self._held: dict[FaultSpec, float] = {}

    def read(self, truth: Array, white: Array, speed: Array, dropout: Array, time_s: Array) -> Array:
        """Readings (m, pumps, 10), NaN where an instrument has nothing to report.

        `truth` (m, pumps, 10), `white` (m, 10, pumps) unit noise, `speed` (m, pumps) in parts of the rated speed,
        `dropout` (m, pumps) the unit noise that decides when an instrument drops out, `time_s` (m,).
        """
        alive = 1.0 - ROTATING + ROTATING * np.minimum(speed, 1.0)[..., np.newaxis]
        values = truth + NOISE * alive * white.transpose(0, 2, 1)
        values[..., 1:5] = np.where(ROTATING[1:5] > 0, np.maximum(values[..., 1:5], 0.0), values[..., 1:5])
        for spec, pump, tag in self._faults:
            self._spoil(values[:, pump, tag], spec, spec.level(time_s), dropout[:, pump])
        return np.asarray(np.round(values * _PARTS) / _PARTS)

    def _spoil(self, column: Array, spec: FaultSpec, level: Array, dropout: Array) -> None:
        """Apply one sensor fault in place to the readings (m,) of one instrument."""
        active, effect = level > 0, FAULTS[spec.fault].sensor_effect
        if effect is SensorEffect.DRIFT:
            column += level * DRIFT[STANDARD_TAGS.index(spec.tag)]
        elif effect is SensorEffect.DROPOUT:
            limit = NormalDist().inv_cdf(min(max(1.0 - spec.severity, 1e-9), 1.0 - 1e-9))
            column[active & (dropout > limit)] = np.nan
        elif active.any():
            first = int(active.argmax())
            if first > 0 or spec not in self._held:
                self._held[spec] = float(column[max(first - 1, 0)])
            column[active] = self._held[spec]
        if effect is SensorEffect.STUCK and not active[-1]:
            self._held[spec] = float(column[-1])
