"""RTU frames among the bytes of a line."""

from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU

from pumpwatch_gui.acquire.crc16 import crc16
from pumpwatch_gui.acquire.links.fault import FaultKind
from pumpwatch_gui.acquire.modbus.wire.response import Request
from pumpwatch_gui.acquire.modbus.wire.rtu import check_response, find, frames_of, is_started, sealed


@given(st.binary(min_size=1, max_size=260))
def test_the_crc_is_that_of_another_library(content: bytes) -> None:
    assert crc16(content).to_bytes(2, "little") == FramerRTU.compute_CRC(content).to_bytes(2)


@given(st.integers(1, 125), st.binary(max_size=20), st.binary(max_size=20), st.integers(1, 247))
def test_a_response_is_found_among_noise_and_never_by_its_echo(
    n: int, before: bytes, after: bytes, number: int
) -> None:
    request, sent = Request(0, number, 3, n), sealed(number, bytes((3, 0, 0, 0, n)))
    response = sealed(number, bytes((3, 2 * n)) + bytes(range(2 * n % 256)) + bytes(2 * n - 2 * n % 256))
    found = find(before + response + after, request, sent)
    assert found is not None
    assert find(before + response[:-1], request, sent) is None
    assert find(sent, request, sent) is None


@given(st.integers(17, 24), st.integers(0, 255))
def test_a_request_for_three_bytes_of_bits_is_not_taken_for_its_own_response(count: int, low: int) -> None:
    """Read coils from 0x03xx: as a response the echo would be whole and right."""
    sent = sealed(5, bytes((1, 3, low, 0, count)))
    assert find(sent, Request(0, 5, 1, count), sent) is None
    assert check_response(sent, Request(0, 5, 1, count), sent) is None


@given(st.integers(1, 60), st.binary(min_size=1, max_size=20))
def test_a_sealed_frame_with_bytes_after_its_values_is_refused_by_its_length(n: int, more: bytes) -> None:
    request, sent = Request(0, 9, 3, n), sealed(9, bytes((3, 0, 0, 0, n)))
    longer = sealed(9, bytes((3, 2 * n)) + bytes(2 * n) + more)
    if find(longer, request, sent) is None:  # else the right CRC stood by chance where the right frame would end
        refusal = check_response(longer, request, sent)
        assert refusal is not None
        assert refusal.kind is FaultKind.LENGTH


def test_a_response_is_found_behind_more_noise_than_a_frame_is_long() -> None:
    request, sent = Request(0, 9, 3, 1), sealed(9, bytes((3, 0, 0, 0, 1)))
    found = find(bytes(300) + sealed(9, bytes((3, 2, 7, 8))), request, sent)
    assert found is not None
    assert found.adu.pdu == bytes((3, 2, 7, 8))


def test_a_refusal_on_a_line_says_whether_bytes_are_missing_too_many_or_damaged() -> None:
    request, sent = Request(0, 9, 3, 1), sealed(9, bytes((3, 0, 0, 0, 1)))
    whole = sealed(9, bytes((3, 2, 7, 8)))
    for received, kind, why in (
        (whole[:-1], FaultKind.LENGTH, "6 bytes instead of 7"),
        (whole[:1], FaultKind.LENGTH, "1 bytes instead of 7"),
        (whole[:-1] + bytes((whole[-1] ^ 1,)), FaultKind.CRC, "CRC error"),
        (sealed(9, bytes((3, 2, 7, 8, 9, 10))), FaultKind.LENGTH, "4 bytes of values instead of 2"),
        (sealed(8, bytes((3, 2, 7, 8))), FaultKind.REFUSED, "unit 8 instead of 9"),
        (bytes((9, 0x83, 2, 0)), FaultKind.CRC, "CRC error"),
        (sent + sent, FaultKind.LENGTH, "byte count 0 instead of 2"),
    ):
        refusal = check_response(received, request, sent)
        assert refusal is not None
        assert (refusal.kind, refusal.why) == (kind, why)
    assert check_response(sent, request, sent) is None


def test_an_exception_and_an_identification_are_found_by_their_own_lengths() -> None:
    reading, identify = Request(0, 9, 3, 1), Request(0, 9, 0x2B, 0)
    objects = bytes((0, 2, 65, 66)) + bytes((1, 0)) + bytes((2, 3, 67, 68, 69))
    for request, pdu in (
        (reading, bytes((0x83, 2))),
        (identify, bytes((0xAB, 1))),
        (identify, bytes((0x2B, 0x0E, 2, 2, 0, 0, 3)) + objects),
        (identify, bytes((0x2B, 0x0E, 2, 2, 0, 0, 0))),
    ):
        response = sealed(9, pdu)
        found = find(b"\0" + response + b"\7\7", request, b"")
        assert found is not None
        assert found.adu.pdu == pdu
        assert [find(response[:size], request, b"") for size in range(len(response))] == [None] * len(response)


def test_the_place_of_a_response_among_noise_is_given() -> None:
    request, response = Request(0, 9, 3, 1), sealed(9, bytes((3, 2, 7, 8)))
    found = find(b"\0\0" + response + b"\7", request, b"")
    assert found is not None
    assert (found.start, found.end) == (2, 2 + len(response))


@given(st.integers(1, 125), st.data())
def test_a_response_is_waited_for_as_long_as_every_byte_fits(n: int, data: st.DataObject) -> None:
    request, sent = Request(0, 9, 3, n), sealed(9, bytes((3, 0, 0, 0, n)))
    response = sealed(9, bytes((3, 2 * n)) + bytes(2 * n))
    cut_at = data.draw(st.integers(1, len(response) - 1))
    before = data.draw(st.sampled_from((b"", sent)))
    assert is_started(before + response[:cut_at], request, sent)
    assert not is_started(before + response, request, sent)
    assert not is_started(before, request, sent)


def test_bytes_that_cannot_become_the_response_are_not_waited_for() -> None:
    request = Request(0, 9, 3, 2)
    for start in (bytes((8,)), bytes((9, 4)), bytes((9, 3, 2)), bytes((8, 3, 4)), b"\0\0\0\0"):
        assert not is_started(start, request, b"")
    assert is_started(bytes((9, 0x83)), request, b"")
    assert is_started(b"\0\0" + bytes((9, 3, 4, 1)), request, b"")  # behind noise


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_frames_of_a_unit_are_found_among_other_bytes_and_its_echo_is_none(before: bytes, after: bytes) -> None:
    sent = sealed(9, bytes((3, 0, 0, 0, 2)))
    response, refusal, foreign = (
        sealed(9, bytes((3, 4, 1, 2, 3, 4))),
        sealed(9, bytes((0x83, 2))),
        sealed(8, b"\3\2\1\1"),
    )
    if 9 in before + after:  # a start by chance
        return
    assert frames_of(before + response + refusal + foreign + after, 9, sent) == [response, refusal]
    assert frames_of(before + sent + response + after, 9, sent) == [response]
    other = sealed(9, bytes((4, 0, 7, 0, 1)))  # a request of another master
    assert frames_of(before + other + after, 9, sent) == [other]
