"""Contrast: what catches the eye, and whether it can be seen at all, measured on painted pixels, in every theme."""

from collections.abc import Callable, Iterator
from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRect, QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QStyle,
    QStyleOptionButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.gui.look.paint import Emphasis, alarm_border, priority_mark
from pumpwatch_gui.gui.look.theme import THEMES, Appearance, color
from pumpwatch_gui.gui.look.widgets import Panel, label
from tests.gui.snapshots import pixels

Ratios = NDArray[np.float64]

CONTROL, TEXT = 3.0, 4.5
"""Least contrast ratios of WCAG 2.2: 1.4.11 for what makes a control, 1.4.3 for text."""
DEUTERANOPE = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
"""Linear RGB as seen without green cones: Machado, Oliveira and Fernandes 2009."""


@pytest.fixture(params=list(THEMES))
def appearance(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[Appearance]:
    """The application in each theme."""
    made = Appearance(request.param)
    made.apply()
    yield made
    Appearance().apply()


def linear(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """sRGB (…, 3) as linear light."""
    share = rgb.astype(np.float64) / 255
    return np.asarray(np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4), np.float64)


def luminance(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Relative luminance of sRGB (…, 3)."""
    return np.asarray(linear(rgb) @ np.array([0.2126, 0.7152, 0.0722]), np.float64)


def contrast(rgb: NDArray[np.uint8], ground: str) -> Ratios:
    """Contrast ratio of each pixel of sRGB (…, 3) to a ground."""
    token = color(ground)
    behind = luminance(np.array([token.red(), token.green(), token.blue()], np.uint8))
    seen = luminance(rgb)
    ratios: Ratios = (np.maximum(seen, behind) + 0.05) / (np.minimum(seen, behind) + 0.05)
    return ratios


def painted(ground: str, paint: Callable[[QPainter], None], size: tuple[int, int] = (120, 80)) -> NDArray[np.uint8]:
    """Pixels (height, width, 3) of what is painted on a ground."""
    image = QImage(*size, QImage.Format.Format_RGB32)
    image.fill(color(ground))
    painter = QPainter(image)
    paint(painter)
    painter.end()
    return pixels(image)


def border(appearance: Appearance, priority: Priority, emphasis: Emphasis) -> Ratios:
    """Contrast to the panel along a line across the left border of a tile."""
    rect = QRectF(0, 0, 120, 80)
    seen = painted(appearance.theme.panel, lambda p: alarm_border(p, appearance, rect, priority, emphasis))
    return contrast(seen[40, :20], appearance.theme.panel)


def weight(line: Ratios) -> float:
    """How much a border is in all: contrast times width."""
    return float((line - 1).sum())


@pytest.mark.parametrize("emphasis", Emphasis)
def test_a_border_has_the_more_contrast_and_weight_the_more_urgent_it_is(
    appearance: Appearance, emphasis: Emphasis
) -> None:
    lines = [border(appearance, priority, emphasis) for priority in Priority]
    weights, peaks = [weight(line) for line in lines], [line.max() for line in lines]
    assert all(a > 1.2 * b for a, b in pairwise(weights)), weights
    if emphasis is Emphasis.BLINK_ON:
        assert all(a > 1.05 * b for a, b in pairwise(peaks)), peaks
        assert min(peaks) >= CONTROL


def test_an_unacknowledged_border_is_at_its_weakest_more_than_an_acknowledged_one_of_lower_priority(
    appearance: Appearance,
) -> None:
    for priority, lower in zip(Priority, list(Priority)[1:], strict=False):
        off = weight(border(appearance, priority, Emphasis.BLINK_OFF))
        assert off > 1.2 * weight(border(appearance, lower, Emphasis.ACKNOWLEDGED)), priority


@pytest.mark.parametrize("priority", Priority)
def test_a_hollow_mark_keeps_its_outline_and_its_figure(appearance: Appearance, priority: Priority) -> None:
    panel, rect = appearance.theme.panel, QRectF(10, 10, 24, 24)
    seen = contrast(painted(panel, lambda p: priority_mark(p, appearance, rect, priority, hollow=True)), panel)
    inner = seen[14:30, 17:27]
    assert inner.max() >= TEXT
    outline = seen.copy()
    outline[14:30, 17:27] = 1
    assert (outline >= CONTROL).sum() >= 20


@pytest.mark.parametrize("hollow", [False, True])
def test_no_two_marks_look_alike_without_green_cones_or_without_any_colour(
    appearance: Appearance, hollow: bool
) -> None:
    panel, rect = appearance.theme.panel, QRectF(0, 0, 18, 18)

    def mark(priority: Priority) -> NDArray[np.uint8]:
        return painted(panel, lambda p: priority_mark(p, appearance, rect, priority, hollow=hollow), (18, 18))

    for first, second in combinations(map(mark, Priority), 2):
        as_seen = np.abs((linear(first) - linear(second)) @ DEUTERANOPE.T).max(axis=2)
        grey = np.abs(luminance(first) - luminance(second))
        assert (as_seen > 0.1).mean() > 0.15
        assert (grey > 0.1).mean() > 0.1


# -------------------------------------------------------------------- controls and text


@pytest.fixture
def shown(appearance: Appearance) -> Iterator[Callable[[QWidget], NDArray[np.uint8]]]:
    """Shows a widget in a panel; the pixels of the panel."""
    wholes: list[QWidget] = []

    def show(widget: QWidget) -> NDArray[np.uint8]:
        whole = QWidget()
        panel = Panel(appearance, content=widget)
        QVBoxLayout(whole).addWidget(panel)
        appearance.dress(whole)
        whole.resize(360, 140)
        whole.show()
        wholes.append(whole)
        panel.setFocus()
        QApplication.processEvents()
        return pixels(panel.grab().toImage())

    yield show
    for whole in wholes:
        whole.close()
        whole.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def part(whole: NDArray[np.uint8], rect: QRect) -> NDArray[np.uint8]:
    """The pixels of a rectangle."""
    return whole[rect.top() : rect.bottom() + 1, rect.left() : rect.right() + 1]


def edges(box: NDArray[np.uint8], ground: str) -> tuple[float, ...]:
    """The least contrast along each of the four outer lines, corners left out."""
    lines = (box[0, 2:-2], box[-1, 2:-2], box[2:-2, 0], box[2:-2, -1])
    return tuple(float(contrast(line, ground).min()) for line in lines)


@pytest.mark.parametrize("kind", [QLineEdit, QSpinBox, QComboBox, QPushButton])
def test_the_edge_of_a_control_can_be_seen(
    appearance: Appearance, shown: Callable[[QWidget], NDArray[np.uint8]], kind: type[QWidget]
) -> None:
    control = kind()
    whole = shown(control)
    assert min(edges(part(whole, control.geometry()), appearance.theme.panel)) >= CONTROL
    assert min(edges(whole, appearance.theme.background)) >= CONTROL  # that of the panel
    assert min(edges(whole, appearance.theme.panel)) >= CONTROL


@pytest.mark.parametrize("checked", [False, True])
def test_a_check_box_can_be_seen(
    appearance: Appearance, shown: Callable[[QWidget], NDArray[np.uint8]], checked: bool
) -> None:
    box = QCheckBox("Repeat")
    box.setChecked(checked)
    whole = shown(box)
    option = QStyleOptionButton()
    box.initStyleOption(option)
    place = box.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, box)
    indicator = part(whole, place.translated(box.pos()))
    assert min(edges(indicator, appearance.theme.panel)) >= CONTROL
    inside = contrast(indicator[2:-2, 2:-2], appearance.theme.strong if checked else appearance.theme.edge)
    assert inside.max() >= CONTROL  # the tick, or the empty field


def test_the_selected_row_can_be_seen(appearance: Appearance, shown: Callable[[QWidget], NDArray[np.uint8]]) -> None:
    table = QTableWidget(3, 2)
    for row in range(3):
        for column in range(2):
            table.setItem(row, column, QTableWidgetItem("0"))
    table.selectRow(1)
    whole = shown(table)
    cell = table.visualRect(table.model().index(1, 0)).translated(table.viewport().pos() + table.pos())
    rows = contrast(part(whole, cell)[:, 2:-2], appearance.theme.panel)
    assert rows[0].min() >= CONTROL
    assert rows[-2:].min(axis=1).max() >= CONTROL


@pytest.mark.parametrize("role", ["", "dim", "strong", "heading", "live", "warning"])
def test_text_can_be_read_on_every_ground(
    appearance: Appearance, shown: Callable[[QWidget], NDArray[np.uint8]], role: str
) -> None:
    for ground in (appearance.theme.background, appearance.theme.panel, appearance.theme.raised):
        words = label("HEMTFL 0471", role)
        holder = QWidget()
        QVBoxLayout(holder).addWidget(words)
        holder.setStyleSheet(f"QWidget#ground {{ background: {ground}; }}")
        holder.setObjectName("ground")
        whole = shown(holder)
        place = words.geometry().translated(holder.pos())
        assert contrast(part(whole, place), ground).max() >= TEXT, ground
