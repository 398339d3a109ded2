"""How limits read: the kind of one in the text of its alarm, and a change, as what has changed with what it was."""

from dataclasses import fields

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.pump.profile import Limits, Sensor
from pumpwatch_gui.domain.wording import unit_text

_SECONDS = ("on_delay_s", "off_delay_s")
KIND_WORDS = {"low_low": "low-low", "low": "low", "high": "high", "high_high": "high-high"}
_WORDS = {**KIND_WORDS, "deadband": "deadband", "on_delay_s": "on-delay", "off_delay_s": "off-delay",
          "latching": "latching"}  # fmt: skip


def limit_place(alarm: Alarm) -> tuple[int, int]:
    """Where in its text the kind of limit is (`high-high`), from and to; (0, 0) for an alarm of no limit."""
    tag, _, level = alarm.source.rpartition(".")
    words = KIND_WORDS.get(level, "") if tag and tag == alarm.tag else ""
    size = len(alarm.text)
    return (size - len(words), size) if words and alarm.text.endswith(f" {words}") else (0, 0)


def limit_change(sensor: Sensor, now: Limits) -> str:
    """A sensor with the limits that it gets instead of its own: `Vibration: high 5.1 → 8 mm/s, on-delay 5 → 10 s`."""
    changes = []
    for name in (field.name for field in fields(Limits)):
        before, after = getattr(sensor.limits, name), getattr(now, name)
        if before != after:
            unit = "s" if name in _SECONDS else "" if name == "latching" else unit_text(sensor.unit)
            was, will = (
                (f"{before:.10g} {unit}", "none") if after is None else (_value(before), f"{_value(after)} {unit}")
            )
            changes.append(f"{_WORDS[name]} {was} → {will}".rstrip())
    return f"{sensor.label}: {', '.join(changes) or 'limits as they were'}"


def _value(value: float | bool | None) -> str:
    if value is None:
        return "none"
    return ("on" if value else "off") if isinstance(value, bool) else format(value, ".10g")
