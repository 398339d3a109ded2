"""Reports of a home with a real store: what they say, as pages and as a workbook, and what is refused."""

import re
import shutil
import sys
from datetime import datetime
from io import BytesIO
from math import isnan
from pathlib import Path

import apsw
import openpyxl
import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.commissioning.reports.making import make_files, report_of, site_of_home
from pumpwatch_gui.commissioning.reports.paper import as_data, write_pdf, write_png
from pumpwatch_gui.commissioning.reports.workbook import write_workbook
from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import AlarmChanged
from pumpwatch_gui.domain.reports.period import Period, ReportKind, parse_period
from pumpwatch_gui.domain.reports.sheet import CellKind, Report, ReportTable, head
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from tests.commissioning.report_home import FLOW_L_MIN, HOURS, START, ReportHome, alarm_of, make_home, ns
from tests.store.rigs.plant import run_once

PERIODS = {
    ReportKind.SHIFT: "2026-10-14T06:00",
    ReportKind.DAILY: "2026-10-14",
    ReportKind.WEEKLY: "2026-W42",
    ReportKind.MONTHLY: "2026-10",
}
KINDS = list(PERIODS)
LATER_NS = ns(datetime(2026, 11, 2, 6, 0))
NASTY = 'Größe <b> #set page("a3") $x$ *bold* _it_ `c` \\ @x شمال ﷽'


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory: pytest.TempPathFactory) -> ReportHome:
    return make_home(tmp_path_factory.mktemp("home"), silent=(2,), note=NASTY)


def report(made: ReportHome, kind: ReportKind, *, now_ns: int = LATER_NS) -> Report:
    return report_of(
        made.home, site_of_home(made.home, made.site_file), parse_period(kind, PERIODS[kind]), now_ns=now_ns
    )


def table(found: Report, name: str) -> ReportTable:
    return next(one for one in found.tables if one.name == name)


@pytest.mark.parametrize("kind", KINDS)
def test_the_figures_are_those_of_the_readings(made: ReportHome, kind: ReportKind) -> None:
    rows = {str(row[0]).split()[0]: row for row in table(report(made, kind), "Pumps").rows}
    run_h = HOURS - 1
    for pump in ("P-101", "P-102"):
        _, hours, utilisation, _, energy, change, volume, specific = rows[pump]
        assert hours == pytest.approx(run_h, abs=0.02)
        assert utilisation == pytest.approx(100 * run_h / HOURS, abs=0.3)
        assert volume == pytest.approx(run_h * FLOW_L_MIN * 0.06, rel=0.003)
        assert specific == pytest.approx(float(energy) / float(volume))
        assert change != change  # nothing was recorded before
    assert rows["P-101"][3] == 1
    assert all(cell != cell for cell in rows["P-103"][1:])
    assert any("P-103" in note for note in table(report(made, kind), "Pumps").notes)


def test_without_a_journal_starts_and_alarms_are_not_known(made: ReportHome, tmp_path: Path) -> None:
    home = Home(tmp_path)
    copy = apsw.Connection(str(home.database))
    with copy.backup("main", apsw.Connection(str(made.home.database)), "main") as backup:
        backup.step()
    copy.execute("DELETE FROM journal")
    copy.close()
    period = parse_period(ReportKind.DAILY, PERIODS[ReportKind.DAILY])
    found = report_of(home, site_of_home(home, made.site_file), period, now_ns=LATER_NS)
    assert all(isnan(float(row[3])) for row in table(found, "Pumps").rows)
    assert any("starts" in note for note in table(found, "Pumps").notes)
    assert "alarms are not known" in found.summary[1]


def test_an_open_period_is_preliminary_and_compared_with_as_much_of_the_one_before(made: ReportHome) -> None:
    half_ns = ns(START) + 2 * 3600 * 10**9
    found = report(made, ReportKind.SHIFT, now_ns=half_ns)
    assert found.is_preliminary
    assert dict(found.facts)["Coverage"].startswith("66.7")  # two of three pumps, of the two hours that were
    afternoon = parse_period(ReportKind.SHIFT, "2026-10-14T10:00/14:00")
    compared = report_of(
        made.home, site_of_home(made.home, made.site_file), afternoon, now_ns=ns(afternoon.start) + 3600 * 10**9
    )
    tile = compared.tiles[0]
    assert tile.value == pytest.approx(2.0, abs=0.02)
    assert tile.before == pytest.approx(0.0, abs=0.02)


