"""Links against peers that vanish, stall, refuse and come back; and nothing left behind at the end."""

import asyncio
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from pumpwatch_gui.acquire.discovery import trial
from pumpwatch_gui.acquire.links import link
from pumpwatch_gui.acquire.links.scanner import Binding, Scanner
from pumpwatch_gui.domain.events import LinkChanged
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.faulty_server import FAULTS, FaultyServer, truth

ADDRESSES = (0, 1, 2, 3)
PROFILE = PumpProfile("registers", tuple(Sensor(f"r{a}", f"Register {a}", "", (0, 65535), 1) for a in ADDRESSES))
NOISE_S = 0.2
"""What a busy machine may add to the 50 ms that we ask of ourselves."""

Wait = Callable[..., None]


class Room:
    """A running scanner and all that it told."""

    def __init__(self, bindings: list[Binding]) -> None:
        self.frames: dict[str, list[tuple[float, Frame]]] = {b.pump_id: [] for b in bindings}
        self.events: list[LinkChanged] = []
        self.escaped: list[BaseException] = []
        self.scanner = Scanner(bindings, on_frame=self._take, on_event=self.events.append)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pumpwatch-links-test")
        self._thread.start()

    def _run(self) -> None:
        try:
            self.scanner.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - the top of a thread
            self.escaped.append(error)

    def _take(self, frame: Frame) -> None:
        self.frames[frame.pump_id].append((time.monotonic(), frame))

    def stop(self) -> float:
        """Stop; seconds that it took."""
        started = time.monotonic()
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        assert not self.escaped
        return time.monotonic() - started

    def last(self, pump: str = "P") -> Frame | None:
        return self.frames[pump][-1][1] if self.frames[pump] else None

    def is_good(self, pump: str = "P") -> bool:
        frame = self.last(pump)
        return frame is not None and frame.worst is Quality.GOOD

    def reason(self, pump: str = "P") -> Reason | None:
        frame = self.last(pump)
        return None if frame is None else Reason(int(frame.reason.max()))

    def first_after(self, at_s: float, quality: Quality, pump: str = "P") -> float | None:
        """Seconds from an instant to the first frame of that quality."""
        return next((t - at_s for t, f in self.frames[pump] if t > at_s and f.worst is quality), None)

    def view(self, pump: str = "P") -> LinkView:
        return next(v for v in self.scanner.views() if v.pump_id == pump)


