"""The register browser's reading: what raw registers would mean in every type and order, side by side. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, isnan

from pumpwatch_gui.domain.links.codings import TYPES
from pumpwatch_gui.domain.links.decode import raw_number
from pumpwatch_gui.domain.links.register_map import ORDERS, Point
from pumpwatch_gui.domain.pump.profile import Sensor

VIEWED = tuple(kind for kind in TYPES if kind not in ("bool", "bit", "bits", "uint8", "int8"))
SCALES = (1.0, 0.1, 0.01, 0.001, 10.0)
"""The scales that makers use for whole numbers, the usual first."""
NEAR = 0.02
"""How far a value may be from what a person reads on the device itself, as a part of it."""


@dataclass(frozen=True, slots=True)
class View:
    """One meaning of the registers from an index on: None where there are too few of them."""

    type: str
    order: str
    value: float | int | None

    @property
    def text(self) -> str:
        """The value for a table; an en dash where there is none or it is no number."""
        if self.value is None or isnan(self.value):
            return "–"
        return str(self.value) if isinstance(self.value, int) else f"{self.value:.7g}"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A view that could be the sensor: `value` = raw × `scale`, in the sensor's unit."""

    view: View
    scale: float
    value: float


def views(registers: Sequence[int], index: int) -> tuple[View, ...]:
    """Every type in all four orders, read from `registers[index]` on: types down, orders across.

    Raises IndexError when `index` is outside the block.
    """
    if not 0 <= index < len(registers):
        raise IndexError(f"register {index} is not in a block of {len(registers)}")
    return tuple(
        View(kind, order, _value(registers[index : index + TYPES[kind]], kind, order))
        for kind in VIEWED
        for order in ORDERS
    )


def bits(register: int) -> tuple[bool, ...]:
    """The sixteen bits of a register, the least first."""
    return tuple(bool(register >> n & 1) for n in range(16))


def suggest(found: Iterable[View], sensor: Sensor, *, shown: float | None = None) -> tuple[Suggestion, ...]:
    """The views that could be the sensor, the likeliest first.

    `shown` is what a person reads on the device itself. Without it: within the usual band first, then within the span;
    the simpler type, order and scale before the others. Views that mean the same (a register of one word in two
    orders) are suggested once.
    """
    fitting = [(rank, s) for s in _scaled(found) if (rank := _rank(s, sensor, shown)) is not None]
    chosen: dict[tuple[str, float, float], Suggestion] = {}
    for _, s in sorted(fitting, key=lambda pair: pair[0]):
        chosen.setdefault((s.view.type, s.scale, s.value), s)
    return tuple(chosen.values())


def _value(registers: Sequence[int], kind: str, order: str) -> float | int | None:
    return raw_number(Point("", "holding", 0, kind, order), registers) if len(registers) == TYPES[kind] else None


def _scaled(found: Iterable[View]) -> Iterator[Suggestion]:
    for view in found:
        if view.value is None or not isfinite(view.value):
            continue
        for scale in (1.0,) if view.type.startswith("float") else SCALES:
            yield Suggestion(view, scale, float(view.value) * scale)


def _rank(s: Suggestion, sensor: Sensor, shown: float | None) -> tuple[float, ...] | None:
    """The lower the likelier; None when it cannot be."""
    low, high = sensor.span
    # A float next to zero is what integers look like when they are read as a float.
    is_dust = s.view.type.startswith("float") and 0 < abs(s.value) < sensor.resolution / 100
    if not low <= s.value <= high or is_dust:
        return None
    off = 0.0
    if shown is not None:
        off = abs(s.value - shown)
        if off > max(NEAR * abs(shown), sensor.resolution):
            return None
    normal = sensor.normal or sensor.span
    is_unusual = not normal[0] <= s.value <= normal[1]
    simple = (VIEWED.index(s.view.type), ORDERS.index(s.view.order), SCALES.index(s.scale))
    is_float = s.view.type.startswith("float")
    return (is_unusual, not is_float, s.value == 0, off, *map(float, simple))
