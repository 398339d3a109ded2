"""The quiet line at the foot: the pulse of the program itself."""

from math import isfinite

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from typing_extensions import override

from pumpwatch_gui.domain.link import LinkState
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.gui import paint
from pumpwatch_gui.gui.theme import STRONG, Look, color
from pumpwatch_gui.gui.widgets import Painted
from pumpwatch_gui.gui.words import clock

HEIGHT = 26


def pulse_words(view: StationView) -> tuple[tuple[str, bool], ...]:
    """The facts of the line, left to right, each with whether it is a trouble."""
    pulse, links = view.pulse, [link for pump in view.pumps for link in pump.links]
    online = sum(link.state is LinkState.ONLINE for link in links)
    inference = f"inference p99 {pulse.inference.p99:.1f} ms" if isfinite(pulse.inference.p99) else "inference waiting"
    dropped = f" · dropped {pulse.ring_dropped:,}" if pulse.ring_dropped else ""
    commit = "nothing committed yet"
    if pulse.last_commit_ns:
        took = f" · {pulse.commit.p50:.1f} ms" if isfinite(pulse.commit.p50) else ""
        commit = f"committed {clock(pulse.last_commit_ns)}{took}"
    words = [
        (f"{online} of {len(links)} links online", online < len(links)),
        (f"frames {pulse.frames_per_s:.1f}/s · skipped {pulse.skipped_beats:,}", False),
        (inference, False),
        (f"queue {pulse.ring_depth:,} / {pulse.ring_capacity:,}{dropped}", bool(pulse.ring_dropped)),
        (commit, False),
    ]
    if pulse.readings_lost:
        words.append((f"{pulse.readings_lost:,} readings lost", True))
    if pulse.store_error:
        words.append((f"store: {pulse.store_error}", True))
    return tuple(words)


class Footer(Painted):
    """Paints `pulse_words`, and the model in use at the right."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, "Pulse of the program")
        self._words: tuple[tuple[str, bool], ...] = ()
        self._model = ""

    @override
    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(400, self.look.px(HEIGHT))

    def refresh(self, view: StationView) -> None:
        """Show the pulse as it is now."""
        words, model = pulse_words(view), f"model {view.model}" if view.model else "no model"
        if (words, model) != (self._words, self._model):
            self._words, self._model = words, model
            self.describe(", ".join(w for w, _ in words))
            self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """One line of dim words; troubles stronger and marked."""
        look, theme, px = self.look, self.look.theme, self.look.px
        painter = QPainter(self)
        box = QRectF(self.rect())
        painter.fillRect(box, color(theme.panel))
        painter.fillRect(QRectF(0, 0, box.width(), 1), color(theme.line))
        x, right = float(px(16)), box.width() - px(16)
        model_px = look.metrics(12).horizontalAdvance(self._model)
        paint.text(painter, look, box.adjusted(0, 0, -px(16), 0), self._model, theme.dim, size=12, align=paint.RIGHT)
        for words, trouble in self._words:
            shown = f"! {words}" if trouble else words
            weight = STRONG if trouble else paint.REGULAR
            room = right - model_px - px(20) - x
            if room < px(60):
                break
            place = QRectF(x, 0, room, box.height())
            x += paint.text(painter, look, place, shown, theme.text if trouble else theme.dim, size=12, weight=weight)
            x += px(28)
        painter.end()