@pytest.fixture(scope="module")
def registers(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("maps") / "four.toml"
    points = "".join(f'[[point]]\ntag = "r{a}"\naddress = {a}\ntype = "uint16"\n' for a in ADDRESSES)
    path.write_text(f'name = "four"\n{points}')
    return str(path)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No thread, file descriptor or connection of ours outlives a test."""
    process = psutil.Process()
    fds, threads = process.num_fds(), threading.active_count()
    yield
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and (process.num_fds() > fds or threading.active_count() > threads):
        time.sleep(0.02)
    assert process.num_fds() <= fds, process.net_connections()
    assert threading.active_count() <= threads, threading.enumerate()


@contextmanager
def running(*bindings: Binding) -> Iterator[Room]:
    room = Room(list(bindings))
    try:
        yield room
    finally:
        room.stop()


def bind(config: ModbusTcpConfig, pump: str = "P") -> Binding:
    return Binding(pump, PROFILE, (config,))


@pytest.mark.parametrize("how", ["reset", "finish"])
def test_a_lost_peer_is_noticed_between_beats(how: str, registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server:
        slow = ModbusTcpConfig("127.0.0.1", server.port, 1, 0.5, 0.5, registers)
        with running(bind(slow)) as room:
            wait_until(room.is_good)
            dropped_s = server.drop(how=how)
            wait_until(lambda: not room.is_good())
            noticed = room.first_after(dropped_s, Quality.BAD)
            assert noticed is not None
            print(f"{how} noticed after {noticed * 1e3:.1f} ms")
            assert noticed <= 0.05 + NOISE_S
            assert room.reason() is Reason.NO_COMMUNICATION
            assert room.view().state is LinkState.OFFLINE
            assert "lost" in room.events[-1].text
            wait_until(room.is_good)
            assert room.view().state is LinkState.ONLINE


def test_a_stall_is_noticed_within_the_time_out_and_one_period(registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server:
        config = ModbusTcpConfig("127.0.0.1", server.port, 1, 0.2, 0.2, registers)
        with running(bind(config)) as room:
            wait_until(room.is_good)
            server.always, since_s = "stall", time.monotonic()
            wait_until(lambda: not room.is_good())
            noticed = room.first_after(since_s, Quality.BAD)
            assert noticed is not None
            assert noticed <= 0.2 + 0.2 + NOISE_S
            assert room.reason() is Reason.TIMEOUT
            assert "no response from" in room.view().last_error


@pytest.mark.parametrize("how", ["reset", "finish"])
def test_a_server_that_was_away_is_found_again(how: str, registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server:
        config = ModbusTcpConfig("127.0.0.1", server.port, 1, 0.1, 0.2, registers)
        with running(bind(config)) as room:
            wait_until(room.is_good)
            server.kill(how=how)
            wait_until(lambda: "refused" in room.view().last_error, what="the system's own word")
            count = len(room.frames["P"])
            wait_until(lambda: len(room.frames["P"]) > count + 3, what="frames while the server is away")
            assert room.reason() is Reason.NO_COMMUNICATION
            server.revive()
            back_s = time.monotonic()
            wait_until(room.is_good, within_s=6)
            print(f"back after {time.monotonic() - back_s:.2f} s")


def test_a_server_that_hangs_up_at_once_never_looks_alive(registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server:
        server.closes_at_once = True
        with running(bind(ModbusTcpConfig("127.0.0.1", server.port, 1, 0.1, 0.2, registers))) as room:
            wait_until(lambda: server.connections >= 3)
            assert all(f.worst is Quality.BAD for _, f in room.frames["P"])
            server.closes_at_once = False
            wait_until(room.is_good, within_s=6)


@pytest.fixture(scope="module")
def for_ever(registers: str) -> dict[str, tuple[list[tuple[float, Frame]], list[LinkChanged], list[str]]]:
    """Every fault without end, all at once, for two seconds: (frames, events, wrong values) of each."""
    with ExitStack() as stack:
        servers = {fault: stack.enter_context(FaultyServer(always=fault)) for fault in FAULTS if "late" not in fault}
        room = Room([bind(ModbusTcpConfig("127.0.0.1", s.port, 1, 0.2, 0.1, registers), f) for f, s in servers.items()])
        time.sleep(2.5)
        room.stop()
        found = {}
        for fault, server in servers.items():
            ticks = {r.tick for r in server.log}
            good = [f for _, f in room.frames[fault] if f.worst is not Quality.BAD]
            wrong = [f for f in good if not _is_true(f, ticks)]
            found[fault] = (room.frames[fault], [e for e in room.events if e.pump_id == fault], wrong)
        return found


def _is_true(frame: Frame, ticks: set[int]) -> bool:
    return any(np.array_equal(frame.values, [truth(a, k) for a in ADDRESSES]) for k in ticks)


@pytest.mark.parametrize("fault", [f for f in FAULTS if "late" not in f])
def test_a_fault_without_end_gives_frames_at_every_beat(
    fault: str, for_ever: dict[str, tuple[list[tuple[float, Frame]], list[LinkChanged], list[str]]]
) -> None:
    frames, events, wrong = for_ever[fault]
    assert not wrong
    assert len(frames) >= 8
    assert np.diff([t for t, _ in frames]).max() <= 0.4 + NOISE_S
    harmless = ("byte by byte", "in two pieces", "duplicated", "garbage after", "garbage after, apart")
    if fault not in harmless:
        assert all(f.worst is Quality.BAD for _, f in frames)
        assert len(events) <= 3  # told when it starts, not at every beat


def test_stop_with_fifty_stalled_devices_ends_within_a_second(registers: str, wait_until: Wait) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(FaultyServer(always="stall")) for _ in range(50)]
        configs = [ModbusTcpConfig("127.0.0.1", s.port, 1, 1.0, 20.0, registers) for s in servers]
        room = Room([bind(c, f"P-{i}") for i, c in enumerate(configs)])
        wait_until(lambda: all(s.log for s in servers))
        took_s = room.stop()
        print(f"stopped in {took_s:.3f} s")
        assert took_s <= 1.0
        wait_until(lambda: not any(c.status == "ESTABLISHED" and c.raddr and c.raddr.port in {s.port for s in servers}
                                   for c in psutil.Process().net_connections()))  # fmt: skip


def test_a_dead_unit_delays_the_others_by_its_time_outs_only(
    registers: str, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert link.PROBE_S == 5.0
    monkeypatch.setattr(link, "PROBE_S", 1.0)
    with FaultyServer() as server:
        server.dead_units = frozenset({3})
        pumps = {u: bind(ModbusTcpConfig("127.0.0.1", server.port, u, 0.1, 0.2, registers), f"U{u}") for u in (1, 2, 3)}
        with running(*pumps.values()) as room:
            wait_until(lambda: len(room.frames["U1"]) >= 28, within_s=15)
            asked = [r.at_s for r in server.log if r.unit == 3]
            probes = np.diff(asked[2:])
            assert 3 <= len(asked) <= 5
            assert all(1.0 <= p <= 1.6 for p in probes)
            for pump in ("U1", "U2"):
                assert all(f.worst is Quality.GOOD for _, f in room.frames[pump])
                gaps = np.diff([t for t, _ in room.frames[pump]])
                assert gaps.max() <= 0.1 + 0.2 + NOISE_S
                assert (gaps > 0.2).sum() <= 2 * len(asked)
            assert room.reason("U3") is Reason.TIMEOUT
            assert len(room.frames["U3"]) >= 16  # a frame at every beat, asked or not
            server.dead_units = frozenset()
            wait_until(lambda: room.is_good("U3"), within_s=6, what="the dead unit's return")


@pytest.mark.parametrize("fault", ["held back", "slip", "late, behind the next request"])
def test_an_answer_that_was_missed_is_not_taken_for_another_units(
    fault: str, registers: str, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Units behind one gateway have equal maps: only the line as a whole can know that an answer is still out."""
    monkeypatch.setattr(link, "PROBE_S", 0.5)
    with FaultyServer(dict.fromkeys((8, 9, 25, 40), fault)) as server:
        config = ModbusTcpConfig("127.0.0.1", server.port, 1, 0.1, 0.1, registers)
        wrong = list[Frame]()
        units = [bind(dataclasses.replace(config, unit=unit), f"U{unit}") for unit in (1, 2, 3)]
        with running(*units) as room:
            wait_until(lambda: len(server.log) > 60 and all(room.is_good(b.pump_id) for b in units))
            served = {(r.unit, r.tick) for r in server.log}
            for unit in (1, 2, 3):
                good = [f for _, f in room.frames[f"U{unit}"] if f.worst is Quality.GOOD]
                wrong += [f for f in good if not _is_true(f, {k for u, k in served if u == unit})]
        assert not wrong


def test_a_dead_endpoint_never_delays_another(registers: str, wait_until: Wait) -> None:
    with FaultyServer() as good, FaultyServer(always="stall") as stalled, FaultyServer() as closed:
        closed.kill()
        dead = [
            bind(ModbusTcpConfig("127.0.0.1", port, 1, 0.05, 0.5, registers), f"dead {port}")
            for port in (stalled.port, closed.port)
        ]
        unknown = bind(ModbusTcpConfig("no-such-host.invalid", 502, 1, 0.05, 0.5, registers), "unknown")
        config = ModbusTcpConfig("127.0.0.1", good.port, 1, 0.05, 0.5, registers)
        with running(*dead, unknown, bind(config, "good")) as room:
            wait_until(lambda: len(room.frames["good"]) >= 30)
            assert all(f.worst is Quality.GOOD for _, f in room.frames["good"][1:])
            assert room.view("good").missed_scans <= 1
            assert not any(room.is_good(b.pump_id) for b in [*dead, unknown])


def test_a_name_that_does_not_resolve_is_told_at_once(registers: str) -> None:
    result = trial.test_link(ModbusTcpConfig("no-such-host.invalid", 502, registers=registers), PROFILE)
    assert not result.ok
    assert "no-such-host.invalid" in result.text
    assert "name" in result.text
    assert "spelling" in result.advice


def test_a_frozen_device_turns_stale_and_comes_back(registers: str, wait_until: Wait) -> None:
    with FaultyServer() as server:
        config = ModbusTcpConfig("127.0.0.1", server.port, 1, 0.05, 0.5, registers, frozen_after=4)
        with running(bind(config)) as room:
            wait_until(lambda: len(room.frames["P"]) >= 10 and room.is_good())
            assert all(f.worst is Quality.GOOD for _, f in room.frames["P"])
            server.frozen = True
            wait_until(lambda: room.reason() is Reason.FROZEN)
            frame = room.last()
            assert frame is not None
            assert frame.worst is Quality.UNCERTAIN
            assert room.view().state is LinkState.STALE
            server.frozen = False
            wait_until(room.is_good)
            assert room.view().state is LinkState.ONLINE


def test_the_loop_has_no_tasks_left(registers: str) -> None:
    """`run` uses `asyncio.run`, which would wait for stray tasks; here none is even cancelled by it."""
    seen: list[int] = []

    class Counting(Scanner):
        async def _main(self, stop: threading.Event) -> None:
            await super()._main(stop)
            seen.append(len(asyncio.all_tasks()) - 1)

    with FaultyServer(always="stall") as server:
        config = ModbusTcpConfig("127.0.0.1", server.port, 1, 0.1, 5.0, registers)
        scanner, stop = Counting([bind(config)], on_frame=lambda f: None, on_event=lambda e: None), threading.Event()
        thread = threading.Thread(target=scanner.run, args=(stop,))
        thread.start()
        while not server.log:
            time.sleep(0.01)
        stop.set()
        thread.join(5)
    assert seen == [0]
