"""The quiet line at the foot: how the program itself is doing."""

from math import inf, isfinite

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.sync import SyncState
from pumpwatch_gui.domain.wording import clock, duration
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, Appearance, color
from pumpwatch_gui.gui.look.widgets import Painted

HEIGHT = 26
OLD_COMMIT_S, FRAMES_MISSED = 5.0, 3.0
"""The store commits once a second: an older commit is a trouble, unless no more than so many frames came since."""


def stats_words(view: StationView) -> tuple[tuple[str, bool], ...]:
    """The facts of the line, left to right, each with whether it is a trouble."""
    if view.reviewed:
        return ((f"Review of {view.reviewed} · read-only, nothing is polled or written", False),)
    stats, links = view.stats, [link for pump in view.pumps for link in pump.links]
    online = sum(link.state is LinkState.ONLINE for link in links)
    if view.seen_through:
        seen = (f"{online} of {len(links)} links online", online < len(links))
        return seen, (f"Seen through {view.seen_through} · read-only", False)
    inference = f"inference p99 {stats.inference.p99:.1f} ms" if isfinite(stats.inference.p99) else "inference waiting"
    dropped = f" · dropped {stats.ring_dropped:,}" if stats.ring_dropped else ""
    words = [
        (f"{online} of {len(links)} links online", online < len(links)),
        (f"frames {stats.frames_per_s:.1f}/s · missed {stats.missed_scans:,}", False),
        (inference, False),
        (f"queue {stats.ring_depth:,} / {stats.ring_capacity:,}{dropped}", bool(stats.ring_dropped)),
        _commit_words(view),
    ]
    if stats.readings_lost:
        words.append((f"{stats.readings_lost:,} readings lost", True))
    if stats.store_error:
        words.append((f"store: {stats.store_error}", True))
    if view.sync is not None:
        words.append((view.sync.words, view.sync.state is SyncState.TROUBLE))
    return tuple(words)


def _commit_words(view: StationView) -> tuple[str, bool]:
    """When the history was last written; a trouble when that is too long ago for the frames that come."""
    stats = view.stats
    late_s = max(OLD_COMMIT_S, FRAMES_MISSED / stats.frames_per_s) if stats.frames_per_s else inf
    if not stats.last_commit_ns:
        return "nothing committed yet", stats.frames > late_s * stats.frames_per_s
    age_s = (view.time_ns - stats.last_commit_ns) / 1e9
    if age_s > late_s:
        return f"last committed {duration(age_s)} ago", True
    took = f" · {stats.commit.p50:.1f} ms" if isfinite(stats.commit.p50) else ""
    return f"committed {clock(stats.last_commit_ns)}{took}", False


class Footer(Painted):
    """Paints `stats_words`, and the model in use at the right."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "State of the program")
        self._words: tuple[tuple[str, bool], ...] = ()
        self._model = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @override
    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(400, self.appearance.px(HEIGHT))

    def refresh(self, view: StationView) -> None:
        """Show the figures as they are now."""
        words, model = stats_words(view), "" if view.reviewed or view.seen_through else view.model_words
        if (words, model) != (self._words, self._model):
            self._words, self._model = words, model
            self.describe(", ".join(w for w, _ in words))
            self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """One line of dim words; troubles stronger and marked."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        box = QRectF(self.rect())
        painter.fillRect(box, color(theme.panel))
        painter.fillRect(QRectF(0, 0, box.width(), 1), color(theme.line))
        x, right = float(px(16)), box.width() - px(16)
        model_px = appearance.metrics(12).horizontalAdvance(self._model)
        paint.text(
            painter, appearance, box.adjusted(0, 0, -px(16), 0), self._model, theme.dim, size=12, align=paint.RIGHT
        )
        for words, trouble in self._words:
            shown = f"! {words}" if trouble else words
            weight = STRONG if trouble else paint.REGULAR
            room = right - model_px - px(20) - x
            if room < px(60):
                break
            context = QRectF(x, 0, room, box.height())
            x += paint.text(
                painter, appearance, context, shown, theme.warning if trouble else theme.dim, size=12, weight=weight
            )
            x += px(28)
        painter.end()
