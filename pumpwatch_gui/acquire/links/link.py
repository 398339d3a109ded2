"""One link: its schedule, its state, and where its scans go."""

import time
from collections.abc import Callable
from dataclasses import replace
from math import inf
from types import MappingProxyType

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.links.assembly import Assembly, WallClock
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.domain.events import ConnectionChanged, LinkChanged, Note
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Reason

RETRY_S = 5.0
"""A scan that failed is tried again after so long where the period is longer, and a wrong setting no sooner."""
DEAD_AFTER = 2
LEAST_PATIENCE_S, PATIENCE, USUAL_DECAY = 0.1, 4.0, 0.98
"""A scan is far longer than usual when it takes this many times the longest of its last fifty or so."""
READ_AT_ONCE_S = 1.0
"""When a connection comes up, a link whose next scan is further away than this is scanned at once as well."""

_FROZEN = Reason.FROZEN
"""Python 3.11 looks a member of an Enum up in Python code, each time."""

LinkEvent = LinkChanged | ConnectionChanged | Note


class Link:
    """One link on a line. `due_s`: monotonic, of its next scan by the schedule; `requested_s`: when the last began.

    All methods but `view` belong to the links thread.
    """

    def __init__(
        self,
        spec: LinkSpec,
        assembly: Assembly,
        clock: WallClock,
        *,
        on_frame: Callable[[Frame], None],
        on_event: Callable[[LinkEvent], None],
    ) -> None:
        self.spec = spec
        self.assembly = assembly
        self.due_s: float | None = None
        self.requested_s = 0.0
        self.state = LinkState.CONNECTING
        self._clock = clock
        self._fault: LinkFault | None = None
        self._no_responses = 0
        self._wanted_s = inf
        self._failed_s = -inf
        self._is_put_off = False
        self._usual_scan_s = 0.0
        self._is_lost_with_line = False
        self._held: LinkChanged | None = None
        self._since_ns = time.monotonic_ns()
        self._last_good_ns = 0
        self._on_frame, self._on_event = on_frame, on_event

    def renamed(self, spec: LinkSpec, assembly: Assembly) -> "Link":
        """The same link of a pump that has another id now: state and counters go on."""
        self.spec, self.assembly = replace(spec, meter=self.spec.meter), assembly
        return self

    @property
    def next_s(self) -> float:
        """When it is to be scanned next: by the schedule, or sooner where it is wanted."""
        return min(self.due_s or 0.0, self._wanted_s)

    def begin(self, now_s: float) -> None:
        """Its scan is due: set the next one.

        After a suspension (SIGSTOP, a laptop's lid) many are overdue: they are counted, not made up for.
        """
        self._wanted_s = inf
        late_s = now_s - (self.due_s or 0.0)
        if late_s >= 0:
            missed = int(late_s / self.spec.config.period_s)
            self.spec.meter.missed_scans += missed
            self.due_s = (self.due_s or 0.0) + (1 + missed) * self.spec.config.period_s

    def scanned(self, readings: Readings, began_ns: int) -> None:
        """A good scan that began at an instant of the monotonic clock."""
        now = time.monotonic_ns()
        self._no_responses = 0
        self._is_put_off = False
        self._usual_scan_s = max((now - began_ns) / 1e9, USUAL_DECAY * self._usual_scan_s)
        self._last_good_ns = now
        self._emit(self.assembly.scanned(self.spec.link_id, readings, now, took_ns=now - began_ns))
        if _FROZEN in [r.reason for r in readings.values()]:
            self._change_state(LinkState.STALE, _FROZEN.text)
        else:
            self._change_state(LinkState.ONLINE, "")
        self._is_lost_with_line = False

    def failed(self, fault: LinkFault, *, connected: bool, with_line: bool = False, is_doubtful: bool = False) -> None:
        """A failed scan, or the loss of the line: it makes a frame too. `with_line`: the others are lost with it.

        `is_doubtful`: it is not known yet whether they are. The change of the state is reported by `settle` then.
        """
        self._no_responses += fault.is_no_response or fault.kind is FaultKind.CONFIG
        self._is_put_off = False
        self._is_lost_with_line = self._is_lost_with_line or with_line
        self._failed_s = time.monotonic()
        self._wanted_s = self._failed_s + RETRY_S
        self.note(fault)
        self.spec.meter.count_fault(fault)
        self._emit(self.assembly.failed(self.spec.link_id, fault.reason, time.monotonic_ns()))
        self._change_state(LinkState.STALE if connected else LinkState.OFFLINE, fault.message, is_held=is_doubtful)

    def settle(self, *, with_line: bool) -> None:
        """Report a change of the state that was in doubt, now that it is known whether it was the whole line's."""
        if self._held is not None:
            self._is_lost_with_line = self._is_lost_with_line or with_line
            held, self._held = self._held, None
            self._on_event(replace(held, with_line=self._is_lost_with_line))

    def note(self, fault: LinkFault) -> None:
        """Keep a fault's message and reason without counting it."""
        self._fault = fault
        self.spec.meter.keep_message(fault)

    def not_scanned(self) -> None:
        """A scan was due and not requested, because the unit is backed off or the line is down.

        Before the first fault there is no reason to give, and no frame.
        """
        if self._fault is not None:
            self._emit(self.assembly.failed(self.spec.link_id, self._fault.reason, time.monotonic_ns()))

    def put_off(self) -> None:
        """Its scan was broken off for the others: it is done again, with its whole time-out, when no other waits."""
        self._is_put_off = True
        self._wanted_s = time.monotonic()

    @property
    def patience_s(self) -> float:
        """How long a scan of it may take before it is worth putting off."""
        return max(LEAST_PATIENCE_S, PATIENCE * self._usual_scan_s)

    @property
    def has_responded(self) -> bool:
        """Whether its last scan brought something."""
        return self._last_good_ns > 0 and not self._no_responses and not self._is_put_off

    @property
    def is_responding(self) -> bool:
        """Whether the unit is not known to be silent."""
        return self._no_responses < DEAD_AFTER

    def is_misconfigured(self, now_s: float) -> bool:
        """Whether a setting of it was found wrong just now: its files are read again after a while only."""
        is_config = self._fault is not None and self._fault.kind is FaultKind.CONFIG
        return is_config and not self.is_responding and now_s - self._failed_s < RETRY_S

    def connected(self) -> None:
        """The line is up again: what was known about the unit is void, and its values are wanted soon."""
        self.retry_now()
        self.spec.meter.reconnects += self._last_good_ns > 0
        now_s = time.monotonic()
        if self.state is not LinkState.ONLINE and (self.due_s or 0.0) - now_s > READ_AT_ONCE_S:
            self._wanted_s = now_s

    def retry_now(self) -> None:
        """Request it at its next scan, however long it has been silent."""
        self._no_responses = 0

    def view(self) -> LinkView:
        """The link as others see it. Any thread."""
        meter, spec = self.spec.meter, self.spec
        p50, p95 = meter.response_ms()
        return LinkView(
            link_id=spec.link_id,
            pump_id=spec.pump_id,
            driver=spec.config.driver,
            endpoint=spec.config.endpoint,
            state=self.state,
            since_mono_ns=self._since_ns,
            last_good_mono_ns=self._last_good_ns,
            period_s=spec.config.period_s,
            requests=meter.requests,
            good=meter.good,
            timeouts=meter.faults[FaultKind.TIMEOUT],
            refused_responses=meter.faults[FaultKind.REFUSED],
            wrong_length=meter.faults[FaultKind.LENGTH],
            crc_errors=meter.faults[FaultKind.CRC],
            late_responses=meter.late_responses,
            exceptions=MappingProxyType(dict(meter.exceptions)),
            reconnects=meter.reconnects,
            missed_scans=meter.missed_scans,
            frames=meter.frames,
            response_p50_ms=p50,
            response_p95_ms=p95,
            last_error=meter.last_error,
            last_advice=meter.last_advice,
            identity=meter.identity,
            connection=spec.config.connection,
            hang_ups=meter.hang_ups,
        )

    def _emit(self, frame: Frame | None) -> None:
        if frame is not None:
            self.spec.meter.frames += 1
            self._on_frame(frame)

    def _change_state(self, state: LinkState, text: str, *, is_held: bool = False) -> None:
        if state is self.state:
            return
        self.settle(with_line=False)
        self.state = state
        self._since_ns = time.monotonic_ns()
        now_ns = self._clock.at(self._since_ns)
        change = LinkChanged(now_ns, self.spec.link_id, self.spec.pump_id, state, text, self._is_lost_with_line)
        if is_held:
            self._held = change
        else:
            self._on_event(change)
