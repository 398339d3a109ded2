"""The site that a history is of: from its site file, else as the history itself keeps it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.site import NO_MODEL, LoadedSite, PumpSettings, Site
from pumpwatch_gui.domain.values.readings import RecordedPump
from pumpwatch_gui.domain.wording import minute
from pumpwatch_gui.settings.site_reader import load_site

UNNAMED: Final = "Station"


@dataclass(frozen=True, slots=True)
class FoundSite:
    """A site, and in words where it was taken from and of when it is."""

    loaded: LoadedSite
    words: str


def find_site(history: Historian, own: Path, *, given: Path | None = None) -> FoundSite:
    """The site of a file that is `given`, else of the home's `own` if that is there, else of the history.

    A file of which no pump can be used gives way to the history, unless it was given. Raises InputError when the file
    that was given cannot be read or used, or when the history knows no pump; StoreError when it cannot be read.
    """
    problems: tuple[object, ...] = ()
    if given is not None or own.is_file():
        file = given or own
        if not file.is_file():
            raise InputError(f"there is no site file {file}", "name another with --site FILE, or none")
        loaded = load_site(file, keep_backup=False)
        if loaded.site.pumps or not loaded.problems:
            return FoundSite(loaded, f"site file {file.name} of {minute(file.stat().st_mtime_ns)}")
        if given is not None:
            raise InputError(f"{file}: {loaded.problems[0]}", "correct it: pumpwatch check --site FILE names all")
        problems = loaded.problems
    kept = history.recorded_site()
    if not kept.pumps:
        text = f"{own}: {problems[0]}" if problems else "there is no site file, and the history knows no pump"
        raise InputError(text, "name the site file with --site FILE")
    site = Site(kept.name or UNNAMED, currency=kept.currency, pumps=tuple(map(_settings, kept.pumps)))
    when = f" as it was on {minute(kept.noted_ns)}" if kept.noted_ns else ": every pump that it ever had"
    return FoundSite(LoadedSite(site, ()), f"the site that the history keeps{when}")


def _settings(pump: RecordedPump) -> PumpSettings:
    return PumpSettings(
        pump.pump_id, pump.name, pump.profile, pump.profile.name, NO_MODEL, (), area=pump.area, duty=pump.duty
    )
