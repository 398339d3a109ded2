"""A lost link is one alarm, after 3 s and no later."""

from dataclasses import replace

import pytest

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, Priority, Stimulus
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.judge.sources.link import ConnectionJudge, LinkJudge, connection_sources

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


def test_a_link_that_connects_for_the_first_time_has_the_time_of_its_period() -> None:
    slow = replace(VIEW, state=LinkState.CONNECTING, period_s=20.0)
    assert judged(LinkJudge(["P-101/1"]), slow, range(200)) == []
    assert judged(LinkJudge(["P-101/1"]), slow, range(400)) == [(23.0, Stimulus.RAISED)]


def gateway(online: int, lost: int, error: str = "no response") -> list[LinkView]:
    """Units 1, 2 … of one gateway, the lost ones first."""
    states = [LinkState.STALE] * lost + [LinkState.ONLINE] * online
    return [
        replace(VIEW, link_id=f"P-{n}/1", pump_id=f"P-{n}", connection="10.0.0.7:502", state=state, last_error=error)
        for n, state in enumerate(states, 1)
    ]


def of_the_connection(judge: ConnectionJudge, views: list[LinkView], tenths: range) -> list[tuple[float, AlarmSignal]]:
    return [(t / 10, signal) for t in tenths for signal in judge.judge(views, t * S // 10)]


def test_a_connection_that_is_lost_as_a_whole_is_one_alarm_that_names_the_pumps_behind_it() -> None:
    judge = ConnectionJudge()
    assert of_the_connection(judge, gateway(50, 0), range(10)) == []
    ((at_s, signal),) = of_the_connection(judge, gateway(0, 50), range(10, 9000))
    assert (at_s, signal.source, signal.stimulus) == (4.0, "connection.10.0.0.7:502", Stimulus.RAISED)
    assert all(f"P-{n}" in signal.text for n in range(1, 51))
    assert signal.text.startswith("Connection 10.0.0.7:502 lost, 50 of 50 links: P-1, P-2")
    assert signal.text.endswith("no response")
    ((at_s, signal),) = of_the_connection(judge, gateway(50, 0), range(9000, 9100))
    assert (at_s, signal.stimulus) == (901.0, Stimulus.RETURNED)


@pytest.mark.parametrize(("online", "lost", "is_one"), [
    (0, 2, True), (1, 1, False), (2, 3, True), (3, 3, False), (49, 1, False), (1, 2, False), (1, 49, True),
])  # fmt: skip
def test_some_lost_units_are_alarms_of_their_own_and_most_are_the_connections(
    online: int, lost: int, is_one: bool
) -> None:
    judge, views = ConnectionJudge(), gateway(online, lost)
    pumps = {v.link_id: LinkJudge([v.link_id]) for v in views}
    raised: list[str] = []
    for t in range(100):
        raised += [signal.source for signal in judge.judge(views, t * S // 10)]
        for view in views:
            signal = pumps[view.link_id].judge(view, t * S // 10, is_explained=view.link_id in judge.lost_links)
            raised += [view.link_id] * (signal is not None)
    assert raised == (["connection.10.0.0.7:502"] if is_one else [v.link_id for v in views[:lost]])


def test_a_unit_that_stays_lost_when_its_connection_is_back_is_an_alarm_then() -> None:
    judge, pump = ConnectionJudge(), LinkJudge(["P-1/1"])
    found: list[tuple[float, str, Stimulus]] = []
    for t in range(200):
        views = gateway(0, 3) if t < 100 else gateway(2, 1)
        signals = judge.judge(views, t * S // 10)
        own = pump.judge(views[0], t * S // 10, is_explained=views[0].link_id in judge.lost_links)
        found += [(t / 10, s.source, s.stimulus) for s in (*signals, *([own] if own else []))]
    assert found == [
        (3.0, "connection.10.0.0.7:502", Stimulus.RAISED),
        (11.0, "connection.10.0.0.7:502", Stimulus.RETURNED),
        (13.0, "link.1", Stimulus.RAISED),
    ]


def test_a_link_alone_on_its_connection_has_no_alarm_of_the_connection() -> None:
    assert of_the_connection(ConnectionJudge(), gateway(0, 1), range(100)) == []
    assert connection_sources(["a", "a", "b", "", ""]) == {"connection.a"}


def test_the_alarm_of_a_connection_that_was_active_before_a_restart_is_not_raised_again() -> None:
    judge = ConnectionJudge({"connection.10.0.0.7:502"})
    assert of_the_connection(judge, gateway(0, 5), range(100)) == []
    ((_, signal),) = of_the_connection(judge, gateway(5, 0), range(100, 200))
    assert signal.stimulus is Stimulus.RETURNED
