"""The time axis of the trends: never in the future, every tick once and in local time, whatever the clocks do."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.wording import local_time
from pumpwatch_gui.gui.look.time_view import LONGEST_S, SHORTEST_S, TimeView, nice_ticks, zone_words

NOW_S = 1_790_000_000.0
LENGTHS = st.floats(SHORTEST_S, LONGEST_S)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])


@contextmanager
def zone(name: str) -> Iterator[None]:
    """Local time is that of this zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()


def at(text: str, name: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(name)).timestamp()


@given(LENGTHS, st.floats(-5, 5), st.floats(0.1, 10), st.floats(0, 1))
def test_no_move_and_no_zoom_leads_into_the_future(length: float, share: float, factor: float, around: float) -> None:
    view = TimeView.last(length, NOW_S).shifted(-1.5, NOW_S).shifted(share, NOW_S)
    assert view.end_s <= NOW_S
    assert view.is_live == (view.end_s == NOW_S)
    zoomed = view.zoomed(factor, NOW_S, view.start_s + around * view.length_s)
    assert zoomed.end_s <= NOW_S
    assert SHORTEST_S - 1e-3 <= zoomed.length_s <= LONGEST_S + 1e-3


@given(LENGTHS.filter(lambda s: s < 1e8), st.floats(0.01, 0.99), st.floats(0.5, 2))
def test_a_zoom_keeps_the_time_under_the_pointer_where_it_is(length: float, share: float, factor: float) -> None:
    view = TimeView(NOW_S - 5 * length, NOW_S - 4 * length)
    around = view.start_s + share * view.length_s
    zoomed = view.zoomed(factor, NOW_S, around)
    if SHORTEST_S < zoomed.length_s < LONGEST_S:
        assert (around - zoomed.start_s) / zoomed.length_s == pytest.approx(share, abs=1e-3)


def test_a_live_view_goes_on_and_another_stays() -> None:
    view = TimeView.last(60, NOW_S)
    assert view.at(NOW_S + 5) == TimeView(NOW_S - 55, NOW_S + 5, is_live=True)
    past = view.shifted(-1, NOW_S)
    assert past.at(NOW_S + 5) is past
    assert past.shifted(1, NOW_S).is_live


@given(LENGTHS, st.integers(1, 20), st.floats(0, 1.79e9), ZONES)
def test_ticks_rise_lie_inside_and_are_not_too_many(length: float, most: int, end: float, name: str) -> None:
    view = TimeView(end - length, end)
    with zone(name):
        ticks = view.ticks(most)
    assert all(view.start_s <= tick <= view.end_s for tick in ticks)
    assert all(before < after for before, after in pairwise(ticks))
    assert len(ticks) <= most + 3


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
@pytest.mark.parametrize("hours", [48, 72, 24 * 14])
def test_over_a_change_of_the_clocks_ticks_stay_at_full_local_hours(day: str, hours: int) -> None:
    start = at(f"{day}T05:17:00", "Europe/Berlin")
    with zone("Europe/Berlin"):
        view = TimeView(start, start + hours * 3600)
        ticks, step = view.ticks(12), view.step_s(12)
        words = [local_time(round(tick * 1e9), "%Y-%m-%d %H:%M") for tick in ticks]
    assert len(ticks) >= 4
    assert len(set(words)) == len(words)
    assert all(word[14:16] == "00" and int(word[11:13]) % min(step / 3600, 24) == 0 for word in words)


def test_the_hour_that_comes_twice_has_two_ticks_that_read_differently() -> None:
    start = at("2026-10-25T01:30:00", "Europe/Berlin")
    with zone("Europe/Berlin"):
        view = TimeView(start, start + 4 * 3600)
        words = [local_time(round(tick * 1e9), "%H:%M") for tick in view.ticks(5)]
        assert zone_words(view.start_s, view.end_s) == "CEST, UTC+02:00 → CET, UTC+01:00"
    assert words == ["02:00 +02:00", "02:00 +01:00", "03:00", "04:00"]


def test_months_begin_on_their_first_day() -> None:
    with zone("Europe/Berlin"):
        start = at("2025-11-20T10:00:00", "Europe/Berlin")
        ticks = TimeView(start, start + 365 * 86_400).ticks(12)
        words = [local_time(round(tick * 1e9), "%Y-%m-%d %H:%M") for tick in ticks]
    assert words[0] == "2026-01-01 00:00"
    assert all(word.endswith("-01 00:00") for word in words)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(1, 12))
def test_values_on_a_scale_are_round_and_inside(low: float, width: float, most: int) -> None:
    ticks = nice_ticks(low, low + width, most)
    assert len(ticks) <= most + 1
    assert all(low - 1e-6 * width <= tick <= low + width * (1 + 1e-6) for tick in ticks)
