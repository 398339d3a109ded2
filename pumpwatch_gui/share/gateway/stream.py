"""The stream of server-sent events: values as they come, and what happens, to those who would else poll."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from pumpwatch_gui.domain.events import AlarmChanged, Event
from pumpwatch_gui.domain.journal import JournalRow, journal_row
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.share.gateway.documents import JsonObject, alarm_document, iso, pump_document
from pumpwatch_gui.share.gateway.refusals import Kind, Refusal

MAX_READERS = 32
MAX_WAITING = 1000
"""A reader that takes none of so many events is cut off: it may connect again."""
LEAST_SPACING_S, KEEP_ALIVE_S = 0.1, 15.0


@dataclass(eq=False)
class _Reader:
    allows: Callable[[str], bool]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    events: list[str] = field(default_factory=list)
    seen: dict[str, Frame | None] = field(default_factory=dict)


class Streams:
    """The readers of the stream. Made and used on the gateway's loop; the station calls in from its own threads."""

    def __init__(self, station: Station) -> None:
        self._station, self._loop = station, asyncio.get_running_loop()
        self._readers: set[_Reader] = set()
        self._is_closed = False
        self._subscriptions = (station.subscribe(self._on_event), station.watch(self._on_values))

    @property
    def readers(self) -> int:
        """How many there are."""
        return len(self._readers)

    def close(self) -> None:
        """End every stream."""
        self._is_closed = True
        for subscription in self._subscriptions:
            subscription.close()
        for reader in self._readers:
            reader.wake.set()

    def open(self, allows: Callable[[str], bool]) -> AsyncIterator[str]:
        """A stream of the pumps that may be seen. Raises Refusal when there are too many readers."""
        if len(self._readers) >= MAX_READERS:
            raise Refusal(503, Kind.CONFLICT, f"{MAX_READERS} streams are read already", "close one that is not needed")
        reader = _Reader(allows)
        reader.wake.set()
        self._readers.add(reader)
        return self._run(reader)

    async def _run(self, reader: _Reader) -> AsyncIterator[str]:
        try:
            yield "retry: 2000\n\n"
            while not self._is_closed:
                try:
                    await asyncio.wait_for(reader.wake.wait(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield ": nothing new\n\n"
                    continue
                reader.wake.clear()
                events, reader.events = reader.events, []
                if len(events) >= MAX_WAITING:
                    return
                for text in events:
                    yield text
                for text in self._values(reader):
                    yield text
                await asyncio.sleep(LEAST_SPACING_S)
        finally:
            self._readers.discard(reader)

    def _values(self, reader: _Reader) -> list[str]:
        view, texts = self._station.latest(), []
        for pump in view.pumps:
            if reader.allows(pump.pump_id) and reader.seen.get(pump.pump_id) is not pump.frame:
                reader.seen[pump.pump_id] = pump.frame
                texts.append(_message("values", pump_document(pump, view.mono_ns)))
        return texts

    def _on_event(self, event: Event) -> None:
        if self._readers:
            self._loop.call_soon_threadsafe(self._hand_out, event)

    def _on_values(self) -> None:
        if self._readers:
            self._loop.call_soon_threadsafe(self._wake)

    def _hand_out(self, event: Event) -> None:
        row = journal_row(event, 0)
        if not row.pump_id:  # lines of the station itself may name files: they stay inside
            return
        text = _event_text(event, row)
        for reader in self._readers:
            if len(reader.events) < MAX_WAITING and reader.allows(row.pump_id):
                reader.events.append(text)
        self._wake()

    def _wake(self) -> None:
        for reader in self._readers:
            reader.wake.set()


def _event_text(event: Event, row: JournalRow) -> str:
    document: JsonObject = {
        "timestamp": iso(row.time_ns), "kind": row.kind, "pump_id": row.pump_id, "severity": row.severity,
        "text": row.text,
    }  # fmt: skip
    if isinstance(event, AlarmChanged):
        document["alarm"] = alarm_document(event.alarm)
    return _message("alarm" if isinstance(event, AlarmChanged) else "event", document)


def _message(name: str, document: JsonObject) -> str:
    return f"event: {name}\ndata: {json.dumps(document, ensure_ascii=False)}\n\n"
