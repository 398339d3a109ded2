"""What is exported: which quantities of which pumps, over which time, of which table; checked before it is written."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.values.readings import ORIGINAL_TABLES, SCORE_TAG, RecordedPump
from pumpwatch_gui.domain.wording import stamp

SCORE = Sensor(SCORE_TAG, "Anomaly score (1 = limit)", "", (0.0, 1e9), 0.01)


@dataclass(frozen=True, slots=True)
class PumpSelection:
    """Some quantities of one pump."""

    pump: RecordedPump
    sensors: tuple[Sensor, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """Their tags."""
        return tuple(sensor.tag for sensor in self.sensors)


@dataclass(frozen=True, slots=True)
class Selection:
    """Pumps with their quantities from `start_ns` up to `end_ns` (Unix UTC); `tables` of the original, or readings."""

    pumps: tuple[PumpSelection, ...]
    start_ns: int
    end_ns: int
    tables: tuple[str, ...] = ()


def select(
    recorded: Sequence[RecordedPump], wanted: Mapping[str, Collection[str]], start_ns: int, end_ns: int,
    tables: Sequence[str] = (),
) -> Selection:  # fmt: skip
    """The selection of tags by pump; none of a pump means all of its sensors.

    Raises InputError that names every pump and tag that the history does not have, or when the span has no reading.
    """
    known = {pump.pump_id: pump for pump in recorded}
    unknown = [pump_id for pump_id in wanted if pump_id not in known]
    if unknown or not wanted:
        has = ", ".join(known) or "none yet"
        raise InputError(f"the history has no pump {', '.join(unknown)}".rstrip(), f"its pumps are {has}")
    chosen = tuple(_of_pump(known[pump_id], tags) for pump_id, tags in wanted.items())
    _check_tags(chosen, wanted)
    missing = [name for name in tables if name not in ORIGINAL_TABLES]
    if missing:
        raise InputError(f"there is no table {', '.join(missing)}", f"choose of {', '.join(ORIGINAL_TABLES)}")
    _check_span([one.pump for one in chosen], start_ns, end_ns, tables)
    return Selection(chosen, start_ns, end_ns, tuple(tables))


def _of_pump(pump: RecordedPump, tags: Collection[str]) -> PumpSelection:
    own = {sensor.tag.casefold(): sensor for sensor in (*pump.profile.quantities, *_former(pump), SCORE)}
    wanted = list(tags) or list(pump.profile.tags)
    return PumpSelection(pump, tuple(own[tag.casefold()] for tag in wanted if tag.casefold() in own))


def _former(pump: RecordedPump) -> tuple[Sensor, ...]:
    """Quantities that are no longer in the profile: their unit is not known any more."""
    return tuple(Sensor(tag, tag, "", (-1e300, 1e300), 1e-6) for tag in pump.former_tags)


def _check_tags(chosen: Sequence[PumpSelection], wanted: Mapping[str, Collection[str]]) -> None:
    """A tag that one of the pumps has is no mistake: pumps of one export may be of several types."""
    found = {tag.casefold() for one in chosen for tag in one.tags}
    unknown = sorted({tag for tags in wanted.values() for tag in tags if tag.casefold() not in found})
    if unknown:
        known = dict.fromkeys(
            tag for one in chosen for tag in (*one.pump.profile.quantity_tags, *one.pump.former_tags, SCORE_TAG)
        )
        pumps = ", ".join(one.pump.pump_id for one in chosen)
        raise InputError(f"{pumps} {'has' if len(chosen) == 1 else 'have'} no tag {', '.join(unknown)}",
                         f"known tags are {', '.join(known)}")  # fmt: skip


def _check_span(pumps: Sequence[RecordedPump], start_ns: int, end_ns: int, tables: Sequence[str]) -> None:
    if "maintenance_events" in tables:
        return
    if not any(pump.first_ns and pump.first_ns < end_ns and pump.last_ns >= start_ns for pump in pumps):
        ids = ", ".join(pump.pump_id for pump in pumps)
        first = min((pump.first_ns for pump in pumps if pump.first_ns), default=0)
        last = max((pump.last_ns for pump in pumps), default=0)
        advice = f"the history goes from {stamp(first)} to {stamp(last)}" if first else "nothing was recorded yet"
        raise InputError(f"there is no reading of {ids} in that time", advice)
