"""Editing the station and its pumps: from what was filled in to the changes that make the site so."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import DriverConfig
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.site_changes import RemovePump, RenamePump, SetPump, SetStation, SiteChange


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
    present = SetStation(site.name, site.station, site.currency, site.units)
    head = [] if replace(station, units=station.units or site.units) == present else [station]
    return *head, *removed, *_renames(drafts), *_settings(site, drafts)


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
