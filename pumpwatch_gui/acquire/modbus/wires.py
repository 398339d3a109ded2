"""Ways to open the wire of a Modbus link: a socket, TLS, a serial port; failures are told in words.

pymodbus could open them, but would swallow the system's reason, resolve names and open ports on the loop, and check no
host name.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from pumpwatch_gui.acquire.links.meter import LinkFault
from pumpwatch_gui.acquire.links.off_loop import off_loop
from pumpwatch_gui.acquire.modbus.tls import own_role, role_of, tls_context
from pumpwatch_gui.acquire.text.serial_port import TERMINAL_ERROR
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
        """Who has proved to be at the other end, "" when nobody has."""

    def loss(self, error: Exception | None, *, answered: bool) -> str:
        """Words for the end of the connection; `answered`: whether it ever brought an answer."""


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
        """Nothing: anybody may answer."""
        return ""

    def loss(self, error: Exception | None, *, answered: bool) -> str:
        """Words for the end of the connection; `answered`: whether it ever brought an answer."""
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
        """Connect and shake hands. Raises LinkFault (kind `certificate` when either side refused), InputError."""
        context = await off_loop(tls_context, self.config, self.base_dir)
        name = self.config.server_name or self.config.host
        try:
            async with asyncio.timeout(TLS_TIMEOUT_S):
                return await _connect(self.config.host, self.config.port, factory, context, name)
        except ssl.SSLCertVerificationError as error:
            text = f"certificate of {self.where} refused: {error.verify_message or error.reason}"
            advice = "check the plant's authority file, the device's certificate, its name in it, and both clocks"
            raise LinkFault("certificate", Reason.NO_COMMUNICATION, text, advice) from error
        except ssl.SSLError as error:
            raise LinkFault("certificate", Reason.NO_COMMUNICATION, self.loss(error, answered=False), _OUR) from error
        except (ConnectionResetError, ConnectionAbortedError) as error:
            words = self.loss(error, answered=False)
            raise LinkFault("certificate", Reason.NO_COMMUNICATION, words, _OUR) from error
        except OSError as error:
            raise _unreachable(self.where, self.config.host, error) from error

    def identity(self, transport: asyncio.Transport) -> str:
        """TLS version and the roles in both certificates."""
        session = transport.get_extra_info("ssl_object")
        peer = role_of(session.getpeercert(binary_form=True) or b"")
        own = own_role(self.config, self.base_dir)
        return f"{session.version()}, device's role {peer or 'none'}, our role {own or 'none'}"

    def loss(self, error: Exception | None, *, answered: bool) -> str:
        """Words for the end of the connection; with TLS 1.3 a refused certificate shows only here."""
        if isinstance(error, ssl.SSLError):
            reason = (error.reason or str(error)).replace("_", " ").lower()
            told = "certificate" in reason or "unknown ca" in reason
            kind = "our certificate was refused" if told else "TLS was refused"
            return f"{kind} by {self.where}: {reason}"
        if not answered:  # some devices hang up without the alert that would tell
            return f"{self.where} hung up before its first answer: our certificate was refused, it seems"
        return f"connection to {self.where} lost"


@dataclass(frozen=True, slots=True)
class SerialWire:
    """A serial port, for us alone."""

    config: ModbusRtuConfig

    @property
    def where(self) -> str:
        """The device."""
        return self.config.device

    async def open(self, factory: Factory) -> asyncio.Transport:
        """Open the port. Raises LinkFault."""
        try:
            transport = await off_loop(_open_port, asyncio.get_running_loop(), factory(), self.config)
        except (OSError, TERMINAL_ERROR, ValueError) as error:
            number = error.errno if isinstance(error, OSError) else None
            why, advice = _PORT_TROUBLE.get(number or 0, (str(error), "choose another port or other settings"))
            raise LinkFault("connect", Reason.NO_COMMUNICATION, f"cannot open {self.where}: {why}", advice) from error
        transport.setup()
        return cast(asyncio.Transport, transport)

    def identity(self, transport: asyncio.Transport) -> str:
        """Nothing: anybody may answer."""
        return ""

    def loss(self, error: Exception | None, *, answered: bool) -> str:
        """Words for the end of the connection; `answered`: whether it ever brought an answer."""
        return f"{self.where} is gone: unplugged?"


_OUR = "the device must trust the authority that signed our certificate, and may ask for a role in it"
_PORT_TROUBLE = {
    errno.EACCES: ("no permission", "add yourself to the group dialout (sudo usermod -aG dialout $USER), log in again"),
    errno.EPERM: ("no permission", "add yourself to the group dialout (sudo usermod -aG dialout $USER), log in again"),
    errno.ENOENT: ("there is no such device", "is the adapter plugged in? choose its port from the list"),
    errno.EAGAIN: ("another program uses it", "end that program, or give it another port"),
    errno.EBUSY: ("another program uses it", "end that program, or give it another port"),
    errno.ENOTTY: ("this is no serial port", "choose a port from the list"),
    errno.EIO: ("the port does not work", "unplug the adapter and plug it in again"),
}


async def _connect(
    host: str, port: int, factory: Factory, context: ssl.SSLContext | None = None, name: str | None = None
) -> asyncio.Transport:
    # Resolved aside: a name server that does not answer must hold up neither the loop nor the end of the program.
    address = await off_loop(_resolve, host, port)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(factory, address, port, ssl=context, server_hostname=name)
    return transport


def _resolve(host: str, port: int) -> str:
    """The first address of a host name. Raises OSError."""
    return str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])


def _open_port(loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol, config: ModbusRtuConfig):  # type: ignore[no-untyped-def]
    import serial  # noqa: F401 - pymodbus takes it from the loaded modules
    from pymodbus.transport.serialtransport import SerialTransport

    c = config
    return SerialTransport(loop, protocol, c.device, c.baud, 8, c.parity, c.stop_bits, CONNECT_TIMEOUT_S)


def _unreachable(where: str, host: str, error: OSError) -> LinkFault:
    advice = "check address, port, cable and that the device is switched on"
    if isinstance(error, socket.gaierror):
        why = f"the host name {host} does not resolve"
        advice = "check the spelling of the name and this computer's name server, or give the address in numbers"
    elif isinstance(error, TimeoutError) and not error.errno:
        why = "no answer"
    else:
        why = (os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)).lower()
    return LinkFault("connect", Reason.NO_COMMUNICATION, f"cannot connect to {where}: {why}", advice)
