"""A log of another system is imported in the window while the station polls, judges and stores."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from pumpwatch_gui.gui.imports.dialog import ImportDialog
from pumpwatch_gui.gui.trends.page import TrendsPage
from pumpwatch_gui.settings.simulated import simulated_site
from pumpwatch_gui.store.query.history import History
from tests.flow.test_flow_import import START, german
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, is_closed, page_of
from tests.gui.real_station import Running, running

START_NS = round(START.timestamp() * 1e9)


def opened(qtbot: QtBot, parts: Running, log: Path) -> ImportDialog:
    """The dialog once it has read a log."""
    dialog = dialog_of(parts.window, ImportDialog, "import", "P-101")
    dialog.use(str(log))
    qtbot.waitUntil(lambda: dialog.plan is not None, timeout=20_000)
    return dialog


def pick_column(qtbot: QtBot, dialog: ImportDialog, tag: str, name: str) -> None:
    """Give a sensor a column by hand."""
    dialog.table.choose(tag)
    dialog.column.setCurrentIndex(dialog.column.findData(name))
    dialog.column.activated.emit(dialog.column.currentIndex())
    qtbot.waitUntil(lambda: dialog.plan is not None, timeout=20_000)


def test_a_log_is_understood_corrected_imported_and_left_out_the_second_time(qtbot: QtBot, tmp_path: Path) -> None:
    log = german(tmp_path / "log.csv", rows=3000)
    with (
        simulated_site(tmp_path, pumps=2, faults=[], speed=1.0) as site_file,
        running(tmp_path, site_file.read_text("utf-8")) as parts,
    ):
        qtbot.waitUntil(lambda: parts.engine.latest().stats.readings_committed > 10, timeout=30_000)
        page_of(parts.window, TrendsPage)
        dialog = opened(qtbot, parts, log)
        names = {row.sensor.tag: row.name for row in dialog.rows.rows}
        assert names["bearing_temperature_c"] == "bearing_temperature_c"
        assert names["motor_rpm"] == ""
        assert "No sensor takes: Speed [rpm], Bemerkung" in dialog.facts.text()
        pick_column(qtbot, dialog, "motor_rpm", "Speed [rpm]")
        row = next(row for row in dialog.rows.rows if row.sensor.tag == "motor_rpm")
        assert (row.name, row.low, row.high, row.empty) == ("Speed [rpm]", 1450.0, 1452.0, 0)
        assert "3,000 readings from 2025-03-29" in dialog.facts.text()
        assert "3,000 will be history of P-101" in dialog.facts.text()
        dialog.start.click()
        assert not dialog.start.isEnabled()
        qtbot.waitUntil(lambda: "taken over" in dialog.outcome.text(), timeout=30_000)
        assert dialog.outcome.text().startswith("3,000 readings of 2025-03-29")
        assert not dialog.bar.isVisible()
        found = History(parts.folder / "pumpwatch.db").readings(
            "P-101", "motor_rpm", start_ns=START_NS, end_ns=START_NS + 3 * 86_400 * 10**9, points=10
        )
        assert found.high.max() == 1452.0
        dialog.read()
        qtbot.waitUntil(lambda: dialog.plan is not None, timeout=20_000)
        assert "3,000 of them are of minutes with history of P-101: they are left out" in dialog.facts.text()
        assert "Nothing of it is left to import" in dialog.outcome.text()
        assert not dialog.start.isEnabled()
        dialog.close_button.click()
        assert is_closed(dialog)


def test_an_import_is_cancelled_and_the_rest_taken_over_later(qtbot: QtBot, tmp_path: Path) -> None:
    log = german(tmp_path / "log.csv", rows=300 * 24, step_s=3600)
    with (
        simulated_site(tmp_path, pumps=1, faults=[], speed=1.0) as site_file,
        running(tmp_path, site_file.read_text("utf-8")) as parts,
    ):
        qtbot.waitUntil(lambda: parts.engine.latest().stats.readings_committed > 10, timeout=30_000)
        dialog = opened(qtbot, parts, log)
        dialog.start.click()
        qtbot.waitUntil(lambda: dialog.bar.isVisible() and dialog.bar.value() > 0, timeout=30_000)
        assert "log.csv to P-101: " in dialog.bar.text()
        dialog.cancel.click()
        qtbot.waitUntil(lambda: dialog.outcome.text().startswith("Cancelled: "), timeout=30_000)
        dialog.read()
        qtbot.waitUntil(lambda: dialog.plan is not None, timeout=20_000)
        assert dialog.plan is not None
        assert 0 < dialog.plan.in_the_way < 300 * 24
        dialog.start.click()
        qtbot.waitUntil(lambda: "taken over from log.csv" in dialog.outcome.text(), timeout=90_000)
        assert dialog.outcome.text().startswith(f"{300 * 24 - dialog_left(dialog):,} readings")


def dialog_left(dialog: ImportDialog) -> int:
    """How many readings the last preview left out, as it says."""
    line = next(line for line in dialog.facts.text().splitlines() if "left out" in line)
    return int(line.partition(" ")[0].replace(",", ""))


def test_what_cannot_be_read_is_said_in_words(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    dialog = dialog_of(open_window(source=FakeStation(3, scenes={}, history_s=5)), ImportDialog, "import")
    assert not dialog.start.isEnabled()
    dialog.use(str(tmp_path / "none.csv"))
    qtbot.waitUntil(lambda: "none.csv" in dialog.said.text(), timeout=20_000)
    assert not dialog.start.isEnabled()
    assert dialog.plan is None


@pytest.mark.parametrize("is_review", [False, True])
def test_trends_offers_it_where_the_station_can_be_changed(open_window: OpenWindow, is_review: bool) -> None:
    station = FakeStation(3, scenes={}, history_s=5)
    window = open_window(source=station)
    page = page_of(window, TrendsPage)
    if is_review:
        page.context.dialogs -= {"import"}
    page.bar.take.menu().aboutToShow.emit()
    words = [action.text() for action in page.bar.take.menu().actions()]
    assert ("Import a recording…" in words) is not is_review
