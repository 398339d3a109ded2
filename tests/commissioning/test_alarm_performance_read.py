"""The performance of the alarm system as it is read from a journal."""

from dataclasses import replace
from math import nan

import pytest
from typing_extensions import override

from pumpwatch_gui.commissioning import journal
from pumpwatch_gui.commissioning.alarm_performance import PerformanceRead, read_performance
from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import AlarmChanged, Note
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.ports import JournalQuery
from tests.gui.fake_history import FakeHistorian

S = 10**9
NOW = 1_768_472_640 * S
HOUR = 3600 * S


def put_alarm(history: FakeHistorian, ago_s: int, lasted_s: int, source: str = "flow.low") -> None:
    """An alarm that came, was acknowledged after 1 s and returned."""
    at = NOW - ago_s * S
    raised = Alarm(f"P-1/{source}", "P-1", "flow", Priority.LOW, "Flow low", AlarmState.UNACKNOWLEDGED, 1.0, nan, "",
                   at, at)  # fmt: skip
    history.put_event(AlarmChanged(at, raised))
    seen = replace(raised, state=AlarmState.ACKNOWLEDGED, changed_ns=at + S, by="Asha")
    history.put_event(AlarmChanged(at + S, seen, act="acknowledge", by="Asha"))
    gone_ns = at + lasted_s * S
    history.put_event(AlarmChanged(gone_ns, replace(seen, state=AlarmState.NORMAL, changed_ns=gone_ns)))


def read(history: FakeHistorian, hours: int = 8, open_alarms: tuple[Alarm, ...] = ()) -> PerformanceRead:
    return read_performance(history, open_alarms, end_ns=NOW, span_ns=hours * HOUR)


def test_the_figures_come_from_the_lines_of_the_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PAGE", 4)
    history = FakeHistorian()
    history.put_event(Note(NOW - 90 * HOUR, "PumpWatch started"))
    for ago_s in (40 * 3600, 9 * 3600, 3600, 1800, 600):
        put_alarm(history, ago_s, 30)
    got = read(history)
    assert (got.found.count, got.found.fleeting, got.is_whole, got.unreadable) == (3, 3, True, 0)
    assert (got.found.acknowledge_median_s, got.found.unacknowledged) == (1.0, 0)
    assert read(history, 48).found.count == 5


@pytest.mark.parametrize(("ago_s", "periods"), [(5, 1), (599, 1), (601, 2), (7201, 13), (28_799, 48)])
def test_a_young_journal_gives_the_figures_of_its_own_time(ago_s: int, periods: int) -> None:
    history = FakeHistorian()
    history.put_event(Note(NOW - ago_s * S, "PumpWatch started"))
    got = read(history)
    assert len(got.found.periods) == periods
    assert got.is_whole == (periods == 48)


def test_an_empty_journal_has_no_alarms() -> None:
    assert read(FakeHistorian()).found.count == 0


def test_an_alarm_that_is_open_for_days_is_stale_without_a_line() -> None:
    old = Alarm("P-1/x.high", "P-1", "x", Priority.LOW, "x", AlarmState.ACKNOWLEDGED, nan, nan, "", NOW - 50 * HOUR,
                NOW - 50 * HOUR)  # fmt: skip
    assert [a.alarm_id for a in read(FakeHistorian(), open_alarms=(old,)).found.stale] == ["P-1/x.high"]


def test_a_line_of_another_version_is_counted_and_passed_over() -> None:
    class Odd(FakeHistorian):
        """The last line has another shape."""

        @override
        def journal(self, query: JournalQuery, *, limit: int = 1000) -> list[JournalRow]:
            """As it is, but for one line."""
            rows = super().journal(query, limit=limit)
            return [replace(rows[0], detail={"state": "odd"}), *rows[1:]] if rows and rows[0].id == 3 else rows

    history = Odd()
    put_alarm(history, 300, 30)
    got = read(history)
    assert (got.unreadable, got.found.count) == (1, 1)


def test_a_span_of_no_whole_periods_and_a_journal_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="whole periods"):
        read_performance(FakeHistorian(), (), end_ns=NOW, span_ns=5)
    monkeypatch.setattr(journal, "PAGE", 4)
    monkeypatch.setattr(journal, "MAX_LINES", 8)
    history = FakeHistorian()
    for ago_s in range(100, 1000, 100):
        put_alarm(history, ago_s, 30)
    with pytest.raises(InputError, match="more than 8 lines"):
        read(history)
