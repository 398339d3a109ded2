"""What the writer has done so far, in figures."""

import time
from collections import Counter
from dataclasses import dataclass, field

from pumpwatch_gui.domain.station import Percentiles
from pumpwatch_gui.domain.values.latency import Latency
from pumpwatch_gui.store.hot.batch import Batch, Kind, kind_of
from pumpwatch_gui.store.hot.growth import Growth
from pumpwatch_gui.store.hot.intake import Intake


@dataclass(frozen=True, slots=True)
class StoreView:
    """The store now. `committed`, `lost` and `depth` (in memory) count readings; detections and events are apart.

    `quarantined` of those lost are in the quarantine file. `commit_ms`: the last 600 transactions, begin to safe on
    disk. `last_commit_ns` Unix UTC, 0 before the first. `error` is "" while all is well, `salvage` while none runs.
    `budget_bytes`: what the history may take (0: no bound), of which it takes `used_bytes`; `oldest_ns` (Unix UTC) is
    the first day of archived readings, 0 while there is none.
    """

    committed: int
    lost: int
    lost_detections: int
    lost_events: int
    quarantined: int
    depth: int
    high_water: int
    commit_ms: Percentiles
    last_commit_ns: int
    database_bytes: int
    free_bytes: int
    growth: Growth
    salvage: str
    error: str
    budget_bytes: int = 0
    used_bytes: int = 0
    oldest_ns: int = 0

    @property
    def lost_others(self) -> int:
        """Detections and events."""
        return self.lost_detections + self.lost_events


@dataclass(slots=True)
class StoreCounters:
    """Counted by the writer thread, viewed by any."""

    committed: int = 0
    lost: Counter[Kind] = field(default_factory=Counter)
    quarantined: int = 0
    last_commit_ns: int = 0
    database_bytes: int = 0
    free_bytes: int = 0
    growth: Growth = field(default_factory=Growth)
    salvage: str = ""
    first_error: str = ""
    budget_bytes: int = 0
    used_bytes: int = 0
    oldest_ns: int = 0
    _latency: Latency = field(default_factory=lambda: Latency(600))

    def written(self, batch: Batch, duration_s: float) -> int:
        """Count a batch that is on the disk; how many readings have left the memory with it, kept or not."""
        readings = batch.reading_count
        refused = Counter(kind_of(one.item) for one in batch.refused)
        self.last_commit_ns = time.time_ns()
        self._latency.add(duration_s)
        self.committed += readings
        gone = refused + batch.unplaced
        self.lost += gone
        self.quarantined += len(batch.refused)
        return readings + gone[Kind.READING]

    def view(self, intake: Intake, error: str) -> StoreView:
        """The counters now, with those of the queue. Cheap."""
        lost = intake.lost + self.lost
        return StoreView(
            committed=self.committed,
            lost=lost[Kind.READING],
            lost_detections=lost[Kind.DETECTION],
            lost_events=lost[Kind.EVENT],
            quarantined=self.quarantined,
            depth=intake.depth,
            high_water=intake.high_water,
            commit_ms=self._latency.percentiles(),
            last_commit_ns=self.last_commit_ns,
            database_bytes=self.database_bytes,
            free_bytes=self.free_bytes,
            growth=self.growth,
            salvage=self.salvage,
            error=error or self.first_error,
            budget_bytes=self.budget_bytes,
            used_bytes=self.used_bytes,
            oldest_ns=self.oldest_ns,
        )
