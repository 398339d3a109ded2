"""Ways to open the wire of a Modbus link: a socket, TLS, a serial port; errors become faults in words.

pymodbus could open them, but would drop the system's reason, resolve names and open ports on the loop, and check no
host name.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.links.off_loop import off_loop
from pumpwatch_gui.acquire.links.serial_errors import PORT_ERRORS, not_opened
from pumpwatch_gui.acquire.modbus.tls import own_role, role_of, tls_context
from pumpwatch_gui.domain.links.config import ModbusRtuConfig, ModbusTlsConfig
from pumpwatch_gui.domain.values.quality import Reason

CONNECT_TIMEOUT_S = 1.0
TLS_TIMEOUT_S = 3.0
"""A handshake costs a small device some public-key work."""

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
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await _connect(self.host, self.port, factory)
        except OSError as error:
            raise _unreachable(self.where, self.host, error) from error

    def identity(self, transport: asyncio.Transport) -> str:
        """Nothing: plain Modbus proves nothing."""
        return ""

    def loss(self, error: Exception | None, *, responded: bool) -> str:
        """Words for the end of the connection."""
        return f"connection to {self.where} lost"


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
        name = self.config.server_name or self.config.host
        try:
            async with asyncio.timeout(TLS_TIMEOUT_S):
                return await _connect(self.config.host, self.config.port, factory, context, name)
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
            raise _unreachable(self.where, self.config.host, error) from error

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


async def _connect(
    host: str, port: int, factory: Factory, context: ssl.SSLContext | None = None, name: str | None = None
) -> asyncio.Transport:
    # create_connection would resolve the name in the loop's executor, whose threads are joined at exit: a name server
    # that does not respond would hold up the end of the program.
    address = await off_loop(_resolve, host, port)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(factory, address, port, ssl=context, server_hostname=name)
    return transport


def _resolve(host: str, port: int) -> str:
    """The first address of a host name. Raises OSError."""
    return str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])


def _open_port(loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol, config: ModbusRtuConfig):  # type: ignore[no-untyped-def]
    # pymodbus looks for "serial" among the loaded modules, and raises RuntimeError without it.
    import serial  # noqa: F401
    from pymodbus.transport.serialtransport import SerialTransport

    c = config
    return SerialTransport(loop, protocol, c.device, c.baud, 8, c.parity, c.stop_bits, CONNECT_TIMEOUT_S)


def _unreachable(where: str, host: str, error: OSError) -> LinkFault:
    advice = "check address, port, cable and that the device is switched on"
    if isinstance(error, socket.gaierror):
        why = f"the host name {host} does not resolve"
        advice = "check the spelling of the name and this computer's name server, or give the address in numbers"
    elif isinstance(error, TimeoutError) and not error.errno:  # asyncio's own, without an error number
        why = "no response"
    else:
        # getaddrinfo and Windows leave numbers that are no errno of this system: below 0, or none at all.
        why = (os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)).lower()
    return LinkFault(FaultKind.CONNECT, Reason.NO_COMMUNICATION, f"cannot connect to {where}: {why}", advice)
