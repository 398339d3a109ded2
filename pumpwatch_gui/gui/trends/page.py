"""Trends: any quantities of any pumps over any time, live and from the history, to review what happened."""

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QApplication, QSplitter
from typing_extensions import override

from pumpwatch_gui.commissioning.export.spans import span_ns
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import Event, SiteChanged
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.values.readings import RecordedPump
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.time_view import TimeView
from pumpwatch_gui.gui.look.widgets import Panel, button, label
from pumpwatch_gui.gui.shell.page import Page, PageContext
from pumpwatch_gui.gui.trends.bar import TrendsBar
from pumpwatch_gui.gui.trends.collect import collect
from pumpwatch_gui.gui.trends.export_dialog import ExportDialog
from pumpwatch_gui.gui.trends.history_reader import HistoryReader
from pumpwatch_gui.gui.trends.marks import Mark, MarksReader
from pumpwatch_gui.gui.trends.menus import TrendsMenus
from pumpwatch_gui.gui.trends.outputs import save_picture, values_text
from pumpwatch_gui.gui.trends.pen_table import PenTable, cursor_words, pen_rows
from pumpwatch_gui.gui.trends.pens import (
    Pen,
    PenFacts,
    SavedView,
    added,
    facts_of,
    ghosts,
    of_pump,
    tags_by_pump,
    usual_pens,
)
from pumpwatch_gui.gui.trends.picker import PickerDialog
from pumpwatch_gui.gui.trends.plot import TrendPlot, first_view, newest_s
from pumpwatch_gui.gui.trends.points import Points
from pumpwatch_gui.gui.trends.saved_views import SavedViews
from pumpwatch_gui.gui.trends.scatter import ScatterView

LEAST_FRAME_S = 0.2
"""A live picture moves no more often."""
FIGURES_S = 0.5


