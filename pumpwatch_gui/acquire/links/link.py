"""One link: its schedule, its state, and where its scans go."""

import time
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.links.assembly import Assembly, WallClock
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.domain.events import LinkChanged
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Reason

PROBE_S = 5.0
"""A silent unit on a shared line is requested only this often: at 2 Hz with a time-out of 0.3 s one dead unit takes
60 % of the line, every 5 s it takes 6 %."""
DEAD_AFTER = 2


class Link:
    """One link on a line. `due_s`: monotonic, of its next scan. All methods but `view` belong to the links thread."""

    def __init__(
        self,
        spec: LinkSpec,
        assembly: Assembly,
        clock: WallClock,
        *,
        on_frame: Callable[[Frame], None],
        on_event: Callable[[LinkChanged], None],
    ) -> None:
        self.spec = spec
        self.assembly = assembly
        self.due_s: float | None = None
        self.state = LinkState.CONNECTING
        self._clock = clock
        self._fault: LinkFault | None = None
        self._no_responses = 0
        self._probe_s = 0.0
        self._since_ns = time.monotonic_ns()
        self._last_good_ns = 0
        self._on_frame, self._on_event = on_frame, on_event

    def renamed(self, spec: LinkSpec, assembly: Assembly) -> "Link":
        """The same link of a pump that has another id now: state and counters go on."""
        self.spec, self.assembly = replace(spec, meter=self.spec.meter), assembly
        return self

    def scanned(self, readings: Readings) -> None:
        """A good scan."""
        now = time.monotonic_ns()
        self._no_responses = 0
        self._last_good_ns = now
        self._emit(self.assembly.scanned(self.spec.link_id, readings, now))
        if any(r.reason is Reason.FROZEN for r in readings.values()):
            self._change_state(LinkState.STALE, Reason.FROZEN.text)
        else:
            self._change_state(LinkState.ONLINE, "")

    def failed(self, fault: LinkFault, *, connected: bool) -> None:
        """A failed scan, or the loss of the line: it makes a frame too."""
        self._no_responses += fault.is_no_response or fault.kind is FaultKind.CONFIG
        self._probe_s = time.monotonic() + PROBE_S
        self.note(fault)
        self.spec.meter.count_fault(fault)
        self._emit(self.assembly.failed(self.spec.link_id, fault.reason, time.monotonic_ns()))
        self._change_state(LinkState.STALE if connected else LinkState.OFFLINE, fault.message)

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

    @property
    def is_responding(self) -> bool:
        """Whether the unit is not known to be silent."""
        return self._no_responses < DEAD_AFTER

    def is_backed_off(self, *, shared: bool) -> bool:
        """Whether it is not to be requested just now. `shared`: another unit on the line responds."""
        is_config = self._fault is not None and self._fault.kind is FaultKind.CONFIG
        is_dead = not self.is_responding and (shared or is_config)
        return is_dead and time.monotonic() < self._probe_s

    def reconnected(self) -> None:
        """The line is up again: what was known about the unit is void."""
        self.retry_now()
        self.spec.meter.reconnects += self._last_good_ns > 0

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
        )

    def _emit(self, frame: Frame | None) -> None:
        if frame is not None:
            self.spec.meter.frames += 1
            self._on_frame(frame)

    def _change_state(self, state: LinkState, text: str) -> None:
        if state is self.state:
            return
        self.state = state
        self._since_ns = time.monotonic_ns()
        now_ns = self._clock.at(self._since_ns)
        self._on_event(LinkChanged(now_ns, self.spec.link_id, self.spec.pump_id, state, text))
