"""The button of the top bar that silences the alarms, and says where none can be heard."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from typing_extensions import override

from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.theme import STRONG, color
from pumpwatch_gui.gui.look.widgets import KeyButton
from pumpwatch_gui.gui.shell.page import PageContext


class SilenceButton(KeyButton):
    """`Silence F9` while an alarm sounds, `Silenced` once it was pressed, `NO SOUND` where alarms are not heard.

    It is as wide in each case, so that nothing moves under the pointer.
    """

    def __init__(self, context: PageContext) -> None:
        super().__init__(context.appearance, "Silence", "F9", name="Silence the alarms")
        self._sound = context.sound
        self.clicked.connect(self._sound.silence)
        self._sound.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        sound, trouble = self._sound, self._sound.trouble
        self.setEnabled(sound.is_sounding)
        name = "Alarms are silenced, not acknowledged" if sound.is_silenced else "Silence the alarms"
        words = f"Alarms cannot be heard: {trouble}" if trouble else name
        self.setAccessibleName(words)
        self.setToolTip(f"{words} (F9)")
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """As every such button, or what there is to say instead of it."""
        words = "NO SOUND" if self._sound.trouble else "Silenced" if self._sound.is_silenced else ""
        if not words:
            super().paintEvent(event)
            return
        theme = self.appearance.theme
        painter = QPainter(self)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        token = theme.warning if self._sound.trouble else theme.text
        edge = theme.focus if self.hasFocus() else token if self._sound.trouble else theme.edge
        painter.setPen(QPen(color(edge), 2 if self._sound.trouble else 1))
        painter.drawRect(box)
        paint.text(painter, self.appearance, box, words, token, weight=STRONG, size=12, align=paint.CENTRE)
        painter.end()
