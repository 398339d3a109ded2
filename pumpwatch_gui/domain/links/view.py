"""What is shown of a link: its state and counters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType


class LinkState(Enum):
    """The state of a link."""

    CONNECTING = "connecting"
    ONLINE = "online"
    STALE = "stale"  # connected, but no fresh trustworthy values
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class LinkView:
    """A snapshot of one link: state, counters and the last error in plain words.

    `link_id` is `PUMP/1`, `PUMP/2` …; times are monotonic nanoseconds, 0 where not yet.
    `last_advice` holds the probable cause. `response_p50_ms` and `response_p95_ms` are NaN before the first response.
    `identity`: what the other end has proved of itself (the roles of the TLS certificates). `connection`: what it may
    share with other links (`10.0.0.7:502`), "" for nothing. `hang_ups`: ends of the connection between two requests.
    """

    link_id: str
    pump_id: str
    driver: str
    endpoint: str
    state: LinkState
    since_mono_ns: int
    last_good_mono_ns: int
    period_s: float
    requests: int = 0
    good: int = 0
    timeouts: int = 0
    refused_responses: int = 0
    wrong_length: int = 0
    crc_errors: int = 0
    late_responses: int = 0
    exceptions: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    reconnects: int = 0
    missed_scans: int = 0
    frames: int = 0
    response_p50_ms: float = float("nan")
    response_p95_ms: float = float("nan")
    last_error: str = ""
    last_advice: str = ""
    identity: str = ""
    connection: str = ""
    hang_ups: int = 0
