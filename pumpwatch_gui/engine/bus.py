"""The event bus: every event to the log, to the journal and to every subscriber."""

import logging
import threading
from collections.abc import Callable

from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.journal import journal_row

log = logging.getLogger("pumpwatch.engine")


class EventBus:
    """Delivers events on the thread that publishes them. Any thread.

    `keep` is called with every event that belongs in the journal.
    """

    def __init__(self, keep: Callable[[Event], None]) -> None:
        self._keep = keep
        self._subscribers: tuple[Callable[[Event], None], ...] = ()
        self._lock = threading.Lock()

    def publish(self, event: Event, *, in_journal: bool = True) -> None:
        """Deliver an event. Not `in_journal`: its facts are in the journal already, by another event."""
        if in_journal:
            row = journal_row(event, 0)
            level = logging.WARNING if row.severity in ("WARNING", "ERROR") else logging.INFO
            log.log(level, "%s%s", f"{row.pump_id}: " if row.pump_id else "", row.text, extra={"event": event})
            self._keep(event)
        for deliver in self._subscribers:
            try:
                deliver(event)
            except Exception:  # a subscriber's bug must not end the loop that had something to say
                log.critical("a subscriber failed on %r", event, exc_info=True)

    def subscribe(self, on_event: Callable[[Event], None]) -> "BusSubscription":
        """Have every event delivered to `on_event` until the subscription is closed."""
        with self._lock:
            self._subscribers = (*self._subscribers, on_event)
        return BusSubscription(self, on_event)

    def unsubscribe(self, on_event: Callable[[Event], None]) -> None:
        """Stop delivering to `on_event`."""
        with self._lock:
            self._subscribers = tuple(s for s in self._subscribers if s is not on_event)


class BusSubscription:
    """One subscriber's subscription."""

    def __init__(self, bus: EventBus, on_event: Callable[[Event], None]) -> None:
        self._bus, self._on_event = bus, on_event

    def close(self) -> None:
        """End it."""
        self._bus.unsubscribe(self._on_event)
