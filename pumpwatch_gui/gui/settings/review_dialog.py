"""What is about to be saved, one setting a row: as it is now and as it will be."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QDialog, QWidget

from pumpwatch_gui.commissioning.pumps.edit_site import ShownChange
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.widgets import button, label
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView


class ReviewDialog(QDialog):
    """Save does what was asked for, Escape goes back to the fields; nothing waits for the answer."""

    def __init__(
        self, appearance: Appearance, changes: Sequence[ShownChange], on_save: Callable[[], object], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Save these changes?")
        many = "1 setting changes" if len(changes) == 1 else f"{len(changes)} settings change"
        self.changes: RowsModel[ShownChange] = RowsModel(_columns(), key=lambda c: c.what)
        self.changes.show_rows(changes)
        self.view = TableView(appearance, self.changes, "Changes that will be saved")
        self.save_button = button("Save", "Save these changes", self.accept)
        self.save_button.setDefault(True)
        back = button("Go on editing", "Back to the settings; nothing is saved", self.reject)
        foot = hbox(label("The old site file is kept.", "dim"), None, self.save_button, back)
        vbox(label(many, "heading"), (self.view, 1), foot, parent=self, margin=16, spacing=12)
        resize_within_screen(self, appearance.px(720), appearance.px(min(180 + 30 * len(changes), 560)))
        self.accepted.connect(on_save)
        self.save_button.setFocus()


def _columns() -> list[Column[ShownChange]]:
    return [
        Column("Setting", lambda c: c.what),
        Column("Now", lambda c: c.before or "–", elided=True),
        Column("After saving", lambda c: c.after or "–", elided=True),
    ]
