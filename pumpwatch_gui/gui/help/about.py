"""About: versions and licences, ready to copy."""

from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QPlainTextEdit, QWidget

from pumpwatch_gui import __version__
from pumpwatch_gui.gui.help.diagnostics import diagnostics
from pumpwatch_gui.gui.look.layout import resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import button, label
from pumpwatch_gui.gui.shell.page import PageContext


class AboutDialog(QDialog):
    """What runs here, under which licences."""

    def __init__(self, context: PageContext, _pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        resize_within_screen(self, context.appearance.px(620), context.appearance.px(440))
        self.text = QPlainTextEdit(diagnostics(context))
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Versions and links")
        box = QDialogButtonBox()
        role = QDialogButtonBox.ButtonRole
        box.addButton(button("Copy diagnostics", "Copy versions and links", self.copy), role.ActionRole)
        box.addButton(button("Close", "Close", self.reject), role.RejectRole)
        licences = label("Apache-2.0. Font Inter: Open Font License. Qt for Python: LGPL-3.0.", "dim")
        vbox(label(f"PumpWatch {__version__}", "title"), licences, (self.text, 1), box, parent=self, margin=16)

    def copy(self) -> None:
        """Put the text on the clipboard."""
        QApplication.clipboard().setText(self.text.toPlainText())
