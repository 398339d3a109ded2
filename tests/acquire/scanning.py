"""A scanner on a thread of its own, with what it said; maps and profiles of plain registers."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pumpwatch_gui.acquire.links.scanner import Binding, Scanner
from pumpwatch_gui.domain.events import LinkChanged
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality


class Scanning:
    """`with Scanning(bindings) as s:` runs it; leaving it fails unless it stopped within a second, without an error."""

    def __init__(self, bindings: Sequence[Binding]) -> None:
        self.frames: list[Frame] = []
        self.events: list[LinkChanged] = []
        self.scanner = Scanner(bindings, on_frame=self.frames.append, on_event=self.events.append)
        self.stop_s = float("nan")
        self._escaped: list[BaseException] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pumpwatch-links-test", daemon=True)

    def _run(self) -> None:
        try:
            self.scanner.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - the top of a thread
            self._escaped.append(error)

    def __enter__(self) -> "Scanning":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        started = time.monotonic()
        self._stop.set()
        self._thread.join(10)
        self.stop_s = time.monotonic() - started
        assert not self._thread.is_alive()
        assert not self._escaped
        assert self.stop_s <= 1.0

    def of(self, pump_id: str) -> list[Frame]:
        return [f for f in tuple(self.frames) if f.pump_id == pump_id]

    def last(self, pump_id: str) -> Frame | None:
        return next((f for f in reversed(tuple(self.frames)) if f.pump_id == pump_id), None)

    def is_good(self, pump_id: str) -> bool:
        frame = self.last(pump_id)
        return frame is not None and frame.worst is Quality.GOOD

    def view(self, link_id: str) -> LinkView:
        return next(v for v in self.scanner.views() if v.link_id == link_id)

    def is_in(self, link_id: str, state: LinkState) -> Callable[[], bool]:
        return lambda: any(v.link_id == link_id and v.state is state for v in self.scanner.views())


def register_map(path: Path, *addresses: int, kind: str = "uint16") -> str:
    points = "".join(f'[[point]]\ntag = "r{a}"\naddress = {a}\ntype = "{kind}"\n' for a in addresses)
    path.write_text(f'name = "{path.stem}"\n{points}')
    return str(path)


def registers_profile(*addresses: int) -> PumpProfile:
    return PumpProfile("registers", tuple(Sensor(f"r{a}", f"Register {a}", "", (0, 65535), 1) for a in addresses))
