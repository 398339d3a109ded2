"""Markdown in the type scale of the pages: Qt's own headings are as large as those of a web page."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextBlock, QTextCursor, QTextDocument, QTextFormat
from PySide6.QtWidgets import QTextBrowser

from pumpwatch_gui.gui.look.theme import STRONG, Appearance

PAGE_SIZES, CARD_SIZES = (18, 15, 13), (14, 13)
"""Of the headings of each level, px at 100 %; deeper ones are like the last."""
_FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML


class MarkedText(QTextBrowser):
    """Shows Markdown; links are not followed, and nothing in it is taken for HTML."""

    def __init__(self, appearance: Appearance, name: str, sizes: Sequence[int] = PAGE_SIZES) -> None:
        super().__init__()
        self._appearance, self._sizes, self._markdown = appearance, sizes, ""
        self.setAccessibleName(name)
        self.setOpenLinks(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        appearance.changed.connect(self._lay_out)

    def show_text(self, markdown: str) -> None:
        """Show this instead, from its beginning."""
        if markdown != self._markdown:
            self._markdown = markdown
            self._lay_out()

    def _lay_out(self) -> None:
        px = self._appearance.px
        fill(self.document(), self._markdown, sizes=[px(size) for size in self._sizes], above=px(10))
        self.moveCursor(QTextCursor.MoveOperation.Start)


def fill(document: QTextDocument, markdown: str, *, sizes: Sequence[int], above: int) -> None:
    """Put Markdown into a document, its headings of these sizes with so much room above them, px."""
    document.setMarkdown(markdown, _FEATURES)
    block = document.begin()
    while block.isValid():
        if level := block.blockFormat().headingLevel():
            _set_heading(block, sizes[min(level, len(sizes)) - 1], above if block.position() else 0)
        block = block.next()


def _set_heading(block: QTextBlock, size: int, above: int) -> None:
    cursor, form = QTextCursor(block), block.blockFormat()
    form.setTopMargin(above)
    cursor.setBlockFormat(form)
    cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
    font = cursor.charFormat()
    font.clearProperty(QTextFormat.Property.FontSizeAdjustment)  # while it is there no other size counts
    font.setProperty(QTextFormat.Property.FontPixelSize, size)
    font.setFontWeight(STRONG)
    cursor.setCharFormat(font)
