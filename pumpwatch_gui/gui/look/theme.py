"""Every colour, font and icon, and the only style sheet. Three themes: dark (night), light (day), high contrast.

The palettes were chosen for three kinds of colour blindness and for contrast against their own field; a priority is
nevertheless always shown by shape, number and text as well (`paint.priority_mark`).
"""

from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.gui.look.shipped_look import drawn, register_fonts

SCALES = (100, 110, 125, 140, 150)
"""Sizes of text and everything drawn with it, in percent."""
WIDTHS_KEPT = 4_000

REGULAR, MEDIUM, STRONG = QFont.Weight.Normal, QFont.Weight.Medium, QFont.Weight.DemiBold


@dataclass(frozen=True)
class Theme:
    """The tokens of one theme, as `#RRGGBB`.

    `line` separates what belongs together; `edge` bounds panels and controls, with 3:1 to whatever lies next to it.
    `running` and `on_running` are fill and text of the RUNNING chip; `mark_line` outlines priority marks,
    `on_priority` is the figure inside each of them; `border` are the borders in alarm colours, whose contrast to the
    panel falls with the urgency; `warning` marks what is uncertain about the program itself.
    """

    name: str
    label: str
    background: str
    panel: str
    raised: str
    line: str
    edge: str
    dim: str
    text: str
    strong: str
    live: str
    band: str
    field: str
    hatch: str
    running: str
    on_running: str
    focus: str
    warning: str
    priority: tuple[str, str, str, str]
    on_priority: tuple[str, str, str, str]
    border: tuple[str, str, str, str]
    mark_line: str

    def priority_color(self, priority: Priority) -> QColor:
        """Fill of a priority."""
        return color(self.priority[priority - 1])

    def faint(self, token: str) -> QColor:
        """A token at half strength, for lines that many curves cross."""
        made = QColor(token)
        made.setAlpha(130)
        return made


@cache
def color(token: str) -> QColor:
    """The QColor of a token."""
    return QColor(token)


DARK = Theme(
    name="dark",
    label="Dark",
    background="#23262B",
    panel="#2B2E33",
    raised="#34383E",
    line="#434850",
    edge="#7F8791",
    dim="#9CA4AF",
    text="#C9CED6",
    strong="#EEF1F5",
    live="#9CC7EE",
    band="#4A515B",
    field="#1E2125",
    hatch="#3A3E45",
    running="#EEF1F5",
    on_running="#1A1C20",
    focus="#9CC7EE",
    warning="#FFB454",
    priority=("#FF3B3B", "#FF8A00", "#FFF27A", "#B98CFF"),
    on_priority=("#1A1A1A", "#1A1A1A", "#1A1A1A", "#1A1A1A"),
    border=("#FF3B3B", "#FF8A00", "#A89A42", "#9A7FD6"),
    mark_line="#1A1A1A",
)
LIGHT = Theme(
    name="light",
    label="Light",
    background="#C9CCD0",
    panel="#D6D8DB",
    raised="#E4E6E8",
    line="#B1B5BA",
    edge="#686E76",
    dim="#4E545C",
    text="#31363C",
    strong="#14171A",
    live="#0F4A80",
    band="#B4BAC1",
    field="#EDEEF0",
    hatch="#C3C7CC",
    running="#FFFFFF",
    on_running="#14171A",
    focus="#0F4A80",
    warning="#8A3E00",
    priority=("#C1001F", "#E86A00", "#FFE100", "#5E35B1"),
    on_priority=("#FFFFFF", "#1A1A1A", "#1A1A1A", "#FFFFFF"),
    border=("#C1001F", "#A84A00", "#8A6D00", "#8765CA"),
    mark_line="#1A1A1A",
)
HIGH_CONTRAST = Theme(
    name="high-contrast",
    label="High contrast",
    background="#000000",
    panel="#000000",
    raised="#1C1C1C",
    line="#9A9A9A",
    edge="#9A9A9A",
    dim="#D8D8D8",
    text="#FFFFFF",
    strong="#FFFFFF",
    live="#8FD3FF",
    band="#5A5A5A",
    field="#000000",
    hatch="#3C3C3C",
    running="#FFFFFF",
    on_running="#000000",
    focus="#FFFFFF",
    warning="#FFC400",
    priority=("#FF5A5A", "#FF9A1F", "#FFF27A", "#CBA8FF"),
    on_priority=("#000000", "#000000", "#000000", "#000000"),
    border=("#FF5A5A", "#FF9A1F", "#B3A94F", "#9E86D0"),
    mark_line="#000000",
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT, HIGH_CONTRAST)}


