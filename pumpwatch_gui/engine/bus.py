"""The event bus: every event to the log, to the journal and to every subscriber; and the bell that new values ring."""

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.journal import journal_row

log = logging.getLogger("pumpwatch.engine")

C = TypeVar("C", bound=Callable[..., None])


class EventBus:
    """Delivers events on the thread that publishes them. Any thread.

    `keep` is called with every event that belongs in the journal.
    """

    def __init__(self, keep: Callable[[Event], None]) -> None:
        self._keep = keep
        self._subscribers = _Subscribers[Callable[[Event], None]]()

    def publish(self, event: Event, *, in_journal: bool = True) -> None:
        """Deliver an event. Not `in_journal`: its facts are in the journal already, by another event."""
        if in_journal:
            row = journal_row(event, 0)
            level = logging.WARNING if row.severity in ("WARNING", "ERROR") else logging.INFO
            log.log(level, "%s%s", f"{row.pump_id}: " if row.pump_id else "", row.text, extra={"event": event})
            self._keep(event)
        for deliver in self._subscribers.all:
            try:
                deliver(event)
            except Exception:  # a subscriber's bug must not end the loop that had something to say
                log.critical("a subscriber failed on %r", event, exc_info=True)

    def subscribe(self, on_event: Callable[[Event], None]) -> "BusSubscription":
        """Have every event delivered to `on_event` until the subscription is closed."""
        return self._subscribers.add(on_event)


class Bell:
    """Says that there are new values to sample, to whoever waits for them. Any thread."""

    def __init__(self) -> None:
        self._subscribers = _Subscribers[Callable[[], None]]()

    def ring(self) -> None:
        """There are new values."""
        for wake in self._subscribers.all:
            try:
                wake()
            except Exception:  # a subscriber's bug must not end the loop that has read the values
                log.critical("a subscriber failed on new values", exc_info=True)

    def subscribe(self, on_values: Callable[[], None]) -> "BusSubscription":
        """Have `on_values` called at each ring until the subscription is closed."""
        return self._subscribers.add(on_values)


class _Subscribers(Generic[C]):
    """Those who subscribe. `all` may be gone through while others come and go."""

    def __init__(self) -> None:
        self.all: tuple[C, ...] = ()
        self._lock = threading.Lock()

    def add(self, subscriber: C) -> "BusSubscription":
        with self._lock:
            self.all = (*self.all, subscriber)
        return BusSubscription(lambda: self._remove(subscriber))

    def _remove(self, subscriber: C) -> None:
        with self._lock:
            self.all = tuple(s for s in self.all if s is not subscriber)


class BusSubscription:
    """One subscriber's subscription."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def close(self) -> None:
        """End it."""
        self._end()
