"""The configuration: the one owner of the site. Every change is checked, persisted and said in words."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from pumpwatch_gui.domain.alarms.rule_places import condition_words, scope_words
from pumpwatch_gui.domain.alarms.rules import CustomRule
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.limit_words import limit_change
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.site_changes import (
    RemovePump,
    RemoveRule,
    RenamePump,
    SaveRegisterMap,
    SetLimits,
    SetPump,
    SetRule,
    SetStation,
    SetSync,
    SiteChange,
)
from pumpwatch_gui.domain.sync import SyncSettings
from pumpwatch_gui.domain.units import CHOICES
from pumpwatch_gui.settings.site_reader import load_site

if TYPE_CHECKING:
    from pumpwatch_gui.settings.site_file import SiteFile

log = logging.getLogger("pumpwatch.engine")


@dataclass(frozen=True, slots=True)
class SiteUpdate:
    """The site from now on, what was changed in words, and old pump ids → new ones."""

    site: Site
    text: str
    renamed: Mapping[str, str] = field(default_factory=dict)


class Configuration:
    """The site and its file. One thread changes it; any thread reads `site`.

    The file may be edited by people while the program runs. It is never written over: a change is refused while the
    file on the disk is not the one that was read, until `reload` has taken it in.
    """

    def __init__(self, site: Site, path: Path) -> None:
        self.site = site
        self.path = path
        self._edition = _edition(path)

    def change(self, changes: Sequence[SiteChange]) -> SiteUpdate:
        """Write the changes to the site file, all or none; the old file is kept next to it.

        Raises InputError, with nothing changed, when the result would have a mistake, names something that is not
        there, cannot be written, or when the file was edited outside the program.
        """
        if self.is_edited_outside:
            raise InputError(
                f"not saved: {self.path} was changed outside this program", "reload it in the settings, then save again"
            )
        # The writer of TOML is loaded with the first change: it costs each start 15 ms.
        from pumpwatch_gui.settings.site_file import SiteFile

        file = SiteFile(self.path)
        words: list[str] = []
        renamed: dict[str, str] = {}
        maps = _MapFiles(self.path.parent)
        try:
            for change in changes:
                words.append(self._edit(file, change, maps))
                if isinstance(change, RenamePump):
                    renamed[change.pump_id] = change.new_id
            file.save()
        except KeyError as error:
            maps.restore()
            raise InputError(f"not saved: there is no pump {error.args[0]}", "reload the settings") from error
        except BaseException:
            maps.restore()
            raise
        self._edition = _edition(self.path)
        self.site = file.loaded().site
        return SiteUpdate(self.site, "; ".join(words) or "nothing was changed", renamed)

    def reload(self) -> SiteUpdate:
        """Read the site file again. Raises InputError, with nothing changed, when it has a mistake."""
        edition, loaded = _edition(self.path), load_site(self.path, keep_backup=False)
        if loaded.problems:
            raise InputError("not reloaded: " + "; ".join(map(str, loaded.problems)), "fix what is named")
        self.site, self._edition = loaded.site, edition
        return SiteUpdate(self.site, f"Site file read again: {len(self.site.pumps)} pumps")

    @property
    def is_edited_outside(self) -> bool:
        """Whether the site file is another one than this program last read or wrote."""
        return _edition(self.path) != self._edition

    def _edit(self, file: "SiteFile", change: SiteChange, maps: "_MapFiles") -> str:
        match change:
            case SetStation():
                file.set_site(change)
                return _station_words(change, self.site)
            case SetPump(pump_id, name, profile, model, links, area, duty):
                is_new = file.set_pump(
                    pump_id, name=name, profile=profile, model=model, links=links, area=area, duty=duty
                )
                parts = [name, *filter(None, (area, duty)), profile, f"model {model}", *(one.endpoint for one in links)]
                return f"pump {pump_id} {'added' if is_new else 'changed'} ({', '.join(parts)})"
            case RenamePump(pump_id, new_id):
                file.rename_pump(pump_id, new_id)
                return f"pump {pump_id} renamed {new_id}"
            case RemovePump(pump_id):
                file.remove_pump(pump_id)
                named = [f", which the rule {r.text} names" for r in self.site.rules if pump_id in r.pump_ids]
                return f"pump {pump_id} removed{''.join(named)}"
            case SetRule(rule, is_new):
                file.set_rule(rule, is_new=is_new)
                return _rule_change(rule, self.site.rule(rule.rule_id))
            case RemoveRule(rule_id):
                file.remove_rule(rule_id)
                old = self.site.rule(rule_id)
                return f"rule {old.text if old else rule_id} deleted"
            case SetLimits(pump_id, limits, reason):
                for tag, own in limits.items():
                    file.set_limits(pump_id, tag, own)
                words = "; ".join(f"{pump_id} {_limit_change(self.site, pump_id, *one)}" for one in limits.items())
                return f"{words}: {reason.strip()}" if reason.strip() else words
            case SetSync(settings):
                file.set_sync(settings)
                return _sync_words(settings)
            case SaveRegisterMap(name, text):
                maps.write(name, text)
                return f"register map {name} saved"
            case _:
                assert_never(change)


class _MapFiles:
    """Register maps written on the way to a site file that may turn out to be wrong; then they are put back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before: dict[Path, str | None] = {}

    def write(self, name: str, text: str) -> None:
        from pumpwatch_gui.settings.map_file import MapFile

        path = self._folder / name
        self._before.setdefault(path, path.read_text("utf-8") if path.exists() else None)
        MapFile(text).save(path)

    def restore(self) -> None:
        for path, text in self._before.items():
            try:
                if text is None:
                    path.unlink(missing_ok=True)
                else:
                    path.write_text(text, "utf-8")
            except OSError as error:
                log.warning("register map %s could not be put back: %s", path, error)


