"""One frame out of several links: ages, precedence, unbound tags, and the wall clock."""

import math

import pytest

from pumpwatch_gui.acquire.driver import LinkSpec
from pumpwatch_gui.acquire.links.assembly import Assembly, WallClock
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.links.decode import PointValue, bad
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.quality import Quality, Reason

PROFILE = PumpProfile("abc", tuple(Sensor(t, t, "", (0, 100)) for t in ("a", "b", "c")))
S = 1_000_000_000


def spec(n: int, period_s: float = 1.0) -> LinkSpec:
    return LinkSpec(f"P/{n}", "P", PROFILE, ModbusTcpConfig("127.0.0.1", 502 + n, period_s=period_s), None)


def good(value: float) -> PointValue:
    return PointValue(value, Quality.GOOD, Reason.NONE)


@pytest.fixture
def pump() -> Assembly:
    """Link 1 (primary) binds a, link 2 binds b; no link binds c."""
    return Assembly({spec(1): frozenset("a"), spec(2): frozenset("b")}, WallClock())


def test_only_the_primary_link_makes_frames(pump: Assembly) -> None:
    assert pump.scanned("P/2", {"b": good(2)}, 100 * S) is None
    frame = pump.scanned("P/1", {"a": good(1)}, 100 * S)
    assert frame is not None
    assert list(frame.values[:2]) == [1, 2]
    assert frame.seq == 1


def test_a_tag_that_no_link_binds_is_not_connected(pump: Assembly) -> None:
    frame = pump.scanned("P/1", {"a": good(1)}, 100 * S)
    assert frame is not None
    assert (frame.quality[2], frame.reason[2]) == (Quality.BAD, Reason.NOT_CONNECTED)


def test_before_its_first_response_a_link_waits_for_initial_values(pump: Assembly) -> None:
    frame = pump.scanned("P/1", {"a": good(1)}, 100 * S)
    assert frame is not None
    assert frame.reason[1] == Reason.WAITING_FOR_INITIAL_DATA


@pytest.mark.parametrize(
    ("age_s", "quality", "reason"),
    [
        (0.0, Quality.GOOD, Reason.NONE),
        (2.0, Quality.GOOD, Reason.NONE),
        (2.01, Quality.UNCERTAIN, Reason.LAST_USABLE_VALUE),
        (5.0, Quality.UNCERTAIN, Reason.LAST_USABLE_VALUE),
        (5.01, Quality.BAD, Reason.NO_COMMUNICATION),
    ],
)
def test_a_secondary_links_value_ages(pump: Assembly, age_s: float, quality: Quality, reason: Reason) -> None:
    pump.scanned("P/2", {"b": good(2)}, 100 * S)
    frame = pump.scanned("P/1", {"a": good(1)}, 100 * S + int(age_s * S))
    assert frame is not None
    assert (frame.quality[1], frame.reason[1]) == (quality, reason)
    assert frame.values[1] == 2 if quality is not Quality.BAD else math.isnan(frame.values[1])


def test_an_aged_bad_value_keeps_its_own_reason(pump: Assembly) -> None:
    pump.scanned("P/2", {"b": bad(Reason.SENSOR_FAILURE)}, 100 * S)
    frame = pump.scanned("P/1", {"a": good(1)}, 103 * S)
    assert frame is not None
    assert frame.reason[1] == Reason.SENSOR_FAILURE


def test_a_failing_primary_still_brings_the_others(pump: Assembly) -> None:
    pump.scanned("P/2", {"b": good(2)}, 100 * S)
    frame = pump.failed("P/1", Reason.TIMEOUT, 100 * S)
    assert frame is not None
    assert (frame.reason[0], frame.quality[1]) == (Reason.TIMEOUT, Quality.GOOD)


def test_of_two_links_with_one_tag_the_better_quality_wins() -> None:
    both = Assembly({spec(1): frozenset("ab"), spec(2): frozenset("b")}, WallClock())
    both.scanned("P/2", {"b": good(2)}, 100 * S)
    frame = both.scanned("P/1", {"a": good(1), "b": good(7)}, 100 * S)
    assert frame is not None
    assert frame.values[1] == 7
    frame = both.scanned("P/1", {"a": good(1), "b": bad(Reason.OUT_OF_RANGE)}, 101 * S)
    assert frame is not None
    assert frame.values[1] == 2


