"""Raw registers → engineering values with quality. Pure."""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from math import inf, isfinite
from typing import NamedTuple

from pumpwatch_gui.domain.links.codings import TEXT, Number, by_power_of_ten, coding
from pumpwatch_gui.domain.links.register_map import BIT_FUNCTIONS, PARTS, Point
from pumpwatch_gui.domain.values.quality import Quality, Reason

EVERYTHING = (-inf, inf)
"""A span that every number is in."""

BROKEN_LOOP = (3.6, 21.0)
LOOP_LIMITS = (3.8, 20.5)
"""NAMUR NE 43, in mA: beyond the first the transmitter says that it fails, beyond the second it is at its end."""
LOOP_ROUNDING = 1e-9

Span = tuple[float, float]


def arrange(raw: bytes, order: str) -> bytes:
    """Bytes of a device put into big-endian order, or the reverse.

    A is the highest byte: CDAB swaps words, BADC the bytes of each word, DCBA both.

    Modbus fixes the byte order within one register only: which of two registers comes first is each maker's choice,
    and some swap the bytes too.
    """
    if order in ("BADC", "DCBA"):
        raw = b"".join(raw[i : i + 2][::-1] for i in range(0, len(raw), 2))
    if order in ("CDAB", "DCBA"):
        raw = b"".join(raw[i : i + 2] for i in range(len(raw) - 2, -1, -2))
    return raw


class PointValue(NamedTuple):
    """One decoded value; NaN where BAD.

    A named tuple, for it is made for each point of each scan, and a frozen dataclass takes three times as long to make.
    """

    value: float
    quality: Quality
    reason: Reason


def bad(reason: Reason) -> PointValue:
    """A BAD reading."""
    return PointValue(float("nan"), Quality.BAD, reason)


def judge_value(value: float, span: Span) -> PointValue:
    """Judge an engineering value against the sensor's span: outside it is BAD, never clamped."""
    if not isfinite(value):
        return bad(Reason.NOT_A_NUMBER)
    if not span[0] <= value <= span[1]:
        return bad(Reason.OUT_OF_RANGE)
    return PointValue(float(value), Quality.GOOD, Reason.NONE)


def raw_number(point: Point, registers: Sequence[int]) -> Number:
    """The number that a point's own registers (or bit) hold, before its scale; NaN for what is none.

    Raises struct.error or IndexError for too few registers.
    """
    return _number_reader(point)(registers)


def raw_text(point: Point, registers: Sequence[int]) -> str:
    """What an identity's registers say: a text without its filling, or a number."""
    if point.type == TEXT:
        packed = arrange(struct.pack(f">{len(registers)}H", *registers), point.order)
        return packed.split(b"\0", 1)[0].decode("ascii", "replace").strip()
    return f"{decoder(point, EVERYTHING, 0)(registers).value:.15g}"


def decoder(point: Point, span: Span, at: int) -> Callable[[Sequence[int]], PointValue]:
    """What reads `point` out of a block's registers (or bits), where it starts at index `at`.

    Not available, not a number, or outside `span` is BAD. Of a point whose scale is in another register it reads the
    number before its scale: `scaled` finishes it.
    """
    gather, number, finish = _gatherer(point, at), _number_of(point), _finish(point, span)
    numbers, patterns = _missing(point)
    if not numbers and not patterns:
        if number is None:
            return lambda registers: finish(gather(registers))
        return lambda registers: finish(number(gather(registers)))

    def read(registers: Sequence[int]) -> PointValue:
        raw = gather(registers)
        found = raw if number is None else number(raw)
        # Before scaling, because manuals give these as raw values (0x8000, 0xFFFF).
        if raw in patterns or found in numbers:
            return bad(Reason.SENSOR_FAILURE)
        return finish(found)

    return read


def scaled(points: Iterable[Point], spans: Mapping[str, Span]) -> Callable[[dict[str, PointValue]], None]:
    """What finishes the readings of a scan, in place: points whose scale is in a register get it, the registers go.

    Such a point is BAD where its scale register is, or holds no scale (0, an exponent beyond ±10); without a reading of
    that register there is none of the point either.
    """
    own = [(p, scale.tag, spans[p.tag]) for p in points if (scale := p.scale_point)]
    scales = {tag for _, tag, _ in own}

    def finish(readings: dict[str, PointValue]) -> None:
        for point, scale_tag, span in own:
            raw, scale = readings.pop(point.tag, None), readings.get(scale_tag)
            if raw is not None and scale is not None:
                readings[point.tag] = _with_scale(point, raw, scale, span)
        for tag in scales:
            readings.pop(tag, None)

    return finish


def _with_scale(point: Point, raw: PointValue, scale: PointValue, span: Span) -> PointValue:
    for reading in (raw, scale):
        if reading.quality is Quality.BAD:
            return reading
    assert point.scaled_by is not None
    match point.scaled_by.how:
        case "exponent_register":
            number = by_power_of_ten(raw.value, scale.value)
        case "decimals_register":
            number = by_power_of_ten(raw.value, -scale.value) if scale.value >= 0 else float("nan")
        case "divisor_register":
            number = raw.value / scale.value if scale.value else float("nan")
        case _:
            number = raw.value * scale.value if scale.value else float("nan")
    if not isfinite(number):
        return bad(Reason.CONFIGURATION_ERROR)
    parts, factor = _parts(point.scale)
    return judge_value(number / parts * factor + point.offset, span)


