"""The Maintenance page: the work list by risk, the orders that people give, and the cost table they see."""

from collections.abc import Callable
from datetime import datetime
from math import nan
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QMessageBox, QPlainTextEdit, QPushButton

from pumpwatch_gui.domain.commands import (
    AssignMaintenance,
    CreateMaintenance,
    NoteMaintenance,
    Order,
    ReopenMaintenance,
    ResolveMaintenance,
)
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType
from pumpwatch_gui.domain.wording import date, local_time, typed_date, typed_money
from pumpwatch_gui.gui.forms.order_dialog import OrderDialog
from pumpwatch_gui.gui.maintenance.cost_dialog import CostDialog
from pumpwatch_gui.gui.maintenance.dialogs import (
    AssignDialog,
    CreateDialog,
    NoteDialog,
    ReopenDialog,
    ResolveDialog,
)
from pumpwatch_gui.gui.maintenance.page import OPEN, RESOLVED, MaintenancePage
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SCENES
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, is_closed, page_of


def opened(window: MainWindow) -> MaintenancePage:
    window.open_page("maintenance")
    QApplication.processEvents()
    return page_of(window, MaintenancePage)


def shown(window: MainWindow) -> None:
    QApplication.processEvents()
    page = page_of(window, MaintenancePage)
    page._drawn = ()  # what is a second old by the clock of the station is drawn again at once
    window.refresh()


def column(page: MaintenancePage, title: str) -> list[str]:
    model = page.open if page.at == OPEN else page.resolved
    at = [c.title for c in model.columns].index(title)
    return [model.columns[at].text(row) for row in model.rows]


@pytest.fixture
def station() -> FakeStation:
    return FakeStation(4, scenes={2: SCENES[2]}, history_s=60)


def create(station: FakeStation, title: str = "Exchange the seal", cost: float = 900.0, pump: str = "P-102") -> None:
    command = CreateMaintenance(pump, EventType.PLANNED_WORK, EventSeverity.MEDIUM, title, cost)
    station.submit(Order(command, "ravi"))


def test_work_is_listed_by_risk_with_what_it_is_and_what_to_do(open_window: OpenWindow, station: FakeStation) -> None:
    create(station)
    window = open_window(source=station)
    page = opened(window)
    assert column(page, "Severity") == ["critical", "medium", "low"]
    assert column(page, "Estimate") == ["67,500 INR", "900 INR", "9,000 INR"]
    assert page.tabs[OPEN].text() == "Open 3"
    assert page.chosen is None
    assert not page.resolve_button.isEnabled()
    page.open_view.selectRow(0)
    said = page.detail.accessibleDescription()
    for words in ("Bearing temperature 88.1 °C", "67,500 INR = 45,000 × 1.5 (critical)", "1. Start the standby pump"):
        assert words in said


