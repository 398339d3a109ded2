"""Local times as they read: two instants never alike."""

import time
from collections.abc import Iterator
from math import isnan

import pytest

from pumpwatch_gui.domain.wording import clock, local_time, minute, stamp, typed_hours

SECOND = 10**9
BEFORE = 1_698_530_400 * SECOND
"""Midnight in Berlin before the clocks of 2023 are set back an hour at 3:00."""


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process cannot be set here")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize("words", [clock, stamp, minute])
def test_no_two_minutes_of_the_day_on_which_the_clocks_are_set_back_read_the_same(words) -> None:  # type: ignore[no-untyped-def]
    texts = [words(BEFORE + 60 * i * SECOND) for i in range(25 * 60)]
    assert len(set(texts)) == len(texts)


@pytest.mark.usefixtures("in_berlin")
def test_only_the_hour_that_comes_twice_has_its_offset() -> None:
    assert clock(BEFORE + 7199 * SECOND) == "01:59:59"
    assert clock(BEFORE + 7200 * SECOND) == "02:00:00 +02:00"
    assert stamp(BEFORE + 10_800 * SECOND) == "2023-10-29  02:00:00 +01:00"
    assert minute(BEFORE + 14_400 * SECOND) == "2023-10-29 03:00"
    assert local_time(BEFORE, "%H:%M") == "00:00"


@pytest.mark.parametrize(("text", "hours"), [("5.5", 5.5), ("5,5", 5.5), ("5:30", 5.5), ("0", 0.0), (" 12 ", 12.0)])
def test_hours_are_read_as_they_are_written(text: str, hours: float) -> None:
    assert typed_hours(text) == pytest.approx(hours * 3600)


@pytest.mark.parametrize("text", ["5:75", "-1", "5h", "1.2345", "٣", "5.5.5"])
def test_what_is_no_number_of_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number of hours"):
        typed_hours(text)


def test_blank_hours_are_not_known() -> None:
    assert isnan(typed_hours("  "))
