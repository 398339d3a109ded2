"""The judging of a pump as it is painted: the score over time, alarms below it, changes of the model above it."""

from collections.abc import Sequence
from math import isfinite

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.display import SCORE_SCALE
from pumpwatch_gui.domain.feedback import FeedbackVerdict
from pumpwatch_gui.domain.judgement import JudgedEpisode, Judgement, ModelChange, ModelMark
from pumpwatch_gui.domain.wording import duration, number, stamp
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.curves import off_scale, path, thinned
from pumpwatch_gui.gui.look.theme import STRONG, Appearance, color
from pumpwatch_gui.gui.look.time_axis import AXIS_PX, time_axis
from pumpwatch_gui.gui.look.time_picture import TimePicture
from pumpwatch_gui.gui.look.time_view import DAY_S, TimeView
from pumpwatch_gui.gui.look.widgets import plain_tip

LEFT_PX, MARK_PX, STRIP_PX, LEAST_PX = 62, 16, 20, 5
LETTERS = {
    ModelChange.LEARNT: "L", ModelChange.MODEL: "M", ModelChange.NORMAL: "N", ModelChange.LIMIT: "T",
    ModelChange.SHADOW: "S", ModelChange.NEW_LEVEL: "!", ModelChange.OTHER: "i",
}  # fmt: skip
SIGNS = {FeedbackVerdict.TRUE: "✓", FeedbackVerdict.FALSE: "✗", FeedbackVerdict.UNKNOWN: "?", None: ""}


