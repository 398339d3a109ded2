"""What is read from a line between two scans, when a person asks for it."""

import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from pumpwatch_gui.acquire.driver import Browsable, Channel, LinkSpec
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.values.quality import Reason

MAX_WAIT_S = 3.0
"""On a line without spare time between two scans, an extra read delays a scan after it has waited so long."""
LEAST_S = 0.02


@dataclass(frozen=True, slots=True)
class ExtraRead:
    """Something to be read over a line between two scans. `since_s`: monotonic, when it was wanted.

    `is_foreign`: from a unit that is no link of the station (yet): it may be silent, which says nothing of the line.
    """

    spec: LinkSpec
    read: Callable[[Channel, LinkSpec], Awaitable[Any]]
    is_foreign: bool = False
    outcome: "Future[Any]" = field(default_factory=Future)
    since_s: float = field(default_factory=time.monotonic)

    @property
    def needs_s(self) -> float:
        """How long it is likely to take."""
        if self.is_foreign and isinstance(self.spec.config, ModbusConfig):
            return self.spec.config.timeout_s
        p95_ms = self.spec.meter.response_ms()[1]
        return LEAST_S + 2e-3 * (0.0 if isnan(p95_ms) else p95_ms)

    def refuse(self, words: str, advice: str = "", kind: FaultKind = FaultKind.LOST) -> None:
        """End it unread."""
        reason = Reason.CONFIGURATION_ERROR if kind is FaultKind.CONFIG else Reason.NO_COMMUNICATION
        self.outcome.set_exception(LinkFault(kind, reason, words, advice))


def browsing(read: Callable[[Browsable, LinkSpec], Awaitable[Any]]) -> Callable[[Channel, LinkSpec], Awaitable[Any]]:
    """A read of what no register map names; on a channel that cannot do it, it raises LinkFault."""

    async def checked(channel: Channel, spec: LinkSpec) -> Any:
        if not isinstance(channel, Browsable):
            words = "this kind of link has no registers"
            raise LinkFault(FaultKind.CONFIG, Reason.CONFIGURATION_ERROR, words)
        return await read(channel, spec)

    return checked


class ExtraReads:
    """Those of one line that wait, in the order they came."""

    def __init__(self) -> None:
        self._waiting: deque[ExtraRead] = deque()
        self.may_have_cost_the_connection = False

    def add(self, extra: ExtraRead) -> None:
        """Have it read when there is time."""
        self._waiting.append(extra)

    @property
    def is_waiting(self) -> bool:
        """Whether there is any."""
        return bool(self._waiting)

    def take(self, wait_s: float) -> ExtraRead | None:
        """The next, when it can be done before the next scan is due, or has waited long enough."""
        if not self._waiting:
            return None
        extra = self._waiting[0]
        if wait_s <= extra.needs_s and time.monotonic() - extra.since_s <= MAX_WAIT_S:
            return None
        return self._waiting.popleft()

    async def perform(self, extra: ExtraRead, channel: Channel | None, last_error: str) -> None:
        """Read it; what goes wrong goes to whoever asked for it. `last_error`: why the line is down, if it is."""
        outcome = extra.outcome
        if not outcome.set_running_or_notify_cancel():
            return
        if channel is None or channel.lost.done():
            extra.refuse(f"{extra.spec.config.endpoint} is not connected" + (f": {last_error}" if last_error else ""))
            return
        # A unit that is not there may make the strict link give the connection up, or the peer hang up.
        self.may_have_cost_the_connection = extra.is_foreign
        try:
            outcome.set_result(await extra.read(channel, extra.spec))
        except (LinkFault, InputError, ValueError) as error:
            outcome.set_exception(error)
        except BaseException:
            extra.refuse("the link was closed meanwhile")
            raise

    def cancel(self) -> None:
        """End those that were not read."""
        while self._waiting:
            self._waiting.popleft().outcome.cancel()
