"""A table as the pages show it: whole rows, no grid, columns as wide as what they show; sorting, copying, a menu."""

import time
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QMenu, QTableView
from typing_extensions import override

from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.wording import stamp
from pumpwatch_gui.gui.look.printing import choose_printer
from pumpwatch_gui.gui.look.theme import Appearance, color, icon_size
from pumpwatch_gui.gui.look.widgets import choose_target, say_failure
from pumpwatch_gui.gui.shell.page import TREND_KEY, PageContext, around
from pumpwatch_gui.gui.tables.columns import Columns
from pumpwatch_gui.gui.tables.dividers import Dividers
from pumpwatch_gui.gui.tables.kept_words import KeptWords
from pumpwatch_gui.gui.tables.row_copies import copy_all, copy_selected, print_all, save_all
from pumpwatch_gui.gui.tables.rows_model import RowsModel


class TableView(QTableView):
    """A read-only table of `model`; `name` is what it is called, and what its arrangement is kept under.

    A click on a title sorts, a third one gives the order back in which the rows are given. `many` rows can be selected
    where nothing but copying is done to them. `nothing` is what it says where its rows would be, when there are none.
    """

    def __init__(
        self, appearance: Appearance, model: RowsModel[Any], name: str, *, many: bool = False, nothing: str = ""
    ) -> None:
        super().__init__()
        self._appearance, self._rows, self._nothing = appearance, model, nothing
        self._acts: Sequence[QAbstractButton] = ()
        self._place: Callable[[Any], tuple[str, str]] | None = None
        self._context: PageContext | None = None
        self._time_ns: Callable[[Any], int | None] = lambda row: None
        self.setModel(model)
        model.on_screen = lambda: self.on_screen
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        mode = QAbstractItemView.SelectionMode
        self.setSelectionMode(mode.ExtendedSelection if many else mode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setSortIndicator(-1, header.sortIndicatorOrder())
        header.setSortIndicatorClearable(True)
        self.setSortingEnabled(True)
        columns = list(enumerate(model.columns))
        is_divided = any(column.group is not None for column in model.columns)
        self.dividers = Dividers(appearance, self, model) if is_divided else None
        if any(column.kept is not None for column in model.columns):
            KeptWords(self, model)
        self.columns = Columns(
            appearance,
            self,
            elided=[i for i, column in columns if column.elided],
            spare=[i for i, column in columns if column.spare],
        )
        appearance.changed.connect(self._fit)
        self._fit()

    @property
    def nothing(self) -> str:
        """What is said in place of rows now; "" while there are rows."""
        return "" if self._rows.rows else self._nothing

    @nothing.setter
    def nothing(self, words: str) -> None:
        if words != self._nothing:
            self._nothing = words
            self.viewport().update()

    @property
    def chosen(self) -> QModelIndex:
        """The row that a person has selected; invalid when none is. Qt's current row may be one never selected."""
        return next(iter(self.selectionModel().selectedRows()), QModelIndex())

    @property
    def on_screen(self) -> range:
        """The places of the rows that can be seen, some of them in part; none while the table is out of sight."""
        if not self.isVisible():
            return range(0)
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        return range(max(first, 0), (last + 1 if last >= 0 else len(self._rows.rows)))

    def fit_rows(self, least: int, most: int) -> None:
        """Be as high as the rows there are, or as these bounds."""
        rows = min(max(len(self._rows.rows), least), most)
        header = self.horizontalHeader().sizeHint().height()
        self.setFixedHeight(header + rows * self.verticalHeader().defaultSectionSize() + 4)

    def choose(self, key: Hashable) -> None:
        """Select the row about something, wherever it is; without one nothing changes."""
        if (at := self._rows.place_of(key)) >= 0:
            self.selectRow(at)

    # ---------------------------------------------------------------- what is done to a row

    def offer(self, *acts: QAbstractButton) -> None:
        """Offer the acts on the chosen row in its menu too: those buttons that are shown, enabled as they are."""
        self._acts = acts

    def lead_to(
        self,
        place: Callable[[Any], tuple[str, str]],
        context: PageContext,
        time_ns: Callable[[Any], int | None] = lambda row: None,
    ) -> None:
        """Have rows lead to a pump, and to the trend of a tag where there is one: (pump, tag), "" for none.

        `time_ns` is when a row happened (Unix UTC): the Trends page turns to the time around it, or stays for None.
        """
        self._place, self._context, self._time_ns = place, context, time_ns
        self.activated.connect(lambda index: self._open(index, whole=True))

    def _open(self, index: QModelIndex, *, whole: bool) -> None:
        pump_id, tag = self._place_of(index)
        if pump_id and self._context is not None:
            self._context.open_page("pump", pump_id, "" if whole else tag)

    def _open_trend(self) -> None:
        row, (pump_id, tag) = self._rows.row_at(self.chosen), self._place_of(self.chosen)
        if pump_id and self._context is not None:
            time_ns = self._time_ns(row)
            self._context.open_trend(pump_id, tag, None if time_ns is None else around(time_ns))

    def _place_of(self, index: QModelIndex) -> tuple[str, str]:
        """Pump and tag of a row; "" for what the site has not, or no longer."""
        row = self._rows.row_at(index)
        if row is None or self._place is None or self._context is None:
            return "", ""
        pump_id, tag = self._place(row)
        pump = self._context.station.site().pump(pump_id)
        has_tag = pump is not None and tag in pump.profile.quantity_tags
        return pump_id if pump is not None else "", tag if has_tag else ""

    def row_menu(self) -> QMenu:
        """What can be done to the chosen row, and to the table."""
        menu = QMenu(self)
        pump_id, tag = self._place_of(self.chosen)
        if pump_id:
            menu.addAction(f"Open {pump_id}", lambda: self._open(self.chosen, whole=True))
            menu.addAction(f"Trends of {pump_id}", self._open_trend).setShortcut(QKeySequence(TREND_KEY))
        if tag:
            menu.addAction(f"Trend of {self._label(pump_id, tag)}", lambda: self._open(self.chosen, whole=False))
        self._offer_time(menu, pump_id)
        menu.addSeparator()
        for act in (act for act in self._acts if not act.isHidden()):
            menu.addAction(act.text().replace("&", "&&"), act.click).setEnabled(act.isEnabled())
        menu.addSeparator()
        copy = menu.addAction("Copy", lambda: copy_selected(self, self.columns))
        copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setEnabled(self.chosen.isValid())
        menu.addAction("Copy all rows", lambda: copy_all(self, self.columns)).setEnabled(bool(self._rows.rows))
        menu.addAction("Save as CSV…", self._choose_file).setEnabled(bool(self._rows.rows))
        menu.addAction("Print…", self._choose_printer).setEnabled(bool(self._rows.rows))
        menu.addSeparator()
        menu.addAction("Columns as at first", self.columns.reset)
        return menu

    def _offer_time(self, menu: QMenu, pump_id: str) -> None:
        """What can be done with the time of the chosen row."""
        row, context = self._rows.row_at(self.chosen), self._context
        time_ns = self._time_ns(row) if row is not None else None
        if time_ns is None or context is None:
            return
        if (replay := context.replay) is not None:
            menu.addAction("Turn the replay to it", lambda: replay.turn_to(time_ns))
        if pump_id:
            start_s, end_s = around(time_ns)
            span_ns = int(start_s * 1e9), int(end_s * 1e9)
            menu.addAction("Save an incident file…", lambda: context.save_incident((pump_id,), span_ns))

    def _choose_file(self) -> None:
        title = f"Save {self.accessibleName()}"
        choose_target(self, title, str(Path.home()), "CSV (*.csv)", self.save)

    def save(self, path: Path) -> None:
        """Write every row as CSV; a failure is said."""
        try:
            save_all(self, self.columns, path)
        except OSError as error:
            say_failure(self, InputError(f"cannot write {path}: {error.strerror}", "choose another folder"))

    def _choose_printer(self) -> None:
        try:
            choose_printer(self, self.print_on)
        except PumpWatchError as error:
            say_failure(self, error)

    def print_on(self, printer: object) -> None:
        """Print every row."""
        print_all(self, self.columns, f"{self.accessibleName()}, {stamp(time.time_ns())}", printer)

    def _label(self, pump_id: str, tag: str) -> str:
        pump = self._context.station.site().pump(pump_id) if self._context else None
        labels = {sensor.tag: sensor.label for sensor in pump.profile.quantities} if pump else {}
        return labels.get(tag, tag).lower()

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu where the pointer is, or by its key below the chosen row."""
        menu = self.row_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard and self.chosen.isValid()
        below = self.viewport().mapToGlobal(self.visualRect(self.chosen).bottomLeft())
        menu.popup(below if by_key else event.globalPos())

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+C copies whole rows, where Qt would copy one cell; `TREND_KEY` opens the trend of the chosen one."""
        if event.matches(QKeySequence.StandardKey.Copy):
            copy_selected(self, self.columns)
        elif event.key() == TREND_KEY and not event.modifiers():
            self._open_trend()
        else:
            super().keyPressEvent(event)

    @override
    def rowsAboutToBeRemoved(self, parent: QModelIndex | QPersistentModelIndex, start: int, end: int) -> None:
        """The selection ends with the selected row: Qt would select its neighbour."""
        if start <= self.currentIndex().row() <= end:
            self.selectionModel().clear()
        super().rowsAboutToBeRemoved(parent, start, end)

    def _fit(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self._appearance.px(30))
        self.setIconSize(icon_size(self._appearance, 18))
        if self.dividers is not None:
            self.dividers.place()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows and the bands between them, or why there are none."""
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        if self.dividers is not None:
            self.dividers.paint_bands(painter)
        if words := self.nothing:
            room = QRectF(self.viewport().rect()).adjusted(16, 0, -16, 0)
            painter.setFont(self._appearance.font(13))
            painter.setPen(color(self._appearance.theme.dim))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)
        painter.end()
