"""The top bar of every page: what has stopped, plant, time, age of the values, the worst unacknowledged alarm."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QToolButton, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm, Priority
from pumpwatch_gui.domain.alarms.shown import ShownAlarm
from pumpwatch_gui.domain.pump.limit_words import limit_place
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.wording import age, clock, duration
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.cut_text import cut
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.theme import LIGHT, STRONG, Appearance, color, icon_size
from pumpwatch_gui.gui.look.widgets import KeyButton, Painted, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.shell.silence_button import SilenceButton
from pumpwatch_gui.gui.shell.stopped_bar import StoppedBar, stopped_words

HEIGHT = 56
CLOCK_PX = 184
COUNTS_FROM = 940
"""With the counts in a narrower bar, the banner would have no room for the alarm and its value."""
OLD_AFTER_S = 3.0
"""From this age on the screen says that what it shows is old (or from the shortest limit of the pumps, if longer)."""


def worst_unacknowledged(view: StationView) -> Alarm | None:
    """The alarm for the banner: the worst that is not acknowledged."""
    return next((alarm for alarm in view.alarms if alarm.state.is_unacknowledged), None)


def blink_is_on(mono_ns: int) -> bool:
    """The phase of every blinking border: once a second, all together."""
    return mono_ns // 500_000_000 % 2 == 0


class PlantBlock(Painted):
    """Plant name, number of pumps, clock and the age of what the screen shows."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context.appearance, "Plant, clock and age of the values")
        self._last_good = context.last_good
        self._plant = self._count = self._clock = self._age = ""
        self._brief = False
        self.old = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    @override
    def sizeHint(self) -> QSize:
        """Room for a plant name of usual length."""
        if self._brief:
            return QSize(self.appearance.px(16 + CLOCK_PX), HEIGHT)
        name = max(self.appearance.width(self._plant, 15, STRONG), self.appearance.width(self._count, 12)) + 2
        return QSize(
            round(min(max(name, self.appearance.px(120)), self.appearance.px(240))) + self.appearance.px(32 + CLOCK_PX),
            HEIGHT,
        )

    def set_brief(self, brief: bool) -> None:
        """Leave out the plant's name (the window's title has it) where there is no room."""
        if brief != self._brief:
            self._brief = brief
            self.updateGeometry()
            self.update()

    def refresh(self, view: StationView) -> None:
        """Show name, time and age; old values turn the age into a warning."""
        limit_s = max(OLD_AFTER_S, min((p.stale_after_s for p in view.pumps), default=OLD_AFTER_S))
        age_s = self._last_good.newest_s(view.mono_ns)
        self.old = bool(view.pumps) and not age_s <= limit_s
        text = f"live {age(age_s)}" if not self.old else "no values yet" if age_s != age_s else f"OLD {duration(age_s)}"
        if view.reviewed:
            self.old, text = False, "a review of the past"
        elif not view.pumps:
            text = "no pumps"
        many = "1 pump" if len(view.pumps) == 1 else f"{len(view.pumps)} pumps"
        time = "" if view.reviewed else clock(view.time_ns)  # the replay's own bar has it, as nothing of now is shown
        shown = (view.name, f"PumpWatch · {many}", time, text)
        if shown != (self._plant, self._count, self._clock, self._age):
            renamed = shown[:2] != (self._plant, self._count)
            self._plant, self._count, self._clock, self._age = shown
            if renamed:
                self.updateGeometry()
            is_live = not self.old and bool(view.pumps) and not view.reviewed
            words = "values are live" if is_live else text
            self.describe(f"{view.name}, {many}, {words}")
            self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Name over count, clock, age."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        right = self.width() - px(CLOCK_PX)
        if not self._brief:
            name = QRectF(px(16), px(9), right - px(32), px(20))
            paint.text(painter, appearance, name, self._plant, theme.strong, size=15, weight=STRONG)
            paint.text(
                painter, appearance, QRectF(px(16), px(29), right - px(32), px(18)), self._count, theme.dim, size=12
            )
        time = QRectF(right, 0, px(96), self.height())
        used = paint.text(painter, appearance, time, self._clock, theme.strong, size=20, weight=STRONG)
        rest = QRectF(right + used + px(10), px(3), px(CLOCK_PX) - used - px(10), self.height() - px(3))
        if self.old:
            frame = QRectF(rest.left() - px(4), self.height() / 2 - px(12), rest.width() - px(4), px(24))
            painter.setPen(QPen(color(theme.warning), 2))
            painter.drawRect(frame)
            paint.text(painter, appearance, frame, self._age, theme.warning, size=12, weight=STRONG, align=paint.CENTRE)
        else:
            paint.text(painter, appearance, rest, self._age, theme.dim, size=12)
        painter.end()


