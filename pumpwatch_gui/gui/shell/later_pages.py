"""The pages that are not on show at the start: loaded and built one after the other, between other work."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from pumpwatch_gui.gui.shell.entries import PageEntry
from pumpwatch_gui.gui.shell.page import Ask, Page

FIRST_MS, NEXT_MS = 300, 100


class LaterPages(QObject):
    """Builds by `build` what `missing` names, until that is None; `built` comes once then.

    What a page is made of is imported by a worker: on the window's thread that would hold it for a tenth of a second.
    """

    built = Signal()

    def __init__(
        self, ask: Ask, missing: Callable[[], PageEntry | None], build: Callable[[str], Page], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._ask, self._missing, self._build = ask, missing, build
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._load)

    def start(self) -> None:
        """Begin once the first page is on the screen."""
        self._timer.start(FIRST_MS)

    def stop(self) -> None:
        """Build no more."""
        self._timer.stop()
        self._missing = lambda: None

    def _load(self) -> None:
        if (entry := self._missing()) is not None:
            self._ask(entry.kind, partial(self._loaded, entry))
        else:
            self.built.emit()

    def _loaded(self, entry: PageEntry, _kind: type[Page]) -> None:
        if self._missing() is entry:  # it may have been opened meanwhile
            self._build(entry.key)
        self._timer.start(NEXT_MS)
