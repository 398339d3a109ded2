"""What a driver promises: the protocol that every way to a pump implements."""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from pumpwatch_gui.acquire.links.meter import LinkMeter
from pumpwatch_gui.acquire.modbus.learnt.memory import DeviceMemory
from pumpwatch_gui.domain.links.config import DriverConfig
from pumpwatch_gui.domain.links.decode import PointValue
from pumpwatch_gui.domain.links.inlet import Inlet
from pumpwatch_gui.domain.pump.profile import PumpProfile

Readings = Mapping[str, PointValue]
"""The result of one scan by tag; a tag that is not in it was not bound."""

C = TypeVar("C", bound=DriverConfig)


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """One link of one pump, as its channel needs it. `edition` changes when the file of its register map does.

    `memory` holds what was learnt of devices, `inlet` what other programs post; all links of a station share them.
    """

    link_id: str
    pump_id: str
    profile: PumpProfile
    config: DriverConfig
    base_dir: Path | None
    meter: LinkMeter = field(default_factory=LinkMeter, compare=False)
    memory: DeviceMemory = field(default_factory=DeviceMemory, compare=False)
    inlet: Inlet = field(default_factory=Inlet, compare=False)
    edition: str = ""

    def shape(self) -> object:
        """What must stay equal for a running link to be kept: all but limits and labels."""
        spans = tuple((s.tag, s.span) for s in self.profile.sensors)
        return (self.link_id, self.pump_id, self.config, self.base_dir, self.edition, spans)

    def config_as(self, kind: type[C]) -> C:
        """The config, known to be of its driver's type. Raises TypeError for another driver's."""
        if not isinstance(self.config, kind):
            raise TypeError(f"{self.link_id}: {type(self.config).__name__} is not {kind.__name__}")
        return self.config


class Channel(Protocol):
    """One connection (a TCP endpoint, a serial line, a file) that one or more links share.

    Every method runs on the links thread's loop and may be cancelled at any await. No method may deliver a value it
    is not sure of: in doubt it raises LinkFault. After `lost` is done the channel is only closed.
    """

    @property
    def lost(self) -> "asyncio.Future[str]":
        """Done, with the reason in words, as soon as the peer is gone."""

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


Tap = Callable[[bool, bytes], None]
"""Called with every piece of traffic: whether it was sent by us, and its bytes."""


@runtime_checkable
class Watchable(Protocol):
    """A channel whose traffic can be watched."""

    def watch(self, tap: Tap | None) -> None:
        """Call `tap` with every piece of traffic from now on; None: no longer."""


@runtime_checkable
class Identifying(Protocol):
    """A channel that may know which request a response is to, so that a late one disturbs no other."""

    @property
    def tells_responses_apart(self) -> bool:
        """Whether it does."""


@runtime_checkable
class Browsable(Protocol):
    """A channel that can read what no register map names."""

    async def read(
        self, spec: LinkSpec, table: str, address: int, count: int, register_bytes: int | None = None
    ) -> Sequence[int]:
        """Any block, once: registers, or bits as 0 and 1; None: as wide as the link's map says.

        Raises LinkFault, ValueError for an impossible block.
        """

    async def identify(self, spec: LinkSpec) -> Mapping[str, str]:
        """The device identification. Raises LinkFault."""


def all_tags(spec: LinkSpec) -> frozenset[str]:
    """Every tag of the profile: for drivers that cannot name theirs before they have read."""
    return frozenset(spec.profile.tags)


def text_of(sent: bool, content: bytes) -> str:
    """A piece of traffic as text, with what is not ASCII escaped."""
    return content.decode("ascii", "backslashreplace").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverKind:
    """A row of the driver table.

    `open` makes a fresh, unconnected channel for the links that share it. `connection` is equal for links that share
    one (None: each its own); `shared_settings` then gives what they must agree on ("" for nothing).
    `tags` gives the tags that a link binds, before anything was read; it raises InputError when the setting
    `tags_setting` is wrong. `pushed`: the device sends unrequested, `scan` waits for it.
    `max_retry_s` bounds the pause between two attempts to connect. `prepare` does the slow imports of `open` before
    the loop starts. `describe` puts a piece of traffic (sent, bytes) into words.
    """

    label: str
    config: type[DriverConfig]
    open: Callable[[Sequence[LinkSpec]], Channel]
    connection: Callable[[Any], Hashable] = lambda _: None
    shared_settings: Callable[[Any], str] = lambda _: ""
    tags: Callable[[LinkSpec], frozenset[str]] = all_tags
    tags_setting: str = ""
    pushed: bool = False
    max_retry_s: float = 5.0
    prepare: Callable[[], object] = lambda: None
    describe: Callable[[bool, bytes], str] = text_of

    @property
    def name(self) -> str:
        """The name that a site file gives it."""
        return self.config.driver
