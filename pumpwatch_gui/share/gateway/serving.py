"""The loop of the gateway: a server on a thread of its own, supervised like every other loop."""

import asyncio
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import uvicorn

from pumpwatch_gui.domain.commands import Order, Record
from pumpwatch_gui.domain.gateway import GatewaySettings
from pumpwatch_gui.domain.links.config import bare_host
from pumpwatch_gui.domain.links.inlet import Inlet
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.files.shipped import user_path
from pumpwatch_gui.share.gateway.admission import Admission
from pumpwatch_gui.share.gateway.app import Gateway
from pumpwatch_gui.share.gateway.connections import Connections
from pumpwatch_gui.share.gateway.refusals import Refusals
from pumpwatch_gui.share.gateway.stream import Streams
from pumpwatch_gui.share.keys import KeyFile

log = logging.getLogger("pumpwatch.gateway")

ACTOR = "Gateway"
LOOK_S = 0.1
USES_EVERY_S = 60.0
"""The last use of each key is written down so often, and at the end."""
MAX_HEAD = 16_384
"""Bytes of the head of a request; httptools, which is quicker, knows no bound."""
HANDSHAKE_WITHIN_S = 10.0
"""From the connection to the end of its TLS handshake, as long as a head may take; asyncio's own limit is a minute."""
IDLE_S, LAST_WORDS_S = 30, 2
"""An idle connection is closed after the first; at the end responses under way get the second."""


class GatewayLoop:
    """Serves a station until it is stopped. `run` on a thread of its own; `port` once it listens, else 0."""

    def __init__(
        self, station: Station, inlet: Inlet, home: Path, settings: GatewaySettings, folder: Path | None = None
    ) -> None:
        self.port = 0
        self._station, self._inlet, self._home = station, inlet, home
        self._settings, self._folder = settings, folder
        self._refusals = Refusals(self._note)

    def run(self, stop: threading.Event, alive: Callable[[], None]) -> None:
        """Serve until `stop`. Raises OSError when the port is taken or a certificate cannot be read."""
        asyncio.run(self._serve(stop, alive))

    async def _serve(self, stop: threading.Event, alive: Callable[[], None]) -> None:
        settings = self._settings
        keys = KeyFile(self._home)
        listening = _listen(bare_host(settings.host), settings.port)
        try:
            config = self._config(Gateway(
                self._station, self._inlet, Admission(keys, is_open=settings.is_open), self._refusals,
                streams := Streams(self._station), settings.origins,
            ))  # fmt: skip
            if settings.certificate:  # uvicorn has no setting of it; the loop is this gateway's own
                loop = asyncio.get_running_loop()
                within = partial(loop.create_server, ssl_handshake_timeout=HANDSHAKE_WITHIN_S)
                loop.create_server = within  # type: ignore[method-assign]
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            self.port = int(listening.getsockname()[1])
            log.info("the gateway listens at %s", settings.url)
            try:
                due_s = time.monotonic() + USES_EVERY_S
                while not (stop.is_set() or serving.done()):
                    alive()
                    await asyncio.sleep(LOOK_S)
                    if time.monotonic() >= due_s:
                        due_s = time.monotonic() + USES_EVERY_S
                        await asyncio.to_thread(keys.write_last_used)
            finally:
                streams.close()
                server.should_exit = True
                self.port = 0
                await serving
                keys.write_last_used()
        finally:
            listening.close()

    def _config(self, gateway: Gateway) -> uvicorn.Config:
        settings = self._settings
        config = uvicorn.Config(
            gateway.app, log_config=None, access_log=False, server_header=False, lifespan="off", ws="none",
            http=cast(type[asyncio.Protocol], Connections(self._refusals).protocol),
            h11_max_incomplete_event_size=MAX_HEAD, proxy_headers=False, timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=LAST_WORDS_S,
        )  # fmt: skip
        config.load()
        if settings.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(
                user_path(settings.certificate, self._folder), user_path(settings.key, self._folder)
            )
            config.ssl = context
        return config

    def _note(self, text: str) -> None:
        self._station.submit(Order(Record(text), ACTOR))


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError with the address in its text."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named: asyncio switches Nagle off only then, which else holds each response up by 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"{error.strerror or error}: the gateway cannot listen at {host}:{port}") from error
    return listening
