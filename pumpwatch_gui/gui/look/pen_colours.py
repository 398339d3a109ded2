"""The colours of pens: what a curve of many is known by, besides its number and its stroke.

None is red, orange, yellow or violet: those mean alarm priorities. Six hues that differ for three kinds of colour
blindness; what comes after the sixth has the same hues with another stroke.
"""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from pumpwatch_gui.gui.look.theme import Theme, color

PENS = {
    "dark": ("#9CC7EE", "#B08F6C", "#3FD64A", "#F2F5F8", "#D0559E", "#3A84F5"),
    "light": ("#0F4A80", "#18110A", "#7E6248", "#5A7600", "#7A1450", "#067C96"),
    "high-contrast": ("#9CC7EE", "#B08F6C", "#29F324", "#FFFFFF", "#D0559E", "#3A70F5"),
}
"""By theme, the first as live values have it."""
STROKES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)


def pen_color(theme: Theme, place: int) -> QColor:
    """The colour of the pen at that place, counted from 0."""
    hues = PENS[theme.name]
    return color(hues[place % len(hues)])


def pen_stroke(theme: Theme, place: int) -> Qt.PenStyle:
    """Its stroke."""
    return STROKES[place // len(PENS[theme.name]) % len(STROKES)]
