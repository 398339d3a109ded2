"""One link: its beat, its state, and where its scans go."""

import time
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.links.assembly import Assembly, WallClock
from pumpwatch_gui.acquire.links.meter import LinkFault
from pumpwatch_gui.domain.events import LinkChanged
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Reason

PROBE_S = 5.0
"""A unit that does not answer on a shared line is asked only this often, so that it costs the others little."""
DEAD_AFTER = 2
NOBODY_THERE = (10, 11)
"""Exceptions by which a gateway says that the unit behind it does not answer."""


class Link:
    """One link on a line. All its methods but `view` belong to the links thread."""

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
        self._unanswered = 0
        self._probe_s = 0.0
        self._since_ns = time.monotonic_ns()
        self._last_good_ns = 0
        self._on_frame, self._on_event = on_frame, on_event

    def renamed(self, spec: LinkSpec, assembly: Assembly) -> "Link":
        """The same link of a pump that has another id now: state and counters go on."""
        self.spec, self.assembly = replace(spec, meter=self.spec.meter), assembly
        return self

    def answered(self, readings: Readings) -> None:
        """A good scan."""
        now = time.monotonic_ns()
        self._unanswered = 0
        self._last_good_ns = now
        self._emit(self.assembly.scanned(self.spec.link_id, readings, now))
        if any(r.reason is Reason.FROZEN for r in readings.values()):
            self._go(LinkState.STALE, Reason.FROZEN.text)
        else:
            self._go(LinkState.ONLINE, "")

    def failed(self, fault: LinkFault, *, connected: bool) -> None:
        """A failed scan, or the loss of the line: a frame all the same."""
        self._unanswered += fault.kind in ("timeout", "config") or fault.code in NOBODY_THERE
        self._probe_s = time.monotonic() + PROBE_S
        self.note(fault)
        self.spec.meter.faulted(fault)
        self._emit(self.assembly.failed(self.spec.link_id, fault.reason, time.monotonic_ns()))
        self._go(LinkState.STALE if connected else LinkState.OFFLINE, fault.message)

    def note(self, fault: LinkFault) -> None:
        """Keep a fault's words and reason without counting it."""
        self._fault = fault
        self.spec.meter.last_error, self.spec.meter.last_advice = fault.message, fault.advice

    def rest(self) -> None:
        """A beat without a request: the unit is dead or the line is down. Before the first fault it says nothing."""
        if self._fault is not None:
            self._emit(self.assembly.failed(self.spec.link_id, self._fault.reason, time.monotonic_ns()))

    @property
    def is_answering(self) -> bool:
        """Whether the unit is not known to be dead."""
        return self._unanswered < DEAD_AFTER

    def rests(self, *, shared: bool) -> bool:
        """Whether it had better not be asked just now. `shared`: another unit on the line answers."""
        is_dead = self._unanswered >= DEAD_AFTER and (shared or self._is_misconfigured)
        return is_dead and time.monotonic() < self._probe_s

    def revive(self) -> None:
        """The line is up again: all that was known about the unit is void."""
        self._unanswered = 0
        self.spec.meter.reconnects += self._last_good_ns > 0

    def call_on(self) -> None:
        """Ask it at its next beat, however long it has been silent: a line that was dead as a whole is back."""
        self._unanswered = 0

    def view(self) -> LinkView:
        """The link as others see it. Any thread."""
        meter, spec = self.spec.meter, self.spec
        p50, p95 = meter.answer_ms()
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
            timeouts=meter.faults["timeout"],
            refused_answers=meter.faults["refused"],
            wrong_length=meter.faults["length"],
            crc_errors=meter.faults["crc"],
            late_answers=meter.late_answers,
            exceptions=MappingProxyType(dict(meter.exceptions)),
            reconnects=meter.reconnects,
            missed_scans=meter.missed_scans,
            frames=meter.frames,
            answer_p50_ms=p50,
            answer_p95_ms=p95,
            last_error=meter.last_error,
            last_advice=meter.last_advice,
            identity=meter.identity,
        )

    @property
    def _is_misconfigured(self) -> bool:
        return self._fault is not None and self._fault.kind == "config"

    def _emit(self, frame: Frame | None) -> None:
        if frame is not None:
            self.spec.meter.frames += 1
            self._on_frame(frame)

    def _go(self, state: LinkState, text: str) -> None:
        if state is self.state:
            return
        self.state = state
        self._since_ns = time.monotonic_ns()
        now_ns = self._clock.at(self._since_ns)
        self._on_event(LinkChanged(now_ns, self.spec.link_id, self.spec.pump_id, state, text))
