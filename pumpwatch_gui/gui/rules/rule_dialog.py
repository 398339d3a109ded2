"""The form of one alarm rule, with its trial on the past; nothing is saved before it was tried."""

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLineEdit, QPlainTextEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.alarms.rule_places import beyond_span, pumps_of
from pumpwatch_gui.domain.alarms.rules import MAX_TERMS, MAX_TEXT, CustomRule, RuleTerm, free_rule_id
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.site_changes import SetRule
from pumpwatch_gui.domain.wording import editable_number, typed_number
from pumpwatch_gui.gui.forms.site_dialog import SiteDialog
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import Question, ask_first, button, label
from pumpwatch_gui.gui.rules.term_row import TermChoices, TermRow
from pumpwatch_gui.gui.rules.trial_panel import TrialPanel
from pumpwatch_gui.gui.shell.page import PageContext

ALL, PROFILE, PUMP = "all", "profile", "pump"
JOINS = {True: "all of these hold", False: "any of these holds"}
PRIORITIES = {Priority.HIGH: "1 high", Priority.MEDIUM: "2 medium", Priority.LOW: "3 low",
              Priority.DIAGNOSTIC: "4 diagnostic"}  # fmt: skip


class RuleDialog(SiteDialog):
    """Adds a rule, or changes one. `start` is what the fields say at first; None: a new one of the pump `pump_id`."""

    def __init__(
        self, context: PageContext, start: CustomRule | None, parent: QWidget | None, *, is_new: bool, pump_id: str = ""
    ) -> None:
        super().__init__(context, (1180, 670), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("New alarm rule" if is_new else f"Alarm rule {start.text if start else ''}")
        self._start, self._is_new = start, is_new
        self.rows: list[TermRow] = []
        self._at = 0
        self._make_fields()
        self.trial = TrialPanel(context)
        self._is_save_waiting = self._is_filled = False
        self._lay_out()
        self._fill(start, pump_id)
        self._connect()
        self._before, self._is_filled = self._state(), True
        self.check()

    # ---------------------------------------------------------------- building

    def _make_fields(self) -> None:
        self.name, self.cause, self.consequence = QLineEdit(), QLineEdit(), QLineEdit()
        self.on_delay, self.off_delay, self.respond = QLineEdit(), QLineEdit(), QLineEdit()
        self.scope, self.priority, self.join = QComboBox(), QComboBox(), QComboBox()
        self.enabled, self.only_running = QCheckBox("Rule is on"), QCheckBox("Only while the pump runs")
        self.latching = QCheckBox("Latching")
        self.action = QPlainTextEdit()
        self.action.setTabChangesFocus(True)
        self.action.setPlaceholderText("A step a line")
        self.action.setFixedHeight(self.context.appearance.px(64))
        self.name.setMaxLength(MAX_TEXT)
        self.name.setPlaceholderText("What the alarm list says, such as Bearing hot and shaking")
        self.only_running.setToolTip("Not judged while the pump is stopped or starts up, and suppressed meanwhile")
        self.latching.setToolTip("The alarm is kept until it is acknowledged and reset")
        names = {
            self.name: "Name of the rule", self.scope: "Pumps", self.priority: "Priority", self.join: "Terms",
            self.on_delay: "On-delay, seconds", self.off_delay: "Off-delay, seconds", self.cause: "Cause",
            self.consequence: "Consequence", self.action: "What to do", self.respond: "Respond within, minutes",
        }  # fmt: skip
        for field, words in names.items():
            field.setAccessibleName(words)
        for field in (self.on_delay, self.off_delay, self.respond):
            field.setFixedWidth(self.context.appearance.px(64))
        for priority, words in PRIORITIES.items():
            self.priority.addItem(words, priority)
        for needs_all, words in JOINS.items():
            self.join.addItem(words, needs_all)

    def _lay_out(self) -> None:
        first = hbox(label("Name"), (self.name, 3), label("For"), (self.scope, 1), label("Priority"), self.priority)
        self.add_button = button("Add term", f"Add a term, at most {MAX_TERMS}", lambda: self.add_term(None))
        second = hbox(label("It comes when"), self.join, None, self.add_button)
        self._terms = vbox(spacing=6)
        third = hbox(
            label("for at least, s"), self.on_delay, label("and returns when gone for, s"), self.off_delay, None,
            self.only_running, self.latching, self.enabled, spacing=12,
        )  # fmt: skip
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        places = ((self.cause, "Cause", 0, 0, 1), (self.consequence, "Consequence", 1, 0, 1),
                  (self.action, "What to do", 0, 2, 2))  # fmt: skip
        for field, words, row, column, rows in places:
            grid.addWidget(label(words), row, column)
            grid.addWidget(field, row, column + 1, rows, 1)
        within = hbox(label("within, min"), self.respond, spacing=12)
        grid.addLayout(within, 0, 4, Qt.AlignmentFlag.AlignTop)
        self.lay_out(first, second, self._terms, third, grid, self.trial, None)

    def _connect(self) -> None:
        for line in (self.name, self.on_delay, self.off_delay, self.respond, self.cause, self.consequence):
            line.textChanged.connect(lambda _: self.check())
        self.action.textChanged.connect(self.check)
        for box in (self.priority, self.join):
            box.currentIndexChanged.connect(lambda _: self.check())
        self.scope.currentIndexChanged.connect(lambda _: self._change_scope())
        for check in (self.enabled, self.only_running, self.latching):
            check.toggled.connect(lambda _: self.check())
        self.trial.dragged.connect(self._drag)
        self.trial.tried.connect(self._go_on_saving)
        self.finished.connect(self.trial.close_down)

    # ---------------------------------------------------------------- filling

    def _fill(self, rule: CustomRule | None, pump_id: str) -> None:
        scope = (PUMP, pump_id) if rule is None else _scope_of(rule)
        self._fill_scope(scope)
        self.enabled.setChecked(rule is None or rule.is_enabled)
        self.only_running.setChecked(rule is None or rule.only_running)
        if rule is None:
            self.priority.setCurrentIndex(self.priority.findData(Priority.MEDIUM))
            for field, words in ((self.on_delay, "10"), (self.off_delay, "10"), (self.respond, "15")):
                field.setText(words)
            self.add_term(None)
            return
        self.name.setText(rule.text)
        self.priority.setCurrentIndex(self.priority.findData(rule.priority))
        self.join.setCurrentIndex(self.join.findData(rule.needs_all))
        numbers = ((self.on_delay, rule.on_delay_s), (self.off_delay, rule.off_delay_s),
                   (self.respond, rule.respond_min))  # fmt: skip
        for field, value in numbers:
            field.setText(editable_number(value))
        self.latching.setChecked(rule.is_latching)
        self.cause.setText(rule.cause)
        self.consequence.setText(rule.consequence)
        self.action.setPlainText("\n".join(rule.action))
        for term in rule.terms:
            self.add_term(term)

    def _fill_scope(self, chosen: tuple[str, str]) -> None:
        site = self.context.station.site()
        offered = [((ALL, ""), "all pumps")]
        offered += [((PROFILE, p), f"every {p}") for p in dict.fromkeys(pump.profile_name for pump in site.pumps)]
        offered += [((PUMP, pump.pump_id), pump.pump_id) for pump in site.pumps]
        keys = [key for key, _ in offered]
        if chosen not in keys and chosen[1]:
            offered.append((chosen, f"{chosen[1]} (not there)"))
            keys.append(chosen)
        with QSignalBlocker(self.scope):
            self.scope.clear()
            for key, words in offered:
                self.scope.addItem(words, key)
            self.scope.setCurrentIndex(keys.index(chosen) if chosen in keys else 0)

    @property
    def _pumps(self) -> list[PumpSettings]:
        """The pumps that are chosen."""
        kind, name = self.scope.currentData()
        pumps = self.context.station.site().pumps
        return [p for p in pumps if kind == ALL or name == (p.pump_id if kind == PUMP else p.profile_name)]

    @property
    def _choices(self) -> TermChoices:
        """The tags of the pumps that the rule is for, those of the first before those of others."""
        site = self.context.station.site()
        sensors: dict[str, Sensor] = {}
        for pump in self._pumps or site.pumps:
            for sensor in pump.profile.quantities:
                sensors.setdefault(sensor.tag, sensor)
        sisters = [p.pump_id for p in site.pumps if self.scope.currentData() != (PUMP, p.pump_id)]
        return TermChoices(tuple(sensors.values()), sisters)

    def _change_scope(self) -> None:
        choices = self._choices
        for row in self.rows:
            row.offer(choices)
        self.check()

    def add_term(self, term: RuleTerm | None) -> None:
        """Add a line for a term; None for one to be filled in."""
        if len(self.rows) >= MAX_TERMS:
            return
        row = TermRow(self.context.appearance, self._choices, self.context.units, term)
        row.edited.connect(lambda: self._turn_to(row))
        row.removed.connect(lambda: self.remove_term(row))
        self.rows.append(row)
        self._terms.addWidget(row)
        self._renumber()

    def remove_term(self, row: TermRow) -> None:
        """Take a term out; the last one stays."""
        if len(self.rows) > 1:
            self.rows.remove(row)
            self._terms.removeWidget(row)
            row.hide()
            row.deleteLater()
            self._renumber()

    def _renumber(self) -> None:
        self._at = min(self._at, len(self.rows) - 1)
        for number, row in enumerate(self.rows, 1):
            row.number_it(number)
            row.remove.setEnabled(len(self.rows) > 1)
        self.add_button.setEnabled(len(self.rows) < MAX_TERMS)
        if self._is_filled:
            self.check()

    def _turn_to(self, row: TermRow) -> None:
        """The term in hand is the one that was changed last."""
        self._at = self.rows.index(row)
        self.check()

    def _drag(self, level: str, value: float) -> None:
        self.rows[self._at].set_value(value, is_upper=level == "high")

    # ---------------------------------------------------------------- what it says

    def _state(self) -> tuple[object, ...]:
        lines = (self.name, self.on_delay, self.off_delay, self.respond, self.cause, self.consequence)
        boxes, checks = (self.scope, self.priority, self.join), (self.enabled, self.only_running, self.latching)
        return (
            *(line.text() for line in lines), self.action.toPlainText(), *(box.currentData() for box in boxes),
            *(check.isChecked() for check in checks), *(row.state for row in self.rows),
        )  # fmt: skip

    def _term_of(self, row: TermRow) -> RuleTerm | None:
        try:
            return row.term()
        except ValueError:
            return None

    def rule(self) -> CustomRule:
        """What was filled in, in the units of the tags. Raises ValueError in words."""
        typed, own = list[RuleTerm](), list[RuleTerm]()
        for number, row in enumerate(self.rows, 1):
            try:
                typed.append(row.typed())
                own.append(row.term())
            except ValueError as error:
                field, _, words = str(error).partition(": ")
                raise ValueError(f"Term {number}, {_TERM_FIELDS.get(field, field)}: {words}") from None
        kind, name = self.scope.currentData()
        text = " ".join(self.name.text().split())
        taken = frozenset(rule.rule_id for rule in self.context.station.site().rules)
        steps = (" ".join(line.split()) for line in self.action.toPlainText().splitlines())
        rule = CustomRule(  # as it is typed, so that a mistake is named in the numbers that are there
            rule_id=self._start.rule_id if self._start is not None and not self._is_new else free_rule_id(text, taken),
            text=text,
            terms=tuple(typed),
            pump=name if kind == PUMP else "",
            profile=name if kind == PROFILE else "",
            needs_all=bool(self.join.currentData()),
            on_delay_s=_number(self.on_delay, "On-delay"),
            off_delay_s=_number(self.off_delay, "Off-delay"),
            priority=self.priority.currentData(),
            only_running=self.only_running.isChecked(),
            is_latching=self.latching.isChecked(),
            is_enabled=self.enabled.isChecked(),
            cause=" ".join(self.cause.text().split()),
            consequence=" ".join(self.consequence.text().split()),
            action=tuple(filter(None, steps)),
            respond_min=_number(self.respond, "Respond within"),
        )
        return replace(rule, terms=tuple(own))

    def check(self) -> None:
        """Name what is wrong; Save is there only when nothing is. What can never hold is named as well."""
        rule, wrong = None, ""
        try:
            rule = self.rule()
        except ValueError as error:
            key, _, words = str(error).partition(": ")
            term = key.startswith("term[")
            wrong = f"{'Terms' if term else _FIELDS.get(key, key)}: {words}" if words else str(error)
        found = self._beyond(rule) if rule is not None else ""
        (self.trouble.warn if self.is_edited() else self.trouble.say)(wrong or found)
        self.allow_save(not wrong and not found)
        row = self.rows[self._at]
        pumps = pumps_of(rule, self.context.station.site()) if rule is not None else self._pumps
        self.trial.show_rule(rule, self._term_of(row), str(row.tag.currentData()), [pump.pump_id for pump in pumps])

    def _beyond(self, rule: CustomRule) -> str:
        pumps = pumps_of(rule, self.context.station.site())
        units, profiles = self.context.units, [pump.profile for pump in pumps]
        return next((found for p in profiles if (found := beyond_span(units.rule(rule, p), units.profile(p)))), "")

    @override
    def is_edited(self) -> bool:
        return self._state() != self._before

    @override
    def show_site(self) -> None:
        self._fill_scope(self.scope.currentData())
        self._change_scope()

    # ---------------------------------------------------------------- saving

    @override
    def save(self) -> None:
        """Try it first, where it was not; then order it, after a question where the trial gives cause for one."""
        rule = self.rule()
        if not self.is_edited() and not self._is_new:
            self.accept()
            return
        same = replace(rule, rule_id=self._start.rule_id, is_enabled=self._start.is_enabled) if self._start else None
        if same is not None and same == self._start and not self._is_new:
            self._order_rule(rule)  # it was only switched
            return
        self._is_save_waiting = True
        if self.trial.trial_of(rule) is not None:
            self._go_on_saving()
        elif not self.trial.is_busy:
            self.trial.judge()

    def _go_on_saving(self) -> None:
        if not self._is_save_waiting:
            return
        self._is_save_waiting = False
        rule = self.rule()
        trial = self.trial.trial_of(rule)
        if trial is None and not self.trial.trouble:
            return  # cancelled
        why = trial.warning if trial is not None else f"it could not be tried: {self.trial.trouble}"
        if not why:
            self._order_rule(rule)
            return
        more = f"On the {self.trial.span.currentText()} {why}."
        question = Question(f"Save the rule {rule.text}?", more, yes="Save it", no="Go on editing")
        self.context.appearance.dress(ask_first(self, question, lambda: self._order_rule(rule)))

    def _order_rule(self, rule: CustomRule) -> None:
        self.order((SetRule(rule, is_new=self._is_new),))


_FIELDS = {"text": "Name", "term": "Terms", "on_delay_s": "On-delay", "off_delay_s": "Off-delay",
           "respond_min": "Respond within", "cause": "Cause", "consequence": "Consequence",
           "action": "What to do"}  # fmt: skip


_TERM_FIELDS = {"to": "upper end of the band", "over": "span of time", "over_s": "span of time",
                "from_value": "set point", "from_pump": "compared with", "from_tag": "compared with"}  # fmt: skip


def _scope_of(rule: CustomRule) -> tuple[str, str]:
    return (PUMP, rule.pump) if rule.pump else (PROFILE, rule.profile) if rule.profile else (ALL, "")


def _number(field: QLineEdit, name: str) -> float:
    try:
        return typed_number(field.text())
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
