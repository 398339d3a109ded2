"""What the writer has done so far, in figures."""

import time
from dataclasses import dataclass, field

from pumpwatch_gui.domain.station import Percentiles
from pumpwatch_gui.domain.values.latency import Latency
from pumpwatch_gui.store.hot.batch import Batch
from pumpwatch_gui.store.hot.intake import Intake


@dataclass(frozen=True, slots=True)
class StoreView:
    """The store now. `committed`, `lost` and `depth` (in memory) count readings, `lost_others` detections and events.

    `quarantined` of those lost are in the quarantine file. `commit_ms`: the last 600 transactions, begin to safe on
    disk. `last_commit_ns` Unix UTC, 0 before the first. `error` is "" while all is well.
    """

    committed: int
    lost: int
    lost_others: int
    quarantined: int
    depth: int
    high_water: int
    commit_ms: Percentiles
    last_commit_ns: int
    database_bytes: int
    error: str


@dataclass(slots=True)
class StoreCounters:
    """Counted by the writer thread, viewed by any."""

    committed: int = 0
    lost: int = 0
    lost_others: int = 0
    quarantined: int = 0
    last_commit_ns: int = 0
    database_bytes: int = 0
    _latency: Latency = field(default_factory=lambda: Latency(600))

    def written(self, batch: Batch, duration_s: float) -> int:
        """Count a batch that is on the disk; how many readings have left the memory with it, kept or not."""
        readings = batch.reading_count
        refused = sum(isinstance(one.item, tuple) for one in batch.refused)
        self.last_commit_ns = time.time_ns()
        self._latency.add(duration_s)
        self.committed += readings
        self.lost += batch.unplaced + refused
        self.lost_others += batch.unplaced_others + len(batch.refused) - refused
        self.quarantined += len(batch.refused)
        return readings + batch.unplaced + refused

    def view(self, intake: Intake, error: str) -> StoreView:
        """The counters now, with those of the queue. Cheap."""
        return StoreView(
            committed=self.committed,
            lost=intake.lost + self.lost,
            lost_others=intake.lost_others + self.lost_others,
            quarantined=self.quarantined,
            depth=intake.depth,
            high_water=intake.high_water,
            commit_ms=self._latency.percentiles(),
            last_commit_ns=self.last_commit_ns,
            database_bytes=self.database_bytes,
            error=error,
        )
