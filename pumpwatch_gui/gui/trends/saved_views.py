"""The views that a user keeps: by name, and the one that was on the screen last."""

from dataclasses import replace

from PySide6.QtCore import QSettings

from pumpwatch_gui.gui.shell.kept_texts import KeptTexts
from pumpwatch_gui.gui.trends.pens import SavedView, view_of_text


class SavedViews(KeptTexts):
    """Kept over restarts, for each user alone."""

    def __init__(self, settings: QSettings, user: str) -> None:
        super().__init__(settings, user, "trends")
        self._group = f"trends-{user}"
        self._last = str(settings.value(f"{self._group}/last", ""))

    @property
    def last(self) -> SavedView | None:
        """What was on the screen last."""
        return view_of_text(self._last)

    @last.setter
    def last(self, view: SavedView) -> None:
        text = replace(view, length_s=round(view.length_s)).as_text()
        if text != self._last:  # each write is one of the whole file of settings
            self._last = text
            self._settings.setValue(f"{self._group}/last", text)
