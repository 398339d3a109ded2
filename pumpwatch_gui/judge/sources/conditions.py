"""Several conditions of one pump over time: delays, gaps, and what a stopped pump masks. For limits and rules alike."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import Stimulus
from pumpwatch_gui.domain.alarms.delays import OnOffDelay
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.pace import Pace

START_UP_NS = 30 * 10**9
"""What a stopped pump masks stays masked so long after a start: pressure and flow take time to build up (practice)."""

Bools = NDArray[np.bool_]


class Found(NamedTuple):
    """What happened to one condition, by its place."""

    at: int
    stimulus: Stimulus


class RunMask:
    """Whether a pump is stopped, may be stopped, or starts up. A link that comes back is no start."""

    def __init__(self) -> None:
        self._was_stopped = False
        self._started_ns: int | None = None

    def step(self, mono_ns: int, state: RunState) -> bool:
        """Whether it is so at the next frame."""
        if state is RunState.STANDBY:
            self._was_stopped = True
        elif state is RunState.RUNNING and self._was_stopped:
            self._was_stopped, self._started_ns = False, mono_ns
        is_starting = self._started_ns is not None and mono_ns - self._started_ns < START_UP_NS
        return is_starting or state is not RunState.RUNNING


class Conditions:
    """Turns what holds at each frame into alarms that come, return, and are suppressed by design.

    What cannot be judged (a BAD value, a masked condition) leaves its alarm as it is, active or not; a condition that
    is masked while it is active is suppressed by design until it was judged again after the start-up. A delay restarts
    when its condition was not judged for longer than 3 usual intervals of the frames, at least 1 s (`Pace`): what held
    before a gap and holds after it need not have held in between.
    """

    def __init__(self) -> None:
        self._pace, self._mask = Pace(), RunMask()
        self.is_masked = False
        """Whether a stopped or starting pump masked what it masks, at the last frame."""
        self.use((), np.zeros(0, dtype=np.bool_))

    def use(
        self, delays: Sequence[OnOffDelay], maskable: Bools, active: Collection[int] = (), *, mask_may_go: bool = False
    ) -> None:
        """Judge other conditions from now on, of which those at these places are active; the delays count again.

        `mask_may_go`: one that is not maskable may have been before, and be suppressed by design since.
        """
        self._delays, self._mask_may_go = tuple(delays), mask_may_go
        self._maskable, self._never_masked = maskable, ~maskable
        self._judged_ns = np.zeros(len(self._delays), dtype=np.int64)  # true only while a delay runs
        self.adopt(active)

    def adopt(self, active: Collection[int]) -> None:
        """Take over what is already active (after a restart)."""
        for i, delay in enumerate(self._delays):
            delay.active = i in active
        # They may be suppressed since the run or the rule before; each is released once it was judged.
        may_be = self._mask_may_go | self._maskable
        self._suppressed = {i for i, delay in enumerate(self._delays) if delay.active and may_be[i]}
        self._was_masked: bool | None = None
        self.is_quiet = self._all_quiet()

    def step(self, mono_ns: int, state: RunState, over: Bools, clear: Bools, known: Bools) -> list[Found]:
        """What a frame changed, given which conditions (c,) hold at it, are clear of it, and are known at all."""
        self.is_masked = is_masked = self._mask.step(mono_ns, state)
        if is_masked:
            over = over & self._never_masked
        found = self._suppress(state, is_masked)
        if self.is_quiet and not over.any():
            self._pace.step(mono_ns)
            return found
        judged = known & self._never_masked if is_masked else known
        after_gap = mono_ns - self._judged_ns > self._pace.gap_s * 1e9
        self._pace.step(mono_ns)  # after the gap was found: an interval must not make its own pace
        self._judged_ns[judged] = mono_ns
        for i in np.flatnonzero(judged).tolist():
            delay = self._delays[i]
            if after_gap[i]:
                delay.restart()
            stimulus = delay.update(mono_ns, over=bool(over[i]), clear=bool(clear[i]))
            if stimulus is not None:
                found.append(Found(i, stimulus))
            if i in self._suppressed and (over[i] or not delay.active):
                self._suppressed.discard(i)
                found.append(Found(i, Stimulus.RELEASED))
        self.is_quiet = self._all_quiet()
        return found

    def _suppress(self, state: RunState, is_masked: bool) -> list[Found]:
        """Suppress what is masked and active when the pump stops. Each is released once it was judged again."""
        if state is RunState.NO_DATA or is_masked is self._was_masked:
            return []
        self._was_masked = is_masked
        if not is_masked:
            return []
        found = [i for i, delay in enumerate(self._delays) if delay.active and self._maskable[i]]
        self._suppressed.update(found)
        return [Found(i, Stimulus.SUPPRESSED) for i in found]

    def _all_quiet(self) -> bool:
        """Whether nothing is active and no delay runs, so that a frame at which nothing holds changes nothing."""
        return not any(delay.active or delay.is_running for delay in self._delays)
