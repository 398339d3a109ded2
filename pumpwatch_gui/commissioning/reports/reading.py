"""What a report needs, read from the history of a station."""

from collections.abc import Sequence
from datetime import timedelta
from math import nan

import numpy as np

from pumpwatch_gui.commissioning.alarm_performance import read_performance
from pumpwatch_gui.commissioning.journal import journal_span
from pumpwatch_gui.commissioning.timeline import BEFORE_NS, RESOLVED
from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState
from pumpwatch_gui.domain.alarms.performance import PERIOD_NS
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.handover import Section, hand_over
from pumpwatch_gui.domain.journal import JournalRow, alarm_of
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent, open_at, open_between
from pumpwatch_gui.domain.maintenance.outages import outages_of
from pumpwatch_gui.domain.ports import Historian, JournalQuery
from pumpwatch_gui.domain.reports.chart import Floats, Trend, means_over, round_scale, trend_svg
from pumpwatch_gui.domain.reports.content import PeriodRead
from pumpwatch_gui.domain.reports.figures import (
    EFFICIENCY,
    FLOW,
    M3_H_PER_L_MIN,
    POWER,
    PumpFigures,
    pump_figures,
    starts_of,
    wanted_tags,
)
from pumpwatch_gui.domain.reports.period import Period, ReportKind
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.station import EngineStats, StationView

ALL_POINTS = 10**6
"""More than a stretch has: its readings come as they are."""
MONTH_POINTS = 44_640
MINUTE_NS = 60 * 10**9
Means = dict[tuple[str, str], tuple[Floats, Floats]]
"""Times and means by pump and tag, for a chart."""


def read_period(
    history: Historian, site: Site, period: Period, open_alarms: Sequence[Alarm], *, now_ns: int, program: str
) -> PeriodRead:
    """What a report of a period shows; `open_alarms` are those announced now, `now_ns` Unix UTC.

    Raises InputError for a period that has not begun or has no reading, and for a site without pumps; StoreError when
    the history cannot be read.
    """
    if not site.pumps:
        raise InputError(f"the site {site.name} has no pumps", "name its site file with --site FILE")
    if period.start_ns >= now_ns:
        raise InputError(f"the period {period.text} has not begun", "name one that has begun")
    end_ns = min(period.end_ns, now_ns)
    before = period.previous()
    # Of all kinds: the hand-over takes notes, changes, starts and links from them.
    rows = list(journal_span(history, start_ns=period.start_ns, end_ns=end_ns))
    every = history.maintenance(resolved=RESOLVED)
    pumps, means = _pumps(history, site, period, rows, every, end_ns=end_ns)
    if not means:
        raise InputError(f"there is no reading of {site.name} in {period.text}", "choose a period that was recorded")
    # An open period is compared with as much of the one before.
    earlier_ns = min(before.start_ns + end_ns - period.start_ns, before.end_ns)
    runs = list(journal_span(history, start_ns=before.start_ns, end_ns=earlier_ns, kinds=("run",)))
    earlier, _ = _pumps(history, site, before, runs, every, end_ns=earlier_ns, is_before=True)
    span_ns = (end_ns - period.start_ns) // PERIOD_NS * PERIOD_NS
    alarms, is_whole = None, True
    if span_ns and _has_journal(history, end_ns):
        standing = [alarm for alarm in open_alarms if alarm.raised_ns < end_ns]
        judged = read_performance(history, standing, end_ns=period.start_ns + span_ns, span_ns=span_ns)
        alarms, is_whole = judged.found, judged.is_whole
    events = open_between(every, period.start_ns, end_ns)
    return PeriodRead(
        period=period,
        station=site.name,
        currency=site.currency,
        now_ns=now_ns,
        pumps=pumps,
        before=earlier,
        alarms=alarms,
        is_journal_whole=is_whole,
        sections=_sections(history, site, period, rows, events, open_alarms, end_ns),
        maintenance=events,
        charts=_charts(period, site, means, pumps),
        program=program,
        energy_price=site.energy_price if site.energy_price is not None else nan,
    )


def _pumps(
    history: Historian, site: Site, period: Period, rows: Sequence[JournalRow], events: Sequence[MaintenanceEvent], *,
    end_ns: int, is_before: bool = False,
) -> tuple[tuple[PumpFigures, ...], Means]:  # fmt: skip
    """The figures of each pump, and what charts need of those with readings: all that 50 pumps read is a gigabyte.

    `is_before`: the period is for comparison only, without a share of GOOD and without charts.
    """
    starts = starts_of(rows, start_ns=period.start_ns, end_ns=end_ns)
    is_month = period.kind in (ReportKind.WEEKLY, ReportKind.MONTHLY)
    hours = (end_ns - period.start_ns) / 3.6e12
    figures, means = list[PumpFigures](), Means()
    for pump in site.pumps:
        profile, tags = pump.profile, wanted_tags(pump.profile)
        series = history.read(
            pump.pump_id, tags, start_ns=period.start_ns, end_ns=end_ns,
            points=MONTH_POINTS if is_month else ALL_POINTS, profile=profile,
        )  # fmt: skip
        has_journal = bool(series.time_s.size) and _has_journal(
            history, max(period.start_ns, round(series.time_s[0] * 1e9)) + MINUTE_NS
        )
        good = float("nan") if is_month or is_before else _good(history, pump, period.start_ns, end_ns)
        begun = float(starts.get(pump.pump_id, 0)) if has_journal else float("nan")
        outages = outages_of(events, pump.pump_id, period.start_ns, end_ns)
        figures.append(pump_figures(pump.pump_id, pump.name, profile, series, hours=hours, starts=begun, good=good,
                                    outages=outages))  # fmt: skip
        for i, tag in enumerate(tags if series.time_s.size and not is_before else ()):
            means[pump.pump_id, tag] = means_over(series.time_s, series.mean[:, i], start_s=period.start_ns / 1e9,
                                                  end_s=period.end_ns / 1e9)  # fmt: skip
    return tuple(figures), means