class JudgementView(TimePicture):
    """Shows a judgement over a stretch of time.

    `chosen` carries the alarm (JudgedEpisode) that a person clicks. Left and Right go from change to change of the
    model, which is then said.
    """

    chosen = Signal(object)

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Score over time", TimeView.last(DAY_S, DAY_S))
        self.found: Judgement | None = None
        self.selected_ns: int | None = None
        self.mark: ModelMark | None = None
        self._words = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @override
    def sizeHint(self) -> QSize:
        return QSize(self.appearance.px(480), self.appearance.px(210))

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(self.appearance.px(300), self.appearance.px(150))

    # ---------------------------------------------------------------- what is shown

    def show_judgement(self, found: Judgement | None, view: TimeView, now_s: float, words: str = "") -> None:
        """Show this over that time; `words` where there is nothing."""
        self.found, self.view, self._now_s, self._words = found, view, now_s, words
        if found is None or self.mark not in found.marks:
            self.mark = None
        self._speak()
        self.update()

    def select(self, start_ns: int | None) -> None:
        """Outline the alarm that began then."""
        self.selected_ns = start_ns
        self.update()

    def _speak(self) -> None:
        found = self.found
        if found is None:
            self.describe(self._words)
            return
        said = f"{words_of_mark(self.mark)}. " if self.mark is not None else ""
        known = found.score[np.isfinite(found.score)]
        highest = f"highest score {number(float(known.max()), 2)}" if known.size else "not scored"
        alarms, changes = len(found.raised), len(found.marks)
        self.describe(f"{said}{duration(self.view.length_s)}: {highest}, {alarms} alarms, {changes} changes")

    # ---------------------------------------------------------------- places

    @property
    @override
    def _area(self) -> QRectF:
        px = self.appearance.px
        return QRectF(self.rect()).adjusted(px(LEFT_PX), px(MARK_PX + 4), -px(6), -px(AXIS_PX + STRIP_PX))

    def _y(self, score: float) -> float:
        (low, high), area = SCORE_SCALE, self._area
        return area.bottom() - (score - low) / (high - low) * area.height()

    def _bar_of(self, episode: JudgedEpisode) -> QRectF:
        area, px = self._area, self.appearance.px
        left = max(self._x(episode.start_ns / 1e9), area.left())
        right = min(max(self._x(episode.end_ns / 1e9), left + px(LEAST_PX)), area.right())
        left = min(left, right - px(LEAST_PX))  # one that has just begun is seen as well
        return QRectF(left, area.bottom() + px(4), right - left, px(STRIP_PX - 6))

    def _box_of(self, mark: ModelMark) -> QRectF:
        side = self.appearance.px(MARK_PX)
        return QRectF(self._x(mark.time_ns / 1e9) - side / 2, 0.5, side, side)

    def episode_at(self, point: QPointF) -> JudgedEpisode | None:
        """The alarm under a point, the newest of several."""
        episodes = self.found.episodes if self.found is not None else ()
        bars = ((e, self._bar_of(e)) for e in reversed(episodes))
        return next((e for e, bar in bars if bar.adjusted(-2, -4, 2, 4).contains(point)), None)

    def mark_at(self, point: QPointF) -> ModelMark | None:
        """The change under a point, the newest of several."""
        marks = self.found.marks if self.found is not None else ()
        return next((mark for mark in reversed(marks) if self._box_of(mark).contains(point)), None)

    # ---------------------------------------------------------------- painting

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Axis, threshold, scores, alarms, changes."""
        painter, appearance, theme = QPainter(self), self.appearance, self.appearance.theme
        area, px = self._area, appearance.px
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        time_axis(painter, appearance, self.view, area.adjusted(0, 0, 0, px(STRIP_PX)), zone_px=px(LEFT_PX))
        self._frame(painter, area)
        if self.found is None:
            paint.text(painter, appearance, area, self._words, theme.dim, align=paint.CENTRE)
        else:
            self._curve(painter, area, self.found)
            for episode in self.found.episodes:
                self._episode(painter, episode)
            self._changes(painter, area, self.found.marks)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color(theme.focus), 1, Qt.PenStyle.DotLine))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _frame(self, painter: QPainter, area: QRectF) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(QLineF(area.topLeft(), area.bottomLeft()))
        painter.drawLine(QLineF(area.bottomLeft(), area.bottomRight()))
        low, high = SCORE_SCALE
        for value, words in ((low, number(low, 0)), (1.0, "limit 1"), (high, number(high, 0))):
            y = min(max(self._y(value), area.top() + px(6)), area.bottom() - px(6))
            token = theme.text if value == 1.0 else theme.dim
            place = QRectF(0, y - px(8), area.left() - px(6), px(16))
            paint.text(painter, appearance, place, words, token, size=11, align=paint.RIGHT)
        for words, y in (("Model", px(MARK_PX) / 2), ("Alarms", area.bottom() + px(STRIP_PX) / 2 + 1)):
            place = QRectF(0, y - px(8), area.left() - px(6), px(16))
            paint.text(painter, appearance, place, words, theme.dim, size=11, align=paint.RIGHT)

    def _curve(self, painter: QPainter, area: QRectF, found: Judgement) -> None:
        """Hatched where there is no score; a rail where it is above the scale; the threshold over all."""
        appearance, theme = self.appearance, self.appearance.theme
        x = area.left() + (found.time_s - self.view.start_s) / self.view.length_s * area.width()
        step = max(3.0 * float(np.median(np.diff(x))) if x.size > 1 else 0.0, 3.0)
        for left, right in _unscored(x, found.score, area, step):
            paint.hatch(painter, appearance, QRectF(left, area.top(), right - left, area.height()), step=12)
        low, high = SCORE_SCALE
        y = area.bottom() - (found.score - low) / (high - low) * area.height()
        painter.save()
        painter.setClipRect(area)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color(theme.live), 1.2))
        painter.drawPath(path(*thinned(x, y, area.width()), longest_step=step))
        painter.setPen(QPen(color(theme.text), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QLineF(area.left(), self._y(1.0), area.right(), self._y(1.0)))
        painter.restore()
        paint.off_scale(painter, appearance, area, off_scale(x, found.score, SCORE_SCALE, longest_step=step), 2)

    def _episode(self, painter: QPainter, episode: JudgedEpisode) -> None:
        appearance, theme = self.appearance, self.appearance.theme
        bar, is_chosen = self._bar_of(episode), episode.start_ns == self.selected_ns
        if bar.right() <= self._area.left() or bar.left() >= self._area.right():
            return
        painter.setBrush(theme.priority_color(Priority.LOW))
        painter.setPen(QPen(color(theme.strong if is_chosen else theme.mark_line), 2.5 if is_chosen else 1))
        painter.drawRect(bar)
        if sign := SIGNS[episode.verdict]:
            place = QRectF(bar.right() + 2, bar.top(), appearance.px(14), bar.height())
            paint.text(painter, appearance, place, sign, theme.text, size=12, weight=STRONG)

    def _changes(self, painter: QPainter, area: QRectF, marks: Sequence[ModelMark]) -> None:
        """A box each; what was done next to it, where there is room up to the next."""
        appearance, theme = self.appearance, self.appearance.theme
        shown = [m for m in marks if area.left() <= self._box_of(m).center().x() <= area.right()]
        for i, mark in enumerate(shown):
            box = self._box_of(mark)
            end = self._box_of(shown[i + 1]).left() if i + 1 < len(shown) else area.right()
            self._change(painter, area, box, mark)
            place = QRectF(box.right() + 4, box.top(), end - box.right() - 8, box.height())
            if appearance.width(mark.change.value, 11) <= place.width():
                paint.text(painter, appearance, place, mark.change.value, theme.dim, size=11)

    def _change(self, painter: QPainter, area: QRectF, box: QRectF, mark: ModelMark) -> None:
        appearance, theme = self.appearance, self.appearance.theme
        is_chosen = mark == self.mark
        painter.setPen(QPen(color(theme.strong if is_chosen else theme.dim), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QLineF(box.center().x(), box.bottom(), box.center().x(), area.bottom()))
        painter.setPen(QPen(color(theme.strong if is_chosen else theme.edge), 2 if is_chosen else 1))
        painter.setBrush(color(theme.raised))
        painter.drawRect(box)
        paint.text(painter, appearance, box, LETTERS[mark.change], theme.strong, size=11, weight=STRONG,
                   align=paint.CENTRE)  # fmt: skip

    # ---------------------------------------------------------------- pointer and keys

    @override
    def event(self, event: QEvent) -> bool:
        """The tool tip says all of a change or an alarm."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            point = QPointF(event.pos())
            mark, episode = self.mark_at(point), self.episode_at(point)
            words = words_of_mark(mark) if mark else words_of_episode(episode) if episode else ""
            QToolTip.showText(event.globalPos(), plain_tip(words), self)
            return True
        return super().event(event)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose what is under the pointer, or take hold of the time."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        episode, self.mark = self.episode_at(event.position()), self.mark_at(event.position())
        self._hold(event.position() if episode is None and self.mark is None else None)
        if episode is not None:
            self.chosen.emit(episode)
        self._speak()
        self.update()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See the class."""
        key, marks = Qt.Key(event.key()), self.found.marks if self.found is not None else ()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and marks:
            step = 1 if key is Qt.Key.Key_Right else -1
            at = marks.index(self.mark) + step if self.mark is not None else len(marks) - 1
            self.mark = marks[min(max(at, 0), len(marks) - 1)]
            self._speak()
            self.update()
        else:
            super().keyPressEvent(event)


def words_of_mark(mark: ModelMark) -> str:
    """A change in words: when, what, by whom."""
    return f"{stamp(mark.time_ns)}  {mark.change.value}: {mark.text}" + (f", by {mark.by}" if mark.by else "")


def words_of_episode(episode: JudgedEpisode) -> str:
    """An alarm in words: what, when, for how long, how high, what people said."""
    lasted = duration((episode.end_ns - episode.start_ns) / 1e9)
    until = f"goes on, {lasted} so far" if episode.is_open else f"{lasted} long"
    peak = f", score up to {number(episode.peak, 2)}" if isfinite(episode.peak) else ""
    step = f", {episode.step.words}" if episode.step is not None else ""
    said = f", said to be {episode.verdict.value}" if episode.verdict is not None else ""
    return f"{episode.text}  {stamp(episode.start_ns)}, {until}{peak}{step}{said}"


def _unscored(x: np.ndarray, score: np.ndarray, area: QRectF, step: float) -> list[tuple[float, float]]:
    """Where no score is known, as (left, right) in pixels, without what is narrower than a step."""
    known = np.concatenate(([area.left()], x[np.isfinite(score) & (x >= area.left()) & (x <= area.right())],
                            [area.right()]))  # fmt: skip
    at = np.flatnonzero(np.diff(known) > max(step, 3.0))
    return list(zip(known[at].tolist(), known[at + 1].tolist(), strict=True))
