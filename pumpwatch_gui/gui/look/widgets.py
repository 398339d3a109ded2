"""Small widgets that several screens share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PySide6.QtCore import QLocale, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QIcon, QPainter, QPaintEvent, QPen, QValidator
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDateTimeEdit,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFrame,
    QLabel,
    QMenu,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.theme import MEDIUM, Appearance, color


class Painted(QWidget):
    """A widget that paints itself and repaints when the appearance changes. Give it an accessible name."""

    def __init__(self, appearance: Appearance, name: str) -> None:
        super().__init__()
        self.appearance = appearance
        self.setAccessibleName(name)
        appearance.changed.connect(self._appearance_changed)

    def _appearance_changed(self) -> None:
        self.updateGeometry()
        self.update()

    def describe(self, words: str) -> None:
        """Say to assistive technology what is painted; only when it changed."""
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words)


class Panel(QFrame):
    """A flat panel with a 1 px line, a heading and a column of content in `body`.

    `content` takes the room; `head` are widgets at the right of the heading.
    """

    def __init__(
        self, appearance: Appearance, heading: str = "", content: QWidget | None = None, head: Sequence[QWidget] = ()
    ) -> None:
        super().__init__()
        self.appearance = appearance
        self.setProperty("panel", True)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(14, 12, 14, 12)
        self.body.setSpacing(8)
        self.heading = label(heading, "heading")
        if heading:
            self.setAccessibleName(heading)
            self.body.addLayout(hbox(self.heading, None, *head))
        else:
            self.heading.setParent(self)  # or it is a window of its own, which nothing deletes
            self.heading.hide()
        if content is not None:
            self.body.addWidget(content, 1)


TEXT_INSET = 5
"""Pixels. Qt draws the text of a spin box at its border, whatever padding the style sheet gives it."""


class WholeBox(QSpinBox):
    """A whole number, its text as far from the border as that of a line edit."""

    def __init__(self) -> None:
        super().__init__()
        self.lineEdit().setTextMargins(TEXT_INSET, 0, 0, 0)


class TimeBox(QDateTimeEdit):
    """A date and time, its text as far from the border as that of a line edit."""

    def __init__(self) -> None:
        super().__init__()
        self.lineEdit().setTextMargins(TEXT_INSET, 0, 0, 0)


class NumberBox(QDoubleSpinBox):
    """A number between `low` and `high`, typed with a decimal point or a decimal comma."""

    def __init__(self, low: float, high: float, value: float, *, decimals: int = 2) -> None:
        super().__init__()
        self.setLocale(QLocale.c())
        self.lineEdit().setTextMargins(TEXT_INSET, 0, 0, 0)
        self.setDecimals(decimals)
        self.setRange(low, high)
        self.setValue(value)

    @override
    def validate(self, text: str, at: int) -> tuple[QValidator.State, str, int]:
        """A comma becomes a point: Qt would take it for the mark of thousands, and 1,5 for 15."""
        return super().validate(text.replace(",", "."), at)


class PumpBox(QComboBox):
    """Chooses a pump, in the size of a title. As wide as the chosen one, and cut where there is no room for it.

    The longest name of the site would otherwise push away what is next to it on the page of every pump.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Pump")
        self.setProperty("title", True)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.currentTextChanged.connect(lambda _: self.updateGeometry())

    @override
    def sizeHint(self) -> QSize:
        """Room for the chosen pump."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.currentText() + "MMM"), super().sizeHint().height())

    @override
    def minimumSizeHint(self) -> QSize:
        """Room for an id and the beginning of a name."""
        least = self.fontMetrics().horizontalAdvance("P-1000 MMMMM")
        return QSize(min(least, self.sizeHint().width()), self.sizeHint().height())

    @override
    def showPopup(self) -> None:
        """The list is as wide as its longest name."""
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + 2 * TEXT_INSET)
        super().showPopup()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """As Qt paints it, but with an ellipsis where the name does not fit."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter, complex_control = QStylePainter(self), QStyle.ComplexControl.CC_ComboBox
        painter.drawComplexControl(complex_control, option)
        field = self.style().subControlRect(complex_control, option, QStyle.SubControl.SC_ComboBoxEditField, self)
        room = field.width() - 2 * TEXT_INSET
        option.currentText = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


class SpokenLabel(QLabel):
    """A label whose words change. One with a name says both to assistive technology: `Link: State: online`.

    Qt exposes nothing but the name of a label that has one, and not what it shows.
    """

    def __init__(self, words: str = "") -> None:
        super().__init__(words)
        self._name = ""

    @override
    def setAccessibleName(self, name: str) -> None:
        self._name = name
        self._speak()

    @override
    def setText(self, text: str) -> None:
        super().setText(text)
        self._speak()

    def _speak(self) -> None:
        words = f"{self._name}: {self.text()}" if self.text() else self._name
        if self._name and words != self.accessibleName():
            super().setAccessibleName(words)


def label(words: str, role: str = "") -> SpokenLabel:
    """A label in one of the style sheet's roles (`dim`, `strong`, `heading`, `title`, `live`, `warning`, `chip`)."""
    made = SpokenLabel(words)
    made.setTextFormat(Qt.TextFormat.PlainText)  # text from outside may look like HTML
    if role:
        made.setProperty("role", role)
    return made


