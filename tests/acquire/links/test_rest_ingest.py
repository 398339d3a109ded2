"""Values that other programs post: their times are judged, their silence is noticed."""

import time
from collections.abc import Callable

import pytest

from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.domain.links.config import RestIngestConfig
from pumpwatch_gui.domain.links.inlet import Inlet, Post, PostFault, PostRefused
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.scanning import Scanning, reasons_of, registers_profile

Wait = Callable[..., None]
NOW_NS = 1_800_000_000 * 10**9
PROFILE = registers_profile(0, 1)


def refusal(inlet: Inlet, time_ns: int) -> PostFault:
    with pytest.raises(PostRefused) as caught:
        inlet.offer("P", Post({}, time_ns), period_s=1.0)
    assert caught.value.advice
    return caught.value.fault


def test_a_time_in_the_future_or_long_ago_is_refused() -> None:
    inlet = Inlet(lambda: NOW_NS)
    assert refusal(inlet, NOW_NS + 3 * 10**9) is PostFault.AHEAD
    assert refusal(inlet, NOW_NS - 11 * 10**9) is PostFault.OLD
    assert inlet.take("P").post is None


def test_the_same_post_again_and_an_earlier_one_are_refused() -> None:
    inlet = Inlet(lambda: NOW_NS)
    inlet.offer("P", Post({"r0": 1.0}, NOW_NS), period_s=1.0)
    assert refusal(inlet, NOW_NS) is PostFault.REPLAY
    assert inlet.take("P").post is not None
    assert refusal(inlet, NOW_NS - 1) is PostFault.REPLAY  # also once it was taken
    assert inlet.take("P").refusals == 1


def test_the_newest_post_counts_and_those_overtaken_are_counted() -> None:
    inlet = Inlet()
    for value in range(3):
        inlet.offer("P", Post({"r0": value}), period_s=1.0)
    taken = inlet.take("P")
    assert taken.post == Post({"r0": 2})
    assert taken.overtaken == 2


def test_a_post_that_waited_too_long_for_its_link_is_thrown_away() -> None:
    now = [NOW_NS]
    inlet = Inlet(lambda: now[0])
    inlet.offer("P", Post({"r0": 1.0}), period_s=1.0)
    now[0] += 11 * 10**9
    inlet.listen("P", lambda: None)
    assert not inlet.holds("P")


def test_values_that_are_old_by_their_own_time_are_doubtful(wait_until: Wait) -> None:
    inlet = Inlet()
    with Scanning([Binding("P", PROFILE, (RestIngestConfig(0.2),))], inlet) as s:
        inlet.offer("P", Post({"r0": 5.0, "r1": None}, time.time_ns() - 5 * 10**9), period_s=0.2)
        wait_until(lambda: any(f.worst_of(1) is Quality.UNCERTAIN for f in s.of("P")))
        frame = next(f for f in s.of("P") if f.worst_of(1) is Quality.UNCERTAIN)
    assert frame.values[0] == 5.0
    assert reasons_of(frame) == [Reason.LAST_USABLE_VALUE, Reason.SENSOR_FAILURE]


def test_a_sender_that_falls_silent_makes_its_values_bad(wait_until: Wait) -> None:
    inlet = Inlet()
    with Scanning([Binding("P", PROFILE, (RestIngestConfig(0.2),))], inlet) as s:
        inlet.offer("P", Post({"r0": 5.0, "r1": 70_000.0}), period_s=0.2)
        wait_until(s.is_in("P/1", LinkState.ONLINE))
        wait_until(lambda: any(reasons_of(f)[1] is Reason.OUT_OF_RANGE for f in s.of("P")))
        wait_until(s.is_in("P/1", LinkState.STALE))
        assert s.last("P").worst is Quality.BAD
        assert "P" in s.view("P/1").last_error


def test_what_was_refused_is_the_links_last_error(wait_until: Wait) -> None:
    inlet = Inlet()
    with Scanning([Binding("P", PROFILE, (RestIngestConfig(0.1, "feed"),))], inlet) as s:
        inlet.offer("feed", Post({"r0": 5.0, "r1": 1.0}), period_s=0.1)
        wait_until(s.is_in("P/1", LinkState.ONLINE))
        with pytest.raises(PostRefused):
            inlet.offer("feed", Post({"r0": 5.0}, time.time_ns() + 3600 * 10**9), period_s=0.1)
        wait_until(lambda: "future" in s.view("P/1").last_error)
        assert s.view("P/1").refused_responses >= 1


def test_two_links_cannot_take_the_posts_of_one_sender(wait_until: Wait) -> None:
    inlet = Inlet()
    both = [Binding(pump, PROFILE, (RestIngestConfig(0.1, "feed"),)) for pump in "PQ"]
    with Scanning(both, inlet) as s:
        wait_until(lambda: any("another link" in v.last_error for v in s.scanner.views()))