class Clocks:
    """A wall clock and a monotonic one that only tests move."""

    def __init__(self) -> None:
        self.wall_ns, self.mono_ns = 10**18, 5 * S
        self.steps_s: list[float] = []
        self.made = WallClock(
            lambda: self.wall_ns, lambda: self.mono_ns, on_step=lambda step_ns: self.steps_s.append(step_ns / S)
        )

    def pass_by(self, ns: int) -> None:
        self.wall_ns += ns
        self.mono_ns += ns

    def now(self) -> int:
        return self.made.at(self.mono_ns)


@pytest.mark.parametrize("step_s", [3_600.0, -3_600.0, 0.051, -0.051])
def test_a_step_of_the_wall_clock_either_way_is_followed_and_reported_once(step_s: float) -> None:
    clocks = Clocks()
    assert clocks.now() == clocks.wall_ns
    clocks.pass_by(7 * S)
    assert clocks.now() == clocks.wall_ns
    clocks.wall_ns += int(step_s * S)
    assert clocks.now() == clocks.wall_ns
    clocks.pass_by(S)
    assert clocks.now() == clocks.wall_ns
    assert clocks.steps_s == [step_s]


@pytest.mark.parametrize("noise_s", [0.049, -0.049])
def test_noise_of_the_wall_clock_is_not_followed(noise_s: float) -> None:
    clocks = Clocks()
    before = clocks.now()
    clocks.wall_ns += int(noise_s * S)
    assert clocks.now() == before
    assert clocks.steps_s == []


def test_two_clock_readings_with_a_thread_switch_between_are_no_step() -> None:
    clocks = Clocks()
    readings = iter((5 * S, 5 * S, 5 * S + 60_000_000))  # at the start; before and after the wall clock is read
    slow = WallClock(lambda: clocks.wall_ns, lambda: next(readings), on_step=clocks.steps_s.append)
    clocks.wall_ns += 60_000_000  # 60 ms pass between the first reading and that of the wall clock
    assert slow.at(5 * S) == 10**18
    assert clocks.steps_s == []


def test_rebinding_keeps_what_unchanged_links_brought_and_the_numbering(pump: Assembly) -> None:
    pump.scanned("P/1", {"a": good(1)}, 100 * S)
    pump.scanned("P/2", {"b": good(2)}, 100 * S)
    after = Assembly({spec(1): frozenset("a"), spec(2): frozenset("b")}, WallClock(), pump)
    frame = after.scanned("P/1", {"a": good(3)}, 101 * S)
    assert frame is not None
    assert (frame.seq, frame.values[1]) == (2, 2)


def test_the_fastest_link_makes_the_frames_so_that_its_values_are_all_stored() -> None:
    both = Assembly({spec(1, 10.0): frozenset("a"), spec(2, 0.5): frozenset("b")}, WallClock())
    assert both.scanned("P/1", {"a": good(1)}, 100 * S) is None
    frames = [both.scanned("P/2", {"b": good(k)}, 100 * S + k * S // 2) for k in range(1, 11)]
    assert [f.values[1] for f in frames if f is not None] == list(range(1, 11))
    assert all(f is not None and f.values[0] == 1 for f in frames)


def test_of_equally_fast_links_the_first_makes_the_frames_and_there_is_one_a_period(pump: Assembly) -> None:
    made = [pump.scanned(f"P/{n}", {tag: good(k)}, (100 + k) * S) for k in range(5) for n, tag in ((1, "a"), (2, "b"))]
    assert [f is not None for f in made] == [True, False] * 5


def test_a_frame_is_stamped_at_the_middle_of_its_scan_and_stamps_always_rise(pump: Assembly) -> None:
    frame = pump.scanned("P/1", {"a": good(1)}, 100 * S, took_ns=S)
    assert frame is not None
    assert frame.mono_ns == 99 * S + S // 2
    lost = pump.failed("P/1", Reason.NO_COMMUNICATION, 101 * S)
    after = pump.scanned("P/1", {"a": good(1)}, 101 * S + 10, took_ns=S)
    assert lost is not None
    assert after is not None
    assert after.mono_ns > lost.mono_ns


def test_a_scan_that_took_longer_than_two_periods_brings_old_values(pump: Assembly) -> None:
    for took_s, reason in ((2.0, Reason.NONE), (2.1, Reason.LAST_USABLE_VALUE)):
        frame = pump.scanned("P/1", {"a": good(1)}, 200 * S, took_ns=int(took_s * S))
        assert frame is not None
        assert frame.reason[0] == reason
