"""The navigation bar: one button a page, always in the same place, with its word and its key."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy, QVBoxLayout
from typing_extensions import override

from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import Appearance, color

WIDTH = 80


class NavButton(QAbstractButton):
    """Icon, word and key under one another; the open page has a bar at the left and a raised ground."""

    def __init__(self, appearance: Appearance, *, icon: str, words: str, key: str, page: bool = True) -> None:
        super().__init__()
        self.appearance = appearance
        self._icon_name, self._key = icon, key
        self.setText(words)
        self.setAccessibleName(f"{words} page" if page else words)
        self.setToolTip(f"{words} ({key})")
        self.setCheckable(page)
        self.setAutoExclusive(page)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        appearance.changed.connect(self.updateGeometry)

    def _shortest(self) -> int:
        """The height of the shortest button of the bar: they share it, and differ by a pixel."""
        bar = self.parentWidget()
        return min((each.height() for each in bar.findChildren(NavButton)), default=0) if bar else self.height()

    @override
    def sizeHint(self) -> QSize:
        """A field of the bar."""
        return QSize(self.appearance.px(WIDTH), self.appearance.px(66))

    @override
    def minimumSizeHint(self) -> QSize:
        """The word."""
        return QSize(self.appearance.px(WIDTH), self.appearance.px(26))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the three under one another."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        box = QRectF(self.rect())
        if self.isChecked():
            painter.fillRect(box, color(theme.raised))
            painter.fillRect(QRectF(0, 0, px(3), box.height()), color(theme.strong))
        elif self.underMouse():
            painter.fillRect(box, color(theme.background))
        words = theme.strong if self.isChecked() else theme.text
        if self._shortest() < px(42):  # no room for icons
            paint.text(painter, appearance, box, self.text(), words, size=12, align=paint.CENTRE)
        else:
            self._paint_icon(painter, box, words)
        if self.hasFocus():
            painter.setPen(QPen(color(theme.focus), 1))
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _paint_icon(self, painter: QPainter, box: QRectF, words: str) -> None:
        """Icon and word, and the key where there is room for it."""
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        state = QIcon.State.On if self.isChecked() else QIcon.State.Off
        size = min(px(22), max(round(box.height()) - px(20), px(8)))  # word and icon stay whole in a low window
        top = min(px(8), max((box.height() - size - px(20)) / 2, 0))
        pixmap = appearance.icon(self._icon_name).pixmap(
            QSize(size, size), self.devicePixelRatioF(), QIcon.Mode.Normal, state
        )
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(QRectF((box.width() - size) / 2, top, size, size), pixmap, QRectF(pixmap.rect()))
        paint.text(
            painter,
            appearance,
            QRectF(0, top + size + px(3), box.width(), px(16)),
            self.text(),
            words,
            size=12,
            align=paint.CENTRE,
        )
        if self._shortest() >= px(58):  # in a low window the keys give way, all of them; the tool tip names them too
            key = QRectF(0, px(46), box.width(), px(12))
            paint.text(painter, appearance, key, self._key, theme.dim, size=10, align=paint.CENTRE)


class NavBar(QFrame):
    """The column of buttons: pages at the top, dialogs at the foot. They shrink where the window is low."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self.appearance = appearance
        self.setProperty("panel", True)
        self.setAccessibleName("Pages")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 4, 1, 4)
        self._column.setSpacing(0)
        self._column.addStretch(1)
        self._pages = 0
        appearance.changed.connect(self._fit)
        self._fit()

    def add(self, button: NavButton) -> None:
        """Put a button under those of its kind."""
        button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Maximum)
        if button.isCheckable():
            self._column.insertWidget(self._pages, button)
            self._pages += 1
        else:
            self._column.addWidget(button)

    def _fit(self) -> None:
        self.setFixedWidth(self.appearance.px(WIDTH) + 1)
