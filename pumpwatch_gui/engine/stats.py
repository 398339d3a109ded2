"""How the program itself is doing: counts, rates and latencies of the last while."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from pumpwatch_gui.domain.links.view import LinkView
from pumpwatch_gui.domain.station import EngineStats, LoopHealth
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.latency import Latency
from pumpwatch_gui.engine.models.inference import Inference
from pumpwatch_gui.store.hot.writer import Store

STATS_S = 0.5
"""The dearer figures are gathered again only after so long; the heartbeats are always those of now."""


class RateMeter:
    """Counts, and the rate over the last few seconds."""

    def __init__(self) -> None:
        self.count = 0
        self._marks: deque[tuple[float, int]] = deque(maxlen=8)

    def per_second(self) -> float:
        """The mean rate since about five seconds ago; call it about once a second."""
        now = time.monotonic()
        if not self._marks or now - self._marks[-1][0] >= 0.7:
            self._marks.append((now, self.count))
        then, count = self._marks[0]
        return (self.count - count) / (now - then) if now - then > 0.5 else 0.0


class StatsCollector:
    """Gathers the statistics of the loops. `seen` on the links thread, `now` on any."""

    def __init__(self) -> None:
        self._latency, self._rate = Latency(), RateMeter()
        self._kept: tuple[float, EngineStats] = (0.0, EngineStats())
        self.is_final = False

    def seen(self, frame: Frame) -> None:
        """Count a frame that has just become visible."""
        self._rate.count += 1
        self._latency.add((time.monotonic_ns() - frame.mono_ns) / 1e9)

    def now(
        self, store: Store, inference: Inference, links: Sequence[LinkView], loops: Sequence[LoopHealth]
    ) -> EngineStats:
        """The figures now, at most half a second old; once every loop has ended, the last ones."""
        taken, stats = self._kept
        now = time.monotonic()
        if now - taken >= STATS_S or self.is_final:
            stats = self._gather(store, inference, links)
            self._kept = (now, stats)
        return replace(stats, loops=tuple(loops))

    def _gather(self, store: Store, inference: Inference, links: Sequence[LinkView]) -> EngineStats:
        view, ring, scorer = store.view(), inference.ring, inference.models.scorer
        return EngineStats(
            frames=self._rate.count,
            frames_per_s=self._rate.per_second(),
            missed_scans=sum(v.missed_scans for v in links),
            ring_depth=ring.depth,
            ring_capacity=ring.capacity,
            ring_high_water=ring.high_water,
            ring_dropped=ring.dropped,
            inference=scorer.latency.percentiles(),
            inference_count=scorer.count,
            inference_skipped=scorer.skipped,
            commit=view.commit_ms,
            last_commit_ns=view.last_commit_ns,
            readings_committed=view.committed,
            readings_lost=view.lost,
            detections_lost=view.lost_detections,
            events_lost=view.lost_events,
            store_depth=view.depth,
            database_bytes=view.database_bytes,
            disk_free_bytes=view.free_bytes,
            bytes_per_reading=view.growth.per_reading,
            bytes_per_day=view.growth.per_day,
            salvage=view.salvage,
            store_error=view.error,
            sensor_to_latest=self._latency.percentiles(),
        )
