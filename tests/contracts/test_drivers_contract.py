"""What every driver of the table promises, whichever it is; `peers.py` holds a real peer for each."""

import asyncio
import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pumpwatch_gui.acquire.discovery import trial
from pumpwatch_gui.acquire.driver import Channel, DriverKind, LinkSpec, Readings
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.links.fault import LinkFault
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.inlet import Inlet
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.scanning import Scanning, reasons_of
from tests.contracts.peers import PEERS, PROFILE, Peer

Wait = Callable[..., None]
BOUND = {"r0", "r1"}


@pytest.fixture(params=list(DRIVERS))
def kind(request: pytest.FixtureRequest) -> DriverKind:
    return DRIVERS[request.param]


@pytest.fixture
def peer(kind: DriverKind, tmp_path: Path) -> Iterator[Peer]:
    yield from PEERS[kind.name](tmp_path)


def spec(config: Any, inlet: Inlet | None = None) -> LinkSpec:
    return LinkSpec("P/1", "P", PROFILE, config, None, inlet=inlet or Inlet())


REQUEST_STEP = 257
"""By so much every register of the faulty peers moves with each request."""


def is_true(readings: Readings, peer: Peer, *, may_doubt: bool = False) -> bool:
    """Whether all values are there and true.

    `may_doubt`: a value that may be another's is doubtful for a moment, and the two may come by a request each.
    """
    trusted = (Quality.GOOD, Quality.UNCERTAIN) if may_doubt else (Quality.GOOD,)
    apart = readings["r1"].value - readings["r0"].value - peer.step
    requests = (0, REQUEST_STEP) if may_doubt else (0,)
    return all(r.quality in trusted for r in readings.values()) and apart % 65536 in requests


def test_its_name_is_the_one_in_the_table_and_in_its_settings(kind: DriverKind) -> None:
    assert DRIVERS[kind.name] is kind
    assert kind.config.driver == kind.name
    assert kind.label


def test_every_setting_is_described_and_has_a_sound_default(kind: DriverKind) -> None:
    for field in dataclasses.fields(kind.config):
        assert field.metadata["label"]
        assert field.metadata["help"].endswith(".")
        for bound in ("min", "max"):
            if bound in field.metadata and field.default is not dataclasses.MISSING:
                assert field.metadata["min"] <= field.default
    assert "period_s" in {f.name for f in dataclasses.fields(kind.config)}


def test_a_setting_out_of_bounds_is_refused_by_its_name(kind: DriverKind, peer: Peer) -> None:
    for field in dataclasses.fields(kind.config):
        wrong = [field.metadata["min"] - 1] if "min" in field.metadata else []
        wrong += [field.metadata["max"] + 1] if "max" in field.metadata else []
        is_text = isinstance(getattr(peer.good, field.name), str) and field.metadata.get("required", True)
        wrong += [" "] if is_text else []
        wrong += [float("nan"), float("inf")] if isinstance(getattr(peer.good, field.name), float) else []
        for value in wrong:
            with pytest.raises(ValueError, match=f"^{field.name}: "):
                dataclasses.replace(peer.good, **{field.name: value})


def test_it_names_its_tags_before_it_was_ever_connected(kind: DriverKind, peer: Peer) -> None:
    assert kind.tags(spec(peer.good, peer.inlet)) <= set(PROFILE.tags)
    assert kind.tags(spec(peer.good, peer.inlet))


def test_it_connects_scans_and_closes(kind: DriverKind, peer: Peer) -> None:
    async def go() -> None:
        channel: Channel = kind.open([spec(peer.good, peer.inlet)])
        await channel.connect()
        assert not channel.lost.done()
        for _ in range(3):
            readings = await channel.scan(spec(peer.good, peer.inlet))
            assert set(readings) == BOUND
            assert is_true(readings, peer)
        await channel.close()
        assert channel.lost.done()
        await channel.close()

    asyncio.run(go())


def test_it_can_be_closed_before_it_was_connected(kind: DriverKind, peer: Peer) -> None:
    async def go() -> None:
        await kind.open([spec(peer.good, peer.inlet)]).close()

    asyncio.run(go())


