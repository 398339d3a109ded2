"""The Reports dialog on a real history: pages by a child process, files, what is refused, what is scheduled."""

from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from pumpwatch_gui.domain.reports.period import ReportKind, parse_period
from pumpwatch_gui.domain.reports.schedule import ReportSchedule
from pumpwatch_gui.gui.reports.reports_dialog import ReportsDialog, schedule_words
from tests.commissioning.report_home import ReportHome, make_home
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import is_closed

DAY = "2026-10-14"


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory: pytest.TempPathFactory) -> ReportHome:
    return make_home(tmp_path_factory.mktemp("reported"), pumps=2, hours=1.5, step_s=60)


@pytest.fixture
def dialog(open_window: OpenWindow, made: ReportHome) -> ReportsDialog:
    """The dialog of a window whose home has that history."""
    window = open_window(source=FakeStation(2))
    window.context.home, window.context.site_file = made.home, made.site_file
    window.open_dialog("reports", "P-102")
    (found,) = window.findChildren(ReportsDialog)
    return found


def choose(dialog: ReportsDialog, kind: ReportKind, period: str) -> None:
    dialog.kind.setCurrentIndex(dialog.kind.findData(kind))
    dialog.period.setText(period)


def test_the_pages_are_shown_as_they_will_be_printed(dialog: ReportsDialog) -> None:
    choose(dialog, ReportKind.DAILY, DAY)
    dialog.show_button.click()
    assert dialog.said.text() == f"{len(dialog.pages)} pages"
    assert len(dialog.pages) >= 2
    assert all(page.pixmap().height() > page.pixmap().width() > 500 for page in dialog.pages)
    assert dialog.show_button.isEnabled()


def test_the_files_are_written_into_a_folder(dialog: ReportsDialog, tmp_path: Path) -> None:
    dialog.save(parse_period(ReportKind.DAILY, DAY), tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"{DAY}_daily_north-pumping-station.{end}" for end in ("pdf", "xlsx")]
    assert all(name in dialog.said.text() for name in names)


def test_a_period_is_proposed_and_one_that_is_none_is_explained(dialog: ReportsDialog) -> None:
    for kind in (ReportKind.SHIFT, ReportKind.DAILY, ReportKind.WEEKLY, ReportKind.MONTHLY):
        dialog.kind.setCurrentIndex(dialog.kind.findData(kind))
        assert parse_period(kind, dialog.period.text()).kind is kind
        assert not dialog.pump.isVisible()
    choose(dialog, ReportKind.INCIDENT, "yesterday")
    assert dialog.pump.isVisible()
    assert dialog.pump.currentText() == "P-102"
    dialog.preview()
    assert dialog.said.text() == "write it as 2026-10-14 03:10 to 03:40"


def test_what_the_report_refuses_is_said(dialog: ReportsDialog) -> None:
    choose(dialog, ReportKind.DAILY, "2026-03-01")
    dialog.preview()
    assert "there is no reading of" in dialog.said.text()
    assert dialog.show_button.isEnabled()
    dialog.reject()
    assert is_closed(dialog)


def test_what_is_scheduled_is_said() -> None:
    assert "No report is scheduled" in schedule_words(ReportSchedule())
    some = ReportSchedule((ReportKind.DAILY, ReportKind.MONTHLY), shifts=(time(6),))
    assert schedule_words(some) == "Made after each day, month: pdf and xlsx in reports"
    assert schedule_words(replace(some, formats=("pdf",))).endswith("pdf in reports")
