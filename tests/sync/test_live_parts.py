"""What a station shows travels as JSON and is the same at a viewer, and only what has changed travels."""

import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.events import AlarmChanged
from pumpwatch_gui.domain.station import RunState, StationView
from pumpwatch_gui.stations.remote.heard import LATE_AFTER_S, NEWER, HeardStation
from pumpwatch_gui.stations.remote.names import Names
from pumpwatch_gui.sync.live import FORMAT, MORE_EVERY_NS, LiveParts
from tests.gui.fake_station import FakeStation

ONE = Names({7: "North"})
Parts = list[tuple[str, int, float, Any]]


def sent(parts: LiveParts, *, age_s: float = 0.0) -> Parts:
    """What a server gives back of the parts."""
    return [(name, i + 1, age_s, json.loads(json.dumps(content))) for i, (name, content) in enumerate(parts.changed())]


def fake() -> FakeStation:
    return FakeStation(3, history_s=60)


def live_of(station: FakeStation) -> LiveParts:
    return LiveParts(lambda: (station.site(), station.latest()))


def seen(station: FakeStation, names: Names = ONE, *, age_s: float = 0.0) -> tuple[StationView, HeardStation]:
    view, heard = station.latest(), HeardStation(7, "North")
    heard.take(sent(live_of(station), age_s=age_s), time.monotonic_ns(), names)
    return view, heard


def test_a_pump_is_seen_as_the_station_shows_it() -> None:
    station = fake()
    view, heard = seen(station)
    assert heard.site is not None
    assert [(p.pump_id, p.name, p.profile, p.area) for p in heard.site.pumps] == [
        (p.pump_id, p.name, p.profile, p.area) for p in station.site().pumps
    ]
    for real, shown in zip(view.pumps, heard.views(is_lost=False), strict=True):
        assert real.frame is not None
        assert shown.frame is not None
        assert np.allclose(shown.frame.values, real.frame.values, rtol=1e-6, equal_nan=True)
        assert (shown.frame.quality == real.frame.quality).all()
        assert (shown.frame.reason == real.frame.reason).all()
        assert shown.frame.time_ns == real.frame.time_ns
        same = ("run_state", "likelihood", "learning", "is_at_new_level", "first_out", "stale_after_s", "profile")
        assert [getattr(shown, name) for name in same] == [getattr(real, name) for name in same]
        assert [a.alarm_id for a in shown.alarms] == [a.alarm_id for a in real.alarms]
        assert [(x.link_id, x.state, x.endpoint, x.requests) for x in shown.links] == [
            (x.link_id, x.state, x.endpoint, x.requests) for x in real.links
        ]
        assert isinstance(shown.score_result, type(real.score_result))
        if isinstance(real.score_result, Detection):
            assert isinstance(shown.score_result, Detection)
            assert shown.score_result.score == pytest.approx(real.score_result.score, abs=1e-4)
            assert np.allclose(shown.score_result.shares, real.score_result.shares, atol=1e-5)
    assert {a.alarm_id: a.state for a in heard.alarms} == {
        a.alarm_id: a.state for a in (*view.alarms, *view.hidden_alarms)
    }


def test_only_what_has_changed_is_sent() -> None:
    station = fake()
    site, views = station.site(), [station.latest()]
    parts = LiveParts(lambda: (site, views[-1]))
    first = [name for name, _ in parts.changed()]
    assert first[:2] == ["site", "alarms"]
    assert {"now/P-101", "more/P-103", "head"} <= set(first)
    assert [name for name, _ in parts.changed()] == ["head"]
    moved = replace(views[0].pumps[1], run_state=RunState.NO_DATA)
    views.append(replace(views[0], pumps=(views[0].pumps[0], moved, views[0].pumps[2])))
    assert [name for name, _ in parts.changed()] == ["now/P-102", "head"]
    views.append(replace(views[-1], mono_ns=views[-1].mono_ns + MORE_EVERY_NS))
    assert [name for name, _ in parts.changed()] == ["more/P-101", "more/P-102", "more/P-103", "head"]


