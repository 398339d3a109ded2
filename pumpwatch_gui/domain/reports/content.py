"""The content of each report, from what was read of its period."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, nan

from pumpwatch_gui.domain.alarms.benchmarks import figures
from pumpwatch_gui.domain.alarms.performance import AlarmPerformance
from pumpwatch_gui.domain.handover import Section
from pumpwatch_gui.domain.maintenance.event import EventSeverity, MaintenanceEvent, by_risk, open_at
from pumpwatch_gui.domain.reports.figures import FEWEST_FAILURES, PumpFigures, StationFigures, station_figures
from pumpwatch_gui.domain.reports.period import Period, ReportKind
from pumpwatch_gui.domain.reports.sheet import MISSING, Cell, CellKind, Report, ReportColumn, ReportTable, Tile
from pumpwatch_gui.domain.reports.sheet import cell_number as shown
from pumpwatch_gui.domain.wording import minute

ENOUGH = 0.995
"""A coverage below this share gets a footnote."""
NUMBER, TIME = CellKind.NUMBER, CellKind.TIME
MEAN_TIMES = "MTBF, MTTR"
DEFINITIONS = (
    ("Run hours", "The time in which the speed (without it the current) is above 20 % of its rated value."),
    ("Starts", "Changes from stopped to running that lasted 10 s or more, from the journal."),
    ("Utilisation", "Run hours by the hours in which the run state is known."),
    ("Availability", "Up by up and down time, in the sense of ISO 14224. Down is what was given when a maintenance "
     "event was resolved, up the rest of the time with readings, running or ready."),
    (MEAN_TIMES, "Run hours by failures (events that were resolved as one), and the mean time until the pump was in "
     f"service again; with {FEWEST_FAILURES} failures or more."),
    ("Energy, volume", "The stored power and flow over the time in which each is known. Gaps are not filled: the "
     "coverage says how much of the period they cover."),
    ("Energy cost", "Energy by the price of a kWh in the site file (energy_price)."),
    ("Specific energy", "Energy by volume over the time in which both are known, in kWh/m³."),
    ("Efficiency", "Hydraulic by electrical energy while the pump runs: pump, motor and drive together. Its change is "
     "against the baseline of the nameplate, in percentage points, at any flow."),
    ("Zone C, D", "Hours running with a vibration in zone C or D of ISO 10816-7."),
    ("Off preferred flow", "Hours running outside the preferred region of flow (API 610: 70 to 120 % of the best)."),
    ("GOOD share", "Readings of quality GOOD by all readings stored, over all sensors. Over a month it is not given: "
     "its minutes hold GOOD and UNCERTAIN readings together."),
    ("Coverage", "The share of the elapsed period with a known run state."),
    ("Alarm figures", "After EEMUA 191 and ISA-18.2: a flood begins with 10 alarms in 10 min and ends with the first "
     "10 min of fewer than 5; an alarm chatters when it comes 3 times in a minute; it is stale after 24 h."),
    (MISSING, "The history does not give this figure. It is not 0."),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class PeriodRead:
    """What was read: the pumps in the period and in the one before, alarms (None: not known), and the hand-over.

    The alarms are of less than the period where the journal is younger (not `is_journal_whole`).
    `maintenance` are the events that were open in the period; `program` made the report at `now_ns`.
    `energy_price` is that of a kWh in the site's currency, NaN where it has none.
    """

    period: Period
    station: str
    currency: str
    now_ns: int
    pumps: tuple[PumpFigures, ...]
    before: tuple[PumpFigures, ...]
    alarms: AlarmPerformance | None
    is_journal_whole: bool
    sections: tuple[Section, ...]
    maintenance: tuple[MaintenanceEvent, ...]
    charts: tuple[tuple[str, str], ...]
    program: str
    energy_price: float = nan

    @cached_property
    def all_pumps(self) -> StationFigures:
        """The sums over the pumps in the period."""
        return station_figures(self.pumps)

    @cached_property
    def all_before(self) -> StationFigures:
        """The sums over the pumps in the period before."""
        return station_figures(self.before)

    @property
    def is_preliminary(self) -> bool:
        """Whether the period has not ended yet."""
        return self.now_ns < self.period.end_ns


def build_report(read: PeriodRead) -> Report:
    """The report of a kind."""
    is_shift = read.period.kind is ReportKind.SHIFT
    is_long = read.period.kind in (ReportKind.WEEKLY, ReportKind.MONTHLY)
    tables = [_pump_table(read)]
    if not is_shift:
        tables += [_efficiency_table(read), *([_availability_table(read)] if is_long else []), *_alarm_tables(read),
                   _maintenance_table(read)]  # fmt: skip
    sections = read.sections if is_shift else [s for s in read.sections if s.heading in ("Notes", "Changes")]
    said = [_section_table(section, printed=8 if is_shift else 40) for section in sections]
    tables = said + tables if is_shift else [*tables, *said, _quality_table(read)]
    return Report(
        title=read.period.title,
        station=read.station,
        period=read.period.text,
        file_name=read.period.file_name(read.station),
        is_preliminary=read.is_preliminary,
        facts=_facts(read),
        summary=_summary(read),
        tiles=_tiles(read),
        tables=tuple(tables),
        charts=read.charts,
        definitions=tuple(d for d in DEFINITIONS if is_long or d[0] != MEAN_TIMES),
    )


def _percent(share: float) -> str:
    return f"{shown(100.0 * share, 1)} %"


def _facts(read: PeriodRead) -> tuple[tuple[str, str], ...]:
    all_pumps = read.all_pumps
    good = _percent(all_pumps.good) + " of readings" if isfinite(all_pumps.good) else MISSING
    return (
        ("Station", read.station),
        ("Pumps", str(len(read.pumps))),
        ("Period", read.period.text + (", open: preliminary" if read.is_preliminary else "")),
        ("GOOD", good),
        ("Made", f"{minute(read.now_ns)} by {read.program}"),
        ("Coverage", f"{_percent(all_pumps.coverage)} of the time"),
    )


def _tiles(read: PeriodRead) -> tuple[Tile, ...]:
    now, before = read.all_pumps, read.all_before
    return (
        Tile("Run hours", now.run_h, "h", 1, before.run_h),
        Tile("Starts", now.starts, "", 0, before.starts),
        Tile("Energy", now.energy_kwh, "kWh", 0, before.energy_kwh),
        Tile("Volume", now.volume_m3, "m³", 0, before.volume_m3),
        Tile("Specific energy", now.kwh_per_m3, "kWh/m³", 3, before.kwh_per_m3),
        Tile("Availability", now.availability, "%", 1, before.availability),
        *((Tile("Energy cost", now.energy_kwh * read.energy_price, read.currency, 0,
                before.energy_kwh * read.energy_price),) if isfinite(read.energy_price) else ()),
    )  # fmt: skip


def _summary(read: PeriodRead) -> tuple[str, ...]:
    """What changed, what it costs, what to do."""
    return _changed(read), _costs(read), _to_do(read)


def _changed(read: PeriodRead) -> str:
    now, before = read.all_pumps, read.all_before
    if not isfinite(now.run_h):
        return "There is no reading of this period."
    ran = f"The pumps ran {shown(now.run_h, 1)} h"
    if isfinite(now.volume_m3):
        ran += f" and delivered {shown(now.volume_m3, 0)} m³"
    tile = Tile("", now.kwh_per_m3, "", 3, before.kwh_per_m3)
    if not tile.change:
        return f"{ran}; the period before gives no comparison."
    return f"{ran} at {tile.text} kWh/m³, {tile.change} against the period before."


def _costs(read: PeriodRead) -> str:
    now = read.all_pumps
    came = _count(read.alarms.count, "alarm", "came", "came") if read.alarms is not None else "alarms are not known"
    used = f"They used {shown(now.energy_kwh, 0)} kWh" if isfinite(now.energy_kwh) else "Their energy is not known"
    if isfinite(spent := now.energy_kwh * read.energy_price):
        used += f" for {shown(spent, 0)} {read.currency}"
    open_events = _open(read)
    known = [e.estimated_cost for e in open_events if isfinite(e.estimated_cost)]
    cost = f", estimated at {shown(sum(known), 0)} {read.currency}" if known else ""
    work = _count(len(open_events), "maintenance event", "is open", "are open")
    return f"{used}; {came}; {work}{cost}."


def _count(count: int, what: str, one: str, many: str) -> str:
    """A number of things and what they do."""
    return f"{count:,} {what} {one}" if count == 1 else f"{count:,} {what}s {many}" if count else f"no {what} {one}"


def _open(read: PeriodRead) -> list[MaintenanceEvent]:
    """The events that were open at the end of the period, by risk."""
    return list(by_risk(open_at(read.maintenance, read.period.end_ns)))


def _to_do(read: PeriodRead) -> str:
    worst = _open(read)
    if worst:
        return f"First: {worst[0].pump_id} {worst[0].title} ({worst[0].severity.name.lower()})."
    low = [p for p in read.pumps if p.efficiency_change < -5.0]
    if low:
        pump = min(low, key=lambda p: p.efficiency_change)
        change = shown(pump.efficiency_change, 1)
        return f"First: look at {pump.pump_id}, whose efficiency is {change} points from its baseline."
    return "No maintenance event is open and no efficiency is more than 5 points below its baseline."


def _pump_table(read: PeriodRead) -> ReportTable:
    before = {p.pump_id: p for p in read.before}
    now = read.all_pumps
    ordered = sorted(read.pumps, key=lambda p: (-p.energy_kwh if isfinite(p.energy_kwh) else 1.0, p.pump_id))
    columns = (
        ReportColumn("Pump", share=2.4),
        ReportColumn("Run hours", "h", NUMBER, 1),
        ReportColumn("Utilisation", "%", NUMBER, 1),
        ReportColumn("Starts", "", NUMBER),
        ReportColumn("Energy", "kWh", NUMBER, 1),
        ReportColumn("Change", "kWh", NUMBER, 1, has_sign=True),
        ReportColumn("Volume", "m³", NUMBER, 1),
        ReportColumn("Specific energy", "kWh/m3", NUMBER, 3),
    )
    rows = tuple(
        (_pump(p), p.run_h, p.utilisation, p.starts, p.energy_kwh, _less(p, before, "energy_kwh"), p.volume_m3,
         p.kwh_per_m3) for p in ordered
    )  # fmt: skip
    change = now.energy_kwh - read.all_before.energy_kwh
    total = ("All", now.run_h, now.utilisation, now.starts, now.energy_kwh, change, now.volume_m3, now.kwh_per_m3)
    return ReportTable("Pumps", columns, rows, "The site has no pumps.", total, _coverage_notes(read))


def _pump(pump: PumpFigures) -> str:
    return pump.pump_id if pump.name in ("", pump.pump_id) else f"{pump.pump_id} {pump.name}"


def _less(pump: PumpFigures, before: Mapping[str, PumpFigures], name: str) -> float:
    """The difference of a figure to the period before, NaN where one is missing."""
    other = before.get(pump.pump_id)
    return float(getattr(pump, name)) - float(getattr(other, name)) if other is not None else nan


def _coverage_notes(read: PeriodRead) -> tuple[str, ...]:
    """What the totals rest on, and which pumps have no figures."""
    now, count, notes = read.all_pumps, len(read.pumps), list[str]()
    if now.coverage < ENOUGH and count:
        notes.append(f"The run state is known for {_percent(now.coverage)} of the time; nothing is filled in.")
    unread = [p.pump_id for p in read.pumps if not p.coverage]
    if unread:
        more = f" and {len(unread) - 8} more" if len(unread) > 8 else ""
        notes.append(f"{MISSING} without a reading in the period: {', '.join(unread[:8])}{more}.")
    if now.of["starts"] < count - len(unread):
        notes.append(f"{MISSING} starts: the journal is younger than the readings of the period.")
    for name, words in (("energy_kwh", "energy"), ("volume_m3", "volume")):
        if now.of[name] < count - len(unread):
            notes.append(f"{MISSING} the total of {words} is of {now.of[name]} of {count} pumps: the others have no "
                         "such sensor or nameplate.")  # fmt: skip
    if not isfinite(read.all_before.energy_kwh):
        notes.append(f"{MISSING} there is no energy of the period before to compare with.")
    return tuple(notes)


def _efficiency_table(read: PeriodRead) -> ReportTable:
    before = {p.pump_id: p for p in read.before}
    ordered = sorted(read.pumps, key=lambda p: (not isfinite(p.efficiency_change), p.efficiency_change, p.pump_id))
    columns: tuple[ReportColumn, ...] = (
        ReportColumn("Pump", share=2.4),
        ReportColumn("Efficiency", "%", NUMBER, 1),
        ReportColumn("Baseline", "%", NUMBER, 1),
        ReportColumn("To baseline", "points", NUMBER, 1, has_sign=True),
        ReportColumn("To before", "points", NUMBER, 1, has_sign=True),
        ReportColumn("Zone C, D", "h", NUMBER, 1),
        ReportColumn("Off preferred flow", "h", NUMBER, 1),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (_pump(p), p.efficiency, p.baseline, p.efficiency_change, _less(p, before, "efficiency"), p.zone_cd_h,
         p.off_region_h) for p in ordered
    )  # fmt: skip
    lacking = any(not isfinite(p.efficiency) for p in read.pumps)
    notes = (f"{MISSING} no reading while running, or no sensor or nameplate for it.",) if lacking else ()
    name = "Efficiency and duty"
    if read.period.kind is ReportKind.DAILY:  # a week and a month have a table of their own
        columns += (ReportColumn("Availability", "%", NUMBER, 1),)
        rows = tuple((*row, pump.availability) for row, pump in zip(rows, ordered, strict=True))
        name, notes = "Efficiency and availability", (*notes, *_availability_notes(read))
    return ReportTable(name, columns, rows, "The site has no pumps.", notes=notes)


def _availability_table(read: PeriodRead) -> ReportTable:
    now = read.all_pumps
    columns = (
        ReportColumn("Pump", share=2.4),
        ReportColumn("Up", "h", NUMBER, 1),
        ReportColumn("Down", "h", NUMBER, 1),
        ReportColumn("Availability", "%", NUMBER, 1),
        ReportColumn("Failures", "", NUMBER),
        ReportColumn("MTBF", "h", NUMBER, 1),
        ReportColumn("MTTR", "h", NUMBER, 1),
    )
    ordered = sorted(read.pumps, key=lambda p: (not isfinite(p.availability), p.availability, p.pump_id))
    rows = tuple(
        (_pump(p), p.up_h if p.is_watched else nan, p.outages.down_h, p.availability, float(p.outages.failures),
         p.mtbf_h, p.mttr_h) for p in ordered
    )  # fmt: skip
    total = ("All", now.up_h, now.down_h, now.availability, float(now.failures), now.mtbf_h, now.mttr_h)
    return ReportTable("Availability", columns, rows, "The site has no pumps.", total, _availability_notes(read))


def _availability_notes(read: PeriodRead) -> tuple[str, ...]:
    notes = list[str]()
    unsaid = [p.pump_id for p in read.pumps if p.outages.unsaid]
    if unsaid:
        more = f" and {len(unsaid) - 8} more" if len(unsaid) > 8 else ""
        notes.append(f"{MISSING} an event was resolved without saying whether the pump failed, or how long it was "
                     f"down: {', '.join(unsaid[:8])}{more}.")  # fmt: skip
    if any(not p.is_watched for p in read.pumps):
        notes.append(f"{MISSING} without a reading in the period nothing was watched.")
    waiting = [e for e in _open(read) if e.severity in (EventSeverity.CRITICAL, EventSeverity.HIGH)]
    if waiting:
        count = "1 open event" if len(waiting) == 1 else f"{len(waiting)} open events"
        notes.append(f"{count} of severity critical or high may become failures when resolved.")
    return tuple(notes)


def _alarm_tables(read: PeriodRead) -> tuple[ReportTable, ...]:
    found = read.alarms
    if found is None:
        return ()
    rows = tuple((f.name, f.value, f.benchmark, f.standing.value) for f in figures(found))
    columns = (ReportColumn("Figure", share=2.4), ReportColumn("Value", share=1.4), ReportColumn("Benchmark", share=2),
               ReportColumn("Compared with it", share=1.6))  # fmt: skip
    top_columns = (
        ReportColumn("Pump"),
        ReportColumn("Alarm", share=3),
        ReportColumn("Priority"),
        ReportColumn("Times", "", NUMBER),
        ReportColumn("Share", "%", NUMBER, 1),
        ReportColumn("Lasted, median", "s", NUMBER),
    )
    top = tuple(
        (a.alarm.pump_id or "station", a.alarm.text, f"{int(a.alarm.priority)} {a.alarm.priority.name.lower()}",
         float(a.count), 100 * a.share, a.lasted_s) for a in found.top
    )  # fmt: skip
    since = f"The journal is younger than the period: these figures begin at {minute(found.start_ns)}."
    notes = () if read.is_journal_whole else (since,)
    return (
        ReportTable("Alarm performance", columns, rows, notes=notes),
        ReportTable("Most frequent alarms", top_columns, top, "No alarm came."),
    )


def _maintenance_table(read: PeriodRead) -> ReportTable:
    columns = (
        ReportColumn("Since", "", TIME, share=2.15),
        ReportColumn("Pump", share=0.9),
        ReportColumn("Event", share=2),
        ReportColumn("Severity", share=1.1),
        ReportColumn("Resolved", "", TIME, share=2.15),
        ReportColumn("Failed, down", share=1.3),
        ReportColumn("Estimated", read.currency, NUMBER, share=1.1),
        ReportColumn("Actual", read.currency, NUMBER),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (e.time_ns, e.pump_id, e.title, f"{e.severity.value} {e.severity.name.lower()}", e.resolved_ns,
         _failed(e), e.estimated_cost, e.actual_cost)
        for e in read.maintenance
    )  # fmt: skip

    def total(costs: list[float]) -> float:
        known = [cost for cost in costs if isfinite(cost)]
        return sum(known) if known else nan

    sums = total([e.estimated_cost for e in read.maintenance]), total([e.actual_cost for e in read.maintenance])
    lacking = any(not isfinite(e.estimated_cost) for e in read.maintenance)
    notes = (f"{MISSING} no row of the cost table fits; the total is without them.",) if lacking else ()
    whole: tuple[Cell, ...] = (0, "All", "", "", 0, "", *sums) if rows else ()
    return ReportTable("Maintenance", columns, rows, "No maintenance event was open.", whole, notes, printed=60)


def _failed(event: MaintenanceEvent) -> str:
    """Whether it was a failure, and the hours out of service."""
    said = {True: "yes", False: "no", None: ""}[event.is_failure]
    down = f"{shown(event.down_s / 3600, 1)}\u00a0h" if event.down_s > 0 else ""
    return ", ".join(part for part in (said, down) if part)


def _section_table(section: Section, *, printed: int) -> ReportTable:
    """A section of the hand-over, a line a row."""
    rows = tuple((line,) for line in section.lines)
    return ReportTable(section.heading, (ReportColumn(section.heading),), rows, section.empty, printed=printed)


def _quality_table(read: PeriodRead) -> ReportTable:
    columns = (
        ReportColumn("Pump", share=2.4),
        ReportColumn("GOOD", "%", NUMBER, 2),
        ReportColumn("Run state known", "%", NUMBER, 1),
        ReportColumn("Energy known", "%", NUMBER, 1),
        ReportColumn("Volume known", "%", NUMBER, 1),
    )
    ordered = sorted(read.pumps, key=lambda p: (p.coverage, p.pump_id))
    rows = tuple(
        (_pump(p), 100 * p.good, 100 * p.coverage, 100 * p.energy_coverage, 100 * p.volume_coverage) for p in ordered
    )
    lacking = any(not isfinite(p.good) for p in read.pumps)
    notes = (f"{MISSING} the GOOD share needs every reading: it is given for a shift and a day.",) if lacking else ()
    return ReportTable("Data quality", columns, rows, "The site has no pumps.", notes=notes)
