"""Whether the readings of a pump make sense: what is examined, and the findings from values and raw registers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from pumpwatch_gui.commissioning.devices.register_reading import read_points
from pumpwatch_gui.commissioning.devices.word_order import swapped
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.domain.ports import Capability, Station
from pumpwatch_gui.domain.pump.plausibility import PlausibilityFinding
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.files.register_maps import load_register_map
from pumpwatch_gui.judge.plausibility.checks import examine

LOOKED_BACK = 300
"""Frames of the recent past that are examined."""
WAIT_S = 15.0
"""Longest wait for an order on a running link; it is read between two scans, and a dead unit is polled seldom."""


@dataclass(frozen=True, slots=True)
class ReadingsToCheck:
    """What is examined: readings by tag, the raw registers of points where they were read, and where it is from."""

    profile: PumpProfile
    series: Sequence[Mapping[str, float]]
    words: str
    points: Sequence[Point] = ()
    raw: Mapping[str, Sequence[Sequence[int]]] = field(default_factory=dict)


def findings_of(material: ReadingsToCheck) -> tuple[PlausibilityFinding, ...]:
    """Everything that looks wrong, the certain first: exchanged words by the raw registers, the rest by the values."""
    profile = material.profile
    orders = [
        finding
        for point in material.points
        if point.tag in profile.tags and material.raw.get(point.tag)
        if (finding := swapped(point, profile.sensors[profile.index(point.tag)], material.raw[point.tag]))
    ]
    known = {tag for finding in orders for tag in finding.tags}
    others = [f for f in examine(profile, material.series) if not (set(f.tags) <= known and f.kind in ("span", "unit"))]
    return tuple(sorted([*orders, *others], key=lambda f: not f.is_certain))


def live_material(station: Station, link_id: str) -> ReadingsToCheck:
    """The recent frames of a link's pump, and its registers as they are now. Blocks. Raises InputError, KeyError."""
    site, pump_id = station.site(), link_id.rpartition("/")[0]
    pump = site.pump(pump_id)
    if pump is None:
        raise KeyError(pump_id)
    profile, config = pump.profile, site.link(link_id)
    trace = station.trace(pump_id)
    series: list[dict[str, float]] = [
        {tag: float(value) for tag, value in zip(profile.tags, row, strict=True) if isfinite(value)}
        for row in trace.values[-LOOKED_BACK:]
    ]
    words = f"{len(series)} readings of {pump_id}"
    if not isinstance(config, ModbusConfig) or Capability.BROWSE not in station.capabilities:
        return ReadingsToCheck(profile, series, words)
    points = load_register_map(config.registers, tags=profile.tags, base_dir=site.folder).points
    try:
        read = read_points(points, lambda t, a, n: station.links.read_block(link_id, t, a, n).result(WAIT_S))
    except (PumpWatchError, OSError, KeyError) as error:  # the recent past can still be examined
        return ReadingsToCheck(profile, series, f"{words} (its registers cannot be read now: {error_text(error)})")
    raw = {tag: [registers] for tag, registers in read.registers.items()}
    # The trace keeps float32: unless rounded alike, the reading of now would differ from a value that has not moved.
    now = {tag: float(np.float32(value)) for tag, value in read.numbers(points).items()}
    return ReadingsToCheck(profile, [*series, now], f"{words} and its registers", points, raw)
