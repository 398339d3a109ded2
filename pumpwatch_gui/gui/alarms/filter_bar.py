"""The filter above the lists of alarms: words, pump, priority, state; and those that a user keeps."""

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSettings, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.alarms.filtering import PRIORITY_WORDS, AlarmFilter, filter_of_text
from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.widgets import button, give_menu
from pumpwatch_gui.gui.shell.kept_texts import KeptTexts, fill_kept
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.filters import pump_filter, text_filter


class FilterBar(QWidget):
    """`changed` when another filter is set. It begins with none at every start: no alarm is missing unseen."""

    changed = Signal()

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        px = context.appearance.px
        self.kept = KeptTexts(
            QSettings(str(context.home.settings), QSettings.Format.IniFormat), context.user, "alarm-filters"
        )
        self._kinds = AlarmFilter()
        self.text = text_filter("alarm, pump or person", width=px(120))
        self.text.setMaximumWidth(px(260))
        self.pump = pump_filter(context.station.site())
        self.more = button("Filter", "Filter by priority and state, kept filters", lambda: None)
        give_menu(self.more, self._fill)
        self.text.textChanged.connect(lambda _: self.changed.emit())
        self.pump.currentIndexChanged.connect(lambda _: self.changed.emit())
        for part in (self.pump, self.more):  # else they take what the text leaves of a wide window
            part.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        row = hbox((self.text, 1), self.pump, self.more, parent=self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setAlignment(Qt.AlignmentFlag.AlignRight)

    @property
    def filter(self) -> AlarmFilter:
        """What is set."""
        pump_id = self.pump.currentText() if self.pump.currentIndex() > 0 else ""
        return replace(self._kinds, words=self.text.text(), pump_id=pump_id)

    def use(self, chosen: AlarmFilter) -> None:
        """Set a filter. A pump that the site has not, or no longer, is looked for by its name."""
        self._kinds = replace(chosen, words="", pump_id="")
        self.more.setText("Filter: on" if chosen.kinds else "Filter")  # in words there is no room at 1280
        self.more.setToolTip(f"Shown: {chosen.kinds}" if chosen.kinds else "")
        at = max(self.pump.findText(chosen.pump_id), 0) if chosen.pump_id else 0
        is_gone = bool(chosen.pump_id) and not at
        with QSignalBlocker(self.text), QSignalBlocker(self.pump):
            self.pump.setCurrentIndex(at)
            self.text.setText(chosen.pump_id if is_gone and not chosen.words else chosen.words)
        self.changed.emit()

    def _fill(self, menu: QMenu) -> None:
        now = self.filter
        group = QActionGroup(menu)
        for priority, words in PRIORITY_WORDS.items():
            act = menu.addAction(words.capitalize(), partial(self._set_priority, priority))
            act.setCheckable(True)
            act.setChecked(now.priority == priority)
            group.addAction(act)
        menu.addSeparator()
        waiting = menu.addAction("Unacknowledged only")
        waiting.setCheckable(True)
        waiting.setChecked(now.is_unacknowledged)
        waiting.toggled.connect(lambda is_on: self.use(replace(self.filter, is_unacknowledged=is_on)))
        menu.addAction("No filter", lambda: self.use(AlarmFilter())).setEnabled(now != AlarmFilter())
        menu.addSeparator()
        fill_kept(menu, self.kept, "filter", self.use_text, lambda: self.filter.as_text())

    def _set_priority(self, priority: Priority | None) -> None:
        self.use(replace(self.filter, priority=priority))

    def use_text(self, text: str) -> None:
        """Set a filter that was kept."""
        if (chosen := filter_of_text(text)) is not None:
            self.use(chosen)
