"""Pump profiles: from TOML to `PumpProfile`, and limits from a table."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

from pumpwatch_gui.domain.errors import InputError, Problem
from pumpwatch_gui.domain.links.map_document import is_number
from pumpwatch_gui.domain.pump.curve import CurvePoints
from pumpwatch_gui.domain.pump.derived import missing, with_derived
from pumpwatch_gui.domain.pump.profile import (
    PHASES,
    VIBRATION_CATEGORIES,
    Limits,
    Nameplate,
    PumpProfile,
    Sensor,
    equal_tags,
    equal_tags_text,
    is_region,
)
from pumpwatch_gui.files.shipped import find_shipped
from pumpwatch_gui.files.toml_text import parse_toml, read_toml_text
from pumpwatch_gui.settings.toml_table import Table

LIMIT_KEYS = tuple(f.name for f in fields(Limits) if f.name != "latching")


def read_limits(table: Table, base: Limits) -> Limits | None:
    """Limits of one table laid over `base`; None (with the problems noted) when they do not hold together."""
    before = len(table.problems)
    changes: dict[str, Any] = {key: table.take_number(key) for key in LIMIT_KEYS if key in table.content}
    latching = table.take("latching", bool, "true or false", base.latching)
    for key in LIMIT_KEYS:
        table.take(key, (int, float), "a number", None) if key not in changes else None
    table.finish()
    if len(table.problems) > before:
        return None
    try:
        return replace(base, latching=latching, **changes)
    except ValueError as error:
        table.note("", str(error))
        return None


def parse_profile(document: object, problems: list[Problem]) -> PumpProfile | None:
    """The profile of a parsed TOML document; None when any part of it is wrong (all mistakes are in `problems`)."""
    before = len(problems)
    top = Table(document, "", problems)
    name = top.take_text("name")
    label = top.take_text("label", "")
    nameplate = _read_nameplate(top.table("nameplate"))
    tables = list(top.tables("sensor", required=True))
    sensors = [s for s in map(_read_sensor, tables) if s]
    derived = top.table("derived")
    curve = _read_curve(top.table("curve")) if "curve" in top.content else None
    top.finish()
    _check_tags(tables)
    if len(problems) > before or name is None or nameplate is None:
        return None
    try:
        profile = with_derived(PumpProfile(name, tuple(sensors), label or "", nameplate, curve=curve))
    except ValueError as error:
        top.note("sensor", str(error))
        return None
    profile = _read_derived(derived, profile)
    return profile if len(problems) == before else None


def read_limits_of(table: Table, sensor: Sensor) -> Sensor:
    """The sensor with the limits at its tag of a table laid over its own; as it is where there are none, or wrong."""
    if sensor.tag not in table.content:
        table.take(sensor.tag, Mapping, "a table", None)
        return sensor
    limits = read_limits(table.table(sensor.tag), sensor.limits)
    return replace(sensor, limits=limits) if limits else sensor


def note_missing(table: Table, profile: PumpProfile) -> None:
    """Note each tag of a table that names a derived quantity which the pump lacks, with what that wants."""
    for one in missing(profile):
        if one.tag in table.content:
            table.take(one.tag, Mapping, "a table", None)
            advice = f"add {' and '.join(one.plate)} to the nameplate" if one.plate else ""
            advice = f"it needs a sensor for {' and '.join(one.tags)}" if one.tags else advice
            table.note(one.tag, f"{one.label} cannot be computed", advice)


def load_profile(name: str, *, base_dir: Path | None = None) -> PumpProfile:
    """The shipped profile of that name, or the one in the file that `name` is the path of.

    Raises InputError listing every mistake in the file.
    """
    try:
        path = find_shipped("resources/profiles", name, suffix=".toml", base_dir=base_dir)
        document = parse_toml(read_toml_text(path))
    except FileNotFoundError as error:
        raise InputError(f"profile {error}", "name a shipped profile or give a path") from error
    except (OSError, TOMLDecodeError) as error:
        raise InputError(f"profile {name}: {error}", "correct the file") from error
    problems: list[Problem] = []
    profile = parse_profile(document, problems)
    if profile is None:
        raise InputError(f"profile {path}: " + "; ".join(map(str, problems)), "correct the file")
    return profile


def _check_tags(tables: Sequence[Table]) -> None:
    """Note tags that are one but for their case, with both their paths; a profile would refuse them without."""
    named = [(table, tag) for table in tables if isinstance(tag := table.content.get("tag"), str)]
    if pair := equal_tags([tag for _, tag in named]):
        (first, one), (second, other) = named[pair[0]], named[pair[1]]
        second.note("tag", f"{equal_tags_text(one, other)} ({first.path}.tag)", "rename one of them")


def _read_derived(table: Table, profile: PumpProfile) -> PumpProfile:
    """The profile with the limits of its derived quantities (`[derived.TAG]` with `limits`)."""
    own: dict[str, Limits] = {}
    for sensor in profile.derived:
        entry = table.table(sensor.tag)
        limits = read_limits(entry.table("limits"), sensor.limits)
        entry.finish()
        own |= {sensor.tag: limits} if limits else {}
    note_missing(table, profile)
    table.finish()
    return with_derived(profile, own)


def _read_curve(table: Table) -> CurvePoints | None:
    """The points of the pump curve; None, with the mistakes noted, when they are none."""
    flow, head = _numbers(table, "flow_l_min"), _numbers(table, "head_m")
    table.finish()
    if flow is None or head is None:
        return None
    try:
        return CurvePoints(flow, head)
    except ValueError as error:
        table.note("", str(error))
        return None


def _numbers(table: Table, key: str) -> tuple[float, ...] | None:
    items = table.take(key, (list, tuple), "a list of numbers")
    if items is None:
        return None
    if not all(is_number(x) for x in items):
        table.note(key, f"must be a list of numbers, not {items!r}")
        return None
    return tuple(map(float, items))


def _read_nameplate(table: Table) -> Nameplate | None:
    """The nameplate; None, with every mistake noted, when a value is wrong."""
    before = len(table.problems)
    values: dict[str, Any] = {}
    for field in fields(Nameplate):
        value = _plate_value(table, field.name, field.default)
        values[field.name] = field.default if value is None else value
    table.finish()
    return Nameplate(**values) if len(table.problems) == before else None


def _plate_value(table: Table, key: str, default: Any) -> Any:
    match key:
        case "suction_is_gauge":
            return table.take(key, bool, "true or false", default)
        case "vibration_category":
            category = table.take(key, str, 'the text "I" or "II"', default)
            if category not in (None, *VIBRATION_CATEGORIES):
                table.note(key, f'must be "I" or "II", not {category!r}', "ISO 10816-7: I critical, II general")
            return category
        case "preferred_region" | "allowable_region":
            region = table.take_pair(key, default)
            if region is not None and not is_region(region):
                table.note(key, "must rise, from 0 on", "parts of the best-efficiency flow, such as [0.7, 1.2]")
            return region
        case "phases":
            phases = table.take(key, int, "1 or 3", default)
            if phases is not None and phases not in PHASES:
                table.note(key, f"must be 1 or 3, not {phases}")
            return phases
        case _:
            number = table.take_number(key, default)
            if number is not None and number <= 0:
                table.note(key, "must be above 0")
            return number


def _read_sensor(table: Table) -> Sensor | None:
    before = len(table.problems)
    tag, label, unit = table.take_text("tag"), table.take_text("label", ""), table.take("unit", str, "a text", "")
    span, normal = table.take_pair("span"), table.take_pair("normal", None)
    resolution = table.take_number("resolution", 0.1)
    limits = read_limits(table.table("limits"), Limits())
    table.finish()
    if len(table.problems) > before or tag is None or span is None or limits is None or resolution is None:
        return None
    try:
        return Sensor(tag, label or tag, unit, span, resolution, normal, limits)
    except ValueError as error:
        table.note("", str(error))
        return None
