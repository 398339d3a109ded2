"""A real browser reads the stream by its own EventSource: without a key in it, and over a restart of the gateway."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from pumpwatch_gui.bench.rigs.accounts import loopback_server
from pumpwatch_gui.bench.rigs.posting import free_port
from pumpwatch_gui.domain.commands import CreateMaintenance, Order
from pumpwatch_gui.domain.gateway import Scope
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType
from pumpwatch_gui.engine import Engine
from tests.conftest import wait_until
from tests.flow.counting_device import CountingDevice
from tests.flow.running import RunningStation, site_text
from tests.share.running import GatewayStation

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium: apt install chromium")
PAGE = """<!doctype html><meta charset="utf-8"><title>values</title><script>
const gateway = "GATEWAY", headers = {"X-API-Key": "KEY"};
const report = (what, more) => fetch("/report", {method: "POST", body: JSON.stringify({what, ...more})});
async function read() {
  const {ticket} = await (await fetch(gateway + "/api/stream-ticket", {headers})).json();
  const stream = new EventSource(gateway + "/events?ticket=" + ticket);
  stream.onopen = () => report("open", {});
  stream.onerror = () => report("error", {state: stream.readyState});
  for (const what of ["values", "event", "alarm"])
    stream.addEventListener(what, one => report(what, {content: JSON.parse(one.data), id: one.lastEventId}));
}
read().catch(error => report("refused", {words: String(error)}));
</script>"""


class Page:
    """A page on a server of its own, and what the browser reports of it."""

    def __init__(self) -> None:
        self.text = ""
        self.reports: list[dict[str, Any]] = []
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator["Page"]:
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._respond(page.text.encode() if self.path == "/" else b"")

            def do_POST(self) -> None:
                page.reports.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._respond(b"")

            def _respond(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        with loopback_server(Handler, "page") as self.url:
            yield self

    def contents(self, what: str) -> list[dict[str, Any]]:
        return [one["content"] for one in tuple(self.reports) if one["what"] == what]

    def speed(self) -> float | None:
        """The newest speed that the browser has heard of."""
        values = self.contents("values")
        return values[-1]["sensors"]["Motor_RPM"] if values else None

    def titles(self) -> list[str]:
        """Of the maintenance events that the browser has heard of."""
        return [one["text"].partition(": ")[2].partition(" (")[0] for one in self.contents("event")
                if one["kind"] == "maintenance"]  # fmt: skip

    def count(self, what: str) -> int:
        return sum(one["what"] == what for one in tuple(self.reports))


@contextmanager
def browsing(url: str, folder: Path) -> Iterator[None]:
    assert BROWSER is not None
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
               "--disable-background-networking", f"--user-data-dir={folder}", url]  # fmt: skip
    with (folder.parent / "browser.log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait(20)


def test_a_page_reads_values_and_events_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    port = free_port()
    with CountingDevice(14800) as device, Page().serving() as page:
        site = site_text(device.port)

        def station() -> GatewayStation:
            return GatewayStation(tmp_path, site=site, port=port, origins=(page.url,))

        def create(engine: Engine, title: str) -> None:
            work = CreateMaintenance("P-101", EventType.INSPECTION, EventSeverity.HIGH, title, 500.0)
            engine.submit(Order(work, "asha"))
            wait_until(lambda: title in [event.title for event in engine.latest().maintenance], within_s=20)

        with station() as running:
            key = running.key(Scope.READ)
            page.text = PAGE.replace("GATEWAY", running.url).replace("KEY", key)
            with browsing(page.url, tmp_path / "browser"):
                wait_until(lambda: page.speed() == 1480, within_s=60, what="the browser reads the first value")
                device.value = 14900
                wait_until(lambda: page.speed() == 1490, within_s=20, what="the changed value")
                create(running.engine, "Look at the seal")
                wait_until(lambda: page.titles() == ["Look at the seal"], within_s=20)
                running.end()
                wait_until(lambda: page.count("error"), within_s=20, what="the browser notices the end")
                meanwhile = RunningStation(running.home, site).start()  # something happens that no gateway reports
                create(meanwhile.engine, "Meanwhile")
                meanwhile.end()
                device.value = 15000
                with station() as again:
                    wait_until(lambda: page.speed() == 1500, within_s=30, what="the browser connects again")
                    create(again.engine, "Afterwards")
                    wait_until(lambda: "Afterwards" in page.titles(), within_s=20)
                assert page.titles() == ["Look at the seal", "Meanwhile", "Afterwards"]
                assert page.count("open") == 2
                assert {one["state"] for one in page.reports if one["what"] == "error"} == {0}  # it connects, by itself


def test_a_page_that_the_site_does_not_name_reads_nothing(tmp_path: Path) -> None:
    with Page().serving() as page, GatewayStation(tmp_path, pumps=1) as running:
        page.text = PAGE.replace("GATEWAY", running.url).replace("KEY", running.key(Scope.READ))
        with browsing(page.url, tmp_path / "browser"):
            wait_until(lambda: page.reports, within_s=60)
        assert [one["what"] for one in page.reports] == ["refused"]
