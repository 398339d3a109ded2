"""What the report of an incident needs, read from the history of a station."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from pumpwatch_gui.commissioning.journal import alarm_moves, journal_span
from pumpwatch_gui.commissioning.timeline import BEFORE_NS, RESOLVED
from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.alarms.occurrences import Occurrence, occurrences
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import NoteKind
from pumpwatch_gui.domain.journal import NOTE_KIND, JournalRow, alarm_of
from pumpwatch_gui.domain.maintenance.event import open_between
from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.reports.chart import Trend, means_over, round_scale, trend_svg
from pumpwatch_gui.domain.reports.incident import (
    AFTER_S,
    BEFORE_S,
    LEAST_MOVE,
    MOST_CHARTS,
    IncidentRead,
    Move,
    move_of,
)
from pumpwatch_gui.domain.reports.period import Period
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.wording import unit_text
from pumpwatch_gui.store.query.history import History

POINTS: Final = 4_000
EARLIER_NS: Final = 90 * 86_400 * 10**9
FOUND_AT_MOST: Final = 50_000
LEAST_APART: Final = 0.12
"""Of two labels of the time, as a share of the width."""
Found = dict[str, tuple[tuple[str, ...], Series]]
"""Tags and their series by pump."""


def read_incident(
    history: History, site: Site, period: Period, pump_ids: Sequence[str], *, now_ns: int, program: str
) -> IncidentRead:
    """What a report of an incident of some pumps (none: all with an alarm in its time) shows.

    Raises InputError for a pump that the site has not, a time that has not begun or has no reading, StoreError when the
    history cannot be read.
    """
    if period.start_ns >= now_ns:
        raise InputError(f"the time {period.text} has not begun", "name one that has begun")
    unknown = [pump_id for pump_id in pump_ids if site.pump(pump_id) is None]
    if unknown:
        known = ", ".join(pump.pump_id for pump in site.pumps) or "none"
        raise InputError(f"the site has no pump {', '.join(unknown)}", f"name some of it: {known}")
    end_ns = min(period.end_ns, now_ns)
    came = _came(history, period.start_ns, end_ns)
    with_alarm = {o.alarm.pump_id for o in came}
    chosen = tuple(p for p in site.pumps if p.pump_id in (pump_ids or with_alarm)) or site.pumps
    own = {pump.pump_id for pump in chosen}
    came = tuple(o for o in came if o.alarm.pump_id in own or not o.alarm.pump_id)
    rows = [row for row in journal_span(history, start_ns=period.start_ns, end_ns=end_ns + round(AFTER_S * 1e9))
            if row.pump_id in own or not row.pump_id]  # fmt: skip
    found = {pump.pump_id: _series(history, pump, period) for pump in chosen}
    if not any(series.time_s.size for _, series in found.values()):
        raise InputError(f"there is no reading of {', '.join(own)} in {period.text}", "choose a time that was recorded")
    moves = sorted(_moves(chosen, found, period), key=lambda move: -move.size)
    work = open_between(history.maintenance(resolved=RESOLVED), period.start_ns, end_ns)
    return IncidentRead(
        period=period,
        station=site.name,
        profiles={pump.pump_id: pump.profile for pump in chosen},
        now_ns=now_ns,
        program=program,
        came=came,
        moves=tuple(moves),
        acts=tuple(row for row in rows if row.by and row.kind in ("command", "alarm", "maintenance")),
        notes=tuple(row for row in rows if _is_note(row)),
        leading=tuple(_leading(history, chosen, period.start_ns, end_ns)),
        before=_earlier(history, came, period.start_ns),
        maintenance=tuple(event for event in work if event.pump_id in own),
        charts=tuple(_charts(chosen, found, moves, came, period)),
    )


def _is_note(row: JournalRow) -> bool:
    return row.kind in ("run", "link") or (
        row.kind == "note" and row.detail.get(NOTE_KIND) == NoteKind.WATCH_BEGINS.value
    )


def _came(history: History, start_ns: int, end_ns: int) -> tuple[Occurrence, ...]:
    moves, _ = alarm_moves(history, start_ns=start_ns - BEFORE_NS, end_ns=end_ns)
    return tuple(o for o in occurrences(moves) if start_ns <= o.raised_ns < end_ns)


def _series(history: History, pump: PumpSettings, period: Period) -> tuple[tuple[str, ...], Series]:
    tags = tuple(sensor.tag for sensor in pump.profile.quantities if not (sensor.is_counter or sensor.states))
    start_ns, end_ns = period.start_ns - round(BEFORE_S * 1e9), period.end_ns + round(AFTER_S * 1e9)
    return tags, history.read(pump.pump_id, tags, start_ns=start_ns, end_ns=end_ns, points=POINTS, profile=pump.profile)


def _moves(pumps: Sequence[PumpSettings], found: Found, period: Period) -> list[Move]:
    moves = []
    for pump in pumps:
        tags, series = found[pump.pump_id]
        here = series.time_s < period.end_ns / 1e9
        for i, tag in enumerate(tags):
            move = move_of(pump.pump_id, pump.profile, tag, series.time_s[here], series.mean[here, i],
                           start_s=period.start_ns / 1e9)  # fmt: skip
            if move is not None:
                moves.append(move)
    return moves


def _leading(
    history: History, pumps: Sequence[PumpSettings], start_ns: int, end_ns: int
) -> list[tuple[int, str, float, str]]:
    """The first and the worst anomalous window of each pump, by time."""
    found = []
    for pump in pumps:
        rows = history.detections(pump.pump_id, start_ns=start_ns, end_ns=end_ns, limit=FOUND_AT_MOST)
        anomalous = sorted((row for row in rows if row.is_anomaly), key=lambda row: row.time_ns)
        if anomalous:
            first, worst = anomalous[0], max(anomalous, key=lambda row: row.score)
            for one in (first,) if worst is first else (first, worst):
                found.append((one.time_ns, pump.pump_id, one.score, _shares(pump, one.shares)))
    return sorted(found)


def _shares(pump: PumpSettings, shares: dict[str, float]) -> str:
    labels = {sensor.tag: sensor.label for sensor in pump.profile.sensors}
    first = sorted(shares.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{labels.get(tag, tag)} {100 * share:.0f} %" for tag, share in first if share > 0)


def _earlier(history: History, came: Sequence[Occurrence], start_ns: int) -> dict[str, tuple[int, int]]:
    """How often each of the alarms was raised in the time before, and when last (Unix ns)."""
    wanted, found = {o.alarm.alarm_id for o in came}, dict[str, tuple[int, int]]()
    for row in journal_span(history, start_ns=start_ns - EARLIER_NS, end_ns=start_ns, kinds=("alarm",)):
        alarm = alarm_of(row) if row.detail.get("alarm_id") in wanted else None  # of 90 days only these are made
        if alarm is not None and alarm.state is AlarmState.UNACKNOWLEDGED and row.time_ns == alarm.raised_ns:
            times, last_ns = found.get(alarm.alarm_id, (0, 0))
            found[alarm.alarm_id] = times + 1, max(last_ns, row.time_ns)
    return found


def _charts(
    pumps: Sequence[PumpSettings], found: Found, moves: Sequence[Move], came: Sequence[Occurrence], period: Period
) -> list[tuple[str, str]]:
    """The trends of what had an alarm and of what moved most, each with the limit that was passed."""
    limits = dict[tuple[str, str], float]()
    for one in came:
        if one.alarm.tag:
            limits.setdefault((one.alarm.pump_id, one.alarm.tag), one.alarm.limit)
    moved = [(move.pump_id, move.tag) for move in moves if move.size > LEAST_MOVE]
    start_s, end_s = period.start_ns / 1e9 - BEFORE_S, period.end_ns / 1e9 + AFTER_S
    labels = [((at / 1e9 - start_s) / (end_s - start_s), f"{local:%H:%M}")
              for at, local in ((period.start_ns, period.start), (period.end_ns, period.end))]  # fmt: skip
    if labels[1][0] - labels[0][0] < LEAST_APART:
        labels = [((labels[0][0] + labels[1][0]) / 2, f"{period.start:%H:%M}–{period.end:%H:%M}")]
    by_id, charts = {pump.pump_id: pump for pump in pumps}, []
    for pump_id, tag in [*dict.fromkeys((*limits, *moved))][:MOST_CHARTS]:
        tags, series = found.get(pump_id, ((), None))
        if series is None or tag not in tags:
            continue
        sensor: Sensor = by_id[pump_id].profile.quantities[by_id[pump_id].profile.index(tag)]
        time_s, values = means_over(series.time_s, series.mean[:, tags.index(tag)], start_s=start_s, end_s=end_s)
        known, limit = values[np.isfinite(values)], limits.get((pump_id, tag), float("nan"))
        seen = [*known.tolist(), *([limit] if np.isfinite(limit) else [])] or [float("nan")]
        trend = Trend(f"{pump_id} {sensor.label}", unit_text(sensor.unit), time_s, values, start_s, end_s,
                      round_scale(min(seen), max(seen)), limit, "limit")  # fmt: skip
        charts.append((f"{sensor.label} of {pump_id} about the incident", trend_svg(trend, labels=labels)))
    return charts