def _has_journal(history: Historian, before_ns: int) -> bool:
    """Whether the journal has a line before a time: without one it is younger, and its silence says nothing."""
    return bool(history.journal(JournalQuery(before_ns=before_ns), limit=1))


def _good(history: Historian, pump: PumpSettings, start_ns: int, end_ns: int) -> float:
    """The share of all stored readings that are GOOD; NaN without a reading."""
    try:
        found = history.recording(pump.pump_id, pump.profile, start_ns=start_ns, end_ns=end_ns)
    except InputError:  # there is none
        return float("nan")
    return float(np.isfinite(found.values).mean())


def _sections(
    history: Historian, site: Site, period: Period, rows: Sequence[JournalRow], events: tuple[MaintenanceEvent, ...],
    open_alarms: Sequence[Alarm], end_ns: int,
) -> tuple[Section, ...]:  # fmt: skip
    """The hand-over as it would have been made at the end of the period; only that of a shift names its alarms."""
    is_shift = period.kind is ReportKind.SHIFT
    known = _alarms_at(history, open_alarms, period.start_ns, end_ns) if is_shift else []
    view = StationView(
        name=site.name,
        time_ns=end_ns,
        mono_ns=0,
        pumps=(),
        alarms=tuple(a for a in known if a.state is not AlarmState.NORMAL and not a.state.is_hidden),
        stats=EngineStats(),
        hidden_alarms=tuple(a for a in known if a.state.is_hidden),
        maintenance=open_at(events, end_ns),
    )
    return hand_over(view, rows, start_ns=period.start_ns, end_ns=end_ns)


def _alarms_at(history: Historian, open_alarms: Sequence[Alarm], start_ns: int, end_ns: int) -> list[Alarm]:
    """The alarms as they were at a time, by priority."""
    last: dict[str, Alarm] = {}
    for row in journal_span(history, start_ns=min(start_ns, end_ns - BEFORE_NS), end_ns=end_ns, kinds=("alarm",)):
        if (alarm := alarm_of(row)) is not None:
            last.setdefault(alarm.alarm_id, alarm)
    for alarm in open_alarms:  # those that have not moved for a week
        if min(alarm.raised_ns, alarm.changed_ns) < end_ns:
            last.setdefault(alarm.alarm_id, alarm)
    return sorted(last.values(), key=lambda alarm: (alarm.priority, alarm.raised_ns))


def _charts(period: Period, site: Site, means: Means, pumps: tuple[PumpFigures, ...]) -> tuple[tuple[str, str], ...]:
    """Power and flow of the station for a shift and a day, the efficiency of each pump on one scale for a month."""
    start_s, end_s = period.start_ns / 1e9, period.end_ns / 1e9
    if period.kind is ReportKind.MONTHLY:
        own = {pump: found for (pump, tag), found in means.items() if tag == EFFICIENCY}
        all_values = np.concatenate([v for _, v in own.values()]) if own else np.empty(0)
        known = all_values[np.isfinite(all_values)]
        baselines = {p.pump_id: p.baseline for p in pumps}
        seen = [*np.quantile(known, (0.005, 0.995)).tolist(), *baselines.values()] if known.size else []
        ends = [value for value in seen if np.isfinite(value)] or [float("nan")]
        scale = round_scale(min(ends) - 2.0, max(ends) + 2.0)
        days = (period.end - period.start).days
        labels = [((day - 0.5) / days, str(day)) for day in (1, 8, 15, 22, days)]
        return tuple(
            (f"Efficiency of {pump} in per cent over the month",
             trend_svg(Trend(pump, "efficiency, %", *found, start_s, end_s, scale, baselines[pump], "baseline"),
                       width=214, height=80, labels=labels))
            for pump, found in own.items()
        )  # fmt: skip
    charts = []
    for title, tag, unit, factor in (("Power", POWER, "kW", 1.0),
                                     ("Flow", FLOW, "m³/h", M3_H_PER_L_MIN)):  # fmt: skip
        own = {pump: found for (pump, of), found in means.items() if of == tag}
        if own:
            there = [values for _, values in own.values() if np.isfinite(values).any()]
            total = factor * _sum(there or [values for _, values in own.values()])
            scale = round_scale(0.0, 1.02 * float(np.nanmax(total)) if np.isfinite(total).any() else float("nan"))
            time_s = next(iter(own.values()))[0]
            picture = trend_svg(
                Trend(title, f"{unit}, {len(there)} of {len(site.pumps)} pumps", time_s, total, start_s, end_s, scale),
                labels=_clocks(period),
            )
            charts.append((f"{title} of the station over the period", picture))
    return tuple(charts)


def _sum(values: list[Floats]) -> Floats:
    """The sum over pumps; NaN where one is missing that has values elsewhere: a part of it would look like a drop."""
    total: Floats = np.sum(np.stack(values), axis=0)
    return total


def _clocks(period: Period) -> list[tuple[float, str]]:
    if period.kind is ReportKind.WEEKLY:
        return [((day + 0.5) / 7, f"{period.start + timedelta(days=day):%a %d}") for day in range(7)]
    return [(i / 4, f"{period.start + i * (period.end - period.start) / 4:%H:%M}") for i in range(5)]
