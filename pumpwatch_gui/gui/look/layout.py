"""Rows and columns of widgets, put together in one expression."""

from typing import TypeVar

from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget

Part = QWidget | QLayout | tuple[QWidget | QLayout, int] | None
"""A widget or layout, one with its share of the spare room, or None for empty room."""
B = TypeVar("B", bound=QBoxLayout)


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
