"""Feedback on episodes is kept and read back; a database of the first version is brought up to date."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import FeedbackGiven
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.store.query.audit_check import verify_audit

START_NS = 1_700_000_000_000_000_000
OLD = Path(__file__).parent.parent / "data" / "pumpwatch-v1.db"


def said(verdict: FeedbackVerdict, *, note: str = "", start_ns: int = START_NS) -> EpisodeFeedback:
    return EpisodeFeedback("P-101", start_ns, start_ns + 60 * 10**9, verdict, note, "asha")


def test_the_newest_word_on_an_episode_counts_and_every_word_is_audited(open_store: Any) -> None:
    store = open_store()
    for i, one in enumerate(
        (
            said(FeedbackVerdict.FALSE),
            said(FeedbackVerdict.TRUE, note="bearing replaced"),
            said(FeedbackVerdict.UNKNOWN, start_ns=START_NS + 10**12),
        )
    ):
        store.store.offer_event(FeedbackGiven(START_NS + i * 10**9, one))
    store.end()
    found = store.history.feedback("P-101")
    assert [(f.verdict.value, f.note, f.by) for f in found] == [
        ("true", "bearing replaced", "asha"),
        ("unknown", "", "asha"),
    ]
    assert found[0].given_ns == START_NS + 10**9
    assert store.history.feedback("P-102") == []
    assert store.rows("SELECT count(*), min(ok) FROM audit_log WHERE action = 'feedback'") == [(3, 1)]
    assert verify_audit(store.path).broken_id is None
    assert store.history.journal(JournalQuery(text="bearing replaced"))[0].pump_id == "P-101"


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="end_ns"):
        EpisodeFeedback("P-101", 2, 1, FeedbackVerdict.TRUE)


def test_a_database_of_version_1_keeps_its_rows_and_takes_feedback(open_store: Any, tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    shutil.copy(OLD, path)
    store = open_store(path=path)
    store.store.offer_event(FeedbackGiven(START_NS, said(FeedbackVerdict.TRUE)))
    store.end()
    assert store.rows("SELECT count(*) FROM sensor_readings") == [(60,)]
    assert len(store.history.feedback("P-101")) == 1
    assert store.history.journal(JournalQuery(text="first note"))


def test_a_span_of_history_comes_back_as_a_recording_without_what_was_not_good(
    open_store: Any, frame_of: Any, profile_of: Any
) -> None:
    store = open_store()
    for second in range(100):
        values: list[float | None] = [float(second)] * 10
        values[3] = None if second == 40 else 5.0
        frame = frame_of(values, at_s=second, uncertain=(1,) if second == 50 else ())
        store.store.offer_frame(frame, "NORMAL")
    store.end()
    profile = profile_of(*STANDARD_TAGS, "never_seen")
    recording = store.history.recording("P-101", profile, start_ns=START_NS, end_ns=START_NS + 90 * 10**9)
    assert recording.values.shape == (90, 11)
    assert recording.time_s[1] - recording.time_s[0] == pytest.approx(1.0)
    gone = np.argwhere(np.isnan(recording.values[:, :10])).tolist()
    assert gone == [[40, 3], [50, 1]]
    assert np.isnan(recording.values[:, 10]).all()
    with pytest.raises(InputError, match="no reading of P-101"):
        store.history.recording("P-101", profile, start_ns=0, end_ns=1000)
