"""The plausibility check on the screen: what looks wrong about a pump's readings, why, and what to try."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from pumpwatch_gui.commissioning.pumps.plausibility import ReadingsToCheck, findings_of
from pumpwatch_gui.domain.pump.plausibility import PlausibilityFinding
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.widgets import StatusText, button
from pumpwatch_gui.gui.shell.page import Ask
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView


class PlausibilityPanel(QWidget):
    """Findings with cause and advice. `gather` is called off the GUI thread and may raise."""

    examined = Signal()

    def __init__(self, appearance: Appearance, ask: Ask) -> None:
        super().__init__()
        self._ask = ask
        self._gather: Callable[[], ReadingsToCheck] | None = None
        self.findings: RowsModel[PlausibilityFinding] = RowsModel(_columns())
        self.examine_button = button("Examine", "Examine the readings of this pump", self.examine)
        self.summary = StatusText()
        self.summary.setAccessibleName("What the examination found")
        self.view = TableView(appearance, self.findings, "Findings", widths={0: 104, 1: 190, 2: 360}, stretch=3)
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._choose(now.row()))
        self.whole = StatusText()
        self.whole.setAccessibleName("Chosen finding")
        head = hbox(self.examine_button, (self.summary, 1))
        vbox(head, (self.view, 1), self.whole, parent=self, margin=12)

    def use(self, gather: Callable[[], ReadingsToCheck] | None, words: str = "") -> None:
        """Examine this from now on."""
        self._gather = gather
        self.examine_button.setEnabled(gather is not None)
        self._show([], words)

    def examine(self) -> None:
        """Gather and examine, off the GUI thread."""
        gather = self._gather
        if gather is None:
            return
        self.examine_button.setEnabled(False)
        self.summary.say("examining …")

        def work() -> tuple[str, tuple[PlausibilityFinding, ...]]:
            material = gather()
            return material.words, findings_of(material)

        self._ask(work, partial(self._examined, gather), self._failed)

    def _examined(
        self, gather: Callable[[], ReadingsToCheck], outcome: tuple[str, tuple[PlausibilityFinding, ...]]
    ) -> None:
        words, found = outcome
        self.examine_button.setEnabled(self._gather is not None)
        if gather is not self._gather:
            return
        certain = sum(f.is_certain for f in found)
        count = f"{len(found)} finding{'s' * (len(found) != 1)}" + (f", {certain} certain" if certain else "")
        self._show(found, f"{words}: {count if found else 'nothing looks wrong'}", warn=bool(certain))
        self.examined.emit()

    def _failed(self, error: Exception) -> None:
        self.examine_button.setEnabled(self._gather is not None)
        self._show([], error_text(error), warn=True)

    def _show(self, found: Sequence[PlausibilityFinding], words: str, *, warn: bool = False) -> None:
        self.summary.say(words, "warning" if warn else "strong")
        self.findings.show_rows(found)
        self.whole.say("")
        if found:
            self.view.selectRow(0)
            self._choose(0)

    def _choose(self, at: int) -> None:
        if 0 <= at < len(self.findings.rows):
            finding = self.findings.rows[at]
            self.whole.say(f"{finding.what}.\nLikely: {finding.cause}.\nTry: {finding.advice}.", "")


def _columns() -> list[Column[PlausibilityFinding]]:
    return [
        Column("Severity", lambda f: "✕ certain" if f.is_certain else "? doubtful"),
        Column("Sensors", lambda f: ", ".join(f.tags), tip=lambda f: ", ".join(f.tags)),
        Column("What looks wrong", lambda f: f.what, tip=lambda f: f.what),
        Column("Likely cause", lambda f: f.cause, tip=lambda f: f"{f.cause}\n{f.advice}"),
    ]
