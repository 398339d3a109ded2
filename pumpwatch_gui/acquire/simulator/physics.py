"""The pump and its motor: algebra from speed, levels, valve and faults to pressures, flow, power, current, vibration.

A radial-flow pump of 48 m at 1450 L/min on a fixed system, direct on line. Arrays are (m, pumps), functions pure.
Flow is counted in parts of the rated flow (`q`), speed in parts of the rated speed (`n`), head in metres of the liquid.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DENSITY_KG_M3 = 998.0
BAR_PER_M = DENSITY_KG_M3 * 9.80665 / 1e5
RATED_FLOW_L_MIN = 1450.0
RATED_SPEED_RPM = 1480.0
RATED_SLIP = 20.0 / 1500.0
RATED_CURRENT_A = 28.0
VOLTAGE_KV = 0.4

SHUT_OFF_HEAD_M = 60.0
CURVE_DROP_M = 12.0  # head lost from shut-off to the rated flow
STATIC_HEAD_M = 22.0  # from the suction vessel to the discharge vessel
SUCTION_LOSS_M = 1.5  # at the rated flow
DISCHARGE_LOSS_M = SHUT_OFF_HEAD_M - CURVE_DROP_M - STATIC_HEAD_M - SUCTION_LOSS_M  # so that q = 1 on the system curve
SOURCE_BAR = 1.95  # gauge, in the suction vessel
DUTY_POWER_KW = RATED_FLOW_L_MIN / 6e4 * 48.0 * DENSITY_KG_M3 * 9.80665 / 1e3 / 0.78  # shaft, pump efficiency 78 %
MAGNETISING_A = 14.3  # reactive current; with the active 23.3 A at duty it makes a power factor of 0.85
LIQUID_C = 60.3
VAPOUR_BAR = 0.20  # absolute, water at 60 degC
NPSHR_M = 3.5
ATMOSPHERE_BAR = 1.013


@dataclass(frozen=True, slots=True, eq=False)
class Builds:
    """How the pumps differ as built and installed: factors near 1, each (pumps,)."""

    head: Array
    power: Array
    vibration: Array
    bearing: Array
    oil: Array


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What surrounds the pumps over a stretch of time, each (m, pumps). `spin`: speed over the loaded speed, 0 to 1."""

    spin: Array
    on: NDArray[np.bool_]
    valve: Array  # relative change of the discharge resistance
    noise: Mapping[str, Array]
    faults: Mapping[str, Array]

    def fault(self, name: str) -> Array | float:
        """The fault parameter of that name, 0 where no fault moves it."""
        return self.faults.get(name, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """The hydraulic state, each (m, pumps)."""

    n: Array  # speed, parts of the rated speed
    q: Array  # flow through the impeller, parts of the rated flow
    head_m: Array
    suction_bar: Array
    discharge_bar: Array
    shaft_kw: Array
    cavitation: Array | float  # 0 none to 1 full, as heard
    breakdown: Array | float  # 0 none to 1 full, as lost head


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """The whole instantaneous state, each (m, pumps): flow and the electrical and mechanical side."""

    flow: Flow
    delivered_l_min: Array
    motor_kw: Array
    electrical_kw: Array
    current_a: Array
    vibration_mm_s: Array


def machine(scene: Scene, builds: Builds) -> Machine:
    """Solve the pump: speed and cavitation from a first pass, then the flow at the speed under load."""
    grid = 1.0 + 3e-4 * scene.noise["grid"]
    first = flow_at(scene.spin * grid, scene, builds, cavitation=0.0, breakdown=0.0)
    cavitation, breakdown = _cavitation(first, scene)
    speed = scene.spin * grid * _slip(first, scene)
    flow = flow_at(speed, scene, builds, cavitation=cavitation, breakdown=breakdown)
    motor_kw = _motor_kw(flow, scene)
    electrical_kw, current_a = _electrical(motor_kw, scene)
    leak = np.minimum(scene.fault("seal_leak_l_min"), RATED_FLOW_L_MIN * flow.q)
    delivered = RATED_FLOW_L_MIN * flow.q - leak
    return Machine(flow, delivered, motor_kw, electrical_kw, current_a, _vibration(flow, scene, builds))


def flow_at(n: Array, scene: Scene, builds: Builds, *, cavitation: Array | float, breakdown: Array | float) -> Flow:
    """Where the pump curve (quadratic, by affinity) meets the system curve; a check valve stops back-flow."""
    unsteady = scene.noise["unsteady"]
    filled = np.clip(1.0 - scene.fault("prime_lost"), 0.03, 1.0)
    gas = scene.fault("gas_fraction") * (1.0 + 0.35 * unsteady)
    wear = scene.fault("ring_wear")
    strength = builds.head * filled * (1.0 - 1.5 * gas) * (1.0 - breakdown * (0.25 + 0.06 * unsteady))
    strength = np.maximum(strength * (1.0 - cavitation * 0.04 * unsteady), 0.0)
    shut_off = SHUT_OFF_HEAD_M * (1.0 - 0.14 * wear)
    drop = CURVE_DROP_M * (1.0 + 0.4 * wear)

    source = SOURCE_BAR + 0.05 * scene.noise["suction_level"] - scene.fault("source_drop_bar")
    surge = scene.fault("suction_surge_bar") * scene.noise["suction_surge"]
    static = STATIC_HEAD_M + 0.5 * scene.noise["static_head"] - (source + surge - SOURCE_BAR) / BAR_PER_M
    suction_loss = SUCTION_LOSS_M * (1.0 + scene.fault("suction_fouling"))
    valve = (1.0 + scene.valve + 0.008 * scene.noise["turbulence"]) * np.exp(scene.fault("throttling"))
    valve = valve * (1.0 - scene.fault("seal_leak_l_min") / RATED_FLOW_L_MIN) ** 2  # what leaks meets no resistance
    surplus = np.maximum(strength * shut_off * n**2 - static, 0.0)
    q = np.sqrt(surplus / (strength * drop + suction_loss + DISCHARGE_LOSS_M * valve))

    head = strength * (shut_off * n**2 - drop * q**2)
    suction = source + surge - BAR_PER_M * suction_loss * q**2
    load = 0.42 * n**3 + 0.63 * q * n**2 - 0.05 * q**2 * n
    thinner = filled * (1.0 - gas) * (1.0 - breakdown * (0.15 + 0.05 * unsteady)) * (1.0 + 0.05 * wear)
    shaft = DUTY_POWER_KW * builds.power * thinner * load
    return Flow(n, q, head, suction, suction + BAR_PER_M * head, shaft, cavitation, breakdown)


def _cavitation(flow: Flow, scene: Scene) -> tuple[Array, Array]:
    """How far it cavitates, from the ratio of available to required NPSH: heard below 3, head lost below 1.8."""
    available = (flow.suction_bar + ATMOSPHERE_BAR - VAPOUR_BAR) / BAR_PER_M
    required = NPSHR_M * (0.4 * flow.n**2 + 0.6 * flow.q**2) + scene.fault("npshr_m") * (flow.q > 0)
    ratio = np.maximum(available, 0.0) / np.maximum(required, 1e-3)
    return np.clip((3.0 - ratio) / 2.0, 0.0, 1.0), np.clip((1.8 - ratio) / 1.1, 0.0, 1.0)


def _motor_kw(flow: Flow, scene: Scene) -> Array:
    drag = scene.fault("bearing_drag_kw") + scene.fault("motor_drag_kw") * scene.on
    return np.asarray(flow.shaft_kw + 0.15 * flow.n**3 + drag * flow.n)


def _slip(flow: Flow, scene: Scene) -> Array:
    """Speed under load over the rated one: slip is proportional to torque and to 1 / voltage squared."""
    torque = _motor_kw(flow, scene) / np.maximum(flow.n, 0.2) / DUTY_POWER_KW
    slip = RATED_SLIP * torque / (1.0 - scene.fault("supply_drop")) ** 2
    return np.asarray((1.0 - slip) / (1.0 - RATED_SLIP))


def _electrical(motor_kw: Array, scene: Scene) -> tuple[Array, Array]:
    """Power in and line current: iron and copper losses, magnetising current, and the inrush of a direct start."""
    voltage = 1.0 - scene.fault("supply_drop")
    power = (motor_kw + 0.45 + 0.95 * (motor_kw / DUTY_POWER_KW / voltage) ** 2) * scene.on
    active = power / (np.sqrt(3.0) * VOLTAGE_KV * voltage)
    inrush = 5.5 * RATED_CURRENT_A * (1.0 - scene.spin**4)
    return power, (np.hypot(active, MAGNETISING_A * voltage) + inrush) * scene.on


def _vibration(flow: Flow, scene: Scene, builds: Builds) -> Array:
    """Overall RMS velocity: once-per-turn parts add up, broad-band parts add in squares; it breathes with the flow."""
    filled = np.clip(1.0 - scene.fault("prime_lost"), 0.03, 1.0)
    off_design = 1.0 - np.minimum(flow.q / np.maximum(flow.n, 0.2), 1.5)
    once = (2.4 * builds.vibration + scene.fault("unbalance_mm_s")) * flow.n**2 + scene.fault(
        "misalignment_mm_s"
    ) * flow.n
    inlet = 0.06 * scene.fault("suction_fouling") + 0.9 * scene.fault("ring_wear")
    hydraulic = (0.9 + 3.2 * off_design**2 + inlet) * flow.n**2
    gas = scene.fault("gas_fraction")
    broad = (
        hydraulic**2
        + (8.0 * flow.cavitation * flow.n) ** 2
        + (45.0 * gas * flow.n) ** 2
        + (4.0 * (1.0 - filled) * flow.n) ** 2
        + (scene.fault("bearing_roughness_mm_s") * flow.n) ** 2
        + (2.0 * scene.fault("oil_loss") ** 2 * flow.n) ** 2
        + (0.02 * scene.fault("seal_leak_l_min") * flow.n) ** 2
        + (0.25 * scene.fault("motor_drag_kw") * flow.n) ** 2
    )
    breath = 0.02 * scene.noise["vibration"]
    breath = breath + (0.12 * flow.cavitation + 1.2 * gas + 0.12 * (1.0 - filled)) * scene.noise["unsteady"]
    return np.asarray(np.sqrt(once**2 + broad) * np.maximum(1.0 + breath, 0.1))
