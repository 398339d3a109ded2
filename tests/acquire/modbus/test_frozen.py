"""When values that do not change are told, and when not."""

import itertools
from collections.abc import Sequence

from pumpwatch_gui.acquire.modbus.frozen import FROM_START_S, LONGEST_S, SHORTEST_S, FrozenWatch

LIVE = (1480, 652, 420, 231)
Scans = Sequence[tuple[float, tuple[int, ...]]]


def first_frozen(values: Scans) -> float | None:
    """The time of the first scan at which a watch is sure; times and registers of scans."""
    watch = FrozenWatch()
    return next((at_s for at_s, registers in values if watch.is_frozen(registers, at_s)), None)


def scans(
    seconds: float, *, period_s: float = 1.0, registers: "tuple[int, ...]" = LIVE
) -> "list[tuple[float, tuple[int, ...]]]":
    return [(i * period_s, registers) for i in range(int(seconds / period_s) + 1)]


def test_values_that_never_changed_are_told_after_two_minutes() -> None:
    at_s = first_frozen(scans(180))
    assert at_s is not None
    assert FROM_START_S <= at_s <= 180


def test_with_a_long_period_twenty_scans_must_be_equal() -> None:
    at_s = first_frozen(scans(3600, period_s=60.0))
    assert at_s is not None
    assert at_s >= 20 * 60


def test_a_pump_that_stands_still_has_zeros_and_is_not_told() -> None:
    assert first_frozen(scans(7200, registers=(0, 0, 0, 0, 0, 0, 231, 245, 252))) is None


def test_one_or_two_values_may_be_setpoints() -> None:
    assert first_frozen(scans(7200, registers=(1480, 652))) is None


def test_one_change_in_a_minute_is_life() -> None:
    values = [(at_s, (*LIVE, int(at_s / 59))) for at_s, _ in scans(7200)]
    assert first_frozen(values) is None


def test_a_device_is_judged_by_its_own_habit() -> None:
    quick = [(at_s, (*LIVE, int(at_s))) for at_s, _ in scans(600)]
    end_s = quick[-1][0]
    at_s = first_frozen([*quick, *((end_s + s, quick[-1][1]) for s, _ in scans(1000)[1:])])
    assert at_s is not None
    assert SHORTEST_S <= at_s - end_s <= SHORTEST_S + 2
    slow = [(at_s, (*LIVE, int(at_s / 30))) for at_s, _ in scans(900)]
    end_s = slow[-1][0]
    at_s = first_frozen([*slow, *((end_s + s, slow[-1][1]) for s, _ in scans(4000)[1:])])
    assert at_s is not None
    assert 400 <= at_s - end_s <= LONGEST_S


def test_it_is_over_with_the_first_change() -> None:
    watch = FrozenWatch()
    assert [watch.is_frozen(r, at_s) for at_s, r in scans(180)][-1]
    assert not watch.is_frozen((*LIVE[:3], 7), 181.0)
    assert watch.still_s == 0.0


def test_the_longest_rest_fades() -> None:
    watch = FrozenWatch()
    changing = itertools.count()
    for at_s in range(20):
        watch.is_frozen((*LIVE, next(changing)), float(at_s))
    watch.is_frozen((*LIVE, next(changing)), 800.0)  # a night
    for at_s in range(801, 1300):
        watch.is_frozen((*LIVE, next(changing)), float(at_s))
    last = (*LIVE, next(changing))
    found = [watch.is_frozen(last, 1300.0 + s) for s in range(120)]
    assert found[-1]
