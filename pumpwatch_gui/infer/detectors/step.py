"""The next row of pumps: all that are due take one step, whatever their models."""

from collections.abc import Callable, Sequence
from math import inf, nan
from typing import TYPE_CHECKING

import numpy as np

from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import GOOD_CODE
from pumpwatch_gui.infer.detectors.chart import power_mean
from pumpwatch_gui.infer.detectors.conditioner import Conditioner
from pumpwatch_gui.infer.detectors.detector import Floats
from pumpwatch_gui.infer.detectors.flat_line import flat_runs
from pumpwatch_gui.infer.detectors.joint import Models, models_of
from pumpwatch_gui.infer.detectors.memory import Marks, Memory

if TYPE_CHECKING:
    from pumpwatch_gui.infer.detectors.conditioned import ConditionedStream

REACH = 16.0
"""Residuals beyond this many spreads are the same to the network."""
INPUT_UNIT = 4.0
SPEED_CHANGE = 0.1
LET_GO_S = 30.0
STILL_OFF = 0.5
"""A sensor this many spreads from its baseline when an alarm is released settles again."""


def feed_together(
    streams: "Sequence[ConditionedStream]", frames: Sequence[Frame], run_states: Sequence[RunState]
) -> None:
    """Take in the next frame of each stream; each goes on as if it were alone, bit for bit."""
    # An UNCERTAIN value is an old one: taken as none, it is bridged for seconds and then left out.
    good = np.stack([frame.quality for frame in frames]) == GOOD_CODE
    values = np.stack([frame.values for frame in frames])
    feed_rows(streams, [frame.mono_ns for frame in frames], values, good, run_states)


def feed_rows(
    streams: "Sequence[ConditionedStream]",
    mono_ns: Sequence[int],
    values: Floats,
    good: Marks,
    run_states: Sequence[RunState],
) -> None:
    """As `feed_together`, of values (b, n) of which those that are not `good` (b, n) are not used."""
    models = models_of(streams)
    used = models.used & good
    if np.count_nonzero(used) < used.size:
        values = np.where(used, values, nan)
    memory = _joined(streams)
    has_value = np.logical_or.reduce(np.isfinite(values), axis=1).tolist()
    turns = _turns(models, Conditioner(memory, models.conditionings), values)
    due = [
        i
        for i, (stream, at_ns, run_state) in enumerate(zip(streams, mono_ns, run_states, strict=True))
        if stream.admits(at_ns, run_state, has_value=has_value[i], turns=turns[i])
    ]
    if not due:
        return
    if len(due) < len(streams):
        streams, mono_ns = [streams[i] for i in due], [mono_ns[i] for i in due]
        models, memory, values = models_of(streams), memory.rows(due), values[due]
    _Step(streams, mono_ns, models, memory).take(values)


def as_window_rows(residuals: Floats) -> Floats:
    """Residuals (…, n) in spreads as a network takes them."""
    rows: Floats = np.minimum(np.maximum(residuals, -REACH), REACH) / INPUT_UNIT
    return rows


def _joined(streams: "Sequence[ConditionedStream]") -> Memory:
    """A copy of their memories as one. Those that are fed together have them in one place from then on."""
    if len(streams) > 1 and not Memory.are_shared([stream.memory for stream in streams]):
        whole = Memory.joined([stream.memory for stream in streams])
        for stream, own in zip(streams, whole.shared(), strict=True):
            stream.memory = own
    return Memory.joined([stream.memory for stream in streams])


def _turns(models: Models, conditioner: Conditioner, values: Floats) -> list[bool | None]:
    """Whether the speed of each pump is off its level, None where that is not known."""
    if (models.speed < 0).all():
        return [None] * len(values)
    rows = np.arange(len(values))
    level, speed = conditioner.memory.level[rows, models.speed], values[rows, models.speed]
    off = np.abs(speed - level) > SPEED_CHANGE * np.abs(level)
    known = conditioner.ready() & (models.speed >= 0)
    return [is_off if is_known else None for is_off, is_known in zip(off.tolist(), known.tolist(), strict=True)]


