"""A pump that is being added: what the steps fill in, how it is read before it is saved, how it is saved."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from pumpwatch_gui.acquire.discovery.trial import read_once, test_link
from pumpwatch_gui.commissioning.devices.links import line_to
from pumpwatch_gui.commissioning.devices.map_table import MapTable
from pumpwatch_gui.commissioning.devices.register_reading import Identity, Reader, read_identity, read_points
from pumpwatch_gui.commissioning.pumps.plausibility import ReadingsToCheck
from pumpwatch_gui.commissioning.pumps.user_maps import FOLDER, free_path, keeping_sentinels, map_path
from pumpwatch_gui.domain.display import ShownValue, fresh_values
from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig
from pumpwatch_gui.domain.links.register_map import IdentityRead, Point, RegisterMap
from pumpwatch_gui.domain.ports import LinkBrowser
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.site_changes import SaveRegisterMap, SetLimits, SetPump, SiteChange
from pumpwatch_gui.files.toml_text import read_toml_text
from pumpwatch_gui.settings.map_file import MapFile, map_text, read_map
from pumpwatch_gui.settings.profile_file import load_profile

KEPT = 120
"""Readings that are kept for the plausibility check."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One reading before the pump is saved: what the link will make of it, and what the registers say."""

    shown: Mapping[str, ShownValue]
    numbers: Mapping[str, float]
    registers: Mapping[str, tuple[int, ...]]
    trouble: str = ""
    identity_read: Identity | None = None


@dataclass
class Draft:
    """The pump as far as it is filled in. `template` is the map it starts from, "" for an empty one."""

    folder: Path
    config: DriverConfig | None = None
    profile_name: str = "centrifugal"
    profile: PumpProfile | None = None
    template: str = "generic"
    base: int = 0
    register_bytes: int = 2
    source: str = ""
    is_unconfirmed: bool = False
    confirmed: str = ""
    identity: tuple[IdentityRead, ...] = ()
    identity_read: Identity | None = None
    points: dict[str, Point] = field(default_factory=dict)
    is_changed: bool = False
    limits: dict[str, Limits] = field(default_factory=dict)
    series: deque[Mapping[str, float]] = field(default_factory=lambda: deque(maxlen=KEPT))
    raw: dict[str, deque[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=KEPT)))

    @property
    def is_modbus(self) -> bool:
        """Whether the device has registers."""
        return isinstance(self.config, ModbusConfig)

    def use_profile(self, name: str) -> None:
        """Take another profile. Raises InputError."""
        self.profile = load_profile(name, base_dir=self.folder)
        self.profile_name = name
        self.limits = {s.tag: s.limits for s in self.profile.sensors}
        self.forget()

    def use_template(self, name: str, found: RegisterMap | None) -> None:
        """Start from a map; None: from an empty one."""
        self.template, self.is_changed = name, found is None
        self.base, self.register_bytes = (found.base, found.register_bytes) if found else (0, 2)
        self.source, self.confirmed = "", ""
        self.identity = found.identity if found else ()
        self.is_unconfirmed = found is not None and found.is_unconfirmed
        self.points = {p.tag: p for p in found.points} if found else {}
        self.forget()

    def use_table(self, table: MapTable, source: str) -> None:
        """Take the points of a manual's table as the map. Raises InputError when they do not go together."""
        found = table.as_map("draft", source=source)
        read_map(map_text(found))
        self.use_template("", found)
        self.is_changed, self.source = True, found.source

    def forget(self) -> None:
        """Drop the readings: they are of something else."""
        self.series.clear()
        self.raw.clear()
        self.identity_read = None

    @property
    def used(self) -> tuple[Point, ...]:
        """The points of the profile's sensors, in their order."""
        tags = self.profile.tags if self.profile else ()
        return tuple(self.points[tag] for tag in tags if tag in self.points)

    def put(self, point: Point) -> None:
        """Add a point or change it. Raises InputError when it does not go with the others; nothing is changed then."""
        point = replace(point, register_bytes=self.register_bytes)
        points = {**self.points, point.tag: keeping_sentinels(point, self.points.values())}
        file = MapFile("", self.base)
        file.set_head(name="draft", register_bytes=self.register_bytes)
        for one in points.values():
            file.set_point(one)
        read_map(file.text)
        self.points, self.is_changed = points, True
        self.raw.pop(point.tag, None)

    def leave_out(self, tag: str) -> None:
        """Take a point out."""
        if self.points.pop(tag, None) is not None:
            self.is_changed = True

    def keep(self, preview: Preview) -> None:
        """Remember a reading."""
        self.series.append(preview.numbers)
        self.identity_read = preview.identity_read or self.identity_read
        for tag, registers in preview.registers.items():
            self.raw[tag].append(registers)

    def material(self) -> ReadingsToCheck:
        """What the plausibility check examines."""
        if self.profile is None or not self.series:
            raise InputError("nothing was read yet", "go back and wait for a value")
        points = [p for p in self.used if p.tag in self.raw]
        raw = {p.tag: tuple(self.raw[p.tag]) for p in points}
        words = f"{len(self.series)} readings" if len(self.series) > 1 else "one reading"
        wrong = self.identity_read.wrong if self.identity_read else ()
        return ReadingsToCheck(self.profile, tuple(self.series), words, points, raw, self.is_unconfirmed, wrong)


