"""Qualities, reasons and frames: their numbers are in databases and recordings, so they are pinned."""

import numpy as np
import pytest

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, AlarmState, Priority, Stimulus
from pumpwatch_gui.domain.values.frame import Frame, bad_frame
from pumpwatch_gui.domain.values.quality import Quality, Reason


def frame_of(values: list[float], quality: list[int], reason: list[int]) -> Frame:
    arrays = np.array(quality, dtype=np.uint8), np.array(reason, dtype=np.uint8)
    return Frame("P-101", 1, 1_500_000_000, 2, np.array(values), *arrays)


def test_the_numbers_of_qualities_reasons_and_priorities_are_those_on_disk() -> None:
    assert [(q.value, q.word) for q in Quality] == [(0, "good"), (1, "uncertain"), (2, "bad")]
    assert [r.value for r in Reason] == list(range(18))
    assert [(p.name, p.value) for p in Priority] == [("HIGH", 1), ("MEDIUM", 2), ("LOW", 3), ("DIAGNOSTIC", 4)]


def test_every_reason_but_none_has_words_of_its_own() -> None:
    assert Reason.NONE.text == ""
    words = [reason.text for reason in Reason]
    assert len(set(words)) == len(words)


def test_the_worst_quality_of_a_frame_leaves_out_sensors_that_are_not_connected() -> None:
    unbound = int(Reason.NOT_CONNECTED)
    assert frame_of([1.0, np.nan], [0, 2], [0, unbound]).worst is Quality.GOOD
    assert frame_of([1.0, 2.0, np.nan], [0, 1, 2], [0, 11, unbound]).worst is Quality.UNCERTAIN
    assert frame_of([1.0, np.nan], [0, 2], [0, 3]).worst is Quality.BAD
    assert frame_of([np.nan], [2], [unbound]).worst is Quality.BAD


def test_a_frame_whose_values_and_qualities_disagree_is_refused() -> None:
    for values, quality in (([1.0], [2]), ([np.nan], [0]), ([np.inf], [1])):
        with pytest.raises(ValueError, match="BAD values must be NaN"):
            frame_of(values, quality, [0])
    shapes = ((1, 2, 1), (1, 1, 2), (2, 1, 1), (2, 2, 1), (2, 1, 2), (1, 2, 2))
    for values, quality, reason in (([1.0] * v, [0] * q, [0] * r) for v, q, r in shapes):
        with pytest.raises(ValueError, match="shapes differ"):
            frame_of(values, quality, reason)


def test_a_frame_keeps_read_only_copies_and_gives_its_time_in_seconds() -> None:
    values = np.array([1.0])
    frame = Frame("P", 1, 1_500_000_000, 2, values, np.zeros(1, dtype=np.uint8), np.zeros(1, dtype=np.uint8))
    values[0] = 9.0
    assert frame.values.tolist() == [1.0]
    assert not frame.values.flags.writeable
    assert frame.time_s == 1.5


def test_a_frame_of_a_failed_scan_is_bad_for_its_one_reason() -> None:
    frame = bad_frame("P", seq=4, time_ns=5, mono_ns=6, size=3, reason=Reason.TIMEOUT)
    assert (frame.seq, frame.time_ns, frame.mono_ns) == (4, 5, 6)
    assert np.isnan(frame.values).tolist() == [True] * 3
    assert frame.quality.tolist() == [2, 2, 2]
    assert frame.reason.tolist() == [3, 3, 3]


def test_alarm_states_say_whether_the_condition_holds_and_whether_somebody_must_acknowledge() -> None:
    assert [s for s in AlarmState if s.is_active] == [AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED]
    waiting = [AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED, AlarmState.LATCHED_UNACKNOWLEDGED]
    assert [s for s in AlarmState if s.is_unacknowledged] == waiting
    hidden = [AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE]
    assert [s for s in AlarmState if s.is_hidden] == hidden


def test_only_a_raise_is_another_alarm() -> None:
    made = [AlarmSignal("a", "", Priority.LOW, "", 0.0, 0.0, "", stimulus) for stimulus in Stimulus]
    assert [s.stimulus for s in made if s.is_raised] == [Stimulus.RAISED]
