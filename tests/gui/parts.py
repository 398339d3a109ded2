"""The typed parts of a window: its pages, dialogs and the editors of a form."""

from typing import TypeVar

from PySide6.QtWidgets import QApplication, QDialog, QWidget
from shiboken6 import isValid

from pumpwatch_gui.gui.forms.form import Form
from pumpwatch_gui.gui.forms.site_dialog import SiteDialog
from pumpwatch_gui.gui.settings.review_dialog import ReviewDialog
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.page import Page

P = TypeVar("P", bound=Page)
D = TypeVar("D", bound=QDialog)
W = TypeVar("W", bound=QWidget)


def page_of(window: MainWindow, kind: type[P]) -> P:
    """The page of that kind."""
    page = window.page(kind.key)
    assert isinstance(page, kind)
    return page


def dialog_of(window: MainWindow, kind: type[D], key: str = "", pump_id: str = "") -> D:
    """The dialog of that kind on show; with a key it is opened first."""
    if key:
        window.open_dialog(key, pump_id)
        QApplication.processEvents()
    return next(dialog for dialog in reversed(window.findChildren(kind)) if dialog.isVisible())


def editor_of(form: Form, name: str, kind: type[W]) -> W:
    """The editor of a field."""
    editor = form.editors[name]
    assert isinstance(editor, kind)
    return editor


def save_settings(dialog: SiteDialog) -> None:
    """Press Save, and again in the list of what is about to be saved, where there is one."""
    dialog.save()
    for review in dialog.findChildren(ReviewDialog):
        if review.isVisible():
            review.save_button.click()


def is_closed(dialog: QDialog) -> bool:
    """Whether it was closed; Qt deletes it then."""
    return not isValid(dialog) or not dialog.isVisible()
