"""A running engine of pumps that posts feed, with its gateway, and curl in front of it."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.gateway import GatewaySettings, Scope
from pumpwatch_gui.domain.station import PumpView
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.share.gateway.serving import GatewayLoop
from pumpwatch_gui.share.keys import KeyFile
from tests.conftest import wait_until

ORIGINAL = {
    "Motor_RPM": 1480,
    "Bearing_Temperature_C": 72.5,
    "Oil_Pressure_bar": 4.2,
    "Vibration_mm_s": 2.8,
    "Flow_Rate_L_min": 145.3,
    "Suction_Pressure_bar": 1.8,
    "Discharge_Pressure_bar": 6.5,
    "Motor_Current_A": 28.4,
    "Casing_Temperature_C": 58.2,
    "Ambient_Temperature_C": 25.1,
}
"""The example of the original system's documentation, as it is."""
PUMP = """
[[pump]]
id = "{pump_id}"
profile = "centrifugal"
model = "none"
  [[pump.link]]
  driver = "rest-ingest"
"""


@dataclass
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class GatewayStation:
    """`with GatewayStation(home, pumps=2) as g:` runs it; `site` is the text of another site file."""

    def __init__(self, folder: Path, *, pumps: int = 2, site: str = "", **settings: Any) -> None:
        home = Home(folder / "home")
        home.prepare()
        own = "schema = 1\n" + "".join(PUMP.format(pump_id=f"P-{101 + i}") for i in range(pumps))
        home.site_file.write_text(site or own)
        loaded = load_site(home.site_file).site
        self.home = home
        self.keys = KeyFile(home.path)
        self.engine = Engine(loaded, home)
        self.events: list[Event] = []
        self.engine.subscribe(self.events.append)
        chosen = replace(GatewaySettings(enabled=True, port=0), **settings)
        self.loop = GatewayLoop(self.engine, self.engine.inlet, home.path, chosen, home.path)
        self.engine.add_loop("gateway", self.loop.run)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=run, args=(self._stop,), name=f"test-{name}", daemon=True)
            for name, run in self.engine.loops().items()
        ]

    def __enter__(self) -> "GatewayStation":
        self.start()
        wait_until(lambda: self.loop.port, within_s=30, what="the gateway listens")
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> None:
        """Start every loop."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stop every loop and wait for it."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), thread.name

    @contextmanager
    def started(self) -> Iterator[None]:
        """Run it, whether the gateway listens or not."""
        self.start()
        try:
            yield
        finally:
            self.end()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.loop.port}"

    def key(self, scope: Scope, *pumps: str, days: float = 0.0) -> str:
        """A new key, once the gateway knows it."""
        secret, _ = self.keys.make(scope, pumps=pumps, days=days)
        path = "/api/ingest" if scope is Scope.INGEST else "/api/system-health"
        method = "POST" if scope is Scope.INGEST else "GET"

        def is_known() -> bool:
            found = self.ask(method, path, key=secret, body=b"")
            return found.status != 429 and "not known" not in found.text

        wait_until(is_known)
        return secret

    def ask(
        self,
        method: str,
        path: str,
        *,
        key: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """One request by Python's own client."""
        connection = HTTPConnection("127.0.0.1", self.loop.port, timeout=20)
        try:
            all_headers = {"Authorization": f"Bearer {key}"} if key else {}
            connection.request(method, path, body, all_headers | dict(headers or {}))
            response = connection.getresponse()
            return Response(response.status, dict(response.getheaders()), response.read().decode())
        finally:
            connection.close()

    def post(self, values: object, *, key: str = "", pump: str = "P-101") -> Response:
        return self.ask("POST", f"/api/ingest?pump={pump}", key=key, body=json.dumps(values).encode())

    def pump(self, pump_id: str = "P-101") -> PumpView:
        return self.engine.latest().pump(pump_id)


def curl(*arguments: str) -> str:
    """What curl prints."""
    run = subprocess.run(
        ["curl", "-sS", "--max-time", "20", *arguments], capture_output=True, text=True, timeout=30, check=True
    )
    return run.stdout


class Posting:
    """Posts the original's example every 0.2 s while the block runs."""

    def __init__(self, station: GatewayStation, key: str = "", pump: str = "P-101") -> None:
        self._send: Callable[[], object] = lambda: station.post(ORIGINAL, key=key, pump=pump)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="test-posting", daemon=True)

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            self._send()

    def __enter__(self) -> "Posting":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
