"""What a user keeps under names: views of trends, filters of alarms; and the menu that has them."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget


class KeptTexts:
    """Texts by name, kept over restarts, for each user alone. `kind` is what they are: `trends`, `alarm-filters`."""

    def __init__(self, settings: QSettings, user: str, kind: str) -> None:
        self._settings, self._array = settings, f"{kind}-{user}-views"

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in alphabetical order."""
        return tuple(sorted(self._all(), key=str.casefold))

    def text(self, name: str) -> str:
        """The text of that name; "" where there is none."""
        return self._all().get(name, "")

    def keep(self, name: str, text: str) -> None:
        """Keep a text, in place of one of the same name; a name of nothing but blanks keeps none."""
        if name.strip():
            self._write({**self._all(), name.strip(): text})

    def remove(self, name: str) -> None:
        """Forget a text."""
        self._write({known: text for known, text in self._all().items() if known != name})

    def _all(self) -> dict[str, str]:
        """By name. Names are values, not keys: a slash in a key of the settings has a meaning."""
        count = self._settings.beginReadArray(self._array)
        found = {}
        for i in range(count):
            self._settings.setArrayIndex(i)
            found[str(self._settings.value("name", ""))] = str(self._settings.value("view", ""))
        self._settings.endArray()
        return found

    def _write(self, texts: dict[str, str]) -> None:
        self._settings.remove(self._array)
        self._settings.beginWriteArray(self._array, len(texts))
        for i, (name, text) in enumerate(texts.items()):
            self._settings.setArrayIndex(i)
            self._settings.setValue("name", name)
            self._settings.setValue("view", text)
        self._settings.endArray()
        self._settings.sync()


def fill_kept(menu: QMenu, kept: KeptTexts, what: str, use: Callable[[str], object], now: Callable[[], str]) -> None:
    """Offer to keep `what` (`view`, `filter`) as it is `now`, to use one that is kept, and to forget one."""
    menu.addAction(f"Keep this {what}…", lambda: ask_name(menu, f"Keep this {what}", lambda n: kept.keep(n, now())))
    names = kept.names
    menu.addSeparator()
    for name in names:
        menu.addAction(name.replace("&", "&&"), partial(use, kept.text(name)))
    if names:
        menu.addSeparator()
        gone = menu.addMenu("Forget")
        for name in names:
            gone.addAction(name.replace("&", "&&"), partial(kept.remove, name))


def ask_name(parent: QWidget, title: str, on_name: Callable[[str], object]) -> None:
    """Ask for a name."""
    dialog = QInputDialog(parent.window())
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(title)
    dialog.setLabelText("Name:")
    dialog.textValueSelected.connect(on_name)
    dialog.open()
