"""Posts at a fixed pace over kept connections, as so many devices, and how long each response took."""

import json
import socket
import time
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector

import numpy as np
from numpy.typing import NDArray

BODY = json.dumps(
    {
        "Motor_RPM": 1480, "Bearing_Temperature_C": 72.5, "Oil_Pressure_bar": 4.2, "Vibration_mm_s": 2.8,
        "Flow_Rate_L_min": 145.3, "Suction_Pressure_bar": 1.8, "Discharge_Pressure_bar": 6.5, "Motor_Current_A": 28.4,
        "Casing_Temperature_C": 58.2, "Ambient_Temperature_C": 25.1,
    }
).encode()  # fmt: skip
"""The example of the original system."""


@dataclass(frozen=True, slots=True, eq=False)
class Posted:
    """What came of it: `took_ms` (m,) of each response, `accepted` of `sent` posts within `seconds`."""

    took_ms: NDArray[np.float64]
    sent: int
    accepted: int
    seconds: float

    def ms(self, percentile: float) -> float:
        """A percentile of the responses, in milliseconds."""
        return float(np.percentile(self.took_ms, percentile))

    @property
    def accepted_percent(self) -> float:
        """How many of the posts were accepted."""
        return 100.0 * self.accepted / max(self.sent, 1)


def post_at(port: int, keys: list[str], *, per_s: float, seconds: float) -> Posted:
    """Post at that pace, one connection a key in turn; a connection whose response is late misses its turn."""
    selector, waiting = DefaultSelector(), dict[socket.socket, float]()
    links = [socket.create_connection(("127.0.0.1", port), 5.0) for _ in keys]
    for link in links:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(link, EVENT_READ)
    requests, by_number = [_request(key) for key in keys], {link.fileno(): link for link in links}
    took, accepted, sent, began = list[float](), 0, 0, time.perf_counter()
    try:
        while (now := time.perf_counter()) < began + seconds or waiting:
            due = min(int((now - began) * per_s), int(seconds * per_s))
            if sent < due:
                number = sent % len(links)
                sent += 1
                if links[number] not in waiting:
                    waiting[links[number]] = time.perf_counter()
                    links[number].sendall(requests[number])
            if now > began + seconds + 5:
                break
            for ready, _ in selector.select(0 if sent < due else 0.0005):
                link = by_number[ready.fd]
                text = link.recv(65_536)
                accepted += text.startswith(b"HTTP/1.1 202")
                if link in waiting and text.endswith(b"}"):  # head and body may come apart
                    took.append(1e3 * (time.perf_counter() - waiting.pop(link)))
    finally:
        selector.close()
        for link in links:
            link.close()
    return Posted(np.array(took or [np.nan]), sent, accepted, time.perf_counter() - began)


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether a server is there by now, on loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


def _request(key: str) -> bytes:
    head = f"POST /api/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-API-Key: {key}\r\n"
    return f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
