"""What the Pump page shows, decided apart from its widgets; and the state line of its header."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.domain.alarms.shown import ShownAlarm
from pumpwatch_gui.domain.display import LastGood, read_sensor
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.pump.limit_words import limit_place
from pumpwatch_gui.domain.station import PumpView, RunState, StationView
from pumpwatch_gui.domain.wording import age, number
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, Appearance
from pumpwatch_gui.gui.look.widgets import Painted
from pumpwatch_gui.gui.pump.reading_list import ReadingRow
from pumpwatch_gui.gui.shell.top_bar import blink_is_on
from pumpwatch_gui.gui.tables.row_list import Row


class StatusLine(Painted):
    """State chip and the line about link, answer time and age; a lost pump in words and hatched."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "State of the pump")
        self._state, self._words, self._live = RunState.NO_DATA, "", False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @override
    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(self.appearance.px(260), self.appearance.px(32))

    @override
    def minimumSizeHint(self) -> QSize:
        """The chip of any state: it is never cut."""
        widest = max(self.appearance.width(state.value, 11, STRONG) for state in RunState)
        return QSize(round(widest) + self.appearance.px(14) + 2, self.appearance.px(32))

    def show_state(self, state: RunState, words: str, *, live: bool) -> None:
        """Show these."""
        if (state, words, live) != (self._state, self._words, self._live):
            if (state, live) != (self._state, self._live):
                self.describe(f"{state.value.lower()}, {words}")
            self._state, self._words, self._live = state, words, live
            self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Chip, then words."""
        appearance, px = self.appearance, self.appearance.px
        painter = QPainter(self)
        chip = appearance.width(self._state.value, 11, STRONG) + px(14)
        paint.state_chip(painter, appearance, chip, self.height() / 2, self._state)
        rest = QRectF(chip + px(14), 0, self.width() - chip - px(14), self.height())
        if not self._live:
            box = QRectF(rest.left() - px(6), rest.center().y() - px(12),
                         min(appearance.width(self._words, 13, STRONG) + px(12), rest.width()), px(24))  # fmt: skip
            paint.hatch(painter, appearance, box, step=8)
            words = rest.adjusted(0, 0, -px(6), 0)
            paint.text(painter, appearance, words, self._words, appearance.theme.strong, weight=STRONG)
        else:
            paint.text(painter, appearance, rest, self._words, appearance.theme.dim, size=12)
        painter.end()


def facts(pump: PumpView, now_ns: int) -> str:
    """The header's line: link, endpoint, answer time and age of the values."""
    words = []
    for link in pump.links[:1]:
        words.append(f"link {link.state.value} · {link.endpoint}")
        if link.response_p50_ms == link.response_p50_ms:
            words.append(f"response {number(link.response_p50_ms, 1)} ms")
    others = pump.links[1:]
    if others:
        online = sum(link.state is LinkState.ONLINE for link in others)
        words.append(f"{online} of {len(others)} further links online")
    if pump.frame is not None:
        words.append(f"age {age((now_ns - pump.frame.mono_ns) / 1e9)}")
    return " · ".join(words)


def sensor_rows(pump: PumpView, now_ns: int, last_good: LastGood) -> tuple[ReadingRow, ...]:
    """What may be shown of every quantity, the sensors first, with the priority of its worst active alarm."""
    active = {a.tag: a.priority for a in reversed(pump.alarms) if a.state.is_active and a.tag}
    sensors = pump.profile.quantities
    return tuple(
        ReadingRow(read_sensor(pump, i, now_ns, last_good), active.get(sensor.tag)) for i, sensor in enumerate(sensors)
    )


def lane_text(row: ReadingRow) -> str:
    """The number next to a lane's label; its age with it where it is not live."""
    reading = row.reading
    if not reading.age_text:
        return reading.shown
    return f"{reading.shown} {reading.age_text}" + (f" · {reading.reason}" if reading.reason else "")


def alarm_rows(alarms: tuple[ShownAlarm, ...], view: StationView) -> tuple[Row, ...]:
    """The alarms of a pump, worst first; a border blinks until one is acknowledged."""
    rows = []
    for shown in alarms:
        alarm = shown.alarm
        unseen = alarm.state.is_unacknowledged
        now = (
            f"now {shown.now}" if shown.now else "",
            f"worst {shown.worst}" if shown.worst not in ("", shown.now) else "",
            shown.first_out,
            f"acknowledged by {alarm.by}" if not unseen and alarm.by else "",
        )
        then = (shown.raised_and_limit,)
        rows.append(
            Row(
                alarm.alarm_id,
                alarm.text,
                details=tuple(" · ".join(w for w in words if w) for words in (now, then) if any(words)),
                right=shown.lasts,
                priority=alarm.priority,
                kept=limit_place(alarm),
                hollow=not alarm.state.is_active,
                border=paint.Emphasis.of(unacknowledged=True, blink_on=blink_is_on(view.mono_ns)) if unseen else None,
            )
        )
    return tuple(rows)
