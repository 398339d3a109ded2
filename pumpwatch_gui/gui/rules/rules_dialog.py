"""The list of alarm rules: what each does now; add, edit, copy, switch and delete."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QWidget

from pumpwatch_gui.domain.alarms.rule_places import condition_words, pumps_of, scope_words
from pumpwatch_gui.domain.alarms.rules import MAX_TEXT, CustomRule
from pumpwatch_gui.domain.commands import ChangeSite
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.shown_units import ShownUnits
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.site_changes import RemoveRule, SetRule, SiteChange
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import Question, StatusText, ask_first, button, label
from pumpwatch_gui.gui.rules.rule_dialog import RuleDialog
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.priority_icons import PriorityIcons
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

RENEW_MS = 500
NOTHING = "No rule yet. Add one where a single limit does not say it."


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as the list shows it."""

    rule: CustomRule
    condition: str
    state: str


class RulesDialog(QDialog):
    """Every rule of the site. What is done here is ordered at once; Delete asks first."""

    def __init__(self, context: PageContext, pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context, self._pump_id = context, pump_id
        resize_within_screen(self, *map(context.appearance.px, (1120, 560)))
        self._icons = PriorityIcons(context.appearance)
        self.rules = RowsModel(self._columns(), key=lambda row: row.rule.rule_id)
        self.view = TableView(context.appearance, self.rules, "Alarm rules", nothing=NOTHING)
        self.outcome = StatusText()
        self.add_button = button("Add…", "Add a rule", self.add, hint="Ctrl+N")
        self.edit_button = button("Edit…", "Edit the chosen rule", self.edit, hint="Enter")
        self.copy_button = button("Copy…", "Make a new rule of the chosen one", self.copy)
        self.switch_button = button("Switch off", "Switch the chosen rule on or off", self.switch)
        self.delete_button = button("Delete…", "Delete the chosen rule", self.delete)
        acts = (self.add_button, self.edit_button, self.copy_button, self.switch_button, self.delete_button)
        self.view.offer(*acts)
        self.view.activated.connect(lambda _: self.edit())
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._offer())
        QShortcut(QKeySequence("Ctrl+N"), self, self.add)
        close = button("Close", "Close the list", self.reject)
        head = hbox(label("Alarm rules", "heading"), None, *acts)
        foot = hbox((self.outcome, 1), close)
        vbox(head, (self.view, 1), foot, parent=self, margin=16, spacing=12)
        renew = QTimer(self)
        renew.timeout.connect(self.refresh)
        renew.start(RENEW_MS)
        self.refresh()

    def _columns(self) -> list[Column[RuleRow]]:
        return [
            Column("Priority", lambda r: str(int(r.rule.priority)), icon=self._icon),
            Column("Rule", lambda r: r.rule.text, elided=True),
            Column("For", lambda r: scope_words(r.rule)),
            Column("It comes when", lambda r: r.condition, elided=True),
            Column("State", lambda r: r.state, elided=True),
        ]

    def _icon(self, row: RuleRow) -> QIcon:
        return self._icons.of(row.rule.priority, hollow=not row.rule.is_enabled)

    def refresh(self) -> None:
        """Show the rules as they are now."""
        site, view = self.context.station.site(), self.context.station.latest()
        self.rules.show_rows([_row(rule, site, view, self.context.units) for rule in site.rules])
        self._offer()

    @property
    def chosen(self) -> CustomRule | None:
        """The rule that is selected, as the site has it now."""
        row = self.rules.row_at(self.view.chosen)
        return self.context.station.site().rule(row.rule.rule_id) if row is not None else None

    def _offer(self) -> None:
        rule = self.chosen
        for act in (self.edit_button, self.copy_button, self.switch_button, self.delete_button):
            act.setEnabled(rule is not None)
        self.switch_button.setText("Switch on" if rule is not None and not rule.is_enabled else "Switch off")

    # ---------------------------------------------------------------- what is done to them

    def add(self) -> None:
        """Fill in a new rule."""
        self._open(None, is_new=True)

    def edit(self) -> None:
        """Change the chosen rule."""
        if (rule := self.chosen) is not None:
            self._open(rule, is_new=False)

    def copy(self) -> None:
        """Fill in a new rule that begins as the chosen one."""
        if (rule := self.chosen) is not None:
            self._open(replace(rule, text=f"{rule.text[: MAX_TEXT - 7]} (copy)"), is_new=True)

    def _open(self, rule: CustomRule | None, *, is_new: bool) -> None:
        dialog = RuleDialog(self.context, rule, self, is_new=is_new, pump_id=self._pump_id)
        dialog.finished.connect(lambda _: self.refresh())
        self.context.appearance.dress(dialog)
        dialog.open()

    def switch(self) -> None:
        """Switch the chosen rule off, or on."""
        if (rule := self.chosen) is not None:
            self._order(SetRule(replace(rule, is_enabled=not rule.is_enabled)))

    def delete(self) -> None:
        """Delete the chosen rule after a question."""
        rule = self.chosen
        if rule is None:
            return
        view = self.context.station.latest()
        active = sum(a.source == rule.source and a.holds for a in (*view.alarms, *view.hidden_alarms))
        many = f"Its {active} active alarm{'s' if active > 1 else ''} will return. " * bool(active)
        question = Question(f"Delete the rule {rule.text}?", f"{many}The journal keeps what it has raised.",
                            yes="Delete", no="Keep it")  # fmt: skip
        box = ask_first(self, question, lambda: self._order(RemoveRule(rule.rule_id)))
        self.context.appearance.dress(box)

    def _order(self, change: SiteChange) -> None:
        self.context.order(ChangeSite((change,)), self._done)

    def _done(self, done: OrderDone) -> None:
        if done.ok:
            self.outcome.say(done.text)
        else:
            self.outcome.warn(done.text)
        self.refresh()


def _row(rule: CustomRule, site: Site, view: StationView, units: ShownUnits) -> RuleRow:
    pumps = pumps_of(rule, site)
    own = pumps[0].profile if pumps else None
    condition = condition_words(units.rule(rule, own), units.profile(own) if own is not None else None)
    return RuleRow(rule, condition[:1].upper() + condition[1:] if pumps else condition, _state(rule, len(pumps), view))


def _state(rule: CustomRule, pumps: int, view: StationView) -> str:
    """Off, in alarm on which pumps, not judged where and why, or just watching."""
    if not rule.is_enabled:
        return "off"
    alarms = [a for a in (*view.alarms, *view.hidden_alarms) if a.source == rule.source and a.holds]
    parts = ["in alarm: " + ", ".join(a.pump_id for a in alarms)] if alarms else []
    whys = [one for one in view.unjudged_rules if one.rule_id == rule.rule_id]
    if whys:
        parts.append("cannot be judged: " + _whys([(one.pump_id, one.why) for one in whys]))
    return "; ".join(parts) or f"watching {pumps} pump{'s' if pumps > 1 else ''}"


def _whys(found: Sequence[tuple[str, str]]) -> str:
    """Each reason once, with its pump where it does not name it."""
    return "; ".join(dict.fromkeys(why if not pump or pump in why else f"{pump} {why}" for pump, why in found))
