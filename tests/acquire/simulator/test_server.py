"""The simulated pumps behind a real Modbus TCP endpoint, read by a client of another library and by raw bytes."""

import math
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyModbusTCP.client import ModbusClient

from pumpwatch_gui.acquire.simulator import FaultSpec, Plant, serve
from pumpwatch_gui.acquire.simulator.device import Devices, RequestCounts
from pumpwatch_gui.acquire.simulator.registers import RegisterLayout, encode
from pumpwatch_gui.domain.errors import InputError, LinkError
from pumpwatch_gui.domain.links.decode import decoder
from pumpwatch_gui.domain.links.register_map import ORDERS, Point
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.files.register_maps import load_register_map

Wait = Callable[..., None]
STILL = 1e-9  # a speed at which the plant does not move, so that what was read can be compared with what is


@contextmanager
def served(plant: Plant, *, speed: float = STILL) -> Iterator[tuple[int, list[RequestCounts]]]:
    """The port of a server over `plant`; leaves its counts in the list that is given second."""
    stop, ready = threading.Event(), threading.Event()
    ports, counts = list[int](), list[RequestCounts]()

    def opened(port: int) -> None:
        ports.append(port)
        ready.set()

    def run() -> None:
        counts.append(serve(plant, port=0, speed=speed, ready=opened, stop=stop))

    thread = threading.Thread(target=run, name="pumpwatch-simulator")
    thread.start()
    try:
        assert ready.wait(5)
        yield ports[0], counts
    finally:
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


def decoded(words: list[int]) -> list[float]:
    """The ten values in the eleven registers of the generic map."""
    raw = struct.pack(f">{len(words)}H", *words)
    n, tb, po, v, q, ps, pd, i, tc, ta = struct.unpack(">HhHHfhhHhh", raw)
    return [n / 10, tb / 10, po / 100, v / 100, q, ps / 100, pd / 100, i / 10, tc / 10, ta / 10]


