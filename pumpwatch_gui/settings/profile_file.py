"""Pump profiles: from TOML to `PumpProfile`, and limits from a table."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

from pumpwatch_gui.domain.errors import InputError, Problem
from pumpwatch_gui.domain.pump.profile import Limits, Nameplate, PumpProfile, Sensor, equal_tags, equal_tags_text
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
    top.finish()
    _check_tags(tables)
    if len(problems) > before or name is None:
        return None
    try:
        return PumpProfile(name, tuple(sensors), label or "", nameplate)
    except ValueError as error:
        top.note("sensor", str(error))
        return None


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


def _read_nameplate(table: Table) -> Nameplate:
    values: dict[str, object] = {}
    for field in fields(Nameplate):
        if field.name == "suction_is_gauge":
            value = table.take(field.name, bool, "true or false", field.default)
        else:
            value = table.take_number(field.name, field.default)
            if value is not None and value <= 0:
                table.note(field.name, "must be above 0")
        values[field.name] = field.default if value is None else value
    table.finish()
    values["phases"] = int(values["phases"])  # type: ignore[call-overload]
    return Nameplate(**values)  # type: ignore[arg-type]


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
