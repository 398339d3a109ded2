"""The traffic of a link, for people to look at: kept only while somebody watches."""

import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from pumpwatch_gui.acquire.modbus.response import cut
from pumpwatch_gui.acquire.modbus.rtu import is_sealed

KEPT = 2000
"""Packets that are kept while nobody takes them; then the oldest are dropped and counted."""
_TABLES = {1: "coils", 2: "discrete inputs", 3: "holding registers", 4: "input registers"}


@dataclass(frozen=True, slots=True)
class Packet:
    """One piece of traffic as it went over the wire.

    `mono_ns` monotonic, `time_ns` Unix UTC nanoseconds; the link that was asking, whether it was sent by us, the bytes,
    and the driver that tells how to read them.
    """

    mono_ns: int
    time_ns: int
    link_id: str
    sent: bool
    content: bytes
    driver: str

    @property
    def hex(self) -> str:
        """The bytes as `01 03 00 00`."""
        return self.content.hex(" ")

    @property
    def text(self) -> str:
        """What it says, in one line."""
        if not self.driver.startswith("modbus"):
            return self.content.decode("ascii", "backslashreplace").strip()
        if self.driver in ("modbus-tcp", "modbus-tls"):
            adu, size, _ = cut(self.content)
            whole = (adu.unit, adu.pdu) if adu is not None and size == len(self.content) else None
        else:
            frame = self.content
            whole = (frame[0], frame[1:-2]) if is_sealed(frame) else None
        if whole is None:
            return f"{len(self.content)} bytes that are no whole frame"
        return f"unit {whole[0]}: " + _words(whole[1], sent=self.sent)


class Traffic:
    """What goes over one link from now on. `take` empties it; `close` ends the watching. Any thread."""

    def __init__(self, link_id: str, end: Callable[["Traffic"], None]) -> None:
        self.link_id = link_id
        self.dropped = 0
        self._end = end
        self._packets: deque[Packet] = deque(maxlen=KEPT)

    def take(self) -> list[Packet]:
        """What came since the last time, oldest first."""
        taken: list[Packet] = []
        while self._packets:
            taken.append(self._packets.popleft())
        return taken

    def offer(self, packet: Packet) -> None:
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


def packet_now(link_id: str, driver: str, sent: bool, content: bytes) -> Packet:
    """A packet that went just now."""
    return Packet(time.monotonic_ns(), time.time_ns(), link_id, sent, content, driver)


def _words(pdu: bytes, *, sent: bool) -> str:
    function, body = pdu[0], pdu[1:]
    if function & 0x80:
        return f"exception {body[0] if body else '?'} to function {function & 0x7F}"
    if function == 0x2B:
        return "who are you?" if sent else f"identification, {len(body)} bytes"
    if function not in _TABLES:
        return f"function {function}, {len(body)} bytes"
    if sent and len(body) == 4:
        address, count = struct.unpack(">HH", body)
        return f"read {count} {_TABLES[function]} from {address}"
    if not body or len(body) - 1 != body[0]:
        return f"{_TABLES[function]}: {len(body) - 1} bytes where {body[0] if body else '?'} were announced"
    if function < 3:
        return f"{_TABLES[function]}: " + "".join(f"{byte:08b}"[::-1] for byte in body[1:])
    return f"{_TABLES[function]}: " + " ".join(str(int.from_bytes(body[i : i + 2])) for i in range(1, len(body), 2))