def _finish(point: Point, span: Span) -> Callable[[Number], PointValue]:
    """From the raw number to the value; compiled once, because it runs for each point of each scan."""
    if point.current_loop is not None:
        return _loop(point, span)
    if point.scaled_by is not None:
        return lambda number: judge_value(number, EVERYTHING)
    (parts, scale), offset, (low, high) = _parts(point.scale), point.offset, span
    good, none = Quality.GOOD, Reason.NONE

    def finish(number: Number) -> PointValue:
        value = number / parts * scale + offset
        if low <= value <= high and -inf < value < inf:
            return PointValue(value, good, none)
        return bad(Reason.OUT_OF_RANGE if isfinite(value) else Reason.NOT_A_NUMBER)

    return finish


def _parts(scale: float) -> tuple[float, float]:
    """A scale as what to divide by and what to multiply with: 12 × 0.1 is 1.2000000000000002, 12 / 10 is 1.2."""
    parts = float(round(1 / scale)) if 1e-12 < abs(scale) < 1 else 1.0
    return (parts, 1.0) if 1 / parts == scale else (1.0, scale)


def _loop(point: Point, span: Span) -> Callable[[Number], PointValue]:
    """A 4-20 mA signal.

    What NAMUR NE 43 lets pass beyond 4 and 20 mA passes the span too: of a good transmitter on a stopped pump the flow
    reads a little below 0.
    """
    assert point.current_loop is not None
    loop = point.current_loop
    step = (loop.ma[1] - loop.ma[0]) / (loop.raw[1] - loop.raw[0])
    low, high = sorted(loop.value)
    slope = (loop.value[1] - loop.value[0]) / 16.0

    def finish(number: Number) -> PointValue:
        current = loop.ma[0] + (number - loop.raw[0]) * step
        if not isfinite(current):
            return bad(Reason.NOT_A_NUMBER)
        if not BROKEN_LOOP[0] - LOOP_ROUNDING <= current <= BROKEN_LOOP[1] + LOOP_ROUNDING:
            return bad(Reason.SENSOR_FAILURE)
        value = loop.value[0] + (current - 4.0) * slope
        if not span[0] <= min(max(value, low), high) <= span[1]:
            return bad(Reason.OUT_OF_RANGE)
        if not LOOP_LIMITS[0] - LOOP_ROUNDING <= current <= LOOP_LIMITS[1] + LOOP_ROUNDING:
            return PointValue(value, Quality.UNCERTAIN, Reason.SIGNAL_LIMIT)
        return PointValue(value, Quality.GOOD, Reason.NONE)

    return finish


def _missing(point: Point) -> tuple[frozenset[Number], frozenset[Number]]:
    """The "no reading" values: those that are numbers of the type, and those that are bit patterns."""
    form = coding("uint16") if point.function in BIT_FUNCTIONS else point.coding
    if form.low is None or form.high is None:
        missing, none = frozenset(point.not_available), frozenset[Number]()
        return (missing, none) if point.type.startswith("float") else (none, missing)
    given: set[Number] = set(point.not_available)
    if point.type == "int8":  # its pattern is that of its own byte
        given = {x - 256 if 128 <= x <= 255 else x for x in given}
    numbers = {x for x in given if form.low <= x <= form.high}
    return frozenset(numbers), frozenset(given - numbers)


@lru_cache(maxsize=512)
def _number_reader(point: Point) -> Callable[[Sequence[int]], Number]:
    gather, number = _gatherer(point, 0), _number_of(point)
    return gather if number is None else lambda registers: number(gather(registers))


def _number_of(point: Point) -> Callable[[int], Number] | None:
    if point.function in BIT_FUNCTIONS:
        return None
    form = point.coding
    number, low, high = form.number, form.low, form.high
    spare = 8 * point.register_bytes * point.size - form.bits
    if spare <= 0 or point.type in PARTS:
        return number

    def narrow(u: int) -> Number:
        """A number in more bits than its type has: what does not fit is no number of the type."""
        above = u >> form.bits
        if above == (1 << spare) - 1 and low is not None and low < 0:
            u &= (1 << form.bits) - 1
        elif above:
            return float("nan")
        found = u if number is None else number(u)
        return found if high is None or (above == 0) == (found >= 0) else float("nan")

    return narrow


def _gatherer(point: Point, at: int) -> Callable[[Sequence[int]], int]:
    """What puts a point's registers together as one unsigned whole number, the highest byte first."""
    if point.function in BIT_FUNCTIONS:
        return lambda bits: int(bits[at])
    count, order = point.size, point.order
    if point.register_bytes == 4:
        pack = struct.Struct(f">{count}I").pack
        return lambda registers: int.from_bytes(arrange(pack(*registers[at : at + count]), order))
    if count == 1 and order in ("ABCD", "CDAB"):
        return lambda registers: registers[at]
    if count == 2 and order in ("ABCD", "CDAB"):
        first, second = (at, at + 1) if order == "ABCD" else (at + 1, at)
        return lambda registers: registers[first] << 16 | registers[second]
    # "<" packs the low byte of each word first, which is to swap its bytes.
    pack = struct.Struct(f"{'<' if order in ('BADC', 'DCBA') else '>'}{count}H").pack
    end = at + count
    if order in ("CDAB", "DCBA"):
        return lambda registers: int.from_bytes(pack(*registers[at:end][::-1]))
    return lambda registers: int.from_bytes(pack(*registers[at:end]))
