"""A form made from a frozen dataclass: one field each, with label, unit, help and the mistake below it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, get_type_hints

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QLineEdit, QWidget

from pumpwatch_gui.domain.links.config import setting_label
from pumpwatch_gui.gui.forms.port_box import PortBox
from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.widgets import NumberBox, WholeBox, label
from pumpwatch_gui.gui.shell.page import Ask

LARGEST = 10**9


class Form(QWidget):
    """Fields of a dataclass type. `value()` builds it; `changed`: a field was edited.

    The metadata of a field gives `label`, `help`, `unit`, `min`, `max`, `choices` and, for a serial device, `port`:
    with `ask` such a field lists the ports of this machine. `lowest` are the words for `min`; a field that is
    `advanced` waits for `show_advanced`.
    """

    changed = Signal()

    def __init__(self, kind: type[Any], start: Any = None, *, ask: Ask | None = None) -> None:
        super().__init__()
        self._kind, self._ask = kind, ask
        self.names: dict[str, QLabel] = {}
        self._read: dict[str, Callable[[], Any]] = {}
        self.editors: dict[str, QWidget] = {}
        self.mistakes: dict[str, QLabel] = {}
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(8)
        grid.setHorizontalSpacing(12)
        grid.setColumnStretch(1, 1)
        hints = get_type_hints(kind)
        for row, field in enumerate(fields(kind)):
            self._add(grid, row, field, hints[field.name], _start_of(field, start))

    def value(self) -> Any:
        """The dataclass as filled in, or None with the mistake shown below its field."""
        for mistake in self.mistakes.values():
            mistake.setText("")
            mistake.hide()
        try:
            return self._kind(**{name: read() for name, read in self._read.items()})
        except ValueError as error:
            name, _, words = str(error).partition(": ")
            target = self.mistakes.get(name) or next(iter(self.mistakes.values()))
            target.setText(words if name in self.mistakes else str(error))
            target.show()
            return None

    def _add(self, grid: QGridLayout, row: int, field: "Field[Any]", hint: Any, start: Any) -> None:
        meta = field.metadata
        words = setting_label(field)
        editor = self._editor(field.name, hint, meta, start)
        editor.setAccessibleName(words)
        editor.setToolTip(str(meta.get("help", "")))
        name, mistake = label(words), label("", "warning")
        name.setBuddy(editor)
        name.setToolTip(str(meta.get("help", "")))
        mistake.setWordWrap(True)
        mistake.hide()
        grid.addWidget(name, 2 * row, 0)
        grid.addWidget(editor, 2 * row, 1)
        grid.addWidget(mistake, 2 * row + 1, 1)
        self.editors[field.name], self.mistakes[field.name], self.names[field.name] = editor, mistake, name

    def hide_field(self, name: str) -> None:
        """Take a field from the screen; it keeps its value."""
        for widget in (self.editors[name], self.names[name]):
            widget.hide()

    def widen_names(self, width: int) -> None:
        """Keep so much room for the names, whichever of them are shown."""
        self._grid.setColumnMinimumWidth(0, width)

    @property
    def advanced(self) -> tuple[str, ...]:
        """The fields that are seldom needed."""
        return tuple(f.name for f in fields(self._kind) if f.metadata.get("advanced"))

    @property
    def differs(self) -> bool:
        """Whether an advanced field is not at its default."""
        return any(self._read[f.name]() != f.default for f in fields(self._kind) if f.metadata.get("advanced"))

    def show_advanced(self, shown: bool) -> None:
        """Show the fields that are seldom needed, or take them from the screen."""
        for name in self.advanced:
            for widget in (self.editors[name], self.names[name]):
                widget.setVisible(shown)

    def _editor(self, name: str, hint: Any, meta: Mapping[str, Any], start: Any) -> QWidget:
        suffix = f" {meta['unit']}" if "unit" in meta else ""
        if "choices" in meta and isinstance(start, tuple):
            return self._checks(name, meta["choices"], start)
        if "choices" in meta:
            choices = list(meta["choices"])
            box = QComboBox()
            box.addItems([str(c) for c in choices])
            box.setCurrentIndex(choices.index(start) if start in choices else 0)
            box.currentIndexChanged.connect(lambda _: self.changed.emit())
            self._read[name] = lambda: choices[box.currentIndex()]
            return box
        if hint is bool:
            check = QCheckBox("yes")
            check.setChecked(bool(start))
            check.toggled.connect(lambda _: self.changed.emit())
            self._read[name] = check.isChecked
            return check
        if hint is int:
            whole = WholeBox()
            whole.setRange(int(meta.get("min", -LARGEST)), int(meta.get("max", LARGEST)))
            whole.setValue(int(start or 0))
            whole.setSuffix(suffix)
            whole.setSpecialValueText(str(meta.get("lowest", "")))
            whole.valueChanged.connect(lambda _: self.changed.emit())
            self._read[name] = whole.value
            return whole
        if hint is float:
            low, high = float(meta.get("min", -LARGEST)), float(meta.get("max", LARGEST))
            number = NumberBox(low, high, float(start or 0.0), decimals=3)
            number.setSuffix(suffix)
            number.valueChanged.connect(lambda _: self.changed.emit())
            self._read[name] = number.value
            return number
        if meta.get("port") and self._ask is not None:
            ports = PortBox(self._ask, str(start or ""))
            ports.editTextChanged.connect(lambda _: self.changed.emit())
            self._read[name] = ports.text
            return ports
        line = QLineEdit(", ".join(start) if isinstance(start, tuple) else str(start or ""))
        line.textEdited.connect(lambda _: self.changed.emit())
        self._read[name] = (
            line.text if hint is str else lambda: tuple(t.strip() for t in line.text().split(",") if t.strip())
        )
        return line

    def _checks(self, name: str, choices: Iterable[str], chosen: Collection[str]) -> QWidget:
        """A check box for each of several things that may be chosen together."""
        row = QWidget()
        checks = {choice: QCheckBox(choice) for choice in choices}
        for choice, check in checks.items():
            check.setChecked(choice in chosen)
            check.toggled.connect(lambda _: self.changed.emit())
        hbox(*checks.values(), None, parent=row, spacing=16)
        row.setFocusProxy(next(iter(checks.values())))
        self._read[name] = lambda: tuple(choice for choice, check in checks.items() if check.isChecked())
        return row


def _start_of(field: "Field[Any]", start: Any) -> Any:
    if start is not None:
        return getattr(start, field.name)
    return None if field.default is MISSING else field.default
