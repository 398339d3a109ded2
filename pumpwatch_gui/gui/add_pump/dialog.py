"""Add a pump, step by step: link, device, map with live values, plausibility, limits, save."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.new_pump import Draft, new_pump_changes
from pumpwatch_gui.domain.commands import ChangeSite
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.site_changes import SiteChange
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.add_pump.end_steps import LimitsStep, PlausibilityStep, SaveStep
from pumpwatch_gui.gui.add_pump.link_steps import DeviceStep, LinkStep
from pumpwatch_gui.gui.add_pump.map_step import MapStep
from pumpwatch_gui.gui.add_pump.step import Step
from pumpwatch_gui.gui.look.widgets import button, label, set_role
from pumpwatch_gui.gui.shell.page import PageContext


class AddPumpDialog(QDialog):
    """Six steps on one draft. Nothing reaches the disk or the station before the last."""

    def __init__(self, context: PageContext, _pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self.setWindowTitle("Add a pump")
        self.resize(context.appearance.px(1100), context.appearance.px(710))
        self.draft = Draft(context.station.site().folder or context.site_file.parent)
        self.draft.config, context.proposed = context.proposed, None
        try:
            self.draft.use_profile(self.draft.profile_name)
        except InputError:
            self.draft.profile = None  # told where the profile is chosen
        self.link = LinkStep(context, self.draft)
        self.device = DeviceStep(context, self.draft, self.link)
        self.map, self.plausibility = MapStep(context, self.draft), PlausibilityStep(context, self.draft)
        self.limits, self.end = LimitsStep(context, self.draft), SaveStep(context, self.draft)
        self.steps: tuple[Step, ...] = (self.link, self.device, self.map, self.plausibility, self.limits, self.end)
        self.stack = QStackedWidget()
        for step in self.steps:
            self.stack.addWidget(step)
        self.advice, self.trouble = label("", "dim"), label("", "warning")
        self.trouble.setWordWrap(True)
        self.heads = [label(f"{n}  {step.title}") for n, step in enumerate(self.steps, 1)]
        self._lay_out()
        self._turn(0)

    def _lay_out(self) -> None:
        self.back_button = button("&Back", "Back to the step before", self.back)
        self.next_button = button("&Next", "On to the next step", self.next)
        self.next_button.setDefault(True)
        self.cancel_button = button("Cancel", "Close without saving", self.reject)
        head, foot = QHBoxLayout(), QHBoxLayout()
        head.setSpacing(24)
        for part in self.heads:
            head.addWidget(part)
        head.addStretch(1)
        foot.setSpacing(8)
        foot.addWidget(self.trouble, 1)
        for made in (self.back_button, self.next_button, self.cancel_button):
            foot.addWidget(made, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(self.advice)
        column.addWidget(self.stack, 1)
        column.addLayout(foot)

    @property
    def at(self) -> int:
        """The step on show."""
        return self.stack.currentIndex()

    def next(self) -> None:
        """Keep this step and go on; on the last one save."""
        wrong = self.steps[self.at].leave()
        self.trouble.setText(wrong)
        if wrong:
            return
        if self.at == len(self.steps) - 1:
            self.save()
        else:
            self._turn(self.at + 1)

    def back(self) -> None:
        """To the step before; what was filled in stays."""
        if self.at > 0:
            self.trouble.setText("")
            self._turn(self.at - 1)

    def _turn(self, to: int) -> None:
        self.steps[self.at].stop()
        self.stack.setCurrentIndex(to)
        for n, head in enumerate(self.heads):
            set_role(head, "heading" if n == to else "dim")
            head.setText(f"{'✓' if n < to else n + 1}  {self.steps[n].title}")
        step = self.steps[to]
        self.advice.setText(step.advice)
        self.back_button.setEnabled(to > 0)
        is_last = to == len(self.steps) - 1
        self.next_button.setText("&Save" if is_last else "&Next")
        self.next_button.setAccessibleName("Save the pump" if is_last else "On to the next step")
        step.enter()
        step.first.setFocus()

    def save(self) -> None:
        """Have the pump added: the engine writes map and site file and begins to read it."""
        draft, names, site = self.draft, self.end.names, self.context.station.site()
        self.next_button.setEnabled(False)
        self.context.ask(lambda: new_pump_changes(draft, names, site), self._order, self._failed)

    def _order(self, changes: tuple[SiteChange, ...]) -> None:
        self.context.order(ChangeSite(changes), self._saved)

    def _saved(self, outcome: OrderDone) -> None:
        if outcome.ok:
            self.accept()
        else:
            self.next_button.setEnabled(True)
            self.trouble.setText(outcome.text)

    def _failed(self, error: Exception) -> None:
        self.next_button.setEnabled(True)
        self.trouble.setText(error_text(error))

    def _stop(self) -> None:
        for step in self.steps:
            step.stop()

    @override
    def done(self, result: int) -> None:
        """Nothing goes on behind a closed dialog."""
        self._stop()
        super().done(result)
