"""Every page and dialog has a title, an icon, a key and a help text of its own, and is reached by them."""

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QWidget

from pumpwatch_gui.domain.ports import Capability
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.gui.add_pump.first_run import FirstRunPage
from pumpwatch_gui.gui.devices.page import DevicesPage
from pumpwatch_gui.gui.help.dialog import help_text
from pumpwatch_gui.gui.models.page import JUDGEMENT, ModelsPage
from pumpwatch_gui.gui.shell.entries import DIALOGS, FIRST_RUN, PAGES, DialogEntry, PageEntry
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, page_of

Entry = PageEntry | DialogEntry
ENTRIES: tuple[Entry, ...] = (*PAGES, *DIALOGS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)
def test_every_entry_has_a_title_an_icon_a_key_and_a_help_text_of_its_own(entry: Entry) -> None:
    assert entry.title
    assert QSvgRenderer(str(shipped("resources") / "icons" / f"{entry.icon}.svg")).isValid()
    assert QKeySequence(entry.shortcut).toString() == entry.shortcut != ""
    assert help_text(entry.key).startswith("# ")
    for what in ("key", "title", "icon", "shortcut"):
        assert Counter(getattr(other, what) for other in ENTRIES)[getattr(entry, what)] == 1, what
    assert [help_text(other.key) for other in ENTRIES].count(help_text(entry.key)) == 1


def test_every_help_text_belongs_to_an_entry() -> None:
    topics = {path.stem for path in (shipped("resources") / "help").glob("*.md")}
    assert topics == {entry.key for entry in ENTRIES}


def test_every_entry_is_reached_by_its_key_alone(open_window: OpenWindow) -> None:
    window = open_window()
    actions = {keys.toString(): action for action in window.findChildren(QAction) for keys in action.shortcuts()}
    assert len(actions) == sum(len(action.shortcuts()) for action in window.findChildren(QAction))
    for page in PAGES:
        actions[page.shortcut].trigger()
        assert window.current == (
            page.key if page.key != FIRST_RUN else PAGES[0].key
        )  # with pumps there is no first run
        assert window.windowTitle().endswith("PumpWatch")
    for entry in DIALOGS:
        actions[entry.shortcut].trigger()
        dialog = dialog_of(window, QDialog)
        assert dialog.windowTitle().startswith(entry.title)
        assert not dialog.windowIcon().isNull()
        dialog.close()


def test_no_label_of_any_page_or_dialog_takes_text_from_outside_for_markup(open_window: OpenWindow) -> None:
    window = open_window()
    parts: list[QWidget] = [*map(window.page, [page.key for page in PAGES]), window.top_bar, window.footer]
    parts += [dialog_of(window, QDialog, entry.key, "P-101") for entry in DIALOGS]
    labels = [label for part in parts for label in part.findChildren(QLabel) if label.buddy() is None]
    assert len(labels) > 100
    assert {label.text() for label in labels if label.textFormat() is not Qt.TextFormat.PlainText} == set()


@pytest.mark.parametrize(
    ("can", "tabs"),
    [
        (frozenset(Capability), ["Traffic", "Registers", "Scan", "Plausibility", "Register maps"]),
        (frozenset({Capability.BROWSE}), ["Traffic", "Registers", "Plausibility"]),
        (frozenset({Capability.CONFIGURE}), ["Scan", "Plausibility", "Register maps"]),
        (frozenset[Capability](), ["Plausibility"]),
    ],
)
def test_a_page_shows_the_work_that_the_station_can_do(
    open_window: OpenWindow, can: frozenset[Capability], tabs: list[str]
) -> None:
    window = open_window(source=FakeStation(2, capabilities=can))
    devices, models = page_of(window, DevicesPage), page_of(window, ModelsPage)
    for key in (devices.key, models.key):
        window.open_page(key, "P-101")
        QApplication.processEvents()
    assert [devices.tabs.tabText(i) for i in range(devices.tabs.count())] == tabs
    assert devices.detail.read_id.isHidden() is (Capability.BROWSE not in can)
    assert devices.browser.form.isHidden() is (Capability.CONFIGURE not in can)
    trains = (models.promote_button, models.adaptive, models.rebaseline)
    assert {part.isHidden() for part in trains} == {Capability.TRAIN not in can}
    work = [JUDGEMENT, "Train", "Back-test, threshold, episodes"]
    assert [models.tabs.tabText(i) for i in range(models.tabs.count())] == work[: 3 if Capability.TRAIN in can else 1]
    assert not models.export_button.isHidden()
    choice = page_of(window, FirstRunPage).connect_pump.parentWidget()
    assert choice is not None
    assert choice.isHidden() is (Capability.CONFIGURE not in can)


def test_what_a_station_cannot_do_is_not_offered(open_window: OpenWindow) -> None:
    window = open_window(source=FakeStation(2, capabilities=frozenset()))
    needing = {entry.key for entry in DIALOGS if entry.needs is not None}
    assert needing >= {"settings", "limits", "add-pump"}
    assert window.context.dialogs.isdisjoint(needing)
    titles = {action.text() for action in window.findChildren(QAction)}
    assert titles.isdisjoint(entry.title for entry in DIALOGS if entry.needs is not None)
