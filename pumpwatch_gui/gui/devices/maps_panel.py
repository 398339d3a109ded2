"""The register maps there are: shipped templates and user maps; their points, import, export."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QLineEdit, QListWidget, QToolButton, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.devices.register_reading import Reader
from pumpwatch_gui.commissioning.pumps.user_maps import (
    MapChoice,
    export_map,
    imported_map,
    map_choices,
    read_user_map,
    table_map,
)
from pumpwatch_gui.domain.commands import ChangeSite
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.links.register_map import Point, RegisterMap
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.site_changes import SaveRegisterMap
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.devices.table_dialog import TableDialog
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, choose_target, plain_tip
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
        self.choices: tuple[MapChoice, ...] = ()
        self.device: Callable[[], Reader | None] = lambda: None
        self.profile: Callable[[], tuple[str, Sequence[Sensor]]] = lambda: ("", ())
        self.map: RegisterMap | None = None
        self.points: RowsModel[Point] = RowsModel(point_columns(), key=lambda p: (p.tag, p.table, p.address))
        self.list = QListWidget()
        self.list.setAccessibleName("Register maps")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.currentRowChanged.connect(self._choose)
        self.view = TableView(context.appearance, self.points, "Points of the register map", many=True)
        self.head, self.about, self.said = StatusText(), StatusText(), StatusText()
        self.about.setAccessibleName("Where the register map is from")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Maker or model")
        self.search.setAccessibleName("Search the register maps")
        self.search.setClearButtonEnabled(True)
        for clear in self.search.findChildren(QToolButton):  # Qt gives its own button no name
            clear.setAccessibleName("Clear the search")
        self.search.textChanged.connect(lambda _: self._filter())
        self.table_button = button("From a table…", "Make a map of the rows of a manual", self.open_table)
        files = hbox(
            button("Import…", "Import a register map from a file", self._choose_import),
            button("Export…", "Export the chosen register map to a file", self._choose_export), spacing=6,
        )  # fmt: skip
        left = vbox(self.search, (self.list, 1), self.table_button, files)
        right = vbox(self.head, self.about, (self.view, 1), self.said)
        hbox((left, 2), (right, 5), parent=self, margin=12, spacing=12)

    @property
    def folder(self) -> Path:
        """The folder of the site file."""
        return self.context.station.site().folder or self.context.site_file.parent

    @property
    def names(self) -> tuple[str, ...]:
        """Every map, as a link names it."""
        return tuple(choice.name for choice in self.choices)

    @property
    def name(self) -> str:
        """The chosen map, as a link names it."""
        at = self.list.currentRow()
        return self.names[at] if 0 <= at < len(self.names) else ""

    def reload(self, choose: str = "") -> None:
        """List the maps again and choose `choose`, else the one before."""
        folder, wanted = self.folder, choose or self.name
        self.context.ask(lambda: map_choices(folder), partial(self._listed, wanted), self._failed)

    def _listed(self, wanted: str, choices: tuple[MapChoice, ...]) -> None:
        if choices != self.choices:
            self.choices = choices
            self.list.blockSignals(True)
            self.list.clear()
            self.list.addItems([choice.text for choice in choices])
            for at, choice in enumerate(choices):
                self.list.item(at).setToolTip(plain_tip(f"{choice.text}\n{choice.name}"))
            self.list.blockSignals(False)
            self._filter()
        names = self.names
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
        self.about.say(_about(found))
        base = {0: "addresses from 0", 1: "addresses from 1"}.get(found.base, "addresses as 40001")
        profile = f" · profile {found.profile}" if found.profile else ""
        self.head.say(f"{found.label or found.name} · {len(found.points)} points · {base}{profile}")
        self.chosen.emit(name)

    def _filter(self) -> None:
        """Show the maps that have every word of the search."""
        words = self.search.text().lower().split()
        for at, choice in enumerate(self.choices):
            self.list.item(at).setHidden(not all(word in choice.words for word in words))

    def open_table(self) -> None:
        """Make a map of the rows of a manual."""
        TableDialog(self.context, self.device(), self.profile()[1], self._use_table, self).open()

    def _use_table(self, dialog: TableDialog) -> None:
        folder, table, source, profile = self.folder, dialog.table, dialog.source.text().strip(), self.profile()[0]
        name = dialog.name.text().strip() or "table"
        self.context.ask(
            lambda: table_map(table, name, source, profile, folder),
            partial(self._order_table, dialog),
            lambda error: dialog.refuse(error_text(error)),
        )

    def _order_table(self, dialog: TableDialog, change: SaveRegisterMap) -> None:
        self.context.order(ChangeSite((change,)), partial(self._table_saved, dialog, change.file))

    def _table_saved(self, dialog: TableDialog, name: str, outcome: OrderDone) -> None:
        if outcome.ok:
            dialog.accept()
            self.reload(name)
        else:
            dialog.refuse(outcome.text)

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
            self.said.warn(outcome.text)

    def export_file(self, path: Path) -> None:
        """Write the chosen map to a file."""
        name, folder = self.name, self.folder
        if name:
            self.context.ask(lambda: export_map(name, folder, path), self._exported, self._failed)

    def _exported(self, path: Path) -> None:
        self.said.say(f"Exported to {path}")

    def _failed(self, error: Exception) -> None:
        self.said.warn(error_text(error))

    def _choose_import(self) -> None:
        dialog = QFileDialog(self, "A register map", "", "Register maps (*.toml);;All files (*)")
        dialog.fileSelected.connect(lambda name: self.import_file(Path(name)))
        dialog.open()

    def _choose_export(self) -> None:
        start = f"{Path(self.name).stem}.toml"
        choose_target(self, "Export the register map", start, "Register maps (*.toml)", self.export_file)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """List the maps when the panel is turned to."""
        super().showEvent(event)
        self.reload()


def point_columns() -> list[Column[Point]]:
    """Tag, both addresses, coding."""
    return [
        Column("Tag", lambda p: p.tag),
        Column("Manual", lambda p: p.documented),
        Column("Wire", lambda p: str(p.address), right=True),
        Column("Type", lambda p: p.type_words, tip=lambda p: p.words),
        Column("Order", lambda p: p.order if p.size > 1 or p.order != "ABCD" else "–"),
        Column("Scale", _scale, right=True, tip=lambda p: p.words),
        Column("Offset; no reading", _rest, elided=True),
    ]


def _about(found: RegisterMap) -> str:
    sure = found.sureness_words
    parts = (", ".join(filter(None, (found.maker, *found.models))), found.source and f"source: {found.source}", sure)
    return " · ".join(filter(None, parts))


def _scale(point: Point) -> str:
    if point.current_loop is not None:
        return "loop"
    return f"[{point.scaled_by.address}]" if point.scaled_by else f"{point.scale:.6g}"


def _rest(point: Point) -> str:
    if point.current_loop is not None:
        low, high = point.current_loop.value
        return f"4-20 mA = {low:g} to {high:g}"
    missing = ", ".join(f"{x:g}" if isinstance(x, float) else str(x) for x in point.not_available)
    return f"{point.offset:+g}" * bool(point.offset) + (f"  ({missing})" if missing else "")
