"""The font and the drawings that ship with the program."""

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QFont, QFontDatabase, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from pumpwatch_gui.files.shipped import shipped


def register_fonts() -> str:
    """Make the bundled family known to Qt and return its name. The wheel of Qt ships no font at all."""
    family = ""
    for path in sorted(shipped("resources").joinpath("fonts").glob("*.otf")):
        number = QFontDatabase.addApplicationFont(str(path))
        families = QFontDatabase.applicationFontFamilies(number)
        family = families[0] if families else family
    return family or QFont().family()


def drawn(name: str, token: str, size: int = 48) -> QPixmap:
    """The drawing `resources/icons/NAME.svg` in one colour (`#RRGGBB`), `size` px square."""
    svg = shipped("resources").joinpath("icons", f"{name}.svg").read_text("utf-8").replace("currentColor", token)
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap
