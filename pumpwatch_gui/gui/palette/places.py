"""What the palette offers, taken from where the menus, the pages and the site have it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QWidget

from pumpwatch_gui.gui.shell.page import Page, PageContext

SHOWN_UNASKED = frozenset({"page", "this page", "command"})
"""Kinds that are listed before anything is typed. Pumps and tags are many; a letter brings them."""


@dataclass(frozen=True, slots=True)
class Place:
    """One entry: what it is called, what kind of thing it is, its key, and what choosing it does."""

    words: str
    kind: str
    keys: str
    go: Callable[[], object]


def commands(actions: Iterable[QAction]) -> Iterator[Place]:
    """What the menu offers, with its keys."""
    for action in actions:
        if action.isEnabled() and (kind := action.property("kind")):
            keys = ", ".join(key.toString() for key in action.shortcuts())
            yield Place(action.text(), str(kind), keys, action.trigger)


def acts_of_page(page: QWidget | None) -> Iterator[Place]:
    """The buttons of the page on show that can be pressed now, by the names that a screen reader says."""
    for act in page.findChildren(QPushButton) if page is not None else ():
        if act.isVisible() and act.isEnabled() and not act.isCheckable() and act.accessibleName():
            yield Place(act.accessibleName(), "this page", act.toolTip() if "Ctrl+" in act.toolTip() else "", act.click)


def pumps_and_tags(context: PageContext) -> Iterator[Place]:
    """Every pump, then every tag of every pump."""
    pumps = context.station.site().pumps
    for pump in pumps:
        yield Place(context.title_of(pump.pump_id), "pump", "", _open(context, pump.pump_id))
    for pump in pumps:
        for sensor in pump.profile.quantities:
            go = _open(context, pump.pump_id, sensor.tag)
            yield Place(f"{pump.pump_id} {sensor.label}", "tag", sensor.tag, go)


def places_of(window: QWidget, context: PageContext) -> tuple[Place, ...]:
    """All of them; what the page can do is never the first, or Enter alone would do it."""
    page = next((page for page in window.findChildren(Page) if page.isVisible()), None)
    return (*commands(window.actions()), *acts_of_page(page), *pumps_and_tags(context))


def _open(context: PageContext, pump_id: str, tag: str = "") -> Callable[[], object]:
    return lambda: context.open_page("pump", pump_id, tag)
