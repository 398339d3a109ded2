"""A station that is only its history: the end of it is now, nothing runs, nothing can be changed."""

import threading
from collections.abc import Callable, Mapping
from math import nan
from pathlib import Path

import numpy as np

from pumpwatch_gui.domain.commands import Order, OrderId
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import Event, OrderDone
from pumpwatch_gui.domain.ports import Capability, Historian, JournalQuery, LinkBrowser, Subscription
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.station import EngineStats, PumpView, RunState, StationView
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.domain.values.trace import Trace, TraceRing
from pumpwatch_gui.domain.wording import minute
from pumpwatch_gui.engine.bus import Bell, EventBus
from pumpwatch_gui.store.copying import span_of
from pumpwatch_gui.store.query.history import History

REFUSED = "this is a review of a history: nothing can be changed"
_MONO_NS = 1
"""The clock of a review does not run."""


class ReviewedStation:
    """The history in `database` with the site that it is of. Keeps the Station port; `source` is how it is named.

    Nothing is written where the database lies. Its view holds the alarms that were open at the end, and no values.
    Raises StoreError when the database cannot be read.
    """

    def __init__(self, site: Site, database: Path, *, source: str) -> None:
        self._site = site
        self._history = History(database, untouched=True)
        self._bus = EventBus(keep=lambda _: None)
        self._view = self._last_view(source, database)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Nothing but being looked at."""
        return frozenset()

    @property
    def history(self) -> Historian:
        """The history under review."""
        return self._history

    @property
    def links(self) -> LinkBrowser:
        """Raises InputError: there are none."""
        raise InputError("a review has no links", "connect to the station itself")

    def site(self) -> Site:
        """The site that the history is of."""
        return self._site

    def latest(self) -> StationView:
        """The end of the history, always the same."""
        return self._view

    def trace(self, pump_id: str, since_s: float = 0.0) -> Trace:
        """No frames: all there is comes from the history. Raises KeyError."""
        many = len(self._view.pump(pump_id).profile.quantities)
        return TraceRing(many, capacity=1).copy()

    def subscribe(self, on_event: Callable[[Event], None]) -> Subscription:
        """Have the refusals of orders delivered; nothing else happens."""
        return self._bus.subscribe(on_event)

    def watch(self, on_values: Callable[[], None]) -> Subscription:
        """Nothing new ever comes."""
        return Bell().subscribe(on_values)

    def submit(self, order: Order) -> OrderId:
        """Refuse an order."""
        now_ns = self._view.time_ns
        outcome = OrderDone(now_ns, order.id, order.name, False, REFUSED, order.actor, order.pump_id)
        self._bus.publish(outcome, in_journal=False)
        return order.id

    def loops(self) -> Mapping[str, Callable[[threading.Event], None]]:
        """None: nothing runs."""
        return {}

    def _last_view(self, source: str, database: Path) -> StationView:
        span, last = span_of(database, untouched=True), self._history.journal(JournalQuery(), limit=1)
        end_ns = max(span.last_ns, *(row.time_ns for row in last), 0)
        open_then = sorted(self._history.open_alarms(), key=lambda alarm: (alarm.priority, -alarm.raised_ns))
        alarms, hidden = (tuple(a for a in open_then if a.state.is_hidden is is_hidden) for is_hidden in (False, True))
        pumps = tuple(
            PumpView(p.pump_id, p.name, p.profile, RunState.NO_DATA, _no_values(p, end_ns), None, None, nan, (),
                     tuple(a for a in alarms if a.pump_id == p.pump_id), 3.0)
            for p in self._site.pumps
        )  # fmt: skip
        readings = f"readings from {minute(span.first_ns)} to {minute(span.last_ns)}" if span.last_ns else "no readings"
        words = f"{source}, {readings}"
        work = tuple(self._history.maintenance())
        return StationView(self._site.name, end_ns, _MONO_NS, pumps, alarms, EngineStats(),
                           hidden_alarms=hidden, maintenance=work, reviewed=words)  # fmt: skip


def _no_values(pump: PumpSettings, end_ns: int) -> Frame:
    """A frame that says of every quantity why there is no value."""
    many = len(pump.profile.quantities)
    quality, reason = (np.full(many, code, np.uint8) for code in (Quality.BAD, Reason.NOT_LIVE))
    return Frame(pump.pump_id, 0, end_ns, _MONO_NS, np.full(many, nan), quality, reason)
