"""How a pump was judged, read from a real history."""

from dataclasses import replace
from pathlib import Path

import pytest

from pumpwatch_gui.commissioning.models import judged
from pumpwatch_gui.commissioning.models.judged import read_judgement
from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import AlarmChanged, FeedbackGiven, OrderDone
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.judgement import ModelChange
from pumpwatch_gui.domain.likelihood import Likelihood
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.settings.simulated import site_text
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query.history import History
from tests.store.conftest import START_NS, frame_of
from tests.store.rigs.plant import PROFILE, TAGS, detection, run_once, values_at

S = 10**9
HOUR = 3600


@pytest.fixture
def pump(tmp_path: Path) -> PumpSettings:
    path = tmp_path / "site.toml"
    path.write_text(site_text(1, 1, period_s=1.0), "utf-8")
    return replace(load_site(path).site.pumps[0], profile=PROFILE)


@pytest.fixture
def history(tmp_path: Path, pump: PumpSettings) -> History:
    """Two hours of scores of 0.4; a fault of five minutes in the second, called true; a model promoted before it."""
    store = Store(tmp_path / "pumpwatch.db", station=1, pumps=[PumpRow(pump.pump_id, pump.name, PROFILE)])
    for second in range(0, 2 * HOUR, 2):
        score = 2.5 if 5000 <= second < 5300 else 0.4
        store.offer_frame(frame_of(values_at(1), at_s=second, pump_id=pump.pump_id), "NORMAL")
        store.offer_detection(detection(pump.pump_id, second, score, second))
    start_ns, end_ns = START_NS + 5005 * S, START_NS + 5310 * S
    raised = Alarm(f"{pump.pump_id}/anomaly", pump.pump_id, TAGS[3], Priority.LOW, "Anomaly: vibration up",
                   AlarmState.UNACKNOWLEDGED, 1.5, 1.0, "", start_ns, start_ns)  # fmt: skip
    said = EpisodeFeedback(pump.pump_id, start_ns, end_ns, FeedbackVerdict.TRUE, "bearing", "asha")
    for event in (
        OrderDone(START_NS + HOUR * S, "1", "promote", True, "Model 2 promoted", "asha", pump.pump_id),
        OrderDone(START_NS + HOUR * S, "2", "promote", True, "Model 3 promoted", "asha", "P-999"),
        AlarmChanged(start_ns, raised),
        AlarmChanged(end_ns, replace(raised, state=AlarmState.NORMAL, changed_ns=end_ns)),
        FeedbackGiven(end_ns + S, said),
    ):
        store.offer_event(event)
    run_once(store)
    return History(tmp_path / "pumpwatch.db")


def test_scores_alarms_feedback_and_changes_come_from_the_disk(history: History, pump: PumpSettings) -> None:
    found = read_judgement(history, pump, (), start_ns=START_NS, end_ns=START_NS + 2 * HOUR * S)
    assert found.scored_s == pytest.approx(2 * HOUR, rel=0.01)
    assert max(found.score) == pytest.approx(2.5, abs=0.01)
    (episode,) = found.episodes
    assert episode.peak == pytest.approx(2.5, abs=0.01)
    assert episode.step is Likelihood.VERY_LIKELY
    assert episode.verdict is FeedbackVerdict.TRUE
    assert [(mark.change, mark.text, mark.by) for mark in found.marks] == [
        (ModelChange.MODEL, "Model 2 promoted", "asha")
    ]


def test_an_alarm_of_before_the_span_is_shown_and_not_counted(history: History, pump: PumpSettings) -> None:
    found = read_judgement(history, pump, (), start_ns=START_NS + 5100 * S, end_ns=START_NS + 2 * HOUR * S)
    assert len(found.episodes) == 1
    assert not found.raised


def test_the_scores_of_an_episode_that_is_known_are_not_read_again(
    history: History, pump: PumpSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read_judgement(history, pump, (), start_ns=START_NS, end_ns=START_NS + 2 * HOUR * S)
    (episode,) = found.episodes
    monkeypatch.setattr(judged, "step_of", None)
    known = {episode.start_ns: (episode.peak, episode.step)}
    again = read_judgement(history, pump, (), start_ns=START_NS, end_ns=START_NS + 2 * HOUR * S, known=known)
    assert again.episodes == found.episodes
