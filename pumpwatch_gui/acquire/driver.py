"""What a driver promises: the protocol every way to a pump keeps."""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pumpwatch_gui.acquire.links.meter import LinkMeter
from pumpwatch_gui.domain.links.config import DriverConfig
from pumpwatch_gui.domain.links.decode import PointValue
from pumpwatch_gui.domain.pump.profile import PumpProfile

Readings = Mapping[str, PointValue]
"""One scan's result by tag; a tag that is not in it was not bound."""


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """One link of one pump, as its channel needs to know it.

    `edition` tells one state of its register map's file from another.
    """

    link_id: str
    pump_id: str
    profile: PumpProfile
    config: DriverConfig
    base_dir: Path | None
    meter: LinkMeter = field(default_factory=LinkMeter, compare=False)
    edition: str = ""

    def shape(self) -> object:
        """What must stay equal for a running link to be kept: all but limits and labels."""
        spans = tuple((s.tag, s.span) for s in self.profile.sensors)
        return (self.link_id, self.pump_id, self.config, self.base_dir, self.edition, spans)


class Channel(Protocol):
    """One connection (a TCP endpoint, a serial line, a file) that one or more links share.

    Every method runs on the links thread's loop and may be cancelled at any await. No method may deliver a value it
    is not sure of: in doubt it raises LinkFault. After `lost` is done the channel is only closed.
    """

    @property
    def lost(self) -> "asyncio.Future[str]":
        """Done, with words, as soon as the peer is gone."""

    def shared_by(self, specs: Sequence[LinkSpec]) -> None:
        """Take note of the links that share the connection from now on; never empty."""

    async def connect(self) -> None:
        """Open the connection. Raises LinkFault, InputError when a file it needs is wrong."""

    async def scan(self, spec: LinkSpec) -> Readings:
        """Read every point of a link once (polled) or wait for its next values (pushed; not for ever).

        Raises LinkFault, InputError when a file it needs is wrong.
        """

    async def close(self) -> None:
        """Close the connection; never raises."""


@runtime_checkable
class Watchable(Protocol):
    """A channel whose traffic can be watched."""

    def watch(self, tap: Callable[[bool, bytes], None] | None) -> None:
        """Tell every piece that is sent (True) or comes (False) to `tap`, from now on; None: no longer."""


@runtime_checkable
class Browsable(Protocol):
    """A channel that can read what no register map names."""

    async def read(self, spec: LinkSpec, table: str, address: int, count: int) -> Sequence[int]:
        """Any block, once: registers, or bits as 0 and 1. Raises LinkFault, ValueError for an impossible block."""

    async def identify(self, spec: LinkSpec) -> Mapping[str, str]:
        """What the device says about itself. Raises LinkFault."""


@dataclass(frozen=True, slots=True)
class DriverKind:
    """A row of the driver table.

    `key` tells which links share a connection (None: each its own); `open` makes a fresh, unconnected channel for
    those links; `tags` tells which tags a link binds, before anything was read, and raises InputError when its files
    are wrong. `alike` gives what links that share a connection must agree on, in words ("" for nothing). `last_retry_s`
    bounds the pause between two attempts to connect. `pushed`: the device speaks by itself, `scan` waits for it.
    """

    name: str
    label: str
    config: type[Any]
    key: Callable[[Any], Hashable]
    open: Callable[[Sequence[LinkSpec]], Channel]
    tags: Callable[[LinkSpec], frozenset[str]]
    pushed: bool = False
    alike: Callable[[Any], str] = lambda _: ""
    last_retry_s: float = 5.0
