"""The register maps there are: shipped templates and user maps; their points, import, export."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QListWidget, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.pumps.user_maps import all_maps, export_map, imported_map, read_user_map
from pumpwatch_gui.domain.commands import ChangeSite
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.links.register_map import Point, RegisterMap
from pumpwatch_gui.domain.site_changes import SaveRegisterMap
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

USUAL = "generic"
"""The map that is chosen where nothing was."""


class MapsPanel(QWidget):
    """The maps at the left, the points of the chosen one at the right. `chosen` carries its name."""

    chosen = Signal(str)

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.context = context
        self.names: tuple[str, ...] = ()
        self.map: RegisterMap | None = None
        self.points: RowsModel[Point] = RowsModel(point_columns())
        self.list = QListWidget()
        self.list.setAccessibleName("Register maps")
        self.list.currentRowChanged.connect(self._choose)
        widths = {0: 178, 1: 64, 2: 46, 3: 68, 4: 60, 5: 54}
        self.view = TableView(context.appearance, self.points, "Points of the register map", widths=widths, stretch=6)
        self.head = StatusText()
        files = hbox(
            button("Import…", "Import a register map from a file", self._choose_import),
            button("Export…", "Export the chosen register map to a file", self._choose_export), spacing=6,
        )  # fmt: skip
        left, right = vbox((self.list, 1), files), vbox(self.head, (self.view, 1))
        hbox((left, 2), (right, 5), parent=self, margin=12, spacing=12)

    @property
    def folder(self) -> Path:
        """The folder of the site file."""
        return self.context.station.site().folder or self.context.site_file.parent

    @property
    def name(self) -> str:
        """The chosen map, as a link names it."""
        at = self.list.currentRow()
        return self.names[at] if 0 <= at < len(self.names) else ""

    def reload(self, choose: str = "") -> None:
        """List the maps again and choose `choose`, else the one before."""
        folder, wanted = self.folder, choose or self.name
        self.context.ask(lambda: all_maps(folder), partial(self._listed, wanted), self._failed)

    def _listed(self, wanted: str, names: tuple[str, ...]) -> None:
        if names != self.names:
            self.names = names
            self.list.blockSignals(True)
            self.list.clear()
            self.list.addItems([n if "/" in n else f"{n}  (shipped)" for n in names])
            self.list.blockSignals(False)
        self.list.setCurrentRow(next((names.index(n) for n in (wanted, USUAL) if n in names), 0))

    def _choose(self, at: int) -> None:
        if 0 <= at < len(self.names):
            name, folder = self.names[at], self.folder
            self.context.ask(lambda: read_user_map(name, folder), partial(self._show, name), self._failed)

    def _show(self, name: str, found: RegisterMap) -> None:
        if name != self.name:
            return
        self.map = found
        self.points.show_rows(found.points)
        base = {0: "addresses from 0", 1: "addresses from 1"}.get(found.base, "addresses as 40001")
        profile = f" · profile {found.profile}" if found.profile else ""
        self.head.say(f"{found.label or found.name} · {len(found.points)} points · {base}{profile}")
        self.chosen.emit(name)

    def import_file(self, path: Path) -> None:
        """Check a file and have it saved next to the site file."""
        folder = self.folder
        self.context.ask(lambda: imported_map(path, folder), self._order, self._failed)

    def _order(self, change: SaveRegisterMap) -> None:
        self.context.order(ChangeSite((change,)), partial(self._imported, change.file))

    def _imported(self, name: str, outcome: OrderDone) -> None:
        if outcome.ok:
            self.reload(name)
        else:
            self.head.warn(outcome.text)

    def export_file(self, path: Path) -> None:
        """Write the chosen map to a file."""
        name, folder = self.name, self.folder
        if name:
            self.context.ask(lambda: export_map(name, folder, path), self._exported, self._failed)

    def _exported(self, path: Path) -> None:
        self.head.say(f"Exported to {path}")

    def _failed(self, error: Exception) -> None:
        self.head.warn(error_text(error))

    def _choose_import(self) -> None:
        dialog = QFileDialog(self, "A register map", "", "Register maps (*.toml);;All files (*)")
        dialog.fileSelected.connect(lambda name: self.import_file(Path(name)))
        dialog.open()

    def _choose_export(self) -> None:
        dialog = QFileDialog(self, "Export the register map", f"{Path(self.name).stem}.toml", "Register maps (*.toml)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.fileSelected.connect(lambda name: self.export_file(Path(name)))
        dialog.open()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """List the maps when the panel is turned to."""
        super().showEvent(event)
        self.reload()


def point_columns() -> list[Column[Point]]:
    """Tag, both addresses, coding."""
    return [
        Column("Tag", lambda p: p.tag, tip=lambda p: p.tag),
        Column("Manual", lambda p: p.documented),
        Column("Wire", lambda p: str(p.address), right=True),
        Column("Type", lambda p: f"bit {p.bit}" if p.type == "bit" else p.type),
        Column("Order", lambda p: p.order if p.size > 1 or p.order != "ABCD" else "–"),
        Column("Scale", lambda p: f"{p.scale:.6g}", right=True),
        Column("Offset; no reading", _rest),
    ]


def _rest(point: Point) -> str:
    missing = ", ".join(f"{x:g}" if isinstance(x, float) else str(x) for x in point.not_available)
    return f"{point.offset:+g}" * bool(point.offset) + (f"  ({missing})" if missing else "")
