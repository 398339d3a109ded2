"""How a pump was judged over a span, read from its history: for people who decide whether its model can be trusted."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.commissioning.journal import journal_span
from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.alarms.occurrences import AlarmMove
from pumpwatch_gui.domain.feedback import EpisodeFeedback
from pumpwatch_gui.domain.journal import alarm_of
from pumpwatch_gui.domain.judgement import (
    JudgedEpisode,
    Judgement,
    Known,
    episodes_of,
    marks_of,
    step_of,
)
from pumpwatch_gui.domain.likelihood import FEEDBACK_COUNTS_NS
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.site import PumpSettings

Floats = NDArray[np.float64]

POINTS, WHOLE = 2_000, 40_000
"""Of a span, and of an episode: every score of an hour at 10 Hz."""
BEFORE_NS = 7 * 86_400 * 10**9
"""How far before its start the journal of a span is read: for alarms that were on by then."""
LEAD_NS, LONGEST_NS = 60 * 10**9, 3600 * 10**9
"""Of an episode these scores are read: from a minute before it, for the level to settle, and no more than an hour."""
MOST_READ = 40
"""Of so many episodes, the newest, the scores are read; of older ones step and peak are not known."""


def read_judgement(
    history: Historian,
    pump: PumpSettings,
    open_alarms: Sequence[Alarm],
    *,
    start_ns: int,
    end_ns: int,
    known: Known | None = None,
) -> Judgement:
    """How a pump was judged from `start_ns` up to `end_ns` (Unix UTC); `open_alarms` are its alarms of now. Blocks.

    `known` is what was read before of episodes that have ended. Raises StoreError when the history cannot be read,
    InputError when the journal has too many lines.
    """
    pump_id, kinds = pump.pump_id, ("alarm", "command")
    time_s, score = _scores(history, pump, start_ns, end_ns, POINTS)
    span = journal_span(history, start_ns=start_ns - BEFORE_NS, end_ns=end_ns, kinds=kinds, pump_id=pump_id)
    rows = list(span)[::-1]
    found = [(row, alarm_of(row)) for row in rows if row.kind == "alarm"]
    moves = [AlarmMove(row.time_ns, alarm, row.by) for row, alarm in found if alarm is not None]
    feedback = history.feedback(pump_id, start_ns=start_ns - BEFORE_NS - FEEDBACK_COUNTS_NS, end_ns=end_ns)
    before = (alarm for alarm in open_alarms if alarm.raised_ns < end_ns)
    every = episodes_of(moves, before, feedback, end_ns=end_ns)
    episodes = [episode for episode in every if episode.end_ns >= start_ns]
    read = [_with_scores(history, pump, e, feedback, known or {}) for e in episodes[-MOST_READ:]]
    marks = tuple(mark for mark in marks_of(rows, moves) if mark.time_ns >= start_ns)
    return Judgement(pump_id, start_ns, end_ns, time_s, score, (*episodes[:-MOST_READ], *read), marks)


def _scores(history: Historian, pump: PumpSettings, start_ns: int, end_ns: int, points: int) -> tuple[Floats, Floats]:
    series = history.read(pump.pump_id, pump.profile.tags[:1], start_ns=start_ns, end_ns=end_ns, points=points)
    return series.time_s, series.score


def _with_scores(
    history: Historian, pump: PumpSettings, episode: JudgedEpisode, feedback: list[EpisodeFeedback], known: Known
) -> JudgedEpisode:
    found = known.get(episode.start_ns) if not episode.is_open else None
    if found is None:
        start_ns, end_ns = episode.start_ns - LEAD_NS, min(episode.end_ns, episode.start_ns + LONGEST_NS) + 10**9
        time_s, score = _scores(history, pump, start_ns, end_ns, WHOLE)
        found = step_of(time_s, score, feedback, start_ns=episode.start_ns)
    return replace(episode, peak=found[0], step=found[1])
