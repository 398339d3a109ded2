"""The parts that a server keeps of a station, as values of the domain. What is no part of this program is left out.

Whatever a server holds may be of a newer program, or of none: a part that cannot be read raises what is in
`UNREADABLE`, and costs itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import isfinite, nan
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.detection import Detection, LearningPhase, LearningStep, LearningView, NotScored, ScoreResult
from pumpwatch_gui.domain.journal import alarm_from_json
from pumpwatch_gui.domain.likelihood import Likelihood
from pumpwatch_gui.domain.links.config import DriverConfig, period
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.station import PumpView, RunState, stale_after_s
from pumpwatch_gui.domain.units import UnitChoice
from pumpwatch_gui.domain.values.frame import Frame, bad_frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.stations.remote.names import Names
from pumpwatch_gui.store.maintenance import event_of_row
from pumpwatch_gui.store.query.recorded import profile_of

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
SILENT: Final = "nothing comes from the station"


@dataclass(frozen=True, slots=True)
class RemoteLink(DriverConfig):
    """A link of a station that is seen through a server: what it is called there, and nothing to connect to."""

    driver: ClassVar[str] = "remote"
    at: str = ""
    line: str = ""
    period_s: float = period()

    @property
    @override
    def endpoint(self) -> str:
        """Where the device is, as the station says."""
        return self.at

    @property
    @override
    def connection(self) -> str:
        """What it shares there with other links."""
        return self.line


@dataclass(frozen=True, slots=True)
class RemoteSite:
    """The site of one station, its pumps as a viewer calls them; `stale_s` is by their ids how old values may be."""

    name: str
    currency: str
    units: UnitChoice
    energy_price: float | None
    pumps: tuple[PumpSettings, ...]
    stale_s: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Clock:
    """Makes times of this computer's monotonic clock of ages: a part that was `age_s` old at `mono_ns`."""

    mono_ns: int
    age_s: float

    def at(self, age_s: float) -> int:
        """When it was so much before the part was sent (monotonic ns)."""
        return self.mono_ns - round((self.age_s + age_s) * 1e9)


def site_of(plain: Mapping[str, Any], station: int, names: Names) -> RemoteSite:
    """The part `site`."""
    units = {key: str(unit) for key, unit in (plain.get("units") or {}).items()}
    try:
        choice = UnitChoice(**units)
    except (TypeError, ValueError):  # a unit of a newer program: values are shown as their tags have them
        choice = UnitChoice()
    pumps, stale_s = [], {}
    for one in plain["pumps"]:
        pump_id = names.shown(station, str(one["id"]))
        links = tuple(RemoteLink(str(at), str(line), float(every_s)) for _, at, line, every_s in one["links"])
        pumps.append(settings_of(one, pump_id, area_of(names, station, str(one.get("area") or "")), links))
        stale_s[pump_id] = float(
            one.get("stale_after_s") or stale_after_s(min((x.period_s for x in links), default=1.0))
        )
    price = plain.get("energy_price")
    name = str(plain["name"])
    return RemoteSite(
        name, str(plain["currency"]), choice, None if price is None else float(price), tuple(pumps), stale_s
    )


def settings_of(
    plain: Mapping[str, Any], pump_id: str, area: str, links: tuple[DriverConfig, ...] = ()
) -> PumpSettings:
    """A pump of the part `site`, or as a station's history knows it."""
    return PumpSettings(
        pump_id, str(plain["name"]), profile_of(plain["profile"]), str(plain.get("profile_name") or ""),
        str(plain.get("model") or ""), links, area, str(plain.get("duty") or ""),
    )  # fmt: skip


def area_of(names: Names, station: int, area: str) -> str:
    """Under which heading the overview shows a pump: its area, with the station where there are several."""
    if not names.are_many:
        return area
    return f"{names.stations[station]} · {area}" if area else names.stations[station]


def alarms_of(plain: Sequence[Any], station: int, names: Names) -> tuple[Alarm, ...]:
    """The part `alarms`: those that are shown and those that are hidden."""
    found = []
    for one in plain:
        own = {f.name: one[f.name] for f in fields(Alarm) if f.name in one}
        alarm = alarm_from_json(own)
        pump_id, alarm_id = names.shown(station, alarm.pump_id), names.shown(station, alarm.alarm_id)
        found.append(replace(alarm, pump_id=pump_id, alarm_id=alarm_id))
    return tuple(found)


def maintenance_of(plain: Sequence[Any], station: int, names: Names) -> tuple[MaintenanceEvent, ...]:
    """The part `maintenance`."""
    return tuple(named_event(event_of_row(dict(row)), station, names) for row in plain)


def named_event(event: MaintenanceEvent, station: int, names: Names) -> MaintenanceEvent:
    """An event as a viewer calls it."""
    return replace(event, pump_id=names.shown(station, event.pump_id), event_id=names.shown(station, event.event_id))


