"""A gateway in plain asyncio with many units behind one port, some of them silent; and hosts that are switched off."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

REQUEST = struct.Struct(">HHHBBHH")


class Gateway:
    """`with Gateway() as g:` serves at `g.port`. One request after the other takes `takes_s`, as on a line behind it.

    Register a of unit u holds `100 * u + a`. Units in `silent` give no response; `is_mute`: none does. With
    `mute_after_s` a connection that was idle for so long is forgotten without a word, as by a firewall. `on_request` is
    called with the unit of each request, on the thread of the gateway.
    """

    def __init__(self, *, takes_s: float = 0.005, mute_after_s: float = float("inf")) -> None:
        self.silent: frozenset[int] = frozenset()
        self.is_mute = False
        self.connections = 0
        self.requests: list[tuple[float, int]] = []
        self.on_request: Callable[[int], None] = lambda unit: None
        self.port = 0
        self._takes_s, self._mute_after_s = takes_s, mute_after_s
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def __enter__(self) -> "Gateway":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def asked(self, unit: int) -> list[float]:
        """When a unit was requested (the loop's monotonic clock)."""
        return [at_s for at_s, u in tuple(self.requests) if u == unit]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        self._stop, self._line = asyncio.Event(), asyncio.Lock()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.wait((task,))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        used_s = self._loop.time()
        try:
            while True:
                request = await reader.readexactly(REQUEST.size)
                now_s = self._loop.time()
                if now_s - used_s > self._mute_after_s:
                    await self._stop.wait()
                used_s = now_s
                transaction, _, _, unit, function, address, count = REQUEST.unpack(request)
                self.requests.append((now_s, unit))
                self.on_request(self.requests[-1][1])
                if self.is_mute or unit in self.silent:
                    continue
                async with self._line:
                    await asyncio.sleep(self._takes_s)
                values = struct.pack(f">{count}H", *(100 * unit + address + i for i in range(count)))
                pdu = bytes((function, len(values))) + values
                writer.write(struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@contextmanager
def dead_hosts(count: int) -> Iterator[list[int]]:
    """Ports that take no connection and refuse none, as a host that is switched off: their queue of one is full."""
    with ExitStack() as stack:
        ports = []
        for _ in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            ports.append(listener.getsockname()[1])
            for _ in range(2):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
        yield ports
