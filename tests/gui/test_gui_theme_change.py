"""A change of colours or of the size of text reaches what is shown at once, and what is hidden when it is shown."""

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QWidget
from typing_extensions import override

from pumpwatch_gui.gui.look.theme import SCALES
from pumpwatch_gui.gui.look.widgets import Question, ask_first
from pumpwatch_gui.gui.shell.entries import DIALOGS
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SCENES
from tests.gui.parts import dialog_of


class Polished(QObject):
    """Counts the widgets that are given a new style."""

    def __init__(self) -> None:
        super().__init__()
        self.widgets: list[QWidget] = []

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.StyleChange and isinstance(watched, QWidget):
            self.widgets.append(watched)
        return False


def every_page(window: MainWindow) -> None:
    """Build and show each page once."""
    for key in window.pages:
        window.open_page(key)
        QApplication.processEvents()


def test_only_what_is_shown_is_polished(open_window: OpenWindow) -> None:
    window = open_window(12, scenes=SCENES)
    every_page(window)
    window.open_page("overview")
    application, polished = QApplication.instance(), Polished()
    assert isinstance(application, QApplication)
    assert application.styleSheet() == ""
    application.installEventFilter(polished)
    window.appearance.toggle_day()
    application.removeEventFilter(polished)
    hidden = [w for key in window.pages if key != "overview" for w in window.page(key).findChildren(QWidget)]
    assert len(hidden) > 400
    assert not set(polished.widgets) & set(hidden)
    assert set(polished.widgets) & set(window.page("overview").findChildren(QWidget))
    window.appearance.toggle_day()


@pytest.mark.parametrize("key", ["alarms", "devices", "system"])
def test_a_page_that_was_hidden_has_the_new_colours_when_it_is_shown(open_window: OpenWindow, key: str) -> None:
    window = open_window(3, scenes=SCENES)
    every_page(window)
    window.open_page("overview")
    window.appearance.set_theme("light")
    window.open_page(key)
    QApplication.processEvents()
    strong = window.appearance.theme.strong.casefold()
    heading = next(w for w in window.page(key).findChildren(QLabel) if w.property("role") == "heading")
    assert heading.palette().windowText().color().name() == strong
    window.appearance.set_theme("dark")


@pytest.mark.parametrize("entry", DIALOGS, ids=lambda entry: entry.key)
def test_an_open_dialog_changes_with_the_window(open_window: OpenWindow, entry: object) -> None:
    window = open_window(3)
    dialog = dialog_of(window, QDialog, getattr(entry, "key", ""), "P-101")
    for theme in ("light", "dark"):
        window.appearance.set_theme(theme)
        assert window.appearance.theme.background in dialog.styleSheet()
    dialog.close()


def test_a_question_above_a_page_has_its_style(open_window: OpenWindow) -> None:
    window = open_window(3)
    page = window.page(window.current)
    above = ask_first(page, Question("a", "b", yes="c", no="d"), lambda: None)
    assert above.style().metaObject().className() == page.style().metaObject().className()
    above.close()


def test_every_size_of_text_changes_what_is_shown_and_what_is_hidden(open_window: OpenWindow) -> None:
    window = open_window(3, scenes=SCENES)
    every_page(window)
    for scale in (*SCALES[1:], SCALES[0]):
        window.appearance.set_scale(scale)
        for key in ("system", "events"):
            window.open_page(key)
            QApplication.processEvents()
            heading = next(w for w in window.page(key).findChildren(QLabel) if w.property("role") == "heading")
            assert heading.font().pixelSize() == window.appearance.px(14)
            assert QFontMetrics(heading.font()).height() <= heading.height()
