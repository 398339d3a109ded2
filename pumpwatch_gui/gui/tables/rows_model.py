"""Item models: rows of values shown in a table."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont, QGuiApplication, QIcon
from typing_extensions import override

from pumpwatch_gui.gui.look.widgets import plain_tip
from pumpwatch_gui.gui.tables.text_order import number_order, text_order

T = TypeVar("T")
MANY = 100
"""Rows that come and go one by one cost Qt some work each; so many are shown as a new table."""
Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
DISPLAY, DECORATION = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.DecorationRole
_ROLES = Qt.ItemDataRole
_DISPLAY, _ICON, _TIP, _ALIGNMENT, _FONT, _COLOUR = _ANSWERED = tuple(
    map(
        int,
        (DISPLAY, DECORATION, _ROLES.ToolTipRole, _ROLES.TextAlignmentRole, _ROLES.FontRole, _ROLES.ForegroundRole),
    )
)


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column: its title, the text of a row in it, and its alignment.

    It is as wide as its text, which is never cut: an id, a number, a state. Words that may be long have it `elided`;
    the tool tip then says them whole. A column to `spare` is hidden where there is no room for all. `sort` is what rows
    are sorted by where their text does not say it (see `text_order.py`); None for what comes last in any order.
    `strong` is the font of a row that must be seen first; None for the usual one. Where `group` is given, rows that are
    in the order of this column, or as given, are divided by it, and `brief` is what is then painted of the text.
    A text is dim where `is_dim` says so, such as a count of faults that is zero.
    `kept` is what of a text is never cut, from and to, in a table without divided rows (see `gui/look/cut_text.py`).
    """

    title: str
    text: Callable[[T], str]
    right: bool = False
    icon: Callable[[T], QIcon | None] | None = None
    tip: Callable[[T], str] | None = None
    elided: bool = False
    spare: bool = False
    sort: Callable[[T], Any] | None = None
    strong: Callable[[T], QFont | None] | None = None
    group: Callable[[T], str] | None = None
    brief: Callable[[T], str] | None = None
    kept: Callable[[T], tuple[int, int]] | None = None
    is_dim: Callable[[T], bool] | None = None

    def order_of(self, row: T) -> Any:
        """What a row is sorted by."""
        if self.sort is not None:
            return self.sort(row)
        return number_order(self.text(row)) if self.right else text_order(self.text(row))

    def tip_of(self, row: T) -> str:
        """What the tool tip of a row says; "" for none."""
        tip, text = self.tip(row) if self.tip else "", self.text(row) if self.elided else ""
        return tip if text in tip else "\n".join(words for words in (text, tip) if words)