def _edition(path: Path) -> str:
    """What changes when the file does; "" when there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _rule_change(rule: CustomRule, old: CustomRule | None) -> str:
    """What became of a rule: all that it says, or that it was switched."""
    if old is not None and replace(old, is_enabled=rule.is_enabled) == rule:
        return f"rule {rule.text} switched {'on' if rule.is_enabled else 'off'}"
    parts = [
        condition_words(rule, None),
        scope_words(rule),
        f"priority {rule.priority.name.lower()}",
        f"delays {rule.on_delay_s:g} and {rule.off_delay_s:g} s",
        *(["only while running"] if rule.only_running else []),
        *(["latching"] if rule.is_latching else []),
        *([] if rule.is_enabled else ["off"]),
    ]
    return f"rule {rule.text} {'added' if old is None else 'changed'} ({', '.join(parts)})"


def _station_words(change: SetStation, before: Site) -> str:
    shown = change.units or before.units
    parts = [f"station {change.name}, number {change.station}, {change.currency}"]
    parts += [f"{kind} in {shown.of(kind)}" for kind in CHOICES if shown.of(kind)]
    if change.history_gb is not None and change.history_gb != before.history_gb:
        bound = f"at most {change.history_gb:g} GB" if change.history_gb else "without a bound"
        parts.append(f"history {bound}, was {before.history_gb:g} GB")
    if change.energy_price is not None and change.energy_price != (before.energy_price or 0.0):
        parts.append(f"a kWh costs {change.energy_price:g}" if change.energy_price else "a kWh has no price")
    return ", ".join(parts)


def _sync_words(settings: SyncSettings | None) -> str:
    if settings is None:
        return "sync switched off: nothing is sent from now on"
    return f"sync to {settings.url} as {settings.account} from now on: {settings.stream_words}"


def _limit_change(site: Site, pump_id: str, tag: str, limits: Limits) -> str:
    pump = site.pump(pump_id)
    if pump is None or tag not in pump.profile.quantity_tags:
        return f"{tag}: limits set"
    return limit_change(pump.profile.quantities[pump.profile.index(tag)], limits)
