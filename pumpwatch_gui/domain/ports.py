"""Ports: what windows, tools, replays and gateways build on. Nothing outside the engine sees more of the inside.

One contract suite runs every implementation of `Station`, another every implementation of `Historian`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.commands import Order, OrderId
from pumpwatch_gui.domain.detection import DetectionRow
from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.feedback import EpisodeFeedback
from pumpwatch_gui.domain.incident import Incident, IncidentSpan
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig
from pumpwatch_gui.domain.links.decode import PointValue
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.replay import JournalIndex, Leap
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.sync import QuarantinedRow
from pumpwatch_gui.domain.values.readings import Readings, RecordedPump, RecordedSite
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.values.trace import Trace


class Capability(Enum):
    """What a station can do beyond being looked at; pages show only what there is."""

    BROWSE = "read any register, watch traffic, identify a device"
    TRAIN = "train, promote and roll back models"
    CONFIGURE = "change the site"
    OPERATE = "acknowledge alarms, write notes, keep maintenance"


class Subscription(Protocol):
    """A delivery of events that can be ended."""

    def close(self) -> None:
        """No further event is delivered once this has returned; calling it again does nothing."""


class Packet(Protocol):
    """One piece of traffic: `sent` by us or received, its bytes as `hex`, and what it says as `text`."""

    @property
    def time_ns(self) -> int:
        """Unix UTC."""

    @property
    def mono_ns(self) -> int:
        """Monotonic clock."""

    @property
    def link_id(self) -> str:
        """The link that was polling."""

    @property
    def sent(self) -> bool:
        """Whether we sent it."""

    @property
    def content(self) -> bytes:
        """The bytes."""

    @property
    def hex(self) -> str:
        """The bytes as `01 03 00 00`."""

    @property
    def text(self) -> str:
        """What it says, in one line."""


class TrafficTap(Protocol):
    """The traffic of one link from now on. Any thread."""

    @property
    def dropped(self) -> int:
        """Packets lost because nobody took them in time."""

    def take(self) -> Sequence[Packet]:
        """What came since the last time, oldest first."""

    def close(self) -> None:
        """Stop watching."""


class BorrowedLine(Protocol):
    """A running line, for reads between its scans of a device that is no link of the station yet. Any thread.

    The futures raise LinkError when no trustworthy response came; they are cancelled when the line ends.
    """

    def scan(
        self, config: DriverConfig, profile: PumpProfile, folder: Path | None
    ) -> "Future[Mapping[str, PointValue]]":
        """Every point of a link, by tag; InputError for a wrong register map."""

    def read(
        self, config: ModbusConfig, table: str, address: int, count: int, register_bytes: int = 2
    ) -> "Future[Sequence[int]]":
        """Any block of a unit behind the line; `address` is the wire address, `register_bytes` 2 or 4."""

    def identify(self, config: ModbusConfig) -> "Future[Mapping[str, str]]":
        """The device identification (function 43/14) of a unit behind the line."""


class LinkBrowser(Protocol):
    """Reads of running links that no register map names. Any thread; needs `Capability.BROWSE`."""

    def borrow(self, config: DriverConfig) -> BorrowedLine | None:
        """The running line that a link of this config would share; None when there is none.

        A serial line, or a device that takes one connection, has no room for a second. Raises InputError when a line
        runs there that cannot be shared: a port for text lines, other line settings.
        """

    def traffic(self, link_id: str) -> TrafficTap:
        """Watch the traffic of a link until its `close`."""

    def read_block(self, link_id: str, table: str, address: int, count: int) -> "Future[Sequence[int]]":
        """Read any block between two scans; `address` is the wire address.

        The future yields registers, or bits as 0 and 1. It raises LinkError when no trustworthy response came,
        ValueError for a block that no request can have, KeyError when there is no such link.
        """

    def identify(self, link_id: str) -> "Future[Mapping[str, str]]":
        """Read the device identification (function 43/14); raises as `read_block`."""

    def forget(self, link_id: str) -> None:
        """Forget what was learnt of the device behind a link (block sizes, pauses, values it lacks) and learn it again.

        Links that are not known are passed over.
        """


class Historian(Protocol):
    """The history of a station. Any thread but the GUI's; every call raises StoreError when it cannot be read."""

    def read(
        self,
        pump_id: str,
        tags: Sequence[str],
        *,
        start_ns: int,
        end_ns: int,
        points: int = 2000,
        profile: PumpProfile | None = None,
    ) -> "Series":
        """Some sensors of a pump from `start_ns` up to `end_ns` (Unix UTC), thinned to about `points` points.

        With the `profile` its derived quantities are tags as well.
        """

    def journal(self, query: "JournalQuery", *, limit: int = 1000) -> list[JournalRow]:
        """The newest lines first, at most `limit`."""

    def journal_index(self) -> JournalIndex:
        """Where in time every line of the journal is, and what it makes of an alarm."""

    def journal_lines(self, ids: Sequence[int]) -> list[JournalRow]:
        """The lines of these ids, in any order; those that are not there are left out."""

    def detections(self, pump_id: str, *, start_ns: int, end_ns: int, limit: int = 10_000) -> list[DetectionRow]:
        """The stored detections of a pump from `start_ns` up to `end_ns` (Unix UTC), oldest first, at most `limit`."""

    def write_incident(
        self, path: Path, span: IncidentSpan, *, cancelled: Callable[[], bool] = lambda: False
    ) -> Incident:
        """Write a stretch of the history of some pumps as a new incident file, verified: whole or not there.

        Raises InputError for an unknown pump, a span without a reading, a file that is there or cannot be written, and
        once it was `cancelled`.
        """

    def export_journal_csv(self, path: Path, query: "JournalQuery") -> int:
        """Write the journal, newest first, as CSV; returns the lines written. The file is whole or not there."""

    def recording(self, pump_id: str, profile: PumpProfile, *, start_ns: int, end_ns: int) -> Recording:
        """Every reading of a pump as a recording, to train or test on. Raises InputError when there is none."""

    def feedback(self, pump_id: str, *, start_ns: int = 0, end_ns: int = 2**62) -> list[EpisodeFeedback]:
        """The newest feedback on each episode that began in the span, oldest first."""

    def maintenance(self, *, resolved: int = 500) -> list[MaintenanceEvent]:
        """Every open maintenance event and the newest `resolved` of those that are resolved, by risk."""

    def quarantined(self, *, limit: int = 5000) -> list[QuarantinedRow]:
        """The rows that a server refused for good, the newest first, at most `limit`."""

    def recorded_pumps(self) -> tuple[RecordedPump, ...]:
        """Every pump that has a history, in the order in which they came to the station."""

    def recorded_site(self) -> RecordedSite:
        """The site that was judged last, as far as the history keeps it."""

    def readings_of(
        self, pump_id: str, tags: Sequence[str], *, start_ns: int, end_ns: int, profile: PumpProfile
    ) -> Iterator[Readings]:
        """Everything that is stored of some quantities of a pump, piece by piece: nothing is thinned.

        Tags are those of sensors, also of former ones, of what the `profile` derives, and `SCORE_TAG`. What is not
        known is `NOT_RECORDED` throughout. Rows come as they are stored, oldest first.
        """

    def table_rows(
        self, table: str, *, pump_ids: Sequence[str], start_ns: int, end_ns: int
    ) -> Iterator[list[tuple[object, ...]]]:
        """Rows of one of `ORIGINAL_TABLES` with its columns, piece by piece. KeyError for another.

        Readings come day after day, in each pump after pump; what else there is, oldest first.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Some sensors over time: `time_s` (m,) Unix seconds; `low`, `mean`, `high` (m, n), NaN where there is a gap.

    `score` (m,) is the highest anomaly score from the point before up to each point, NaN where there was none.
    """

    time_s: NDArray[np.float64]
    low: NDArray[np.float64]
    mean: NDArray[np.float64]
    high: NDArray[np.float64]
    score: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JournalQuery:
    """Which lines of the journal: None means any. `text` is searched in the line and in `by`, ignoring case.

    `before_ns` (Unix UTC) and `before_id` are time and id of the last line known, to page on without losing lines of
    one instant.
    """

    pump_id: str | None = None
    text: str | None = None
    kinds: tuple[str, ...] | None = None
    before_ns: int | None = None
    before_id: int | None = None


