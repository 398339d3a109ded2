"""Which column of a recording is what: names of tags, of times, and of the parts of a long recording."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.files.recordings.cells.units import split_unit

TIME_NAMES = (
    *("timestamp", "datetime", "date_time", "date_and_time", "time_stamp", "timestamps", "zeitstempel", "zeitpunkt"),
    *(
        "wall",
        "ts",
        "t_stamp",
        "utc",
        "epoch",
        "unix_time",
        "unixtime",
        "unix",
        "recorded_at",
        "created_at",
        "logged_at",
    ),
    *("datum_uhrzeit", "datum_zeit", "datum_und_uhrzeit", "horodatage", "fecha_hora", "date_heure", "data_ora"),
    *("last_changed", "last_updated", "sample_time", "log_time", "record_time", "local_time", "time_local", "time_utc"),
    *("timestring", "time_string", "source_timestamp", "time", "zeit", "date"),
)
_DATE_NAMES = ("date", "datum", "fecha", "dato", "day", "local_date", "date_utc", "log_date")
_CLOCK_NAMES = ("time", "uhrzeit", "zeit", "hora", "heure", "tid", "clock", "time_of_day", "local_time", "time_utc",
                "log_time")  # fmt: skip
_TIME_SUFFIX = re.compile(r"^(.*?)_(?:s|ms|us|ns|sec|seconds|milliseconds|unix|epoch|utc|local|iso)$")
_TAG_NAMES = ("tag", "sensor", "tagname", "tag_name", "name", "variable", "signal", "point", "metric", "parameter",
              "channel", "field", "measurement", "item", "varname", "entity_id", "series", "quantity",
              "entity")  # fmt: skip
_VALUE_NAMES = ("value", "val", "wert", "reading", "state", "varvalue", "numeric_value", "valor", "valeur")
_PUMP_NAMES = (
    "pump",
    "pump_id",
    "entity",
    "device",
    "device_id",
    "station",
    "asset",
    "machine",
    "equipment",
    "unit_id",
)
_UNIT_NAMES = ("unit", "units", "uom", "einheit", "eu", "unit_of_measurement")
_QUALITY_NAMES = ("quality", "quality_code", "status", "validity", "qual")
_PATH = re.compile(r"[./\\:|!]")


def plain(name: str) -> str:
    """A name reduced to what counts: lower case, all else than letters and digits one underscore."""
    return re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is in a row: column numbers from 0, -1 for none.

    `time` is one column, or the date and the time. `sensors` are (index in the profile, column) of a wide recording;
    a long one has `tag` and `value` instead, and perhaps `pump`, `quality` and `unit`. `names` are those of the file.
    """

    names: tuple[str, ...]
    time: tuple[int, ...]
    sensors: tuple[tuple[int, int], ...] = ()
    tag: int = -1
    value: int = -1
    pump: int = -1
    quality: int = -1
    unit: int = -1
    notes: tuple[str, ...] = field(default=())

    @property
    def is_long(self) -> bool:
        """Whether a row holds one value of one sensor."""
        return not self.sensors

    @property
    def used(self) -> frozenset[int]:
        """Every column that is read."""
        columns = (*self.time, *(column for _, column in self.sensors), self.tag, self.value, self.pump, self.quality,
                   self.unit)  # fmt: skip
        return frozenset(column for column in columns if column >= 0)