def test_an_absent_peer_is_a_fault_with_advice(kind: DriverKind, peer: Peer) -> None:
    async def go() -> None:
        channel = kind.open([spec(peer.absent, peer.inlet)])
        try:
            with pytest.raises((LinkFault, InputError)) as caught:
                await channel.connect()
            assert caught.value.message
            assert caught.value.advice
        finally:
            await channel.close()

    asyncio.run(go())


def test_a_trial_shows_values_or_says_why_not(peer: Peer) -> None:
    outcome = trial.test_link(peer.good, PROFILE, inlet=peer.inlet)
    assert outcome.ok
    assert "does not bring r9" in outcome.text
    assert outcome.frame is not None
    assert outcome.frame.worst is Quality.GOOD
    outcome = trial.test_link(peer.absent, PROFILE, inlet=peer.inlet)
    assert (outcome.ok, outcome.frame) == (False, None)
    assert outcome.text
    assert outcome.advice


def test_every_scan_makes_a_frame_whether_the_peer_is_there_or_not(peer: Peer, wait_until: Wait) -> None:
    threads = threading.active_count()
    bindings = [Binding("P", PROFILE, (peer.good,)), Binding("A", PROFILE, (peer.absent,))]
    with Scanning(bindings, peer.inlet) as s:
        wait_until(lambda: len(s.of("P")) >= 5 and len(s.of("A")) >= 5)
        states = [v.state for v in s.scanner.views()]
    assert states == [LinkState.ONLINE, LinkState.OFFLINE]
    assert all(f.worst is Quality.GOOD for f in s.of("P"))
    assert all(f.worst is Quality.BAD and Reason.NONE not in reasons_of(f) for f in s.of("A"))
    assert {e.link_id for e in s.events} == {"P/1", "A/1"}
    wait_until(lambda: threading.active_count() <= threads)


def test_what_a_link_does_is_counted(peer: Peer, wait_until: Wait) -> None:
    with Scanning([Binding("P", PROFILE, (peer.good,))], peer.inlet) as s:
        wait_until(lambda: len(s.of("P")) >= 5)
        view = s.view("P/1")
    assert view.frames >= 5
    assert view.good >= 5
    assert view.requests >= view.good
    assert view.endpoint
    assert view.last_good_mono_ns > 0


def test_a_scan_may_be_cancelled_at_any_moment_and_the_next_ones_stay_true(kind: DriverKind, peer: Peer) -> None:
    link = spec(peer.good, peer.inlet)

    async def run() -> list[Readings]:
        channel = kind.open([link])
        await channel.connect()
        found: list[Readings] = []
        for steps in range(12):
            task = asyncio.ensure_future(channel.scan(link))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            try:
                found.append(await channel.scan(link))
            except LinkFault:
                continue
        await channel.close()
        return found

    found = asyncio.run(run())
    assert len(found) >= 6
    assert all(is_true(readings, peer, may_doubt=True) for readings in found)


def test_connecting_may_be_cancelled_and_closing_twice_is_harmless(kind: DriverKind, peer: Peer) -> None:
    async def run() -> None:
        for steps in range(6):
            channel = kind.open([spec(peer.good, peer.inlet)])
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


def test_nothing_is_left_after_close(kind: DriverKind, peer: Peer, wait_until: Wait) -> None:
    link = spec(peer.good, peer.inlet)

    async def run() -> set[str]:
        channel = kind.open([link])
        await channel.connect()
        await channel.scan(link)
        await channel.close()
        for _ in range(20):
            await asyncio.sleep(0.005)
        return {task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()}

    asyncio.run(run())  # opens what stays open for good (epoll, resolver)
    process = psutil.Process()
    wait_until(lambda: not any(c.status == "ESTABLISHED" for c in process.net_connections()))
    before, threads = process.num_fds(), threading.active_count()
    assert asyncio.run(run()) == set()
    wait_until(lambda: process.num_fds() <= before and threading.active_count() <= threads)
