"""What the wheel and Enter may do in every window of the program."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QPushButton, QToolButton
from typing_extensions import override


class InputRules(QObject):
    """An event filter of the application: nothing is changed or pressed by accident.

    The wheel turns a field only while that has the keyboard, else it scrolls what is around; Enter presses the button
    that has the keyboard, as Space does.
    """

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """See the class."""
        kind = event.type()
        if kind == QEvent.Type.Wheel:
            if isinstance(watched, (QComboBox, QAbstractSpinBox)) and not watched.hasFocus():
                event.ignore()  # goes on to what the field lies in
                return True
        elif kind == QEvent.Type.Polish:
            # With Qt's own policy the wheel takes the keyboard along before any filter sees it.
            if isinstance(watched, (QComboBox, QAbstractSpinBox)):
                watched.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        elif kind == QEvent.Type.KeyPress and isinstance(watched, (QPushButton, QToolButton)):
            assert isinstance(event, QKeyEvent)
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & ~_PAD:
                watched.click()
                return True
        return False


_PAD = Qt.KeyboardModifier.KeypadModifier
