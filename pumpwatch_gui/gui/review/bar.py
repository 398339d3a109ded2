"""The bar of a replay below the top bar of every page: which past time is on show, and how to turn to another."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QMenu, QPushButton, QSizePolicy, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.export.spans import instant_ns
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.ports import Replay
from pumpwatch_gui.domain.replay import SPEEDS, Leap, ReplayState
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.wording import error_text, local_time
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.theme import STRONG, THEMES, Appearance, color, icon_size
from pumpwatch_gui.gui.look.widgets import Painted, button, label, plain_tip
from pumpwatch_gui.gui.review.track import TimeTrack
from pumpwatch_gui.gui.shell.page import Page, PageContext

TIME_FORM = "%Y-%m-%d %H:%M:%S"
TIME_PX, FIELD_PX = 304, 136
SPACING, MARGINS_PX = 6, 22
LENGTHS = (("All", None), ("30 d", 2_592_000.0), ("1 d", 86_400.0), ("8 h", 28_800.0), ("1 h", 3_600.0))
FOLLOW_S = 0.4
AROUND_S = 600.0
"""An incident file is offered from so long before the instant on show to as long after it."""


def _take_live_colour(appearance: Appearance) -> None:
    """Give what is live no colour of its own: a history is shown, and nothing of it is live."""
    appearance.themes = {name: replace(theme, live=theme.text) for name, theme in THEMES.items()}
    appearance.theme = appearance.themes[appearance.theme.name]


class ReplayTime(Painted):
    """`REPLAY 2026-11-02 03:14:07` in letters of the ground on the colour of letters: nothing live looks so."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Time on show, in the past")
        self.words, self.note = "", ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    @override
    def sizeHint(self) -> QSize:
        """Room for a date and a time."""
        return QSize(self.appearance.px(TIME_PX), self.appearance.px(60))

    def show_time(self, time_ns: int, state: ReplayState, trouble: str) -> None:
        """Show which time is on show, and what the replay does, or why it does not."""
        words = local_time(time_ns, TIME_FORM)
        does = "reading the history…" if state.is_reading else f"plays at {state.speed}×" if state.speed else "paused"
        note = trouble or does
        if (words, note) != (self.words, self.note):
            self.words, self.note = words, note
            self.setToolTip(plain_tip(trouble))
            self.describe(f"Replay of {words}, {note}")
            self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """The word and what it does above, the time large below."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter, box = QPainter(self), QRectF(self.rect())
        painter.fillRect(box, color(theme.running))
        line = QRectF(px(16), px(5), box.width() - px(24), px(20))
        left = paint.text(painter, appearance, line, "REPLAY", theme.on_running, size=15, weight=STRONG)
        rest = line.adjusted(left + px(10), 0, 0, 0)
        paint.text(painter, appearance, rest, self.note, theme.on_running, size=12)
        large = QRectF(px(16), px(25), box.width() - px(20), box.height() - px(30))
        paint.text(painter, appearance, large, self.words, theme.on_running, size=23, weight=STRONG)
        painter.end()


class ReplayBar(QWidget):
    """Time on show, the acts, the time bar."""

    def __init__(self, context: PageContext, replay: Replay) -> None:
        super().__init__()
        self.context, self.appearance, self.replay = context, context.appearance, replay
        _take_live_colour(self.appearance)
        self._time_ns, self._state, self._trouble = 0, ReplayState(0, 1), ""
        self._followed: tuple[int, tuple[Page, ...]] = 0, ()
        self._followed_s = 0.0
        self.time, self.track = ReplayTime(self.appearance), TimeTrack(self.appearance)
        self.track.asked.connect(self.turn_to)
        self._icons: list[tuple[QPushButton, str]] = []
        self.play_button = button("Play", "Play or rest", self.toggle, hint="Ctrl+Space")
        self.speed = QComboBox()
        self.speed.setAccessibleName("Speed")
        self.speed.addItems([f"{speed}×" for speed in SPEEDS])
        self.speed.currentIndexChanged.connect(lambda _: self._use_speed())
        self.field = QLineEdit()
        self.field.setAccessibleName("Go to time")
        self.field.setPlaceholderText("Go to time")
        self.field.setToolTip("Local time, as 2026-10-25 02:30:07 (Ctrl+G)")
        self.field.returnPressed.connect(self._go)
        self.length = QComboBox()
        self.length.setAccessibleName("Length of the time bar")
        self.length.setToolTip("How much of the history is on the time bar")
        self.length.addItems([words for words, _ in LENGTHS])
        self.length.activated.connect(lambda at: self.track.set_length(LENGTHS[at][1]))
        self.file = button("Incident file…", "Save a stretch as an incident file", self.choose_file,
                           hint="Some pumps around this time, as one file that opens anywhere")  # fmt: skip
        alarms = self._pair("Alarm", Leap.PREVIOUS_ALARM, Leap.NEXT_ALARM)
        events = self._pair("Event", Leap.PREVIOUS_EVENT, Leap.NEXT_EVENT)
        steps = self._step("−1 s", "A second back", -1), self._step("+1 s", "A second forward", 1)
        acts = hbox(
            *alarms, *events, steps[0], self.play_button, steps[1], self.speed, self.field, self.length, None,
            self.file, spacing=SPACING,
        )  # fmt: skip
        self._acts = (*alarms, *events, *steps, self.play_button, self.speed, self.field, self.length, self.file)
        self._first_to_go: tuple[tuple[QWidget, ...], ...] = (
            (self.length,), events, (self.file,), steps, (self.field,), (self.speed,)
        )  # fmt: skip
        column = vbox(acts, self.track, spacing=2)
        column.setContentsMargins(MARGINS_PX - 12, 4, 12, 0)
        hbox(self.time, (column, 1), parent=self, spacing=0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Replay")
        self.appearance.changed.connect(self._fit)
        self._fit()

    def _pair(self, words: str, back: Leap, forward: Leap) -> tuple[QWidget, ...]:
        made = []
        for leap, icon in ((back, "previous"), (forward, "next")):
            one = button("", f"To the {leap.value}", partial(self.leap, leap), hint=f"To the {leap.value}")
            self._icons.append((one, icon))
            made.append(one)
        return made[0], label(words, "dim"), made[1]

    def _step(self, words: str, name: str, seconds: int) -> QPushButton:
        return button(words, name, partial(self.step, seconds), hint=name)

    def fill(self, menu: QMenu, command: Callable[[QMenu, str, str, Callable[[], object]], object]) -> None:
        """Put every act with its key into a menu of the window."""
        acts: tuple[tuple[str, str, Callable[[], object]], ...] = (
            ("Play or rest the replay", "Ctrl+Space", self.toggle),
            ("Play faster", "Ctrl+]", partial(self.change_speed, 1)),
            ("Play slower", "Ctrl+[", partial(self.change_speed, -1)),
            ("A second back", "Ctrl+Shift+Left", partial(self.step, -1)),
            ("A second forward", "Ctrl+Shift+Right", partial(self.step, 1)),
            ("To the previous alarm", "Ctrl+Shift+PgUp", partial(self.leap, Leap.PREVIOUS_ALARM)),
            ("To the next alarm", "Ctrl+Shift+PgDown", partial(self.leap, Leap.NEXT_ALARM)),
            ("To the previous event", "Ctrl+Shift+Up", partial(self.leap, Leap.PREVIOUS_EVENT)),
            ("To the next event", "Ctrl+Shift+Down", partial(self.leap, Leap.NEXT_EVENT)),
            ("To the beginning of the history", "Ctrl+Shift+Home", partial(self.leap, Leap.START)),
            ("To the end of the history", "Ctrl+Shift+End", partial(self.leap, Leap.END)),
            ("Go to a time", "Ctrl+G", self.field.setFocus),
        )
        for words, keys, act in acts:
            command(menu, words, keys, act)

    # ---------------------------------------------------------------- what is shown

    def refresh(self, view: StationView, pages: Iterable[Page]) -> None:
        """Show where the replay is, and have the pages on show follow it."""
        state = view.replay
        if state is None:
            return
        self._time_ns, self._state = view.time_ns, state
        self.time.show_time(view.time_ns, state, state.error or self._trouble)
        self.track.show_replay(state, view.time_ns, self.replay.index)
        self.play_button.setText("Rest" if state.speed else "Play")
        self._follow(view, tuple(pages))

    def _follow(self, view: StationView, pages: tuple[Page, ...]) -> None:
        """Have the pages read their journal up to the time on show, not too often while it plays or is dragged."""
        here, now_s = (view.time_ns, pages), time.monotonic()
        if here != self._followed and now_s - self._followed_s > FOLLOW_S:
            self._followed, self._followed_s = here, now_s
            for page in pages:
                page.follow_replay()

    @override
    def minimumSizeHint(self) -> QSize:
        """The time, and the acts that stay in the narrowest window."""
        return QSize(self.appearance.px(TIME_PX + 240), self.height())

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is no room for all, acts that have a key or a place in a menu give way."""
        self._make_room()

    def _make_room(self) -> None:
        room = self.width() - self.time.sizeHint().width() - 2 * SPACING - MARGINS_PX
        for part in self._acts:
            part.setVisible(True)
        for group in ((), *self._first_to_go):
            for part in group:
                part.setVisible(False)
            there = [part for part in self._acts if not part.isHidden()]
            if sum(min(part.sizeHint().width(), part.maximumWidth()) + SPACING for part in there) <= room:
                return

    def _fit(self) -> None:
        px = self.appearance.px
        self.field.setFixedWidth(px(FIELD_PX))
        self.play_button.setFixedWidth(px(64))
        for made, icon in self._icons:
            made.setIcon(self.appearance.icon(icon))
            made.setIconSize(icon_size(self.appearance, 16))
            made.setFixedWidth(px(34))
        self.setFixedHeight(px(76))
        self._make_room()

    # ---------------------------------------------------------------- acts

    @property
    def chosen_speed(self) -> int:
        """What is chosen in the list."""
        return SPEEDS[self.speed.currentIndex()]

    def toggle(self) -> None:
        """Play at the speed that is chosen, or rest."""
        self._trouble = ""
        if not self._state.speed and self._time_ns >= self._state.end_ns:
            self._trouble = "this is the end of the history"
            return
        self.replay.play(0 if self._state.speed else self.chosen_speed)

    def _use_speed(self) -> None:
        if self._state.speed:
            self.replay.play(self.chosen_speed)

    def change_speed(self, by: int) -> None:
        """The next speed of the list."""
        self.speed.setCurrentIndex(min(max(self.speed.currentIndex() + by, 0), len(SPEEDS) - 1))

    def step(self, seconds: int) -> None:
        """Rest, and turn so many seconds on or back."""
        self.replay.play(0)
        self.turn_to(self._time_ns + seconds * 10**9)

    def turn_to(self, time_ns: int) -> None:
        """Turn to a time."""
        self._trouble = ""
        self.replay.turn_to(time_ns)

    def leap(self, leap: Leap) -> None:
        """Turn to an alarm, an event or an end; says where there is none."""
        self._trouble = "" if self.replay.leap(leap) else f"there is no {leap.value}"

    def _go(self) -> None:
        try:
            self.turn_to(instant_ns(self.field.text()))
        except InputError as error:
            self._trouble = error_text(error)
        else:
            self.track.setFocus()

    def choose_file(self) -> None:
        """Open the dialog that saves an incident file around the instant on show."""
        first, last = self._state.start_ns, self._state.end_ns
        start_ns, end_ns = (self._time_ns + round(sign * AROUND_S * 1e9) for sign in (-1, 1))
        self.context.save_incident((self.context.pump_id,), (max(start_ns, first), min(end_ns, last)))
