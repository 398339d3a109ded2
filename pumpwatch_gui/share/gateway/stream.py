"""The stream of server-sent events: values as they come, and what happens, to those who would else poll.

What happens has ids. Who connects again with the last one, as a browser does by itself, gets what happened meanwhile
from the journal, also when the program was started again. Values have none: the newest of each pump are sent first.
"""

import asyncio
import json
import logging
import time
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from typing_extensions import override

from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.journal import JournalRow, alarm_of, journal_row
from pumpwatch_gui.domain.ports import JournalQuery, Station
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.share.gateway.documents import JsonObject, alarm_document, iso, pump_document
from pumpwatch_gui.share.gateway.refusals import Kind, Refusal

log = logging.getLogger("pumpwatch.gateway")

MAX_READERS = 32
MAX_WAITING = 1000
"""A reader that takes none of so many events is cut off: it may connect again."""
LEAST_SPACING_S, KEEP_ALIVE_S = 0.1, 15.0
STORED_WITHIN_S = 1.5
"""What happened is in the journal so soon: it is committed once a second."""


@dataclass(frozen=True, slots=True, order=True)
class EventId:
    """Which event one is: when it happened (Unix ns), and which of those of that moment."""

    time_ns: int
    check: int

    @classmethod
    def parsed(cls, text: str) -> "EventId | None":
        """The id of a text, as a client sends it back; None where it is none."""
        when, _, check = text.partition("-")
        is_one = len(text) <= 40 and all(part.isascii() and part.isdigit() for part in (when, check))
        return cls(int(when), int(check)) if is_one and int(when) < 1 << 63 else None

    @classmethod
    def of(cls, row: JournalRow) -> "EventId":
        """The id of a line of the journal, the same before it is stored and after."""
        return cls(row.time_ns, zlib.crc32(f"{row.kind}\n{row.pump_id}\n{row.text}".encode()))

    @override
    def __str__(self) -> str:
        return f"{self.time_ns}-{self.check}"


@dataclass(eq=False)
class _Reader:
    allows: Callable[[str], bool]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    events: list[JournalRow] = field(default_factory=list)
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

    def open(self, allows: Callable[[str], bool], after: EventId | None = None) -> AsyncIterator[str]:
        """A stream of the pumps that may be seen, with what happened since `after`.

        Raises Refusal when there are too many readers.
        """
        if len(self._readers) >= MAX_READERS:
            raise Refusal(503, Kind.CONFLICT, f"{MAX_READERS} streams are read already", "close one that is not needed")
        reader = _Reader(allows)
        reader.wake.set()
        self._readers.add(reader)
        return self._run(reader, after)

    async def _run(self, reader: _Reader, after: EventId | None) -> AsyncIterator[str]:
        try:
            # The id alone is no event: it is what a reader to whom nothing has happened yet connects again with.
            yield "retry: 2000\n" + ("" if after else f"id: {EventId(time.time_ns(), 0)}\n") + "\n"
            if after is not None:
                for text in self._values(reader):
                    yield text
                await asyncio.sleep(STORED_WITHIN_S)  # from here on it waits in `reader.events`
                missed, is_whole = await run_in_threadpool(self._since, after, reader.allows)
                if not is_whole:
                    words = f"of what happened since {iso(after.time_ns)} the last {len(missed)} events are sent"
                    yield _message("gap", {"text": words})
                for row in missed:
                    yield _event_text(row)
                sent = {EventId.of(row) for row in missed}
                reader.events = [row for row in reader.events if EventId.of(row) not in sent]
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
                for row in events:
                    yield _event_text(row)
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

    def _since(self, after: EventId, allows: Callable[[str], bool]) -> tuple[list[JournalRow], bool]:
        """What happened to the pumps since an event, the oldest first, and whether that is all of it."""
        try:
            rows = self._station.history.journal(JournalQuery(), limit=MAX_WAITING)
        except PumpWatchError:  # its words may name files
            log.warning("what a reader of the stream missed cannot be read", exc_info=True)
            return [], False
        is_whole = len(rows) < MAX_WAITING or rows[-1].time_ns < after.time_ns
        rows = [row for row in reversed(rows) if row.time_ns >= after.time_ns and row.pump_id and allows(row.pump_id)]
        ids = [EventId.of(row) for row in rows]
        return rows[ids.index(after) + 1 :] if after in ids else rows, is_whole

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
        for reader in self._readers:
            if len(reader.events) < MAX_WAITING and reader.allows(row.pump_id):
                reader.events.append(row)
        self._wake()

    def _wake(self) -> None:
        for reader in self._readers:
            reader.wake.set()


def _event_text(row: JournalRow) -> str:
    document: JsonObject = {
        "timestamp": iso(row.time_ns), "kind": row.kind, "pump_id": row.pump_id, "severity": row.severity,
        "text": row.text,
    }  # fmt: skip
    alarm = alarm_of(row) if row.kind == "alarm" else None
    if alarm is not None:
        document["alarm"] = alarm_document(alarm)
    return f"id: {EventId.of(row)}\n" + _message("event" if alarm is None else "alarm", document)


def _message(name: str, document: JsonObject) -> str:
    return f"event: {name}\ndata: {json.dumps(document, ensure_ascii=False)}\n\n"
