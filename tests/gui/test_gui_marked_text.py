"""Markdown in the type scale of the pages."""

from PySide6.QtGui import QTextTable
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.gui.look.marked_text import CARD_SIZES, MarkedText
from pumpwatch_gui.gui.look.theme import Appearance

TEXT = """# Pump `P-101`

Words with <b>no</b> HTML.

## Trained on
- a list

### Deeper
#### Deepest

| You see | It means |
|---|---|
| ? | no value |
"""


def sizes(view: MarkedText) -> dict[str, int]:
    """The size of the letters of every heading, px."""
    found, block = {}, view.document().begin()
    while block.isValid():
        if block.blockFormat().headingLevel():
            (size,) = {part.format.font().pixelSize() for part in block.textFormats() if part.length}
            found[block.text()] = size
        block = block.next()
    return found


def test_headings_have_the_sizes_of_the_pages_and_follow_the_size_of_the_text(qapp: QApplication) -> None:
    appearance = Appearance()
    view = MarkedText(appearance, "Text")
    view.show_text(TEXT)
    assert sizes(view) == {"Pump P-101": 18, "Trained on": 15, "Deeper": 13, "Deepest": 13}
    appearance.set_scale(150)
    assert sizes(view) == {"Pump P-101": 27, "Trained on": 22, "Deeper": 20, "Deepest": 20}
    card = MarkedText(Appearance(), "Card", CARD_SIZES)
    card.show_text(TEXT)
    assert sizes(card) == {"Pump P-101": 14, "Trained on": 13, "Deeper": 13, "Deepest": 13}


def test_tables_are_tables_and_html_is_text(qapp: QApplication) -> None:
    view = MarkedText(Appearance(), "Text")
    view.show_text(TEXT)
    assert "<b>no</b>" in view.toPlainText()
    tables = [frame for frame in view.document().rootFrame().childFrames() if isinstance(frame, QTextTable)]
    assert [(table.rows(), table.columns()) for table in tables] == [(2, 2)]


def test_a_long_text_is_shown_from_its_beginning(qapp: QApplication) -> None:
    view = MarkedText(Appearance(), "Help text")
    view.resize(400, 200)
    view.show()
    view.show_text((shipped("resources") / "help" / "overview.md").read_text("utf-8"))
    QApplication.processEvents()
    assert view.verticalScrollBar().maximum() > 0
    assert view.verticalScrollBar().value() == 0
