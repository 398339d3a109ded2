"""The site: which pumps there are and how they are reached. Checked as a whole; what is good is kept."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from math import inf
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, Protocol, get_type_hints

from pumpwatch_gui.acquire.driver import LinkSpec
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.domain.alarms.rule_places import rule_cautions
from pumpwatch_gui.domain.errors import BundleError, InputError, Problem
from pumpwatch_gui.domain.links.config import (
    PUBLIC_ADVICE,
    DriverConfig,
    ModbusConfig,
    ModbusTlsConfig,
    RestIngestConfig,
    is_public,
)
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import LEARN, NO_MODEL, LoadedSite, PumpSettings, Site
from pumpwatch_gui.domain.sync import SyncStream
from pumpwatch_gui.domain.units import CHOICES, UnitChoice, plain_unit
from pumpwatch_gui.files.shipped import find_shipped, user_path
from pumpwatch_gui.files.toml_text import UnreadableTextError, parse_toml, read_toml_text
from pumpwatch_gui.settings.gateway_table import read_gateway
from pumpwatch_gui.settings.line_check import PlacedLink, line_problems
from pumpwatch_gui.settings.profile_file import load_profile, note_missing, read_limits_of
from pumpwatch_gui.settings.report_table import read_reports
from pumpwatch_gui.settings.rule_table import read_rules
from pumpwatch_gui.settings.sync_table import read_sync
from pumpwatch_gui.settings.toml_table import Table

SCHEMA = 1
MAX_TAGS = 1900
"""Different tags in one site: each has a column of the readings, of which SQLite allows 2,000; some stay free for the
tags of pumps that were there before."""
LEAST_HISTORY_GB = 1.0
"""A smaller budget would not hold a week of a few pumps, which is never deleted."""


class ModelCheck(Protocol):
    """Raises BundleError when the model in the folder `path` cannot be used for pumps of a profile: `load_bundle`."""

    def __call__(self, path: Path, profile: PumpProfile) -> object:
        """Check one."""


def load_site(path: Path, *, keep_backup: bool = True, check_model: ModelCheck | None = None) -> LoadedSite:
    """Read and check a site file. Never raises for what is in it: the program opens on what is good.

    A file with mistakes is copied first (`site.toml.bad-…`) when `keep_backup`. With `check_model` the model of
    each pump is loaded as well (0.1 s for the first of a kind). Raises InputError only when the file cannot be read
    at all.
    """
    try:
        text = read_toml_text(path)
    except FileNotFoundError as error:
        raise InputError(
            f"site file {path} does not exist", "give the path of a site file, or start without one"
        ) from error
    except OSError as error:
        advice = "" if isinstance(error, UnreadableTextError) else "check the path and its permissions"
        raise InputError(f"site file {path} cannot be read: {error.strerror or error}", advice) from error
    site, problems = parse_site(text, path.parent, check_model)
    backup = _back_up(path) if problems and keep_backup else None
    return LoadedSite(site, tuple(problems), backup)


def parse_site(text: str, folder: Path | None, check_model: ModelCheck | None = None) -> tuple[Site, list[Problem]]:
    """The good part of a site file's text, and every mistake in it with its path."""
    problems: list[Problem] = []
    try:
        document = parse_toml(text)
    except TOMLDecodeError as error:
        return Site(folder=folder), [Problem("the file", f"is not TOML: {error}", "correct that line")]
    top = Table(document, "", problems)
    schema = top.take("schema", int, "the number 1")
    if schema is not None and schema != SCHEMA:
        top.note("schema", f"is {schema}, this program reads {SCHEMA}", "use the version of the program that wrote it")
        return Site(folder=folder), problems
    site = replace(
        _read_head(top.table("site"), folder),
        history_gb=_read_history(top.table("history")),
        reports=read_reports(top.table("reports")),
        gateway=read_gateway(top.table("gateway")),
    )
    pumps: dict[str, PumpSettings] = {}
    placed: list[PlacedLink] = []
    for table in top.tables("pump"):
        pump = _read_pump(table, folder, placed, check_model)
        if pump and pump.pump_id in pumps:
            table.note("id", f"{pump.pump_id} is there twice", "give each pump its own id")
        elif pump:
            pumps[pump.pump_id] = pump
    rules, sync = read_rules(top), read_sync(top)
    top.finish()
    _check_tags(pumps, problems)
    problems += line_problems(placed, folder)
    return replace(site, pumps=tuple(pumps.values()), rules=rules, sync=sync), problems


