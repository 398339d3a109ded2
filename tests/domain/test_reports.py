"""Periods, figures, cells and charts of a report."""

from datetime import timedelta
from math import inf, isnan, nan
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.ports import Series
from pumpwatch_gui.domain.pump.derived import with_derived
from pumpwatch_gui.domain.reports.chart import POINTS, Trend, means_over, round_scale, trend_svg
from pumpwatch_gui.domain.reports.figures import PumpFigures, pump_figures, starts_of, station_figures, wanted_tags
from pumpwatch_gui.domain.reports.period import ReportKind, parse_period
from pumpwatch_gui.domain.reports.sheet import MISSING, ReportColumn, ReportTable, Tile, cell_number
from pumpwatch_gui.settings.profile_file import load_profile

PROFILE = with_derived(load_profile("centrifugal"))
TAGS = wanted_tags(PROFILE)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("monthly", "2026-13"),
        ("monthly", "2026"),
        ("monthly", "2026-10-14"),
        ("daily", "2026-02-30"),
        ("daily", "today"),
        ("shift", "2026-10-14"),
        ("shift", "2026-10-14T25:00"),
        ("shift", "2026-10-14T06:00/26:00"),
        ("daily", "0001-01-01"),
        ("monthly", "9999-12"),
        ("daily", "２０２６-10-14"),
    ],
)
def test_a_period_that_is_none_is_refused_with_how_to_write_one(kind: str, text: str) -> None:
    with pytest.raises(InputError, match="is no period of") as refused:
        parse_period(ReportKind(kind), text)
    assert "write it as 2026-10" in refused.value.advice


def test_a_shift_may_go_over_midnight_and_a_month_has_its_days() -> None:
    night = parse_period(ReportKind.SHIFT, "2026-10-14T22:00")
    assert night.end - night.start == timedelta(hours=8)
    assert night == parse_period(ReportKind.SHIFT, "2026-10-14T22:00/06:00")
    assert night.previous().end == night.start
    february = parse_period(ReportKind.MONTHLY, "2028-02")
    assert (february.end - february.start).days == 29
    assert february.previous().name == "2028-01"


@given(st.dates().filter(lambda day: 1971 <= day.year <= 2100), st.dates().filter(lambda day: 1971 <= day.year <= 2100))
def test_file_names_sort_as_their_periods_do(one: object, other: object) -> None:
    first, second = (parse_period(ReportKind.DAILY, str(day)) for day in (one, other))
    assert (first.name < second.name) == (first.start_ns < second.start_ns)
    assert first.previous().end_ns == first.start_ns


def series(time_s: list[float], **columns: list[float]) -> Series:
    """A series of the wanted tags, NaN for those not given; each point is one reading."""
    rows = len(time_s)
    mean = np.column_stack([np.array(columns.get(tag, [nan] * rows)) for tag in TAGS])
    return Series(np.array(time_s), mean, mean, mean, np.full(rows, nan))


def figures(found: Series, hours: float) -> PumpFigures:
    return pump_figures("P-1", "One", PROFILE, found, hours=hours, starts=1)


def test_what_was_not_recorded_is_no_number_and_not_zero() -> None:
    none = figures(series([]), 8.0)
    for name in ("run_h", "starts", "energy_kwh", "volume_m3", "kwh_per_m3", "efficiency", "zone_cd_h", "utilisation"):
        assert isnan(getattr(none, name)), name
    assert none.coverage == none.energy_coverage == 0.0
    whole = station_figures((none,))
    assert isnan(whole.run_h)
    assert isnan(whole.kwh_per_m3)


def test_a_gap_is_not_filled() -> None:
    minutes = [60.0 * i for i in range(60) if not 20 <= i < 40]
    count = len(minutes)
    found = figures(
        series(
            minutes, motor_rpm=[1480.0] * count, electrical_power_kw=[12.0] * count, flow_rate_l_min=[1000.0] * count
        ),
        1.0,
    )
    assert found.run_h == pytest.approx(42 / 60)  # 40 min, and the last reading before the gap holds for three
    assert found.energy_kwh == pytest.approx(12.0 * 42 / 60)
    assert found.volume_m3 == pytest.approx(60.0 * 42 / 60)
    assert found.kwh_per_m3 == pytest.approx(0.2)
    assert found.coverage == pytest.approx(42 / 60)


