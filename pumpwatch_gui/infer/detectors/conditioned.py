"""What the conditioned detectors know of pumps while they run: all due pumps take one step, whatever their models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.pace import Pace
from pumpwatch_gui.domain.values.quality import GOOD_CODE
from pumpwatch_gui.infer.detectors.chart import power_mean
from pumpwatch_gui.infer.detectors.conditioner import Conditioner
from pumpwatch_gui.infer.detectors.detector import Floats, Moment, Stream, Windows, WindowScore
from pumpwatch_gui.infer.detectors.flat_line import flat_runs
from pumpwatch_gui.infer.detectors.joint import Models, models_of, score_together
from pumpwatch_gui.infer.detectors.memory import Marks, Memory
from pumpwatch_gui.infer.detectors.relation import AtPoint
from pumpwatch_gui.infer.detectors.release import Release
from pumpwatch_gui.infer.live.window import Window

if TYPE_CHECKING:
    from pumpwatch_gui.infer.detectors.combined import CombinedDetector

REACH = 16.0
"""Residuals beyond this many spreads are the same to the network."""
INPUT_UNIT = 4.0
SPEED_CHANGE = 0.1
SPEED_CHANGE_S = 60.0
LET_GO_S = 30.0
MOST_SLOWER = 2.0
"""A faster link is judged as well: time alone drives the conditioner. A slower one has not the rows for it."""
STILL_OFF = 0.5
"""A sensor this many spreads from its baseline when an alarm is released settles again."""
_ROW_AFTER = 0.9  # of the commissioning period: a faster link does not shorten the window


@dataclass(frozen=True, slots=True, eq=False)
class ConditionedMoment(Moment):
    """One row of a `ConditionedStream`: all that its score is made of."""

    memory: Memory
    detector: "CombinedDetector"

    @override
    def score(self, errors: Floats) -> WindowScore:
        return score_together([self], errors[np.newaxis])[0]


class ConditionedStream(Stream):
    """Conditioner, flat-line watch and window of one pump."""

    def __init__(self, detector: "CombinedDetector") -> None:
        self.detector = detector
        self.memory = Conditioner.fresh(detector.conditioning).memory
        self.memory.flat_value.fill(nan)
        self._kept: Floats = self.memory.kept[0].copy()
        self.at = AtPoint(detector.relation, detector.alarm_distances)
        self._window = Window(detector.window, len(detector.profile.sensors))
        self.release = self._new_release()
        self._why = "no frame yet"
        self._notes: tuple[str, ...] = ()
        self._last_ns: int | None = None
        self._pace = Pace()
        self._row_ns: int | None = None
        self._ran_ns: int | None = None
        self._turning_ns: int | None = None
        self.is_stopped = False
        self._is_ready = False

    @property
    def _conditioner(self) -> Conditioner:
        return Conditioner(self.memory, (self.detector.conditioning,))

    def _new_release(self) -> Release:
        return Release(len(self.detector.profile.sensors), stretch=self.detector.conditioning.stretch)

    @override
    def feed(self, frame: Frame, run_state: RunState) -> None:
        feed_together([self], [frame], [run_state])

    @override
    def moment(self) -> ConditionedMoment:
        return ConditionedMoment(self.memory.rows([0]), self.detector)

    @override
    def take_notes(self) -> tuple[str, ...]:
        notes, self._notes = self._notes, ()
        return notes

    def note(self, text: str) -> None:
        """Add a line for the journal."""
        self._notes += (text,)

    @override
    def rebaseline(self) -> None:
        self._let_go()
        self._conditioner.reset()
        self.memory.flat_value.fill(nan)
        self.memory.flat_s.fill(0.0)
        self._is_ready = False
        self._window.restart()
        self.release = self._new_release()

    def _let_go(self) -> None:
        self._conditioner.let_go()
        self._kept = self.memory.kept[0].copy()

    @property
    @override
    def kept(self) -> Floats:
        return self._kept

    @override
    def resume(self, kept: Floats) -> None:
        self.memory.kept[0] = kept
        self._kept = kept.copy()

    @override
    def take_level(self) -> tuple[NDArray[np.bool_], Floats, Floats]:
        before = self.memory.base[0] + self.memory.offset[0]
        off = self._conditioner.take_level()[0]
        self._kept = self.memory.kept[0].copy()
        self.release = self._new_release()
        return off, before, self.memory.base[0] + self.memory.offset[0]

    def outlook(self) -> tuple[object, ...] | None:
        """Two streams of one model with the same one go on alike, bit for bit; None while an alarm is not over."""
        release = self.release.outlook
        if release is None:
            return None
        whole = self.is_stopped, self._why, self._pace.outlook, release, self._ran_ns, self._turning_ns, self.at.outlook
        if self.is_stopped:
            return *whole, self._kept.tobytes()
        conditioned = self._conditioner.outlook(self.detector.used)
        return *whole, self._last_ns, self._row_ns, self._window.outlook, conditioned

    def admits(self, mono_ns: int, run_state: RunState, *, has_value: bool, turns: bool | None) -> bool:
        """Whether the next row is one of running. `turns`: whether the speed is off its level, None: not known.

        Asked again with the same row it says the same.
        """
        self._pace.step(mono_ns)
        self._why = self._obstacle(mono_ns, run_state, has_value=has_value, turns=turns)
        return not self._why

    def _obstacle(self, mono_ns: int, run_state: RunState, *, has_value: bool, turns: bool | None) -> str:
        if run_state is RunState.STANDBY:
            self.is_stopped = True
            self._window.restart()
            return "pump stopped"
        if not has_value:
            return "no data"
        if self._pace.is_above(MOST_SLOWER * self.detector.period_s):
            self._window.restart()
            made, now = f"{self.detector.period_s:.3g}", f"{self._pace.period_s:.3g}"
            return f"the model is made for values every {made} s, they come every {now} s: learn or train it again"
        if run_state is RunState.RUNNING:
            self._ran_ns = mono_ns
        elif self._ran_ns is None or mono_ns - self._ran_ns > self.detector.conditioning.hold_s * 1e9:
            return "unknown whether the pump runs"
        if turns is None or self.is_stopped:
            return ""
        return self._turning(mono_ns, turns)

    def _turning(self, mono_ns: int, turns: bool) -> str:
        """Whether the speed is on its way to another: a start, a stop or a change of set-point, not a fault."""
        if not turns:
            self._turning_ns = None
            return ""
        self._turning_ns = mono_ns if self._turning_ns is None else self._turning_ns
        if mono_ns - self._turning_ns > SPEED_CHANGE_S * 1e9:
            self._turning_ns, self.is_stopped = None, True
            if np.count_nonzero(np.isfinite(self.kept)):
                self.note("The speed was moved: the level from before the anomaly alarm is given up")
                self._let_go()
                self.release = self._new_release()
        return "the speed is changing"

    def interval_s(self, mono_ns: int) -> float:
        """Seconds from the row before to the next, infinite for the first of a run."""
        if self.is_stopped or self._last_ns is None:
            return inf
        return max((mono_ns - self._last_ns) / 1e9, 1e-3)

    def take(self, mono_ns: int, *, window_row: Floats | None, is_gap: bool) -> None:
        """Go on after a step of the memory; `window_row` (n,), None while settling, is added where one is due."""
        self.is_stopped, self._last_ns = False, mono_ns
        self._is_ready = window_row is not None
        if is_gap:
            self._window.restart()
        if window_row is not None and self._is_row_due(mono_ns):
            self._window.add(window_row)
            self._row_ns = mono_ns

    def note_kept(self) -> None:
        """Say by another array that what is kept has changed."""
        self._kept = self.memory.kept[0].copy()

    def _is_row_due(self, mono_ns: int) -> bool:
        due_ns = _ROW_AFTER * self.detector.period_s * 1e9
        return self._row_ns is None or not self._window.filled or mono_ns - self._row_ns >= due_ns

    @override
    def window(self) -> Windows | str:
        if self._why:
            return self._why
        if not self._is_ready:
            waited, least = float(self.memory.waited_s[0, 0]), float(self.memory.least_s[0, 0])
            if waited < least:
                return f"settling, {waited:.0f} of {least:.0f} s"
            return "settling" if not self.memory.missing.all() else "every sensor is missing"
        return self._window.whole()

    @property
    @override
    def window_number(self) -> int:
        return self._window.number

    @override
    def score(self, errors: Floats) -> WindowScore:
        return score_together([self], errors[np.newaxis])[0]


def feed_together(
    streams: Sequence[ConditionedStream], frames: Sequence[Frame], run_states: Sequence[RunState]
) -> None:
    """Take in the next frame of each stream; each goes on as if it were alone, bit for bit."""
    # An UNCERTAIN value is an old one: taken as none, it is bridged for seconds and then left out.
    good = np.stack([frame.quality for frame in frames]) == GOOD_CODE
    values = np.stack([frame.values for frame in frames])
    feed_rows(streams, [frame.mono_ns for frame in frames], values, good, run_states)


def feed_rows(
    streams: Sequence[ConditionedStream],
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


def _joined(streams: Sequence[ConditionedStream]) -> Memory:
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
        self, streams: Sequence[ConditionedStream], mono_ns: Sequence[int], models: Models, memory: Memory
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
        self._conditioner.step(intervals_s, values - m.offset)
        m.flat_s[:], m.flat_value[:] = flat_runs(m.flat_s, m.flat_value, np.array(steps_s)[:, np.newaxis], values)
        # A product for each pump: of all in one, the last bit would depend on how many there are.
        charted = np.abs(np.matmul(m.residuals[:, np.newaxis], self._models.whitening)[:, 0])
        m.deviations[:] = np.where(m.scored, charted / wider, 0.0)
        self._end_alarms(steps_s)
        window_rows = np.minimum(np.maximum(m.residuals, -REACH), REACH) / INPUT_UNIT
        ready, kept_changed = self._conditioner.ready().tolist(), self._kept_changed.tolist()
        m.write_back([stream.memory for stream in streams])
        for i, (stream, at_ns) in enumerate(zip(streams, self._mono_ns, strict=True)):
            row = window_rows[i] if ready[i] else None
            stream.take(at_ns, window_row=row, is_gap=intervals_s[i] > gaps_s[i])
            if kept_changed[i]:
                stream.note_kept()

    def _move_points(self, values: Floats) -> Floats:
        """Take in what the operating points make of each sensor; how many times the limits (b, n) are wider there."""
        if not self._models.is_related:
            return np.ones_like(values)
        for stream, row in zip(self._streams, values, strict=True):
            stream.at.step(row)
        self._m.offset[:] = [stream.at.offset for stream in self._streams]
        return np.stack([stream.at.wider for stream in self._streams])

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
        deviation_of = self._deviations()
        for i in np.flatnonzero(judged).tolist():
            release = self._streams[i].release
            over[i] = release.step(self._mono_ns[i], steps_s[i], scores[i], deviation_of(i), m.residuals[i])
            in_alarm[i] = release.in_alarm
        self._keep(judged[:, np.newaxis], in_alarm, np.array(steps_s)[:, np.newaxis])
        if np.count_nonzero(over):
            self._settle_again(over)

    def _deviations(self) -> Callable[[int], Callable[[], Floats]]:
        """Gives what gives the deviation of a row: few ask, and those that do at the same time."""
        found: list[Floats] = []

        def deviation(i: int) -> Floats:
            if not found:
                found.append(self._conditioner.deviation())
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
            sensors = self._streams[i].detector.profile.sensors
            labels = [sensors[j].label.lower() for j in np.flatnonzero(off[i]).tolist()]
            again = f"; these settle on their present level: {', '.join(labels)}" if labels else ""
            self._streams[i].note(f"What raised the anomaly alarm is over{again}")
        np.copyto(m.residuals, 0.0, where=off)
        np.copyto(m.deviations, 0.0, where=off)