class ColumnFinder:
    """Finds the columns of a profile in a header, with the names that were chosen before those that are usual."""

    def __init__(self, profile: PumpProfile, choices: FormatChoices) -> None:
        self._profile = profile
        self._chosen = dict(choices.columns)
        self._times = choices.time_columns
        unknown = [tag for tag in self._chosen if tag not in profile.tags]
        if unknown:
            raise InputError(
                f"--columns: profile {profile.name} has no tag {', '.join(unknown)}",
                "it has " + ", ".join(profile.tags),
            )
        self.names: dict[str, int] = {}
        for i, sensor in enumerate(profile.sensors):  # a tag goes before the label of another sensor
            self.names.setdefault(plain(sensor.label), i)
        for i, sensor in enumerate(profile.sensors):
            self.names[plain(sensor.tag)] = i
        for tag, name in self._chosen.items():
            self.names[plain(name)] = profile.tags.index(tag)

    def sensor(self, name: str) -> int:
        """The index of the sensor that a name means, -1 for none."""
        bare = split_unit(name)[0]
        for form in (plain(name), plain(bare), plain(_PATH.split(bare.strip())[-1])):
            if form in self.names:
                return self.names[form]
        return -1

    def worth(self, header: Sequence[str]) -> int:
        """How much a row looks like the header: its sensors, or the parts of a long recording, with a time."""
        sensors = len({found for name in header if (found := self.sensor(name)) >= 0})
        long = 1 if _first(header, _VALUE_NAMES) >= 0 and _first(header, _TAG_NAMES) >= 0 else 0
        return 2 * (sensors or long) + (1 if self._time(header) else 0) if sensors or long else 0

    def layout(self, header: Sequence[str], *, where: str, times: Sequence[int] = ()) -> Layout:
        """Where everything is under a header. `times` are columns whose cells are dates, for want of a usual name.

        Raises InputError naming what is not there, or is there twice.
        """
        time = self._time(header) or (tuple(times) if len(times) == 1 else ())
        if self._times and not time:
            raise InputError(f"{where}: there is no column {' or '.join(self._times)}", "it has " + ", ".join(header))
        if not time:
            raise InputError(f"{where}: there is no time column", "name it: --time-column NAME (date and time: twice)")
        notes: list[str] = []
        sensors = self._sensors(header, time, where, notes)
        if sensors:
            return Layout(tuple(header), time, tuple(sensors), notes=tuple(notes))
        tag, value = _first(header, _TAG_NAMES), _first(header, _VALUE_NAMES)
        if tag < 0 or value < 0:
            raise InputError(
                f"{where}: none of the sensors of profile {self._profile.name} is a column of this file",
                "name the columns after the tags, or with --columns TAG=NAME: " + ", ".join(self._profile.tags),
            )
        pump, quality = _first(header, _PUMP_NAMES), _first(header, _QUALITY_NAMES)
        return Layout(
            tuple(header), time, (), tag, value, pump if pump != tag else -1, quality, _first(header, _UNIT_NAMES)
        )

    def _sensors(
        self, header: Sequence[str], time: tuple[int, ...], where: str, notes: list[str]
    ) -> list[tuple[int, int]]:
        found: dict[int, list[int]] = {}
        for column, name in enumerate(header):
            if column not in time and (sensor := self.sensor(name)) >= 0:
                found.setdefault(sensor, []).append(column)
        chosen = []
        for sensor, columns in sorted(found.items()):
            tag = self._profile.tags[sensor]
            if tag in self._chosen:
                columns = [c for c in columns if plain(header[c]) == plain(self._chosen[tag])] or columns
            named = [c for c in columns if plain(split_unit(header[c])[0]) in self.names] or columns
            if len({header[c].strip() for c in named}) > 1:
                names = " and ".join(header[c].strip() for c in named)
                raise InputError(f"{where}: {names} may each be {tag}", f"say which: --columns {tag}=NAME")
            if len(named) > 1:
                notes.append(f"two columns are named {tag}: the first is read")
            chosen.append((sensor, named[0]))
        lost = [name for tag, name in self._chosen.items() if self._profile.tags.index(tag) not in found]
        if lost and found:
            raise InputError(f"{where}: there is no column {', '.join(lost)}", "it has " + ", ".join(header))
        return chosen

    def _time(self, header: Sequence[str]) -> tuple[int, ...]:
        if self._times:
            columns = tuple(_first(header, (plain(name),)) for name in self._times)
            return columns if min(columns) >= 0 else ()
        names = [_time_name(name) for name in header]
        date, clock = _first(header, _DATE_NAMES), _first(header, _CLOCK_NAMES)
        whole = next((names.index(name) for name in TIME_NAMES[:-3] if name in names), -1)
        if whole >= 0 and not (clock == whole and date >= 0):
            return (whole,)
        if date >= 0 and clock >= 0 and self.sensor(header[date]) < 0:
            return date, clock
        return next(((names.index(name),) for name in TIME_NAMES if name in names), ())


def _time_name(name: str) -> str:
    """The plain name of a column, without the unit or the zone that a time column may have at its end."""
    bare = plain(split_unit(name)[0])
    match = _TIME_SUFFIX.match(bare)
    return match[1] if bare not in TIME_NAMES and match and match[1] in TIME_NAMES else bare


def _first(header: Sequence[str], names: Iterable[str]) -> int:
    plains = [plain(split_unit(name)[0]) for name in header]
    return next((plains.index(name) for name in names if name in plains), -1)
