"""The plausibility check on the screen: what looks wrong about a pump's readings, why, and what to try."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from pumpwatch_gui.commissioning.pumps.plausibility import ReadingsToCheck, confirmation, findings_of
from pumpwatch_gui.domain.pump.plausibility import PlausibilityFinding
from pumpwatch_gui.domain.wording import counted, error_text
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.widgets import StatusText, button
from pumpwatch_gui.gui.shell.page import Ask
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

NOT_EXAMINED = "Not examined yet"


class PlausibilityPanel(QWidget):
    """Findings with cause and advice. `gather` is called off the GUI thread and may raise.

    Of an unconfirmed register map each finding can be accepted with a reason; `on_confirm` is called when it shall be
    marked as confirmed (None: another person does that).
    """

    examined = Signal()

    def __init__(self, appearance: Appearance, ask: Ask) -> None:
        super().__init__()
        self._ask = ask
        self.on_confirm: Callable[[], None] | None = None
        self._gather: Callable[[], ReadingsToCheck] | None = None
        self._words = ""
        self._reasons: dict[tuple[str, tuple[str, ...]], str] = {}
        self.is_unconfirmed = False
        self.findings: RowsModel[PlausibilityFinding] = RowsModel(self._columns(), key=lambda f: (f.kind, f.tags))
        self.examine_button = button("Examine", "Examine the readings of this pump", self.examine)
        self.summary = StatusText()
        self.summary.setAccessibleName("What the examination found")
        self.view = TableView(appearance, self.findings, "Findings", nothing=NOT_EXAMINED)
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._choose(now.row()))
        self.whole = StatusText()
        self.whole.setAccessibleName("Chosen finding")
        self.confirm_button = button("Confirm the map", "Mark the register map as confirmed", self._confirm)
        self.confirm_button.hide()
        head = hbox(self.examine_button, (self.summary, 1), self.confirm_button)
        vbox(head, (self.view, 1), self.whole, self._make_confirmation(), parent=self, margin=12)
        self._offer()

    def _make_confirmation(self) -> QWidget:
        """The row that accepts findings; only a map that nobody has confirmed needs it."""
        self.state = StatusText()
        self.state.setAccessibleName("Whether the register map is confirmed")
        self.reason = QLineEdit()
        self.reason.setPlaceholderText("why it may stay, such as: valve closed for the test")
        self.reason.setAccessibleName("Reason to accept the chosen finding")
        self.accept_button = button("Accept this finding", "Accept the chosen finding for this reason", self.accept)
        self.reason.returnPressed.connect(self.accept)
        row = QWidget()
        vbox(self.state, hbox((self.reason, 1), self.accept_button), parent=row, spacing=6)
        self._confirmation = row
        return row

    @property
    def open(self) -> tuple[PlausibilityFinding, ...]:
        """The findings that nobody has accepted."""
        return tuple(f for f in self.findings.rows if (f.kind, f.tags) not in self._reasons)

    @property
    def is_passed(self) -> bool:
        """Whether the readings were examined, and each finding was accepted with a reason."""
        return bool(self._words) and not self.open

    def confirmation(self, user: str) -> str:
        """What is written into the map of readings that have passed."""
        reasons = {f: self._reasons[f.kind, f.tags] for f in self.findings.rows}
        return confirmation(self._words, reasons, user=user, now=datetime.now())

    def accept(self) -> None:
        """Accept the chosen finding for the reason that was typed."""
        finding, reason = self.findings.row_at(self.view.chosen), self.reason.text().strip()
        if finding is None:
            return
        if not reason:
            self.state.warn("Type the reason first: it is kept in the map.")
            return
        self._reasons[finding.kind, finding.tags] = reason
        self.reason.clear()
        self.view.viewport().update()
        still_open = (i for i, f in enumerate(self.findings.rows) if f in self.open)
        self.view.selectRow(next(still_open, self.view.currentIndex().row()))
        self._offer()

    def _offer(self) -> None:
        """Show what the map still needs, where it is unconfirmed."""
        self._confirmation.setVisible(self.is_unconfirmed)
        self.accept_button.setEnabled(bool(self.open))
        self.reason.setEnabled(bool(self.open))
        self.confirm_button.setVisible(self.is_unconfirmed and self.on_confirm is not None)
        self.confirm_button.setEnabled(self.is_passed)
        left = len(self.open)
        if self.is_passed:
            self.state.say("The register map is unconfirmed; these readings have passed.", "live")
        else:
            findings = counted(left, "finding")
            words = f"{findings} to accept with a reason, or to correct" if left else "examine it"
            self.state.say(f"The register map is unconfirmed: {words}.", "warning")

    def _confirm(self) -> None:
        if self.on_confirm is not None and self.is_passed:
            self.on_confirm()

    def use(self, gather: Callable[[], ReadingsToCheck] | None, words: str = "") -> None:
        """Examine this from now on."""
        self._gather = gather
        self._reasons.clear()
        self.is_unconfirmed = False
        self.examine_button.setEnabled(gather is not None)
        self._show([], words)

    def examine(self) -> None:
        """Gather and examine, off the GUI thread."""
        gather = self._gather
        if gather is None:
            return
        self.examine_button.setEnabled(False)
        self.summary.say("examining …")

        def work() -> tuple[ReadingsToCheck, tuple[PlausibilityFinding, ...]]:
            material = gather()
            return material, findings_of(material)

        self._ask(work, partial(self._examined, gather), self._failed)

    def _examined(
        self, gather: Callable[[], ReadingsToCheck], outcome: tuple[ReadingsToCheck, tuple[PlausibilityFinding, ...]]
    ) -> None:
        material, found = outcome
        words = material.words
        self.examine_button.setEnabled(self._gather is not None)
        if gather is not self._gather:
            return
        self.is_unconfirmed = material.is_unconfirmed
        certain = sum(f.is_certain for f in found)
        count = counted(len(found), "finding") + (f", {certain} certain" if certain else "")
        self._show(found, f"{words}: {count if found else 'nothing looks wrong'}", warn=bool(certain))
        self._words = words
        self._offer()
        self.examined.emit()

    def _failed(self, error: Exception) -> None:
        self.examine_button.setEnabled(self._gather is not None)
        self._show([], error_text(error), warn=True)

    def _show(self, found: Sequence[PlausibilityFinding], words: str, *, warn: bool = False) -> None:
        self.summary.say(words, "warning" if warn else "strong")
        self._words = ""
        self.findings.show_rows(found)
        self.view.nothing = "" if words else NOT_EXAMINED
        self.whole.say("")
        self._offer()
        if found:
            self.view.selectRow(0)
            self._choose(0)

    def _choose(self, at: int) -> None:
        if 0 <= at < len(self.findings.rows):
            finding = self.findings.rows[at]
            self.whole.say(f"{finding.what}.\nLikely: {finding.cause}.\nTry: {finding.advice}.", "")

    def _columns(self) -> list[Column[PlausibilityFinding]]:
        def severity(f: PlausibilityFinding) -> str:
            if (f.kind, f.tags) in self._reasons:
                return "✓ accepted"
            return "✕ certain" if f.is_certain else "? doubtful"

        return [
            Column("Severity", severity, tip=lambda f: self._reasons.get((f.kind, f.tags), "")),
            Column("Sensors", lambda f: ", ".join(f.tags), elided=True),
            Column("What looks wrong", lambda f: f.what, elided=True),
            Column("Likely cause", lambda f: f.cause, tip=lambda f: f"{f.cause}\n{f.advice}", elided=True),
        ]
