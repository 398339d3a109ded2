"""The choice of a stretch of time above a picture of it: a length up to now, back and forth by half of it."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.time_view import LENGTHS, TimeView
from pumpwatch_gui.gui.look.widgets import button, tab_button

STEP = 0.5


class TimeBar(QWidget):
    """Buttons for `lengths` and ◀ ▶ Now. `moved` carries the stretch (TimeView) that a person turns to.

    `now_s` gives the newest time (Unix seconds).
    """

    moved = Signal(object)

    def __init__(self, now_s: Callable[[], float], lengths: Sequence[tuple[str, float]] = LENGTHS) -> None:
        super().__init__()
        self.view = TimeView(0.0, lengths[0][1])
        self._now_s, self._lengths = now_s, lengths
        self.lengths = {name: tab_button(name) for name, _ in lengths}
        for name, length_s in lengths:
            self.lengths[name].clicked.connect(partial(self._turn_to, length_s))
        self.back = button("◀", "Back in time", partial(self._shift, -STEP), hint="[")
        self.forward = button("▶", "Forward in time", partial(self._shift, STEP), hint="]")
        self.now = button("Now", "Up to now", lambda: self._turn_to(self.view.length_s))
        hbox(*self.lengths.values(), self.back, self.forward, self.now, parent=self)

    def show_view(self, view: TimeView) -> None:
        """Show which stretch is on the picture."""
        self.view = view
        for name, length_s in self._lengths:
            self.lengths[name].setChecked(abs(view.length_s - length_s) < 1)
        self.now.setEnabled(not view.is_live)
        self.forward.setEnabled(not view.is_live)

    def _turn_to(self, length_s: float, _checked: bool = False) -> None:
        self.moved.emit(TimeView.last(length_s, self._now_s()))

    def _shift(self, share: float) -> None:
        self.moved.emit(self.view.shifted(share, self._now_s()))
