"""What a viewer has heard of one station: its parts as values, and how it has changed since the last time."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import nan
from typing import Any, Final

import numpy as np

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, by_rank
from pumpwatch_gui.domain.events import AlarmChanged, Event, RunStateChanged
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.station import LOOP_WORDS, LoopHealth, LoopWords, PumpView, RunState, stale_after_s
from pumpwatch_gui.domain.units import UnitChoice
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.trace import Trace, TraceRing
from pumpwatch_gui.stations.remote.names import Names
from pumpwatch_gui.stations.remote.values import (
    UNREADABLE,
    Clock,
    RemoteSite,
    alarms_of,
    area_of,
    frame_of,
    maintenance_of,
    pump_view,
    settings_of,
    silent,
    site_of,
)
from pumpwatch_gui.sync.live import FORMAT, MORE, NOW

log = logging.getLogger("pumpwatch.stations")

LATE_AFTER_S: Final = 5.0
"""A station that runs says so twice a second: after ten times nothing it counts as lost."""
LOST = "it sends nothing: its values and alarms are those of before"
NOT_LIVE = "it sends no live values: its program is older, or sends none to this server; what is stored can be read"
NEWER = "its program is newer than this one and sends what this one would misread: update this program"


@dataclass(slots=True)
class _Pump:
    """A pump with what came of it last."""

    settings: PumpSettings
    ring: TraceRing
    now: Mapping[str, Any] | None = None
    more: Mapping[str, Any] | None = None
    frame: Frame | None = None
    more_clock: Clock = field(default_factory=lambda: Clock(0, 0.0))
    scans: int = 0
    view: PumpView | None = None


class HeardStation:
    """One station of a server. Used by one thread, but for `trace`."""

    def __init__(self, number: int, name: str) -> None:
        self.number, self.name = number, name
        self.change = 0
        self._since_ns = time.monotonic_ns()
        self._heard_ns = 0
        self._site: RemoteSite | None = None
        self._plain: dict[str, Any] = {}
        self._pumps: dict[str, _Pump] = {}
        self._alarms: tuple[Alarm, ...] = ()
        self._work: tuple[MaintenanceEvent, ...] = ()
        self._unreadable: set[str] = set()
        self.recorded: list[Mapping[str, Any]] | None = None
        """What the server has of its pumps, asked for where the station sends no live values."""

    # ---------------------------------------------------------------- what came

    def take(self, parts: Sequence[tuple[str, int, float, Any]], asked_ns: int, names: Names) -> list[Event]:
        """Take in parts (name, change, age, content) that were asked for at `asked_ns` (monotonic); what happened."""
        fresh, events, seen = dict[str, Clock](), list[Event](), self._alarms
        before = self._plain.get("site")
        for part, change, age_s, content in parts:
            self.change = max(self.change, change)
            self._plain[part], fresh[part] = content, Clock(asked_ns, max(0.0, age_s))
        if "head" in fresh:
            self._heard_ns = max(self._heard_ns, fresh["head"].at(0.0))
        if "site" in fresh and (before != self._plain["site"] or self._site is None):
            self.rebuild(names)
        for part in sorted(fresh, key=lambda one: one.startswith(NOW)):  # the score of a frame is of what was found
            self._take_guarded(part, fresh[part], names, events)
        for pump_id in {part.partition("/")[2] for part in fresh if part.startswith((NOW, MORE))}:
            self._renew(pump_id, names)
        if "alarms" in fresh:
            events += alarm_events(seen, self._alarms)
        return events

    def _take_guarded(self, part: str, clock: Clock, names: Names, events: list[Event]) -> None:
        try:
            self._take_part(part, clock, names, events)
        except UNREADABLE as error:
            self._say_unreadable(part, error)

    def _say_unreadable(self, part: str, error: Exception) -> None:
        """Once for each part: the next one of the same program is no better."""
        if part not in self._unreadable:
            self._unreadable.add(part)
            log.warning("%s of station %d cannot be read: %r", part, self.number, error)

    def _take_part(self, part: str, clock: Clock, names: Names, events: list[Event]) -> None:
        content = self._plain[part]
        kind, _, pump_id = part.partition("/")
        pump = self._pumps.get(pump_id)
        if part == "alarms":
            self._alarms = alarms_of(content, self.number, names)
        elif part == "maintenance":
            self._work = maintenance_of(content, self.number, names)
        elif pump is not None and kind + "/" == MORE:
            pump.more, pump.more_clock = content, clock
        elif pump is not None and kind + "/" == NOW:
            pump.scans += 1
            pump.frame = frame_of(pump.settings, content, clock, pump.scans)
            was = pump.view.run_state if pump.view is not None else RunState.NO_DATA
            now = RunState.__members__.get(str(content.get("run")), RunState.NO_DATA)
            if was is not now and RunState.NO_DATA not in (was, now):
                time_ns = pump.frame.time_ns if pump.frame is not None else time.time_ns()
                events.append(RunStateChanged(time_ns, pump.settings.pump_id, now is RunState.RUNNING))
            pump.now = content
            if pump.frame is not None:
                _extend(pump.ring, pump.frame, content.get("score"))

    def _renew(self, pump_id: str, names: Names) -> None:
        pump, site = self._pumps.get(pump_id), self._site
        if pump is None or site is None:
            return
        stale_s = site.stale_s.get(pump.settings.pump_id, 3.0)
        try:
            pump.view = pump_view(pump.settings, pump.frame, pump.now, pump.more, stale_s=stale_s,
                                  clock=pump.more_clock, station=self.number, names=names)  # fmt: skip
        except UNREADABLE as error:
            self._say_unreadable(pump_id, error)

    def rebuild(self, names: Names) -> None:
        """Make the site again, by what the pumps are called now."""
        try:
            plain = self._plain.get("site")
            if plain is not None and int(plain["format"]) <= FORMAT:
                self._site = site_of(plain, self.number, names)
                ids = [str(one["id"]) for one in plain["pumps"]]
            elif self.recorded is not None:
                self._site, ids = self._of_history(self.recorded, names), [str(x["pump_id"]) for x in self.recorded]
            else:
                self._site, ids = None, []
        except UNREADABLE as error:
            self._say_unreadable("site", error)
            return
        for part in ("alarms", "maintenance"):
            if part in self._plain:
                self._take_guarded(part, Clock(0, 0.0), names, [])
        before, self._pumps = self._pumps, {}
        for own, settings in zip(ids, self._site.pumps if self._site else (), strict=True):
            self._pumps[own] = _again(before.get(own), settings)
            self._renew(own, names)

    def _of_history(self, recorded: Sequence[Mapping[str, Any]], names: Names) -> RemoteSite:
        pumps = tuple(
            settings_of(one, names.shown(self.number, str(one["pump_id"])), area_of(names, self.number, ""))
            for one in recorded
        )
        return RemoteSite(self.name, "", UnitChoice(), None, pumps, {})

    # ---------------------------------------------------------------- how it is

    @property
    def is_live(self) -> bool:
        """Whether it has ever sent what it shows."""
        return "site" in self._plain and self._site is not None

    @property
    def site(self) -> RemoteSite | None:
        """The site as it was sent last, or as the server's history knows it."""
        return self._site

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Those that are shown and those that are hidden."""
        return self._alarms

    @property
    def maintenance(self) -> tuple[MaintenanceEvent, ...]:
        """The events as they were sent last."""
        return self._work

    def is_lost(self, mono_ns: int) -> bool:
        """Whether it has said nothing for too long."""
        return mono_ns - self._heard_ns > LATE_AFTER_S * 1e9

    def loops(self, mono_ns: int) -> tuple[LoopHealth, ...]:
        """Itself as a loop, and those of its loops that have stopped."""
        if not self.is_live:
            is_newer = int((self._plain.get("site") or {}).get("format", 0)) > FORMAT
            words = LoopWords(self.name, NEWER if is_newer else NOT_LIVE, "not live")
            return (LoopHealth(f"station {self.number}", self._since_ns, late_after_s=0.0, words=words),)
        own = LoopHealth(f"station {self.number}", self._heard_ns, late_after_s=LATE_AFTER_S,
                         words=LoopWords(self.name, LOST, "lost"))  # fmt: skip
        if own.is_late(mono_ns):
            return (own,)
        found = [own]
        for name, age_s in (self._plain.get("head") or {}).get("stopped") or ():
            words = LOOP_WORDS.get(name) or LoopWords(str(name), "")
            said = replace(words, name=f"{self.name}: {words.name}")
            since_ns = self._heard_ns - round(float(age_s) * 1e9)
            found.append(LoopHealth(f"station {self.number} {name}", since_ns, late_after_s=0.0, words=said))
        return tuple(found)

    def views(self, *, is_lost: bool) -> tuple[PumpView, ...]:
        """The pumps in order, each with its alarms."""
        return tuple(self._view(pump, is_lost=is_lost) for pump in self._pumps.values())

    def _view(self, pump: _Pump, *, is_lost: bool) -> PumpView:
        settings = pump.settings
        view = pump.view or PumpView(settings.pump_id, settings.name, settings.profile, RunState.NO_DATA, None, None,
                                     None, nan, (), (), stale_after_s(0.0))  # fmt: skip
        view = silent(view, self.name, time.time_ns()) if is_lost else view
        own = (a for a in self._alarms if a.pump_id == settings.pump_id and not a.state.is_hidden)
        return replace(view, alarms=tuple(sorted(own, key=by_rank)))

    def traces(self) -> Mapping[str, TraceRing]:
        """What is in memory of each pump, by its id."""
        return {pump.settings.pump_id: pump.ring for pump in self._pumps.values()}


def alarm_events(before: Sequence[Alarm], now: Sequence[Alarm]) -> list[Event]:
    """What happened to alarms between two looks: one that is gone is normal again."""
    known = {alarm.alarm_id: alarm for alarm in before}
    found: list[Event] = [
        AlarmChanged(alarm.changed_ns, alarm, by=alarm.by)
        for alarm in now
        if alarm.alarm_id not in known
        or (known[alarm.alarm_id].state, known[alarm.alarm_id].changed_ns) != (alarm.state, alarm.changed_ns)
    ]
    there, now_ns = {alarm.alarm_id for alarm in now}, time.time_ns()
    gone = (alarm for alarm in before if alarm.alarm_id not in there)
    return found + [AlarmChanged(now_ns, replace(a, state=AlarmState.NORMAL, changed_ns=now_ns)) for a in gone]


def _again(pump: _Pump | None, settings: PumpSettings) -> _Pump:
    """A pump under the settings of now, with what is known of it; other quantities begin a new trace."""
    width = len(settings.profile.quantities)
    if pump is None or pump.settings.profile.quantity_tags != settings.profile.quantity_tags:
        return _Pump(settings, TraceRing(width))
    frame = None if pump.frame is None else replace(pump.frame, pump_id=settings.pump_id)
    return _Pump(settings, pump.ring, pump.now, pump.more, frame, pump.more_clock, pump.scans, pump.view)


def _extend(ring: TraceRing, frame: Frame, score: object) -> None:
    """Add a frame whose time is later than that of the last one: a station's clock may have been set back."""
    newest = ring.newest_s
    if frame.time_s > newest:
        own = np.array([nan if not isinstance(score, int | float) else score], np.float32)
        values = frame.values[np.newaxis].astype(np.float32)
        ring.extend(Trace(np.array([frame.time_s]), values, frame.quality[np.newaxis], own))
