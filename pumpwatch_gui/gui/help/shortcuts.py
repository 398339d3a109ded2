"""The list of keys, made from the window's own commands."""

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QWidget

from pumpwatch_gui.gui.look.layout import resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import button
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

ON_PAGES = (
    ("Move between tiles, rows and sensors", "Arrow keys"),
    ("Open what is chosen", "Enter"),
    ("Acknowledge the chosen alarm (Pump, Alarms)", "Ctrl+Enter"),
    ("Acknowledge what is on the screen; with a note (Alarms)", "Ctrl+F10; Ctrl+Shift+Enter"),
    ("Show the new alarms, end the selection (Alarms)", "Ctrl+Home; Escape"),
    ("Find pumps (Overview), a setting (Settings)", "Ctrl+F"),
    ("Close a page in its own window", "Ctrl+W"),
    ("Shelve the chosen alarm (Alarms)", "Ctrl+H"),
    ("New, assign, note, resolve, reopen (Maintenance)", "Ctrl+N, Ctrl+G, Ctrl+J, Ctrl+R, Ctrl+Shift+R"),
    ("Open, close a pump (Alarms, By pump)", "Right, Left"),
    ("Pause or resume the live trends", "Space"),
    ("Back in time, forward in time", "[  ]"),
)


class ShortcutsDialog(QDialog):
    """Every command with its key."""

    def __init__(self, context: PageContext, _pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        resize_within_screen(self, context.appearance.px(520), context.appearance.px(620))
        rows = [
            (action.text(), ", ".join(key.toString() for key in action.shortcuts()))
            for action in (parent.actions() if parent else [])
            if action.shortcuts()
        ]
        columns = [
            Column[tuple[str, str]]("Command", lambda r: r[0], elided=True),
            Column[tuple[str, str]]("Key", lambda r: r[1]),
        ]
        self.model = RowsModel[tuple[str, str]](columns, key=lambda r: r)
        self.model.show_rows([*rows, *ON_PAGES])
        box = QDialogButtonBox()
        box.addButton(button("Close", "Close", self.reject), QDialogButtonBox.ButtonRole.RejectRole)
        table = TableView(context.appearance, self.model, "Keys", many=True)
        vbox((table, 1), box, parent=self, margin=16)
