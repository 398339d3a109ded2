"""What the next shift must know, from the journal and the station as it is."""

from dataclasses import replace
from math import nan

from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import AlarmChanged, Annotated, OrderDone, RunStateChanged
from pumpwatch_gui.domain.handover import as_markdown, hand_over
from pumpwatch_gui.domain.journal import JournalRow, journal_row
from tests.gui.fake_station import FakeStation

HOUR = 3600 * 10**9
START = 1_790_000_000 * 10**9
END = START + 8 * HOUR


def sections(rows: list[JournalRow], **view: object) -> dict[str, tuple[str, ...]]:
    station = FakeStation(1, scenes={}, history_s=10)
    calm: dict[str, object] = {"alarms": (), "hidden_alarms": (), "maintenance": ()}
    shown = replace(station.latest(), **(calm | view))  # type: ignore[arg-type]
    return {one.heading: one.lines for one in hand_over(shown, rows, start_ns=START, end_ns=END)}


def order(key: int, at_ns: int, command: str, text: str, by: str, *, ok: bool = True, pump_id: str = "") -> JournalRow:
    return journal_row(OrderDone(at_ns, "x", command, ok, text, by, pump_id), key)


def test_notes_changes_and_runs_are_told_apart_and_what_was_before_is_left_out() -> None:
    found = sections(
        [
            order(5, START + HOUR, "record", "Seal of P-1 drips", "anna", pump_id="P-1"),
            order(4, START + HOUR, "record", "site opened", "PumpWatch"),
            order(6, START + 2 * HOUR, "change site", "P-1 limits 70", "bert"),
            order(7, START + 2 * HOUR, "change site", "not saved", "bert", ok=False),
            order(8, START - 1, "record", "yesterday", "anna"),
            journal_row(RunStateChanged(START + 3 * HOUR, "P-1", running=False), 9),
        ]
    )
    assert [line.split(" ", 1)[1] for line in found["Notes"]] == ["P-1 Seal of P-1 drips (anna)"]
    assert [line.split(" ", 1)[1] for line in found["Changes"]] == ["P-1 limits 70 (bert)"]
    assert [line.split(" ", 1)[1] for line in found["Pumps and links"]] == ["P-1 Pump stopped"]


def test_what_was_said_when_an_alarm_was_acknowledged_is_a_note() -> None:
    alarm = Alarm("P-1/flow.low", "P-1", "flow", Priority.LOW, "Flow low", AlarmState.ACKNOWLEDGED, nan, nan, "", 1, 1)
    gone = replace(alarm, state=AlarmState.NORMAL)
    shelved = replace(alarm, state=AlarmState.SHELVED, reason="x")
    events = (
        AlarmChanged(START, alarm, act="acknowledge", by="asha", note="valve: opened (again)"),
        AlarmChanged(START, gone, act="acknowledge", by="ravi", note="was short"),
        AlarmChanged(START, alarm, act="acknowledge", by="ravi"),
        AlarmChanged(START, shelved, act="shelve", by="ravi", note="no note"),
    )
    rows = [journal_row(event, i) for i, event in enumerate(events)]
    assert [line.split(" ", 1)[1] for line in sections(rows)["Notes"]] == [
        "P-1 Flow low: valve: opened (again) (asha)",
        "P-1 Flow low: was short (ravi)",
    ]


def test_a_note_on_a_past_time_is_handed_over_by_the_shift_that_wrote_it() -> None:
    rows = [journal_row(Annotated(START + HOUR, START - 50 * HOUR, "the valve was shut", "anna", "P-1"), 1)]
    (line,) = sections(rows)["Notes"]
    assert "P-1 On " in line
    assert line.endswith(": the valve was shut (anna)")


@given(st.text(max_size=80))
def test_what_people_type_is_never_markup(words: str) -> None:
    rows = [order(1, START, "record", f"<b>{words}", "anna")]
    station = FakeStation(1, scenes={}, history_s=1)
    text = as_markdown(hand_over(station.latest(), rows, start_ns=START, end_ns=END), title="T", period="P")
    line = next(line for line in text.splitlines() if "anna" in line)
    assert "\\<b\\>" in line


def alarm(
    source: str, priority: Priority, state: AlarmState = AlarmState.UNACKNOWLEDGED, *, at_ns: int = START
) -> Alarm:
    return Alarm(f"P-1/{source}", "P-1", source.split(".")[0], priority, source, state, 1.0, 0.0, "bar", at_ns, at_ns)


def test_an_alarm_that_came_often_is_one_line_and_the_most_urgent_comes_first() -> None:
    came = [(1, "flow.low", Priority.LOW), (2, "flow.low", Priority.LOW), (3, "seal.high", Priority.HIGH)]
    rows = [
        journal_row(AlarmChanged(START + i * HOUR, alarm(source, priority, at_ns=START + i * HOUR)), i)
        for i, source, priority in came
    ]
    gone = alarm("flow.low", Priority.LOW, AlarmState.RETURNED)
    rows.append(journal_row(AlarmChanged(START + 4 * HOUR, gone), 4))
    lines = sections(rows)["Alarms that came"]
    assert len(lines) == 2
    assert lines[0].startswith("P-1 seal.high, high, at ")
    assert lines[1].startswith("P-1 flow.low, low, 2 times, ")


def test_what_is_hidden_says_until_when_by_whom_and_why() -> None:
    shelved = replace(
        alarm("flow.low", Priority.LOW, AlarmState.SHELVED), until_ns=END, hidden_by="anna", reason="valve is shut"
    )
    station = sections([], alarms=(alarm("seal.high", Priority.HIGH),), hidden_alarms=(shelved,))
    assert station["Standing alarms"][0].startswith("1 P-1 seal.high, unacknowledged, since ")
    line = station["Shelved, suppressed, out of service"][0]
    assert line.startswith("P-1 flow.low, shelved until ")
    assert line.endswith(", by anna: valve is shut")
