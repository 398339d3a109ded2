"""What leaves the Trends page besides an export: values on the clipboard, a picture, a print."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import cast

from PySide6.QtCore import QBuffer, QIODevice, QRectF
from PySide6.QtGui import QPaintDevice, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.wording import editable_number, spreadsheet_text
from pumpwatch_gui.files.atomic import write_atomic
from pumpwatch_gui.gui.look.printing import choose_printer
from pumpwatch_gui.gui.look.time_view import TimeView
from pumpwatch_gui.gui.trends.pens import PenFacts
from pumpwatch_gui.gui.trends.points import NOTHING, Points

MOST_ROWS = 50_000


def values_text(facts: Sequence[PenFacts], points: Mapping[tuple[str, str, float], Points], view: TimeView) -> str:
    """The points of the visible pens in view as a table with tabs: UTC time, then a column a pen; "" where it has none.

    Of thinned points it is the mean. At most `MOST_ROWS` times.
    """
    shown = [one for one in facts if one.pen.is_visible]
    rows: dict[float, list[str]] = {}
    for i, one in enumerate(shown):
        part = points.get(one.pen.key, NOTHING).between(view.start_s, view.end_s)
        for at, value in zip(part.time_s.tolist(), part.mean.tolist(), strict=True):
            cells = rows.setdefault(round(at, 3), [""] * len(shown))
            cells[i] = editable_number(value) if isfinite(value) else ""
    head = ["time UTC", *(spreadsheet_text(f"{one.name} [{one.unit}]" if one.unit else one.name) for one in shown)]
    lines = [[_iso(at), *rows[at]] for at in sorted(rows)[:MOST_ROWS]]
    return "".join("\t".join(line) + "\n" for line in (head, *lines))


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")


def copy_picture(widget: QWidget) -> None:
    """Put what a widget shows on the clipboard."""
    QApplication.clipboard().setPixmap(widget.grab())


def save_picture(widget: QWidget, path: Path) -> None:
    """Write what a widget shows as PNG, whole or not at all. Raises InputError."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    widget.grab().save(buffer, "PNG")
    try:
        write_atomic(path, bytes(buffer.data().data()))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", "choose another folder") from error


def print_on_paper(widget: QWidget, on_error: Callable[[Exception], None]) -> None:
    """Ask for a printer and print what a widget shows, as large as the page has room for."""
    picture = widget.grab()
    try:
        choose_printer(widget, lambda printer: print_picture(picture, cast(QPaintDevice, printer)), is_landscape=True)
    except PumpWatchError as error:
        on_error(error)


def print_picture(picture: QPixmap, paper: QPaintDevice) -> None:
    """Draw a picture on paper, as large as the page has room for."""
    painter = QPainter(paper)
    page, size = QRectF(painter.viewport()), picture.deviceIndependentSize()
    scale = min(page.width() / size.width(), page.height() / size.height())
    painter.drawPixmap(QRectF(0, 0, size.width() * scale, size.height() * scale), picture, QRectF(picture.rect()))
    painter.end()
