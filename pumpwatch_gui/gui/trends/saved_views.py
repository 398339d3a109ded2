"""The views that a user keeps: by name, and the one that was on the screen last."""

from dataclasses import replace

from PySide6.QtCore import QSettings

from pumpwatch_gui.gui.trends.pens import SavedView, view_of_text


class SavedViews:
    """Kept over restarts, for each user alone."""

    def __init__(self, settings: QSettings, user: str) -> None:
        self._settings, self._group = settings, f"trends-{user}"
        self._last = str(settings.value(f"{self._group}/last", ""))

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in alphabetical order."""
        return tuple(sorted(self._all(), key=str.casefold))

    def view(self, name: str) -> SavedView | None:
        """The view of that name; None where there is none that can be read."""
        return view_of_text(self._all().get(name, ""))

    def keep(self, name: str, view: SavedView) -> None:
        """Keep a view, in place of one of the same name."""
        self._write({**self._all(), name: view.as_text()})

    def remove(self, name: str) -> None:
        """Forget a view."""
        self._write({known: text for known, text in self._all().items() if known != name})

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

    def _all(self) -> dict[str, str]:
        """By name. Names are values, not keys: a slash in a key of the settings has a meaning."""
        count = self._settings.beginReadArray(f"{self._group}-views")
        found = {}
        for i in range(count):
            self._settings.setArrayIndex(i)
            found[str(self._settings.value("name", ""))] = str(self._settings.value("view", ""))
        self._settings.endArray()
        return found

    def _write(self, views: dict[str, str]) -> None:
        self._settings.remove(f"{self._group}-views")
        self._settings.beginWriteArray(f"{self._group}-views", len(views))
        for i, (name, text) in enumerate(views.items()):
            self._settings.setArrayIndex(i)
            self._settings.setValue("name", name)
            self._settings.setValue("view", text)
        self._settings.endArray()
        self._settings.sync()