def test_a_person_creates_assigns_notes_resolves_and_reopens(open_window: OpenWindow, station: FakeStation) -> None:
    window = open_window(source=station)
    page = opened(window)
    page.pump.setCurrentText("P-102")
    QTest.keyClick(page.open_view, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    dialog = dialog_of(window, CreateDialog)
    assert dialog.pump.currentText() == "P-102"
    QTest.keyClicks(dialog.work, "Exchange the seal")
    dialog.cost.setText("1,250")
    dialog.due.setText("2026-12-31")
    QTest.keyClick(dialog.work, Qt.Key.Key_Return)
    assert is_closed(dialog)
    shown(window)
    assert column(page, "Work") == ["Exchange the seal"]
    assert column(page, "Due") == ["2026-12-31"] or column(page, "Due") == ["2026-12-31 · overdue"]
    page.open_view.selectRow(0)

    page.assign_button.click()
    assign = dialog_of(window, AssignDialog)
    assert assign.due.text() == "2026-12-31"
    assign.assigned_to.setText("ravi")
    assign.due.setText("2001-02-03")
    assign.give()
    shown(window)
    assert (column(page, "Assigned to"), column(page, "Due")) == (["ravi"], ["2001-02-03 · overdue"])

    page.note_button.click()
    note = dialog_of(window, NoteDialog)
    note.note.setPlainText("The seal is in store\nshelf 4")
    note.activateWindow()
    QApplication.processEvents()
    QTest.keyClick(note.note, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert is_closed(note)
    shown(window)
    assert "The seal is in store" in page.detail.accessibleDescription()
    page.note_button.click()
    assert "shelf 4" in dialog_of(window, NoteDialog).before.toPlainText()
    dialog_of(window, NoteDialog).reject()

    page.resolve_button.click()
    resolve = dialog_of(window, ResolveDialog)
    resolve.finding.setPlainText("worn, exchanged")
    resolve.cost.setText("1350")
    resolve.give()
    assert "Did the pump fail?" in resolve.trouble.text()
    resolve.failure.setCurrentIndex(2)
    resolve.down.setText("half an hour")
    resolve.give()
    assert "'half an hour' is not a number of hours" in resolve.trouble.text()
    resolve.down.setText("0:30")
    resolve.down_from.setText("yesterday")
    resolve.give()
    assert "'yesterday' is not a time" in resolve.trouble.text()
    resolve.down_from.setText(local_time(station.latest().time_ns - 3600 * 10**9, "%Y-%m-%d %H:%M"))
    resolve.give()
    shown(window)
    assert page.tabs[RESOLVED].text() == "Resolved 1"
    assert column(page, "Work") == []

    page.tabs[RESOLVED].click()
    shown(window)
    assert (column(page, "Found"), column(page, "Real cost")) == (["worn, exchanged"], ["1,350 INR"])
    assert (column(page, "Failed"), column(page, "Down, h")) == (["yes"], ["0.5"])
    page.resolved_view.selectRow(0)
    assert page.assign_button.isHidden()
    assert "Failure, out of service for 0.5 h" in page.detail.accessibleDescription()
    page.reopen_button.click()
    reopen = dialog_of(window, ReopenDialog)
    reopen.reason.setText("it leaks")
    reopen.give()
    shown(window)
    assert page.tabs[OPEN].text() == "Open 1/3"  # of the pump that the filter has
    page.tabs[OPEN].click()
    page.open_view.selectRow(0)
    assert "was resolved by" in page.detail.accessibleDescription()
    kinds = [type(command) for command in station.commands]
    assert kinds == [CreateMaintenance, AssignMaintenance, NoteMaintenance, ResolveMaintenance, ReopenMaintenance]


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (lambda d: None, "Work: say in a line"),
        (lambda d: (d.work.setText("x"), d.cost.setText("67,5")), "Estimate: '67,5' is not an amount in whole units"),
        (lambda d: (d.work.setText("x"), d.due.setText("31.12.2026")), "Due: '31.12.2026' is not a date: write it as"),
        (lambda d: d.work.setText("x" * 5000), "too long"),
    ],
)
def test_what_is_wrong_is_said_in_the_dialog_and_nothing_typed_is_lost(
    open_window: OpenWindow, station: FakeStation, fill: Callable[[CreateDialog], object], words: str
) -> None:
    window = open_window(source=station)
    page = opened(window)
    page.create_event()
    dialog = dialog_of(window, CreateDialog)
    fill(dialog)
    kept = dialog.work.text()
    dialog.give()
    assert words in dialog.trouble.text()
    assert dialog.isVisible()
    assert dialog.work.text() == kept
    assert page.tabs[OPEN].text() == "Open 2"
    dialog.deleteLater()


def test_a_refused_order_keeps_the_dialog_open_with_the_reason(open_window: OpenWindow, station: FakeStation) -> None:
    window = open_window(source=station)
    page = opened(window)
    page.open_view.selectRow(0)
    page.resolve_button.click()
    dialog = dialog_of(window, ResolveDialog)
    dialog.finding.setPlainText("bearing exchanged")
    dialog.failure.setCurrentIndex(1)
    station.refusal = "the maintenance list cannot be read from the database yet"
    dialog.give()
    assert "cannot be read from the database yet" in dialog.trouble.text()
    assert dialog.finding.toPlainText() == "bearing exchanged"
    station.refusal = ""
    dialog.give()
    assert is_closed(dialog)


def test_what_was_written_is_discarded_only_after_a_question(open_window: OpenWindow, station: FakeStation) -> None:
    window = open_window(source=station)
    page = opened(window)
    page.open_view.selectRow(0)
    page.note_button.click()
    dialog = dialog_of(window, NoteDialog)
    dialog.note.setPlainText("half a thought")
    dialog.reject()
    box = dialog_of(window, QMessageBox)
    assert dialog.isVisible()
    next(b for b in box.findChildren(QPushButton) if b.text() == "Discard").click()
    assert is_closed(dialog)