class Appearance(QObject):
    """The theme and the scale in use, and everything made from them. `changing`: about to; `changed`: repaint.

    `tables` is what a person has arranged of the columns of each table, by its name (see `gui/tables/columns.py`).
    """

    changing = Signal()
    changed = Signal()

    def __init__(self, theme: str = DARK.name, scale: int = 100) -> None:
        super().__init__()
        self.family = register_fonts()
        self.themes, self.theme = THEMES, THEMES.get(theme, DARK)
        self.scale = min(SCALES, key=lambda s: abs(s - scale))
        self.tables: dict[str, str] = {}
        self._fonts: dict[tuple[float, int], QFont] = {}
        self._metrics: dict[tuple[float, int], QFontMetricsF] = {}
        self._widths: dict[tuple[str, float, int], float] = {}
        self._icons: dict[tuple[str, str], QIcon] = {}
        self._sheet = _style_sheet(self)
        self._dressed: list[QWidget] = []

    def set_theme(self, name: str) -> None:
        """Change to a theme (`dark`, `light`, `high-contrast`)."""
        self.theme = self.themes[name]
        self.apply()

    def toggle_day(self) -> None:
        """Day or night: light from any dark theme, dark from light."""
        self.set_theme(DARK.name if self.theme.name == LIGHT.name else LIGHT.name)

    def set_scale(self, percent: int) -> None:
        """Change to the nearest of `SCALES`."""
        self.scale = min(SCALES, key=lambda s: abs(s - percent))
        self._fonts.clear()
        self._metrics.clear()
        self._widths.clear()
        self.apply()

    def step_scale(self, steps: int) -> None:
        """Larger or smaller by so many steps, within `SCALES`."""
        i = SCALES.index(self.scale) + steps
        self.set_scale(SCALES[max(0, min(i, len(SCALES) - 1))])

    def px(self, size: float) -> int:
        """Pixels for a size given at 100 %."""
        return round(size * self.scale / 100)

    def font(self, size: float = 13, weight: QFont.Weight = REGULAR) -> QFont:
        """The family at a size in px at 100 %, with tabular figures. Do not alter the result."""
        key = (size, int(weight))
        found = self._fonts.get(key)
        if found is None:
            found = QFont(self.family)
            found.setPixelSize(self.px(size))
            found.setWeight(weight)
            found.setFeature(QFont.Tag("tnum"), 1)
            self._fonts[key] = found
        return found

    def metrics(self, size: float = 13, weight: QFont.Weight = REGULAR) -> QFontMetricsF:
        """Measures of `font(size, weight)`."""
        key = (size, int(weight))
        found = self._metrics.get(key)
        if found is None:
            found = self._metrics[key] = QFontMetricsF(self.font(size, weight))
        return found

    def width(self, words: str, size: float = 13, weight: QFont.Weight = REGULAR) -> float:
        """Width in px of words in `font(size, weight)`; remembered, as measuring costs as much as drawing."""
        key = (words, size, int(weight))
        found = self._widths.get(key)
        if found is None:
            if len(self._widths) > WIDTHS_KEPT:
                self._widths.clear()
            found = self._widths[key] = self.metrics(size, weight).horizontalAdvance(words)
        return found

    def icon(self, name: str) -> QIcon:
        """The drawing `resources/icons/NAME.svg` in the theme's text colours: plain, and strong where it is on."""
        key = (name, self.theme.name)
        if key not in self._icons:
            icon = QIcon()
            for state, token in ((QIcon.State.Off, self.theme.dim), (QIcon.State.On, self.theme.strong)):
                icon.addPixmap(drawn(name, token), QIcon.Mode.Normal, state)
                icon.addPixmap(drawn(name, self.theme.strong), QIcon.Mode.Active, state)
                icon.addPixmap(drawn(name, self.theme.line), QIcon.Mode.Disabled, state)
            self._icons[key] = icon
        return self._icons[key]

    def dress(self, part: QWidget) -> None:
        """Give a part of a window the style: the present one, and each later one while it is not hidden.

        One that was hidden is dressed again before it is shown. With the style sheet on the application a change of
        theme takes 1 s, as Qt then polishes each widget with all that is in it; so does one on hidden pages in vain.
        """
        if part not in self._dressed:
            self._dressed = [*filter(isValid, self._dressed), part]  # a dialog that was closed is not kept
        if part.styleSheet() != self._sheet:
            # A part with a style sheet of its own takes no features of the application's font: digits would have
            # unequal widths.
            part.setFont(self.font())
            part.setStyleSheet(self._sheet)

    def apply(self) -> None:
        """Give palette and font to the application, the style sheet to what is shown, and have everything repainted."""
        self.changing.emit()
        application = QApplication.instance()
        if isinstance(application, QApplication):
            if application.style().objectName() != "fusion":  # a new style is 0.15 s of polishing
                application.setStyle("Fusion")
            application.setPalette(_palette(self.theme))
            application.setFont(self.font())
        self._sheet = _style_sheet(self)
        for part in filter(isValid, self._dressed):
            if not part.isHidden():
                self.dress(part)
        self.changed.emit()


