"""What the conditioned detectors know of a pump while it runs."""

from dataclasses import dataclass
from math import inf, nan
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.pace import Pace
from pumpwatch_gui.infer.detectors.conditioner import Conditioner
from pumpwatch_gui.infer.detectors.detector import Floats, Moment, Stream, Windows, WindowScore
from pumpwatch_gui.infer.detectors.joint import score_together
from pumpwatch_gui.infer.detectors.memory import Memory
from pumpwatch_gui.infer.detectors.release import Release
from pumpwatch_gui.infer.detectors.step import feed_together
from pumpwatch_gui.infer.live.window import Window

if TYPE_CHECKING:
    from pumpwatch_gui.infer.detectors.combined import CombinedDetector

SPEED_CHANGE_S = 60.0
SAME_PACE, MOST_SLOWER = 1.25, 2.0
"""A faster link is judged as well: time alone drives the conditioner. A slower one has not the rows for it."""
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

    def outlook(self, part: float = 0.0) -> tuple[object, ...] | None:
        """Two streams of one model with the same one go on alike, bit for bit; None while an alarm is not over.

        With a `part` of a spread they go on alike but for that.
        """
        release = self.release.outlook
        if release is None:
            return None
        whole = (
            self.is_stopped,
            self._why,
            self._pace.outlook,
            release,
            self._ran_ns,
            self._turning_ns,
            self.memory.point.tobytes(),
        )
        if self.is_stopped:
            return *whole, self._kept.tobytes()
        watched = np.isfinite(self.detector.limits.flat_s)
        conditioned = self._conditioner.outlook(self.detector.used, watched, part)
        window = self._window.filled if part else self._window.outlook
        return *whole, self._last_ns, self._row_ns, window, conditioned

    @property
    def is_forgotten_by_a_pause(self) -> bool:
        """Whether nothing of it matters any more after a pause in which everything is forgotten."""
        is_calm = self.release.outlook is not None and not np.count_nonzero(np.isfinite(self._kept))
        return is_calm and not self.is_stopped

    @property
    def rows_in_window(self) -> int:
        """How many rows its window holds, 0 while the pump cannot be scored whatever the window."""
        return self._window.filled if self._is_ready and not self._why else 0

    @property
    def is_row_in_window(self) -> bool:
        """Whether the newest row came into the window."""
        return self._row_ns is not None and self._row_ns == self._last_ns

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

    def smoothed_s(self, interval_s: float) -> float:
        """For how long a row counts in the smoothing: on a slower link there is as much noise in each, not less."""
        made_s = self.detector.period_s
        return interval_s * made_s / self._pace.period_s if self._pace.is_above(SAME_PACE * made_s) else interval_s

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
