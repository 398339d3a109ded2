"""Values of the core are frozen and slotted: a value that one thread hands to another never changes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "pumpwatch_gui"
CHANGING = {
    "_Part",
    "_Plan",
    "Facts",
    "_Wait",
    "_Missed",
    "_Scan",
    "RequestCounts",
    "StoreCounters",
    "Batch",
    "OnOffDelay",
    "_Box",
    "_Written",
}
"""State that one thread keeps to itself, and changes."""
SUBCLASSED = {"ModbusConfig", "TcpPlace", "TlsPlace", "SerialPlace"}
"""Without slots of their own."""
CACHED = {"Block", "PeriodRead"}
"""Keep what they have worked out, for which slots leave no room."""
DATACLASS = re.compile(r"^ *@dataclass(\(.*\))?\n *class (\w+)", re.MULTILINE)


@pytest.mark.parametrize("room", ["domain", "acquire", "judge", "store", "engine"])
def test_every_dataclass_is_frozen_and_has_slots(room: str) -> None:
    found = [m for path in (ROOT / room).rglob("*.py") for m in DATACLASS.findall(path.read_text(encoding="utf-8"))]
    assert found
    assert {name for options, name in found if "frozen=True" not in options} <= CHANGING
    assert {name for options, name in found if "slots=True" not in options} <= SUBCLASSED | CACHED


def test_values_with_arrays_are_not_compared_by_them() -> None:
    """`==` of two arrays is an array, of which Python knows no truth."""
    found = {
        name: options
        for path in (ROOT / "domain").rglob("*.py")
        for options, name in DATACLASS.findall(path.read_text(encoding="utf-8"))
    }
    assert "eq=False" in found["Frame"]
    assert "eq=False" in found["Detection"]
