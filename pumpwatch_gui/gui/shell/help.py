"""Help: one page of text for each page of the program, from `resources/help/`."""

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QWidget

from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.gui.look.layout import vbox
from pumpwatch_gui.gui.look.theme import Appearance


class HelpDialog(QDialog):
    """Shows `resources/help/TOPIC.md`; a topic without a page shows the overview's."""

    def __init__(self, appearance: Appearance, topic: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("PumpWatch help")
        self.resize(appearance.px(720), appearance.px(620))
        self.browser = QTextBrowser()
        self.browser.setAccessibleName("Help text")
        self.browser.setOpenExternalLinks(False)
        self.browser.setMarkdown(help_text(topic))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setAccessibleName("Close help")
        buttons.rejected.connect(self.reject)
        vbox((self.browser, 1), buttons, parent=self, margin=9)


def help_text(topic: str) -> str:
    """The Markdown of a topic, or of the overview where there is none."""
    folder = shipped("resources") / "help"
    page = folder / f"{topic}.md"
    return (page if page.is_file() else folder / "overview.md").read_text("utf-8")
