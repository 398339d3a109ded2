"""The pens as a table: values now or at the cursors, differences, statistics of the view."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QKeyEvent, QPainter, QPixmap
from typing_extensions import override

from pumpwatch_gui.domain.wording import number
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.time_view import TimeView
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView
from pumpwatch_gui.gui.trends.paint_plot import pen_mark
from pumpwatch_gui.gui.trends.pens import PenFacts, shift_words
from pumpwatch_gui.gui.trends.points import (
    NO_CURSORS,
    NO_STATISTICS,
    NOTHING,
    BetweenCursors,
    Points,
    Statistics,
    between_cursors,
    statistics,
)

MARK_PX = (38, 16)


@dataclass(frozen=True, slots=True)
class PenRow:
    """One pen as the table shows it. `value` is that of now, or at the end of a view that is not live."""

    facts: PenFacts
    value: float = nan
    cursors: BetweenCursors = NO_CURSORS
    view: Statistics = NO_STATISTICS

    def text(self, value: float, *, extra: int = 0) -> str:
        """A value with the decimals of the quantity and `extra` more; "" for none."""
        if not isfinite(value):
            return ""
        return number(value, min(self.facts.sensor.decimals + extra, 6)) if extra else self.facts.text_of(value)

    @property
    def mean(self) -> str:
        """The mean of the view, marked as near where it is of means."""
        words = self.text(self.view.mean, extra=1)
        return f"≈ {words}" if words and self.view.is_thinned else words

    @property
    def std(self) -> str:
        """The standard deviation; of thinned points no more than a lower bound of it."""
        words = self.text(self.view.std, extra=2)
        return f"≥ {words}" if words and self.view.is_thinned else words

    @property
    def good(self) -> str:
        """The share of the view that has values."""
        return f"{number(100 * self.view.good, 1)} %" if isfinite(self.view.good) else ""

    @property
    def state(self) -> str:
        """What is to be known of the pen besides its values."""
        return "" if not self.facts.is_known else "hidden" if not self.facts.pen.is_visible else "shown"


def cursor_words(a_s: float | None, b_s: float | None) -> str:
    """How far apart the cursors are (Unix seconds), or how one is placed."""
    if a_s is None:
        return "Click places cursor A, Shift and click cursor B" if b_s is None else "Click places cursor A"
    return "Shift and click places cursor B" if b_s is None else f"B − A = {number(b_s - a_s, 1)} s"


def pen_rows(
    facts: Sequence[PenFacts], points: Mapping[tuple[str, str, float], Points], view: TimeView,
    cursors: tuple[float | None, float | None], *, near_s: float,
) -> list[PenRow]:  # fmt: skip
    """A row a pen: its values at the end of the view and at the cursors, where one is near, and its statistics."""
    own = [(one, points.get(one.pen.key, NOTHING)) for one in facts]
    return [
        PenRow(
            one, its.value_at(view.end_s, near_s), between_cursors(its, *cursors, near_s),
            statistics(its, view.start_s, view.end_s),
        )
        for one, its in own
    ]  # fmt: skip


class PenTable(TableView):
    """The pens. Space shows or hides the chosen one, Delete removes it."""

    def __init__(self, appearance: Appearance, *, on_toggle: Callable[[], None], on_remove: Callable[[], None]) -> None:
        self._icons: dict[tuple[str, int, int, int], QIcon] = {}
        self.pens: RowsModel[PenRow] = RowsModel(self._columns(), key=lambda row: row.facts.pen.key)
        super().__init__(appearance, self.pens, "Pens")
        self._on_toggle, self._on_remove = on_toggle, on_remove
        self.setIconSize(QSize(*map(appearance.px, MARK_PX)))

    def _columns(self) -> list[Column[PenRow]]:
        def pen(row: PenRow) -> str:
            return row.facts.sensor.label + ("" if row.facts.is_known else " (not in this site)")

        return [
            Column("Pen", lambda r: str(r.facts.place + 1), icon=self._icon, sort=lambda r: r.facts.place),
            Column("Pump", lambda r: r.facts.pen.pump_id + shift_words(r.facts.pen.shift_s)),
            Column("Quantity", pen, tip=lambda r: r.facts.pen.tag, elided=True),
            Column("Unit", lambda r: r.facts.unit),
            Column("Value", lambda r: r.text(r.value), right=True),
            Column("At A", lambda r: r.text(r.cursors.at_a), right=True),
            Column("At B", lambda r: r.text(r.cursors.at_b), right=True),
            Column("B − A", lambda r: r.text(r.cursors.difference, extra=1), right=True),
            Column("Per hour", lambda r: r.text(r.cursors.per_hour, extra=2), right=True, spare=True),
            Column("Lowest", lambda r: r.text(r.view.low), right=True),
            Column("Mean", lambda r: r.mean, right=True),
            Column("Highest", lambda r: r.text(r.view.high), right=True),
            Column("Std. dev.", lambda r: r.std, right=True, spare=True,
                   tip=lambda r: "of thinned points: at least" if r.view.is_thinned else ""),
            Column("Good", lambda r: r.good, right=True, tip=lambda _: "share of the time that has values"),
            Column("State", lambda r: r.state, spare=True),
        ]  # fmt: skip

    @property
    def chosen_pen(self) -> PenFacts | None:
        """The pen whose row a person has selected."""
        row = self.pens.row_at(self.chosen)
        return row.facts if row is not None else None

    def _icon(self, row: PenRow) -> QIcon:
        appearance = self._appearance
        key = (appearance.theme.name, appearance.scale, row.facts.place, row.facts.hue)
        if key not in self._icons:
            width, height = map(appearance.px, MARK_PX)
            pixmap = QPixmap(width, height)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            pen_mark(painter, appearance, QRectF(2, 0, width - 4, height), row.facts)
            painter.end()
            self._icons[key] = QIcon(pixmap)
            self._icons[key].addPixmap(pixmap, QIcon.Mode.Selected)  # or Qt draws it grey in the chosen row
        return self._icons[key]

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See the class."""
        key = Qt.Key(event.key())
        if key is Qt.Key.Key_Space:
            self._on_toggle()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._on_remove()
        else:
            super().keyPressEvent(event)

    @override
    def _fit(self) -> None:
        super()._fit()
        self.verticalHeader().setDefaultSectionSize(self._appearance.px(26))
        self.setIconSize(QSize(*map(self._appearance.px, MARK_PX)))
