"""Ways to open the wire of a Modbus link: a socket, TLS, a serial port; errors become faults in words.

pymodbus could open them, but would drop the system's reason, resolve names and open ports on the loop, and check no
host name.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, cast

from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.links.off_loop import off_loop
from pumpwatch_gui.acquire.links.serial_errors import PORT_ERRORS, not_opened
from pumpwatch_gui.acquire.modbus.wire.dialling import dial, over_socket, unreachable
from pumpwatch_gui.acquire.modbus.wire.redial import RedialTransport
from pumpwatch_gui.acquire.modbus.wire.tls import own_role, role_of, tls_context
from pumpwatch_gui.domain.links.config import ModbusRtuConfig, ModbusTlsConfig, bare_host
from pumpwatch_gui.domain.values.quality import Reason

CONNECT_TIMEOUT_S = 1.0
TLS_TIMEOUT_S = 3.0
"""A handshake costs a small device some public-key work."""

POLL_S = 0.0005
"""How often a serial port is looked at where the system does not report that bytes are there (Windows)."""

Factory = Callable[[], asyncio.BaseProtocol]


class Wire(Protocol):
    """One way to a device. `where` names it for people."""

    @property
    def where(self) -> str:
        """The place, as in messages."""

    async def open(self, factory: Factory) -> asyncio.Transport:
        """Open it. Raises LinkFault with the system's reason, InputError when a file it needs is wrong."""

    def identity(self, transport: asyncio.Transport) -> str:
        """What the other end has proved of itself, "" for nothing."""

    def loss(self, error: Exception | None, *, responded: bool) -> str:
        """Words for the end of the connection; `responded`: whether it ever brought a response."""


@dataclass(frozen=True, slots=True)
class TcpWire:
    """A TCP connection."""

    host: str
    port: int

    @property
    def where(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    async def open(self, factory: Factory) -> asyncio.Transport:
        """Connect within a second. Raises LinkFault."""
        return await RedialTransport(self._dial, cast(asyncio.Protocol, factory())).open()

    async def _dial(self, leg: Callable[[], asyncio.Protocol]) -> asyncio.Transport:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await over_socket(await dial(self.host, self.port, self.where), leg)
        except OSError as error:
            raise unreachable(self.where, self.host, error) from error

    def identity(self, transport: asyncio.Transport) -> str:
        """Nothing: plain Modbus proves nothing."""
        return ""

    def loss(self, error: Exception | None, *, responded: bool) -> str:
        """Words for the end of the connection."""
        return error.message if isinstance(error, LinkFault) else f"connection to {self.where} lost"


@dataclass(frozen=True, slots=True)
class TlsWire:
    """A TCP connection inside TLS, with certificates on both sides."""

    config: ModbusTlsConfig
    base_dir: Path | None

    @property
    def where(self) -> str:
        """Host and port."""
        return f"{self.config.host}:{self.config.port}"

    async def open(self, factory: Factory) -> asyncio.Transport:
        """Connect and shake hands. Raises LinkFault (kind CERTIFICATE when either side refused), InputError."""
        context = await off_loop(tls_context, self.config, self.base_dir)
        return await RedialTransport(partial(self._dial, context), cast(asyncio.Protocol, factory())).open()

    async def _dial(self, context: ssl.SSLContext, leg: Callable[[], asyncio.Protocol]) -> asyncio.Transport:
        config = self.config
        name = config.server_name or bare_host(config.host)
        try:
            async with asyncio.timeout(TLS_TIMEOUT_S):
                return await over_socket(await dial(config.host, config.port, self.where), leg, context, name)
        except ssl.SSLCertVerificationError as error:
            text = f"certificate of {self.where} refused: {error.verify_message or error.reason}"
            advice = "check the plant's authority file, the device's certificate, its name in it, and both clocks"
            raise LinkFault(FaultKind.CERTIFICATE, Reason.NO_COMMUNICATION, text, advice) from error
        # Order matters: SSLError and the connection errors are OSErrors too. With TLS 1.2 a device that refuses our
        # certificate may reset the connection during the handshake instead of sending an alert.
        except (ssl.SSLError, ConnectionResetError, ConnectionAbortedError) as error:
            text = self.loss(error, responded=False)
            raise LinkFault(FaultKind.CERTIFICATE, Reason.NO_COMMUNICATION, text, _OWN_ADVICE) from error
        except OSError as error:
            raise unreachable(self.where, config.host, error) from error

    def identity(self, transport: asyncio.Transport) -> str:
        """TLS version and the roles in both certificates."""
        session = transport.get_extra_info("ssl_object")
        peer = role_of(session.getpeercert(binary_form=True) or b"")
        own = own_role(self.config, self.base_dir)
        return f"{session.version()}, device's role {peer or 'none'}, our role {own or 'none'}"

    def loss(self, error: Exception | None, *, responded: bool) -> str:
        """Words for the end of the connection.

        With TLS 1.3 the client's handshake is over before the device has seen our certificate: that it was refused
        shows only here, as the end of a connection that had opened without error.
        """
        if isinstance(error, LinkFault):
            return error.message
        if isinstance(error, ssl.SSLError):
            reason = (error.reason or str(error)).replace("_", " ").lower()
            is_ours = "certificate" in reason or "unknown ca" in reason
            kind = "our certificate was refused" if is_ours else "TLS was refused"
            return f"{kind} by {self.where}: {reason}"
        if not responded:  # some devices hang up without the alert that would give the reason
            return f"{self.where} hung up before its first response: our certificate was refused, it seems"
        return f"connection to {self.where} lost"


@dataclass(frozen=True, slots=True)
class SerialWire:
    """A serial port, opened exclusively."""

    config: ModbusRtuConfig

    @property
    def where(self) -> str:
        """The device."""
        return self.config.device

    async def open(self, factory: Factory) -> asyncio.Transport:
        """Open the port. Raises LinkFault."""
        try:
            # Off the loop: opening a port may take seconds where a driver waits for its USB device.
            transport = await off_loop(_open_port, asyncio.get_running_loop(), factory(), self.config)
        except PORT_ERRORS as error:
            raise not_opened(self.where, error) from error
        transport.setup()
        return cast(asyncio.Transport, transport)

    def identity(self, transport: asyncio.Transport) -> str:
        """Nothing: plain Modbus proves nothing."""
        return ""

    def loss(self, error: Exception | None, *, responded: bool) -> str:
        """Words for the end of the connection."""
        return f"{self.where} is gone: unplugged?"


_OWN_ADVICE = "the device must trust the authority that signed our certificate, and may require a role in it"


def _open_port(loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol, config: ModbusRtuConfig):  # type: ignore[no-untyped-def]
    # pymodbus looks for "serial" among the loaded modules, and raises RuntimeError without it.
    import serial
    from pymodbus.transport.serialtransport import SerialTransport

    class Transport(SerialTransport):
        """On a port that we opened: pymodbus' own keeps it, locked, when a set-up call after the opening fails."""

        def __init__(self, port: serial.Serial) -> None:
            asyncio.Transport.__init__(self)
            self.async_loop, self.intern_protocol, self.sync_serial = loop, protocol, port
            self.intern_write_buffer: list[bytes] = []
            self.poll_task = None
            self._poll_wait_time = POLL_S

    port = serial.serial_for_url(config.device, do_not_open=True, exclusive=True, timeout=0, write_timeout=0)
    try:
        port.baudrate, port.parity, port.stopbits = config.baud, config.parity, config.stop_bits
        port.open()
        return Transport(port)
    except BaseException:
        with suppress(*PORT_ERRORS):
            port.close()
        raise
