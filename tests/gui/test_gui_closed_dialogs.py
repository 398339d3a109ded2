"""A dialog that was closed leaves nothing behind."""

import gc
import weakref

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QDialog

from pumpwatch_gui.gui.shell.entries import DIALOGS
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation

TIMES = 3


def test_a_dialog_that_was_opened_again_and_again_is_kept_once_at_most(open_window: OpenWindow) -> None:
    window = open_window(source=FakeStation(3, scenes={}, history_s=5))
    for entry in DIALOGS:
        opened: list[weakref.ref[QDialog]] = []
        for _ in range(TIMES):
            window.open_dialog(entry.key, "P-102")
            (dialog,) = (found for found in window.findChildren(QDialog) if found.isVisible())
            opened.append(weakref.ref(dialog))
            dialog.done(0)
            del dialog
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        gc.collect()
        assert sum(dialog() is not None for dialog in opened) <= 1, entry.key
