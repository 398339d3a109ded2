"""The figures of a pump over a period, from its stored readings. What is not known is NaN, never 0."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.maintenance.outages import Outages
from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import run_rule

Floats = NDArray[np.float64]
POWER, HYDRAULIC, FLOW = "electrical_power_kw", "hydraulic_power_kw", "flow_rate_l_min"
EFFICIENCY, ZONE, REGION = "efficiency_percent", "vibration_zone", "flow_ratio_percent"
FIGURE_TAGS = (POWER, HYDRAULIC, FLOW, EFFICIENCY, ZONE, REGION)
M3_H_PER_L_MIN = 0.06
MOST_STEPS = 3.0
"""A reading holds until the next, but for no more than this many usual steps: what is longer is a gap."""
SHORTEST_RUN_S = 10.0
"""A start counts when the pump then runs for so long."""
SUMMED = ("run_h", "starts", "energy_kwh", "volume_m3", "kwh_per_m3", "availability")
NO_OUTAGES = Outages()
FEWEST_FAILURES = 3
"""With fewer the mean time between them says nothing: their number is given alone."""


@dataclass(frozen=True, slots=True)
class PumpFigures:
    """One pump over a period; NaN for what the history does not give.

    `coverage` is the share (0 to 1) of the period's elapsed time with a known run state, `energy_coverage` and
    `volume_coverage` those with a power and a flow. `good` is the share of all stored readings that are GOOD. The
    efficiency is hydraulic by electrical energy of the time running, `baseline` that of the nameplate, in per cent.
    `is_watched`: there is a reading. `up_h` are the hours with readings in which the pump was not out of service,
    `outages` what was said of those.
    """

    pump_id: str
    name: str
    hours: float
    coverage: float
    run_h: float
    starts: float = nan
    energy_kwh: float = nan
    energy_coverage: float = 0.0
    volume_m3: float = nan
    volume_coverage: float = 0.0
    kwh_per_m3: float = nan
    efficiency: float = nan
    baseline: float = nan
    zone_cd_h: float = nan
    off_region_h: float = nan
    good: float = nan
    is_watched: bool = False
    up_h: float = 0.0
    outages: Outages = NO_OUTAGES

    @property
    def availability(self) -> float:
        """Up time by up and down time, in per cent; NaN where nothing was watched, or what was down is not known."""
        if not self.is_watched or self.outages.unsaid:
            return nan
        return 100.0 * self.up_h / (self.up_h + self.outages.down_h)

    @property
    def mtbf_h(self) -> float:
        """Run hours a failure; NaN with few failures, and where not all are known."""
        return mean_time(self.run_h, self.outages.failures, self.outages.unsaid)

    @property
    def mttr_h(self) -> float:
        """Hours from a failure until the pump was in service again, on average; NaN as above."""
        return mean_time(sum(self.outages.repairs_h), self.outages.failures, self.outages.unsaid)

    @property
    def utilisation(self) -> float:
        """Run hours by the hours in which the run state is known, in per cent."""
        known_h = self.coverage * self.hours
        return 100.0 * self.run_h / known_h if known_h > 0 else nan

    @property
    def efficiency_change(self) -> float:
        """Percentage points against the baseline of the nameplate."""
        return self.efficiency - self.baseline


def mean_time(hours: float, failures: int, unsaid: int) -> float:
    """Hours a failure; NaN with few of them, and where events may hide more."""
    return hours / failures if failures >= FEWEST_FAILURES and not unsaid else nan


def wanted_tags(profile: PumpProfile) -> tuple[str, ...]:
    """The quantities of a profile that the figures are made of."""
    rule = run_rule(profile)
    tags = (*((rule.tag,) if rule else ()), *FIGURE_TAGS)
    found = tuple(dict.fromkeys(tag for tag in tags if tag in profile.quantity_tags))
    return found or profile.tags[:1]  # one at least: whether there is any reading


def held_s(time_s: Floats) -> Floats:
    """How long each of these points (m,) holds, in seconds (m,): until the next, no longer than a gap begins."""
    if time_s.size < 2:
        return np.zeros(time_s.size)
    steps = np.diff(time_s)
    usual = float(np.median(steps))
    return np.append(np.minimum(steps, MOST_STEPS * usual), usual)


def run_share(series: Series, profile: PumpProfile, tags: tuple[str, ...]) -> Floats:
    """The share (m,) of each point in which the pump runs, NaN where it is not known.

    A point of several readings that has both is parted by its mean: where it is between its lowest and its highest.
    """
    rule = run_rule(profile)
    if rule is None or rule.tag not in tags:
        return np.full(series.time_s.size, nan)
    at = tags.index(rule.tag)
    low, mean, high = series.low[:, at], series.mean[:, at], series.high[:, at]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(low > rule.above, 1.0, np.where(high <= rule.above, 0.0, (mean - low) / (high - low)))
    share[np.isnan(mean)] = nan
    return share


def pump_figures(
    pump_id: str, name: str, profile: PumpProfile, series: Series, *, hours: float, starts: float, good: float = nan,
    outages: Outages = NO_OUTAGES,
) -> PumpFigures:  # fmt: skip
    """The figures of `hours` of a pump from the series of `wanted_tags`.

    `starts` are those of the journal, NaN where it is not known; `good` is the share of readings that are GOOD.
    """
    tags = wanted_tags(profile)
    held_h = held_s(series.time_s) / 3600.0
    column = {tag: series.mean[:, i] for i, tag in enumerate(tags)}
    nothing = np.full(held_h.size, nan)
    runs = run_share(series, profile, tags)
    power, flow = column.get(POWER, nothing), column.get(FLOW, nothing) * M3_H_PER_L_MIN
    hydraulic = column.get(HYDRAULIC, nothing)
    both = np.isfinite(power) & np.isfinite(flow)
    running = np.isfinite(power) & np.isfinite(hydraulic) & (runs > 0)
    coverage = _hours(held_h, np.isfinite(runs)) / hours
    low, high = profile.nameplate.preferred_region
    off = (column.get(REGION, nothing) < 100 * low) | (column.get(REGION, nothing) > 100 * high)
    baseline = profile.nameplate.baseline_efficiency_percent
    return PumpFigures(
        pump_id=pump_id,
        name=name,
        hours=hours,
        coverage=min(coverage, 1.0),
        run_h=_total(runs, held_h),
        starts=starts if coverage > 0 else nan,
        energy_kwh=_total(power, held_h),
        energy_coverage=min(_hours(held_h, np.isfinite(power)) / hours, 1.0),
        volume_m3=_total(flow, held_h),
        volume_coverage=min(_hours(held_h, np.isfinite(flow)) / hours, 1.0),
        kwh_per_m3=_ratio(_within(power, held_h, both), _within(flow, held_h, both)),
        efficiency=100.0 * _ratio(_within(hydraulic, held_h, running), _within(power, held_h, running)),
        baseline=nan if baseline is None else baseline,
        zone_cd_h=_part_of_run(column.get(ZONE), runs, held_h, column.get(ZONE, nothing) >= 2),
        off_region_h=_part_of_run(column.get(REGION), runs, held_h, off),
        good=good,
        is_watched=bool(series.time_s.size),
        up_h=_up_h(series, held_h, outages),
        outages=outages,
    )


def _up_h(series: Series, held_h: Floats, outages: Outages) -> float:
    """The hours that points with a value hold outside outages."""
    is_watched = np.isfinite(series.mean).any(axis=1)
    start_h, held_h = series.time_s[is_watched] / 3600.0, held_h[is_watched]
    down = [
        np.clip(np.minimum(start_h + held_h, end / 3.6e12) - np.maximum(start_h, start / 3.6e12), 0.0, None).sum()
        for start, end in outages.spans
    ]
    return max(0.0, float(held_h.sum() - sum(down)))


def _total(rate: Floats, held_h: Floats) -> float:
    """The integral of a rate an hour over what is known of it; NaN where nothing is."""
    known = np.isfinite(rate)
    return _within(rate, held_h, known) if known.any() else nan


def _within(rate: Floats, held_h: Floats, chosen: NDArray[np.bool_]) -> float:
    """The integral of a rate an hour over some of its points."""
    return float(rate[chosen] @ held_h[chosen])


def _hours(held_h: Floats, chosen: NDArray[np.bool_]) -> float:
    return float(held_h[chosen].sum())


def _ratio(over: float, under: float) -> float:
    return over / under if under > 0 else nan


def _part_of_run(values: Floats | None, runs: Floats, held_h: Floats, chosen: NDArray[np.bool_]) -> float:
    """Hours running in which something holds; NaN where the pump has no such value, or its run state is not known."""
    if values is None or not np.isfinite(runs).any() or (np.isnan(values).all() and (runs > 0).any()):
        return nan
    return _hours(held_h * np.nan_to_num(runs), chosen)


def starts_of(rows: Iterable[JournalRow], *, start_ns: int, end_ns: int) -> Mapping[str, int]:
    """The starts by pump of the lines `run` of a journal, in any order; a run of less than 10 s is none."""
    starts: dict[str, int] = {}
    begun: dict[str, int] = {}
    for row in sorted((r for r in rows if r.kind == "run"), key=lambda r: (r.time_ns, r.id)):
        if not start_ns <= row.time_ns < end_ns:
            continue
        if row.detail.get("running"):
            starts[row.pump_id] = starts.get(row.pump_id, 0) + 1
            begun[row.pump_id] = row.time_ns
        elif row.time_ns - begun.pop(row.pump_id, -(2**62)) < SHORTEST_RUN_S * 1e9:
            starts[row.pump_id] -= 1
    return starts


@dataclass(frozen=True, slots=True)
class StationFigures:
    """The sums of those pumps that have the figure; `of` says how many they are."""

    run_h: float
    starts: float
    energy_kwh: float
    volume_m3: float
    kwh_per_m3: float
    utilisation: float
    coverage: float
    good: float
    availability: float
    up_h: float
    down_h: float
    failures: int
    mtbf_h: float
    mttr_h: float
    of: Mapping[str, int]


def station_figures(pumps: tuple[PumpFigures, ...]) -> StationFigures:
    """The sums over pumps; specific energy of the pumps that have both energy and volume."""

    def known(name: str) -> list[float]:
        return [value for pump in pumps if isfinite(value := getattr(pump, name))]

    def total(name: str) -> float:
        return sum(known(name)) if known(name) else nan

    both = [p for p in pumps if isfinite(p.kwh_per_m3) and p.volume_m3 > 0]
    volume = sum(p.volume_m3 for p in both)
    good = known("good")
    judged = [p for p in pumps if isfinite(p.availability)]
    up, down = sum(p.up_h for p in judged), sum(p.outages.down_h for p in judged)
    failures, unsaid = sum(p.outages.failures for p in pumps), sum(p.outages.unsaid for p in pumps)
    return StationFigures(
        run_h=total("run_h"),
        starts=total("starts"),
        energy_kwh=total("energy_kwh"),
        volume_m3=total("volume_m3"),
        kwh_per_m3=sum(p.kwh_per_m3 * p.volume_m3 for p in both) / volume if volume else nan,
        utilisation=100.0 * _ratio(total("run_h"), sum(p.coverage * p.hours for p in pumps)),
        coverage=sum(p.coverage for p in pumps) / len(pumps) if pumps else 0.0,
        good=sum(good) / len(good) if good else nan,
        availability=100.0 * _ratio(up, up + down),
        up_h=sum(p.up_h for p in pumps),
        down_h=sum(p.outages.down_h for p in pumps),
        failures=failures,
        mtbf_h=mean_time(total("run_h"), failures, unsaid),
        mttr_h=mean_time(sum(sum(p.outages.repairs_h) for p in pumps), failures, unsaid),
        of={name: len(known(name)) for name in SUMMED},
    )