class RowsModel(QAbstractTableModel, Generic[T]):
    """A table of equal rows. `key` says what a row is about: what is selected is that, wherever its row goes.

    `show_rows` replaces the rows; `prepend` and `append` keep the view where it is. `rows` are those of the table in
    its order, `given` the same in the order in which they were given. `on_screen` gives the places of the rows that can
    be seen: what a row says is compared for these alone, so that rows may be thousands and make their words late.
    """

    def __init__(self, columns: Sequence[Column[T]], *, key: Callable[[T], Hashable]) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.rows: list[T] = []
        self._key = key
        self._given: list[T] | None = None
        self._sorted_by, self._is_descending = -1, False
        self._orders: dict[tuple[Hashable, int], Any] = {}
        self.on_screen: Callable[[], range] = lambda: range(len(self.rows))

    @property
    def given(self) -> list[T]:
        """The rows in the order in which they were given."""
        return self.rows if self._given is None else self._given

    @property
    def is_sorted(self) -> bool:
        """Whether a person has sorted the rows by a column."""
        return self._given is not None

    @property
    def divided(self) -> int:
        """The column by which the rows are divided in their present order, -1 without one."""
        columns = range(len(self.columns)) if self._given is None else (self._sorted_by,)
        return next((c for c in columns if self.columns[c].group is not None), -1)

    def groups(self) -> Iterable[str]:
        """What the group of each row is called, in the order of the rows; "" where they are not divided."""
        group = self.columns[self.divided].group if self.divided >= 0 else None
        return map(group, self.rows) if group is not None else ("" for _ in self.rows)

    def painted(self, column: int) -> Callable[[T], str]:
        """What is painted of a row in a column: its text, without what a divider says."""
        own = self.columns[column]
        return own.brief if own.brief is not None and column == self.divided else own.text

    def place_of(self, key: Hashable) -> int:
        """The place of the row about something, -1 without one."""
        return next((i for i, row in enumerate(self.rows) if self._key(row) == key), -1)

    @override
    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by what a column says now; -1: as given. No row moves later because what it says has changed."""
        given = self.given
        self._sorted_by, self._is_descending = column, order is Qt.SortOrder.DescendingOrder
        self._orders = {}
        self._given = list(given) if column >= 0 else None
        self._show(self._in_order(given))

    def _in_order(self, rows: Sequence[T]) -> Sequence[T]:
        """The rows as they are shown. One that was there keeps the order it has got."""
        if self._given is None:
            return rows
        column, keys = self.columns[self._sorted_by], self._keys(rows)
        orders = {
            key: self._orders[key] if key in self._orders else column.order_of(row)
            for key, row in zip(keys, rows, strict=True)
        }
        self._orders = orders
        known = [i for i, key in enumerate(keys) if orders[key] is not None]
        known.sort(key=lambda i: orders[keys[i]], reverse=self._is_descending)
        return [rows[i] for i in (*known, *(i for i, key in enumerate(keys) if orders[key] is None))]

    def row_at(self, index: Index) -> T | None:
        """The row of an index, None for one of no row: what an act on the selection must ask for."""
        return self.rows[index.row()] if index.isValid() and index.row() < len(self.rows) else None

    def show_rows(self, rows: Sequence[T]) -> None:
        """Show these rows, in this order or sorted. One that stays keeps its selection; with one that goes it ends."""
        if self._given is not None:
            self._given = list(rows)
        self._show(self._in_order(rows))

    def _show(self, rows: Sequence[T]) -> None:
        old, new = self._keys(self.rows), self._keys(rows)
        if old == new:
            self._take(rows)
            return
        staying = set(old) & set(new)
        if len(old) == len(new) == len(staying):
            self._rearrange(old, new, rows)
            return
        many = len(old) + len(new) - 2 * len(staying) > MANY
        if not staying or (many and not self.persistentIndexList()):  # nothing is selected that a reset would drop
            self.beginResetModel()
            self.rows = list(rows)
            self.endResetModel()
            return
        for i in reversed([i for i, key in enumerate(old) if key not in staying]):
            self.beginRemoveRows(_ROOT, i, i)
            del self.rows[i], old[i]
            self.endRemoveRows()
        for i, (key, row) in enumerate(zip(new, rows, strict=True)):
            if key not in staying:
                self.beginInsertRows(_ROOT, i, i)
                self.rows.insert(i, row)
                old.insert(i, key)
                self.endInsertRows()
            elif old[i] != key:
                before = old.index(key, i)
                self.beginMoveRows(_ROOT, before, before, _ROOT, i)
                self.rows.insert(i, self.rows.pop(before))
                old.insert(i, old.pop(before))
                self.endMoveRows()
        self._take(rows)

    def _take(self, rows: Sequence[T]) -> None:
        """Take over the same rows in the same order, which may say something else."""
        before, self.rows = self.rows, list(rows)
        changed = [i for i in self.on_screen() if i < len(rows) and before[i] != rows[i]]
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(self.columns) - 1))

    def _rearrange(self, old: list[tuple[Hashable, int]], new: list[tuple[Hashable, int]], rows: Sequence[T]) -> None:
        """The same rows in another order, at once."""
        self.layoutAboutToBeChanged.emit()
        places = {key: i for i, key in enumerate(new)}
        before = self.persistentIndexList()
        after = [self.index(places[old[index.row()]], index.column()) for index in before]
        self.rows = list(rows)
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _keys(self, rows: Sequence[T]) -> list[tuple[Hashable, int]]:
        """The key of each row, with how often it came before."""
        plain = [self._key(row) for row in rows]
        if len(set(plain)) == len(plain):
            return [(key, 0) for key in plain]
        seen = Counter[Hashable]()
        keys = []
        for key in plain:
            keys.append((key, seen[key]))
            seen[key] += 1
        return keys

    def prepend(self, rows: Sequence[T]) -> None:
        """Put rows before the first."""
        if self._given is not None:
            self.show_rows([*rows, *self._given])
        elif rows:
            self.beginInsertRows(_ROOT, 0, len(rows) - 1)
            self.rows[:0] = rows
            self.endInsertRows()

    def append(self, rows: Sequence[T]) -> None:
        """Put rows behind the last."""
        if self._given is not None:
            self.show_rows([*self._given, *rows])
        elif rows:
            self.beginInsertRows(_ROOT, len(self.rows), len(self.rows) + len(rows) - 1)
            self.rows += rows
            self.endInsertRows()

    def keep_last(self, count: int) -> None:
        """Take out the first rows until `count` are left."""
        if self._given is not None:
            self.show_rows(self._given[-count:])
            return
        surplus = len(self.rows) - count
        if surplus > 0:
            self.beginRemoveRows(_ROOT, 0, surplus - 1)
            del self.rows[:surplus]
            self.endRemoveRows()

    @override
    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    @override
    def columnCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.columns)

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        return _alignment(self.columns[section]) if role == Qt.ItemDataRole.TextAlignmentRole else None

    @override
    def data(self, index: Index, role: int = 0) -> Any:
        # Qt asks for a dozen roles of each cell that it paints; most of them are not answered, and that must be quick.
        if role not in _ANSWERED or not index.isValid() or index.row() >= len(self.rows):
            return None
        column, row = self.columns[index.column()], self.rows[index.row()]
        if role == _DISPLAY:
            return column.text(row)
        if role == _ALIGNMENT:
            return _alignment(column)
        if role == _ICON:
            return column.icon(row) if column.icon else None
        if role == _FONT:
            return column.strong(row) if column.strong else None
        if role == _COLOUR:
            is_dim = column.is_dim is not None and column.is_dim(row)
            return QGuiApplication.palette().placeholderText() if is_dim else None
        return plain_tip(column.tip_of(row)) or None


def _alignment(column: Column[Any]) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
