"""What `Engine.latest()` gives: the whole station at one instant, to be sampled by the screen."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import inf, nan
from types import MappingProxyType

from pumpwatch_gui.domain.alarms.alarm import Alarm, Priority
from pumpwatch_gui.domain.alarms.rules import UnjudgedRule
from pumpwatch_gui.domain.detection import Detection, LearningPhase, LearningView, ScoreResult, ShadowView
from pumpwatch_gui.domain.likelihood import Likelihood
from pumpwatch_gui.domain.links.view import LinkView
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.replay import ReplayState
from pumpwatch_gui.domain.sync import SyncView
from pumpwatch_gui.domain.values.frame import Frame


class RunState(Enum):
    """What the pump itself is doing."""

    RUNNING = "RUNNING"
    STANDBY = "STANDBY"
    NO_DATA = "NO DATA"


def stale_after_s(period_s: float) -> float:
    """The age at which values that come so far apart must be shown as old: three were missed, and no less than 2 s."""
    return max(2.0, 3 * period_s)


@dataclass(frozen=True, slots=True)
class PumpView:
    """One pump now. `profile` carries the pump's own limits. `frame` is None before the first scan.

    `health` is 0-100, NaN where it is not known; `alarms` are all that are not NORMAL, worst first.
    `stale_after_s`: the age at which the values of `frame` must be shown as old. `learning` is None for a pump that
    does not learn itself. `is_at_new_level`: its anomaly alarm waits for a person to confirm the level.
    `likelihood` of a fault is that of its last scores; NONE while there are none. `first_out` is the id of the alarm
    that came first of those of an episode, "" where it is over or alone.
    """

    pump_id: str
    name: str
    profile: PumpProfile
    run_state: RunState
    frame: Frame | None
    score_result: ScoreResult | None
    detection: Detection | None
    health: float
    links: tuple[LinkView, ...]
    alarms: tuple[Alarm, ...]
    stale_after_s: float
    shadow: ShadowView | None = None
    learning: LearningView | None = None
    is_at_new_level: bool = False
    likelihood: Likelihood = Likelihood.NONE
    first_out: str = ""


@dataclass(frozen=True, slots=True)
class LoopWords:
    """What people call the work of a loop, and what is not done while the loop has stopped.

    `fault` is what it has done in one word: stopped, or been lost.
    """

    name: str
    consequence: str
    fault: str = "stopped"


@dataclass(frozen=True, slots=True)
class LoopHealth:
    """One loop of the engine: when it last turned (monotonic ns; 0: not yet) and how often it has died since start.

    `late_after_s`: an older heartbeat means that the loop has stopped, whatever else is on the screen. `words` are its
    own, None for those of `LOOP_WORDS`.
    """

    name: str
    alive_mono_ns: int
    deaths: int = 0
    late_after_s: float = 3.0
    words: LoopWords | None = None

    def is_late(self, mono_ns: int) -> bool:
        """Whether the loop has stopped, at an instant of the monotonic clock."""
        return mono_ns - self.alive_mono_ns > self.late_after_s * 1e9


COLLECTOR_LOOP = "collector"
"""The loop of a station that another program watches: what that program does is not done by this one."""
LOOP_WORDS: Mapping[str, LoopWords] = MappingProxyType(
    {
        COLLECTOR_LOOP: LoopWords("Collector", "it has ended or does not answer: values are old, nothing is judged"),
        "judge": LoopWords("Judging", "alarms are not being judged"),
        "links": LoopWords("Polling", "no values are being read"),
        "store": LoopWords("History", "nothing is being stored"),
        "infer": LoopWords("Anomaly detection", "anomalies are not being found"),
        "orders": LoopWords("Orders", "nothing can be acknowledged or changed"),
        "gateway": LoopWords("Gateway", "other programs can neither ask nor post values"),
        "imports": LoopWords("Imports", "readings of other systems are not being taken over"),
        "reports": LoopWords("Reports", "scheduled reports are not being made"),
        "watchdog": LoopWords("Supervision", "a part that stops is not noticed"),
        "record": LoopWords("CSV recording", "the file is not being written"),
        "sync": LoopWords("Sync", "nothing is being sent to the server"),
    }
)
"""The loops of an engine by name, the gravest loss first."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """A latency in milliseconds; NaN when nothing was measured."""

    p50: float = float("nan")
    p95: float = float("nan")
    p99: float = float("nan")


@dataclass(frozen=True, slots=True)
class EngineStats:
    """How the program itself is doing.

    `bytes_per_reading` (all that is stored, by readings) and `bytes_per_day` (of running) are measured, NaN while too
    little was. `salvage` says how far that of a damaged database is, "" while there is none.
    """

    frames: int = 0
    frames_per_s: float = 0.0
    missed_scans: int = 0
    ring_depth: int = 0
    ring_capacity: int = 0
    ring_high_water: int = 0
    ring_dropped: int = 0
    inference: Percentiles = Percentiles()
    inference_count: int = 0
    inference_skipped: int = 0
    commit: Percentiles = Percentiles()
    last_commit_ns: int = 0
    readings_committed: int = 0
    readings_lost: int = 0
    detections_lost: int = 0
    events_lost: int = 0
    store_depth: int = 0
    database_bytes: int = 0
    disk_free_bytes: int = 0
    bytes_per_reading: float = nan
    bytes_per_day: float = nan
    salvage: str = ""
    store_error: str = ""
    sensor_to_latest: Percentiles = Percentiles()
    loops: tuple[LoopHealth, ...] = ()

    @property
    def days_to_full_disk(self) -> float:
        """Days until the disk is full at the rate of now; infinity when nothing grows, NaN while it is not known."""
        return inf if self.bytes_per_day == 0 else self.disk_free_bytes / self.bytes_per_day


@dataclass(frozen=True, slots=True)
class ImportView:
    """The import under way: its order, the recording, and how many of its readings are looked at by now."""

    order_id: str
    pump_id: str
    source: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class StationView:
    """All pumps in plant order, all alarms worst first, and how the program itself is doing.

    `hidden_alarms`: those that are shelved, suppressed by design or out of service.
    `model` names the models in use but for what pumps have learnt themselves.
    `is_site_edited`: the site file was changed outside the program; `ChangeSite` is refused until `ReloadSite`.
    `maintenance`: the maintenance events by risk, every open one and the newest of those that are resolved.
    `unjudged_rules`: the rules that are not judged somewhere now, and why.
    `reviewed`: which history this is a review of, in words; "" for a station that runs. A review shows what was at the
    time `time_ns` of it, which `replay` has come to; its monotonic clock is that time as well. `sync` is None for a
    station that sends to no server. `seen_through` says which server this is seen through, in words; "" for a station
    of this computer. `importing` is the import under way.
    """

    name: str
    time_ns: int
    mono_ns: int
    pumps: tuple[PumpView, ...]
    alarms: tuple[Alarm, ...]
    stats: EngineStats
    model: str = ""
    is_site_edited: bool = False
    hidden_alarms: tuple[Alarm, ...] = ()
    maintenance: tuple[MaintenanceEvent, ...] = ()
    unjudged_rules: tuple[UnjudgedRule, ...] = ()
    reviewed: str = ""
    replay: ReplayState | None = None
    sync: SyncView | None = None
    seen_through: str = ""
    importing: ImportView | None = None

    @property
    def stopped_loops(self) -> tuple[LoopHealth, ...]:
        """The loops that have stopped: what they should do (poll, judge, store) is not being done now."""
        return tuple(loop for loop in self.stats.loops if loop.is_late(self.mono_ns))

    def pump(self, pump_id: str) -> PumpView:
        """The pump of that id; raises KeyError."""
        for view in self.pumps:
            if view.pump_id == pump_id:
                return view
        raise KeyError(pump_id)

    @property
    def model_words(self) -> str:
        """What judges the pumps: the models by name, and how many pumps learn themselves."""
        own = [p.learning for p in self.pumps if p.learning is not None and p.learning.is_in_force]
        learning = sum(view.phase is LearningPhase.LEARNING for view in own)
        parts = [f"model {self.model}"] if self.model else []
        parts += [f"{count} of {len(self.pumps)} pumps {what}"
                  for count, what in ((learning, "learning"), (len(own) - learning, "judged by their own running"))
                  if count]  # fmt: skip
        return " · ".join(parts) or "no model"

    @property
    def unacknowledged(self) -> Mapping[Priority, int]:
        """Count of alarms not acknowledged, per priority."""
        counts = dict.fromkeys(Priority, 0)
        for alarm in self.alarms:
            counts[alarm.priority] += "unacknowledged" in alarm.state.value
        return counts
