"""One truth, written in a dress: every way in which a recording of the same samples may come out of a logger."""

import csv
import io
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st

from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor

PROFILE = PumpProfile(
    "dressed",
    (
        Sensor("motor_rpm", "Drehzahl", "rpm", (0, 6000)),
        Sensor("oil_pressure_bar", "Oil pressure", "bar", (0, 25)),
        Sensor("bearing_temperature_c", "Bearing temperature", "degC", (-20, 300)),
    ),
)
UNITS = (("rpm", "1/min", "U/min"), ("bar", "bar(g)", "Bar"), ("°C", "degC", "C"))
NAMES = (
    ("motor_rpm", "Motor_RPM", "Drehzahl", "Plant/P-1.motor_rpm"),
    ("oil_pressure_bar", "Oil Pressure bar", "Oil pressure", "P-1.oil_pressure_bar"),
    ("bearing_temperature_c", "BEARING-TEMPERATURE-C", "Bearing temperature", "a:bearing_temperature_c"),
)
EPOCHS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
WALL = {
    "ymd": "%Y-%m-%d %H:%M:%S",
    "ymdT": "%Y-%m-%dT%H:%M:%S",
    "slash": "%Y/%m/%d %H:%M:%S",
    "compact": "%Y%m%d%H%M%S",
    "dots": "%d.%m.%Y %H:%M:%S",
    "dmy": "%d/%m/%Y %H:%M:%S",
    "dashes": "%d-%m-%Y %H:%M:%S",
    "short": "%d.%m.%y %H:%M:%S",
    "mdy": "%m/%d/%Y %H:%M:%S",
    "ampm": "%m/%d/%Y %I:%M:%S %p",
    "ampm day": "%d/%m/%Y %I:%M:%S %p",
    "month": "%d-%b-%Y %H:%M:%S",
    "month us": "%b %d, %Y %I:%M:%S %p",
}
OTHER = ("Z", "+05:30", "days", *EPOCHS)
MAY_BE_EITHER_DATE = ("dmy", "dashes", "short", "mdy", "ampm", "ampm day")


@dataclass(frozen=True, slots=True)
class Truth:
    """Samples: start (Unix s), period (s), values (m, 3) with NaN where there is none."""

    start_s: int
    period_s: int
    values: np.ndarray

    @property
    def time_s(self) -> np.ndarray:
        return self.start_s + self.period_s * np.arange(float(len(self.values)))


@dataclass(frozen=True, slots=True)
class Dress:
    """How the truth is written."""

    separator: str
    decimal: str
    group: str
    encoding: str
    line_end: str
    sep_line: bool
    titles: int
    units: str  # "", brackets, row, cells
    unit: int
    names: int
    times: str
    two_columns: bool
    zone: str
    order: str  # rising, falling, shuffled
    is_coarse: bool
    is_long: bool
    quoting: int
    missing: str
    extra: bool
    trailing: bool
    repeats: int
    seed: int


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    rows = draw(st.integers(12, 60))
    period_s = draw(st.sampled_from([1, 1, 10, 60, 900, 3600]))
    start_s = draw(st.integers(1_000_000_000, 1_900_000_000))
    near = draw(st.booleans())  # at the end of summer time in Europe, where wall clocks are set back
    start_s = 1_761_440_400 - draw(st.integers(0, rows * period_s)) if near else start_s
    random_ = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    middle = np.array([1480.0, 4.2, 65.0]) * draw(st.sampled_from([1.0, 0.1, 3.0]))
    values = np.round(middle * random_.normal(1.0, 0.02, (rows, 3)), draw(st.sampled_from([0, 1, 2, 3])))
    if draw(st.booleans()):
        values[1:, 1:][random_.random((rows - 1, 2)) < 0.2] = np.nan
    return Truth(start_s - start_s % period_s, period_s, values)


@st.composite
def dresses(draw: st.DrawFn) -> Dress:
    decimal = draw(st.sampled_from([".", ","]))
    times = draw(st.sampled_from([*WALL, *OTHER]))
    return Dress(
        separator=draw(st.sampled_from([",", ";", "\t", "|", " "])),
        decimal=decimal,
        group=draw(st.sampled_from(["", "", "", " ", "'", "\u00a0", "," if decimal == "." else "."])),
        encoding=draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])),
        line_end=draw(st.sampled_from(["\n", "\r\n"])),
        sep_line=draw(st.booleans()),
        titles=draw(st.integers(0, 4)),
        units=draw(st.sampled_from(["", "", "brackets", "row", "cells"])),
        unit=draw(st.integers(0, 2)),
        names=draw(st.integers(0, 3)),
        times=times,
        two_columns=draw(st.booleans()) and times in WALL and times != "compact",
        zone=draw(st.sampled_from(["", "", "Europe/Berlin", "America/New_York", "-03:30"])),
        order=draw(st.sampled_from(["rising", "rising", "falling", "shuffled"])),
        is_coarse=draw(st.booleans()),
        is_long=draw(st.booleans()),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        missing=draw(st.sampled_from(["", "NaN", "#N/A", "Bad", "-", "null", "No Data"])),
        extra=draw(st.booleans()),
        trailing=draw(st.booleans()),
        repeats=draw(st.sampled_from([0, 0, 3])),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def is_worn_coarse(truth: Truth, dress: Dress) -> bool:
    """Whether the stamps are to the minute, with rows enough to see the pace."""
    fits = truth.period_s == 10 and len(truth.values) >= 24 and dress.times in WALL and dress.order != "shuffled"
    return dress.is_coarse and fits and not dress.is_long and not dress.repeats