def _copy_alarms(made: ReportHome, other: ReportHome) -> None:
    rows = [PumpRow(p.pump_id, p.name, p.profile) for p in load_site(other.site_file).site.pumps]
    store = Store(other.home.database, station=1, pumps=rows)
    at_ns = ns(START) + 90 * 60 * 10**9
    store.offer_event(AlarmChanged(at_ns, alarm_of("P-101", at_ns, AlarmState.UNACKNOWLEDGED)))
    run_once(store)


def test_the_hand_over_is_that_of_the_end_of_the_shift(made: ReportHome, tmp_path: Path) -> None:
    found = report(made, ReportKind.SHIFT)
    assert "Bearing temperature high, unacknowledged" in str(table(found, "Standing alarms").rows)
    assert NASTY in str(table(found, "Notes").rows[0][0])
    assert "Bearing temperature high, high" in str(table(found, "Open maintenance").rows)  # resolved an hour later
    assert "P-101 Bearing temperature high" in found.summary[2]
    assert "no maintenance event is open" in report(made, ReportKind.DAILY).summary[1]
    early = parse_period(ReportKind.SHIFT, "2026-10-14T06:00/07:00")
    before = report_of(made.home, site_of_home(made.home, made.site_file), early, now_ns=LATER_NS)
    assert not table(before, "Standing alarms").rows
    weeks_later = make_home(tmp_path, start=datetime(2026, 10, 30, 6, 0), hours=1, with_events=False)
    _copy_alarms(made, weeks_later)
    site, later_shift = site_of_home(weeks_later.home, weeks_later.site_file), "2026-10-30T06:00"
    later = report_of(weeks_later.home, site, parse_period(ReportKind.SHIFT, later_shift), now_ns=LATER_NS)
    assert "since 2026-10-14 07:30" in str(table(later, "Standing alarms").rows)


