"""Rows and columns of widgets, put together in one expression; windows no larger than the screen."""

from typing import TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLayout, QScrollArea, QVBoxLayout, QWidget

Part = QWidget | QLayout | tuple[QWidget | QLayout, int] | None
"""A widget or layout, one with its share of the spare room, or None for empty room."""
B = TypeVar("B", bound=QBoxLayout)
FRAME_PX = 40
"""Height kept for what the window manager puts around a window; it is known only when the window is shown."""


def hbox(*parts: Part, parent: QWidget | None = None, margin: int = 0, spacing: int = 8) -> QHBoxLayout:
    """Parts from left to right; in `parent` they are its content."""
    return _filled(QHBoxLayout(), parts, parent, margin, spacing)


def vbox(*parts: Part, parent: QWidget | None = None, margin: int = 0, spacing: int = 8) -> QVBoxLayout:
    """Parts from top to bottom; in `parent` they are its content."""
    return _filled(QVBoxLayout(), parts, parent, margin, spacing)


def _filled(box: B, parts: tuple[Part, ...], parent: QWidget | None, margin: int, spacing: int) -> B:
    box.setContentsMargins(margin, margin, margin, margin)
    box.setSpacing(spacing)
    for entry in parts:
        part, share = entry if isinstance(entry, tuple) else (entry, 0)
        if part is None:
            box.addStretch(1)
        elif isinstance(part, QWidget):
            box.addWidget(part, share)
        else:
            box.addLayout(part, share)
    if parent is not None:
        parent.setLayout(box)
    return box


def scrolled(content: QWidget) -> QScrollArea:
    """A frame that scrolls its content where that does not fit, and takes no key of its own."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    return area


def screen_room(window: QWidget) -> QSize | None:
    """The largest size of a window's content on its screen, without panels and title bar; None without a screen."""
    if QGuiApplication.platformName() == "offscreen":
        return None  # its screen of 800 x 800 is made up
    return window.screen().availableSize() - QSize(0, FRAME_PX)


def resize_within_screen(window: QWidget, width: int, height: int) -> None:
    """Give a window this size, or as much of it as its screen has room for."""
    size, room = QSize(width, height), screen_room(window)
    window.resize(size if room is None else size.boundedTo(room))