class Banner(QAbstractButton):
    """The worst unacknowledged alarm with shape, number, text, value, limit and age. Pressing it opens its pump."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        appearance = context.appearance
        self.context, self.appearance = context, appearance
        self.alarm: Alarm | None = None
        self._alarm: ShownAlarm | None = None
        self._shown: tuple[object, ...] = ()
        self._active = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("No unacknowledged alarms")
        appearance.changed.connect(self.updateGeometry)

    @override
    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(self.appearance.px(300), self.appearance.px(44))

    def refresh(self, view: StationView) -> None:
        """Take the worst alarm of the view; repaint only when something on it changed."""
        alarm = worst_unacknowledged(view)
        numbers = self.context.shown(alarm, view) if alarm else None
        shown = (alarm, numbers, blink_is_on(view.mono_ns) if alarm else True, len(view.alarms))
        if shown == self._shown:
            return
        if alarm != self.alarm or not self._shown:
            words = ""
            if alarm and numbers:
                limit = f", limit {numbers.limit}" if numbers.limit else ""
                words = f"Worst unacknowledged alarm: priority {int(alarm.priority)}, {alarm.pump_id}, {alarm.text}"
                words = ", ".join(w for w in (words, numbers.raised) if w) + limit
            self.setAccessibleName(words or "No unacknowledged alarms")
            self.setToolTip(f"Open {alarm.pump_id}" if alarm else "")
        self.alarm, self._alarm, self._shown, self._active = alarm, numbers, shown, len(view.alarms)
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Border in the alarm's colour, blinking; the words do not blink."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        box = QRectF(self.rect())
        alarm = self.alarm
        painter.fillRect(box, color(theme.raised if alarm else theme.panel))
        on = bool(self._shown[2]) if self._shown else True
        if alarm:
            emphasis = paint.Emphasis.of(unacknowledged=True, blink_on=on)
            paint.alarm_border(painter, appearance, box, alarm.priority, emphasis)
        else:
            painter.setPen(QPen(color(theme.edge), 1))
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        if self.hasFocus():
            painter.setPen(QPen(color(theme.focus), 1))
            inset = px(7) + 0.5  # inside the widest border
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(inset, inset, -inset, -inset))
        inner = box.adjusted(px(14), 0, -px(14), 0)
        if alarm is None or self._alarm is None:
            many = f"No unacknowledged alarms · {self._active} acknowledged" if self._active else "No alarms"
            paint.text(painter, appearance, inner, many, theme.dim, align=paint.LEFT)
        else:
            self._paint_alarm(painter, inner, alarm, self._alarm)
        painter.end()

    def _paint_alarm(self, painter: QPainter, inner: QRectF, alarm: Alarm, shown: ShownAlarm) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        mark = QRectF(inner.left(), inner.center().y() - px(9), px(18), px(18))
        paint.priority_mark(painter, appearance, mark, alarm.priority, hollow=not alarm.state.is_active)
        rest = inner.adjusted(px(28), 0, 0, 0)
        word = "unacknowledged" if alarm.state.is_active else "returned, unacknowledged"
        waiting, value = shown.lasts, f"now {shown.now}" if shown.now else ""
        limit = f"{shown.raised} · limit {shown.limit}" if shown.limit else ""
        if inner.width() < px(560):
            half = rest.height() / 2 - px(3)
            top, bottom = rest.adjusted(0, px(3), 0, -half), rest.adjusted(0, half, 0, -px(3))
            paint.run(painter, appearance, top, self._named(alarm, top.width(), 13))
            paint.text(painter, appearance, bottom, waiting, theme.strong, align=paint.RIGHT)
            bottom.setRight(bottom.right() - appearance.width(waiting) - px(8))
            bottom.setLeft(paint.run(painter, appearance, bottom, ((value, theme.strong, STRONG),)) + px(2))
            ways = (limit, f"limit {shown.limit}" if shown.limit else "")
            paint.text(painter, appearance, bottom, paint.first_fitting(appearance, ways, bottom.width()), theme.dim)
            return
        paint.text(painter, appearance, rest, waiting, theme.strong, align=paint.RIGHT)
        rest.setRight(rest.right() - appearance.width(waiting) - px(8))
        paint.text(painter, appearance, rest, word, theme.dim, size=12, align=paint.RIGHT)
        rest.setRight(rest.right() - appearance.width(word, 12) - px(14))
        kept = appearance.width(value, 14, STRONG) + px(10)  # the value is never cut, the text may be
        named = self._named(alarm, rest.width() - kept, 14)
        rest.setLeft(paint.run(painter, appearance, rest.adjusted(0, 0, -kept, 0), named, size=14))
        paint.run(painter, appearance, rest, ((value, theme.strong, STRONG),), size=14)
        rest.setLeft(rest.left() + kept)
        ways = (" · ".join(w for w in (limit, shown.first_out) if w), limit)
        words = paint.first_fitting(appearance, ways, rest.width(), 12)
        paint.text(painter, appearance, rest, words, theme.dim, size=12)

    def _named(self, alarm: Alarm, width: float, size: float) -> tuple[tuple[str, str, QFont.Weight], ...]:
        """Pump and text for a run of `width` px, the text cut before the kind of limit."""
        appearance, strong = self.appearance, self.appearance.theme.strong
        room = width - appearance.width(alarm.pump_id, size, STRONG) - appearance.px(9)
        words = cut(appearance.metrics(size, STRONG), alarm.text, room, limit_place(alarm))
        return (alarm.pump_id, strong, STRONG), (words, strong, STRONG)


class AlarmCounts(Painted):
    """How many alarms of each priority are open, each with its shape."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Open alarms per priority")
        self._counts = dict.fromkeys(Priority, 0)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    @override
    def sizeHint(self) -> QSize:
        """Four marks and figures."""
        return QSize(self.appearance.px(4 * 42), HEIGHT)

    def refresh(self, view: StationView) -> None:
        """Count again."""
        counts = {p: sum(a.priority is p for a in view.alarms) for p in Priority}
        if counts != self._counts or not self.accessibleDescription():
            self._counts = counts
            self.describe(", ".join(f"priority {int(p)}: {n}" for p, n in counts.items()))
            self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Mark and figure, four times; a zero is dim."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        middle = self.height() / 2
        for i, (priority, count) in enumerate(self._counts.items()):
            x = px(42) * i
            painter.setOpacity(1.0 if count else 0.45)
            paint.priority_mark(painter, appearance, QRectF(x, middle - px(8), px(16), px(16)), priority)
            painter.setOpacity(1.0)
            context = QRectF(x + px(21), 0, px(26), self.height())
            paint.text(
                painter, appearance, context, str(count), theme.strong if count else theme.dim, size=14, weight=STRONG
            )
        painter.end()


