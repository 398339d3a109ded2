"""What is drawn: pens, each a quantity of a pump, now or at another time; what a pen is called and measured in."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from pumpwatch_gui.domain.alarms.rule_places import sensor_of
from pumpwatch_gui.domain.display import SCORE_SCALE, engineering_scale, key_sensors, value_text
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.values.readings import SCORE_TAG
from pumpwatch_gui.domain.wording import duration, limit_number, unit_text

MOST_PENS = 24
SCORE = Sensor(SCORE_TAG, "Anomaly score", "", (0.0, 1e9), 0.01)
USUAL_PENS = 4


@dataclass(frozen=True, slots=True)
class Pen:
    """One curve: a quantity of a pump. `shift_s` above 0: as it was so long before the time on the axis."""

    pump_id: str
    tag: str
    shift_s: float = 0.0
    is_visible: bool = True

    @property
    def key(self) -> tuple[str, str, float]:
        """What it is, whether it is visible or not."""
        return self.pump_id, self.tag, self.shift_s


@dataclass(frozen=True, slots=True)
class PenFacts:
    """A pen with what is known of its quantity. `place` counts from 0 and is its number.

    `hue` counts the pens of its unit, with which it shares a lane: it gives colour and stroke.
    """

    pen: Pen
    place: int
    hue: int
    sensor: Sensor
    scale: tuple[float, float]
    limits: tuple[tuple[str, float], ...]
    is_known: bool = True

    @property
    def unit(self) -> str:
        """Its unit as people write it; "" for a ratio or a state."""
        return unit_text(self.sensor.unit)

    @property
    def lane(self) -> tuple[str, tuple[str, ...]]:
        """What pens share a lane by: the unit, or the states that their values are."""
        return self.unit, self.sensor.states

    @property
    def name(self) -> str:
        """Pump and quantity, and how long before."""
        return f"{self.pen.pump_id} {self.sensor.label}{shift_words(self.pen.shift_s)}"

    def text_of(self, value: float) -> str:
        """A value in words, without its unit."""
        return value_text(value, self.sensor)


def shift_words(shift_s: float) -> str:
    """How long before (` − 1 d 0 h`), "" for now."""
    return f" − {duration(shift_s)}" if shift_s else ""


def facts_of(pens: Sequence[Pen], site: Site) -> tuple[PenFacts, ...]:
    """What is known of each pen; one of a pump or quantity that the site has no longer says so."""
    found: list[PenFacts] = []
    for place, pen in enumerate(pens):
        one = _facts(place, pen, site)
        found.append(replace(one, hue=sum(other.lane == one.lane for other in found)))
    return tuple(found)


def _facts(place: int, pen: Pen, site: Site) -> PenFacts:
    if pen.tag == SCORE_TAG:
        return PenFacts(pen, place, 0, SCORE, SCORE_SCALE, (("limit 1", 1.0),), site.pump(pen.pump_id) is not None)
    settings = site.pump(pen.pump_id)
    sensor = sensor_of(settings.profile, pen.tag) if settings is not None else None
    if sensor is None:
        return PenFacts(pen, place, 0, Sensor(pen.tag, pen.tag, "", (0.0, 1.0)), (0.0, 1.0), (), is_known=False)
    given = sensor.limits
    named = (("LL", given.low_low), ("L", given.low), ("H", given.high), ("HH", given.high_high))
    limits = tuple((f"{word} {limit_number(x, sensor)}", x) for word, x in named if x is not None)
    scale = (0.0, float(len(sensor.states) - 1)) if sensor.states else engineering_scale(sensor)
    return PenFacts(pen, place, 0, sensor, scale, limits)


def usual_pens(pump_id: str, profile: PumpProfile) -> tuple[Pen, ...]:
    """What is drawn of a pump before a person has chosen: what an operator looks at first, and the score."""
    watched = frozenset(s.tag for s in profile.sensors if s.limits.given)
    tags = [profile.tags[i] for i in key_sensors(profile.tags, watched, USUAL_PENS)]
    return tuple(Pen(pump_id, tag) for tag in (*tags, SCORE_TAG))


def ghosts(pens: Iterable[Pen], shift_s: float) -> tuple[Pen, ...]:
    """The same quantities as they were so long before."""
    return tuple(replace(pen, shift_s=shift_s) for pen in pens if not pen.shift_s)


def of_pump(pens: Iterable[Pen], pump_id: str, site: Site) -> tuple[Pen, ...]:
    """The same quantities of another pump; those that it has."""
    settings = site.pump(pump_id)
    tags = {SCORE_TAG, *(settings.profile.quantity_tags if settings is not None else ())}
    return tuple(dict.fromkeys(Pen(pump_id, pen.tag) for pen in pens if not pen.shift_s and pen.tag in tags))


def added(pens: Sequence[Pen], new: Iterable[Pen]) -> tuple[Pen, ...]:
    """The pens with others behind them, each once, at most `MOST_PENS`."""
    known = {pen.key for pen in pens}
    return (*pens, *(pen for pen in dict.fromkeys(new) if pen.key not in known))[:MOST_PENS]


def tags_by_pump(pens: Iterable[Pen]) -> dict[str, tuple[str, ...]]:
    """The quantities of now that are drawn, by pump, each once."""
    found: dict[str, dict[str, None]] = {}
    for pen in pens:
        if not pen.shift_s:
            found.setdefault(pen.pump_id, {})[pen.tag] = None
    return {pump_id: tuple(tags) for pump_id, tags in found.items()}


@dataclass(frozen=True, slots=True)
class SavedView:
    """A named view of a user: its pens, the length of time, and whether the scales are fitted to the values."""

    pens: tuple[Pen, ...]
    length_s: float = 3600.0
    is_fitted: bool = False

    def as_text(self) -> str:
        """What `view_of_text` reads."""
        return json.dumps({**asdict(self), "pens": [asdict(pen) for pen in self.pens]})


def view_of_text(text: str) -> SavedView | None:
    """The view that `as_text` wrote; None for anything else."""
    try:
        kept = json.loads(text)
        pens = tuple(
            Pen(str(p["pump_id"]), str(p["tag"]), float(p["shift_s"]), bool(p["is_visible"])) for p in kept["pens"]
        )
        length_s = float(kept["length_s"])
        return SavedView(pens[:MOST_PENS], length_s, bool(kept["is_fitted"])) if length_s > 0 else None
    except (ValueError, KeyError, TypeError):
        return None