@runtime_checkable
class Replay(Protocol):
    """A station under review is this too: it can be turned to another time.

    Any thread, at once; `StationView.replay` says what came of it.
    """

    @property
    def index(self) -> JournalIndex | None:
        """Where in time something happened; None until that was read."""

    def turn_to(self, time_ns: int) -> None:
        """Show this instant (Unix UTC), or the end of the history that is nearer; the newest request wins."""

    def leap(self, leap: Leap) -> bool:
        """Turn to an alarm, an event or an end; False when there is none in that direction."""

    def play(self, speed: int) -> None:
        """Go on from what is shown, so many seconds of history a second; 0 pauses there. It pauses at the end."""


class Station(Protocol):
    """A station: live, replayed, remote or made up for a test. Values are sampled, events delivered, orders handed in.

    Every method may be called from any thread.
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this station can do beyond being looked at."""

    @property
    def history(self) -> Historian:
        """What is on the disk."""

    @property
    def links(self) -> LinkBrowser:
        """Reads of running links; only with `Capability.BROWSE`."""

    def site(self) -> Site:
        """What is judged by now."""

    def latest(self) -> StationView:
        """The station now. Cheap."""

    def trace(self, pump_id: str, since_s: float = 0.0) -> Trace:
        """The recent frames of a pump younger than `since_s` (Unix seconds). Raises KeyError."""

    def subscribe(self, on_event: Callable[[Event], None]) -> Subscription:
        """Have every event delivered to `on_event`, on a thread of the station."""

    def watch(self, on_values: Callable[[], None]) -> Subscription:
        """Have `on_values` called whenever `latest()` has new values, on a thread of the station: return at once."""

    def submit(self, order: Order) -> OrderId:
        """Hand in an order; its outcome comes as an `OrderDone` event with the id returned."""
