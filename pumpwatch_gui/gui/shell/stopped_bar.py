"""The red bar above everything else, when a part of the program has stopped: what looks alive below it is not."""

import logging
import time
from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.station import LOOP_WORDS, LoopHealth, LoopWords, StationView
from pumpwatch_gui.domain.wording import duration
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, Appearance, color
from pumpwatch_gui.gui.look.widgets import Painted

crash_log = logging.getLogger("pumpwatch.crash")

HEIGHT = 38
SCREEN = LoopWords("Screen", "what is shown here is not updated")
"""For a page that cannot be shown as it is now."""


def stopped_words(view: StationView | None, screen_s: float | None = None) -> tuple[tuple[str, str], ...]:
    """What has stopped and for how long, and what is not done meanwhile, the gravest first.

    `screen_s`: for how many seconds the screen itself has not been updated, None when it is.
    """
    stopped = [] if screen_s is None else [(SCREEN, screen_s)]
    if view is not None:
        order = list(LOOP_WORDS)
        late = sorted(view.stopped_loops, key=lambda one: order.index(one.name) if one.name in order else len(order))
        stopped += [
            (loop.words or LOOP_WORDS.get(loop.name) or LoopWords(loop.name, ""), _age_s(loop, view)) for loop in late
        ]
    return tuple(
        (f"{words.name} {words.fault}".upper() + f" {duration(age_s)}", words.consequence) for words, age_s in stopped
    )


def _age_s(loop: LoopHealth, view: StationView) -> float:
    return (view.mono_ns - loop.alive_mono_ns) / 1e9


class Showing:
    """Shows a page; of one that cannot be shown the bar says since when, and the crash log why."""

    def __init__(self, bar: "StoppedBar", page: str) -> None:
        self._bar, self.page = bar, page
        self._failing_since_s: float | None = None

    def show(self, show: Callable[[], None]) -> None:
        """Call `show`; whatever it raises is announced."""
        try:
            show()
        except Exception:  # noqa: BLE001 - the top of the screen's loop: a page that stopped must not look alive
            now_s = time.monotonic()
            if self._failing_since_s is None:
                self._failing_since_s = now_s
                crash_log.critical("the page %s cannot be shown", self.page, exc_info=True)
            self._bar.show_words(stopped_words(None, now_s - self._failing_since_s))
        else:
            self._failing_since_s = None


class StoppedBar(Painted):
    """Hidden while all is well. In the colour of the highest priority it says what has stopped and what follows."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Stopped parts of the program")
        self.words: tuple[tuple[str, str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    @override
    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(400, self.appearance.px(HEIGHT))

    def show_words(self, words: tuple[tuple[str, str], ...]) -> None:
        """Show what has stopped; nothing hides the bar."""
        if words != self.words:
            self.words = words
            self.describe(". ".join(f"{head}: {rest}" for head, rest in words))
            self.setVisible(bool(words))
            self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """What has stopped in strong letters, as many as there is room for, then what follows from the gravest."""
        appearance, px = self.appearance, self.appearance.px
        fill, token = appearance.theme.priority[Priority.HIGH - 1], appearance.theme.on_priority[Priority.HIGH - 1]
        painter = QPainter(self)
        box = QRectF(self.rect())
        painter.fillRect(box, color(fill))
        rest = box.adjusted(px(16), 0, -px(16), 0)
        heads, shown = [head for head, _ in self.words], len(self.words)
        while shown > 1 and appearance.width(_joined(heads, shown), 15, STRONG) > rest.width():
            shown -= 1
        words = _joined(heads, shown)
        if len(heads) == 1:
            words = f"{words} – {self.words[0][1]}".removesuffix(" – ")
        elif appearance.width(f"{words} – {self._consequences()}", 15, STRONG) <= rest.width():
            words = f"{words} – {self._consequences()}"
        paint.text(painter, appearance, rest, f"✕ {words}", token, size=15, weight=STRONG)
        painter.end()

    def _consequences(self) -> str:
        return ", ".join(rest for _, rest in self.words if rest)


def _joined(heads: list[str], shown: int) -> str:
    more = f" · and {len(heads) - shown} more" if shown < len(heads) else ""
    return " · ".join(heads[:shown]) + more