def wall_of(time_s: float, dress: Dress) -> datetime:
    moment = datetime.fromtimestamp(time_s, UTC)
    if dress.zone == "-03:30":
        return moment.replace(tzinfo=None) - timedelta(hours=3, minutes=30)
    return moment.astimezone(ZoneInfo(dress.zone) if dress.zone else UTC).replace(tzinfo=None)


def stamp(time_s: float, dress: Dress) -> list[str]:
    """The cells of the time of a sample."""
    if dress.times in EPOCHS:
        return [str(int(time_s) * EPOCHS[dress.times])]
    if dress.times == "Z":
        return [f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%dT%H:%M:%SZ}"]
    if dress.times == "+05:30":
        ahead = datetime.fromtimestamp(time_s, UTC) + timedelta(hours=5, minutes=30)
        return [f"{ahead:%Y-%m-%d %H:%M:%S}+05:30"]
    wall = wall_of(time_s, dress)
    if dress.times == "days":
        return [f"{(wall - datetime(1899, 12, 30)) / timedelta(days=1):.10f}".replace(".", dress.decimal)]
    text = wall.strftime(WALL[dress.times])
    if not dress.two_columns:
        return [text]
    at = text.index(":") - 3
    return [text[:at].rstrip(","), text[at + 1 :]]


def number(value: float, dress: Dress, sensor: int) -> str:
    """The cell of a value."""
    if np.isnan(value):
        return dress.missing
    text = f"{value:,.3f}" if value != round(value) or dress.seed % 2 else f"{value:,.0f}"
    text = text.replace(",", "\0").replace(".", dress.decimal).replace("\0", dress.group)
    return f"{text} {UNITS[sensor][dress.unit]}" if dress.units == "cells" else text


def written(truth: Truth, dress: Dress) -> bytes:
    """The file."""
    shuffle = random.Random(dress.seed)
    time_names = (
        ["Date", "Time"] if dress.two_columns else [shuffle.choice(["timestamp", "DateTime", "Time", "Zeitstempel"])]
    )
    coarse = is_worn_coarse(truth, dress)
    times = truth.time_s - truth.time_s % 60 if coarse else truth.time_s
    stamps = [stamp(time_s, dress) for time_s in times.tolist()]
    columns = list(range(3))
    shuffle.shuffle(columns)
    names = [NAMES[i][dress.names] for i in columns]
    units = [UNITS[i][dress.unit] for i in columns]
    samples = [[number(truth.values[row, i], dress, i) for i in columns] for row in range(len(stamps))]
    if dress.is_long:
        header = [*time_names, "sensor", "value"]
        rows = [
            [*at, name, cell]
            for at, cells in zip(stamps, samples, strict=True)
            for name, cell in zip(names, cells, strict=True)
        ]
    else:
        bracketed = dress.units == "brackets"
        header = [*time_names, *(f"{n} [{u}]" if bracketed else n for n, u in zip(names, units, strict=True))]
        rows = [[*at, *cells] for at, cells in zip(stamps, samples, strict=True)]
    if dress.extra:
        header.insert(0, "No.")
        rows = [[str(i + 1), *row] for i, row in enumerate(rows)]
    rows += [list(rows[-i - 1]) for i in range(min(dress.repeats, len(rows)))]
    if dress.order == "falling":
        rows.reverse()
    elif dress.order == "shuffled":
        shuffle.shuffle(rows)
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=dress.separator, quoting=dress.quoting, lineterminator=dress.line_end)  # type: ignore[arg-type]
    if dress.sep_line:
        lines.write(f"sep={dress.separator}{dress.line_end}")
    for title in ("Logger LG-7, Nr. 0815", "Export; Größe", "", "Anlage Süd")[: dress.titles]:
        lines.write(title + dress.line_end)
    tail = [""] if dress.trailing and dress.quoting == csv.QUOTE_MINIMAL else []
    writer.writerow(header + tail)
    if dress.units == "row" and not dress.is_long:
        writer.writerow([""] * (len(header) - 3) + units + tail)
    writer.writerows([row + tail for row in rows])
    return lines.getvalue().encode(dress.encoding, "replace")
