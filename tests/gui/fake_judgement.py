"""A made-up day of a pump with its model: scores, alarms, what people said of them, changes of the model."""

from dataclasses import replace

import numpy as np

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import AlarmChanged, FeedbackGiven, OrderDone
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from tests.gui.fake_history import FakeHistorian
from tests.gui.fake_scenes import SECOND, Moment


def put_judged_day(history: FakeHistorian, pump_id: str, tags: tuple[str, ...], now_ns: int) -> None:
    """A day of scores up to now (Unix UTC) with three alarms, two of them with feedback, and changes of the model."""
    rng, hour = np.random.default_rng(1), 3600
    peaks = {int(-20.3 * hour): 1.9, int(-14.2 * hour): 1.25, int(-6.5 * hour): 3.8}
    for ago_s in range(-26 * hour, 0, 30):
        if -10 * hour < ago_s < -9 * hour:
            continue  # stopped
        score = 0.42 + 0.08 * np.sin(ago_s / 5000) + 0.05 * abs(rng.normal())
        score += 1.9 * np.exp(-((ago_s / 150) ** 2))
        score += sum(p * np.exp(-(((ago_s - at_s - 300) / 400) ** 2)) for at_s, p in peaks.items())
        time_ns = now_ns + ago_s * SECOND
        moment = Moment(pump_id, 2, "", ago_s, 0, time_ns, 0)
        detection, frame = moment.detection(), moment.frame(rng)
        assert detection is not None
        assert frame is not None
        history.put_detection(replace(detection, score=float(score)))
        history.put_frame(frame, tags)
    said = dict(zip(peaks, (FeedbackVerdict.TRUE, FeedbackVerdict.FALSE), strict=False))
    text = "Anomaly: bearing temperature up 12 %, vibration up 2.1 ×"
    for at_s in peaks:
        start_ns, end_ns = now_ns + at_s * SECOND, now_ns + (at_s + 900) * SECOND
        raised = Alarm(f"{pump_id}/anomaly", pump_id, "bearing_temperature_c", Priority.LOW, text,
                       AlarmState.UNACKNOWLEDGED, 1.2, 1.0, "", start_ns, start_ns)  # fmt: skip
        history.put_event(AlarmChanged(start_ns, raised))
        history.put_event(AlarmChanged(end_ns, replace(raised, state=AlarmState.NORMAL, changed_ns=end_ns)))
        if at_s in said:
            feedback = EpisodeFeedback(pump_id, start_ns, end_ns, said[at_s], "bearing greased", "operator")
            history.put_event(FeedbackGiven(end_ns + 600 * SECOND, feedback))
    for hours, command, by, words in (
        (23.0, "promote", "operator", "Model 20260108-101500 promoted"),
        (12.0, "set threshold factor", "operator", "Threshold factor 1.1 → 1.25"),
        (3.0, "start shadow", "operator", "Model 20260110-081500 runs in shadow"),
    ):
        history.put_event(OrderDone(now_ns - int(hours * hour) * SECOND, "", command, True, words, by, pump_id))