def reader_of(
    config: ModbusConfig, folder: Path, register_bytes: int = 2, running: LinkBrowser | None = None
) -> Reader:
    """Reads a device that is no running link; connects again each time, or goes over a `running` line to it."""
    return lambda table, address, count: read_once(
        config, table, address, count, base_dir=folder, register_bytes=register_bytes, line=line_to(config, running)
    )


def read_preview(
    config: DriverConfig,
    profile: PumpProfile,
    points: Sequence[Point],
    folder: Path,
    identity: Sequence[IdentityRead] = (),
    running: LinkBrowser | None = None,
) -> Preview:
    """Read everything once, and what says which device it is; blocks for up to some seconds.

    Raises LinkFault, InputError.
    """
    if isinstance(config, ModbusConfig):
        if not points:
            return Preview({}, {}, {}, "no sensor has a register yet")
        reader = reader_of(config, folder, points[0].register_bytes, running)
        read, found = read_points(points, reader), _identity_of(identity, reader)
        return Preview(
            read.shown(points, profile), read.numbers(points), read.registers, "; ".join(read.troubles), found
        )
    test = test_link(config, profile, base_dir=folder, line=line_to(config, running))
    if test.frame is None:
        raise InputError(test.text, test.advice)
    values = fresh_values(profile, test.frame)
    numbers = {value.sensor.tag: value.value for value in values if isfinite(value.value)}
    return Preview({value.sensor.tag: value for value in values}, numbers, {}, "" if test.ok else test.text)


def _identity_of(identity: Sequence[IdentityRead], reader: Reader) -> Identity | None:
    """What the device says about itself; None where its map does not ask."""
    try:
        return read_identity(identity, reader) if identity else None
    except (PumpWatchError, OSError):
        return Identity((), ("the device does not answer where its map says what it is",))


@dataclass(frozen=True, slots=True)
class Names:
    """What the pump shall be called, and the model that judges it ("none": none)."""

    pump_id: str
    name: str
    model: str


def new_pump_changes(draft: Draft, names: Names, site: Site) -> tuple[SiteChange, ...]:
    """What adds the pump to the site: its map, where it was changed, the pump, its own limits. Reads the template.

    Raises InputError for what is not filled in or is taken.
    """
    config, profile = draft.config, draft.profile
    if config is None or profile is None:
        raise InputError("the link is not filled in", "go back to it")
    if not names.pump_id:
        raise InputError("the pump has no id", "give it one, such as P-101")
    if site.pump(names.pump_id) is not None:
        raise InputError(f"the id {names.pump_id} is taken", "give the pump another one")
    changes: list[SiteChange] = []
    if isinstance(config, ModbusConfig):
        registers = draft.template
        if draft.is_changed or draft.confirmed:
            path = free_path(draft.folder, names.pump_id)
            registers = f"{FOLDER}/{path.name}"
            changes.append(SaveRegisterMap(registers, _map_file(draft, path.stem).text, names.pump_id))
        changed: Any = replace(config, registers=registers)
        config = changed
    changes.append(SetPump(names.pump_id, names.name, draft.profile_name, names.model, (config,)))
    own = {s.tag: draft.limits[s.tag] for s in profile.sensors if draft.limits[s.tag] != s.limits}
    if own:
        changes.append(SetLimits(names.pump_id, own))
    return tuple(changes)


def _map_file(draft: Draft, name: str) -> MapFile:
    """The template's text with the changes, so that its comments stay; of an empty one a new text."""
    text = read_toml_text(map_path(draft.template, draft.folder)) if draft.template else ""
    file = MapFile(text, draft.base)
    if text:
        for point in read_map(text).points:
            if point.tag not in draft.points:
                file.remove_point(point.tag)
    head: dict[str, Any] = {"source": draft.source, "sureness": "C"} if draft.source else {}
    file.set_head(name=name, profile=draft.profile_name, confirmed=draft.confirmed, **head)
    for point in draft.points.values():
        file.set_point(point)
    return file