def exchange(port: int, request: bytes) -> bytes:
    """Send raw bytes, give the whole first response; b"" when the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.sendall(request)
        head = link.recv(6, socket.MSG_WAITALL)
        return head + link.recv(struct.unpack(">HHH", head)[2], socket.MSG_WAITALL) if len(head) == 6 else head


def request(pdu: bytes, *, unit: int = 1, transaction: int = 7) -> bytes:
    return struct.pack(">HHHB", transaction, 0, 1 + len(pdu), unit) + pdu


def test_every_unit_gives_exactly_its_pump_s_values_on_both_register_tables() -> None:
    plant = Plant(3, seed=8)
    with served(plant) as (port, _):
        for unit in (1, 2, 3):
            client = ModbusClient(host="127.0.0.1", port=port, unit_id=unit, auto_open=True)
            for read in (client.read_holding_registers, client.read_input_registers):
                assert decoded(read(0, 11)) == pytest.approx(plant.values[unit - 1].tolist(), abs=1e-6)
            client.close()


def test_the_values_move_and_the_heartbeat_counts(wait_until: Wait) -> None:
    plant = Plant(1, seed=8)
    with served(plant, speed=10) as (port, _):
        client = ModbusClient(host="127.0.0.1", port=port, unit_id=1, auto_open=True)
        first = client.read_holding_registers(0, 12)
        wait_until(lambda: client.read_holding_registers(11, 1)[0] >= first[11] + 3)
        assert client.read_holding_registers(0, 11) != first[:11]
        client.close()
    assert plant.time_s > 2


def test_a_dropped_out_sensor_reads_as_the_maps_not_available_value() -> None:
    drops = [FaultSpec.parse(f"P-101=sensor_dropout.{tag}@0:1") for tag in STANDARD_TAGS]
    plant = Plant(1, seed=8, faults=drops)
    plant.advance(1)
    with served(plant) as (port, _):
        client = ModbusClient(host="127.0.0.1", port=port, unit_id=1, auto_open=True)
        words = client.read_holding_registers(0, 11)
        client.close()
    assert [words[i] for i in (0, 1, 2, 3, 6, 7, 8, 9, 10)] == [
        0xFFFF, 0x8000, 0xFFFF, 0xFFFF, 0x8000, 0x8000, 0xFFFF, 0x8000, 0x8000,
    ]  # fmt: skip
    assert math.isnan(struct.unpack(">f", struct.pack(">HH", *words[4:6]))[0])


@pytest.mark.parametrize(
    ("pdu", "unit", "response"),
    [
        (b"\x03\x00\x00\x00\x0b", 9, b"\x83\x0b"),  # a unit that is not there, as a gateway says it
        (b"\x03\x00\x0c\x00\x01", 1, b"\x83\x02"),  # beyond the map
        (b"\x03\x00\x00\x00\x0d", 1, b"\x83\x02"),  # runs out of the map
        (b"\x04\xff\xff\x00\x02", 1, b"\x84\x02"),
        (b"\x03\x00\x00\x00\x00", 1, b"\x83\x03"),  # a count of nothing
        (b"\x03\x00\x00\x00\x7e", 1, b"\x83\x03"),  # 126 registers
        (b"\x03\x00\x00", 1, b"\x83\x03"),  # cut short
        (b"\x01\x00\x00\x00\x01", 1, b"\x81\x02"),  # no coils in this map
        (b"\x06\x00\x00\x00\x01", 1, b"\x86\x01"),
        (b"\x10\x00\x00\x00\x01\x02\x00\x00", 1, b"\x90\x01"),
        (b"\x63", 1, b"\xe3\x01"),
    ],
)
def test_what_has_no_response_is_refused_with_the_right_exception(pdu: bytes, unit: int, response: bytes) -> None:
    with served(Plant(1)) as (port, _):
        assert exchange(port, request(pdu, unit=unit)) == struct.pack(">HHHB", 7, 0, 3, unit) + response


def test_writes_are_refused_and_counted_and_change_nothing() -> None:
    plant = Plant(1, seed=8)
    with served(plant) as (port, counts):
        client = ModbusClient(host="127.0.0.1", port=port, unit_id=1, auto_open=True)
        before = client.read_holding_registers(0, 11)
        assert not client.write_single_register(0, 1)
        assert not client.write_multiple_registers(0, [1, 2])
        assert client.last_except == 1
        assert client.read_holding_registers(0, 11) == before
        client.close()
    assert counts[0].refused_writes == 2
    assert counts[0].requests == 4


def test_the_device_identifies_itself() -> None:
    with served(Plant(1)) as (port, _):
        response = exchange(port, request(b"\x2b\x0e\x01\x00"))
        assert response[7:14] == b"\x2b\x0e\x01\x81\x00\x00\x03"
        assert b"PumpWatch" in response
        assert exchange(port, request(b"\x2b\x0e\x04\x01"))[15:] == b"\x0esimulated pump"
        assert exchange(port, request(b"\x2b\x0e\x04\x07"))[7:] == b"\xab\x02"


def test_requests_may_come_in_pieces_or_together() -> None:
    with served(Plant(1)) as (port, _), socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        both = request(b"\x03\x00\x00\x00\x01", transaction=1) + request(b"\x03\x00\x01\x00\x01", transaction=2)
        for byte in both[:9]:
            link.sendall(bytes([byte]))
        link.sendall(both[9:])
        response = link.recv(22, socket.MSG_WAITALL)
        assert [response[1], response[12]] == [1, 2]


def test_what_is_not_modbus_is_hung_up_on_and_counted() -> None:
    with served(Plant(1)) as (port, counts):
        assert exchange(port, b"GET / HTTP/1.1\r\n\r\n") == b""
    assert counts[0].malformed == 1


def test_fifty_units_respond_on_one_port() -> None:
    plant = Plant(50, seed=1)
    with served(plant) as (port, _):
        for unit in (1, 25, 50):
            client = ModbusClient(host="127.0.0.1", port=port, unit_id=unit, auto_open=True)
            assert decoded(client.read_holding_registers(0, 11)) == pytest.approx(
                plant.values[unit - 1].tolist(), abs=1e-6
            )
            client.close()


def test_a_port_that_is_taken_and_a_map_that_is_not_there_are_reported_with_advice() -> None:
    with served(Plant(1)) as (port, _), pytest.raises(LinkError, match=str(port)) as caught:
        serve(Plant(1), port=port, stop=threading.Event())
    assert "--port" in caught.value.advice
    with pytest.raises(InputError):
        serve(Plant(1), port=0, registers="no-such-map", stop=threading.Event())
    with pytest.raises(ValueError, match="speed"):
        serve(Plant(1), port=0, speed=0, stop=threading.Event())


@given(st.integers(0, 255), st.binary(min_size=1, max_size=253))
def test_any_request_gets_a_response_of_its_own_function(unit: int, pdu: bytes) -> None:
    devices = Devices()
    layout = RegisterLayout(load_register_map("generic", tags=STANDARD_TAGS).points, tags=STANDARD_TAGS)
    devices.images = {1: layout.image([1.0] * 10, 3)}
    response = devices.respond(unit, pdu)
    assert response[0] & 0x7F == pdu[0] & 0x7F
    assert 2 <= len(response) <= 253


def test_a_map_without_a_not_available_value_lets_the_device_report_a_failure() -> None:
    devices = Devices()
    layout = RegisterLayout(
        [Point("motor_rpm", "holding", 0, "uint16"), Point("extra", "holding", 1, "int32")], tags=STANDARD_TAGS
    )
    devices.images = {1: layout.image([1480.0] * 10, 0)}
    assert devices.respond(1, b"\x03\x00\x00\x00\x01") == b"\x03\x02\x05\xc8"
    assert devices.respond(1, b"\x03\x00\x01\x00\x02") == b"\x83\x04"
    assert layout.heartbeat == 3


@pytest.mark.parametrize(
    ("kind", "order", "value", "wire"),
    [
        ("uint32", "ABCD", 0x11223344, "11223344"),
        ("uint32", "CDAB", 0x11223344, "33441122"),
        ("uint32", "BADC", 0x11223344, "22114433"),
        ("uint32", "DCBA", 0x11223344, "44332211"),
        ("uint64", "CDAB", 0x1122334455667000, "7000556633441122"),
        ("int16", "ABCD", -2, "fffe"),
        ("int16", "ABCD", math.nan, "8000"),
        ("int16", "ABCD", 40000, "8000"),
        ("bcd16", "ABCD", 1480, "1480"),
        ("bcd32", "CDAB", 12345678, "56781234"),
        ("float64", "ABCD", 1.5, "3ff8000000000000"),
        ("bool", "ABCD", 1, "0001"),
    ],
)
def test_every_type_and_order_is_laid_out_as_devices_do(kind: str, order: str, value: float, wire: str) -> None:
    point = Point("x", "holding", 0, kind, order, not_available=(0x8000,))
    packed = encode(value, point)
    assert packed is not None
    assert packed.hex() == wire


def test_bits_share_a_register_and_coils_travel_packed() -> None:
    devices = Devices()
    points = [Point("a", "holding", 0, "bit", bit=1), Point("b", "holding", 0, "bit", bit=3)]
    coils = [Point(tag, "coil", i, "bool") for i, tag in enumerate(("c", "d", "e"))]
    layout = RegisterLayout(points + coils, tags=("a", "b", "c", "d", "e"))
    devices.images = {1: layout.image([1, 1, 1, 0, 1], 0)}
    assert devices.respond(1, b"\x03\x00\x00\x00\x01") == b"\x03\x02\x00\x0a"
    assert devices.respond(1, b"\x01\x00\x00\x00\x03") == b"\x01\x01\x05"
    assert devices.respond(1, b"\x02\x00\x00\x00\x03") == b"\x02\x01\x05"


@given(
    st.sampled_from(["uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "bcd16", "bcd32"]),
    st.sampled_from(ORDERS),
    st.integers(0, 9999),
    st.sampled_from([1.0, 0.1, 0.01, 2.5]),
)
def test_what_the_device_lays_out_the_product_reads_back(kind: str, order: str, whole: int, scale: float) -> None:
    point = Point("x", "holding", 0, kind, order, scale=scale, offset=-40.0)
    packed = encode(whole * scale - 40.0, point)
    assert packed is not None
    registers = struct.unpack(f">{len(packed) // 2}H", packed)
    assert decoder(point, (-1e9, 1e9), 0)(registers).value == pytest.approx(whole * scale - 40.0, abs=1e-2)


@pytest.mark.parametrize("key", ["exponent_register = 12", "current_loop = { raw = [0, 1], value = [0, 1] }"])
def test_a_map_that_a_simulated_device_cannot_hold_is_refused_by_name(tmp_path: Path, key: str) -> None:
    path = tmp_path / "strange.toml"
    path.write_text(f'name = "strange"\n[[point]]\ntag = "motor_rpm"\naddress = 0\ntype = "uint16"\n{key}\n')
    with pytest.raises(InputError, match="motor_rpm"):
        serve(Plant(1), port=0, registers=str(path), stop=threading.Event())
