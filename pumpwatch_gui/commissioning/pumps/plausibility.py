"""Whether the readings of a pump make sense: what is examined, and the findings from values and raw registers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from pathlib import Path

import numpy as np

from pumpwatch_gui.commissioning.devices.links import WAIT_S
from pumpwatch_gui.commissioning.devices.register_reading import read_points
from pumpwatch_gui.commissioning.devices.word_order import swapped
from pumpwatch_gui.commissioning.pumps.user_maps import map_changes
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.domain.ports import Capability, Station
from pumpwatch_gui.domain.pump.plausibility import PlausibilityFinding
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.site_changes import SiteChange
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.files.register_maps import load_register_map
from pumpwatch_gui.judge.plausibility.checks import examine, has_run

LOOKED_BACK = 300
"""Frames of the recent past that are examined."""


@dataclass(frozen=True, slots=True)
class ReadingsToCheck:
    """What is examined: readings by tag, the raw registers of points where they were read, and where it is from.

    `is_unconfirmed`: nobody has shown yet that the register map is right; then a pump that was not seen running is a
    finding too.
    """

    profile: PumpProfile
    series: Sequence[Mapping[str, float]]
    words: str
    points: Sequence[Point] = ()
    raw: Mapping[str, Sequence[Sequence[int]]] = field(default_factory=dict)
    is_unconfirmed: bool = False
    identity_wrong: tuple[str, ...] = ()


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
    unseen = [_not_seen(material)] if material.is_unconfirmed and not has_run(profile, material.series) else []
    another = [_another_device(wrong) for wrong in material.identity_wrong]
    return tuple(sorted([*another, *orders, *others, *unseen], key=lambda f: not f.is_certain))


def _another_device(wrong: str) -> PlausibilityFinding:
    cause, advice = "another device or model, or a wrong unit id", "compare the nameplate with the map's models"
    return PlausibilityFinding("identity", (), wrong, cause, advice, True)


def _not_seen(material: ReadingsToCheck) -> PlausibilityFinding:
    what = f"the pump was not seen running in {material.words}"
    cause = "it is stopped, or neither speed nor current nor flow is read"
    return PlausibilityFinding("running", (), what, cause, "examine again while the pump runs")


def confirmation(words: str, reasons: Mapping[PlausibilityFinding, str], *, user: str, now: datetime) -> str:
    """What is written into a map that was found right: when, by whom, by what, and why each finding may stay."""
    rest = "; ".join(f"{finding.what}: {reason}" for finding, reason in reasons.items())
    return f"{now:%Y-%m-%d}, {user}: {words}, " + (f"accepted: {rest}" if rest else "nothing looks wrong")


def confirmed_map(site: Site, site_file: Path, link_id: str, words: str) -> tuple[SiteChange, ...]:
    """What marks the map of a link as confirmed: in its own file, of a shipped one in a copy.

    Reads files: not on the GUI thread. Raises InputError.
    """
    return map_changes(site, site_file, link_id, lambda file: file.set_head(confirmed=words))


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
        for row in trace.values[-LOOKED_BACK:, : len(profile.tags)]
    ]
    words = f"{len(series)} readings of {pump_id}"
    if not isinstance(config, ModbusConfig) or Capability.BROWSE not in station.capabilities:
        return ReadingsToCheck(profile, series, words)
    found = load_register_map(config.registers, tags=profile.tags, base_dir=site.folder)
    points, is_unconfirmed = found.points, found.is_unconfirmed
    try:
        read = read_points(points, lambda t, a, n: station.links.read_block(link_id, t, a, n).result(WAIT_S))
    except (PumpWatchError, OSError, KeyError) as error:  # the recent past can still be examined
        words += f" (its registers cannot be read now: {error_text(error)})"
        return ReadingsToCheck(profile, series, words, is_unconfirmed=is_unconfirmed)
    raw = {tag: [registers] for tag, registers in read.registers.items()}
    # The trace keeps float32: unless rounded alike, the reading of now would differ from a value that has not moved.
    now = {tag: float(np.float32(value)) for tag, value in read.numbers(points).items()}
    return ReadingsToCheck(profile, [*series, now], f"{words} and its registers", points, raw, is_unconfirmed)
