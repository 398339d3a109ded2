"""Sync with a server: what is sent, where to, and how it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class SyncStream(Enum):
    """What can be sent, in the order in which it is."""

    ALARMS = "alarms"
    EVENTS = "events"
    AUDIT = "audit"
    DETECTIONS = "detections"
    ROLLUPS = "rollups"
    READINGS = "readings"


STREAM_WORDS: Mapping[SyncStream, str] = MappingProxyType(
    {
        SyncStream.ALARMS: "alarms",
        SyncStream.EVENTS: "maintenance",
        SyncStream.AUDIT: "audit log",
        SyncStream.DETECTIONS: "detections",
        SyncStream.ROLLUPS: "one-minute values",
        SyncStream.READINGS: "every reading",
    }
)
"""What a stream is called on the screen and in the journal."""
USUAL_STREAMS = frozenset(SyncStream) - {SyncStream.READINGS}
"""Raw readings are 577 MB a day of 50 pumps: they are sent only where a site asks for them."""


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """Where a station sends to: the `[sync]` table of the site file. The secrets are elsewhere.

    `auth_url` is "" for a Supabase project, which has its tables below /rest/v1 and its accounts below /auth/v1.
    """

    url: str
    account: str
    auth_url: str = ""
    streams: frozenset[SyncStream] = USUAL_STREAMS

    @property
    def stream_words(self) -> str:
        """What is sent, in one line."""
        return ", ".join(words for stream, words in STREAM_WORDS.items() if stream in self.streams)

    @property
    def rest_url(self) -> str:
        """Where the tables are."""
        return self.url if self.auth_url else f"{self.url}/rest/v1"

    @property
    def token_url(self) -> str:
        """Where an account gets its token."""
        return f"{self.auth_url or self.url + '/auth/v1'}/token"


class SyncState(Enum):
    """What the sync is doing."""

    CONNECTING = "connecting"
    SENDING = "sending"
    UP_TO_DATE = "up to date"
    TROUBLE = "trouble"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class SyncView:
    """How the sync goes. `backlog` rows wait to be sent, the oldest for `lag_s` seconds (0 when none is due).

    `error` is the last one in words, "" while all is well; `quarantined` rows were refused by the server for good.
    """

    state: SyncState
    backlog: int = 0
    lag_s: float = 0.0
    sent: int = 0
    quarantined: int = 0
    error: str = ""

    @property
    def words(self) -> str:
        """In one line."""
        waiting = f" · {self.backlog:,} rows wait" if self.backlog else ""
        refused = f" · {self.quarantined:,} in quarantine" if self.quarantined else ""
        error = f": {self.error}" if self.error and self.state is SyncState.TROUBLE else ""
        return f"sync {self.state.value}{error}{waiting}{refused}"


RowKey = tuple[SyncStream, str]
"""Which row: its stream and its key there."""


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that the server refused for good, at `time_ns` (Unix UTC): which, why, and as it was sent (JSON)."""

    stream: SyncStream
    row_key: str
    time_ns: int
    reason: str
    content: str

    @property
    def which(self) -> RowKey:
        """What orders name it by."""
        return self.stream, self.row_key


def row_words(rows: tuple[RowKey, ...], named: int = 5) -> str:
    """Some rows in a line of the journal: how many, and the first of them by name."""
    names = [f"{STREAM_WORDS[stream]} {key}" for stream, key in rows[:named]]
    more = [f"{len(rows) - named:,} more"] if len(rows) > named else []
    return f"{len(rows):,} refused row{'s' * (len(rows) != 1)} ({', '.join([*names, *more])})"


@dataclass(frozen=True, slots=True)
class SyncCheck:
    """One thing that a trial of the connection looked at: what it is called, what was found and what to do.

    `is_ok` None: it could not be tried, for something before it was wrong.
    """

    name: str
    is_ok: bool | None
    words: str
    advice: str = ""