def _check_tags(pumps: dict[str, PumpSettings], problems: list[Problem]) -> None:
    """Leave out the pumps whose tags find no place in the history."""
    tags: set[str] = set()
    for pump_id, pump in tuple(pumps.items()):
        own = {tag.casefold() for tag in pump.profile.tags}
        if len(tags | own) > MAX_TAGS:
            text = f"with its tags the site would have more than {MAX_TAGS} different ones"
            problems.append(Problem(f"pump {pump_id}", text, "give sensors of one kind the same tag in every profile"))
            del pumps[pump_id]
        else:
            tags |= own


def cautions(site: Site) -> list[Problem]:
    """What is no mistake but should be checked: devices of another network or read twice, open doors and keys, sync."""
    found = (_public(site), _read_twice(site), _open_keys(site), _gateway(site), rule_cautions(site), _sent(site))
    return list(chain.from_iterable(found))


def _sent(site: Site) -> Iterator[Problem]:
    if site.sync is not None:
        names = ", ".join(stream.value for stream in SyncStream if stream in site.sync.streams)
        yield Problem("sync", f"{names} are sent to {site.sync.url}", "take [sync] out to send nothing")


def _gateway(site: Site) -> Iterator[Problem]:
    """That other programs are let in is said, and posts that no one takes."""
    posted = [p.pump_id for p in site.pumps if any(isinstance(link, RestIngestConfig) for link in p.links)]
    if posted and not site.gateway.enabled:
        text = f"{', '.join(posted)} are fed by posts, and the gateway that takes them is off"
        yield Problem("gateway", text, "set enabled = true in [gateway], or start with --gateway")
    if site.gateway.enabled:
        who = "every program of this computer" if site.gateway.is_open else "programs with a key"
        yield Problem("gateway", f"is on: {who} may ask and post at {site.gateway.url}", "turn it off if none does")


def _open_keys(site: Site) -> Iterator[Problem]:
    """Private keys that others than their owner can read (where the system has such permissions)."""
    for pump in site.pumps:
        for n, link in enumerate(pump.links, 1):
            if isinstance(link, ModbusTlsConfig) and os.name == "posix":
                path = user_path(link.key, site.folder)
                if path.is_file() and path.stat().st_mode & 0o077:
                    text = f"the private key {path} can be read by other users"
                    yield Problem(f"pump {pump.pump_id}, link {n}, key", text, f"chmod 600 {path}")


def _read_twice(site: Site) -> Iterator[Problem]:
    seen: dict[tuple[object, ...], str] = {}
    for pump in site.pumps:
        for n, link in enumerate(pump.links, 1):
            connection = DRIVERS[link.driver].connection(link)
            if not isinstance(link, ModbusConfig) or connection is None:
                continue
            place = f"pump {pump.pump_id}, link {n}"
            first = seen.setdefault((connection, link.unit, link.registers), place)
            if first != place:
                text = f"{link.endpoint} is read by {first} too, with the same register map"
                yield Problem(place, text, "is it the unit of this pump? one of the two should name another")


def _public(site: Site) -> list[Problem]:
    return [
        Problem(f"pump {pump.pump_id}, link {n}", f"{link.endpoint} is a public address", PUBLIC_ADVICE)
        for pump in site.pumps
        for n, link in enumerate(pump.links, 1)
        if is_public(link.remote_host)
    ]


def _read_head(table: Table, folder: Path | None) -> Site:
    name, currency = table.take_text("name", "My station"), table.take_text("currency", "INR")
    station = table.take("station", int, "a whole number 1-1023", 1)
    if station is not None and not 1 <= station <= 1023:
        table.note("station", f"must be 1 to 1023, not {station}")
        station = None
    units = _read_units(table.table("units"))
    price = table.take_number("energy_price", None)
    if price is not None and not 0 < price < inf:
        table.note("energy_price", f"must be above 0, not {price:g}", "the price of a kWh in the currency of the site")
        price = None
    table.finish()
    return Site(name or "My station", station or 1, currency or "INR", (), folder, units=units, energy_price=price)


def _read_units(table: Table) -> UnitChoice:
    """The good ones of the units that values are shown in."""
    chosen = dict[str, str]()
    for kind, offered in CHOICES.items():
        unit = table.take(kind, str, f"one of {', '.join(offered)}", "")
        if unit and plain_unit(unit) not in offered:
            table.note(kind, f"must be one of {', '.join(offered)}, not {unit!r}")
        elif unit:
            chosen[kind] = plain_unit(unit)
    table.finish()
    return UnitChoice(**chosen)


