"""A lost link is one alarm, after 3 s and no later."""

from dataclasses import replace

import pytest

from pumpwatch_gui.domain.alarms.alarm import Priority, Stimulus
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.judge.sources.link import LinkJudge

S = 10**9
VIEW = LinkView("P-101/1", "P-101", "modbus-tcp", "10.0.0.7:502", LinkState.ONLINE, 0, 0, 1.0)
OFFLINE = replace(VIEW, state=LinkState.OFFLINE, last_error="no answer within 0.5 s")


def judged(judge: LinkJudge, view: LinkView, tenths: range) -> list[tuple[float, Stimulus]]:
    """What ten calls a second find."""
    found = [(t / 10, judge.judge(view, t * S // 10)) for t in tenths]
    return [(at_s, signal.stimulus) for at_s, signal in found if signal is not None]


@pytest.mark.parametrize("state", [LinkState.OFFLINE, LinkState.STALE, LinkState.CONNECTING])
def test_a_link_that_is_not_online_is_an_alarm_after_3_s_once(state: LinkState) -> None:
    judge = LinkJudge(["P-101/1"])
    assert judged(judge, VIEW, range(20)) == []
    assert judged(judge, replace(VIEW, state=state), range(20, 9000)) == [(5.0, Stimulus.RAISED)]


def test_it_returns_after_1_s_online(two: LinkJudge) -> None:
    judged(two, OFFLINE, range(100))
    assert judged(two, VIEW, range(100, 200)) == [(11.0, Stimulus.RETURNED)]


def test_a_link_lost_for_less_than_3_s_says_nothing(two: LinkJudge) -> None:
    for start in range(0, 1000, 40):
        assert judged(two, OFFLINE, range(start, start + 30)) == []
        assert judged(two, VIEW, range(start + 30, start + 40)) == []


def test_each_link_has_its_own_alarm_with_the_reason_or_the_endpoint(two: LinkJudge) -> None:
    silent = replace(VIEW, link_id="P-101/2", state=LinkState.STALE)
    assert [two.judge(OFFLINE, 0), two.judge(silent, 0)] == [None, None]
    signals = [two.judge(OFFLINE, 3 * S), two.judge(silent, 3 * S)]
    assert [(s.source, s.text, s.priority) for s in signals if s is not None] == [
        ("link.1", "Link lost: no answer within 0.5 s", Priority.LOW),
        ("link.2", "Link lost: 10.0.0.7:502", Priority.LOW),
    ]
    assert two.sources == {"link.1", "link.2"}
    assert two.judge(replace(OFFLINE, link_id="P-102/1"), 9 * S) is None


def test_an_alarm_that_was_active_before_a_restart_returns_when_the_link_is_online() -> None:
    judge = LinkJudge(["P-101/1"], active={"link.1"})
    assert judged(judge, OFFLINE, range(100)) == []
    assert judged(judge, VIEW, range(100, 120)) == [(11.0, Stimulus.RETURNED)]


@pytest.fixture
def two() -> LinkJudge:
    return LinkJudge(["P-101/1", "P-101/2"])