class StatusText(SpokenLabel):
    """A line that says what is going on, what came of it or what is wrong; it wraps. Empty, it takes no height."""

    def __init__(self, words: str = "") -> None:
        super().__init__(words)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "dim")
        self.setWordWrap(True)

    @override
    def sizeHint(self) -> QSize:
        return super().sizeHint() if self.text() else QSize(0, 0)

    @override
    def minimumSizeHint(self) -> QSize:
        return super().minimumSizeHint() if self.text() else QSize(0, 0)

    @override
    def heightForWidth(self, width: int) -> int:
        return super().heightForWidth(width) if self.text() else 0

    def say(self, words: str, role: str = "dim") -> None:
        """Show words in one of the style sheet's roles."""
        set_role(self, role)
        self.setText(words)

    def warn(self, words: str) -> None:
        """Show what is wrong."""
        self.say(words, "warning")


def set_role(target: QWidget, role: str) -> None:
    """Change the style-sheet role of a widget, when it is another than now."""
    if target.property("role") != role:
        target.setProperty("role", role)
        target.style().unpolish(target)
        target.style().polish(target)


def plain_tip(words: str) -> str:
    """What a tool tip must be given to show just these words, though they look like HTML."""
    return f"<span style='white-space: pre-wrap'>{escape(words)}</span>" if "<" in words else words


def remove_icons(box: QDialogButtonBox) -> None:
    """Take the icons of the platform from standard buttons: they would be the only ones of the program."""
    for made in box.buttons():
        made.setIcon(QIcon())


def button(words: str, name: str, on_click: Callable[[], object], *, hint: str = "") -> QPushButton:
    """A push button with an accessible name, and a tool tip where there is a hint."""
    made = QPushButton(words)
    made.setAccessibleName(name)
    made.setToolTip(hint)
    made.setAutoDefault(False)  # or Enter in a field presses the first button of a dialog
    made.clicked.connect(lambda _checked=False: on_click())
    return made


def give_menu(at: QPushButton, fill: Callable[[QMenu], None]) -> None:
    """Give a button a menu that is filled whenever it is opened."""
    menu = QMenu(at)

    def refill() -> None:
        menu.clear()
        fill(menu)

    menu.aboutToShow.connect(refill)
    at.setMenu(menu)


def tab_button(words: str, name: str = "", *, hint: str = "") -> QPushButton:
    """A button that stays down while its list is on show; `name` is what it is called aloud, `words` without one."""
    tab = QPushButton(words)
    tab.setCheckable(True)
    tab.setAutoDefault(False)
    tab.setAccessibleName(name or words)
    tab.setToolTip(hint)
    return tab


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something is lost: in a line, what follows, and the words of both buttons."""

    words: str
    more: str
    yes: str
    no: str


def choose_target(parent: QWidget, title: str, start: str, kinds: str, use: Callable[[Path], object]) -> None:
    """Ask for a file to write, of the first of `kinds` (`CSV (*.csv)`) unless its ending is typed; for `use`."""
    dialog = QFileDialog(parent, title, start, kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(Path(start).suffix.removeprefix(".") or kinds.partition("*.")[2].partition(")")[0])
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda name: use(Path(name)))
    dialog.open()


def say_failure(parent: QWidget, error: Exception) -> QMessageBox:
    """Say above a window what went wrong and what to do; nothing waits for the answer."""
    box = QMessageBox(QMessageBox.Icon.Warning, parent.window().windowTitle(), error_text(error), parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box


def ask_first(parent: QWidget, question: Question, on_yes: Callable[[], object]) -> QMessageBox:
    """Ask above a window; nothing waits for the answer. Enter and Escape mean no. Returns the box that asks."""
    box = QMessageBox(QMessageBox.Icon.Question, parent.windowTitle(), question.words, parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(question.more)
    yes = box.addButton(question.yes, QMessageBox.ButtonRole.DestructiveRole)
    no = box.addButton(question.no, QMessageBox.ButtonRole.RejectRole)
    yes.setAutoDefault(False)
    yes.clicked.connect(lambda _checked=False: on_yes())
    box.setDefaultButton(no)
    box.setEscapeButton(no)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box


class KeyButton(QAbstractButton):
    """A button that shows its key next to the word, dimmer (`Acknowledge F10`)."""

    def __init__(self, appearance: Appearance, words: str, key: str, *, name: str = "") -> None:
        super().__init__()
        self.appearance = appearance
        self._key = key
        self.setText(words)
        self.setAccessibleName(name or words)
        self.setToolTip(f"{name or words} ({key})" if key else name or words)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        appearance.changed.connect(self.updateGeometry)

    def _width(self, words: str, size: float, weight: QFont.Weight) -> float:
        return self.appearance.metrics(size, weight).horizontalAdvance(words)

    @override
    def sizeHint(self) -> QSize:
        """Both words and the paddings."""
        px = self.appearance.px
        width = self._width(self.text(), 13, MEDIUM) + px(28)
        if self._key:
            width += self._width(self._key, 11, MEDIUM) + px(8)
        return QSize(round(width), px(32))

    @override
    def minimumSizeHint(self) -> QSize:
        """Never cut."""
        return self.sizeHint()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Flat, 1 px line, focus line, dim key."""
        theme, px = self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(color(theme.band if self.isDown() or self.isChecked() else theme.raised))
        edge = theme.focus if self.hasFocus() else theme.text if self.underMouse() and self.isEnabled() else theme.edge
        painter.setPen(QPen(color(edge), 1))
        painter.drawRect(box)
        token = theme.strong if self.isEnabled() else theme.dim
        inner = box.adjusted(px(14), 0, -px(10), 0)
        used = paint.text(painter, self.appearance, inner, self.text(), token, weight=MEDIUM)
        if self._key:
            rest = inner.adjusted(used + px(8), px(1), 0, px(1))
            paint.text(painter, self.appearance, rest, self._key, theme.dim, size=11)
        painter.end()