def test_a_value_is_as_old_as_the_server_knows_it_to_be() -> None:
    _, heard = seen(fake(), age_s=120.0)
    frame = heard.views(is_lost=False)[0].frame
    assert frame is not None
    assert (time.monotonic_ns() - frame.mono_ns) / 1e9 >= 120.0
    assert heard.is_lost(time.monotonic_ns())
    (lost,) = heard.loops(time.monotonic_ns())
    assert lost.words is not None
    assert (lost.words.name, lost.words.fault) == ("North", "lost")
    assert not seen(fake())[1].is_lost(time.monotonic_ns() + int(LATE_AFTER_S * 0.9e9))


def test_a_loop_that_has_stopped_at_the_station_is_said_with_its_name() -> None:
    station = fake()
    station.stopped = {"judge": 12.0}
    _, heard = seen(station)
    found = [loop for loop in heard.loops(time.monotonic_ns()) if loop.is_late(time.monotonic_ns())]
    assert [(loop.words.name, loop.words.consequence) for loop in found if loop.words] == [
        ("North: Judging", "alarms are not being judged")
    ]


def test_pumps_of_one_of_several_stations_have_its_number_and_are_its_area() -> None:
    _, heard = seen(fake(), Names({7: "North", 8: "South"}))
    assert heard.site is not None
    assert [p.pump_id for p in heard.site.pumps] == ["7-P-101", "7-P-102", "7-P-103"]
    assert all(p.area.startswith("North") for p in heard.site.pumps)
    for pump in heard.views(is_lost=False):
        assert all(alarm.alarm_id == f"{pump.pump_id}/{alarm.source}" for alarm in pump.alarms)
        assert all(link.link_id.startswith(pump.pump_id + "/") for link in pump.links)
    assert Names({7: "North", 8: "South"}).split("7-P-101") == (7, "P-101")
    assert Names({7: "North", 8: "South"}).split("9-P-101") is None
    assert ONE.split("7-P-101") == (7, "7-P-101")


@pytest.mark.parametrize("content", [None, 5, [], {"v": "x", "t": 1, "age": 0}, {"links": [{}]}, {"result": {"t": 1}}])
def test_a_part_that_is_none_costs_itself(content: Any) -> None:
    station = fake()
    parts = sent(live_of(station))
    heard = HeardStation(7, "North")
    spoilt = [(n, i, a, content if n in ("now/P-102", "more/P-102", "maintenance") else c) for n, i, a, c in parts]
    heard.take(spoilt, time.monotonic_ns(), ONE)
    views = heard.views(is_lost=False)
    assert [view.pump_id for view in views] == ["P-101", "P-102", "P-103"]
    assert views[0].frame is not None


def test_a_station_of_a_newer_program_is_not_misread() -> None:
    parts = [(n, i, a, c | {"format": FORMAT + 1} if n == "site" else c) for n, i, a, c in sent(live_of(fake()))]
    heard = HeardStation(7, "North")
    heard.take(parts, time.monotonic_ns(), ONE)
    (loop,) = heard.loops(time.monotonic_ns() + 1)
    assert loop.words is not None
    assert loop.words.consequence == NEWER


def test_an_alarm_that_changes_is_an_event() -> None:
    station = fake()
    _, heard = seen(station)
    plain = next(content for name, _, _, content in sent(live_of(station)) if name == "alarms")
    first, *others = plain
    acknowledged = {**first, "state": "acknowledged", "by": "asha", "changed_ns": first["changed_ns"] + 5}
    for now, state in (([acknowledged, *others], "acknowledged"), (others, "normal"), (plain, first["state"])):
        events = heard.take([("alarms", 99, 0.0, now)], time.monotonic_ns(), ONE)
        assert [(e.alarm.alarm_id, e.alarm.state.value) for e in events if isinstance(e, AlarmChanged)] == [
            (first["alarm_id"], state)
        ]