class TrendsPage(Page):
    """Pens over time, with cursors, figures, comparison and export. See `TrendPlot` for its keys."""

    key = "trends"

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.views = SavedViews(QSettings(str(context.home.settings), QSettings.Format.IniFormat), context.user)
        self.pens: tuple[Pen, ...] = ()
        self.is_composed = self._is_split = self._are_figures_due = False
        self.plot, self.scatter = TrendPlot(context), ScatterView(context)
        self.scatter.hide()
        self.bar = TrendsBar(context)
        self.reader = HistoryReader(context, self)
        self.table = PenTable(self.appearance, on_toggle=self.toggle_chosen, on_remove=self.remove_chosen)
        self._facts: tuple[PenFacts, ...] = ()
        self._points: dict[tuple[str, str, float], Points] = {}
        self._shown_s = self._figured_s = 0.0
        self._asked_pump = self._trouble = ""
        self.marks = MarksReader(context, self)
        self._lay_out()
        self._connect()
        self._recall()

    # ---------------------------------------------------------------- building

    def _lay_out(self) -> None:
        top = Panel(self.appearance, content=self.plot)
        top.body.addWidget(self.scatter, 1)
        top.body.setContentsMargins(10, 8, 10, 8)
        top.setAccessibleName("Plot")
        self.show_button = button("Show or hide", "Show or hide the chosen pen", self.toggle_chosen, hint="Space")
        self.remove_button = button("Remove", "Remove the chosen pen", self.remove_chosen, hint="Delete")
        self.clear_button = button("Remove all", "Remove all pens", lambda: self.set_pens(()))
        foot = Panel(self.appearance)
        foot.setAccessibleName("Pens")
        foot.body.setContentsMargins(10, 8, 10, 8)
        self.heading = label("Pens", "heading")
        self.cursor_words = label("", "dim")
        foot.body.addLayout(
            hbox(self.heading, (self.cursor_words, 1), self.show_button, self.remove_button, self.clear_button)
        )
        foot.body.addWidget(self.table, 1)
        self.table.offer(self.show_button, self.remove_button)
        self.table.lead_to(lambda row: (row.facts.pen.pump_id, row.facts.pen.tag), self.context)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.setAccessibleName("Plot and pens")
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(10)
        for part, share in ((top, 3), (foot, 1)):
            self.split.addWidget(part)
            self.split.setStretchFactor(self.split.count() - 1, share)
        head = Panel(self.appearance, content=self.bar)
        head.setAccessibleName("What is drawn")
        head.body.setContentsMargins(12, 8, 12, 8)
        vbox(head, (self.split, 1), parent=self, margin=16, spacing=12)
        self.setFocusProxy(self.plot)

    def _connect(self) -> None:
        bar, plot = self.bar, self.plot
        bar.add.clicked.connect(lambda _=False: self.choose_pens())
        QShortcut(
            QKeySequence.StandardKey.Find, self, self.choose_pens, context=Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        self._menus = TrendsMenus(self)
        bar.fit.clicked.connect(self._fit_scales)
        bar.xy.clicked.connect(self._show_plot)
        bar.events.clicked.connect(lambda _=False: self._want_marks())
        bar.export.clicked.connect(lambda _=False: self.choose_export())
        bar.cancel.clicked.connect(lambda _=False: self.reader.cancel())
        bar.length_chosen.connect(lambda s: plot.set_view(plot.view.zoomed(s / plot.view.length_s, plot.now_s)))
        if self.context.station.latest().reviewed:
            bar.live.setText("To the end")
        bar.live_chosen.connect(lambda: plot.set_view(TimeView.last(plot.view.length_s, plot.now_s)))
        bar.span_typed.connect(self.go_to)
        self.split.splitterMoved.connect(self._split_by_hand)
        plot.view_changed.connect(self._view_changed)
        plot.cursors_changed.connect(self._show_figures)
        plot.home_asked.connect(self.go_home)
        plot.opened.connect(self._open_mark)
        self.reader.came.connect(self._collect)
        self.marks.came.connect(plot.show_marks)
        self.marks.failed.connect(self._say)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._choose_pen())

    def _recall(self) -> None:
        last, now_s = self.views.last or SavedView(()), self._now()
        self.plot.place_view(first_view(last.length_s, self.context.station.latest()), now_s)
        if last.pens:
            self.use_view(last)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """The table has room for some pens, the plot has the rest; until a person moves the line between the two."""
        if not self._is_split:
            table_px = self.appearance.px(236 if self.height() > self.appearance.px(800) else 186)
            self.split.setSizes([max(self.height() - table_px, 1), table_px])

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Read what was not wanted while no one looked."""
        super().showEvent(event)
        self._view_changed()

    def _split_by_hand(self) -> None:
        self._is_split = True

    # ---------------------------------------------------------------- which pens

    def set_pens(self, pens: Iterable[Pen], *, is_composed: bool = True) -> None:
        """Draw these; `is_composed` by a person, whose choice is not replaced by the next trend that is asked for."""
        self.pens, self.is_composed = tuple(pens), is_composed
        self._facts = facts_of(self.pens, self.context.shown_site())
        self._collect()
        self._show_figures()
        self._want_marks()

    def toggle_pen(self, pen: Pen) -> None:
        """Add a pen, or take it away."""
        keys = [one.key for one in self.pens]
        self.set_pens([p for p in self.pens if p.key != pen.key] if pen.key in keys else added(self.pens, [pen]))

    def toggle_chosen(self) -> None:
        """Show the chosen pen, or hide it."""
        chosen = self.table.chosen_pen
        if chosen is not None:
            self.set_pens(replace(p, is_visible=not p.is_visible) if p.key == chosen.pen.key else p for p in self.pens)

    def remove_chosen(self) -> None:
        """Remove the chosen pen."""
        chosen = self.table.chosen_pen
        if chosen is not None:
            self.toggle_pen(chosen.pen)

    def choose_pens(self) -> None:
        """Open the list of all quantities."""
        PickerDialog(self.context, lambda: self.pens, self.toggle_pen, self).open()

    def _choose_pen(self) -> None:
        chosen = self.table.chosen_pen
        self.plot.chosen = chosen.pen.key if chosen is not None else None
        self.plot.update()
        for act in (self.show_button, self.remove_button):
            act.setEnabled(chosen is not None)

    @override
    def show_pump(self, pump_id: str) -> None:
        """Draw a quantity of this pump; the usual ones where none is asked for and none of it is drawn."""
        self._asked_pump = pump_id
        self._use_span()

    def _draw_asked(self) -> None:
        pump_id, self._asked_pump = self._asked_pump, ""
        settings = self.context.station.site().pump(pump_id)
        if settings is not None and not any(pen.pump_id == pump_id for pen in self.pens):
            usual = usual_pens(pump_id, settings.profile)
            self.set_pens(added(self.pens, usual) if self.is_composed else usual, is_composed=self.is_composed)

    @override
    def show_tag(self, tag: str) -> None:
        """Draw this quantity of the pump that was asked for, and choose it, over the time that was asked for too."""
        pen = Pen(self._asked_pump or self.context.pump_id, tag)
        self._asked_pump = ""
        if pen.key not in {one.key for one in self.pens}:
            if self.is_composed:
                self.set_pens(added(self.pens, [pen]))
            else:
                self.set_pens([pen], is_composed=False)
        self._show_figures()
        self.table.choose(pen.key)

    def _use_span(self) -> None:
        """Turn to the time that was asked for with a trend."""
        span_s, self.context.opening.trend_span_s = self.context.opening.trend_span_s, None
        if span_s is not None:
            length_s = span_s[1] - span_s[0]
            self.plot.set_view(TimeView(0.0, length_s).ending(span_s[1], self._now()))

    # ---------------------------------------------------------------- living

    def _now(self) -> float:
        return newest_s(self.context.station.latest())

    @override
    def refresh(self, view: StationView) -> None:
        """Move a live picture on."""
        plot = self.plot
        plot.see(view)
        if not self.pens and not self.is_composed:
            self._asked_pump = self._asked_pump or self.context.pump_id
        if self._asked_pump:
            self._draw_asked()
        if plot.view.is_live and abs(plot.now_s - self._shown_s) >= max(plot.step_s, LEAST_FRAME_S):
            self._collect()
        if self._are_figures_due and time.monotonic() - self._figured_s > FIGURES_S:
            self._show_figures()

    @override
    def on_event(self, event: Event) -> None:
        """Follow pumps to their new ids; mark what happens."""
        if isinstance(event, SiteChanged):
            pens = [replace(p, pump_id=event.renamed.get(p.pump_id, p.pump_id)) for p in self.pens]
            self.set_pens(pens, is_composed=self.is_composed)
        if self.plot.view.is_live:
            self._want_marks()

    @override
    def units_changed(self) -> None:
        self.set_pens(self.pens, is_composed=self.is_composed)

    def _view_changed(self) -> None:
        self._collect()
        self._want_marks()

    def _collect(self) -> None:
        """Show what is in memory and what was read of every pen; ask for what is missing."""
        plot = self.plot
        if plot.view.is_live and plot.now_s:
            plot.place_view(plot.view.at(plot.now_s), plot.now_s)
        self._shown_s = plot.now_s
        self._points = collect(self.reader, self.context, self.pens, plot.view, is_seen=self.isVisible())
        plot.said = self._said()
        plot.show_pens(self._facts, self._points)
        if self.scatter.isVisible():
            self.scatter.show_pens(self._facts, self._points, plot.view)
        self.bar.show_view(plot.view)
        self.bar.show_progress(self.reader, self._trouble)
        self._are_figures_due = True

    def _said(self) -> str:
        if self.reader.error:
            return f"the history cannot be read: {self.reader.error}"
        return "not all of the history was read" if self.reader.is_cancelled else ""

    def _show_figures(self) -> None:
        """Values, cursors and statistics of every pen."""
        self._figured_s, self._are_figures_due = time.monotonic(), False
        plot = self.plot
        self.views.last = self.as_view()
        cursors = plot.cursor_a, plot.cursor_b
        rows = pen_rows(self._facts, self._points, plot.view, cursors, near_s=2 * plot.step_s)
        self.table.pens.show_rows(rows)
        self.heading.setText(f"Pens · {len(rows)}")
        self.cursor_words.setText(cursor_words(*cursors))
        self._choose_pen()

    # ---------------------------------------------------------------- which time

    def go_to(self, start: str, end: str) -> None:
        """Turn to the times that were typed; says what is wrong with them."""
        try:
            start_ns, end_ns = span_ns(start, end, now_ns=round(self._now() * 1e9))
        except InputError as error:
            self._say(error_text(error))
            return
        self._say("")
        self.plot.set_view(TimeView(start_ns / 1e9, min(end_ns / 1e9, self._now())))
        self.plot.setFocus()

    def go_home(self) -> None:
        """Turn to the beginning of the history."""
        self.context.ask(self.context.station.history.recorded_pumps, self._go_home, self.say_error)

    def _go_home(self, recorded: tuple[RecordedPump, ...]) -> None:
        if recorded and recorded[0].first_ns:  # of the whole history
            view, first_s = self.plot.view, recorded[0].first_ns / 1e9
            self.plot.set_view(TimeView(0.0, view.length_s).ending(first_s + view.length_s, self._now()))

    def _say(self, words: str) -> None:
        self._trouble = words
        self.bar.show_progress(self.reader, self._trouble)

    def say_error(self, error: Exception) -> None:
        """Say what went wrong."""
        self._say(error_text(error))

    def _fit_scales(self) -> None:
        self.plot.is_fitted = self.bar.fit.isChecked()
        self.plot.renew()
        self._are_figures_due = True

    def _show_plot(self) -> None:
        """The plot over time, or the one of one quantity over another."""
        is_xy = self.bar.xy.isChecked()
        self.plot.setVisible(not is_xy)
        self.scatter.setVisible(is_xy)
        self._collect()

    # ---------------------------------------------------------------- marks

    def _want_marks(self) -> None:
        is_shown = self.bar.events.isChecked()
        if self.isVisible() or not is_shown:
            pumps = frozenset(pen.pump_id for pen in self.pens) | {""}
            self.marks.want(self.plot.view, pumps, is_shown=is_shown)

    def _open_mark(self, mark: Mark) -> None:
        self.context.open_page(mark.page, mark.pump_id)

    # ---------------------------------------------------------------- comparing, saved views

    def compare_time(self, shift_s: float) -> None:
        """Draw every pen again as it was so long before."""
        self.set_pens(added(self.pens, ghosts(self.pens, shift_s)))

    def compare_pump(self, pump_id: str) -> None:
        """Draw the same quantities of another pump too; those that it has."""
        self.set_pens(added(self.pens, of_pump(self.pens, pump_id, self.context.station.site())))

    def as_view(self) -> SavedView:
        """What is drawn, to be kept."""
        return SavedView(self.pens, self.plot.view.length_s, self.plot.is_fitted)

    def use_view(self, view: SavedView) -> None:
        """Draw what was kept, up to now."""
        self.plot.is_fitted = view.is_fitted
        self.bar.fit.setChecked(view.is_fitted)
        self.plot.set_view(first_view(view.length_s, self.context.station.latest()))
        self.set_pens(view.pens)

    # ---------------------------------------------------------------- out of the page

    def copy_values(self) -> None:
        """Put the points in view on the clipboard, for a spreadsheet."""
        QApplication.clipboard().setText(values_text(self._facts, self._points, self.plot.view))

    def save_picture(self, path: Path) -> None:
        """Write plot and table as a picture; says when it cannot be written."""
        try:
            save_picture(self.split, path)
        except InputError as error:
            self.say_error(error)

    def choose_export(self) -> None:
        """Open the export of what is in view."""
        view = self.plot.view
        ExportDialog(self.context, tags_by_pump(self.pens), int(view.start_s * 1e9), int(view.end_s * 1e9), self).open()