def test_the_filter_searches_work_pump_person_and_notes(open_window: OpenWindow, station: FakeStation) -> None:
    create(station)
    event = next(e for e in station.latest().maintenance if e.title == "Exchange the seal")
    station.submit(Order(NoteMaintenance(event.event_id, "gasket of Müller"), "ravi"))
    page = opened(open_window(source=station))
    for text, count in (("müller", 1), ("P-103", 2), ("planned", 1), ("critical", 1), ("nothing such", 0)):
        page.text.setText(text)
        assert len(page.open.rows) == count, text
    assert page.open_view.nothing == "Nothing that the filter lets through"


def test_an_empty_list_says_so(open_window: OpenWindow) -> None:
    page = opened(open_window(2))
    assert page.open_view.nothing == "No maintenance is open"
    page.tabs[RESOLVED].click()
    assert page.resolved_view.nothing == "No maintenance was resolved yet"


def test_the_choice_stays_with_its_event_when_a_worse_one_comes(open_window: OpenWindow, station: FakeStation) -> None:
    create(station)
    window = open_window(source=station)
    page = opened(window)
    page.open_view.choose(next(e.event_id for e in station.latest().maintenance if e.title == "Exchange the seal"))
    station.submit(
        Order(CreateMaintenance("P-101", EventType.INSPECTION, EventSeverity.CRITICAL, "Smoke", 10**6), "ravi")
    )
    shown(window)
    assert column(page, "Work")[0] == "Smoke"
    assert page.chosen is not None
    assert page.chosen.title == "Exchange the seal"


def test_the_cost_table_shows_the_rows_that_count_and_what_is_wrong(
    open_window: OpenWindow, station: FakeStation, tmp_path: Path
) -> None:
    (tmp_path / "maintenance.toml").write_text(
        '[[cost]]\nalarm = "bearing_temperature_c.high*"\nestimated_cost = 900\n\n[[cost]]\nalarm = "x"\n', "utf-8"
    )
    window = open_window(source=station)
    page = opened(window)
    assert "cost[1].estimated_cost: is missing" in page.outcome.text()
    page.costs_button.click()
    dialog = dialog_of(window, CostDialog)
    first = [c.text(dialog.rows.rows[0]) for c in dialog.rows.columns]
    assert first == ["Bearing temperature: high and high-high", "900 INR", "", "medium", "this site"]
    assert "critical × 1.5" in dialog.factors.text()
    assert "cost[1].estimated_cost: is missing" in dialog.trouble.text()
    dialog.close()


def test_every_field_of_every_dialog_has_a_name(open_window: OpenWindow, station: FakeStation) -> None:
    window = open_window(source=station)
    page = opened(window)
    page.open_view.selectRow(0)
    for act in (page.new_button, page.assign_button, page.note_button, page.resolve_button):
        act.click()
        dialog = dialog_of(window, OrderDialog)
        fields = [
            *dialog.findChildren(QPlainTextEdit),
            *dialog.findChildren(QLineEdit),
            *dialog.findChildren(QComboBox),
        ]
        assert fields
        assert all(field.accessibleName() for field in fields)
        dialog.close()


@pytest.mark.parametrize(
    ("text", "amount"),
    [("67500", 67_500.0), (" 67,500 ", 67_500.0), ("67 500", 67_500.0), ("1,00,000", 100_000.0), ("0", 0.0), ("", nan)],
)
def test_an_amount_is_read_in_whole_units(text: str, amount: float) -> None:
    assert typed_money(text) == pytest.approx(amount, nan_ok=True)


@pytest.mark.parametrize("text", ["67,5", "1.234", "12.50", "-5", "five", "1,2345", "٣", "1e5"])
def test_what_could_be_read_in_two_ways_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="whole units"):
        typed_money(text)


def test_a_due_date_lasts_to_the_end_of_its_local_day() -> None:
    due_ns = typed_date("2026-12-31")
    assert datetime.fromtimestamp(due_ns / 1e9).isoformat() == "2026-12-31T23:59:59"
    assert (date(due_ns), date(0), typed_date(" ")) == ("2026-12-31", "", 0)
    for text in ("2026-02-30", "soon", "9999-99-99"):
        with pytest.raises(ValueError, match="write it as"):
            typed_date(text)
