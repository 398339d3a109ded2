"""The connections of the gateway: how many there may be, and how long each may take for what it has begun.

A client that sends a byte now and then would else hold a connection for ever, and some hundred of them the gateway.
"""

import asyncio
import json
import logging
from collections import Counter
from http import HTTPStatus
from typing import Any

import h11
from typing_extensions import override
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from pumpwatch_gui.share.gateway.bodies import BODY_WITHIN_S
from pumpwatch_gui.share.gateway.refusals import Kind, Refusal, Refusals

server_log = logging.getLogger("pumpwatch.gateway.server")
server_log.setLevel(logging.ERROR)  # what a client does wrong is counted, it does not fill the log

MAX_CONNECTIONS, MAX_OF_ADDRESS = 256, 128
"""At once: in all, and of one address, so that one alone cannot lock the others out."""
HEAD_WITHIN_S = 10.0
"""From the connection, or the first byte of a further request, to the end of its head."""
REST_WITHIN_S = BODY_WITHIN_S + 2.0
"""From the end of a head to that of its body, also of one that no endpoint reads; those that do refuse it before."""
TAKEN_WITHIN_S = 30.0
"""A client that takes nothing of its response for so long is cut off."""


class Connections:
    """Counts them and makes their protocols. Only on the gateway's loop."""

    def __init__(self, refusals: Refusals) -> None:
        self.refusals = refusals
        self._by_address: Counter[str] = Counter()

    def protocol(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> asyncio.Protocol:
        """The protocol of a new connection, as uvicorn asks for it."""
        return _Connection(self, config, server_state, app_state, _loop)

    def enter(self, address: str) -> None:
        """Count a new one. Raises Refusal where there are too many; it is counted all the same, until `leave`."""
        self._by_address[address] += 1
        wait = {"Retry-After": "5"}
        if self._by_address[address] > MAX_OF_ADDRESS:
            text = f"more than {MAX_OF_ADDRESS} connections of one address"
            raise Refusal(429, Kind.CONNECTIONS, text, "use one connection for many requests", headers=wait)
        if self._by_address.total() > MAX_CONNECTIONS:
            raise Refusal(503, Kind.CONNECTIONS, f"more than {MAX_CONNECTIONS} connections", "try again", headers=wait)

    def leave(self, address: str) -> None:
        """One has ended."""
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


class _Connection(H11Protocol):
    """What h11 waits for is its state: IDLE, for a head; SEND_BODY, for the rest of a body; else for nothing."""

    def __init__(
        self,
        every: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self.logger = server_log
        self._every = every
        self._address = "an unknown address"
        self._waits_for: object = None
        self._deadline: asyncio.TimerHandle | None = None
        self._taken: asyncio.TimerHandle | None = None
        self._has_begun = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else self._address
        try:
            self._every.enter(self._address)
        except Refusal as refusal:
            self._refuse(refusal)
        else:
            self._watch()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._every.leave(self._address)
        for timer in (self._deadline, self._taken):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._watch()
        self._has_begun = True

    @override
    def send_400_response(self, msg: str) -> None:
        refusal = Refusal(400, Kind.MALFORMED, "the request is no HTTP")
        self._every.refusals.note(refusal, self._address)
        super().send_400_response(msg)

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()  # from here to the next byte its keep-alive time counts
        if self.conn.their_state is h11.IDLE:
            self._stop_waiting()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._taken = self.loop.call_later(TAKEN_WITHIN_S, self.transport.abort)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if self._taken is not None:
            self._taken.cancel()
            self._taken = None

    def _watch(self) -> None:
        """Set a time for what is waited for now, where that is something else than before."""
        state = self.conn.their_state
        if state is self._waits_for or self.transport.is_closing():
            return
        self._stop_waiting()
        within_s = {h11.IDLE: HEAD_WITHIN_S, h11.SEND_BODY: REST_WITHIN_S}.get(state)
        if within_s is not None:
            self._waits_for = state
            self._deadline = self.loop.call_later(within_s, self._too_slow)

    def _stop_waiting(self) -> None:
        self._waits_for, self._has_begun = None, False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        if self.transport.is_closing():
            return
        what = "head" if self._waits_for is h11.IDLE else "rest"
        text = f"the {what} of the request did not come in time"
        refusal = Refusal(408, Kind.TOO_SLOW, text, "send a request at once")
        if self._waits_for is h11.IDLE and self._has_begun:
            self._refuse(refusal)
            return
        if self._waits_for is not h11.IDLE:  # its response is on its way, or has been given
            self._every.refusals.note(refusal, self._address)
        self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        """Say it past h11, which has no request to respond to, and close."""
        self._every.refusals.note(refusal, self._address)
        body = json.dumps({"error": refusal.text, "advice": refusal.advice}).encode()
        lines = [f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}", "Content-Type: application/json",
                 f"Content-Length: {len(body)}", "Connection: close",
                 *(f"{name}: {value}" for name, value in refusal.headers.items())]  # fmt: skip
        self.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.transport.close()
