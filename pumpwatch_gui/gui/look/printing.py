"""Printing of a document, where the machine can print; Qt's printing module is loaded only then."""

from collections.abc import Callable

from PySide6.QtGui import QPageLayout
from PySide6.QtWidgets import QDialog, QWidget

from pumpwatch_gui.domain.errors import PumpWatchError


def choose_printer(parent: QWidget, print_on: Callable[[object], None], *, is_landscape: bool = False) -> None:
    """Ask for a printer and hand it to `print_on`. Raises PumpWatchError where the machine cannot print."""
    try:
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter
    except ImportError as error:
        raise PumpWatchError(f"this machine cannot print: {error}", "save it as a file and print that") from error
    printer = QPrinter()
    if is_landscape:
        printer.setPageOrientation(QPageLayout.Orientation.Landscape)
    if QPrintDialog(printer, parent).exec() == QDialog.DialogCode.Accepted:
        print_on(printer)
