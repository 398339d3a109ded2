"""The scanner: every link of every pump on one asyncio loop, each on its own schedule.

A line is one connection shared by the links of one endpoint. Lines never wait for one another; on a line one request
is in flight. A scan is due at `start + phase + n × period`, whatever happened before; a late one is missed and counted.
A failed scan makes a frame too.
"""

import asyncio
import logging
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pumpwatch_gui.acquire.driver import LinkSpec
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.links.assembly import Assembly, WallClock
from pumpwatch_gui.acquire.links.borrowed import BorrowedLine
from pumpwatch_gui.acquire.links.extra_reads import ExtraRead, browsing
from pumpwatch_gui.acquire.links.line import ConnectRate, Line
from pumpwatch_gui.acquire.links.link import Link, LinkEvent
from pumpwatch_gui.acquire.links.traffic import Traffic
from pumpwatch_gui.acquire.modbus.learnt.memory import DeviceMemory
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import Note
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig
from pumpwatch_gui.domain.links.inlet import Inlet
from pumpwatch_gui.domain.links.view import LinkView
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.files.register_maps import map_edition

log = logging.getLogger("pumpwatch.links")

STOP_POLL_S = 0.1
"""How often the loop checks whether it is to stop, and whether a line has ended."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A pump and its links; relative paths in them start at `base_dir`."""

    pump_id: str
    profile: PumpProfile
    links: tuple[DriverConfig, ...]
    base_dir: Path | None = None

    @classmethod
    def all_of(cls, site: Site) -> "list[Binding]":
        """The pumps of a site."""
        return [cls(pump.pump_id, pump.profile, pump.links, site.folder) for pump in site.pumps]

    def specs(self, memory: DeviceMemory, inlet: Inlet | None = None) -> tuple[LinkSpec, ...]:
        """The links, the primary one first; what their devices teach goes into `memory`, posts come from `inlet`."""
        inlet = inlet or Inlet()
        return tuple(
            LinkSpec(
                f"{self.pump_id}/{n}",
                self.pump_id,
                self.profile,
                config,
                self.base_dir,
                memory=memory,
                inlet=inlet,
                edition=map_edition(config.registers, base_dir=self.base_dir)
                if isinstance(config, ModbusConfig)
                else "",
            )
            for n, config in enumerate(self.links, 1)
        )


