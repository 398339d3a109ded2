"""Writing the site file: comments stay, every save keeps the old version."""

from collections.abc import Sequence
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, InlineTable, Table

from pumpwatch_gui.domain.alarms.rules import CustomRule
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import DriverConfig
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.site import LoadedSite, Site
from pumpwatch_gui.domain.site_changes import SetStation
from pumpwatch_gui.domain.sync import SyncSettings, SyncStream
from pumpwatch_gui.domain.units import CHOICES
from pumpwatch_gui.files.atomic import write_atomic
from pumpwatch_gui.files.toml_text import parse_toml, read_toml_text
from pumpwatch_gui.settings.rule_table import rule_content
from pumpwatch_gui.settings.site_reader import SCHEMA, parse_site

KEEP_OLD = 20
_ADVICE = "correct the file first"


class SiteFile:
    """The site file open for changes. Nothing reaches the disk before `save`.

    Raises InputError when the file exists but is not TOML.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = read_toml_text(path) if path.exists() else ""
            parse_toml(text)  # tomlkit lets more pass
            self._document = tomlkit.parse(text)
        except (OSError, TOMLDecodeError, TOMLKitError, RecursionError) as error:
            raise InputError(f"site file {path} cannot be changed: {error}", _ADVICE) from error
        self._document.setdefault("schema", SCHEMA)

    @property
    def text(self) -> str:
        """The file as it would be saved."""
        return tomlkit.dumps(self._document)

    def set_site(self, station: SetStation) -> None:
        """Set what is said of the station; what is None stays as it is."""
        site, units = self._table(self._document, "site", tomlkit.table()), station.units
        _update(site, {"name": station.name, "station": station.station, "currency": station.currency})
        if station.energy_price:
            _update(site, {"energy_price": station.energy_price})
        elif station.energy_price == 0:
            site.pop("energy_price", None)
        if station.history_gb is not None and (station.history_gb != Site().history_gb or "history" in self._document):
            _update(self._table(self._document, "history", tomlkit.table()), {"max_gb": station.history_gb})
        chosen = {kind: unit for kind in CHOICES if units is not None and (unit := units.of(kind))}
        if units is not None and (chosen or "units" in site):
            _renew(self._table(site, "units", tomlkit.inline_table()), chosen)

    def set_sync(self, settings: SyncSettings | None) -> None:
        """Set where the station sends to; None takes the table out."""
        if settings is None:
            self._document.pop("sync", None)
            return
        table = self._table(self._document, "sync", tomlkit.table())
        streams = [stream.value for stream in SyncStream if stream in settings.streams]
        _update(table, {"url": settings.url, "account": settings.account, "streams": streams})
        if settings.auth_url:
            _update(table, {"auth_url": settings.auth_url})
        else:
            table.pop("auth_url", None)

    def set_pump(
        self, pump_id: str, *, name: str, profile: str, model: str, links: Sequence[DriverConfig],
        area: str | None = None, duty: str | None = None,
    ) -> bool:  # fmt: skip
        """Add a pump, or change the one of that id (its limits and comments stay); whether it is a new one.

        An area or duty of None is left as it is, an empty one is taken out.
        """
        pump = self._pump(pump_id)
        is_new = pump is None
        if pump is None:
            pump = tomlkit.table()
            pump["id"] = pump_id
            self._pumps().append(pump)
        _update(pump, {"name": name, "profile": profile, "model": model})
        for key, words in (("area", area), ("duty", duty)):
            if words:
                _update(pump, {key: words})
            elif words == "":
                pump.pop(key, None)
        old = pump.get("link")
        before = [table for table in old if isinstance(table, dict)] if isinstance(old, list) else []
        tables = tomlkit.aot()
        for i, link in enumerate(links):
            table = before[i] if i < len(before) and before[i].get("driver") == link.driver else tomlkit.table()
            _update(table, {"driver": link.driver, **_changed(link, table)})
            tables.append(table)
        pump["link"] = tables
        return is_new

    def rename_pump(self, pump_id: str, new_id: str) -> None:
        """Give a pump another id, also where rules name it; raises KeyError when there is none of the old one."""
        pump = self._pump(pump_id)
        if pump is None:
            raise KeyError(pump_id)
        pump["id"] = new_id
        for rule in self._rules():
            for table, key in ((rule, "pump"), *((term, "from_pump") for term in rule.get("term", ()))):
                if table.get(key) == pump_id:
                    table[key] = new_id

    def remove_pump(self, pump_id: str) -> None:
        """Take a pump out; raises KeyError when there is none of that id."""
        pumps = self._pumps()
        index = next((i for i, p in enumerate(pumps) if p.get("id") == pump_id), None)
        if index is None:
            raise KeyError(pump_id)
        del pumps[index]

    def set_limits(self, pump_id: str, tag: str, limits: Limits) -> None:
        """Write all limits of one sensor of one pump; a limit that is None is taken out.

        Raises KeyError for a pump that is not there, InputError where the file has no table of limits.
        """
        pump = self._pump(pump_id)
        if pump is None:
            raise KeyError(pump_id)
        own = self._table(pump, "limits", tomlkit.table(is_super_table=True))
        table = self._table(own, tag, tomlkit.table())
        for field in fields(Limits):
            value = getattr(limits, field.name)
            if value is None:
                table.pop(field.name, None)
            elif table.get(field.name) != value:
                table[field.name] = value

    def set_rule(self, rule: CustomRule, *, is_new: bool) -> None:
        """Add a rule, or change the one of that id; its comments stay.

        Raises InputError for a new one whose id is taken and for one to change that is not there.
        """
        table = self._rule(rule.rule_id)
        if is_new == (table is not None):
            what = "there is a rule {} already" if is_new else "there is no rule {}"
            raise InputError("not saved: " + what.format(rule.rule_id), "another person may have changed the rules")
        own, terms = rule_content(rule)
        if table is None:
            table = tomlkit.table()
            self._rules(make=True).append(table)
        old = table.get("term")
        before = [one for one in old if isinstance(one, dict)] if isinstance(old, list) else []
        _renew(table, own, kept=("term",))
        made = tomlkit.aot()
        for i, content in enumerate(terms):
            term = before[i] if i < len(before) else tomlkit.table()
            _renew(term, content)
            made.append(term)
        table["term"] = made

    def remove_rule(self, rule_id: str) -> None:
        """Take a rule out. Raises InputError when there is none of that id."""
        rules = self._rules()
        index = next((i for i, rule in enumerate(rules) if rule.get("id") == rule_id), None)
        if index is None:
            raise InputError(f"not saved: there is no rule {rule_id}", "another person may have deleted it")
        del rules[index]

    def save(self) -> Path | None:
        """Check the whole, keep the old version (`site.toml.old-…`), write, and put in place at once.

        Returns the path of the old version (None when there was none). Raises InputError, with the file on disk
        untouched, when the new text has mistakes or the folder cannot be written.
        """
        problems = parse_site(self.text, self.path.parent)[1]
        if problems:
            raise InputError("not saved: " + "; ".join(map(str, problems)), "correct what is named, then save again")
        try:
            return self._write()
        except OSError as error:
            raise InputError(f"not saved: {self.path}: {error.strerror}", "check the disk and permissions") from error

    def loaded(self) -> LoadedSite:
        """The site as this text describes it."""
        site, problems = parse_site(self.text, self.path.parent)
        return LoadedSite(site, tuple(problems))

    def _write(self) -> Path | None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        old = None
        if self.path.exists():
            stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
            old = self.path.with_name(f"{self.path.name}.old-{stamp}")
            write_atomic(old, self.path.read_bytes())
            for spare in sorted(self.path.parent.glob(self.path.name + ".old-*"))[:-KEEP_OLD]:
                spare.unlink()
        write_atomic(self.path, self.text.encode())
        return old

    def _pumps(self) -> AoT:
        return self._list("pump", make=True)

    def _rules(self, *, make: bool = False) -> AoT:
        return self._list("rule", make=make)

    def _list(self, key: str, *, make: bool) -> AoT:
        """The list of tables `[[key]]`; an empty one when it is missing, in the file too with `make`."""
        if key not in self._document:
            if not make:
                return tomlkit.aot()
            self._document[key] = tomlkit.aot()
        tables = self._document[key]
        if not isinstance(tables, AoT):
            raise InputError(f"{self.path}: {key} is not a list of [[{key}]] tables", _ADVICE)
        return tables

    def _rule(self, rule_id: str) -> Table | None:
        return next((r for r in self._rules() if str(r.get("id")).casefold() == rule_id.casefold()), None)

    def _table(self, parent: Any, key: str, fresh: Table | InlineTable) -> Any:
        """The table `key` of another, made when it is missing."""
        table = parent.setdefault(key, fresh)
        if not isinstance(table, dict):
            raise InputError(f"{self.path}: {key} is not a table ([{key}])", _ADVICE)
        return table

    def _pump(self, pump_id: str) -> Table | None:
        return next((p for p in self._pumps() if p.get("id") == pump_id), None)


def _update(table: Any, values: dict[str, Any]) -> None:
    for key, value in values.items():
        if table.get(key) != value:
            table[key] = value


def _renew(table: Any, values: dict[str, Any], kept: tuple[str, ...] = ()) -> None:
    """Make a table say just these, but for the keys that are `kept`; what says the same already stays as it is."""
    for key in [key for key in table if key not in values and key not in kept]:
        del table[key]
    _update(table, values)


def _changed(link: DriverConfig, table: Any) -> dict[str, Any]:
    """The fields worth writing: those that differ from the default, and those already in the file."""
    values: dict[str, Any] = {}
    for field in fields(link):
        value = getattr(link, field.name)
        if field.default is MISSING or value != field.default or field.name in table:
            values[field.name] = list(value) if isinstance(value, tuple) else value
    return values
