"""Connecting by name: every address that a name has is tried, in order, within the connect time."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address

from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.links.off_loop import off_loop
from pumpwatch_gui.domain.links.config import bare_host, host_mistake
from pumpwatch_gui.domain.values.quality import Reason

NEXT_ADDRESS_S = 0.2
"""An address that has neither refused nor accepted by then is not waited for: the next is tried too (RFC 8305)."""

Address = tuple[socket.AddressFamily, tuple[str | int, ...] | tuple[int, bytes]]


async def dial(host: str, port: int, where: str) -> socket.socket:
    """A connected socket. Raises LinkFault with the reason for each address; bound the time from outside."""
    tasks: dict[Address, asyncio.Task[socket.socket]] = {}
    winner: asyncio.Task[socket.socket] | None = None
    try:
        addresses = await _addresses(host, port)
        # All of them within the second that there is, however many they are.
        pause_s = min(NEXT_ADDRESS_S, 0.5 / len(addresses))
        for address in addresses:
            tasks[address] = asyncio.create_task(_connect(address), name=f"connect {where}")
            winner = await _first(list(tasks.values()), pause_s if len(tasks) < len(addresses) else None)
            if winner is not None:
                return winner.result()
    except (OSError, ValueError) as error:
        raise unreachable(where, host, error) from error
    finally:
        await _give_up([task for task in tasks.values() if task is not winner])
    raise _all_refused(where, host, {address: task.exception() for address, task in tasks.items()})


async def over_socket(
    connected: socket.socket,
    factory: Callable[[], asyncio.Protocol],
    context: ssl.SSLContext | None = None,
    name: str | None = None,
) -> asyncio.Transport:
    """A transport on a connected socket, inside TLS with a context. The socket is closed when that fails."""
    try:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(factory, sock=connected, ssl=context, server_hostname=name)
    except BaseException:
        connected.close()
        raise
    return transport


async def _addresses(host: str, port: int) -> Sequence[Address]:
    """Every address of a host, each once. Raises OSError, ValueError for what cannot be a name."""
    host = bare_host(host)
    if mistake := host_mistake(host):
        raise ValueError(mistake)
    try:
        ip_address(host)
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)  # numbers: no name server is asked
    except ValueError:
        # The loop's own resolver has an executor whose threads are joined at exit: a name server that does not respond
        # would hold up the end of the program.
        found = await off_loop(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


async def _connect(address: Address) -> socket.socket:
    family, place = address
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, place)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        made.close()
        raise
    return made


async def _first(
    tasks: Sequence[asyncio.Task[socket.socket]], wait_s: float | None
) -> asyncio.Task[socket.socket] | None:
    """The first that has connected; None when all have failed, or after `wait_s`."""
    pending: set[asyncio.Task[socket.socket]] = {task for task in tasks if not task.done()}
    end_s = None if wait_s is None else asyncio.get_running_loop().time() + wait_s
    while True:
        for task in tasks:
            if task.done() and not task.cancelled() and task.exception() is None:
                return task
        left_s = None if end_s is None else end_s - asyncio.get_running_loop().time()
        if not pending or (left_s is not None and left_s <= 0):
            return None
        _, pending = await asyncio.wait(pending, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)


async def _give_up(tasks: Sequence[asyncio.Task[socket.socket]]) -> None:
    """End what still connects, and close what has connected besides."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled() and task.exception() is None:
            task.result().close()


def _all_refused(where: str, host: str, tried: Mapping[Address, BaseException | None]) -> LinkFault:
    errors = [(str(place[0]), error) for (_, place), error in tried.items() if isinstance(error, OSError)]
    if len({_why(host, error)[0] for _, error in errors}) == 1:
        return unreachable(where, host, errors[0][1])
    text = "; ".join(f"{place}: {_why(host, error)[0]}" for place, error in errors)
    return LinkFault(FaultKind.CONNECT, Reason.NO_COMMUNICATION, f"cannot connect to {where}: {text}", _ADVICE)


_ADVICE = "check address, port, cable and that the device is switched on"


def unreachable(where: str, host: str, error: OSError | ValueError) -> LinkFault:
    """The fault of a host that cannot be connected to."""
    why, advice = _why(host, error)
    return LinkFault(FaultKind.CONNECT, Reason.NO_COMMUNICATION, f"cannot connect to {where}: {why}", advice)


def _why(host: str, error: OSError | ValueError) -> tuple[str, str]:
    if isinstance(error, ValueError):
        return host_mistake(host) or f"{host!r} is not the name of a host", "give a name or an address, as 10.0.0.7"
    if isinstance(error, socket.gaierror):
        advice = "check the spelling of the name and this computer's name server, or give the address in numbers"
        return f"the host name {host} does not resolve", advice
    if isinstance(error, TimeoutError) and not error.errno:  # asyncio's own, without an error number
        return "no response", _ADVICE
    # getaddrinfo and Windows leave numbers that are no errno of this system: below 0, or none at all.
    return (os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)).lower(), _ADVICE
