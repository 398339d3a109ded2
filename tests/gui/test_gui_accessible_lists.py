"""A painted list is a list for assistive technology, and coming and going of lists leaves nothing behind."""

import subprocess
import sys
from pathlib import Path

from PySide6.QtGui import QAccessible

from pumpwatch_gui.gui.overview.page import OverviewPage
from pumpwatch_gui.gui.tables.accessible_list import offer_lists
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import Scene
from tests.gui.parts import page_of

COME_AND_GO = """
import gc
from PySide6.QtCore import QEvent
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.shell.app import application
from pumpwatch_gui.gui.tables.row_list import Row, RowList

def walk(node):
    words = [node.text(QAccessible.Text.Name)]
    for i in range(node.childCount()):
        words += walk(node.child(i))
    return words

app = application()
appearance = Appearance()
for turn in range(60):
    made = RowList(appearance, "Rows", empty="none")
    made.show_rows(tuple(Row(str(i), f"row {i}") for i in range(turn % 7 + 1)))
    made.resize(300, 300)
    made.show()
    node = QAccessible.queryAccessibleInterface(made)
    assert node.role() is QAccessible.Role.List
    assert len(walk(node)) == turn % 7 + 2, walk(node)
    made.show_rows(())
    assert len(walk(node)) == 1
    del node
    made.deleteLater()
    del made
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.collect()
print("done")
"""


def test_tiles_are_items_with_place_and_words(open_window: OpenWindow) -> None:
    offer_lists()
    window = open_window(3, scenes={1: Scene("hot")})
    tiles = page_of(window, OverviewPage).tiles
    found = QAccessible.queryAccessibleInterface(tiles)
    assert (found.role(), found.childCount()) == (QAccessible.Role.List, 3)
    items = [found.child(i) for i in range(3)]
    assert {item.role() for item in items} == {QAccessible.Role.ListItem}
    assert items[1].text(QAccessible.Text.Name).startswith("Pump P-102 ")
    assert [found.indexOfChild(item) for item in items] == [0, 1, 2]
    place = items[2].rect()
    assert tiles.cell_rect(2).toAlignedRect().size() == place.size()
    assert found.childAt(place.center().x(), place.center().y()).text(QAccessible.Text.Name).startswith("Pump P-103")
    assert found.child(3) is None
    tiles.move_to(2)
    assert [item.state().selected for item in items] == [False, False, True]


def test_lists_come_and_go_in_a_program_of_its_own() -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", COME_AND_GO], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("done", 0), done.stderr
