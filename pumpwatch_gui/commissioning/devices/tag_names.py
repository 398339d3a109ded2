"""Tags for the names of a manual: those of the profile where words and unit say so, else made of the words. Pure."""

import re
from collections.abc import Iterator, Sequence

from pumpwatch_gui.commissioning.devices.table_words import UNITS
from pumpwatch_gui.domain.pump.profile import Sensor

_SAME = {
    "motor": "motor drive", "speed": "speed rpm revolution revolutions rotational velocity",
    "bearing": "bearing brg", "temperature": "temperature temp", "oil": "oil lube lubricant lubrication",
    "pressure": "pressure press", "vibration": "vibration vib velocity rms", "flow": "flow flowrate capacity",
    "rate": "rate", "suction": "suction inlet intake", "discharge": "discharge outlet delivery",
    "current": "current amperage amps ampere", "casing": "casing housing body volute", "ambient": "ambient room air",
    "power": "power", "energy": "energy consumption", "voltage": "voltage", "frequency": "frequency freq",
    "torque": "torque", "head": "head", "level": "level", "operating": "operating operation running run",
    "time": "time hours", "alarm": "alarm", "warning": "warning", "fault": "fault error", "status": "status state",
    "liquid": "liquid medium fluid water",
}  # fmt: skip
_CONCEPT = {word: concept for concept, words in _SAME.items() for word in words.split()}
_QUANTITY = {"bar": "pressure", "L/min": "flow", "degC": "temperature", "A": "current", "V": "voltage", "W": "power",
             "kWh": "energy", "rpm": "speed", "Hz": "frequency", "mm/s": "vibration"}  # fmt: skip
_ENDING = {"degC": "c", "%": "percent", "rpm": "rpm", "L/min": "l_min", "mm/s": "mm_s"}


def propose_tags(names: Sequence[tuple[str, str]], sensors: Sequence[Sensor]) -> Iterator[str]:
    """A tag for each (name, unit as `UNITS` spells it); each sensor once, to the name that says most of it."""
    scores = sorted(
        ((score, -i, s.tag) for i, (name, unit) in enumerate(names) for s in sensors if (score := _fit(name, unit, s))),
        reverse=True,
    )
    given: dict[int, str] = {}
    for _, i, tag in scores:
        if -i not in given and tag not in given.values():
            given[-i] = tag
    taken = {*given.values(), *(s.tag for s in sensors)}
    for i, (name, unit) in enumerate(names):
        tag = given.get(i) or _made(name, unit, taken)
        taken.add(tag)
        yield tag


def _fit(name: str, unit: str, sensor: Sensor) -> float:
    """How well a name says a sensor, 0 for not at all: its words, its unit, and nothing that contradicts it."""
    said, meant = _concepts(name), _concepts(f"{sensor.label} {sensor.tag.replace('_', ' ')}")
    target = UNITS[unit][0] if unit else ""
    if target and sensor.unit and target != sensor.unit:
        return 0.0
    if target in _QUANTITY:
        said.add(_QUANTITY[target])
    if sensor.unit in _QUANTITY and _QUANTITY[sensor.unit] not in said:
        return 0.0
    common = said & meant
    own = meant - set(_QUANTITY.values()) - {"motor", "rate"}
    if own and not own & said:  # a temperature is not yet that of the bearing
        return 0.0
    foreign = {c for c in said - meant if c in _SAME and c not in ("rate", "time", "motor")}
    return max(0.0, len(common) + 0.5 * bool(target) - 0.75 * len(foreign))


def _concepts(words: str) -> set[str]:
    plain = re.findall(r"[a-z]+", words.lower())
    return {_CONCEPT[w] for w in plain if w in _CONCEPT}


def _made(name: str, unit: str, taken: set[str]) -> str:
    """A new tag of the words, with its unit at the end as in all tags."""
    stem = re.sub(r"[^a-z0-9]+", "_", name.lower().replace("°", "")).strip("_") or "value"
    target = UNITS[unit][0] if unit else ""
    ending = _ENDING.get(target, re.sub(r"[^a-z0-9]+", "_", target.lower())) if unit else ""
    tag = stem if not ending or stem.endswith(f"_{ending}") else f"{stem}_{ending}"
    tag = f"r_{tag}" if not tag.isidentifier() else tag
    return next(t for t in (tag, *(f"{tag}_{n}" for n in range(2, 10_000))) if t not in taken)