class _Step:
    """One row of each of b pumps that run, at the times `mono_ns`; their memories as one."""

    def __init__(
        self, streams: "Sequence[ConditionedStream]", mono_ns: Sequence[int], models: Models, memory: Memory
    ) -> None:
        self._streams, self._mono_ns, self._models, self._m = streams, mono_ns, models, memory
        self._conditioner = Conditioner(memory, models.conditionings)
        self._kept_changed = np.zeros(len(streams), dtype=np.bool_)

    def take(self, values: Floats) -> None:
        """Move the memories on by a row of values (b, n), and the streams with them."""
        m, streams = self._m, self._streams
        started = np.array([[stream.is_stopped] for stream in streams])
        if np.count_nonzero(started):
            self._conditioner.reset(started, started=True)
            np.copyto(m.flat_value, nan, where=started)
            np.copyto(m.flat_s, 0.0, where=started)
        intervals_s = [stream.interval_s(at_ns) for stream, at_ns in zip(streams, self._mono_ns, strict=True)]
        gaps_s = [stream.detector.conditioning.gap_s for stream in streams]
        steps_s = [own if own < gap_s else 0.0 for own, gap_s in zip(intervals_s, gaps_s, strict=True)]
        wider = self._move_points(values)
        smoothed_s = [stream.smoothed_s(own_s) for stream, own_s in zip(streams, intervals_s, strict=True)]
        self._conditioner.step(intervals_s, values - m.offset, smoothed_s)
        if self._conditioner.came_back is not None:
            self._note_return(self._conditioner.came_back)
        m.flat_s[:], m.flat_value[:] = flat_runs(m.flat_s, m.flat_value, np.array(steps_s)[:, np.newaxis], values)
        # A product for each pump: of all in one, the last bit would depend on how many there are.
        charted = np.abs(np.matmul(m.residuals[:, np.newaxis], self._models.whitening)[:, 0])
        m.deviations[:] = np.where(m.scored, charted / wider, 0.0)
        self._end_alarms(steps_s)
        window_rows = as_window_rows(m.residuals)
        ready, kept_changed = self._conditioner.ready().tolist(), self._kept_changed.tolist()
        m.write_back([stream.memory for stream in streams])
        for i, (stream, at_ns) in enumerate(zip(streams, self._mono_ns, strict=True)):
            row = window_rows[i] if ready[i] else None
            stream.take(at_ns, window_row=row, is_gap=intervals_s[i] > gaps_s[i])
            if kept_changed[i]:
                stream.note_kept()

    def _note_return(self, back: Marks) -> None:
        self._kept_changed |= np.logical_or.reduce(back, axis=1)
        for i in np.flatnonzero(self._kept_changed).tolist():
            self._streams[i].note(f"On the level from before again: {self._labels(i, back)}")

    def _labels(self, i: int, which: Marks) -> str:
        sensors = self._streams[i].detector.profile.sensors
        return ", ".join(sensors[j].label.lower() for j in np.flatnonzero(which[i]).tolist())

    def _move_points(self, values: Floats) -> Floats:
        """Take in what the operating points make of each sensor; how many times the limits (b, n) are wider there."""
        points = self._models.points
        if points is None:
            return np.ones_like(values)
        at = self._m.point[:, : points.drivers]
        self._m.offset[:], wider, at[:] = points.step(values, at)
        return wider

    def _end_alarms(self, steps_s: Sequence[float]) -> None:
        """Where what raised the alarm is over, have the sensors that are still off settle on the level that is now.

        While it is on, the level from before it is kept.
        """
        m, models = self._m, self._models
        judged = np.logical_or.reduce(m.scored, axis=1) & (models.limit < inf)
        if not np.count_nonzero(judged):
            return
        scores = (power_mean(m.deviations) / models.level).tolist()
        over, in_alarm = np.zeros((2, len(scores), 1), dtype=np.bool_)
        deviation_of, towards_limits = self._deviations(), m.residuals * self._models.own
        for i in np.flatnonzero(judged).tolist():
            release = self._streams[i].release
            over[i] = release.step(self._mono_ns[i], steps_s[i], scores[i], deviation_of(i), towards_limits[i])
            in_alarm[i] = release.in_alarm
        self._keep(judged[:, np.newaxis], in_alarm, np.array(steps_s)[:, np.newaxis])
        if np.count_nonzero(over):
            self._settle_again(over)

    def _deviations(self) -> Callable[[int], Callable[[], Floats]]:
        """Gives what gives the deviation of a row: few ask, and those that do at the same time."""
        found: list[Floats] = []

        def deviation(i: int) -> Floats:
            if not found:
                found.append(self._conditioner.deviation() * self._models.own)
            own: Floats = found[0][i].copy()
            return own

        return lambda i: lambda: deviation(i)

    def _keep(self, judged: Marks, in_alarm: Marks, steps_s: Floats) -> None:
        """Keep the levels from before the alarms that are on; let them go once all of them are judged and it is off."""
        m = self._m
        if np.count_nonzero(in_alarm):
            # Without what others make it look like; not `wider`: the point will come back.
            own = np.abs(m.residuals * self._models.own)
            new = self._conditioner.keep(in_alarm & (own > self._models.involved[:, np.newaxis]))
            self._kept_changed |= np.logical_or.reduce(new, axis=1)
            np.copyto(m.quiet_s, 0.0, where=in_alarm)
        calm = judged & ~in_alarm
        kept = np.isfinite(m.kept)
        if not np.count_nonzero(kept):
            m.quiet_s += np.where(calm, steps_s, 0.0)
            return
        calm &= ~np.logical_or.reduce(kept & ~m.scored & ~m.missing, axis=1, keepdims=True)
        m.quiet_s += np.where(calm, steps_s, 0.0)
        self._let_go(calm & (m.quiet_s[:, :1] >= LET_GO_S))

    def _let_go(self, which: Marks) -> None:
        self._kept_changed |= np.logical_or.reduce(self._conditioner.let_go(which), axis=1)

    def _settle_again(self, over: Marks) -> None:
        m = self._m
        self._let_go(over)
        off = over & m.scored & (np.abs(m.residuals) > STILL_OFF)
        self._conditioner.resettle(off, over)
        for i in np.flatnonzero(over).tolist():
            labels = self._labels(i, off)
            again = f"; these settle on their present level: {labels}" if labels else ""
            self._streams[i].note(f"What raised the anomaly alarm is over{again}")
        np.copyto(m.residuals, 0.0, where=off)
        np.copyto(m.deviations, 0.0, where=off)
