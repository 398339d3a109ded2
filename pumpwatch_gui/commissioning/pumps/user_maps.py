"""Register maps next to the site file: made of a shipped one when a tag is added, imported, exported."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pumpwatch_gui.commissioning.devices.map_table import MapTable
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.links.register_map import Point, RegisterMap
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.site_changes import SaveRegisterMap, SetPump, SiteChange
from pumpwatch_gui.files.shipped import find_shipped, shipped
from pumpwatch_gui.files.toml_text import read_toml_text
from pumpwatch_gui.settings.map_file import MapFile, map_text, read_map, read_map_file, shipped_maps

FOLDER = "registers"
"""The folder of user maps, next to the site file."""


def map_path(name: str, folder: Path | None) -> Path:
    """The file that a link's `registers` means. Raises InputError."""
    try:
        return find_shipped("resources/registers", name, suffix=".toml", base_dir=folder)
    except FileNotFoundError as error:
        raise InputError(f"register map {error}", "name a shipped map or give a path") from error


def user_maps(folder: Path) -> tuple[str, ...]:
    """The maps next to the site file, as a link names them."""
    return tuple(f"{FOLDER}/{p.name}" for p in sorted((folder / FOLDER).glob("*.toml")))


def all_maps(folder: Path) -> tuple[str, ...]:
    """User maps, then the shipped ones."""
    return (*user_maps(folder), *shipped_maps())


def free_path(folder: Path, stem: str) -> Path:
    """A path for a new map that no file has yet."""
    stem = re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "map"
    names = (stem if n == 1 else f"{stem}-{n}" for n in range(1, 10_000))
    return next(p for p in (folder / FOLDER / f"{name}.toml" for name in names) if not p.exists())


def editable(name: str, folder: Path, stem: str) -> tuple[MapFile, Path]:
    """The file of a map open for changes; a shipped one as a copy that is to be saved next to the site file.

    Nothing is written yet. Raises InputError.
    """
    path = map_path(name, folder)
    try:
        file = MapFile(read_toml_text(path))
    except OSError as error:
        raise InputError(f"register map {path} cannot be read: {error}", "check the path") from error
    if path.is_relative_to(shipped("resources")):
        path = free_path(folder, stem)
        file.set_head(name=path.stem)
    return file, path


def tag_changes(site: Site, site_file: Path, link_id: str, point: Point) -> tuple[SiteChange, ...]:
    """What puts a point into the register map of a link: a map of its own where it reads a shipped one.

    Reads files: not on the GUI thread. Raises InputError.
    """
    return map_changes(
        site,
        site_file,
        link_id,
        lambda file: file.set_point(keeping_sentinels(point, read_map(file.text).points)),
    )


def map_changes(site: Site, site_file: Path, link_id: str, change: Callable[[MapFile], None]) -> tuple[SiteChange, ...]:
    """What changes the register map of a link: in its own file, of a shipped one in a copy that the link then reads.

    Reads files: not on the GUI thread. Raises InputError.
    """
    pump_id = link_id.rpartition("/")[0]
    config, pump = site.link(link_id), site.pump(pump_id)
    if pump is None or not isinstance(config, ModbusConfig):
        raise InputError(f"{link_id} has no register map", "choose a Modbus link")
    folder = site.folder or site_file.parent
    file, path = editable(config.registers, folder, pump_id)
    change(file)
    save = SaveRegisterMap(_relative(path, folder), file.text, pump_id)
    if map_path(config.registers, folder) == path:
        return (save,)
    changed: Any = replace(config, registers=save.file)
    links = tuple(changed if link is config else link for link in pump.links)
    return save, SetPump(pump_id, pump.name, pump.profile_name, pump.model, links)


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def keeping_sentinels(point: Point, before: Iterable[Point]) -> Point:
    """The point with the "no reading" values of the one it takes the place of, where both have one type."""
    old = next((p for p in before if p.tag == point.tag), None)
    if old is None or point.not_available or old.type != point.type:
        return point
    return replace(point, not_available=old.not_available)


def read_user_map(name: str, folder: Path) -> RegisterMap:
    """The whole map that a link's `registers` means. Raises InputError listing every mistake in it."""
    return read_map_file(map_path(name, folder))


def imported_map(source: Path, folder: Path) -> SaveRegisterMap:
    """What saves a map's file next to the site file, comments and all. Raises InputError naming every mistake."""
    read_map_file(source)
    return SaveRegisterMap(_relative(free_path(folder, source.stem), folder), read_toml_text(source))


def table_map(table: MapTable, name: str, source: str, profile: str, folder: Path) -> SaveRegisterMap:
    """What saves the points of a manual's table as a map next to the site file, unconfirmed. Raises InputError."""
    if not table.points:
        raise InputError("not one row is a point", "correct what is named at the rows")
    path = free_path(folder, name)
    text = map_text(table.as_map(path.stem, source=source, profile=profile))
    read_map(text)
    return SaveRegisterMap(_relative(path, folder), text)


@dataclass(frozen=True, slots=True)
class MapChoice:
    """A map in a list: the name that a link gives it, what people call it, and what it is found by."""

    name: str
    text: str
    words: str


def map_choices(folder: Path) -> tuple[MapChoice, ...]:
    """Every map: user maps, then the shipped ones by what they are called. Reads files."""
    user = [_choice(name, folder) for name in user_maps(folder)]
    templates = [_choice(name, None) for name in shipped_maps()]
    return *user, *sorted(templates, key=lambda c: (c.name != "generic", c.text.lstrip("? ").lower()))


def _choice(name: str, folder: Path | None) -> MapChoice:
    """A user map is called by its file, a template by what it is for; `?`: nobody has confirmed it."""
    try:
        found = read_map_file(map_path(name, folder))
    except InputError:  # it is named, mistakes and all, when it is chosen
        return MapChoice(name, name, name.lower())
    text = name if folder is not None else found.label or name
    words = " ".join((name, found.label, found.maker, *found.models)).lower()
    return MapChoice(name, f"? {text}" if found.is_unconfirmed else text, words)


def export_map(name: str, folder: Path, target: Path) -> Path:
    """Write a map to a file of its own, comments and all. Raises InputError."""
    MapFile(read_toml_text(map_path(name, folder))).save(target)
    return target