@pytest.mark.parametrize("kind", KINDS)
def test_the_pages_are_tagged_and_a4_with_the_font_that_is_shipped(made: ReportHome, kind: ReportKind) -> None:
    pytest.importorskip("typst")
    found = report(made, kind)
    pdf = write_pdf(found, kind)
    assert pdf.startswith(b"%PDF-")
    assert b"/MarkInfo" in pdf
    assert b"/StructTreeRoot" in pdf
    assert re.search(rb"/MediaBox *\[0 0 595\.\d+ 841\.\d+\]", pdf)
    assert b"Inter" in pdf
    pages = {ReportKind.SHIFT: 1, ReportKind.DAILY: 2, ReportKind.WEEKLY: 3, ReportKind.MONTHLY: 3}
    assert len(write_png(found, kind)) == pages[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_workbook_has_the_numbers_of_the_pages(made: ReportHome, kind: ReportKind) -> None:
    found = report(made, kind)
    book = openpyxl.load_workbook(BytesIO(write_workbook(found)))
    names = [
        one.name.replace("Shelved, suppressed, out of service", "Shelved, suppressed, out of") for one in found.tables
    ]
    assert book.sheetnames == ["Read me", *names]
    assert found.definitions[0][1] in [row[1].value for row in book["Read me"]]
    for name, one, printed in zip(names, found.tables, as_data(found)["tables"], strict=True):
        sheet = book[name]
        assert sheet.freeze_panes == "A2"
        assert [cell.value for cell in sheet[1]] == printed["heads"] == [head(column) for column in one.columns]
        for at, row in enumerate(one.rows, start=2):
            for i, (column, cell) in enumerate(zip(one.columns, row, strict=True)):
                value = sheet.cell(at, i + 1).value
                if column.kind is CellKind.NUMBER:
                    assert value is None if cell != cell else value == pytest.approx(cell)
                elif column.kind is CellKind.TIME and cell:
                    assert value == datetime.fromtimestamp(float(cell) / 1e9)
                else:
                    assert (value or "") == (cell or "")
                    assert sheet.cell(at, i + 1).data_type in ("s", "n")


def test_a_report_is_made_while_a_program_writes_to_the_home(made: ReportHome, tmp_path: Path) -> None:
    pump = load_site(made.site_file).site.pumps[0]
    store = Store(made.home.database, station=1, pumps=[PumpRow(pump.pump_id, pump.name, pump.profile)])
    try:
        period = parse_period(ReportKind.SHIFT, PERIODS[ReportKind.SHIFT])
        (file,) = make_files(
            made.home, site_of_home(made.home, made.site_file), period, tmp_path / "new" / "folder", formats=["xlsx"]
        )
    finally:
        store.close()
    assert file.path.name == "2026-10-14T0600_shift_north-pumping-station.xlsx"
    assert file.path.stat().st_size > 5_000


def test_without_a_site_file_a_report_is_of_the_pumps_that_the_history_keeps(made: ReportHome, tmp_path: Path) -> None:
    bare = Home(tmp_path / "bare")
    bare.prepare()
    shutil.copy(made.home.database, bare.database)
    period = parse_period(ReportKind.DAILY, PERIODS[ReportKind.DAILY])
    found, usual = (report_of(home, site_of_home(home, site_file), period, now_ns=LATER_NS)
                    for home, site_file in ((bare, None), (made.home, made.site_file)))  # fmt: skip
    assert str(found.tables[0].rows) == str(usual.tables[0].rows)
    words = site_of_home(bare, None).words
    assert words == "the site that the history keeps: every pump that it ever had"


@pytest.mark.parametrize("kind", KINDS)
def test_a_period_without_a_reading_is_refused(made: ReportHome, kind: ReportKind) -> None:
    first = parse_period(kind, PERIODS[kind])
    for period in (first.previous().previous(), Period(kind, datetime(2030, 1, 1), datetime(2030, 2, 1))):
        with pytest.raises(InputError):
            report_of(made.home, site_of_home(made.home, made.site_file), period, now_ns=LATER_NS)


def test_the_command_writes_both_files_and_says_which(made: ReportHome, tmp_path: Path,
                                                      capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    pytest.importorskip("typst")
    arguments = ["report", "monthly", "--home", str(made.home.path), "--period", "2026-10", "--out", str(tmp_path)]
    assert main(arguments) == 0
    names = [Path(line.split("  ")[0]).name for line in capsys.readouterr().out.splitlines()]
    assert names == [f"2026-10_monthly_north-pumping-station.{kind}" for kind in ("pdf", "xlsx")]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--period": "October"}, "write it as 2026-10"),
        ({"--period": "2020-01"}, "there is no reading"),
        ({"--period": "2101-01"}, "has not begun"),
        ({"--site": "no.toml"}, "there is no site file"),
        ({"--home": "no-home"}, "there is no history"),
    ],
)
def test_bad_input_ends_with_two_and_says_what_to_do(
    made: ReportHome, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, str], words: str
) -> None:
    options = {"--home": str(made.home.path), "--period": "2026-10", "--out": str(tmp_path / "out")} | change
    arguments = [word for pair in options.items() for word in pair]
    assert main(["report", "monthly", "--xlsx", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_package_ends_with_four_and_says_how_to_get_it(
    made: ReportHome, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    arguments = [
        "report",
        "shift",
        "--home",
        str(made.home.path),
        "--period",
        "2026-10-14T06:00",
        "--out",
        str(tmp_path),
    ]
    assert main([*arguments, "--pdf"]) == 4
    assert "reports" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert main([*arguments, "--xlsx"]) == 0


def test_fifty_pumps_and_long_names_fit_the_pages(tmp_path: Path) -> None:
    pytest.importorskip("typst")
    long = "Pumping station of the northern water board, third stage, " * 3
    made = make_home(tmp_path, pumps=50, hours=2, step_s=60, site_name=long.strip())
    assert b"pdfuaid" in write_pdf(report(made, ReportKind.MONTHLY), ReportKind.MONTHLY)  # every letter can be drawn
    for kind in KINDS:
        found = report(made, kind)
        assert len(table(found, "Pumps").rows) == 50
        assert len(write_png(found, kind, ppi=20)) <= 8
        assert len(found.file_name) < 100
