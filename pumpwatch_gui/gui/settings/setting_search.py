"""Finds a setting by its words, and leads to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QScrollArea, QWidget
from typing_extensions import override

from pumpwatch_gui.gui.look.layout import vbox
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.palette.matching import best

MOST = 12
SHOWN_ROWS = 6


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: where it is (`P-101 link 1`), its name, more words that it is found by, and its field, once shown.

    `show` turns to the place and gives the field.
    """

    place: str
    name: str
    more: str
    show: Callable[[], QWidget]

    @property
    def words(self) -> str:
        """As it is listed."""
        return f"{self.place} · {self.name}"


class SettingSearch(QWidget):
    """A field, and below it what was found while something is typed. Enter leads to the first or to the chosen one."""

    def __init__(self, appearance: Appearance, settings: Callable[[], Iterable[Setting]]) -> None:
        super().__init__()
        self._settings = settings
        self.found: list[Setting] = []
        self.field, self.list = QLineEdit(), QListWidget()
        self.field.setPlaceholderText("Find a setting (Ctrl+F)")
        self.field.setAccessibleName("Find a setting")
        self.field.setClearButtonEnabled(True)
        self.list.setAccessibleName("Settings found")
        self.list.setFixedHeight(appearance.px(28 * SHOWN_ROWS))
        self.list.hide()
        vbox(self.field, self.list, parent=self, spacing=4)
        self.field.textChanged.connect(self._find)
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(lambda _: self.lead())

    def _find(self, typed: str) -> None:
        self.list.clear()
        self.found = best(typed, self._settings(), lambda s: f"{s.name} {s.place} {s.more}", most=MOST) if typed else []
        self.list.addItems([setting.words for setting in self.found] or ["No setting is called so"])
        self.list.setCurrentRow(0)
        self.list.setVisible(bool(typed))
        self._say()

    def _say(self) -> None:
        at, many = self.list.currentRow(), len(self.found)
        words = f"{self.found[at].words}, {at + 1} of {many}" if 0 <= at < many else "nothing found"
        self.field.setAccessibleDescription(words if self.field.text() else "")

    def lead(self) -> None:
        """Turn to the chosen setting and give its field the keyboard."""
        at = self.list.currentRow()
        if 0 <= at < len(self.found):
            setting = self.found[at]
            self.field.clear()
            target = setting.show()
            reveal(target)
            target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move the choice, Enter leads to it, Escape ends the search; the rest is typed."""
        if watched is not self.field or not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is not None and self.found:
            self.list.setCurrentRow(max(0, min(self.list.currentRow() + step, len(self.found) - 1)))
            self._say()
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.lead()
            return True
        if event.key() == Qt.Key.Key_Escape and self.field.text():
            self.field.clear()
            return True
        return super().eventFilter(watched, event)


def reveal(target: QWidget) -> None:
    """Scroll whatever a field lies in until it is seen."""
    parent = target.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(target)
        parent = parent.parentWidget()
