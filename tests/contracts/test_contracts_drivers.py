"""What a channel of any driver promises when it is interrupted: safe to cancel, to close twice, and nothing left."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "acquire"))
from faulty_server import FaultyServer, truth
from pty_device import PtyDevice

from pumpwatch_gui.acquire.config import DriverConfig, ModbusTcpConfig, ReplayConfig, SerialLineConfig
from pumpwatch_gui.acquire.driver import LinkSpec, Readings
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.meter import LinkFault
from pumpwatch_gui.domain.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.quality import Quality

PROFILE = PumpProfile("three", tuple(Sensor(t, t, "", (0, 65535)) for t in ("one", "two", "unbound")))


@pytest.fixture(params=list(DRIVERS))
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LinkSpec]:
    """A link with a living peer that binds two of three tags. A new driver adds its own lines here."""
    config: DriverConfig
    if request.param == "replay":
        (tmp_path / "r.csv").write_text("timestamp,one,two\n" + "".join(f"{i},{i},{i + 1}\n" for i in range(50)))
        config = ReplayConfig(str(tmp_path / "r.csv"), speed=20.0, period_s=0.05)
        yield LinkSpec("P/1", "P", PROFILE, config, None)
        return
    if request.param == "serial-line":
        with PtyDevice(tmp_path) as device:
            device.repeat(lambda i: b"one:%d two:%d\n" % (i, i + 1), every_s=0.02)
            config = SerialLineConfig(device.path, format="kv", columns=("one", "two"), period_s=0.1)
            yield LinkSpec("P/1", "P", PROFILE, config, None)
        return
    rows = "".join(f'[[point]]\ntag = "{t}"\naddress = {a}\ntype = "uint16"\n' for a, t in enumerate(("one", "two")))
    (tmp_path / "m.toml").write_text(f'name = "m"\n{rows}')
    with FaultyServer() as server:
        config = ModbusTcpConfig("127.0.0.1", server.port, timeout_s=0.3, registers=str(tmp_path / "m.toml"))
        yield LinkSpec("P/1", "P", PROFILE, config, None)


def is_true(readings: Readings, spec: LinkSpec) -> bool:
    one, two = readings["one"].value, readings["two"].value
    if spec.config.driver in ("replay", "serial-line"):
        return two == one + 1
    return any((one, two) == (truth(0, k), truth(1, k)) for k in range(1, 200))


def test_a_scan_brings_the_bound_tags_and_no_others(spec: LinkSpec) -> None:
    async def run() -> Readings:
        channel = DRIVERS[spec.config.driver].open([spec])
        await channel.connect()
        try:
            return await channel.scan(spec)
        finally:
            await channel.close()

    readings = asyncio.run(run())
    assert set(readings) == {"one", "two"}
    assert all(r.quality is Quality.GOOD for r in readings.values())
    assert is_true(readings, spec)


def test_a_scan_may_be_cancelled_at_any_moment_and_the_next_ones_stay_true(spec: LinkSpec) -> None:
    async def run() -> list[Readings]:
        channel = DRIVERS[spec.config.driver].open([spec])
        await channel.connect()
        found: list[Readings] = []
        for steps in range(12):
            task = asyncio.ensure_future(channel.scan(spec))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            try:
                found.append(await channel.scan(spec))
            except LinkFault:
                continue
        await channel.close()
        return found

    found = asyncio.run(run())
    assert len(found) >= 6
    assert all(is_true(readings, spec) for readings in found)


def test_connecting_may_be_cancelled_and_closing_twice_is_harmless(spec: LinkSpec) -> None:
    async def run() -> None:
        for steps in range(6):
            channel = DRIVERS[spec.config.driver].open([spec])
            task = asyncio.ensure_future(channel.connect())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await channel.close()
            await channel.close()
            assert channel.lost.done()
            assert channel.lost.result()

    asyncio.run(run())


def test_after_close_a_scan_is_refused_in_words_or_never_made(spec: LinkSpec) -> None:
    async def run() -> str:
        channel = DRIVERS[spec.config.driver].open([spec])
        await channel.connect()
        await channel.close()
        assert channel.lost.done()
        return channel.lost.result()

    assert asyncio.run(run())


def test_nothing_is_left_after_close(spec: LinkSpec) -> None:
    async def run() -> set[str]:
        channel = DRIVERS[spec.config.driver].open([spec])
        await channel.connect()
        await channel.scan(spec)
        await channel.close()
        for _ in range(20):
            await asyncio.sleep(0.005)
        return {task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()}

    asyncio.run(run())  # opens what stays open for good (epoll, resolver)
    process = psutil.Process()
    before, threads = process.num_fds(), threading.active_count()
    assert asyncio.run(run()) == set()
    assert threading.active_count() <= threads
    # the peer's own end may take a moment
    for _ in range(200):
        if process.num_fds() <= before:
            break
        threading.Event().wait(0.005)
    assert process.num_fds() <= before
