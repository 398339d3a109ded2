"""A history as a station at any instant: what the screen showed then, from what was stored."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import Alarm, by_rank
from pumpwatch_gui.domain.detection import Detection, DetectionRow, NotScored, ScoreResult
from pumpwatch_gui.domain.journal import alarm_of
from pumpwatch_gui.domain.maintenance.event import as_of
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.replay import JournalIndex
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.station import EngineStats, PumpView, RunState, StationView, stale_after_s
from pumpwatch_gui.domain.values.frame import Frame, bad_frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.domain.values.readings import NOT_RECORDED, SCORE_TAG
from pumpwatch_gui.domain.values.trace import Trace, TraceRing
from pumpwatch_gui.judge.health import Health

SECOND_NS: Final = 10**9
BLOCK_NS: Final = 1800 * SECOND_NS
"""So much of a pump is read at once: of an archived day all is decoded for it, however little is wanted."""
BEFORE_NS: Final = 120 * SECOND_NS
"""And so much of before it: what was newest at its beginning."""
BLOCKS_KEPT: Final = 4
"""Of each pump."""
WINDOW_NS: Final = 90 * SECOND_NS
"""A whole detection is kept once a minute, a score with every reading."""
SCORE_NS: Final = 10 * SECOND_NS
"""An older score is not of this instant."""
HEALTH_NS: Final = 80 * SECOND_NS
"""Four time constants of the health index."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What is stored of a pump over some minutes.

    `time_ns` (m,) int64 Unix UTC; `values` and `quality` (m, n) of sensors and counters; `score` (m,) NaN where there
    was none. `stale_after_s` follows from how far apart the readings are.
    """

    time_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    quality: NDArray[np.uint8]
    score: NDArray[np.float64]
    detections: tuple[DetectionRow, ...]
    stale_after_s: float

    def count(self, time_ns: int) -> int:
        """How many readings there are up to an instant."""
        return int(np.searchsorted(self.time_ns, time_ns, side="right"))


class RecordedPumpFrames:
    """Makes frames of what is stored of one pump, in the order of its profile, derived quantities included."""

    def __init__(self, settings: PumpSettings) -> None:
        self.settings, self.profile = settings, settings.profile
        self.derived = DerivedQuantities(self.profile)
        self._rule = run_rule(self.profile)
        self.tags = (*self.profile.tags, *(counter.tag for counter in self.derived.counters), SCORE_TAG)
        self._health, self._health_ns = Health(self.profile), 0

    def read(self, history: Historian, start_ns: int, end_ns: int) -> Block:
        """What is stored from one time up to another (Unix UTC)."""
        parts = list(
            history.readings_of(
                self.settings.pump_id, self.tags, start_ns=start_ns, end_ns=end_ns, profile=self.profile
            )
        )
        many = len(self.tags)
        time_ns = np.concatenate([np.zeros(0, np.int64), *(part.time_ms for part in parts)]) * 1_000_000
        values = np.concatenate([np.empty((0, many)), *(part.values for part in parts)])
        quality = np.concatenate([np.empty((0, many), np.uint8), *(part.quality for part in parts)])
        found = history.detections(self.settings.pump_id, start_ns=start_ns, end_ns=end_ns)
        periods = [link.period_s for link in self.settings.links]
        apart_s = min(periods) if periods else float(np.median(np.diff(time_ns))) / 1e9 if time_ns.size > 1 else 1.0
        return Block(
            time_ns, values[:, :-1], quality[:, :-1], values[:, -1], tuple(found),
            stale_after_s(apart_s),
        )  # fmt: skip

    def frame(self, block: Block, at: int) -> Frame:
        """The frame of a reading."""
        size, time_ns = self.derived.size, int(block.time_ns[at])
        parts = [self._coded(block, at, slice(0, size)), self._coded(block, at, slice(size, None))]
        whole = self.derived.whole(Frame(self.settings.pump_id, at, time_ns, time_ns, *parts[0]))
        values = np.concatenate([whole.values, parts[1][0]])
        quality, reason = (
            np.concatenate([own, more]) for own, more in ((whole.quality, parts[1][1]), (whole.reason, parts[1][2]))
        )
        return Frame(self.settings.pump_id, at, time_ns, time_ns, values, quality, reason)

    def _coded(
        self, block: Block, at: int, own: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.uint8]]:
        values, stored = block.values[at, own].copy(), block.quality[at, own]
        is_recorded = stored != NOT_RECORDED
        quality = np.where(is_recorded & np.isfinite(values), stored, np.uint8(Quality.BAD)).astype(np.uint8)
        values[quality == Quality.BAD] = nan
        reason = np.full(values.size, Reason.NONE, np.uint8)
        reason[quality != Quality.GOOD] = Reason.NOT_KEPT
        reason[~is_recorded] = Reason.NOT_STORED
        return values, quality, reason

    def view(self, block: Block, time_ns: int, alarms: tuple[Alarm, ...]) -> PumpView:
        """The pump at an instant."""
        settings, many = self.settings, block.count(time_ns)
        frame = self.nothing(time_ns) if not many else self.frame(block, many - 1)
        is_fresh = many > 0 and time_ns - frame.time_ns <= block.stale_after_s * 1e9
        result = self._score(block, time_ns)
        state = state_of(frame, self.profile.tags, self._rule) if many else RunState.NO_DATA
        return PumpView(
            pump_id=settings.pump_id,
            name=settings.name,
            profile=self.profile,
            run_state=state,
            frame=frame,
            score_result=result,
            detection=result if isinstance(result, Detection) else None,
            health=self._health_at(block, time_ns) if is_fresh else nan,
            links=(),
            alarms=alarms,
            stale_after_s=block.stale_after_s,
        )

    def nothing(self, time_ns: int) -> Frame:
        """The frame of an instant of which nothing is stored."""
        size = len(self.profile.quantities)
        return bad_frame(self.settings.pump_id, seq=0, time_ns=time_ns, mono_ns=time_ns, size=size,
                         reason=Reason.NOT_STORED)  # fmt: skip

    def trace(self, block: Block, time_ns: int, since_s: float) -> Trace:
        """The frames of a block up to an instant and younger than `since_s` (Unix seconds)."""
        first, end = int(np.searchsorted(block.time_ns / 1e9, since_s)), block.count(time_ns)
        own, size = slice(first, max(first, end)), self.derived.size
        sensors, counters = block.values[own, :size], block.values[own, size:]
        values = np.concatenate([sensors, self.derived.evaluate(sensors), counters], axis=1)
        quality = np.where(np.isfinite(values), np.uint8(Quality.GOOD), np.uint8(Quality.BAD))
        quality[:, :size] = np.minimum(block.quality[own, :size], np.uint8(Quality.BAD))  # also what is not recorded
        return Trace(block.time_ns[own] / 1e9, values.astype(np.float32), quality, block.score[own].astype(np.float32))

    def _score(self, block: Block, time_ns: int) -> ScoreResult:
        """The newest score at an instant, with the shares of the newest whole detection."""
        many = block.count(time_ns)
        near = slice(int(np.searchsorted(block.time_ns, time_ns - SCORE_NS)), many)
        scored = np.flatnonzero(np.isfinite(block.score[near])) + near.start
        rows = [row for row in block.detections if time_ns - WINDOW_NS < row.time_ns <= time_ns]
        if not scored.size or not rows:
            return NotScored(self.settings.pump_id, time_ns, "no score is stored of this time", has_model=False)
        at, row, tags = int(scored[-1]), rows[-1], self.profile.tags
        at_ns, score = int(block.time_ns[at]), float(block.score[at])
        is_own = row.time_ns // 1_000_000 == at_ns // 1_000_000
        return Detection(
            self.settings.pump_id, at, at_ns, at_ns, row.kind, score,
            reconstruction_loss=row.reconstruction_loss if is_own else score * row.threshold,
            threshold=row.threshold,
            is_anomaly=row.is_anomaly if is_own else score > 1.0,
            shares=np.array([row.shares.get(tag, 0.0) for tag in tags]),
            sensor_states=tuple(row.sensor_states.get(tag, "NORMAL") for tag in tags),
            sensor_anomaly_counts=np.array([row.sensor_anomaly_counts.get(tag, 0) for tag in tags], np.int64),
            model_version=row.model_version,
        )  # fmt: skip

    def _health_at(self, block: Block, time_ns: int) -> float:
        """The health index, by the limits of now: from where it was, or begun long enough before to be the same."""
        if not self._health_ns <= time_ns <= self._health_ns + HEALTH_NS:
            self._health, self._health_ns = Health(self.profile), time_ns - HEALTH_NS
        value, score = nan, nan
        rest = np.full(len(self.profile.quantities) - self.derived.size, nan)
        bad, none = np.full(rest.size, Quality.BAD, np.uint8), np.zeros(self.derived.size + rest.size, np.uint8)
        first = int(np.searchsorted(block.time_ns, self._health_ns, side="right"))
        for at in range(min(first, block.count(time_ns) - 1), block.count(time_ns)):
            score = float(block.score[at]) if isfinite(block.score[at]) else score
            values, quality, _ = self._coded(block, at, slice(0, self.derived.size))
            frame = Frame(self.settings.pump_id, at, int(block.time_ns[at]), int(block.time_ns[at]),
                          np.concatenate([values, rest]), np.concatenate([quality, bad]), none)  # fmt: skip
            running = state_of(frame, self.profile.tags, self._rule) is RunState.RUNNING
            value = self._health.update(frame, score=score, running=running)
        self._health_ns = time_ns
        return value


class SupersededError(Exception):
    """Another instant is wanted by now."""


class Moments:
    """What a station showed at any instant of its history. Used by one thread; `trace` by any."""

    def __init__(self, site: Site, history: Historian, *, words: str) -> None:
        self._site, self._history, self._words = site, history, words
        self.index: JournalIndex | None = None
        self._pumps = {pump.pump_id: RecordedPumpFrames(pump) for pump in site.pumps}
        self._blocks: OrderedDict[tuple[str, int], Block] = OrderedDict()
        self._alarms: dict[int, Alarm | None] = {}
        self._work = tuple(history.maintenance())

    def blank(self, time_ns: int) -> StationView:
        """The station before anything was read."""
        pumps = tuple(
            PumpView(p.pump_id, p.name, p.profile, RunState.NO_DATA, self._pumps[p.pump_id].nothing(time_ns), None,
                     None, nan, (), (), stale_after_s(0.0))
            for p in self._site.pumps
        )  # fmt: skip
        return StationView(self._site.name, time_ns, time_ns, pumps, (), EngineStats(), reviewed=self._words)

    def at(self, time_ns: int, *, is_wanted: Callable[[], bool] = lambda: True) -> StationView:
        """The station at an instant (Unix UTC). Raises StoreError, and SupersededError once it is not wanted."""
        if self.index is None:
            self.index = self._history.journal_index()
        open_then = sorted(self._open_at(time_ns), key=by_rank)
        alarms, hidden = (tuple(a for a in open_then if a.state.is_hidden is is_hidden) for is_hidden in (False, True))
        pumps = []
        for pump_id, pump in self._pumps.items():
            if not is_wanted():
                raise SupersededError
            own = tuple(a for a in alarms if a.pump_id == pump_id)
            pumps.append(pump.view(self._block(pump_id, time_ns), time_ns, own))
        return StationView(self._site.name, time_ns, time_ns, tuple(pumps), alarms, EngineStats(), hidden_alarms=hidden,
                           maintenance=as_of(self._work, time_ns), reviewed=self._words)  # fmt: skip

    def read_ahead(self, time_ns: int) -> None:
        """Read what the first pump that lacks it will want at a later instant."""
        missing = (pump_id for pump_id in self._pumps if (pump_id, time_ns // BLOCK_NS) not in self._blocks)
        if (pump_id := next(missing, None)) is not None:
            self._block(pump_id, time_ns)

    def trace(self, pump_id: str, time_ns: int, since_s: float) -> Trace:
        """What is at hand of a pump up to an instant. Raises KeyError."""
        pump = self._pumps[pump_id]
        block = self._blocks.get((pump_id, time_ns // BLOCK_NS))
        if block is None or not block.time_ns.size:
            return TraceRing(len(pump.profile.quantities), capacity=1).copy()
        return pump.trace(block, time_ns, since_s)

    def _block(self, pump_id: str, time_ns: int) -> Block:
        key = pump_id, time_ns // BLOCK_NS
        block = self._blocks.get(key)
        if block is None:
            start_ns = key[1] * BLOCK_NS
            block = self._pumps[pump_id].read(self._history, start_ns - BEFORE_NS, start_ns + BLOCK_NS)
            self._blocks[key] = block
            while len(self._blocks) > BLOCKS_KEPT * len(self._pumps):
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(key)
        return block

    def _open_at(self, time_ns: int) -> Sequence[Alarm]:
        assert self.index is not None
        ids = self.index.open_at(time_ns)
        missing = [key for key in ids if key not in self._alarms]
        if missing:
            found = {row.id: alarm_of(row) for row in self._history.journal_lines(missing)}
            self._alarms |= {key: found.get(key) for key in missing}
        return [alarm for key in ids if (alarm := self._alarms[key]) is not None]
