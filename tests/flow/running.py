"""A running engine on a real site file, its events, and simulated pumps or a server of another library behind it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pumpwatch_gui.acquire.simulator.plant import Plant
from pumpwatch_gui.acquire.simulator.server import serve
from pumpwatch_gui.domain.commands import Command, Order
from pumpwatch_gui.domain.events import Event, Note, OrderDone
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import PumpView
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.settings.site_reader import load_site
from tests.conftest import wait_until

PUMP_TABLE = """
[[pump]]
id = "{pump_id}"
name = "Pump {pump_id}"
profile = "{profile}"
model = "{model}"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.1"
  port = {port}
  unit = {unit}
  period_s = {period_s}
  registers = "generic"
"""


def site_text(port: int, *, pumps: int = 1, model: str = "none", period_s: float = 0.1) -> str:
    """A site of simulated pumps P-101, P-102 … behind one server."""
    tables = [
        PUMP_TABLE.format(
            pump_id=f"P-{101 + i}", profile="centrifugal", model=model, port=port, unit=i + 1, period_s=period_s
        )
        for i in range(pumps)
    ]
    return "schema = 1\n" + "".join(tables)


@contextmanager
def simulated(pumps: int = 1, *, speed: float = 1.0) -> Iterator[int]:
    """The port of a Modbus TCP server with so many simulated pumps."""
    stop, ready, ports = threading.Event(), threading.Event(), list[int]()

    def listening(number: int) -> None:
        ports.append(number)
        ready.set()

    thread = threading.Thread(
        target=lambda: serve(
            Plant(pumps), host="127.0.0.1", port=0, registers="generic", speed=speed, ready=listening, stop=stop
        )
    )
    thread.start()
    try:
        assert ready.wait(20)
        yield ports[0]
    finally:
        stop.set()
        thread.join()


class RunningStation:
    """An engine on threads of its own, on the site file of a home."""

    def __init__(self, home: Home, text: str = "") -> None:
        home.prepare()
        if text:
            home.site_file.write_text(text, "utf-8")
        loaded = load_site(home.site_file) if home.site_file.exists() else None
        assert loaded is None or not loaded.problems
        self.home = home
        self.engine = Engine(loaded.site if loaded else Site(folder=home.path), home)
        self.events: list[Event] = []
        self.engine.subscribe(self.events.append)
        self.stop = threading.Event()
        self.threads = {
            name: threading.Thread(target=loop, args=(self.stop,), name=f"test-{name}", daemon=True)
            for name, loop in self.engine.loops().items()
        }

    def start(self) -> "RunningStation":
        """Start every loop."""
        for thread in self.threads.values():
            thread.start()
        return self

    def end(self) -> None:
        """Stop every loop and wait for it."""
        self.stop.set()
        for name, thread in self.threads.items():
            if thread.ident is not None:
                thread.join(60)
                assert not thread.is_alive(), f"the loop {name} did not end"

    def order(self, command: Command, *, actor: str = "asha") -> OrderDone:
        """Give an order and wait for its outcome."""
        order_id = self.engine.submit(Order(command, actor))
        wait_until(lambda: self.outcomes(order_id), within_s=30, what=f"the outcome of {command}")
        return self.outcomes(order_id)[0]

    def outcomes(self, order_id: str) -> list[OrderDone]:
        """The outcomes of one order."""
        return [e for e in tuple(self.events) if isinstance(e, OrderDone) and e.order_id == order_id]

    def notes(self, *words: str) -> list[Note]:
        """The notes that hold all of the words."""
        return [e for e in tuple(self.events) if isinstance(e, Note) and all(w in e.text for w in words)]

    def pump(self, pump_id: str = "P-101") -> PumpView:
        """A pump as the screen sees it. Raises KeyError."""
        return self.engine.latest().pump(pump_id)

    def alarm_texts(self) -> list[str]:
        """The texts of every alarm that is not NORMAL, worst first."""
        return [a.text for a in self.engine.latest().alarms]

    @property
    def registry(self) -> ModelRegistry:
        """The stored models of the home."""
        return ModelRegistry(self.home.models)


def home_at(path: Path) -> Home:
    """A home that is ready to be used."""
    home = Home(path)
    home.prepare()
    return home
