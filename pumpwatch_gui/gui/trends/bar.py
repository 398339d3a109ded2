"""The bar above the trends: what is drawn, which time, what leaves the page."""

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.wording import local_time
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.time_view import LENGTHS, TimeView
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.trends.history_reader import HistoryReader

FORM = "%Y-%m-%d %H:%M:%S"
NARROW = 860
"""Pixels at 100 %: below this width two rows have no room."""


class TrendsBar(QWidget):
    """Two rows of controls, three in a narrow window.

    `length_chosen` in seconds, `span_typed` with both texts; menus are filled when opened.
    """

    length_chosen = Signal(float)
    span_typed = Signal(str, str)
    live_chosen = Signal()

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.add = button("Add pens…", "Add pens", lambda: None, hint="Ctrl+F")
        self.compare, self.views, self.take = (
            button(words, name, lambda: None)
            for words, name in (("Compare", "Compare with another time or pump"), ("Views", "Saved views"),
                                ("Copy and save", "Copy, save, print"))
        )  # fmt: skip
        self.fit = button("Fit scales", "Fit the scales to the values in view", lambda: None)
        self.xy = button("X-Y", "One quantity over another", lambda: None)
        self.events = button("Events", "Marks of alarms, maintenance and orders", lambda: None)
        for made in (self.fit, self.xy, self.events):
            made.setCheckable(True)
        self.events.setChecked(True)
        self.export = button("Export…", "Export the readings of this view", lambda: None)
        self.said = StatusText()
        self.said.setWordWrap(False)
        self.cancel = button("Cancel", "Read no more of the history", lambda: None)
        self.cancel.hide()
        self._lengths = QButtonGroup(self)
        self.start, self.end = (self._field(name) for name in ("From", "To"))
        self._appearance, self._is_narrow = context.appearance, False
        self._first = hbox(self.add, self.compare, self.views, self.fit, self.xy, self.events, (self.said, 1),
                           self.cancel, self.take, self.export)  # fmt: skip
        self._second, self._span, self._third = hbox(*self._time_parts(), None), QWidget(), hbox()
        hbox(label("From", "dim"), self.start, label("to", "dim"), self.end, self.go, None, parent=self._span)
        self._second.insertWidget(self._second.count() - 1, self._span)
        vbox(self._first, self._second, self._third, parent=self, spacing=8)
        context.appearance.changed.connect(self._fit_fields)
        self._fit_fields()

    def _time_parts(self) -> tuple[QWidget, ...]:
        made = []
        for words, length_s in LENGTHS:
            one = button(words, f"Show {words}", partial(self.length_chosen.emit, length_s))
            one.setCheckable(True)
            self._lengths.addButton(one, round(length_s))
            made.append(one)
        self.live = button("Live", "Up to now, and on with it", self.live_chosen.emit, hint="End")
        self.live.setCheckable(True)
        self.go = button("Go", "Show from the one time to the other", self._type)
        return (*made, self.live)

    def _field(self, name: str) -> QLineEdit:
        field = QLineEdit()
        field.setAccessibleName(name)
        field.setToolTip("Local time, as 2026-10-25 02:30; with an offset, as +02:00, where the clocks are set back")
        field.returnPressed.connect(self._type)
        return field

    def _fit_fields(self) -> None:
        for field in (self.start, self.end):
            field.setFixedWidth(self._appearance.px(166))
        self._arrange()

    def _arrange(self) -> None:
        """In a narrow window times and what leaves the page have a row of their own."""
        is_narrow = self.width() < self._appearance.px(NARROW)
        if is_narrow == self._is_narrow:
            return
        self._is_narrow = is_narrow
        if is_narrow:
            self._third.addWidget(self._span, 1)
        else:
            self._second.insertWidget(self._second.count() - 1, self._span)
        ends = self._third if is_narrow else self._first
        for part in (self.take, self.export):
            ends.addWidget(part)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _type(self) -> None:
        self.span_typed.emit(self.start.text(), self.end.text())

    def show_progress(self, reader: HistoryReader, trouble: str) -> None:
        """Say how far the history is read, or what is wrong."""
        done, total = reader.progress
        self.cancel.setVisible(reader.is_reading)
        if reader.is_reading:
            self.said.say(f"reading the history, {done} of {total}")
        elif trouble:
            self.said.warn(trouble)
        else:
            self.said.say("")

    def show_view(self, view: TimeView) -> None:
        """Show which time is on the axis, where no one types one."""
        self._lengths.setExclusive(False)
        for made in self._lengths.buttons():
            made.setChecked(abs(self._lengths.id(made) - view.length_s) < 1)
        self._lengths.setExclusive(True)
        self.live.setChecked(view.is_live)
        for field, at_s in ((self.start, view.start_s), (self.end, view.end_s)):
            if not field.hasFocus():
                field.setText(local_time(round(at_s * 1e9), FORM))