def frame_of(pump: PumpSettings, plain: Mapping[str, Any] | None, clock: Clock, seq: int) -> Frame | None:
    """The frame of the part `now/ID`; None before the first scan. One of another profile has no values."""
    if plain is None or "v" not in plain:
        return None
    size, time_ns, mono_ns = len(pump.profile.quantities), int(plain["t"]), clock.at(float(plain["age"]))
    values = floats(plain["v"])
    if values.size != size:
        return bad_frame(pump.pump_id, seq=seq, time_ns=time_ns, mono_ns=mono_ns, size=size,
                         reason=Reason.CONFIGURATION_ERROR)  # fmt: skip
    quality = np.array(plain.get("q", [0] * size), np.uint8).clip(0, Quality.BAD)
    reason = np.array([code if code in _REASONS else 0 for code in plain.get("r", [0] * size)], np.uint8)
    quality[np.isnan(values)] = Quality.BAD
    values[quality == Quality.BAD] = nan
    return Frame(pump.pump_id, seq, time_ns, mono_ns, values, quality, reason)


def pump_view(
    pump: PumpSettings,
    frame: Frame | None,
    now: Mapping[str, Any] | None,
    more: Mapping[str, Any] | None,
    *,
    stale_s: float,
    clock: Clock,
    station: int,
    names: Names,
) -> PumpView:
    """A pump of its two parts, without its alarms. `clock` is that of the part `more/ID`."""
    now, more = now or {}, more or {}
    result = _result(pump, more.get("result"), clock)
    if isinstance(result, Detection) and now.get("score") is not None:
        result = replace(result, score=float(now["score"]), time_ns=int(now["scored"]))
    own = _result(pump, more.get("detection"), clock)
    detection = result if isinstance(result, Detection) else own
    state = RunState.__members__.get(str(now.get("run")), RunState.NO_DATA)
    health, step = now.get("health"), now.get("likely", 0)
    return PumpView(
        pump_id=pump.pump_id,
        name=pump.name,
        profile=pump.profile,
        run_state=state,
        frame=frame,
        score_result=result,
        detection=detection if isinstance(detection, Detection) else None,
        health=nan if health is None else float(health),
        links=tuple(_link(one, clock, station, names) for one in more.get("links") or ()),
        alarms=(),
        stale_after_s=stale_s,
        learning=_learning(more.get("learning")),
        is_at_new_level=bool(more.get("new_level", False)),
        likelihood=list(Likelihood)[step if 0 <= step < len(Likelihood) else 0],
        first_out=names.shown(station, str(more.get("first_out") or "")),
    )


def silent(pump: PumpView, station: str, time_ns: int) -> PumpView:
    """A pump of a station that sends nothing any more: its last values grow old, and nothing else is known of it."""
    # What its links share is now the station: they are lost together.
    links = tuple(
        replace(link, state=LinkState.OFFLINE, last_error=SILENT, last_advice="", connection=station)
        for link in pump.links
    )
    return replace(
        pump, run_state=RunState.NO_DATA, score_result=NotScored(pump.pump_id, time_ns, SILENT), detection=None,
        health=nan, links=links, likelihood=Likelihood.NONE,
    )  # fmt: skip


def floats(plain: Sequence[Any]) -> NDArray[np.float64]:
    """Numbers of JSON, NaN for what is none."""
    values = np.array([nan if x is None else x for x in plain], dtype=np.float64)
    values[~np.isfinite(values)] = nan
    return values


_REASONS = frozenset(int(reason) for reason in Reason)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and isfinite(value) else nan


def _result(pump: PumpSettings, plain: Mapping[str, Any] | None, clock: Clock) -> ScoreResult | None:
    if plain is None:
        return None
    if "why" in plain:
        return NotScored(pump.pump_id, int(plain["t"]), str(plain["why"]), bool(plain.get("has_model", True)))
    size = len(pump.profile.tags)
    shares, counts = np.nan_to_num(floats(plain["shares"])), np.array(plain["counts"], np.int64)
    states = tuple(str(state) for state in plain["states"])
    if not shares.size == counts.size == len(states) == size:
        return None
    return Detection(
        pump.pump_id, 0, int(plain["t"]), clock.at(float(plain["age"])), str(plain["kind"]), _number(plain["score"]),
        _number(plain["loss"]), _number(plain["threshold"]), bool(plain["is_anomaly"]), shares, states, counts,
        str(plain["version"]), floats(plain.get("usual") or ()), floats(plain.get("present") or ()),
    )  # fmt: skip


def _link(plain: Mapping[str, Any], clock: Clock, station: int, names: Names) -> LinkView:
    own = {f.name: plain[f.name] for f in fields(LinkView) if f.name in plain}
    since_s, good_s = plain.get("since_s"), plain.get("good_s")
    own |= {
        "link_id": names.shown(station, str(plain["link_id"])),
        "pump_id": names.shown(station, str(plain["pump_id"])),
        "state": LinkState(plain["state"]),
        "exceptions": {int(code): int(count) for code, count in plain["exceptions"].items()},
        "response_p50_ms": _number(plain.get("response_p50_ms")),
        "response_p95_ms": _number(plain.get("response_p95_ms")),
        "since_mono_ns": 0 if since_s is None else clock.at(since_s),
        "last_good_mono_ns": 0 if good_s is None else clock.at(good_s),
    }
    return LinkView(**own)


def _learning(plain: Mapping[str, Any] | None) -> LearningView | None:
    if plain is None:
        return None
    own = {f.name: plain[f.name] for f in fields(LearningView) if f.name in plain}
    steps = tuple(LearningStep(int(time_ns), str(text)) for time_ns, text in plain.get("steps") or ())
    return LearningView(**(own | {"phase": LearningPhase(plain["phase"]), "steps": steps}))
