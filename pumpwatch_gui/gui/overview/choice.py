"""Which pumps the overview shows and in which groups: the bar above the tiles, and what it decides."""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QWidget

from pumpwatch_gui.domain.display import presence
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.widgets import StatusText, button
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.filters import text_filter

MANY = 8
"""With more pumps than that there is something to look for."""


class Which(Enum):
    """The pumps that are shown."""

    ALL = "all pumps"
    ALARMED = "with an alarm"
    NOT_LIVE = "without live values"
    FAVOURITES = "favourites"


class Grouping(Enum):
    """By what the tiles are grouped."""

    NONE = "not grouped"
    AREA = "by area"
    DUTY = "by duty"

    def of(self, pump: PumpSettings | None) -> str:
        """The area or duty of a pump, "" for none."""
        return "" if pump is None else pump.area if self is Grouping.AREA else pump.duty


class Group(NamedTuple):
    """Pumps under one heading, in plant order. The heading is "" where there is only one group, without a name."""

    heading: str
    pumps: tuple[PumpView, ...]

    @property
    def alarmed(self) -> int:
        """How many of them are in alarm."""
        return sum(bool(pump.alarms) for pump in self.pumps)


def is_found(words: str, pump: PumpView, settings: PumpSettings | None) -> bool:
    """Whether each of the words is part of the pump's id, name, area or duty."""
    place = (settings.area, settings.duty) if settings else ()
    text = " ".join((pump.pump_id, pump.name, *place)).casefold()
    return all(word in text for word in words.casefold().split())


def groups_of(pumps: Sequence[PumpView], site: Site, grouping: Grouping) -> tuple[Group, ...]:
    """The pumps in their groups: the groups in the order of their first pump, those without one last."""
    if grouping is Grouping.NONE:
        return (Group("", tuple(pumps)),) if pumps else ()
    settings = {pump.pump_id: pump for pump in site.pumps}
    found: dict[str, list[PumpView]] = {}
    for pump in pumps:
        found.setdefault(grouping.of(settings.get(pump.pump_id)), []).append(pump)
    named = [Group(name, tuple(own)) for name, own in found.items() if name]
    if rest := found.get(""):
        named.append(Group("Other pumps" if named else "", tuple(rest)))
    return tuple(named)


class Favourites:
    """The favourite pumps of a user, kept over restarts."""

    def __init__(self, settings: QSettings, user: str) -> None:
        self._settings = settings
        self._key = f"overview-{user}/favourites"
        self.ids = frozenset(filter(None, str(self._settings.value(self._key, "")).split("\n")))

    def toggle(self, pump_id: str) -> None:
        """Make a pump a favourite, or no longer."""
        self.ids = self.ids ^ {pump_id}
        self._settings.setValue(self._key, "\n".join(sorted(self.ids)))
        self._settings.sync()

    def rename(self, renamed: Mapping[str, str]) -> None:
        """Follow pumps to their new ids."""
        for old in self.ids & renamed.keys():
            self.toggle(old)
            self.toggle(renamed[old])


class ChoiceBar(QWidget):
    """Words to look for, which pumps, grouped by what, and how many are not shown.

    A pump that comes to match is shown at once. One that no longer does stays until the choice is made again: tiles
    must not leave under the eyes of whoever reads them.
    """

    changed = Signal()

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        self._settings = QSettings(str(context.home.settings), QSettings.Format.IniFormat)
        self._grouping_key = f"overview-{context.user}/grouping"
        self.favourites = Favourites(self._settings, context.user)
        self._held: set[str] = set()
        self.words = text_filter("id, name, area or duty", width=context.appearance.px(200))
        self.which = _box("Pumps that are shown", Which)
        self.which.setToolTip("A pump that no longer matches stays until this is chosen again")
        self.grouping = _box("Tiles grouped", Grouping)
        self.count = StatusText()
        self.count.setWordWrap(False)
        self.everything = button("Show all", "Show all pumps", self.show_all)
        hbox(self.words, self.which, self.grouping, (self.count, 1), self.everything, parent=self)
        self.words.textChanged.connect(self._choose)
        self.which.activated.connect(self._choose)
        self.grouping.activated.connect(self._group)
        QShortcut(QKeySequence.StandardKey.Find, self, self.words.setFocus, context=Qt.ShortcutContext.WindowShortcut)
        # Of a server each station is an area: a P-101 of one must not be taken for that of another.
        usual = Grouping.AREA if context.station.latest().seen_through else Grouping.NONE
        kept = str(self._settings.value(self._grouping_key, usual.value))
        self.grouping.setCurrentIndex(max(self.grouping.findData(kept), 0))
        self.everything.hide()

    @property
    def is_narrowed(self) -> bool:
        """Whether some pumps may not be shown."""
        return bool(self.words.text().strip()) or self._which() is not Which.ALL

    def show_all(self) -> None:
        """Take the choice back."""
        self.words.clear()
        self.which.setCurrentIndex(0)
        self._choose()

    def groups(self, view: StationView) -> tuple[Group, ...]:
        """What is shown of a view."""
        site = self._context.station.site()
        grouping = Grouping(self.grouping.currentData())
        can_group = any(pump.area or pump.duty for pump in site.pumps)
        self.setVisible(len(view.pumps) > MANY or can_group or self.is_narrowed)
        self.grouping.setVisible(can_group)
        if not self.is_narrowed:
            self._say((), view)
            return groups_of(view.pumps, site, grouping)
        words, is_one = self.words.text(), self._test(view)
        self._held |= {pump.pump_id for pump in view.pumps if is_one(pump)}
        shown = [
            pump for pump in view.pumps if pump.pump_id in self._held and is_found(words, pump, site.pump(pump.pump_id))
        ]
        ids = {pump.pump_id for pump in shown}
        self._say([pump for pump in view.pumps if pump.pump_id not in ids], view)
        return groups_of(shown, site, grouping)

    def _which(self) -> Which:
        return Which(self.which.currentData())

    def _test(self, view: StationView) -> Callable[[PumpView], bool]:
        match self._which():
            case Which.ALARMED:
                return lambda pump: bool(pump.alarms)
            case Which.NOT_LIVE:
                return lambda pump: not presence(pump, view.mono_ns, self._context.last_good).live
            case Which.FAVOURITES:
                return lambda pump: pump.pump_id in self.favourites.ids
            case Which.ALL:
                return lambda pump: True

    def _choose(self) -> None:
        self._held.clear()
        self.changed.emit()

    def _group(self) -> None:
        self._settings.setValue(self._grouping_key, self.grouping.currentData())
        self._settings.sync()
        self.changed.emit()

    def _say(self, hidden: Collection[PumpView], view: StationView) -> None:
        """How many are shown, and whether an alarm is among those that are not: it must not be overlooked."""
        self.everything.setVisible(self.is_narrowed)
        total = len(view.pumps)
        if not self.is_narrowed:
            self.count.say("")
            return
        words = f"{total - len(hidden)} of {total} pumps shown"
        alarmed = [pump.pump_id for pump in hidden if pump.alarms]
        if alarmed:
            named = ", ".join(alarmed[:3]) + (" and others" if len(alarmed) > 3 else "")
            self.count.warn(f"{words}. Not shown, in alarm: {named}")
        else:
            self.count.say(words)


def _box(name: str, choices: type[Which] | type[Grouping]) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    for one in choices:
        box.addItem(one.value, one.value)
    return box
