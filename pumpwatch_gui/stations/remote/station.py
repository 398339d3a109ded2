"""All stations of a server that an account may see, as one station. It can be looked at, and nothing else."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from pumpwatch_gui.domain.alarms.alarm import by_rank
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.events import Event, SiteChanged
from pumpwatch_gui.domain.maintenance.event import by_risk
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import EngineStats, LoopHealth, LoopWords, StationView
from pumpwatch_gui.domain.sync import SyncSettings
from pumpwatch_gui.domain.values.trace import Trace, TraceRing
from pumpwatch_gui.engine.supervisor import supervise
from pumpwatch_gui.stations.read_only import ReadOnlyStation
from pumpwatch_gui.stations.remote.heard import HeardStation
from pumpwatch_gui.stations.remote.history import RemoteHistory
from pumpwatch_gui.stations.remote.names import Names
from pumpwatch_gui.sync.rest import SQL_ADVICE, Fault, Rest, RestError
from pumpwatch_gui.sync.secrets import SyncSecrets
from pumpwatch_gui.sync.worker import LIVE_SCHEMA, check_version

log = logging.getLogger("pumpwatch.stations")

SERVER_LOOP: Final = "server"
UNREACHED: Final = "it does not answer: values and alarms are those of before"
POLL_S: Final = 0.5
RETRY_S: Final = 2.0
"""After a failure."""
LATE_AFTER_S: Final = 4.0
FIRST_LOOK_S: Final = 8.0
"""So long the history waits at the start for the first look at the server."""
LONGEST_S: Final = 6.0
"""A first look may be of all that fifty pumps are."""
MANY: Final = 3
"""From so many stations on the window is not called by their names."""
NO_STATIONS: Final = (
    "this account is a member of none: add it to the table `members` of the server with the role viewer"
)


class RemoteStation(ReadOnlyStation):
    """The stations of a server. Keeps the Station port; give `loops()` a thread: it looks at the server.

    Whatever is wrong with the server, the line or a station is said by `stopped_loops`, and it goes on by itself when
    that is over. Values grow old by the clock of this computer from what age the server knew them to have.
    """

    def __init__(self, settings: SyncSettings, secrets: SyncSecrets) -> None:
        self._settings, self._secrets = settings, secrets
        self._names = Names()
        self._past = RemoteHistory(settings, secrets, self._names_soon)
        super().__init__(self._past, what="a view through a server")
        self._looked = threading.Event()
        self._rest: Rest | None = None
        self._heard: dict[int, HeardStation] = {}
        self._traces: Mapping[str, TraceRing] = {}
        self._began_ns = self._reached_ns = time.monotonic_ns()
        self._error, self._is_through = "", False
        self._site = Site(name=settings.url)
        self._lock = threading.Lock()
        self._lost: frozenset[int] = frozenset()
        self._view = self._made()

    # ---------------------------------------------------------------- the Station port

    def site(self) -> Site:
        """The pumps of all stations; each station is an area where there are several."""
        return self._site

    def latest(self) -> StationView:
        """The stations as they were heard of last, growing old by the clock of now."""
        now_ns = time.monotonic_ns()
        with self._lock:
            lost = self._lost_at(now_ns)
            if lost != self._lost:
                self._lost, self._view = lost, self._made(lost)
            view = self._view
        stats = replace(view.stats, loops=self._loops_at(now_ns))
        return replace(view, stats=stats, time_ns=time.time_ns(), mono_ns=now_ns)

    def trace(self, pump_id: str, since_s: float = 0.0) -> Trace:
        """The frames of a pump since this viewer began. Raises KeyError."""
        return self._traces[pump_id].copy(since_s)

    def loops(self) -> Mapping[str, Callable[[threading.Event], None]]:
        """One: it looks at the server."""
        return {SERVER_LOOP: self._run}

    def _names_soon(self) -> Names:
        """What the stations are called, once they are known: what is stored is not shown under other names before."""
        self._looked.wait(FIRST_LOOK_S)
        return self._names

    # ---------------------------------------------------------------- the loop

    def _run(self, stop: threading.Event) -> None:
        try:
            supervise(SERVER_LOOP, lambda: self._look_until(stop), stop=stop, on_death=self._died)
        finally:
            self._leave()
            self._past.close()

    def _died(self, _name: str, error: Exception) -> None:
        self._error = f"looking at it failed by a fault of the program ({error})"

    def _look_until(self, stop: threading.Event) -> None:
        due_s = time.monotonic()
        while not stop.is_set():
            try:
                self.look()
            except PumpWatchError as error:
                text = error.message + (f"; {error.advice}" if error.advice else "")
                if text != self._error:
                    log.warning("the server cannot be looked at: %s", text)
                self._error, self._is_through = text, False
                self._looked.set()
                self._leave()
                self._bell.ring()
                stop.wait(RETRY_S)
                due_s = time.monotonic()
            due_s = max(due_s + POLL_S, time.monotonic())
            stop.wait(max(0.0, due_s - time.monotonic()))

    def look(self) -> None:
        """Look at the server once. Raises PumpWatchError when that is not possible."""
        asked_ns = time.monotonic_ns()
        rest = self._connected()
        seen = {str(number): heard.change for number, heard in self._heard.items()}
        said = rest.call("view_live", {"seen": seen})
        try:
            stations: dict[int, str] = {int(number): str(name) for number, name, *_ in said["stations"]}
            parts: dict[int, list[tuple[str, int, float, Any]]] = {}
            for number, part, change, age_s, content in said["parts"]:
                parts.setdefault(int(number), []).append((str(part), int(change), float(age_s), content))
        except (KeyError, TypeError, ValueError) as error:
            text = f"{self._settings.url} answers, but not as a server of PumpWatch does"
            raise RestError(Fault.LATER, text, "check url and auth_url") from error
        recorded = self._recorded(rest, stations, parts)
        if self._error:
            log.warning("the server is looked at again after %.0f s", (asked_ns - self._reached_ns) / 1e9)
        with self._lock:
            events = self._take(stations, parts, recorded, asked_ns)
            self._error, self._is_through, self._reached_ns = "", True, asked_ns
            self._lost = self._lost_at(time.monotonic_ns())
            self._view = self._made(self._lost)
        self._looked.set()
        for event in events:
            self._bus.publish(event, in_journal=False)
        if parts or events:
            self._bell.ring()

    def _connected(self) -> Rest:
        if self._rest is None:
            rest = Rest(self._settings, self._secrets, is_viewer=True, timeout_s=LONGEST_S)
            try:
                version = check_version(rest.call("pumpwatch_version", {}))
                if version < LIVE_SCHEMA:
                    text = f"the server is of schema version {version}, a viewer needs {LIVE_SCHEMA}"
                    raise RestError(Fault.LATER, text, SQL_ADVICE)
            except BaseException:
                rest.close()
                raise
            self._rest = rest
            for heard in self._heard.values():
                heard.change = 0  # a server that was started again has counted from the beginning
        return self._rest

    def _recorded(
        self, rest: Rest, stations: Mapping[int, str], parts: Mapping[int, Any]
    ) -> Mapping[int, list[Mapping[str, Any]]]:
        """What the server has of the pumps of stations that have never sent what they show, once for each."""
        heard = self._heard
        missing = {
            number
            for number in stations
            if number not in parts
            and (number not in heard or not (heard[number].is_live or heard[number].recorded is not None))
        }
        if not missing:
            return {}
        found: dict[int, list[Mapping[str, Any]]] = {number: [] for number in missing}
        for one in rest.call("view_pumps", {}) or ():
            if int(one["station_id"]) in missing:
                found[int(one["station_id"])].append(one)
        return found

    def _take(
        self,
        stations: Mapping[int, str],
        parts: Mapping[int, list[tuple[str, int, float, Any]]],
        recorded: Mapping[int, list[Mapping[str, Any]]],
        asked_ns: int,
    ) -> list[Event]:
        events: list[Event] = []
        before, was_there = self._names, self._is_through or bool(self._heard)
        sites = {number: heard.site for number, heard in self._heard.items()}
        if dict(before.stations) != dict(stations):
            self._names = Names(dict(stations))
            self._heard = {n: self._heard.get(n) or HeardStation(n, name) for n, name in stations.items()}
        for number, heard in self._heard.items():
            heard.name = stations[number]
            if number in recorded and recorded[number] != heard.recorded:
                heard.recorded = recorded[number]
                heard.rebuild(self._names)
            elif self._names is not before:
                heard.rebuild(self._names)
            happened = heard.take(parts.get(number, ()), asked_ns, self._names)
            events += happened if was_there else ()  # what is there at the first look did not happen just now
        site = self._whole_site()
        if site != self._site:
            renamed = _renamed(before, self._names, [pump.pump_id for pump in self._site.pumps])
            self._site = site
            self._traces = {key: ring for heard in self._heard.values() for key, ring in heard.traces().items()}
            names = ", ".join(heard.name for number, heard in self._heard.items() if heard.site != sites.get(number))
            text = f"Settings of {names} received" if names else "A station is no longer there"
            events.append(SiteChanged(time.time_ns(), text, renamed))
        return events

    def _leave(self) -> None:
        if self._rest is not None:
            self._rest.close()
            self._rest = None

    # ---------------------------------------------------------------- the whole

    def _whole_site(self) -> Site:
        sites = [heard.site for heard in self._heard.values() if heard.site is not None]
        pumps = tuple(pump for site in sites for pump in site.pumps)
        if len(self._heard) == 1 and sites:
            (number,), site = self._heard, sites[0]
            return Site(site.name, number, site.currency, pumps, units=site.units, energy_price=site.energy_price)
        names = list(self._names.stations.values())
        name = ", ".join(names) if len(names) < MANY else f"{len(names)} stations"
        name = name or self._settings.url
        first = next((site for site in sites if site.currency), None)
        is_one = all(site.units == sites[0].units for site in sites)
        own = Site(name, pumps=pumps, currency=first.currency if first else "")
        return replace(own, units=sites[0].units) if sites and is_one else own

    def _lost_at(self, mono_ns: int) -> frozenset[int]:
        return frozenset(number for number, heard in self._heard.items() if heard.is_lost(mono_ns))

    def _made(self, lost: frozenset[int] = frozenset()) -> StationView:
        pumps = tuple(view for n, heard in self._heard.items() for view in heard.views(is_lost=n in lost))
        alarms = sorted((a for heard in self._heard.values() for a in heard.alarms), key=by_rank)
        work = by_risk(event for heard in self._heard.values() for event in heard.maintenance)
        shown = tuple(alarm for alarm in alarms if alarm.state.is_announced)
        hidden = tuple(alarm for alarm in alarms if alarm.state.is_hidden)
        return StationView(
            self._site.name, time.time_ns(), time.monotonic_ns(), pumps, shown, EngineStats(), hidden_alarms=hidden,
            maintenance=work, seen_through=f"{self._settings.url} as {self._settings.account}",
        )  # fmt: skip

    def _loops_at(self, mono_ns: int) -> tuple[LoopHealth, ...]:
        """The look at the server, and each station: without the server nothing is known of those."""
        words = LoopWords("Server", self._error or UNREACHED, "lost")
        late_s = 0.0 if self._error and not self._heard else LATE_AFTER_S
        server = LoopHealth(SERVER_LOOP, self._reached_ns, late_after_s=late_s, words=words)
        if server.is_late(mono_ns):
            return (server,)
        if self._is_through and not self._heard:
            nothing = LoopWords("Stations", NO_STATIONS, "missing")
            return server, LoopHealth("stations", self._began_ns, late_after_s=0.0, words=nothing)
        return (server, *(loop for heard in self._heard.values() for loop in heard.loops(mono_ns)))


def _renamed(before: Names, now: Names, pump_ids: list[str]) -> Mapping[str, str]:
    """What pumps are called now that have got the number of their station, or lost it."""
    found: dict[str, str] = {}
    for pump_id in pump_ids:
        place = before.split(pump_id)
        if place is not None and place[0] in now.stations and now.shown(*place) != pump_id:
            found[pump_id] = now.shown(*place)
    return found