class Scanner:
    """Scans all pumps. `on_frame` and `on_event` are called on the links thread and must be quick.

    `memory` keeps what is learnt of devices; without it, it ends with the scanner.
    `inlet` is where other programs post.
    """

    def __init__(
        self,
        bindings: Sequence[Binding],
        *,
        on_frame: Callable[[Frame], None],
        on_event: Callable[[LinkEvent], None],
        memory: DeviceMemory | None = None,
        inlet: Inlet | None = None,
    ) -> None:
        self._on_frame, self._on_event = on_frame, on_event
        self._memory = memory or DeviceMemory()
        self.inlet = inlet or Inlet()
        self._clock = WallClock(on_step=self._report_step)
        self._chance = random.Random()
        self._wanted = tuple(bindings)
        self._renamed: Mapping[str, str] = {}
        self._links: dict[str, Link] = {}
        self._lines: dict[Hashable, Line] = {}
        self._tasks: dict[Hashable, asyncio.Task[None]] = {}
        self._assemblies: dict[str, tuple[object, Assembly]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: asyncio.Event | None = None
        self._watched: tuple[Traffic, ...] = ()
        self._lock = threading.Lock()

    def run(self, stop: threading.Event, alive: Callable[[], None] = lambda: None) -> None:
        """Scan until `stop` is set; ends within a second, with every connection closed. `alive` is called each turn."""
        # Imports on the loop would hold it up for some tenths of a second, and cost scans.
        for driver in {config.driver for binding in self._wanted for config in binding.links}:
            DRIVERS[driver].prepare()
        asyncio.run(self._main(stop, alive))

    def rebind(self, bindings: Sequence[Binding], renamed: Mapping[str, str] = MappingProxyType({})) -> None:
        """Scan other pumps and links from now on; links that did not change go on undisturbed. Any thread.

        `renamed` maps old pump ids to new ones: connection and counters of their links go with them.
        """
        with self._lock:
            self._wanted = tuple(bindings)
            self._renamed = {**self._renamed, **{new: old for old, new in renamed.items()}}
            if self._loop is not None and self._changed is not None:
                self._loop.call_soon_threadsafe(self._changed.set)

    def views(self) -> tuple[LinkView, ...]:
        """Every link as it is now, in the order of the pumps. Any thread."""
        return tuple(link.view() for link in tuple(self._links.values()))

    def traffic(self, link_id: str) -> Traffic:
        """Watch what goes over the line of a link from now on, until its `close`. Any thread."""
        traffic = Traffic(link_id, self._unwatch)
        with self._lock:
            self._watched = (*self._watched, traffic)
        self._call_on_loop(self._update_watchers)
        return traffic

    def read_block(self, link_id: str, table: str, address: int, count: int) -> "Future[Sequence[int]]":
        """Read any block of a running link between two of its scans; `address` is the wire address. Any thread.

        The future brings registers, or bits as 0 and 1. It raises LinkFault when the response did not come or was
        refused, ValueError for a block that no request can have, KeyError when there is no such link (now).
        """
        return self._read_extra(link_id, lambda channel, spec: channel.read(spec, table, address, count))

    def identify(self, link_id: str) -> "Future[Mapping[str, str]]":
        """Read the device identification (function 43/14) over a running link. Any thread; raises as `read_block`."""
        return self._read_extra(link_id, lambda channel, spec: channel.identify(spec))

    def forget(self, link_id: str) -> None:
        """Forget what was learnt of the device behind a link: it is learnt again from the next scan on. Any thread."""
        link = self._links.get(link_id)
        if link is not None:
            self._memory.forget(link.spec.config.endpoint)

    def borrow(self, config: DriverConfig) -> BorrowedLine | None:
        """The running line that a link of this config would share, None when there is none. Any thread.

        Raises InputError when one runs that it cannot share: a port for text lines, or a line with other settings.
        """
        kind = DRIVERS[config.driver]
        for line in tuple(self._lines.values()):
            spec = line.links[0].spec
            if config.serial_port and os.path.realpath(spec.config.serial_port) == os.path.realpath(config.serial_port):
                if spec.config.driver != config.driver or kind.pushed:
                    text = f"{spec.link_id} uses {config.serial_port}"
                    raise InputError(text, "its values are on the page of the pump; remove the link to test the port")
                if line.settings != kind.shared_settings(config):
                    text = f"{config.serial_port} runs at {line.settings} for {spec.link_id}"
                    raise InputError(text, "all units of one line have the same baud, parity and stop bits")
        key = kind.connection(config)
        found = self._lines.get(key) if key is not None else None
        return BorrowedLine(found, self._call_on_loop) if found is not None else None

    def _read_extra(self, link_id: str, read: Callable[[Any, LinkSpec], Awaitable[Any]]) -> "Future[Any]":
        outcome: Future[Any] = Future()

        def place() -> None:
            line = next((x for x in self._lines.values() for k in x.links if k.spec.link_id == link_id), None)
            link = self._links.get(link_id)
            if line is None or link is None:
                outcome.set_exception(KeyError(link_id))
            else:
                line.read_extra(ExtraRead(link.spec, browsing(read), outcome=outcome))

        if not self._call_on_loop(place):
            outcome.set_exception(KeyError(link_id))
        return outcome

    def _report_step(self, step_ns: int) -> None:
        way = "forward" if step_ns > 0 else "back"
        text = f"The system clock was set {way} by {abs(step_ns) / 1e9:,.3f} s; times from here on are those it shows"
        self._on_event(Note(time.time_ns(), text, "WARNING"))

    def _unwatch(self, traffic: Traffic) -> None:
        with self._lock:
            self._watched = tuple(t for t in self._watched if t is not traffic)
        self._call_on_loop(self._update_watchers)

    def _update_watchers(self) -> None:
        for line in self._lines.values():
            ids = {link.spec.link_id for link in line.links}
            line.watch([t for t in self._watched if t.link_id in ids])

    def _call_on_loop(self, call: Callable[[], None]) -> bool:
        """Call on the links thread; False when it does not run."""
        with self._lock:
            # Under the lock, because on a loop that has closed this raises RuntimeError.
            if self._loop is None:
                return False
            self._loop.call_soon_threadsafe(call)
            return True

    async def _main(self, stop: threading.Event, alive: Callable[[], None]) -> None:
        with self._lock:
            self._loop, self._changed = asyncio.get_running_loop(), asyncio.Event()
        rate = ConnectRate()
        self._arrange(rate)
        try:
            while not stop.is_set():
                alive()
                # `stop` is set by other threads, and a threading.Event cannot be awaited: it is polled.
                try:
                    await asyncio.wait_for(self._changed.wait(), STOP_POLL_S)
                except TimeoutError:
                    self._restart_ended_lines(rate)
                    continue
                self._changed.clear()
                self._arrange(rate)
        finally:
            with self._lock:
                self._loop = None
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            # Tasks and connections belong to this event loop: a restart of the scanner has another one.
            self._tasks.clear()
            self._lines.clear()

    def _arrange(self, rate: ConnectRate) -> None:
        """Start the lines that are wanted and not there, end those that are not wanted any more, keep the others."""
        lines: dict[Hashable, list[Link]] = {}
        links: dict[str, Link] = {}
        for binding in self._wanted:
            specs = binding.specs(self._memory, self.inlet)
            if not specs:
                continue
            assembly = self._assembly(binding.pump_id, specs)
            for spec in specs:
                link = links[spec.link_id] = self._link(spec, assembly)
                shared = DRIVERS[spec.config.driver].connection(spec.config)
                lines.setdefault(shared or (spec.link_id, spec.shape()), []).append(link)
        self._links = links
        self._renamed = {}
        self._assemblies = {b.pump_id: self._assemblies[b.pump_id] for b in self._wanted if b.links}
        for key in [k for k in self._lines if k not in lines]:
            self._tasks.pop(key).cancel()
            del self._lines[key]
        # Spread over the period: 50 scans that start together wait 7 ms for one another at the median, spread 1 ms.
        phases = {link_id: i / len(links) for i, link_id in enumerate(links)}
        for key, group in lines.items():
            if key not in self._lines:
                kind = DRIVERS[group[0].spec.config.driver]
                self._lines[key] = Line(kind, group, chance=self._chance, on_event=self._on_event)
                self._start(key, rate)
            self._lines[key].rearrange(group, phases)
        self._update_watchers()

    def _start(self, key: Hashable, rate: ConnectRate) -> None:
        # Kept in a dict: the event loop holds its tasks by weak references only.
        self._tasks[key] = asyncio.create_task(self._lines[key].run(rate), name=f"line {key}")

    def _restart_ended_lines(self, rate: ConnectRate) -> None:
        """A line ends only by a bug. It must not take the others with it: log it and start the line again."""
        for key, task in list(self._tasks.items()):
            if task.done() and not task.cancelled():
                log.critical("%s ended and is started again", task.get_name(), exc_info=task.exception())
                self._start(key, rate)

    def _link(self, spec: LinkSpec, assembly: Assembly) -> Link:
        """The link of that shape that runs already, or a new one."""
        link = self._links.get(spec.link_id)
        if link is None and spec.pump_id in self._renamed:
            number = spec.link_id.rpartition("/")[2]
            old = self._links.get(f"{self._renamed[spec.pump_id]}/{number}")
            if old is not None and old.spec.config == spec.config:
                return old.renamed(spec, assembly)
        if link is None or link.spec.shape() != spec.shape():
            return Link(spec, assembly, self._clock, on_frame=self._on_frame, on_event=self._on_event)
        link.assembly = assembly
        return link

    def _assembly(self, pump_id: str, specs: Sequence[LinkSpec]) -> Assembly:
        """The pump's assembly; a new one, that takes over from the old, when its links are others now."""
        shape = tuple(spec.shape() for spec in specs)
        old_shape, old = self._assemblies.get(self._renamed.get(pump_id, pump_id), (None, None))
        if old is not None and old_shape == shape:
            return old
        assembly = Assembly({spec: _bound(spec) for spec in specs}, self._clock, old)
        self._assemblies[pump_id] = (shape, assembly)
        return assembly


def _bound(spec: LinkSpec) -> frozenset[str]:
    """The tags of a link; all of the profile's when its files are wrong, so that none passes for unbound."""
    try:
        return DRIVERS[spec.config.driver].tags(spec)
    except InputError:
        return frozenset(spec.profile.tags)
