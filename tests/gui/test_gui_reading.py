"""An old, bad or lost value never looks alive: decided apart from painting."""

from dataclasses import replace
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.display import (
    LEAST_SHARE,
    LastGood,
    Trust,
    engineering_scale,
    key_sensors,
    presence,
    read_sensor,
)
from pumpwatch_gui.domain.pump.profile import Limits, Sensor
from pumpwatch_gui.domain.wording import age, duration, number
from tests.gui.fake_scenes import SECOND, Scene
from tests.gui.fake_station import FakeStation

VIBRATION = 3


def looked_at(station: FakeStation, seconds: int = 30) -> LastGood:
    """What the screen knows after watching the station for a while."""
    last_good = LastGood()
    for second in range(seconds):
        station.step(second / 1.0 - seconds + 1)
        last_good.see(station.latest())
    return last_good


def test_a_fresh_good_value_is_live() -> None:
    station = FakeStation(1, scenes={}, history_s=1)
    view = station.latest()
    reading = read_sensor(view.pumps[0], VIBRATION, view.mono_ns, looked_at(station))
    assert reading.trust is Trust.LIVE
    assert not reading.hatched
    assert "?" not in reading.shown
    assert reading.age_text == ""


def test_a_value_older_than_its_limit_is_a_question_mark_with_its_age() -> None:
    station = FakeStation(1, scenes={}, history_s=1)
    last_good = looked_at(station)
    station.offset_ns = 24 * SECOND
    view = station.latest()
    reading = read_sensor(view.pumps[0], VIBRATION, view.mono_ns, last_good)
    assert (reading.trust, reading.text, reading.age_text) == (Trust.STALE, "?", "0:24")
    assert isnan(reading.value)


def test_a_bad_sensor_is_a_question_mark_with_its_age_and_reason() -> None:
    station = FakeStation(1, scenes={0: Scene("one_bad")}, history_s=1)
    last_good = looked_at(station, 40)
    view = station.latest()
    reading = read_sensor(view.pumps[0], VIBRATION, view.mono_ns, last_good)
    assert (reading.trust, reading.text, reading.age_text) == (Trust.BAD, "?", "0:24")
    assert reading.reason == "sensor reports not available"
    assert presence(view.pumps[0], view.mono_ns, last_good).live


def test_an_uncertain_value_carries_a_question_mark() -> None:
    station = FakeStation(1, scenes={0: Scene("uncertain")}, history_s=1)
    last_good = looked_at(station)
    view = station.latest()
    reading = read_sensor(view.pumps[0], 4, view.mono_ns, last_good)
    assert reading.trust is Trust.UNCERTAIN
    assert reading.shown.endswith("?")
    assert reading.hatched
    assert reading.age_text == "0:12"


def test_a_lost_pump_says_for_how_long() -> None:
    station = FakeStation(1, scenes={0: Scene("lost")}, history_s=1)
    last_good = looked_at(station, 120)
    view = station.latest()
    seen = presence(view.pumps[0], view.mono_ns, last_good)
    assert not seen.live
    assert seen.text == "link lost 1:24"


def test_a_pump_whose_frames_stop_is_lost_even_when_its_link_says_online() -> None:
    station = FakeStation(1, scenes={0: Scene("stale")}, history_s=1)
    last_good = looked_at(station, 90)
    view = station.latest()
    assert presence(view.pumps[0], view.mono_ns, last_good).text == "no new values 0:41"


@given(after_s=st.floats(0, 1e6), stale_s=st.floats(0.5, 60))
def test_no_value_older_than_its_limit_is_ever_live(after_s: float, stale_s: float) -> None:
    station = FakeStation(1, scenes={}, history_s=0)
    view = station.latest()
    pump = replace(view.pumps[0], stale_after_s=stale_s)
    assert pump.frame is not None
    now = pump.frame.mono_ns + int(after_s * SECOND)
    readings = [read_sensor(pump, i, now, LastGood()) for i in range(10)]
    alive = after_s <= stale_s + 1e-6
    for reading in readings:
        assert (reading.trust is Trust.LIVE) <= alive
        assert alive or (reading.text == "?" and isnan(reading.value) and reading.hatched)


limit = st.one_of(st.none(), st.floats(-50, 400, allow_nan=False))


@given(st.tuples(limit, limit, limit, limit), st.booleans())
def test_a_scale_is_fixed_rises_and_holds_every_limit(limits: tuple[float | None, ...], with_normal: bool) -> None:
    rising = sorted({round(x, 2) for x in limits if x is not None})
    names = ("low_low", "low", "high", "high_high")
    normal = (10.0, 60.0) if with_normal else None
    levels = replace(Limits(), **dict(zip(names, rising, strict=False)))  # type: ignore[arg-type]
    sensor = Sensor("x", "X", "bar", (-100.0, 500.0), 0.1, normal, levels)
    low, high = engineering_scale(sensor)
    assert -100 <= low < high <= 500
    points = [*rising, *(normal or ())]
    assert all(low <= x <= high for x in points)
    if points:
        assert high - low >= min(LEAST_SHARE * max(abs(x) for x in points), 600) * 0.99


def test_a_profile_of_other_sensors_has_key_sensors_too() -> None:
    assert key_sensors(("a", "b", "c", "d"), frozenset({"c"}), 3) == (2, 0, 1)


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [(1479.2, 0, "1,479"), (4.2, 2, "4.20"), (-0.001, 2, "0.00"), (nan, 1, "?"), (-3.16, 1, "-3.2"), (-0.4, 0, "0")],
)
def test_numbers_have_fixed_decimals_and_no_negative_zero(value: float, decimals: int, shown: str) -> None:
    assert number(value, decimals) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.2, "0.2 s"), (24, "0:24"), (84.9, "1:24"), (3900, "1 h 05 min"), (277000, "3 d 4 h")]
)
def test_ages_read_as_people_say_them(seconds: float, shown: str) -> None:
    assert age(seconds) == shown
    assert duration(nan) == "?"


def test_values_seen_once_are_not_forgotten_when_a_sensor_fails() -> None:
    station = FakeStation(1, scenes={0: Scene("one_bad")}, history_s=1)
    last_good = looked_at(station, 60)
    now = station.latest().mono_ns
    assert last_good.age_s("P-101", VIBRATION, now) == pytest.approx(24, abs=1.01)
    assert last_good.age_s("P-101", 0, now) == pytest.approx(0, abs=0.01)
    assert np.isnan(last_good.age_s("P-999", 0, now))
