"""Gateway: what 500 posts a second cost and how soon each is answered, against a bare server of the same library."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from pumpwatch_gui.bench.figure import Figure
from pumpwatch_gui.bench.rigs.posting import free_port, is_listening, post_at
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.gateway import Scope
from pumpwatch_gui.share.keys import KeyFile

PUMPS, PER_S, SECONDS = 50, 500.0, 10.0
_PUMP = """
[[pump]]
id = "P-{number}"
profile = "centrifugal"
model = "none"
  [[pump.link]]
  driver = "rest-ingest"
  period_s = 0.1
"""
_BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def take(request):
    await request.json()
    return JSONResponse({"status": "accepted"}, 202)
uvicorn.run(Starlette(routes=[Route("/api/ingest", take, methods=["POST"])]), host="127.0.0.1", port=int(sys.argv[1]),
            log_config=None, access_log=False)
"""


def run(_data: Path | None) -> Iterator[Figure]:
    """About a minute. Both servers are processes of their own, on loopback."""
    with tempfile.TemporaryDirectory() as folder, _station(Path(folder)) as (process, port, keys):
        idle = _cores(process, SECONDS / 2)
        before = _busy_s(process)
        ours = post_at(port, keys, per_s=PER_S, seconds=SECONDS)
        cores = (_busy_s(process) - before) / ours.seconds
    with _bare() as (process, port):
        before = _busy_s(process)
        bare = post_at(port, [""] * PUMPS, per_s=PER_S, seconds=SECONDS)
        bare_cores = (_busy_s(process) - before) / bare.seconds
    yield Figure(f"{PER_S:g} posts/s to {PUMPS} pumps: accepted", ours.accepted_percent, "%", "100")
    yield Figure(f"{PER_S:g} posts/s: response, p50", ours.ms(50), "ms", f"bare server: {bare.ms(50):.2f}")
    yield Figure(f"{PER_S:g} posts/s: response, p99", ours.ms(99), "ms", f"≤ 5; bare server: {bare.ms(99):.2f}")
    reference = f"≤ 40 without judging and storing; bare server: {100 * bare_cores:.1f}"
    yield Figure(f"{PER_S:g} posts/s: CPU of the station with it", 100 * (cores - idle), "% core", reference)
    yield Figure("the same station without posts", 100 * idle, "% core")


@contextmanager
def _station(home: Path) -> Iterator[tuple[psutil.Process, int, list[str]]]:
    site, port = home / "site.toml", free_port()
    site.write_text("schema = 1\n" + "".join(_PUMP.format(number=101 + i) for i in range(PUMPS)), "utf-8")
    file = KeyFile(home)
    keys = [file.make(Scope.INGEST, pumps=[f"P-{101 + i}"])[0] for i in range(PUMPS)]
    command = ["-m", "pumpwatch_gui", "run", "--site", str(site), "--home", str(home), "--headless",
               "--gateway", str(port)]  # fmt: skip
    with _child(command, port) as process:
        yield process, port, keys


@contextmanager
def _bare() -> Iterator[tuple[psutil.Process, int]]:
    port = free_port()
    with _child(["-c", _BARE, str(port)], port) as process:
        yield process, port


@contextmanager
def _child(command: list[str], port: int) -> Iterator[psutil.Process]:
    child = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, env=dict(os.environ))
    try:
        deadline = time.monotonic() + 60
        while not is_listening(port):
            if child.poll() is not None or time.monotonic() > deadline:
                raise InputError("the server to be measured did not start", "`pumpwatch doctor` says what is missing")
            time.sleep(0.1)
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(60)


def _cores(process: psutil.Process, seconds: float) -> float:
    before, began = _busy_s(process), time.monotonic()
    time.sleep(seconds)
    return (_busy_s(process) - before) / (time.monotonic() - began)


def _busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
