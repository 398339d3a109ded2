"""Editing the station and its pumps: from what was filled in to the changes that make the site so."""

from collections.abc import Sequence
from dataclasses import Field, dataclass, fields, replace
from itertools import zip_longest

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import DriverConfig, setting_label
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.site_changes import RemovePump, RenamePump, SetPump, SetStation, SiteChange
from pumpwatch_gui.domain.units import CHOICES
from pumpwatch_gui.domain.wording import unit_text


@dataclass(frozen=True, slots=True)
class PumpDraft:
    """A pump as it is being edited. `was` is its id in the site, "" for a new one; a link is None until filled in."""

    was: str
    pump_id: str
    name: str
    profile: str = "centrifugal"
    model: str = "centrifugal"
    links: tuple[DriverConfig | None, ...] = (None,)
    area: str = ""
    duty: str = ""


def drafts_of(site: Site) -> list[PumpDraft]:
    """The pumps of a site, to be edited."""
    return [
        PumpDraft(p.pump_id, p.pump_id, p.name, p.profile_name, p.model, p.links, p.area, p.duty) for p in site.pumps
    ]


def free_id(taken: Sequence[str]) -> tuple[str, str]:
    """An id that no pump has, and the name that goes with it."""
    number = next(n for n in range(101, 10_000) if f"P-{n}" not in taken)
    return f"P-{number}", f"Pump {number}"


def site_changes(site: Site, station: SetStation, drafts: Sequence[PumpDraft]) -> tuple[SiteChange, ...]:
    """What differs from the site, in an order in which no pump takes an id that another still has.

    Raises InputError for an id that is used twice, and for two pumps that exchange their ids.
    """
    ids = [draft.pump_id for draft in drafts]
    twice = next((pump_id for pump_id in ids if ids.count(pump_id) > 1), None)
    if twice is not None:
        raise InputError(f"not saved: the id {twice} is used twice", "give each pump its own id")
    kept = {draft.was for draft in drafts}
    removed = [RemovePump(pump.pump_id) for pump in site.pumps if pump.pump_id not in kept]
    head = [] if _whole(station, site) == station_of(site) else [station]
    return *head, *removed, *_renames(drafts), *_settings(site, drafts)


def station_of(site: Site) -> SetStation:
    """What a site says of the station, to be edited."""
    return SetStation(site.name, site.station, site.currency, site.units, site.history_gb, site.energy_price or 0.0)


def _whole(station: SetStation, site: Site) -> SetStation:
    """A change of the station with what it leaves as it is."""
    present = station_of(site)
    kept = {f.name: getattr(present, f.name) for f in fields(present) if f.init and getattr(station, f.name) is None}
    return replace(station, **kept)


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One setting that is about to be saved: what it is, how it is now and how it will be, "" for what is not there."""

    what: str
    before: str
    after: str


def shown_changes(site: Site, station: SetStation, drafts: Sequence[PumpDraft]) -> tuple[ShownChange, ...]:
    """Every setting that differs from the site, in the order of the dialog."""
    station, present = _whole(station, site), station_of(site)
    units = station.units or site.units
    rows: list[tuple[str, object, object]] = [
        ("Station name", site.name, station.name),
        ("Station number", site.station, station.station),
        ("Station currency", site.currency, station.currency),
        ("History at most, GB", _bound_words(present.history_gb), _bound_words(station.history_gb)),
        ("Price of a kWh", _price_words(present.energy_price), _price_words(station.energy_price)),
    ]
    rows += [(f"{kind.capitalize()} shown in", _unit_words(site.units.of(kind)), _unit_words(units.of(kind)))
             for kind in CHOICES]  # fmt: skip
    kept = {draft.was for draft in drafts}
    rows += [(f"Pump {pump.pump_id}", pump.name, "removed, its history stays")
             for pump in site.pumps if pump.pump_id not in kept]  # fmt: skip
    for draft in drafts:
        rows += _pump_rows(site.pump(draft.was), draft)
    return tuple(ShownChange(what, str(was), str(now)) for what, was, now in rows if was != now)


def _bound_words(gigabytes: float | None) -> str:
    return f"{gigabytes:g}" if gigabytes else "no bound"


def _price_words(price: float | None) -> str:
    return f"{price:g}" if price else "none"


def _unit_words(unit: str) -> str:
    return unit_text(unit) or "the unit of the tag"


def _pump_rows(old: PumpSettings | None, draft: PumpDraft) -> list[tuple[str, object, object]]:
    if old is None:
        links = ", ".join(link.endpoint for link in draft.links if link is not None)
        return [(f"Pump {draft.pump_id}", "", f"added: {', '.join(filter(None, (draft.name, draft.profile, links)))}")]
    pump_id = old.pump_id
    rows: list[tuple[str, object, object]] = [
        (f"{pump_id} id", old.pump_id, draft.pump_id), (f"{pump_id} name", old.name, draft.name),
        (f"{pump_id} area", old.area, draft.area), (f"{pump_id} duty", old.duty, draft.duty),
        (f"{pump_id} profile", old.profile_name, draft.profile), (f"{pump_id} model", old.model, draft.model),
    ]  # fmt: skip
    for number, (before, after) in enumerate(zip_longest(old.links, draft.links), 1):
        rows += _link_rows(f"{pump_id} link {number}", before, after)
    return rows


def _link_rows(place: str, before: DriverConfig | None, after: DriverConfig | None) -> list[tuple[str, object, object]]:
    if before is None or after is None or before.driver != after.driver:
        was, now = (f"{link.driver}, {link.endpoint}" if link is not None else "" for link in (before, after))
        return [(place, was, now)]
    return [(f"{place} {setting_label(one).lower()}", *_values(one, before, after)) for one in fields(before)]


def _values(one: "Field[object]", *links: DriverConfig) -> tuple[object, object]:
    """The value of a field of both, with its unit."""
    unit = f" {one.metadata['unit']}" if "unit" in one.metadata else ""
    was, now = (getattr(link, one.name) for link in links)
    words = [f"{', '.join(map(str, x)) if isinstance(x, tuple) else x}{unit}" for x in (was, now)]
    return words[0], words[1]


def _renames(drafts: Sequence[PumpDraft]) -> list[RenamePump]:
    waiting = {draft.was: draft.pump_id for draft in drafts if draft.was not in ("", draft.pump_id)}
    renames: list[RenamePump] = []
    while waiting:
        old = next((old for old, new in waiting.items() if new not in waiting), None)
        if old is None:
            raise InputError(
                f"not saved: {' and '.join(waiting)} exchange their ids", "save one of them under another id first"
            )
        renames.append(RenamePump(old, waiting.pop(old)))
    return renames


def _settings(site: Site, drafts: Sequence[PumpDraft]) -> list[SetPump]:
    changed = []
    for draft in drafts:
        links = tuple(link for link in draft.links if link is not None)
        wanted = SetPump(draft.pump_id, draft.name, draft.profile, draft.model, links, draft.area, draft.duty)
        old = site.pump(draft.was)
        if old is None or wanted != SetPump(
            draft.pump_id, old.name, old.profile_name, old.model, old.links, old.area, old.duty
        ):
            changed.append(wanted)
    return changed