def icon_size(appearance: Appearance, size: float = 20) -> QSize:
    """A square icon size at the scale in use."""
    return QSize(appearance.px(size), appearance.px(size))


def _palette(theme: Theme) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for where, token in {
        role.Window: theme.background,
        role.WindowText: theme.text,
        role.Base: theme.field,
        role.AlternateBase: theme.panel,
        role.Text: theme.text,
        role.PlaceholderText: theme.dim,
        role.Button: theme.panel,
        role.ButtonText: theme.text,
        role.BrightText: theme.strong,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.strong,
        role.Highlight: theme.raised,
        role.HighlightedText: theme.strong,
        role.Link: theme.live,
        role.Mid: theme.line,
        role.Dark: theme.line,
        role.Light: theme.raised,
    }.items():
        palette.setColor(where, color(token))
    for where in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, color(theme.line))
    return palette


def _style_sheet(appearance: Appearance) -> str:
    """Flat panels, 1 px lines, a visible focus. Widgets choose by property: `panel`, `role`, `chip`."""
    t, px = appearance.theme, appearance.px
    cell = px(8) - 3  # Qt puts the text of a cell 3 px further in than its padding, that of a title not
    check = "check-light" if t.name == LIGHT.name else "check-dark"  # a style sheet cannot colour a picture
    folder = shipped("resources").joinpath("icons")
    down, up, check = (folder.joinpath(f"{name}.svg").as_posix() for name in ("down", "up", check))
    return f"""
* {{ font-family: "{appearance.family}"; }}
QMainWindow, QDialog {{ background: {t.background}; }}
QToolTip {{ background: {t.raised}; color: {t.strong}; border: 1px solid {t.line}; padding: {px(4)}px; }}
QFrame[panel="true"] {{ background: {t.panel}; border: 1px solid {t.edge}; }}
QLabel {{ background: transparent; color: {t.text}; font-size: {px(13)}px; }}
QLabel[role="dim"] {{ color: {t.dim}; font-size: {px(12)}px; }}
QLabel[role="strong"] {{ color: {t.strong}; font-weight: 600; }}
QLabel[role="heading"] {{ color: {t.strong}; font-size: {px(14)}px; font-weight: 600; }}
QLabel[role="title"] {{ color: {t.strong}; font-size: {px(22)}px; font-weight: 600; }}
QLabel[role="live"] {{ color: {t.live}; font-weight: 600; }}
QLabel[role="warning"] {{ color: {t.warning}; font-weight: 600; }}
QLabel[role="chip"] {{ color: {t.warning}; font-size: {px(12)}px; font-weight: 600; border: {px(2)}px solid {t.warning};
  padding: {px(2)}px {px(8)}px; }}
QPushButton, QToolButton, QComboBox {{
  background: {t.raised}; color: {t.strong}; border: 1px solid {t.edge}; border-radius: 0;
  padding: {px(5)}px {px(12)}px; font-size: {px(13)}px; font-weight: 500; }}
QToolButton {{ padding: {px(5)}px {px(8)}px; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}
QPushButton:hover, QToolButton:hover, QComboBox:hover {{ border-color: {t.text}; }}
QPushButton:pressed, QToolButton:pressed, QPushButton:checked, QToolButton:checked {{
  background: {t.band}; border-color: {t.text}; }}
QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus, QSlider:focus, QAbstractSpinBox:focus,
QPlainTextEdit:focus, QTextBrowser:focus, QAbstractItemView:focus, QCheckBox:focus {{ border: 1px solid {t.focus}; }}
QPushButton[quiet="true"] {{ background: transparent; border: 1px solid transparent; }}
QPushButton:default {{ border: 1px solid {t.strong}; }}
QComboBox[title="true"] {{ font-size: {px(18)}px; font-weight: 600; background: {t.panel};
  border: 1px solid transparent; padding: {px(2)}px {px(6)}px; }}
QComboBox[title="true"]:hover {{ border-color: {t.edge}; }}
QComboBox[title="true"]:focus {{ border-color: {t.focus}; }}
QComboBox::drop-down {{ border: none; width: {px(24)}px; }}
QComboBox::down-arrow {{ image: url("{down}"); width: {px(14)}px; height: {px(14)}px; }}
QComboBox QAbstractItemView {{ background: {t.field}; color: {t.text}; border: 1px solid {t.line};
  selection-background-color: {t.raised}; selection-color: {t.strong}; outline: 0; }}
QLineEdit, QAbstractSpinBox, QPlainTextEdit, QTextBrowser {{ background: {t.field}; color: {t.strong};
  border: 1px solid {t.edge}; border-radius: 0; padding: {px(5)}px; font-size: {px(13)}px;
  selection-background-color: {t.band}; selection-color: {t.strong}; }}
QPushButton:disabled, QToolButton:disabled, QComboBox:disabled, QLineEdit:disabled, QAbstractSpinBox:disabled {{
  color: {t.dim}; background: {t.panel}; border-color: {t.line}; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{
  border: none; background: transparent; width: {px(22)}px; }}
QAbstractSpinBox::up-arrow {{ image: url("{up}"); width: {px(12)}px; height: {px(12)}px; }}
QAbstractSpinBox::down-arrow {{ image: url("{down}"); width: {px(12)}px; height: {px(12)}px; }}
QTableView, QTreeView, QListView {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.edge};
  gridline-color: {t.line}; alternate-background-color: {t.panel}; selection-background-color: {t.raised};
  selection-color: {t.strong}; font-size: {px(13)}px; outline: 0; }}
QTableView::item, QListView::item {{ padding: {px(3)}px {cell}px; border: none; }}
QTableView::item:selected, QListView::item:selected, QTreeView::item:selected {{
  background: {t.raised}; color: {t.strong}; }}
QTableView::item:selected {{ border-top: 1px solid {t.dim}; border-bottom: 1px solid {t.dim}; }}
QListView::item {{ border-left: {px(3)}px solid transparent; }}
QListView::item:selected {{ border-left-color: {t.strong}; }}
QHeaderView::down-arrow {{ image: url("{down}"); width: {px(10)}px; height: {px(10)}px; }}
QHeaderView::up-arrow {{ image: url("{up}"); width: {px(10)}px; height: {px(10)}px; }}
QHeaderView {{ background: {t.panel}; border: none; }}
QHeaderView::section {{ background: {t.panel}; color: {t.dim}; border: none; border-bottom: 1px solid {t.line};
  padding: {px(6)}px {px(8)}px; font-size: {px(12)}px; font-weight: 600; }}
QTableCornerButton::section {{ background: {t.panel}; border: none; }}
QScrollBar:vertical {{ background: transparent; width: {px(10)}px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: {px(10)}px; margin: 0; }}
QScrollBar::handle {{ background: {t.band}; min-height: {px(24)}px; min-width: {px(24)}px; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{ width: 0; height: 0; }}
QScrollArea, QScrollArea > QWidget, QScrollArea > QWidget > QWidget {{ background: transparent; border: none; }}
QTabWidget::pane {{ border: 1px solid {t.edge}; background: {t.panel}; }}
QTabBar::tab {{ background: {t.background}; color: {t.text}; border: 1px solid {t.edge};
  padding: {px(7)}px {px(14)}px; font-size: {px(13)}px; }}
QTabBar::tab:selected {{ background: {t.raised}; color: {t.strong}; border-top: {px(3)}px solid {t.strong}; }}
QTabBar::tab:focus {{ border: 1px solid {t.focus}; }}
QGroupBox {{ background: {t.panel}; border: 1px solid {t.edge}; margin-top: {px(20)}px; padding: {px(8)}px; }}
QGroupBox::title {{ subcontrol-origin: margin; left: 0; color: {t.strong}; font-weight: 600; }}
QMenu {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.edge}; padding: {px(4)}px 0;
  font-size: {px(13)}px; }}
QMenu::item {{ padding: {px(6)}px {px(28)}px {px(6)}px {px(28)}px; }}
QMenu::item:selected {{ background: {t.raised}; color: {t.strong}; border-left: {px(3)}px solid {t.strong}; }}
QMenu::item:disabled {{ color: {t.dim}; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: {px(4)}px 0; }}
QCheckBox, QRadioButton {{ color: {t.text}; font-size: {px(13)}px; spacing: {px(8)}px; border: 1px solid transparent; }}
QCheckBox:disabled {{ color: {t.dim}; }}
QCheckBox::indicator, QRadioButton::indicator, QAbstractItemView::indicator {{ width: {px(14)}px; height: {px(14)}px;
  background: {t.field}; border: 1px solid {t.edge}; }}
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{
  background: {t.strong}; border-color: {t.strong}; image: url("{check}"); }}
QCheckBox::indicator:disabled {{ border-color: {t.line}; background: {t.panel}; }}
QCheckBox::indicator:checked:disabled {{ background: {t.line}; }}
QSlider::groove:horizontal {{ height: {px(4)}px; background: {t.edge}; }}
QSlider::handle:horizontal {{ width: {px(10)}px; margin: -{px(7)}px 0; background: {t.strong}; }}
QSplitter::handle {{ background: transparent; }}
QProgressBar {{ background: {t.field}; border: 1px solid {t.edge}; text-align: center; color: {t.text}; }}
QProgressBar::chunk {{ background: {t.band}; }}
"""
