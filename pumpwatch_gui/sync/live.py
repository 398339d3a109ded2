"""A station as it is now, as parts that a server keeps for viewers: each a JSON value, sent when it has changed.

Of every pump `now/ID` is its frame with score and run state, `more/ID` what changes seldom (links, what the detector
found, learning). `site`, `alarms` and `maintenance` are whole; `head` says that the station runs, and which of its
loops do not. Times on a monotonic clock travel as ages: a viewer's clock is another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from math import isfinite
from typing import Any, Final

from numpy.typing import NDArray

from pumpwatch_gui.domain.detection import Detection, LearningView, NotScored, ScoreResult
from pumpwatch_gui.domain.journal import alarm_to_json
from pumpwatch_gui.domain.links.view import LinkView
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.store.maintenance import COLUMNS, event_row

FORMAT: Final = 1
"""Raised when a viewer of before would misread a part; what is only added does not raise it."""
NOW, MORE = "now/", "more/"
LARGE_PARTS: Final = ("site", "maintenance")
"""Those of fifty pumps may be some hundred kilobytes."""
MORE_EVERY_NS: Final = 10 * 10**9
"""The counters of links and the shares of a score are so old at most; what they are about is sent at once."""
RESOLVED: Final = 100
"""So many maintenance events that are done are among those of now; the history has the others."""
Part = tuple[str, object]


class LiveParts:
    """What of a station has changed since the last time. For one connection to a server."""

    def __init__(self, look: Callable[[], tuple[Site, StationView]]) -> None:
        self.look = look
        self._site: Site | None = None
        self._before: StationView | None = None
        self._pumps: dict[str, PumpView] = {}
        self._more: dict[str, tuple[int, tuple[object, ...]]] = {}

    def changed(self) -> list[Part]:
        """The parts that have changed, by name; the first time all of them."""
        site, view = self.look()
        before, self._before = self._before, view
        parts: list[Part] = []
        if site is not self._site or before is None or _order(view) != _order(before):
            self._site = site
            parts.append(("site", _site(site, view)))
        if before is None or (view.alarms, view.hidden_alarms) != (before.alarms, before.hidden_alarms):
            parts.append(("alarms", [alarm_to_json(alarm) for alarm in (*view.alarms, *view.hidden_alarms)]))
        if before is None or view.maintenance is not before.maintenance:
            parts.append(("maintenance", _maintenance(view.maintenance)))
        for pump in view.pumps:
            was = self._pumps.get(pump.pump_id)
            if was is None or not _is_same(was, pump):
                parts.append((NOW + pump.pump_id, _now(pump, view.mono_ns)))
            parts += self._seldom(pump, view.mono_ns)
        self._pumps = {pump.pump_id: pump for pump in view.pumps}
        parts.append(("head", _head(view)))
        return parts

    def _seldom(self, pump: PumpView, mono_ns: int) -> list[Part]:
        result = pump.score_result
        what: tuple[object, ...] = (
            result.why if isinstance(result, NotScored) else None if result is None else result.is_anomaly,
            *((link.state, link.last_error) for link in pump.links),
            pump.learning, pump.is_at_new_level, pump.first_out, pump.profile,
        )  # fmt: skip
        sent_ns, before = self._more.get(pump.pump_id, (0, None))
        if before is not None and mono_ns - sent_ns < MORE_EVERY_NS and _is_equal(before, what):
            return []
        self._more[pump.pump_id] = mono_ns, what
        return [(MORE + pump.pump_id, _more_of(pump, mono_ns))]


def _order(view: StationView) -> list[str]:
    return [pump.pump_id for pump in view.pumps]


def _is_same(was: PumpView, now: PumpView) -> bool:
    return (
        was.frame is now.frame
        and was.score_result is now.score_result
        and was.run_state is now.run_state
        and was.likelihood is now.likelihood
    )


def _is_equal(before: tuple[object, ...], now: tuple[object, ...]) -> bool:
    # What the engine did not replace is the same object: a profile is not to be compared field by field each second.
    return len(before) == len(now) and all(a is b or (a == b) for a, b in zip(before, now, strict=True))


def _now(pump: PumpView, mono_ns: int) -> Mapping[str, object]:
    found: dict[str, object] = {
        "run": pump.run_state.name,
        "health": finite(pump.health),
        "likely": pump.likelihood.step,
    }
    frame, result = pump.frame, pump.score_result
    if frame is not None:
        found |= {"t": frame.time_ns, "age": (mono_ns - frame.mono_ns) / 1e9, "v": short(frame.values)}
        if frame.quality.any():
            found |= {"q": frame.quality.tolist(), "r": frame.reason.tolist()}
    if isinstance(result, Detection):
        found |= {"score": finite(round(result.score, 4)), "scored": result.time_ns}
    return found


def _more_of(pump: PumpView, mono_ns: int) -> Mapping[str, object]:
    own = None if pump.detection is pump.score_result else pump.detection
    return {
        "result": _result(pump.score_result, mono_ns),
        "detection": _result(own, mono_ns),
        "links": [_link(link, mono_ns) for link in pump.links],
        "learning": None if pump.learning is None else _learning(pump.learning),
        "new_level": pump.is_at_new_level,
        "first_out": pump.first_out,
    }


def _result(result: ScoreResult | None, mono_ns: int) -> Mapping[str, object] | None:
    if result is None:
        return None
    if isinstance(result, NotScored):
        return {"t": result.time_ns, "why": result.why, "has_model": result.has_model}
    return {
        "t": result.time_ns, "age": (mono_ns - result.mono_ns) / 1e9, "kind": result.kind,
        "score": finite(round(result.score, 4)), "loss": finite(result.reconstruction_loss),
        "threshold": finite(result.threshold), "is_anomaly": bool(result.is_anomaly), "shares": short(result.shares),
        "states": list(result.sensor_states), "counts": result.sensor_anomaly_counts.tolist(),
        "version": result.model_version, "usual": short(result.usual), "present": short(result.present),
    }  # fmt: skip


def _link(link: LinkView, mono_ns: int) -> Mapping[str, object]:
    found: dict[str, object] = {one.name: getattr(link, one.name) for one in fields(link)}
    since_ns, good_ns = found.pop("since_mono_ns"), found.pop("last_good_mono_ns")
    found |= {
        "state": link.state.value,
        "exceptions": {str(code): count for code, count in link.exceptions.items()},
        "response_p50_ms": finite(link.response_p50_ms),
        "response_p95_ms": finite(link.response_p95_ms),
        "since_s": (mono_ns - link.since_mono_ns) / 1e9 if since_ns else None,
        "good_s": (mono_ns - link.last_good_mono_ns) / 1e9 if good_ns else None,
    }
    return found


def _learning(view: LearningView) -> Mapping[str, object]:
    return asdict(view) | {"phase": view.phase.value, "steps": [[step.time_ns, step.text] for step in view.steps]}


def _head(view: StationView) -> Mapping[str, object]:
    stopped = [[one.name, (view.mono_ns - one.alive_mono_ns) / 1e9] for one in view.stopped_loops]
    return {"t": view.time_ns, "model": view.model, "stopped": stopped}


def _maintenance(events: Sequence[MaintenanceEvent]) -> Sequence[Mapping[str, object]]:
    # By risk: the resolved ones are the last, the newest of them first.
    chosen = [e for e in events if not e.is_resolved] + [e for e in events if e.is_resolved][:RESOLVED]
    rows = [dict(zip(COLUMNS, event_row(event, 0), strict=True)) for event in chosen]
    return [{k: finite(v) if isinstance(v, float) else v for k, v in row.items()} for row in rows]


def _site(site: Site, view: StationView) -> Mapping[str, object]:
    stale_s = {pump.pump_id: pump.stale_after_s for pump in view.pumps}
    return {
        "format": FORMAT, "name": site.name, "currency": site.currency, "units": asdict(site.units),
        "energy_price": site.energy_price,
        "pumps": [
            {
                "id": pump.pump_id, "name": pump.name, "area": pump.area, "duty": pump.duty, "model": pump.model,
                "profile_name": pump.profile_name, "profile": _profile(pump.profile),
                "stale_after_s": stale_s.get(pump.pump_id),
                "links": [[link.driver, link.endpoint, link.connection, link.period_s] for link in pump.links],
            }
            for pump in site.pumps
        ],
    }  # fmt: skip


def _profile(profile: PumpProfile) -> Mapping[str, object]:
    computed = ("derived", "tags", "quantities", "quantity_tags")
    plain = {key: value for key, value in asdict(profile).items() if key not in computed}
    limits = {one.tag: asdict(one.limits) for one in profile.derived if one.limits != Limits()}
    return {**plain, "derived_limits": limits}


def finite(value: float) -> float | None:
    """A number as JSON has it: None where there is none."""
    return float(value) if isfinite(value) else None


def short(values: NDArray[Any]) -> list[float | None]:
    """Numbers with the seven digits that a server keeps; None where there is none."""
    # One format for all of them: a number alone takes ten times as long.
    texts = ("%.7g " * values.size % tuple(values.tolist())).split()
    return [None if text == "nan" else float(text) for text in texts]
