"""The traffic of a link, for people to read: kept only while it is watched."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

KEPT = 2000
"""Packets that are kept while none are taken; then the oldest are dropped and counted."""


@dataclass(frozen=True, slots=True)
class TrafficPacket:
    """One piece of traffic as it went over the wire.

    `mono_ns` monotonic, `time_ns` Unix UTC nanoseconds; the link that was being scanned, whether we sent it, the
    bytes, and the driver's function that puts them into words.
    """

    mono_ns: int
    time_ns: int
    link_id: str
    sent: bool
    content: bytes
    describe: Callable[[bool, bytes], str]

    @property
    def hex(self) -> str:
        """The bytes as `01 03 00 00`."""
        return self.content.hex(" ")

    @property
    def text(self) -> str:
        """The content in one line."""
        return self.describe(self.sent, self.content)


class Traffic:
    """What goes over one link from now on. `take` empties it; `close` ends the watching. Any thread."""

    def __init__(self, link_id: str, end: Callable[["Traffic"], None]) -> None:
        self.link_id = link_id
        self.dropped = 0
        self._end = end
        self._packets: deque[TrafficPacket] = deque(maxlen=KEPT)

    def take(self) -> list[TrafficPacket]:
        """What came since the last time, oldest first."""
        taken: list[TrafficPacket] = []
        while self._packets:
            taken.append(self._packets.popleft())
        return taken

    def offer(self, packet: TrafficPacket) -> None:
        """Keep a packet (links thread)."""
        self.dropped += len(self._packets) == KEPT
        self._packets.append(packet)

    def close(self) -> None:
        """Watch no longer."""
        self._end(self)

    def __enter__(self) -> "Traffic":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def packet_now(link_id: str, describe: Callable[[bool, bytes], str], sent: bool, content: bytes) -> TrafficPacket:
    """A packet that went just now."""
    return TrafficPacket(time.monotonic_ns(), time.time_ns(), link_id, sent, content, describe)
