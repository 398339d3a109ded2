"""The widths and the order of a table's columns: by content, by the room there is, and by what a person has dragged."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QHeaderView, QStyle, QTableView
from shiboken6 import isValid
from typing_extensions import override

from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.tables.rows_model import DECORATION, DISPLAY, RowsModel

LEAST_TEXT, FAIR_TEXT = 72, 220
"""Widths of a column of words, px at 100 %: the least one, and the one for which columns to spare are hidden."""

MEASURED_KEPT = 5_000
"""Texts measured once; after so many all are measured again."""


class Columns(QObject):
    """Gives each column of a table the width of its content; those that may be elided share the rest.

    No other column is ever narrower than what it shows or showed: it grows as its numbers do, and does not jump. Where
    the room is short, the columns to `spare` are hidden, the last one first, and then the table scrolls sideways.
    What a person has dragged is kept by title in `appearance.tables`; a double click at the edge of a title gives a
    width back. With `even` all columns share the room that is left, not only those of text.
    """

    def __init__(
        self,
        appearance: Appearance,
        view: QTableView,
        *,
        elided: Collection[int],
        spare: Collection[int] = (),
        even: bool = False,
    ) -> None:
        super().__init__(view)
        self._appearance, self._view, self._header = appearance, view, view.horizontalHeader()
        self._spare, self._even = sorted(spare, reverse=True), even
        self.elided = frozenset(elided)
        self.out: frozenset[int] = frozenset()
        self._needs: dict[int, int] = {}
        self._paddings: dict[int, int] = {}
        self._headings: dict[int, int] = {}
        self._measured: set[tuple[int, str]] = set()
        self._is_fitting = False
        self._dragged: dict[str, float] = {}
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.timeout.connect(self.fit)
        self._header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self._header.setMinimumSectionSize(1)
        self._header.setSectionsMovable(True)
        self._header.setHighlightSections(False)
        self._restore()
        self._header.sectionResized.connect(self._resized)
        self._header.sectionMoved.connect(lambda *_: self._remember())
        self._header.sortIndicatorChanged.connect(lambda *_: self.forget())
        self._header.sectionHandleDoubleClicked.connect(self._give_back)
        model = view.model()
        for changed in (model.rowsInserted, model.dataChanged, model.layoutChanged, model.rowsRemoved):
            changed.connect(self.plan)
        model.modelReset.connect(self.forget)
        view.verticalScrollBar().valueChanged.connect(self.plan)
        self._scale = appearance.scale
        appearance.changed.connect(self._appearance_changed)
        view.installEventFilter(self)
        view.viewport().installEventFilter(self)  # a scroll bar that comes takes room from it alone

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Another room for the columns, or rows that came while the table was out of sight."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self.plan()
        return False

    def plan(self) -> None:
        """Fit once what is under way is done, before it is painted."""
        if isValid(self._view) and self._view.isVisible():  # a table of items resets its model when it ends
            self._due.start(0)

    @property
    def is_due(self) -> bool:
        """Whether widths are to be fitted once what is under way is done."""
        return self._due.isActive()

    def forget(self) -> None:
        """Measure again: other rows, other sizes of text."""
        self._needs.clear()
        self._paddings.clear()
        self._headings.clear()
        self._measured.clear()
        self.plan()

    def reset(self) -> None:
        """Give up what a person has arranged."""
        self._dragged.clear()
        for column in range(self._header.count()):
            self._header.moveSection(self._header.visualIndex(column), column)
        self._remember()
        self.plan()

    def _appearance_changed(self) -> None:
        if self._scale != self._appearance.scale:  # colours have no width
            self._scale = self._appearance.scale
            self.forget()

    def take_out(self, columns: Iterable[int]) -> None:
        """Hide these columns, and no others."""
        self.out = frozenset(columns)
        self.plan()

    def fit(self) -> None:
        """Measure the rows on the screen and give every column its width."""
        self._due.stop()
        room = self._view.viewport().width()
        if not self._view.isVisible() or not room:
            return
        self._measure()
        shown = [c for c in range(self._header.count()) if c not in self.out]
        px = self._appearance.px
        for column in self._spare:
            if sum(min(self._needs[c], px(FAIR_TEXT)) if c in self.elided else self._width(c) for c in shown) > room:
                shown = [c for c in shown if c != column]
        widths = self._widths(shown, room)
        self._is_fitting = True
        for column in range(self._header.count()):
            self._header.setSectionHidden(column, column not in widths)
            if column in widths:
                self._header.resizeSection(column, widths[column])
        self._is_fitting = False

    # ---------------------------------------------------------------- measuring

    def _measure(self) -> None:
        view, model = self._view, self._view.model()
        first, last = view.rowAt(0), view.rowAt(view.viewport().height() - 1)
        rows = range(max(first, 0), (last if last >= 0 else model.rowCount() - 1) + 1)
        if not rows or len(self._measured) > MEASURED_KEPT:
            self._needs.clear()
            self._measured.clear()
        metrics = view.fontMetrics()
        for column in range(self._header.count()):
            need = max(self._needs.get(column, 0), self._heading(column))
            texts = {(column, text) for text in self._texts(column, rows)} - self._measured
            if texts:
                padding = self._padding(column, rows)
                need = max(need, *(metrics.horizontalAdvance(text) + padding for _, text in texts))
                self._measured |= texts
            self._needs[column] = need

    def _texts(self, column: int, rows: range) -> Iterable[str]:
        model = self._view.model()
        if isinstance(model, RowsModel):  # without the way through Qt, which takes ten times as long
            return map(model.painted(column), model.rows[rows.start : rows.stop])
        return (str(model.index(row, column).data(DISPLAY) or "") for row in rows)

    def _padding(self, column: int, rows: range) -> int:
        """What a cell has besides its text, px: margins, and the mark of any of its rows."""
        if column not in self._paddings:
            index = self._view.model().index(rows[0], column)
            text = self._view.fontMetrics().horizontalAdvance(next(iter(self._texts(column, rows))))
            margin = self._view.style().pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin) + 1
            mark = self._view.iconSize().width() + 2 * margin
            if index.data(DECORATION) is not None:
                mark = 0
            elif not any(self._view.model().index(row, column).data(DECORATION) is not None for row in rows):
                return self._view.sizeHintForIndex(index).width() - text + 1  # a mark may still come
            self._paddings[column] = self._view.sizeHintForIndex(index).width() - text + mark + 1
        return self._paddings[column]

    # ---------------------------------------------------------------- sharing out

    def _width(self, column: int) -> int:
        """What a column is given before the rest is shared out."""
        dragged = round(self._dragged.get(self._title(column), 0) * self._appearance.scale / 100)
        if column not in self.elided:
            return max(self._needs[column], dragged)
        return max(dragged, self._least(column)) if dragged else self._needs[column]

    def _least(self, column: int) -> int:
        return max(min(self._needs[column], self._appearance.px(LEAST_TEXT)), self._heading(column))

    def _heading(self, column: int) -> int:
        """What a title needs, px; asking Qt costs as much as ten cells."""
        if column not in self._headings:
            # Qt would reserve room for the arrow in every title, though only one has it.
            is_shown = self._header.isSortIndicatorShown()
            self._header.setSortIndicatorShown(is_shown and self._header.sortIndicatorSection() == column)
            self._headings[column] = self._header.sectionSizeHint(column)
            self._header.setSortIndicatorShown(is_shown)
        return self._headings[column]

    def _widths(self, shown: Sequence[int], room: int) -> dict[int, int]:
        widths = {c: self._width(c) for c in shown}
        texts = [c for c in shown if c in self.elided and self._title(c) not in self._dragged]
        rest = room - sum(width for c, width in widths.items() if c not in texts)
        for left, column in zip(range(len(texts), 0, -1), sorted(texts, key=widths.__getitem__), strict=True):
            widths[column] = max(min(widths[column], rest // left), self._least(column))
            rest -= widths[column]
        if rest < 0:  # it scrolls sideways anyhow: then words may have the room that makes them readable
            return widths | {c: max(min(self._needs[c], self._appearance.px(FAIR_TEXT)), self._least(c)) for c in texts}
        takers = texts if texts and not self._even else shown
        if rest > 0 and takers:
            total = len(takers) if self._even or not texts else sum(widths[c] for c in takers)
            extra = {c: rest * (1 if total == len(takers) else widths[c]) // total for c in takers}
            for column in takers:
                widths[column] += extra[column]
            widths[takers[-1]] += rest - sum(extra.values())
        return widths

    # ---------------------------------------------------------------- what a person has arranged

    def _title(self, column: int) -> str:
        return str(self._view.model().headerData(column, self._header.orientation(), DISPLAY))

    def _resized(self, column: int, _before: int, width: int) -> None:
        if not self._is_fitting and width:
            self._dragged[self._title(column)] = 100 * width / self._appearance.scale
            self._remember()
            self.plan()

    def _give_back(self, column: int) -> None:
        self._dragged.pop(self._title(column), None)
        self._remember()
        self.plan()

    def _remember(self) -> None:
        count = self._header.count()
        order = [self._title(self._header.logicalIndex(place)) for place in range(count)]
        is_moved = order != [self._title(column) for column in range(count)]
        if not self._is_fitting:
            kept = {"widths": self._dragged, "order": order if is_moved else []}
            self._appearance.tables[self._view.accessibleName()] = json.dumps(kept)

    def _restore(self) -> None:
        kept = _read(self._appearance.tables.get(self._view.accessibleName(), ""))
        titles = [self._title(column) for column in range(self._header.count())]
        widths, order = kept.get("widths"), kept.get("order")
        if isinstance(widths, dict):
            self._dragged = {t: w for t, w in widths.items() if t in titles and isinstance(w, int | float) and w > 0}
        if isinstance(order, list) and sorted(map(str, order)) == sorted(titles):
            for place, title in enumerate(order):
                self._header.moveSection(self._header.visualIndex(titles.index(title)), place)


def _read(text: str) -> dict[str, Any]:
    """What was kept of a table; nothing of what is no longer understood."""
    try:
        kept = json.loads(text or "{}")
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}
