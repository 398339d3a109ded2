"""Plant: a number of simulated pumps, advanced together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.acquire.simulator.disturbances import (
    TIME_CONSTANTS_S,
    ColouredNoise,
    Steps,
    ambient,
    decay,
    duty_cycle,
    follow,
    ramp,
    valve_moves,
)
from pumpwatch_gui.acquire.simulator.faults import FaultSpec, Shares, parameters_at
from pumpwatch_gui.acquire.simulator.heat import Temperatures, oil_pressure_bar
from pumpwatch_gui.acquire.simulator.instruments import Instruments
from pumpwatch_gui.acquire.simulator.physics import RATED_SPEED_RPM, Builds, Machine, Scene, machine
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.domain.values.arrays import read_only

Array = NDArray[np.float64]

DT_S = 0.1
"""The inner step of the simulation, simulated seconds."""
BLOCK_STEPS = 3000
_VALVE_S = 15.0  # how long the operator's valve takes to travel
_LOW_FLOW_CUT_OFF = 0.01  # of the rated flow: below it a flow meter shows 0


@dataclass(frozen=True, slots=True, eq=False)
class PlantReadings:
    """A stretch of simulated time: `time_s` (m,) since the start, `values` (m, pumps, 10) with NaN for not available.

    `level` (m, pumps): how far the worst fault of each pump has developed, 0 to 1; `running` (m, pumps): wanted on.
    The arrays are made read-only.
    """

    time_s: Array
    values: Array
    level: Array
    running: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for array in (self.time_s, self.values, self.level, self.running):
            read_only(array)

    def part(self, rows: slice) -> "PlantReadings":
        """Some of the rows, as a copy."""
        return PlantReadings(
            self.time_s[rows].copy(), self.values[rows].copy(), self.level[rows].copy(), self.running[rows].copy()
        )


class Plant:
    """`pumps` simulated pumps P-101, P-102, … with the ten standard sensors; the same seed gives the same readings.

    `faults` are injected at their onsets (simulated seconds). `cold`: the pumps start from standstill at the
    temperature of the hall instead of settled; `cycles`: they stop and start now and then; `moves`: the operator
    moves the discharge valve now and then. `start_of_day_s` is the time of day at the start, for the hall's warmth.
    Not thread-safe. Raises InputError when a fault names a pump that is not there, ValueError for less than one pump.
    """

    def __init__(
        self,
        pumps: int = 3,
        *,
        seed: int = 1,
        faults: Sequence[FaultSpec] = (),
        cold: bool = False,
        cycles: bool = False,
        moves: bool = True,
        start_of_day_s: float = 9 * 3600.0,
    ) -> None:
        if pumps < 1:
            raise ValueError("pumps: must be at least 1")
        self.pump_ids = tuple(f"P-{101 + i}" for i in range(pumps))
        self.tags = STANDARD_TAGS
        self.faults = tuple(faults)
        self._check_faults()
        self._cold = cold
        self._start_of_day_s = start_of_day_s
        self._rng = np.random.default_rng([seed, 0])
        self._noise = ColouredNoise(pumps, dt_s=DT_S, rng=self._rng)
        self._builds = _builds(pumps, np.random.default_rng([seed, 1]))
        own = [np.random.default_rng([seed, 2, i]) for i in range(pumps)]
        delays = [20.0 + 10.0 * i if cold else 0.0 for i in range(pumps)]
        self._wanted = [Steps(duty_cycle(r, cycles=cycles, delay_s=d)) for r, d in zip(own, delays, strict=True)]
        self._valves = [Steps(valve_moves(r, spread=0.06 if moves else 0.0)) for r in own]
        self._valve = np.array([steps.at(np.zeros(1))[0] for steps in self._valves])
        self._spin = np.zeros(pumps) if cold else np.ones(pumps)
        self._temperatures = Temperatures(dt_s=DT_S)
        self._instruments = Instruments(self.faults, self.pump_ids)
        self._step = 0
        self._owed_s = 0.0
        self.last = self.run(1)

    @property
    def time_s(self) -> float:
        """Simulated seconds since the start, of the newest readings."""
        return (self._step - 1) * DT_S

    @property
    def values(self) -> Array:
        """The newest readings (pumps, 10), NaN where an instrument has nothing to report."""
        return np.asarray(self.last.values[-1])

    def advance(self, seconds: float) -> None:
        """Move on by `seconds` of simulated time (parts of a step are carried over); `values` are then the newest."""
        self._owed_s += seconds
        steps = int(self._owed_s / DT_S + 1e-9)
        self._owed_s -= steps * DT_S
        for readings in self.stream(steps):
            self.last = readings.part(slice(-1, None))

    def stream(self, steps: int) -> Iterator[PlantReadings]:
        """The next `steps` inner steps in blocks that fit in memory."""
        while steps > 0:
            block = min(steps, BLOCK_STEPS)
            steps -= block
            yield self.run(block)

    def run(self, steps: int) -> PlantReadings:
        """The next `steps` inner steps at once."""
        time_s: Array = (self._step + np.arange(steps, dtype=np.float64)) * DT_S
        self._step += steps
        white = self._rng.standard_normal((steps, len(TIME_CONSTANTS_S) + len(STANDARD_TAGS), len(self.pump_ids)))
        noise = self._noise.run(white[:, : len(TIME_CONSTANTS_S)])
        noise["grid"] = np.broadcast_to(noise["grid"][:, :1], noise["grid"].shape)  # one grid feeds them all
        faults = parameters_at(time_s, self.faults, self.pump_ids)
        scene = self._scene(time_s, noise, faults)
        state = machine(scene, self._builds)
        truth = self._truth(state, scene, time_s)
        values = self._instruments.read(
            truth, white[:, len(TIME_CONSTANTS_S) :], state.flow.n, noise["dropout"], time_s
        )
        return PlantReadings(time_s, values, faults.level, scene.on)

    def _scene(self, time_s: Array, noise: dict[str, Array], faults: Shares) -> Scene:
        wanted = np.stack([steps.at(time_s) for steps in self._wanted], axis=1) > 0.5
        target = np.stack([steps.at(time_s) for steps in self._valves], axis=1)
        valve, self._valve = follow(self._valve, target, decay(DT_S, _VALVE_S))
        spin, self._spin = ramp(self._spin, wanted, _accelerate)
        return Scene(spin, wanted, valve, noise, faults.parameters)

    def _truth(self, state: Machine, scene: Scene, time_s: Array) -> Array:
        """The true values of the ten sensors (m, pumps, 10)."""
        hall = ambient(time_s, scene.noise["weather"], start_of_day_s=self._start_of_day_s)
        bearing, oil, casing = self._temperatures.run(state, scene, self._builds, hall, cold=self._cold)
        shown = np.where(state.flow.q < _LOW_FLOW_CUT_OFF, 0.0, state.delivered_l_min)
        columns = (
            RATED_SPEED_RPM * state.flow.n,
            bearing,
            oil_pressure_bar(oil, state, scene, self._builds),
            state.vibration_mm_s,
            shown,
            state.flow.suction_bar,
            state.flow.discharge_bar,
            state.current_a,
            casing,
            hall,
        )
        return np.stack(columns, axis=-1)

    def _check_faults(self) -> None:
        for spec in self.faults:
            if spec.pump_id not in self.pump_ids:
                close = get_close_matches(spec.pump_id, self.pump_ids, n=1)
                advice = f"did you mean {close[0]}? " if close else ""
                raise InputError(
                    f"no such pump: {spec.pump_id!r}", f"{advice}there are {self.pump_ids[0]} to {self.pump_ids[-1]}"
                )


def _accelerate(spin: Array, wanted: NDArray[np.bool_]) -> Array:
    """One step of the speed: 2.4 s to full speed on a direct start, about 10 s to coast down against the liquid."""
    up = np.minimum(spin + DT_S * 0.42, 1.0)
    down = np.maximum(spin - DT_S * (0.04 + 0.25 * spin**2), 0.0)
    return np.where(wanted, up, down)


def _builds(pumps: int, rng: np.random.Generator) -> Builds:
    """How the pumps differ, within what a maker's tolerances allow."""

    def spread(part: float) -> Array:
        return np.asarray(1.0 + part * rng.uniform(-1.0, 1.0, pumps))

    return Builds(head=spread(0.01), power=spread(0.01), vibration=spread(0.08), bearing=spread(0.03), oil=spread(0.02))
