"""Add a pump, step by step: link, device, map with live values, plausibility, limits, save."""

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.pumps.new_pump import Draft, new_pump_changes
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.add_pump.end_steps import LimitsStep, PlausibilityStep, SaveStep
from pumpwatch_gui.gui.add_pump.link_steps import DeviceStep, LinkStep
from pumpwatch_gui.gui.add_pump.map_step import MapStep
from pumpwatch_gui.gui.add_pump.step import Step
from pumpwatch_gui.gui.forms.site_dialog import SiteDialog
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import button, label, set_role
from pumpwatch_gui.gui.shell.page import PageContext

KINDS: tuple[type[Step], ...] = (LinkStep, DeviceStep, MapStep, PlausibilityStep, LimitsStep, SaveStep)
S = TypeVar("S", bound=Step)


class AddPumpDialog(SiteDialog):
    """Six steps on one draft. Nothing reaches the disk or the station before the last."""

    def __init__(self, context: PageContext, _pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(context, (1100, 660), parent)
        self.draft = Draft(context.station.site().folder or context.site_file.parent)
        self.draft.config, context.opening.proposed = context.opening.proposed, None
        try:
            self.draft.use_profile(self.draft.profile_name)
        except InputError:
            self.draft.profile = None  # the step that chooses the profile says why
        self.stack = QStackedWidget()
        self.at = 0
        """The step on show."""
        self.advice = label("", "dim")
        self.heads = [label(f"{n}  {kind.title}") for n, kind in enumerate(KINDS, 1)]
        self._build()
        self._turn(0)

    # ---------------------------------------------------------------- the steps: each is made when it is wanted

    @cached_property
    def link(self) -> LinkStep:
        """Where the device is."""
        return self._added(LinkStep(self.context, self.draft))

    @cached_property
    def device(self) -> DeviceStep:
        """What it is."""
        return self._added(DeviceStep(self.context, self.draft, self.link))

    @cached_property
    def map(self) -> MapStep:
        """Which registers have which values."""
        return self._added(MapStep(self.context, self.draft))

    @cached_property
    def plausibility(self) -> PlausibilityStep:
        """Whether the values can be right."""
        return self._added(PlausibilityStep(self.context, self.draft))

    @cached_property
    def limits(self) -> LimitsStep:
        """From which value on they are alarms."""
        return self._added(LimitsStep(self.context, self.draft))

    @cached_property
    def end(self) -> SaveStep:
        """What the pump is called."""
        return self._added(SaveStep(self.context, self.draft))

    def _added(self, step: S) -> S:
        self.stack.addWidget(step)
        return step

    def _step(self, at: int) -> Step:
        makers: tuple[Callable[[], Step], ...] = (
            lambda: self.link, lambda: self.device, lambda: self.map, lambda: self.plausibility, lambda: self.limits,
            lambda: self.end,
        )  # fmt: skip
        return makers[at]()

    # ---------------------------------------------------------------- from step to step

    def _build(self) -> None:
        self.back_button = button("&Back", "Back to the step before", self.back)
        self.next_button = button("&Next", "On to the next step", self.next)
        above = vbox(hbox(*self.heads, None, spacing=24), self.advice, spacing=12)
        self.lay_out(self.stack, head=above, more=(self.back_button, self.next_button))

    @property
    def is_last(self) -> bool:
        """Whether the next step is to save."""
        return self.at == len(KINDS) - 1

    def next(self) -> None:
        """Keep this step and go on; on the last one save."""
        wrong = self._step(self.at).leave()
        self.trouble.warn(wrong)
        if wrong:
            return
        if self.is_last:
            self.save()
        else:
            self._turn(self.at + 1)

    def back(self) -> None:
        """To the step before; what was filled in stays."""
        if self.at > 0:
            self.trouble.warn("")
            self._turn(self.at - 1)

    def _turn(self, to: int) -> None:
        self._step(self.at).stop()
        step = self._step(to)
        self.at = to
        self.stack.setCurrentWidget(step)
        for n, head in enumerate(self.heads):
            set_role(head, "heading" if n == to else "dim")
            head.setText(f"{'✓' if n < to else n + 1}  {KINDS[n].title}")
        self.advice.setText(step.advice)
        self.back_button.setEnabled(to > 0)
        self.next_button.setVisible(not self.is_last)
        self.save_button.setVisible(self.is_last)
        (self.save_button if self.is_last else self.next_button).setDefault(True)
        step.enter()
        step.first.setFocus()

    @override
    def is_edited(self) -> bool:
        return self.at > 0

    @override
    def save(self) -> None:
        """Have the pump added: the engine writes map and site file and begins to read it."""
        draft, names, site = self.draft, self.end.names, self.context.station.site()
        self.hold(True)
        self.context.ask(lambda: new_pump_changes(draft, names, site), self.order, self._failed)

    def _failed(self, error: Exception) -> None:
        self.hold(False)
        self.trouble.warn(error_text(error))

    def _stop(self) -> None:
        for at in range(self.stack.count()):
            step = self.stack.widget(at)
            assert isinstance(step, Step)
            step.stop()

    @override
    def done(self, result: int) -> None:
        """Nothing goes on behind a closed dialog."""
        self._stop()
        super().done(result)
