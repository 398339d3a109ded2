"""Adding a pump, the last steps: plausibility, limits, save."""

from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.pumps.edit_site import free_id
from pumpwatch_gui.commissioning.pumps.new_pump import Draft, Names
from pumpwatch_gui.commissioning.pumps.profiles import LEARN, NO_MODEL, model_caution, model_names
from pumpwatch_gui.gui.add_pump.step import Step
from pumpwatch_gui.gui.devices.plausibility_panel import PlausibilityPanel
from pumpwatch_gui.gui.forms.limits_table import LimitsTable
from pumpwatch_gui.gui.look.layout import vbox
from pumpwatch_gui.gui.look.widgets import label
from pumpwatch_gui.gui.shell.page import PageContext


class PlausibilityStep(Step):
    """The doctor's findings; one may go on with them, but not with a map that nobody has confirmed."""

    title = "Plausibility"
    advice = (
        "Are these the readings of a pump? Go back to correct a register. With a map that is confirmed you may go on "
        "with findings."
    )

    def __init__(self, context: PageContext, draft: Draft) -> None:
        super().__init__(context, draft)
        self.panel = PlausibilityPanel(context.appearance, context.ask)
        vbox(self.panel, parent=self)

    @property
    @override
    def first(self) -> QWidget:
        return self.panel.view

    @override
    def enter(self) -> None:
        self.panel.use(self.draft.material)
        self.panel.examine()

    @override
    def leave(self) -> str:
        if not self.draft.is_unconfirmed:
            return ""
        if not self.panel.is_passed:
            return "this map is unconfirmed: accept each finding with a reason, or go back and correct it"
        self.draft.confirmed = self.panel.confirmation(self.context.user)
        return ""


class LimitsStep(Step):
    """A row a sensor that is read; wrong rows are named and keep the step."""

    title = "Limits"
    advice = "The profile's limits, to be changed. An empty limit is not watched."

    def __init__(self, context: PageContext, draft: Draft) -> None:
        super().__init__(context, draft)
        self.table = LimitsTable(context.appearance)
        vbox(self.table, parent=self)

    @property
    @override
    def first(self) -> QWidget:
        return self.table

    @override
    def enter(self) -> None:
        draft = self.draft
        sensors = draft.profile.sensors if draft.profile else ()
        self.table.show_limits([s for s in sensors if not draft.is_modbus or s.tag in draft.points], draft.limits)

    @override
    def leave(self) -> str:
        self.table.commit()
        limits, wrong = self.table.read()
        if not wrong:
            self.draft.limits.update(limits)
        return "; ".join(wrong)


class SaveStep(Step):
    """Names, and what will be saved in words."""

    title = "Save"
    advice = "How shall it be called? After this the values are live."

    def __init__(self, context: PageContext, draft: Draft) -> None:
        super().__init__(context, draft)
        self.pump_id, self.pump_name, self.model = QLineEdit(), QLineEdit(), QComboBox()
        self.model.setEditable(True)
        self.model.setToolTip("learn: from its own first hours; a shipped name, the path of your own, or none")
        self.model.currentTextChanged.connect(self._show_summary)
        form = QFormLayout()
        form.setVerticalSpacing(8)
        for words, field in (("Id", self.pump_id), ("Name", self.pump_name), ("Model", self.model)):
            field.setAccessibleName(f"Pump {words.lower()}")
            field.setMaximumWidth(context.appearance.px(560))
            form.addRow(words, field)
        self.summary = label("")
        self.summary.setWordWrap(True)
        self.summary.setAccessibleName("What will be saved")
        vbox(form, self.summary, None, parent=self, spacing=16)

    @property
    @override
    def first(self) -> QWidget:
        return self.pump_id

    @override
    def enter(self) -> None:
        if not self.pump_id.text():
            pump_id, name = free_id([p.pump_id for p in self.context.station.site().pumps])
            self.pump_id.setText(pump_id)
            self.pump_name.setText(name)
        self.model.clear()
        self.model.addItems(list(model_names()))
        self.model.setCurrentText(LEARN)
        self._show_summary()
        self.pump_id.selectAll()

    def _show_summary(self) -> None:
        self.summary.setText("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        draft, profile = self.draft, self.draft.profile
        if draft.config is None or profile is None:
            return []
        lines = [f"Link: {draft.config.driver}, {draft.config.endpoint}, every {draft.config.period_s:g} s",
                 f"Profile: {draft.profile_name}, {len(profile.sensors)} sensors"]  # fmt: skip
        if draft.is_modbus:
            made = "changed, saved as a map of its own" if draft.is_changed else draft.template
            made += f", confirmed ({draft.confirmed})" if draft.confirmed else ""
            lines.append(f"Register map: {made}, {len(draft.used)} of {len(profile.sensors)} sensors")
        changed = [s.label for s in profile.sensors if draft.limits[s.tag] != s.limits]
        lines.append("Limits: " + (f"changed for {', '.join(changed)}" if changed else "as in the profile"))
        name = self.model.currentText().strip()
        if name == LEARN:
            has_limits = any(limits.given for limits in draft.limits.values())
            judges = "its limits judge it" if has_limits else "nothing judges it: it has no limits"
            lines.append(f"Model {name}: from its own first hours; until then {judges}")
        if caution := model_caution(name):
            lines.append(f"Model {name}: {caution}")
        lines.append(f"Site file: {self.context.site_file} (the old one is kept)")
        return lines

    @property
    def names(self) -> Names:
        """What was typed."""
        pump_id, name = self.pump_id.text().strip(), self.pump_name.text().strip()
        return Names(pump_id, name or pump_id, self.model.currentText().strip() or NO_MODEL)