def _read_history(table: Table) -> float:
    usual = Site().history_gb
    most = table.take("max_gb", (int, float), "gigabytes, 0 for no bound", usual)
    if most is not None and not (most == 0 or LEAST_HISTORY_GB <= most < inf):
        table.note("max_gb", f"must be 0 or at least {LEAST_HISTORY_GB:g}, not {most}")
        most = None
    table.finish()
    return usual if most is None else float(most)


def _read_pump(
    table: Table, folder: Path | None, placed: list[PlacedLink], check_model: ModelCheck | None
) -> PumpSettings | None:
    """The pump, None when it cannot be used; its good links are added to `placed`."""
    before = len(table.problems)
    pump_id, name = table.take_text("id"), table.take_text("name", "")
    if pump_id is not None and ("/" in pump_id or "=" in pump_id):
        table.note("id", "must not contain / or =")
    profile_name, model = table.take_text("profile"), table.take_text("model", LEARN)
    profile = _profile(table, profile_name, folder)
    tables = table.tables("link", required=True)
    read = [(t.path, link) for t in tables if (link := _read_link(t, profile, folder))]
    links = tuple(link for _, link in read)
    if profile is not None:
        placed += [PlacedLink(path, link, profile) for path, link in read]
    usable = len(table.problems) == before
    if usable and not links:
        table.note("link", "is empty", "give the pump at least one [[pump.link]]")
        usable = False
    # From here on a mistake costs only its own entry, not the pump.
    area, duty = table.take_text("area", "") or "", table.take_text("duty", "") or ""
    if profile is not None:
        profile = _own_limits(table.table("limits"), profile)
    if model not in (None, NO_MODEL, LEARN):
        check = partial(check_model, profile=profile) if check_model and profile else None
        model = _model(table, str(model), folder, check)
    table.finish()
    if not usable or pump_id is None or profile is None or profile_name is None:
        return None
    return PumpSettings(pump_id, name or pump_id, profile, profile_name, model or NO_MODEL, links, area, duty)


def _profile(table: Table, name: str | None, folder: Path | None) -> PumpProfile | None:
    if name is None:
        return None
    try:
        return load_profile(name, base_dir=folder)
    except InputError as error:
        table.note("profile", error.message, error.advice)
        return None


def _model(table: Table, name: str, folder: Path | None, check: Callable[[Path], object] | None) -> str:
    try:
        path = find_shipped("models", name, base_dir=folder)
        if check is not None:
            check(path)
    except FileNotFoundError as error:
        table.note("model", str(error), 'name a shipped model, give a path, or write "learn" or "none"')
    except BundleError as error:
        table.note("model", error.message, error.advice)
    else:
        return name
    return NO_MODEL


def _own_limits(table: Table, profile: PumpProfile) -> PumpProfile:
    sensors = tuple(read_limits_of(table, sensor) for sensor in profile.sensors)
    derived = tuple(read_limits_of(table, sensor) for sensor in profile.derived)
    note_missing(table, profile)
    table.finish()
    return replace(profile, sensors=sensors, derived=derived)


def _read_link(table: Table, profile: PumpProfile | None, folder: Path | None) -> DriverConfig | None:
    before = len(table.problems)
    name = table.take_text("driver")
    if name is None:
        return None
    if name not in DRIVERS:
        table.note("driver", f"{name!r} is not known", "known: " + ", ".join(DRIVERS))
        return None
    driver = DRIVERS[name]
    kind: Any = driver.config
    hints = get_type_hints(kind)
    values = {f.name: _field(table, f.name, hints[f.name], f.default) for f in fields(kind)}
    table.finish()
    if len(table.problems) > before:
        return None
    try:
        config: DriverConfig = kind(**values)
    except ValueError as error:
        table.note("", str(error))
        return None
    if profile is not None:
        try:
            driver.tags(LinkSpec("", "", profile, config, folder))
        except InputError as error:
            table.note(driver.tags_setting, error.message, error.advice)
            return None
    return config


def _field(table: Table, key: str, hint: Any, default: Any) -> Any:
    fallback = ... if default is MISSING else default
    if hint is bool:
        return table.take(key, bool, "true or false", fallback)
    if hint is int:
        return table.take(key, int, "a whole number", fallback)
    if hint is float:
        return table.take_number(key, fallback)
    if hint is str:
        return table.take(key, str, "a text", fallback)
    return table.take_texts(key, fallback)


def _back_up(path: Path) -> Path | None:
    backup = path.with_name(f"{path.name}.bad-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    try:
        shutil.copy2(path, backup)
    except OSError:
        return None  # a read-only folder: the file itself stays as it is
    return backup
