"""Nothing is off the screen, on top of something else, or cut without saying so: every page, every dialog."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pytest
from PySide6.QtCore import QLocale, QModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QTextDocumentFragment
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QTabWidget,
    QWidget,
)

from pumpwatch_gui.domain.alarms.alarm import Alarm, Priority
from pumpwatch_gui.domain.units import UnitChoice
from pumpwatch_gui.gui.forms.limits_table import LimitsTable
from pumpwatch_gui.gui.look import layout
from pumpwatch_gui.gui.look.widgets import Painted
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.shell.entries import DIALOGS, PAGES
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.page import Page
from pumpwatch_gui.gui.tables.table_view import TableView
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SCENES, Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of

LONG = "Boiler feed water booster of the northern extension, second train"
MIN_ELIDED = 30
"""Pixels for elided words at the least."""
LEAVES = (QAbstractButton, QAbstractSpinBox, QComboBox, QLabel, QLineEdit, Painted)
CASES = [
    (size, pumps, scale, "C", UnitChoice())
    for size in ((1280, 720), (1920, 1080))
    for pumps, scale in ((3, 100), (50, 100), (3, 150))
]
COMMA, US = "de_DE", UnitChoice("psi", "degF", "gpm", "in/s")
CASES += [((1280, 720), 3, 150, COMMA, US), ((1280, 720), 50, 100, COMMA, US), ((1920, 1080), 3, 100, COMMA, US)]


@pytest.fixture(params=CASES, ids=str)
def window(
    request: pytest.FixtureRequest, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    """A window as large as its screen, on a station with long names, in a language and units."""
    size, pumps, scale, language, units = request.param
    before = QLocale()
    QLocale.setDefault(QLocale(language))
    monkeypatch.setattr(layout, "screen_room", lambda _: QSize(*size) - QSize(0, layout.FRAME_PX))
    station = FakeStation(pumps, scenes=SCENES, history_s=5)
    site = station.site()
    station.change(replace(site, name=LONG, pumps=tuple(replace(pump, name=LONG) for pump in site.pumps)))
    made = open_window(source=station, size=size)
    made.use_units(units)
    made.appearance.set_scale(scale)
    yield made
    made.appearance.set_scale(100)
    QLocale.setDefault(before)


def settle(window: MainWindow) -> None:
    """Lay out, fill, lay out what the values have changed."""
    for _ in range(2):
        QApplication.processEvents()
        window.refresh()
    QApplication.processEvents()


def place(widget: QWidget, whole: QWidget) -> QRect:
    """Where a widget lies in a whole."""
    return QRect(widget.mapTo(whole, QPoint(0, 0)), widget.size())


def leaves(whole: QWidget) -> list[QWidget]:
    """What is seen in a whole, but for the parts of scrolling views and of other leaves."""
    found: list[QWidget] = []
    for kind in LEAVES:
        for widget in whole.findChildren(kind):
            parent = widget.parentWidget()
            inner = isinstance(parent, (LEAVES, QAbstractScrollArea))
            inner = inner or widget.objectName().startswith(("qt_", "ScrollLeft", "ScrollRight"))
            if widget.isVisibleTo(whole) and not inner and widget not in found:
                found.append(widget)
    return found


def scrolls(widget: QWidget, whole: QWidget) -> bool:
    """Whether a widget is in a view that scrolls to it."""
    parent = widget.parentWidget()
    while parent is not None and parent is not whole:
        if isinstance(parent, QAbstractScrollArea):
            return True
        parent = parent.parentWidget()
    return False


def name_of(widget: QWidget) -> str:
    """For the message of a failure."""
    words = widget.text() if isinstance(widget, QLabel | QAbstractButton) else widget.accessibleName()
    return f"{type(widget).__name__} {words!r} {widget.geometry()}"


def cut(whole: QWidget) -> list[str]:
    """Words that Qt would cut at the edge of their widget: painted ones put an ellipsis, labels may wrap."""
    found = []
    for widget in leaves(whole):
        if isinstance(widget, QLabel) and not widget.wordWrap() and widget.text():
            least = widget.fontMetrics().horizontalAdvance(widget.text())
        elif isinstance(widget, QPushButton | QCheckBox):
            least = widget.sizeHint().width()
        else:
            continue
        if widget.width() < least:
            found.append(name_of(widget))
    return found


def cut_cells(whole: QWidget) -> list[str]:
    """Cells and titles of tables that do not show all they say, but for words with an ellipsis and a tool tip."""
    found = []
    for table in (t for t in whole.findChildren(QTableView) if t.isVisibleTo(whole) and t.model().rowCount()):
        delegate, header = table.itemDelegate(), table.horizontalHeader()
        assert isinstance(delegate, QStyledItemDelegate)
        for column in (c for c in range(header.count()) if not header.isSectionHidden(c)):
            title = table.model().headerData(column, header.orientation())
            is_sortable = header.isSortIndicatorShown()
            header.setSortIndicatorShown(is_sortable and header.sortIndicatorSection() == column)
            least = header.sectionSizeHint(column)
            header.setSortIndicatorShown(is_sortable)
            if header.sectionSize(column) < least:
                found.append(f"the title {title!r} of {table.accessibleName()!r}")
            for row in range(max(table.rowAt(0), 0), table.model().rowCount()):
                index = table.model().index(row, column)
                if table.visualRect(index).top() > table.viewport().height():
                    break
                if not shows_all(table, delegate, index):
                    found.append(f"{title} {index.data()!r} of {table.accessibleName()!r}: {table.visualRect(index)}")
    return found


def shows_all(table: QTableView, delegate: QStyledItemDelegate, index: QModelIndex) -> bool:
    """Whether a cell has room for its text where Qt paints it, or elides it and has a tool tip that says it whole."""
    option = QStyleOptionViewItem()
    table.initViewItemOption(option)
    delegate.initStyleOption(option, index)
    option.rect = table.visualRect(index)
    style = table.style()
    margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, option, table) + 1
    room = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, option, table).width() - 2 * margin
    text = option.text  # what is painted: below the band of a day a time has no date
    if table.fontMetrics().horizontalAdvance(text) <= room:
        return True
    assert isinstance(table, TableView | LimitsTable)
    tip = QTextDocumentFragment.fromHtml(str(index.data(Qt.ItemDataRole.ToolTipRole) or "")).toPlainText()
    is_told = text.split() == tip.split()[: len(text.split())]
    return is_told and index.column() in table.columns.elided and room >= MIN_ELIDED


def overlapping(whole: QWidget) -> list[str]:
    """Pairs of leaves of which one hides a part of the other."""
    places = [(widget, place(widget, whole)) for widget in leaves(whole)]
    return [
        f"{name_of(a)} and {name_of(b)}"
        for (a, first), (b, second) in combinations(places, 2)
        if a.parentWidget() is b.parentWidget() and first.intersects(second)
    ]


def test_no_page_cuts_or_hides_anything(window: MainWindow) -> None:
    wrong = []
    for entry in PAGES:
        window.open_page(entry.key, "" if entry.key in ("overview", "events") else "P-103")
        settle(window)
        page = window.page(entry.key)
        frame = page.parentWidget()
        assert frame is not None
        assert window.rect().contains(place(frame, window))
        for tabs in page.findChildren(QTabWidget):
            for at in range(tabs.count()):
                tabs.setCurrentIndex(at)
                settle(window)
                wrong += [f"{entry.key}: {w}" for w in cut_cells(page)]
        wrong += [f"{entry.key}: {w}" for w in cut_cells(page)]
        wrong += [f"{entry.key}: cut {w}" for w in cut(page)]
        wrong += [f"{entry.key}: overlap {w}" for w in overlapping(page)]
        outside = (w for w in leaves(page) if not page.rect().contains(place(w, page)) and not scrolls(w, page))
        wrong += [f"{entry.key}: outside {name_of(w)}" for w in outside]
    assert wrong == []


def test_every_dialog_is_on_the_screen_with_its_buttons(window: MainWindow) -> None:
    room = layout.screen_room(window)
    assert room is not None
    wrong = []
    for entry in DIALOGS:
        window.open_dialog(entry.key, "P-103")
        settle(window)
        dialog = next(d for d in window.findChildren(QDialog) if d.isVisible())
        if dialog.width() > room.width() or dialog.height() > room.height():
            wrong.append(f"{entry.key} is {dialog.size()}")
        feet = [b for b in dialog.findChildren(QPushButton) if b.text() in ("Save", "Cancel", "Close", "&Next", "Next")]
        wrong += [
            f"{entry.key}: {name_of(b)}" for b in feet if b.isVisible() and not dialog.rect().contains(place(b, dialog))
        ]
        wrong += [f"{entry.key}: {w}" for w in cut_cells(dialog)]
        wrong += [f"{entry.key}: cut {w}" for w in cut(dialog)]
        wrong += [f"{entry.key}: overlap {w}" for w in overlapping(dialog)]
        dialog.done(0)
        settle(window)
    assert wrong == []


@pytest.mark.parametrize("size", [(1024, 640), (1280, 800)])
def test_no_page_in_its_own_window_cuts_or_hides_anything(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(layout, "screen_room", lambda _: QSize(*size))
    window = open_window(source=FakeStation(3, scenes=SCENES, history_s=5))
    wrong = []
    for entry in (page for page in PAGES if page.in_nav):
        made = window.detach(entry.key)
        assert made is not None
        made.resize(*size)
        settle(window)
        wrong += [f"{entry.key}: {w}" for w in cut_cells(made.page)]
        wrong += [f"{entry.key}: cut {w}" for w in (*cut(made.page), *cut(made.top_bar))]
        wrong += [f"{entry.key}: overlap {w}" for w in (*overlapping(made.page), *overlapping(made.top_bar))]
        made.close()
    assert wrong == []


def test_the_pump_page_shows_four_alarms_above_the_judgement(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def many(pump_id: str, _scene: Scene, start_ns: int) -> tuple[Alarm, ...]:
        return tuple(
            Alarm(
                f"{pump_id}/{i}", pump_id, "vibration_mm_s", Priority.MEDIUM, f"Alarm {i}",
                Scene().state, 5.3, 5.1, "mm/s", start_ns, start_ns,
            )
            for i in range(9)
        )  # fmt: skip

    monkeypatch.setattr("tests.gui.fake_station.alarms_of", many)
    for size in ((1280, 720), (1920, 1080)):
        window = open_window(size=size)
        window.open_page("pump", "P-101")
        settle(window)
        page = page_of(window, PumpPage)
        assert sum(not page.alarms.cell_rect(i).isEmpty() for i in range(9)) >= 4
        assert page.alarms.mapTo(page, QPoint(0, 0)).y() < page.why.mapTo(page, QPoint(0, 0)).y()


@pytest.mark.parametrize("key", ["trends", "models"])
def test_no_page_of_a_pump_scrolls_sideways_with_large_text(open_window: OpenWindow, key: str) -> None:
    window = open_window(3, scenes={})
    window.resize(1280, 720)
    for scale in (150, 100, 150):
        window.appearance.set_scale(scale)
        window.open_page(key, "P-101")
        QApplication.processEvents()
        page = next(page for page in window.findChildren(Page) if page.key == key)
        assert page.minimumSizeHint().width() <= window.width() - window.nav_bar.width()