def test_a_point_of_many_readings_is_parted_by_its_mean() -> None:
    low, mean, high = (series([0.0, 60.0], motor_rpm=[rpm, 1480.0]).mean for rpm in (0.0, 370.0, 1480.0))
    found = figures(Series(np.array([0.0, 60.0]), low, mean, high, np.full(2, nan)), 2 / 60)
    assert found.run_h == pytest.approx(1.25 / 60)


@given(st.lists(st.floats(0, 50) | st.just(nan), min_size=2, max_size=60))
def test_energy_lies_between_the_least_and_the_most_power_of_its_time(power: list[float]) -> None:
    time_s = [10.0 * i for i in range(len(power))]
    hours = len(power) * 10 / 3600
    found = figures(series(time_s, electrical_power_kw=power), hours)
    known = [value for value in power if not isnan(value)]
    if not known:
        assert isnan(found.energy_kwh)
        return
    covered_h = found.energy_coverage * hours
    assert min(known) * covered_h - 1e-9 <= found.energy_kwh <= max(known) * covered_h + 1e-9
    assert covered_h == pytest.approx(len(known) * 10 / 3600)


def test_a_start_of_less_than_ten_seconds_is_none() -> None:
    def row(at_s: float, *, running: bool, pump_id: str = "P-1") -> JournalRow:
        return JournalRow(int(at_s), int(at_s * 1e9), "run", pump_id, "INFO", "", "", {"running": running})

    rows = [row(100, running=True), row(109, running=False), row(200, running=True), row(210, running=False),
            row(300, running=True, pump_id="P-2"), row(1, running=True), row(999, running=True)]  # fmt: skip
    assert starts_of(reversed(rows), start_ns=50 * 10**9, end_ns=900 * 10**9) == {"P-1": 1, "P-2": 1}


@pytest.mark.parametrize(
    ("value", "decimals", "has_sign", "text"),
    [
        (nan, 1, False, MISSING),
        (inf, 1, True, MISSING),
        (-0.04, 1, True, "0.0"),
        (0.04, 1, True, "0.0"),
        (2.0, 1, True, "+2.0"),
        (-2.0, 1, True, "\u22122.0"),
        (1234.5, 1, False, "1,234.5"),
        (100.0, None, False, "100"),
        (0.0, None, False, "0"),
        (0.25, None, False, "0.25"),
    ],
)
def test_a_cell_reads_as_a_report_shows_it(value: float, decimals: int | None, has_sign: bool, text: str) -> None:
    assert cell_number(value, decimals, has_sign=has_sign) == text


def test_a_tile_without_a_period_before_compares_nothing() -> None:
    assert Tile("Energy", 110.0, "kWh", 0, 100.0).change == "+10.0\u00a0%"
    assert [Tile("Energy", 110.0, "kWh", 0, before).change for before in (nan, 0.0)] == ["", ""]


def test_a_row_that_is_not_as_wide_as_its_head_is_refused() -> None:
    with pytest.raises(ValueError, match="as wide"):
        ReportTable("T", (ReportColumn("a"), ReportColumn("b")), (("only",),))


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_a_scale_holds_both_ends(low: float, more: float) -> None:
    first, last = round_scale(low, low + more)
    assert first < last
    least = 1e-9 * (last - first)
    assert first <= low + least
    assert last >= low + more - least


def test_a_chart_is_well_formed_and_leaves_gaps() -> None:
    time_s = np.arange(100.0)
    values = np.where((time_s > 40) & (time_s < 60), nan, time_s)
    found = means_over(time_s, values, start_s=0.0, end_s=100.0)
    assert found[0].size == POINTS
    gappy = Trend("<P-1> & co", "kW", time_s, values, 0.0, 100.0, (0.0, 50.0), 40.0, "limit")
    root = ElementTree.fromstring(trend_svg(gappy, labels=[(0.0, "00:00"), (1.0, "24:00")]))
    lines = [path for path in root.iter("{http://www.w3.org/2000/svg}path") if path.get("fill") == "none"]
    assert len(lines) == 2
    empty = Trend("P-1", "kW", time_s, np.full(100, nan), 0.0, 100.0, round_scale(nan, nan))
    assert "no data" in trend_svg(empty)
