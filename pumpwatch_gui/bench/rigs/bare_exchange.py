"""The requests of a station without a station: asyncio and the system alone, no check, no frame, no value.

What the links thread takes is to be compared with it: both swing with the machine.
"""

import asyncio
import struct
import time
from collections.abc import Sequence

from typing_extensions import override

TIMEOUT_S = 0.5
READ_10_REGISTERS = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, 10)


def bare_exchange_cores(ports: Sequence[int], *, period_s: float, seconds: float) -> float:
    """The CPU (cores) of one thread that reads ten registers of each port once a period."""
    began_s = time.thread_time()
    asyncio.run(_exchange_all(ports, period_s, time.monotonic() + seconds))
    return (time.thread_time() - began_s) / seconds


async def _exchange_all(ports: Sequence[int], period_s: float, until_s: float) -> None:
    first_s = time.monotonic()
    phases_s = (period_s * n / len(ports) for n in range(len(ports)))
    await asyncio.gather(*(_exchange(p, first_s + s, period_s, until_s) for p, s in zip(ports, phases_s, strict=True)))


async def _exchange(port: int, due_s: float, period_s: float, until_s: float) -> None:
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_connection(_Client, "127.0.0.1", port)
    while due_s < until_s:
        await asyncio.sleep(due_s - time.monotonic())
        due_s += period_s
        client.response = loop.create_future()
        timeout = loop.call_later(TIMEOUT_S, client.response.cancel)
        transport.write(READ_10_REGISTERS)
        await client.response
        timeout.cancel()
    transport.close()


class _Client(asyncio.Protocol):
    def __init__(self) -> None:
        self.response: asyncio.Future[bytes] | None = None

    @override
    def data_received(self, data: bytes) -> None:
        if self.response is not None and not self.response.done():
            self.response.set_result(data)
