"""The report of an incident: what came first, what moved, who did what, and whether it was there before."""

from dataclasses import dataclass
from math import isfinite, nan

import numpy as np

from pumpwatch_gui.domain.alarms.occurrences import Occurrence
from pumpwatch_gui.domain.display import value_text
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.reports.chart import Floats
from pumpwatch_gui.domain.reports.period import Period
from pumpwatch_gui.domain.reports.sheet import CellKind, Report, ReportColumn, ReportTable
from pumpwatch_gui.domain.wording import alarm_number, duration, local_time, minute, unit_text

BEFORE_S, AFTER_S = 600.0, 1800.0
"""The trends begin so long before the incident and end so long after it."""
MOST_CHARTS = 8
LEAST_MOVE = 3.0
"""A quantity has moved when it goes farther from what it was before than so many of its usual deviations."""
DEFINITIONS = (
    ("First out", "The alarm that came first; the time of every other one is counted from it."),
    ("Moved", "The farthest a quantity went from its mean of the ten minutes before, in usual deviations of that time "
     "(at least its resolution). The trends are of those that moved most, and of those with an alarm."),
    ("Before", "How often the same alarm came in the 90 days before."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Move:
    """How far a quantity of a pump went: `was` its mean before, `farthest` in its unit, `size` in usual deviations.

    `after_s` is when it was first farther than `LEAST_MOVE`, from the start of the incident on, NaN where it never was.
    """

    pump_id: str
    tag: str
    was: float
    farthest: float
    size: float
    after_s: float


def move_of(
    pump_id: str, profile: PumpProfile, tag: str, time_s: Floats, values: Floats, *, start_s: float
) -> Move | None:
    """How far the values (m,) of a quantity at `time_s` (m,) went since `start_s`; None where one side has none."""
    sensor = profile.quantities[profile.index(tag)]
    known = np.isfinite(values)
    before, during = known & (time_s < start_s), known & (time_s >= start_s)
    if before.sum() < 2 or not during.any():
        return None
    was = float(values[before].mean())
    usual = max(float(values[before].std()), sensor.resolution)
    sizes = np.abs(values[during] - was) / usual
    at = int(np.argmax(sizes))
    gone = np.flatnonzero(sizes > LEAST_MOVE)
    after_s = float(time_s[during][gone[0]]) - start_s if gone.size else nan
    return Move(pump_id, tag, was, float(values[during][at]), float(sizes[at]), after_s)


@dataclass(frozen=True, slots=True, eq=False)
class IncidentRead:
    """What was read of an incident.

    `profiles` by pump id; `came` are the alarms of its time, by time; `moves` every quantity that was read, the
    farthest first; `acts` the journal lines of what people did; `before` is how often each alarm (by id) came in the 90
    days before, and when last (Unix ns); `leading` is what the detectors found, a line each; `charts` are SVG pictures
    with their words.
    """

    period: Period
    station: str
    profiles: dict[str, PumpProfile]
    now_ns: int
    program: str
    came: tuple[Occurrence, ...]
    moves: tuple[Move, ...]
    acts: tuple[JournalRow, ...]
    notes: tuple[JournalRow, ...]
    leading: tuple[tuple[int, str, float, str], ...]
    before: dict[str, tuple[int, int]]
    maintenance: tuple[MaintenanceEvent, ...]
    charts: tuple[tuple[str, str], ...]

    @property
    def first(self) -> Occurrence | None:
        """The alarm that came first."""
        return self.came[0] if self.came else None

    @property
    def zero_ns(self) -> int:
        """From when on times are counted: the first alarm, else the start (Unix UTC)."""
        return self.came[0].raised_ns if self.came else self.period.start_ns


def build_incident(read: IncidentRead) -> Report:
    """The report of what was read."""
    return Report(
        title=read.period.title,
        station=read.station,
        period=read.period.text,
        file_name=read.period.file_name(read.station),
        is_preliminary=read.now_ns < read.period.end_ns,
        facts=(
            ("Station", read.station),
            ("Pumps", ", ".join(read.profiles)),
            ("From, to", read.period.text),
            ("Alarms", f"{len(read.came):,}"),
            ("Made", f"{minute(read.now_ns)} by {read.program}"),
            ("Trends", f"{BEFORE_S / 60:.0f} min before to {AFTER_S / 60:.0f} min after"),
        ),
        summary=_summary(read),
        tiles=(),
        tables=(
            _chain(read), _moved(read), _found(read), _done(read), _earlier(read), _maintenance(read),
        ),
        charts=read.charts,
        definitions=DEFINITIONS,
    )  # fmt: skip


def _summary(read: IncidentRead) -> tuple[str, ...]:
    first = read.first
    if first is None:
        came = "No alarm came in this time."
    else:
        others = len(read.came) - 1
        more = f"; {others} more followed" if others else ""
        came = f"First out: {first.alarm.pump_id} {first.alarm.text} at {_clock(first.raised_ns)}{more}."
    moved = [move for move in read.moves if move.size > LEAST_MOVE]
    early = min((m for m in moved if isfinite(m.after_s)), key=lambda m: m.after_s, default=None)
    if not read.moves:
        what = "There is no reading of the ten minutes before: what moved is not known."
    elif early is None:
        what = "No quantity went farther from its usual value than three of its deviations."
    else:
        sensor = _sensor(read, early)
        what = (f"{early.pump_id} {sensor.label.lower()} was the first to leave its usual value, "
                f"{_after(early.after_s)} after the start; {len(moved)} quantities did.")  # fmt: skip
    waited = [o.waited_s for o in read.came if o.waited_s is not None]
    unseen = sum(o.acknowledged_ns is None for o in read.came)
    answered = f"Alarms were acknowledged after {duration(float(np.median(waited)))} (median)" if waited else ""
    open_ones = f"{unseen} of {len(read.came)} were not acknowledged by a person" if unseen else ""
    said = ", ".join(part for part in (answered, open_ones) if part)
    return came, what, f"{said[:1].upper()}{said[1:]}." if said else "Nothing had to be acknowledged."


def _chain(read: IncidentRead) -> ReportTable:
    columns = (
        ReportColumn("After", share=0.9),
        ReportColumn("Time", share=1.2),
        ReportColumn("Pump", share=1.0),
        ReportColumn("Alarm", share=3.2),
        ReportColumn("Priority", share=1.2),
        ReportColumn("Value", share=1.3),
        ReportColumn("Lasted"),
        ReportColumn("Acknowledged", share=1.6),
    )
    rows = tuple(
        (_after((o.raised_ns - read.zero_ns) / 1e9), _clock(o.raised_ns), o.alarm.pump_id or "station", o.alarm.text,
         f"{int(o.alarm.priority)} {o.alarm.priority.name.lower()}", _whole(alarm_number(o.alarm.value, o.alarm)),
         duration(o.lasted_s) if o.lasted_s is not None else "goes on",
         f"after {duration(o.waited_s)}" if o.waited_s is not None else "no")
        for o in read.came
    )  # fmt: skip
    return ReportTable("What came, first out first", columns, rows, "No alarm came.", printed=60)


def _moved(read: IncidentRead) -> ReportTable:
    columns = (
        ReportColumn("Pump"),
        ReportColumn("Quantity", share=3),
        ReportColumn("Was", share=1.3),
        ReportColumn("Farthest", share=1.3),
        ReportColumn("Deviations", "", CellKind.NUMBER, 1),
        ReportColumn("After the start", share=1.3),
    )
    moved = [move for move in read.moves if move.size > LEAST_MOVE]
    rows = tuple(
        (m.pump_id, _sensor(read, m).label, _value(read, m, m.was), _value(read, m, m.farthest), m.size,
         _after(m.after_s) if isfinite(m.after_s) else "") for m in moved
    )  # fmt: skip
    empty = "No quantity moved." if read.moves else "Not known: there is no reading of the ten minutes before."
    return ReportTable("What moved", columns, rows, empty, printed=16)


def _found(read: IncidentRead) -> ReportTable:
    columns = (ReportColumn("Time", share=1.2), ReportColumn("Pump"), ReportColumn("Score", "", CellKind.NUMBER, 2),
               ReportColumn("Leading", share=5))  # fmt: skip
    rows = tuple((_clock(time_ns), pump_id, score, text) for time_ns, pump_id, score, text in read.leading)
    return ReportTable("What the detectors found", columns, rows, "No anomaly was found.", printed=12)


def _done(read: IncidentRead) -> ReportTable:
    columns = (ReportColumn("Time", share=1.2), ReportColumn("Who", share=1.4), ReportColumn("Pump"),
               ReportColumn("What", share=5))  # fmt: skip
    lines = sorted((*read.acts, *read.notes), key=lambda row: (row.time_ns, row.id))
    rows = tuple((_clock(row.time_ns), row.by or "PumpWatch", row.pump_id, row.text) for row in lines)
    return ReportTable("Who did what", columns, rows, "No one did anything in this time.", printed=40)


def _earlier(read: IncidentRead) -> ReportTable:
    columns = (ReportColumn("Pump"), ReportColumn("Alarm", share=4), ReportColumn("Times", "", CellKind.NUMBER),
               ReportColumn("Last", "", CellKind.TIME, share=1.9))  # fmt: skip
    known = {o.alarm.alarm_id: o.alarm for o in read.came}
    rows = tuple(
        (known[alarm_id].pump_id or "station", known[alarm_id].text, float(times), last_ns)
        for alarm_id, (times, last_ns) in read.before.items()
        if alarm_id in known
    )
    return ReportTable("The same alarms in the 90 days before", columns, rows, "None of these alarms came.")


def _maintenance(read: IncidentRead) -> ReportTable:
    columns = (
        ReportColumn("Since", "", CellKind.TIME, share=1.9),
        ReportColumn("Pump"),
        ReportColumn("Event", share=4),
        ReportColumn("Severity"),
        ReportColumn("Resolved", "", CellKind.TIME, share=1.9),
    )
    rows = tuple((e.time_ns, e.pump_id, e.title, e.severity.name.lower(), e.resolved_ns) for e in read.maintenance)
    return ReportTable("Maintenance", columns, rows, "No maintenance event was open.")


def _sensor(read: IncidentRead, move: Move) -> Sensor:
    profile = read.profiles[move.pump_id]
    return profile.quantities[profile.index(move.tag)]


def _value(read: IncidentRead, move: Move, value: float) -> str:
    sensor = _sensor(read, move)
    return _whole(f"{value_text(value, sensor)} {unit_text(sensor.unit)}".rstrip())


def _whole(text: str) -> str:
    """A number that is not parted from its unit at the end of a line."""
    return text.replace(" ", "\u00a0")


def _clock(time_ns: int) -> str:
    return local_time(time_ns, "%H:%M:%S")


def _after(seconds: float) -> str:
    """`+0:12`, `-1:05`: minutes and seconds from the start on."""
    whole = round(seconds)
    return f"{'-' if whole < 0 else '+'}{abs(whole) // 60}:{abs(whole) % 60:02d}"
