"""The scanner: every link of every pump on one asyncio loop, each at its own beat.

A line is one connection shared by the links of one endpoint. Lines never wait for one another; on a line one request
is in flight. A beat is due at `start + phase + n × period`, whatever happened before; a late beat is skipped and
counted. A failed scan makes a frame too.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pumpwatch_gui.acquire.assembly import Assembly, WallClock
from pumpwatch_gui.acquire.config import DriverConfig
from pumpwatch_gui.acquire.driver import LinkSpec
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.line import Line
from pumpwatch_gui.domain.events import LinkChanged
from pumpwatch_gui.domain.frame import Frame
from pumpwatch_gui.domain.link import LinkView
from pumpwatch_gui.domain.profile import PumpProfile

CONNECTS_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Binding:
    """A pump and its links; relative paths in them start at `beside`."""

    pump_id: str
    profile: PumpProfile
    links: tuple[DriverConfig, ...]
    beside: Path | None = None

    def shape(self) -> object:
        """What must stay equal for a running connection to be kept: all but the limits."""
        return (self.pump_id, self.links, self.beside, tuple((s.tag, s.span) for s in self.profile.sensors))


class Scanner:
    """Scans all pumps. `on_frame` and `on_event` are called on the links thread and must be quick."""

    def __init__(
        self,
        bindings: Sequence[Binding],
        *,
        on_frame: Callable[[Frame], None],
        on_event: Callable[[LinkChanged], None],
    ) -> None:
        self._on_frame, self._on_event = on_frame, on_event
        self._clock = WallClock()
        self._wanted = tuple(bindings)
        self._lines: dict[object, Line] = {}
        self._assemblies: dict[str, tuple[object, Assembly]] = {}
        self._tasks: dict[object, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: asyncio.Event | None = None
        self._lock = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Scan until `stop` is set; ends within a second, with every connection closed."""
        asyncio.run(self._main(stop))

    def rebind(self, bindings: Sequence[Binding]) -> None:
        """Go over to other pumps and links, live. Lines that did not change stay connected. Any thread."""
        with self._lock:
            self._wanted = tuple(bindings)
            if self._loop is not None and self._changed is not None:
                self._loop.call_soon_threadsafe(self._changed.set)

    def views(self) -> tuple[LinkView, ...]:
        """Every link as it stands, in the order of the pumps. Any thread."""
        found = {v.link_id: v for line in tuple(self._lines.values()) for v in line.views()}
        order = [f"{b.pump_id}/{n}" for b in self._wanted for n in range(1, len(b.links) + 1)]
        return tuple(found[i] for i in order if i in found)

    async def _main(self, stop: threading.Event) -> None:
        with self._lock:
            self._loop, self._changed = asyncio.get_running_loop(), asyncio.Event()
        connects = asyncio.Semaphore(CONNECTS_AT_ONCE)
        self._arrange(connects)
        try:
            while not stop.is_set():
                try:
                    await asyncio.wait_for(self._changed.wait(), 0.1)
                except TimeoutError:
                    continue
                self._changed.clear()
                self._arrange(connects)
        finally:
            with self._lock:
                self._loop = None
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _arrange(self, connects: asyncio.Semaphore) -> None:
        """Start the lines that are wanted and not there, end those that are not wanted any more."""
        wanted = self._grouped()
        for key in [k for k in self._lines if k not in wanted]:
            self._tasks.pop(key).cancel()
            del self._lines[key]
        specs = [spec for group in wanted.values() for spec in group]
        phases = {spec.link_id: i / max(1, len(specs)) for i, spec in enumerate(specs)}
        assemblies = self._assembled(specs)
        for key, group in wanted.items():
            if key not in self._lines:
                line = Line(
                    group, phases, assemblies, on_frame=self._on_frame, on_event=self._on_event, clock=self._clock
                )
                self._lines[key] = line
                self._tasks[key] = asyncio.create_task(line.run(connects), name=str(key))

    def _assembled(self, specs: Sequence[LinkSpec]) -> dict[str, Assembly]:
        """An assembly a pump; the old one where the pump did not change, because lines that are kept still feed it."""
        before, self._assemblies = self._assemblies, {}
        for binding in self._wanted:
            own = tuple(s for s in specs if s.pump_id == binding.pump_id)
            old = before.get(binding.pump_id)
            kept = old is not None and old[0] == binding.shape()
            self._assemblies[binding.pump_id] = old if old and kept else (binding.shape(), Assembly(own, self._clock))
        return {pump_id: assembly for pump_id, (_, assembly) in self._assemblies.items()}

    def _grouped(self) -> dict[object, tuple[LinkSpec, ...]]:
        """The wanted links by line. The key holds all that the line depends on, so that an unchanged line is kept."""
        lines: dict[object, list[LinkSpec]] = {}
        shapes: dict[object, list[object]] = {}
        for binding in self._wanted:
            for n, config in enumerate(binding.links, 1):
                link_id = f"{binding.pump_id}/{n}"
                key = DRIVERS[config.driver].key(config) or link_id
                lines.setdefault(key, []).append(
                    LinkSpec(link_id, binding.pump_id, binding.profile, config, binding.beside)
                )
                shapes.setdefault(key, []).append(binding.shape())
        return {(key, tuple(shapes[key])): tuple(group) for key, group in lines.items()}
