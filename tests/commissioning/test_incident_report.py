"""The report of an incident: what came first, what moved, who acted, and what it refuses."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.commissioning.reports.making import report_of, site_of_home
from pumpwatch_gui.commissioning.reports.paper import write_pdf, write_png
from pumpwatch_gui.commissioning.reports.workbook import write_workbook
from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import AlarmChanged, OrderDone
from pumpwatch_gui.domain.reports.incident import LEAST_MOVE, move_of
from pumpwatch_gui.domain.reports.period import ReportKind, parse_period
from pumpwatch_gui.domain.reports.sheet import Report, ReportTable
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from tests.commissioning.report_home import START, ReportHome, frame, make_home, ns, readings
from tests.store.rigs.plant import run_once

AT = START + timedelta(hours=2)
"""When the incident begins: a bearing of P-102 gets warm, then its vibration rises."""
PERIOD = f"{AT:%Y-%m-%dT%H:%M}/{AT + timedelta(minutes=20):%H:%M}"
LATER_NS = ns(START + timedelta(days=1))


def alarm(tag: str, at: datetime, state: AlarmState, *, raised: datetime | None = None, limit: float = 85.0) -> Alarm:
    return Alarm(f"P-102/{tag}.high", "P-102", tag, Priority.HIGH, f"{tag} high", state, limit + 1, limit, "degC",
                 ns(raised or at), ns(at))  # fmt: skip


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory: pytest.TempPathFactory) -> ReportHome:
    """Two pumps over an hour about the incident, with its alarms, an acknowledgement, and one of a month before."""
    made = make_home(tmp_path_factory.mktemp("home"), pumps=2, hours=0.01, with_events=False)
    pumps = load_site(made.site_file).site.pumps
    rows = [PumpRow(p.pump_id, p.name, p.profile) for p in pumps]
    store, random = Store(made.home.database, station=1, pumps=rows), np.random.default_rng(1)
    warm, shaken = AT + timedelta(minutes=2), AT + timedelta(minutes=6)
    for at_s in range(6600, 10_800, 10):
        for i, pump in enumerate(pumps):
            values = readings(pump.profile.tags, i, at_s, random)
            gone_s = at_s - 7200.0
            if i == 1 and gone_s > 60:
                values[pump.profile.index("bearing_temperature_c")] += 0.1 * (gone_s - 60)
                values[pump.profile.index("vibration_mm_s")] += 4.0 * (gone_s > 300)
            store.offer_frame(frame(pump.pump_id, START, at_s, values), "NORMAL")
    month_ago, seen = AT - timedelta(days=30), warm + timedelta(seconds=90)
    tag = "bearing_temperature_c"
    for at, one, by in (
        (month_ago, alarm(tag, month_ago, AlarmState.UNACKNOWLEDGED), ""),
        (month_ago + timedelta(hours=1), alarm(tag, month_ago + timedelta(hours=1), AlarmState.NORMAL,
                                               raised=month_ago), "Asha"),
        (warm, alarm(tag, warm, AlarmState.UNACKNOWLEDGED), ""),
        (seen, alarm(tag, seen, AlarmState.ACKNOWLEDGED, raised=warm), "Ravi"),
        (shaken, alarm("vibration_mm_s", shaken, AlarmState.UNACKNOWLEDGED, limit=4.5), ""),
    ):  # fmt: skip
        store.offer_event(AlarmChanged(ns(at), one, by=by))
    store.offer_event(OrderDone(ns(seen) + 10**9, "", "record", True, "grease was added", "Ravi", "P-102"))
    run_once(store)
    return made


def report(made: ReportHome, *pumps: str) -> Report:
    period = parse_period(ReportKind.INCIDENT, PERIOD)
    return report_of(made.home, site_of_home(made.home, made.site_file), period, pumps=pumps, now_ns=LATER_NS)


def table(found: Report, name: str) -> ReportTable:
    return next(one for one in found.tables if one.name.startswith(name))


def test_the_alarm_that_came_first_is_named_and_the_others_counted_from_it(made: ReportHome) -> None:
    found = report(made)
    rows = table(found, "What came").rows
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("+0:00", "P-102", "bearing_temperature_c high"), ("+4:00", "P-102", "vibration_mm_s high"),
    ]  # fmt: skip
    assert rows[0][7] == "after 1:30"
    assert rows[1][7] == "no"
    assert found.summary[0].startswith("First out: P-102 bearing_temperature_c high at 08:02:00; 1 more")
    assert dict(found.facts)["Pumps"] == "P-102", "the other pump had no alarm"


def test_what_moved_is_found_with_when_it_began(made: ReportHome) -> None:
    rows = {row[1]: row for row in table(report(made), "What moved").rows}
    assert {"Bearing temperature", "Vibration"} <= rows.keys()
    assert rows["Vibration"][2] == "2.00\u00a0mm/s"
    assert rows["Vibration"][3] == "6.00\u00a0mm/s"
    assert rows["Vibration"][5] == "+5:10"
    alts = [alt for alt, _ in report(made).charts]
    assert alts[0].startswith("Bearing temperature of P-102"), "what had the first alarm comes first"


def test_who_did_what_and_what_was_before(made: ReportHome) -> None:
    found = report(made)
    acts = table(found, "Who did what").rows
    assert any(row[1] == "Ravi" and "grease" in str(row[3]) for row in acts)
    (before,) = table(found, "The same alarms").rows
    assert before[1:3] == ("bearing_temperature_c high", 1.0)


def test_the_pages_and_the_workbook_are_made(made: ReportHome, tmp_path: Path) -> None:
    found = report(made, "P-101", "P-102")
    assert write_pdf(found, ReportKind.INCIDENT).startswith(b"%PDF")
    assert len(write_png(found, ReportKind.INCIDENT)) >= 2
    assert write_workbook(found)
    arguments = ["report", "incident", "--period", PERIOD, "--home", str(made.home.path), "--out", str(tmp_path)]
    assert main([*arguments, "--png", "--pump", "P-102"]) == 0
    assert sorted(tmp_path.glob("2026-10-14T0800_incident_*-1.png"))


@pytest.mark.parametrize(
    ("period", "pumps", "words"),
    [
        (PERIOD, ["P-999"], "the site has no pump P-999"),
        ("2026-10-20T08:00/09:00", [], "has not begun"),
        ("2026-10-14T20:00/20:10", [], "there is no reading"),
    ],
)
def test_an_incident_that_cannot_be_is_refused(made: ReportHome, period: str, pumps: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        report_of(
            made.home,
            site_of_home(made.home, made.site_file),
            parse_period(ReportKind.INCIDENT, period),
            pumps=pumps,
            now_ns=LATER_NS,
        )


def test_a_quantity_without_a_value_on_one_side_has_no_move() -> None:
    profile = load_profile("centrifugal")
    time_s = np.arange(20.0)
    steady = np.where(time_s < 10, 1.0, np.nan)
    assert move_of("P-1", profile, "vibration_mm_s", time_s, steady, start_s=10.0) is None
    moved = move_of("P-1", profile, "vibration_mm_s", time_s, np.where(time_s < 12, 1.0, 3.0), start_s=10.0)
    assert moved is not None
    assert (moved.was, moved.farthest, moved.after_s) == (1.0, 3.0, 2.0)
    assert moved.size > LEAST_MOVE
