"""Against the devices of others: four libraries over TCP and on serial lines, and a foreign client as second opinion.

Every value is compared with what the peer was set to hold; the peers' own logs show that only reads were requested.
"""

import dataclasses
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pumpwatch_gui.acquire.discovery.trial import read_once
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.acquire.simulator import Plant, serve, serve_line
from pumpwatch_gui.bench.rigs.posting import free_port
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusRtuConfig, ModbusTcpConfig
from pumpwatch_gui.domain.values.quality import Quality
from tests.acquire.scanning import Scanning, registers_profile

Wait = Callable[..., None]
PROGRAMS = Path(__file__).parents[1] / "peers"
COILS = [int((i * i + i // 3) % 2 == 0) for i in range(64)]
TABLES = {
    "holding": [(i * 2749 + 7) % 65536 for i in range(64)],
    "input": [(i * 4099 + 11) % 65536 for i in range(64)],
    "coil": COILS,
    "discrete": [1 - coil for coil in COILS],
}
PEERS = ["pymodbustcp tcp", "modbus-tk tcp", "modbus-tk rtu", "libmodbus tcp", "libmodbus rtu", "modbus-serial tcp",
         "modbus-serial rtu", "jsmodbus tcp"]  # fmt: skip
STILL = 1e-9


@pytest.fixture(scope="session")
def npm_peers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm is not here")
    folder: Path = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "modbus-serial", "jsmodbus"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=100)
    if run.returncode != 0:
        pytest.skip(f"npm could not install the peers: {run.stderr.strip().splitlines()[-1:]}")
    return folder


@pytest.fixture(scope="session")
def libmodbus_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None or not Path("/usr/include/modbus/modbus.h").exists():
        pytest.skip("a C compiler and libmodbus-dev are not here")
    made: Path = tmp_path_factory.mktemp("libmodbus") / "server"
    command = [
        "cc",
        "-Wall",
        "-Werror",
        "-I/usr/include/modbus",
        str(PROGRAMS / "libmodbus_server.c"),
        "-o",
        str(made),
        "-lmodbus",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return made


@contextmanager
def line_pair(folder: Path) -> Iterator[tuple[str, str]]:
    """Two ends of a line made by socat."""
    if shutil.which("socat") is None:
        pytest.skip("socat is not here")
    ends = str(folder / "near"), str(folder / "far")
    with subprocess.Popen(["socat", *(f"pty,raw,echo=0,link={end}" for end in ends)]) as child:
        try:
            for _ in range(500):
                if all(Path(end).exists() for end in ends):
                    break
                threading.Event().wait(0.01)
            yield ends
        finally:
            child.terminate()


@dataclasses.dataclass
class Peer:
    """A running peer: settings that reach it, and the function codes of the requests that it got."""

    config: Any
    functions: set[int]


@contextmanager
def child(command: list[str], config: DriverConfig, environment: dict[str, str]) -> Iterator[Peer]:
    functions: set[int] = set()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, **environment}) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"

        def listen() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                functions.add(int(line.split()[1]))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            yield Peer(config, functions)
        finally:
            process.kill()
            listener.join(5)


@pytest.fixture(params=PEERS)
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Peer]:
    library, way = request.param.split()
    environment: dict[str, str] = {}
    if library in ("modbus-serial", "jsmodbus"):
        environment = {"PEERS_FOLDER": str(request.getfixturevalue("npm_peers"))}
        command = ["node", str(PROGRAMS / "node_server.js"), library]
    elif library == "libmodbus":
        command = [str(request.getfixturevalue("libmodbus_server"))]
    else:
        command = [sys.executable, str(PROGRAMS / "python_server.py"), library]
    if way == "tcp":
        port = free_port()
        with child(
            [*command, way, str(port)], ModbusTcpConfig("127.0.0.1", port, period_s=0.1, timeout_s=5.0), environment
        ) as running:
            yield running
        return
    with (
        line_pair(tmp_path) as (near, far),
        child([*command, way, far], ModbusRtuConfig(near, 19200, period_s=0.1, timeout_s=5.0), environment) as running,
    ):
        yield running


def test_every_value_of_every_table_arrives_and_only_reads_are_requested(
    peer: Peer, tmp_path: Path, wait_until: Wait
) -> None:
    for table, held in TABLES.items():
        for address, count in ((0, 40), (13, 1), (24, 40), (63, 1)):
            assert list(read_once(peer.config, table, address, count)) == held[address : address + count], table
    addresses = (0, 1, 2, 9, 40, 41)
    rows = "".join(f'[[point]]\ntag = "r{a}"\naddress = {a}\ntype = "uint16"\n' for a in addresses)
    (tmp_path / "map.toml").write_text(f'name = "map"\n{rows}')
    config = dataclasses.replace(peer.config, registers=str(tmp_path / "map.toml"))
    with Scanning([Binding("P", registers_profile(*addresses), (config,))]) as s:
        wait_until(lambda: sum(f.worst is Quality.GOOD for f in s.of("P")) >= 10)
        view = s.view("P/1")
    for frame in s.of("P"):
        if frame.worst is Quality.GOOD:
            assert list(frame.values) == [TABLES["holding"][a] for a in addresses]
    assert view.timeouts + view.refused_responses + view.wrong_length + view.crc_errors == 0, view
    wait_until(lambda: peer.functions)
    assert peer.functions == {1, 2, 3, 4}


@pytest.mark.parametrize("peer", ["libmodbus tcp", "libmodbus rtu", "modbus-tk tcp", "jsmodbus tcp"], indirect=True)
def test_an_address_beyond_the_end_is_refused_whatever_the_peer_responds(peer: Peer) -> None:
    """jsmodbus gives an empty normal response instead of an exception: it must not pass for values."""
    with pytest.raises(LinkFault) as caught:
        read_once(peer.config, "holding", 60, 40)
    assert caught.value.kind in (FaultKind.EXCEPTION, FaultKind.LENGTH)
    assert list(read_once(peer.config, "holding", 60, 4)) == TABLES["holding"][60:]


@pytest.mark.parametrize("way", ["tcp", "rtu"])
def test_mbpoll_reads_from_the_simulator_what_we_read(way: str, wait_until: Wait) -> None:
    if shutil.which("mbpoll") is None:
        pytest.skip("mbpoll is not here")
    stop, opened = threading.Event(), list[Any]()
    plant, options = Plant(2, seed=4), {"ready": opened.append, "stop": stop, "speed": STILL}
    if way == "tcp":
        thread = threading.Thread(target=serve, args=(plant,), kwargs={"port": 0, **options})
    else:
        thread = threading.Thread(target=serve_line, args=(plant,), kwargs={"device": "auto", **options})
    thread.start()
    try:
        wait_until(lambda: opened)
        place = opened[0]
        ask = (
            ["-m", "tcp", "-p", str(place), "127.0.0.1"]
            if way == "tcp"
            else ["-m", "rtu", "-b", "19200", "-P", "none", place]
        )
        config: Any = ModbusTcpConfig("127.0.0.1", place, 2) if way == "tcp" else ModbusRtuConfig(place, unit=2)
        ours = read_once(config, "holding", 0, 10)
        command = ["mbpoll", "-a", "2", "-t", "4", "-r", "1", "-c", "10", "-1", *ask]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        theirs = [int(line.split()[1]) for line in said.splitlines() if line.startswith("[")]
        assert list(ours) == theirs
    finally:
        stop.set()
        thread.join(5)
