"""Help: one text for each page and dialog of the program, from `resources/help/`, with a list of all and a search."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QWidget

from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.marked_text import MarkedText
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.widgets import button

LIST_PX = 210
TOPIC = Qt.ItemDataRole.UserRole


class HelpDialog(QDialog):
    """Opens at `resources/help/TOPIC.md`. The list has every topic, or those in which all words of the search are."""

    def __init__(self, appearance: Appearance, topic: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        resize_within_screen(self, appearance.px(960), appearance.px(680))
        self.browser = MarkedText(appearance, "Help text")
        self.search, self.topics = QLineEdit(), QListWidget()
        self.search.setPlaceholderText("Search in help (Ctrl+F)")
        self.search.setAccessibleName("Search in help")
        self.topics.setAccessibleName("Topics")
        for part in (self.search, self.topics):
            part.setFixedWidth(appearance.px(LIST_PX))
        texts = {key: help_text(key) for key in topic_keys()}
        self._words = {key: text.casefold() for key, text in texts.items()}
        for key, text in sorted(texts.items(), key=lambda pair: pair[1]):
            item = QListWidgetItem(text.partition("\n")[0].removeprefix("# "), self.topics)
            item.setData(TOPIC, key)
        self.topics.currentItemChanged.connect(lambda item, _: self._show(item))
        self.search.textChanged.connect(self._find)
        shortcut = QShortcut(QKeySequence.StandardKey.Find, self)
        shortcut.activated.connect(self.search.setFocus)
        close = button("Close", "Close help", self.reject)
        close.setAutoDefault(False)
        contents = vbox(self.search, (self.topics, 1))
        vbox((hbox(contents, (self.browser, 1), spacing=12), 1), hbox(None, close), parent=self, margin=16, spacing=12)
        self.open_topic(topic)
        self.browser.setFocus()

    def _items(self) -> list[QListWidgetItem]:
        return [self.topics.item(row) for row in range(self.topics.count())]

    def open_topic(self, topic: str) -> None:
        """Turn to a topic, which is the key of a page or dialog; KeyError for another."""
        self.topics.setCurrentItem({item.data(TOPIC): item for item in self._items()}[topic])

    def _show(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.browser.show_text(help_text(item.data(TOPIC)))

    def _find(self, typed: str) -> None:
        words = typed.casefold().split()
        found = []
        for item in self._items():
            is_found = all(word in self._words[item.data(TOPIC)] for word in words)
            item.setHidden(not is_found)
            found += [item] if is_found else []
        if found and self.topics.currentItem() not in found:
            self.topics.setCurrentItem(found[0])


def topic_keys() -> tuple[str, ...]:
    """The keys of all topics: those of the pages and dialogs."""
    return tuple(path.stem for path in (shipped("resources") / "help").glob("*.md"))


def help_text(topic: str) -> str:
    """The Markdown of a topic, which is the key of a page or dialog. Raises FileNotFoundError."""
    return (shipped("resources") / "help" / f"{topic}.md").read_text("utf-8")