class TopBar(QWidget):
    """The whole bar. `acknowledge` carries the alarm that the banner shows; `simulated` shows a chip that says so."""

    acknowledge = Signal(object)

    def __init__(self, context: PageContext, *, simulated: bool = False) -> None:
        super().__init__()
        self.appearance, self._open_page, self._can_operate = context.appearance, context.open_page, context.can_operate
        self.plant, self.banner, self.counts = (
            PlantBlock(context),
            Banner(context),
            AlarmCounts(context.appearance),
        )
        self.ack = KeyButton(context.appearance, "Acknowledge", "F10", name="Acknowledge the alarm in the banner")
        self.silence = SilenceButton(context)
        self.day, self.menu = QToolButton(), QToolButton()
        self.day.setAccessibleName("Day or night colours")
        self.day.setToolTip("Day or night colours (Ctrl+D)")
        self.menu.setAccessibleName("Menu")
        self.menu.setToolTip("All commands and their keys (Alt+M)")
        self.menu.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.day.clicked.connect(context.appearance.toggle_day)
        self.ack.clicked.connect(self.acknowledge_shown)
        self.banner.clicked.connect(self._open_shown)
        self.stopped = StoppedBar(context.appearance)
        self.simulated = label("SIMULATED", "chip")
        self.simulated.setToolTip("The values are made up by the program, not measured in a plant")
        self.simulated.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.simulated.setVisible(simulated)
        self.review = label("REVIEW", "chip")
        self.review.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.review.hide()
        acts = hbox(self.silence, self.ack, spacing=8)
        row = hbox(
            self.plant, self.review, self.simulated, self.banner, self.counts, acts, self.day, self.menu, spacing=16
        )
        row.setContentsMargins(0, 0, 16, 0)
        self._row = QWidget()
        self._row.setLayout(row)
        vbox(self.stopped, self._row, parent=self, spacing=0)
        if not context.can_operate:
            self.ack.hide()
        if context.replay is not None:
            self.silence.hide()  # nothing sounds
        self.appearance.changed.connect(self._fit)
        self._fit()

    def refresh(self, view: StationView) -> None:
        """Show the station as it is now."""
        self.stopped.show_words(stopped_words(view))
        self.plant.refresh(view)
        self.banner.refresh(view)
        self.counts.refresh(view)
        self.ack.setEnabled(self.banner.alarm is not None and self._can_operate)
        source = view.reviewed or view.seen_through
        if bool(source) is self.review.isHidden():
            self.review.setVisible(bool(source))
            self.review.setText("REVIEW" if view.reviewed else "VIEWER")
            live = "; nothing is live" if view.reviewed else ""
            self.review.setToolTip(f"A look at {source}{live}; nothing can be changed")

    def acknowledge_shown(self) -> None:
        """Acknowledge what the banner shows, nothing else."""
        if self.banner.alarm is not None:
            self.acknowledge.emit(self.banner.alarm)

    def _open_shown(self) -> None:
        if self.banner.alarm is not None:
            self._open_page("pump", self.banner.alarm.pump_id)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground and the line below."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), color(self.appearance.theme.panel))
        painter.fillRect(0, self.height() - 1, self.width(), 1, color(self.appearance.theme.line))
        painter.end()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """The banner comes first: in a narrow window name and counts give way."""
        self._make_room()

    def _make_room(self) -> None:
        self.plant.set_brief(self.width() < self.appearance.px(1160))
        chips = 0 if self.simulated.isHidden() else 120
        self.counts.setVisible(self.width() >= self.appearance.px(COUNTS_FROM + chips))

    def _fit(self) -> None:
        self._make_room()
        self._row.setFixedHeight(self.appearance.px(HEIGHT))
        self.day.setIcon(self.appearance.icon("night" if self.appearance.theme.name == LIGHT.name else "day"))
        self.menu.setIcon(self.appearance.icon("menu"))
        for tool in (self.day, self.menu):
            tool.setIconSize(icon_size(self.appearance, 18))
