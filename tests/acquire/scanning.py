"""A scanner on a thread of its own, with what it reported; maps and profiles of plain registers."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from pumpwatch_gui.acquire.links.link import LinkEvent
from pumpwatch_gui.acquire.links.scanner import Binding, Scanner
from pumpwatch_gui.domain.events import ConnectionChanged, LinkChanged, Note
from pumpwatch_gui.domain.links.inlet import Inlet
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason

STOP_S = 15.0
"""Longer than a busy machine needs to stop a scanner, and shorter than the time-outs of links that keep it waiting."""


class Scanning:
    """`with Scanning(bindings) as s:` runs it; leaving it fails unless it ended, without an error."""

    def __init__(self, bindings: Sequence[Binding], inlet: Inlet | None = None) -> None:
        self.frames: list[Frame] = []
        self.events: list[LinkChanged] = []
        self.reports: list[ConnectionChanged | Note] = []
        self.scanner = Scanner(bindings, on_frame=self._take, on_event=self._note, inlet=inlet)
        self.on_frame: Callable[[Frame], None] = lambda _: None
        self._escaped: list[BaseException] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pumpwatch-links-test", daemon=True)

    def _take(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.on_frame(frame)

    def _note(self, event: LinkEvent) -> None:
        if isinstance(event, LinkChanged):
            self.events.append(event)
        else:
            self.reports.append(event)

    def _run(self) -> None:
        try:
            self.scanner.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - the top of a thread
            self._escaped.append(error)

    def __enter__(self) -> "Scanning":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(STOP_S)
        assert not self._thread.is_alive()
        assert not self._escaped

    def of(self, pump_id: str) -> list[Frame]:
        return [f for f in tuple(self.frames) if f.pump_id == pump_id]

    def last(self, pump_id: str) -> Frame:
        """The newest frame of a pump that has one."""
        return next(f for f in reversed(tuple(self.frames)) if f.pump_id == pump_id)

    def is_good(self, pump_id: str) -> bool:
        frames = self.of(pump_id)
        return bool(frames) and frames[-1].worst is Quality.GOOD

    def all_good(self, pump_id: str, since: int = 0) -> bool:
        """Whether every frame of a pump, from number `since` on, is GOOD."""
        return all(f.worst is Quality.GOOD for f in self.of(pump_id)[since:])

    def view(self, link_id: str) -> LinkView:
        return next(v for v in self.scanner.views() if v.link_id == link_id)

    def is_in(self, link_id: str, state: LinkState) -> Callable[[], bool]:
        return lambda: any(v.link_id == link_id and v.state is state for v in self.scanner.views())


def reasons_of(frame: Frame) -> list[Reason]:
    return [Reason(int(r)) for r in frame.reason]


def register_map(path: Path, *addresses: int, kind: str = "uint16") -> str:
    points = "".join(f'[[point]]\ntag = "r{a}"\naddress = {a}\ntype = "{kind}"\n' for a in addresses)
    path.write_text(f'name = "{path.stem}"\n{points}')
    return str(path)


def registers_profile(*addresses: int) -> PumpProfile:
    return PumpProfile("registers", tuple(Sensor(f"r{a}", f"Register {a}", "", (0, 65535), 1) for a in addresses))
