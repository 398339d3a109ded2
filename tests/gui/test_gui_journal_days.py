"""The journal on the Events page: days as bands between the rows, the time alone in them, up to a day that is typed."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.domain.events import RunStateChanged
from pumpwatch_gui.domain.wording import clock, date_words, stamp
from pumpwatch_gui.gui.events.page import EventsPage
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.tables.journal_panel import JournalPanel
from pumpwatch_gui.gui.tables.row_copies import rows_text
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of

DAY_NS = 86_400 * 10**9
A_DAY = 8


def opened(open_window: OpenWindow, days: int = 3) -> tuple[MainWindow, JournalPanel, FakeStation]:
    """Eight starts and stops of pumps on each of some days, the last of them today."""
    station = FakeStation(3, scenes={}, history_s=5)
    now_ns = station.latest().time_ns
    for number in range(days * A_DAY):
        ago_ns = number // A_DAY * DAY_NS + number % A_DAY * 10**9
        station.history.put_event(RunStateChanged(now_ns - ago_ns, "P-102", bool(number % 2)))
    window = open_window(source=station, size=(1280, 720))
    window.open_page("events")
    QApplication.processEvents()
    return window, page_of(window, EventsPage).journal, station


def bands(panel: JournalPanel) -> dict[int, str]:
    assert panel.journal_view.dividers is not None
    return panel.journal_view.dividers.firsts


def test_each_day_begins_with_a_band_that_names_it(open_window: OpenWindow) -> None:
    _, panel, station = opened(open_window)
    now_ns = station.latest().time_ns
    assert list(bands(panel)) == [0, A_DAY, 2 * A_DAY]
    assert list(bands(panel).values()) == [date_words(now_ns - days * DAY_NS) for days in range(3)]
    heights = [panel.journal_view.rowHeight(row) for row in (0, 1, A_DAY, A_DAY + 1)]
    assert heights[0] == heights[2] > heights[1] == heights[3]


def test_what_comes_takes_over_the_band_of_its_day(open_window: OpenWindow) -> None:
    _, panel, station = opened(open_window)
    station.history.put_event(RunStateChanged(station.latest().time_ns + 1, "P-101", True))
    panel._read(panel.query(), panel._merge)
    assert list(bands(panel)) == [0, A_DAY + 1, 2 * A_DAY + 1]
    assert panel.journal_view.rowHeight(1) < panel.journal_view.rowHeight(0)


def test_only_the_time_is_painted_and_the_date_is_in_copies(open_window: OpenWindow) -> None:
    _, panel, _ = opened(open_window)
    row = panel.journal.rows[0]
    assert panel.journal.painted(0)(row) == clock(row.time_ns)
    assert " ".join(stamp(row.time_ns).split()) in rows_text(panel.journal_view, panel.journal_view.columns, [0])
    metrics = panel.journal_view.fontMetrics()
    assert metrics.horizontalAdvance(clock(row.time_ns)) < panel.journal_view.columnWidth(0)
    assert panel.journal_view.columnWidth(0) < metrics.horizontalAdvance(stamp(row.time_ns))


def test_sorted_by_anything_but_the_time_rows_have_no_bands_and_say_their_day(open_window: OpenWindow) -> None:
    _, panel, _ = opened(open_window)
    panel.journal_view.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert not bands(panel)
    assert panel.journal.painted(0)(panel.journal.rows[0]) == stamp(panel.journal.rows[0].time_ns)
    assert panel.journal_view.rowHeight(0) == panel.journal_view.rowHeight(1)
    panel.journal_view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert list(bands(panel)) == [0, A_DAY, 2 * A_DAY]


def test_the_heading_names_the_day_of_the_first_row_in_sight(open_window: OpenWindow) -> None:
    _, panel, station = opened(open_window, days=6)
    now_ns = station.latest().time_ns
    assert panel._heading.text().endswith(date_words(now_ns, is_short=True))
    panel.journal_view.verticalScrollBar().setValue(2 * A_DAY + 3)
    assert panel._heading.text().endswith(date_words(now_ns - 2 * DAY_NS, is_short=True))


def test_the_journal_goes_up_to_the_day_that_is_typed_and_back_to_now(open_window: OpenWindow) -> None:
    _, panel, station = opened(open_window)
    day_ns = station.latest().time_ns - DAY_NS
    QTest.keyClicks(panel.up_to, stamp(day_ns)[:10])
    QTest.keyClick(panel.up_to, Qt.Key.Key_Return)
    assert list(bands(panel).values()) == [date_words(day_ns), date_words(day_ns - DAY_NS)]
    panel.up_to.clear()
    assert list(bands(panel)) == [0, A_DAY, 2 * A_DAY]


def test_what_is_no_time_is_said_and_changes_nothing(open_window: OpenWindow) -> None:
    _, panel, _ = opened(open_window)
    QTest.keyClicks(panel.up_to, "yesterday")
    QTest.keyClick(panel.up_to, Qt.Key.Key_Return)
    assert "is not a time" in panel.outcome.text()
    assert len(panel.journal.rows) == 3 * A_DAY


def test_each_event_names_its_pump(open_window: OpenWindow) -> None:
    _, panel, station = opened(open_window)
    name = station.site().pumps[1].name
    (column,) = (c for c in panel.journal.columns if c.title == "Name")
    assert column.text(panel.journal.rows[0]) == name
