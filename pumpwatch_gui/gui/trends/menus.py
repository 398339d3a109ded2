"""The menus of the Trends page: a time, comparing, saved views, what leaves the page; and what they ask for."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QInputDialog, QMenu

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.wording import stamp
from pumpwatch_gui.gui.look.widgets import choose_target, give_menu
from pumpwatch_gui.gui.shell.kept_texts import fill_kept
from pumpwatch_gui.gui.tables.row_copies import copy_all
from pumpwatch_gui.gui.trends.note_dialog import AnnotateDialog
from pumpwatch_gui.gui.trends.outputs import copy_picture, print_on_paper
from pumpwatch_gui.gui.trends.pens import view_of_text

if TYPE_CHECKING:
    from pumpwatch_gui.gui.trends.page import TrendsPage

COMPARED = (("A day before", 86_400.0), ("A week before", 604_800.0), ("Four weeks before", 2_419_200.0))
HOUR_S = 3600.0
IMPORT = "import"


class TrendsMenus:
    """Fills the menus of the bar whenever they are opened."""

    def __init__(self, page: "TrendsPage") -> None:
        self._page = page
        bar = page.bar
        give_menu(bar.compare, self._fill_compare)
        give_menu(bar.views, self._fill_views)
        give_menu(bar.take, self._fill_take)
        plot = page.plot
        plot.menu_asked.connect(self._open_menu)
        plot.note_asked.connect(self.ask_note)
        plot.replay_asked.connect(self._replay)

    # ---------------------------------------------------------------- of a time

    def _open_menu(self, where: QPoint, at_s: float) -> None:
        self.menu_at(at_s).popup(where)

    def menu_at(self, at_s: float) -> QMenu:
        """What can be done with a time (Unix seconds)."""
        menu = QMenu(self._page)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        note = menu.addAction(f"Note on {stamp(round(at_s * 1e9))}…", partial(self.ask_note, at_s))
        note.setShortcut(QKeySequence("N"))
        note.setEnabled(self._page.context.can_operate)
        if self._page.context.replay is not None:
            menu.addAction("Replay from here", partial(self._replay, at_s)).setShortcut(QKeySequence("R"))
        menu.addAction("Save an incident file of this view…", self._save_incident)
        return menu

    def ask_note(self, at_s: float) -> None:
        """Ask for a note on a time; what is only looked at takes none."""
        context = self._page.context
        if not context.can_operate:
            what = "viewer" if context.replay is None else "review"
            self._page.say_error(InputError(f"a {what} takes no notes", "write them at the station itself"))
            return
        AnnotateDialog(context, [pen.pump_id for pen in self._page.pens], at_s, self._page).open()

    def _replay(self, at_s: float) -> None:
        if (replay := self._page.context.replay) is not None:
            replay.turn_to(round(at_s * 1e9))

    def _save_incident(self) -> None:
        view, page = self._page.plot.view, self._page
        pumps = [pen.pump_id for pen in page.pens if not pen.shift_s]
        page.context.save_incident(pumps, (int(view.start_s * 1e9), int(view.end_s * 1e9)))

    # ---------------------------------------------------------------- of the page

    def _fill_compare(self, menu: QMenu) -> None:
        for words, shift_s in COMPARED:
            menu.addAction(words, partial(self._page.compare_time, shift_s))
        menu.addAction("Another time…", self._ask_shift)
        menu.addSeparator()
        others = menu.addMenu("With another pump")
        for pump in self._page.context.station.site().pumps:
            words = self._page.context.title_of(pump.pump_id).replace("&", "&&")
            others.addAction(words, partial(self._page.compare_pump, pump.pump_id))
        menu.addSeparator()
        menu.addAction(
            "No comparison with another time", lambda: self._page.set_pens(p for p in self._page.pens if not p.shift_s)
        )

    def _ask_shift(self) -> None:
        dialog = QInputDialog(self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Compare with another time")
        dialog.setLabelText("How many hours before:")
        dialog.setInputMode(QInputDialog.InputMode.DoubleInput)
        dialog.setDoubleRange(0.01, 87_600)
        dialog.setDoubleDecimals(2)
        dialog.setDoubleValue(24.0)
        dialog.doubleValueSelected.connect(lambda hours: self._page.compare_time(round(hours * HOUR_S)))
        dialog.open()

    def _fill_views(self, menu: QMenu) -> None:
        page = self._page
        fill_kept(menu, page.views, "view", self._use_view, lambda: page.as_view().as_text())

    def _use_view(self, text: str) -> None:
        if (view := view_of_text(text)) is not None:
            self._page.use_view(view)

    def _fill_take(self, menu: QMenu) -> None:
        acts: tuple[tuple[str, Callable[[], object]], ...] = (
            ("Copy values", self._page.copy_values),
            ("Copy table", lambda: copy_all(self._page.table, self._page.table.columns)),
            ("Copy picture", lambda: copy_picture(self._page.split)),
            ("Save picture…", self._choose_picture),
            ("Print…", lambda: print_on_paper(self._page.split, self._page.say_error)),
            ("Save an incident file…", self._save_incident),
        )
        for words, act in acts:
            menu.addAction(words, act)
        if IMPORT in self._page.context.dialogs:
            menu.addSeparator()
            menu.addAction("Import a recording…", self._import)

    def _import(self) -> None:
        pens = self._page.pens
        self._page.context.open_dialog(IMPORT, pens[0].pump_id if pens else self._page.context.pump_id)

    def _choose_picture(self) -> None:
        start = str(Path.home() / "trend.png")
        choose_target(self._page, "Save the picture", start, "PNG (*.png)", self._page.save_picture)
