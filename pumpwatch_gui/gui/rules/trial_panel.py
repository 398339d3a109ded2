"""Below the form of a rule: the past of the term in hand, and what the rule would have done to it."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox
from typing_extensions import override

from pumpwatch_gui.commissioning.pumps.rule_trial import RuleTrial, trial_words, try_rule
from pumpwatch_gui.commissioning.pumps.what_if import Progress
from pumpwatch_gui.domain.alarms.rule_places import sensor_of
from pumpwatch_gui.domain.alarms.rules import Comparison, CustomRule, Measure, RuleTerm
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.gui.forms.limit_plot import Mark
from pumpwatch_gui.gui.forms.past_panel import PastPanel
from pumpwatch_gui.gui.look.layout import vbox
from pumpwatch_gui.gui.shell.page import PageContext

LINES = {"low": "<", "high": ">"}


class TrialPanel(PastPanel):
    """A rule on the past of the pumps that it is for, or of one. `tried` says when an outcome, or none, has come."""

    tried = Signal()

    def __init__(self, context: PageContext) -> None:
        super().__init__(context, "Try it", "Try the rule as it is typed on that time")
        self.plot.name_lines(LINES)
        self.on = QComboBox()
        self.on.setAccessibleName("Pumps that it is tried on")
        self.on.activated.connect(self._turn_pump)
        self._rule: CustomRule | None = None
        self._term: RuleTerm | None = None
        self._tag = ""
        self._trial: RuleTrial | None = None
        self._of: CustomRule | None = None
        self.trouble = ""
        """Why the last trial gave nothing."""
        vbox(self.plot, self.head(self.on), parent=self, spacing=8)

    def trial_of(self, rule: CustomRule) -> RuleTrial | None:
        """The trial of just this rule, None where it was not tried as it is."""
        return self._trial if rule == self._of else None

    def show_rule(self, rule: CustomRule | None, term: RuleTerm | None, tag: str, pump_ids: Sequence[str]) -> None:
        """Turn to a rule as it is typed and to the term in hand, with its tag and the pumps that the rule is for.

        Rule and term are None while they have a mistake.
        """
        if rule != self._rule:
            self._rule = rule
            if self.is_busy:
                self.close_down()
            self.outcome.say("")
            self.plot.show_marks(())
        self._term, self._tag = term, tag
        self._offer_pumps(pump_ids)
        self._turn_pump()
        self.start.setEnabled(rule is not None)

    def _offer_pumps(self, pumps: Sequence[str]) -> None:
        many = [("", f"all {len(pumps)} pumps")] if len(pumps) > 1 else []
        wanted = [*many, *((pump_id, pump_id) for pump_id in pumps)]
        if wanted != [(self.on.itemData(i), self.on.itemText(i)) for i in range(self.on.count())]:
            chosen = self.on.currentData()
            with QSignalBlocker(self.on):
                self.on.clear()
                for pump_id, words in wanted:
                    self.on.addItem(words, pump_id)
                self.on.setCurrentIndex(max(self.on.findData(chosen), 0))

    @property
    def _site(self) -> Site:
        return self._context.station.site()

    @property
    def shown_pump(self) -> str:
        """The pump whose past is shown: the chosen one, else the first."""
        own = str(self.on.currentData() or "")
        return own or next((str(self.on.itemData(i)) for i in range(self.on.count()) if self.on.itemData(i)), "")

    def _turn_pump(self) -> None:
        pump = self._site.pump(self.shown_pump)
        sensor = sensor_of(pump.profile, self._tag) if pump is not None else None
        profile = pump.profile if pump is not None else None
        if self.turn_to(self.shown_pump, profile, sensor) and self._rule is not None:
            self._mark()
        term = self._term
        self.plot.show_limits(_lines(term if term is None else self._context.units.term(term, sensor)))

    @override
    def judge(self) -> None:
        """Try the rule on the span."""
        rule = self._rule
        if rule is None or self.is_busy:
            return
        start_ns, end_ns = self.span_ns
        pump_id, site, history = str(self.on.currentData() or ""), self._site, self._context.station.history
        self.trouble = ""

        def job(report: Progress) -> RuleTrial:
            return try_rule(history, rule, site, start_ns=start_ns, end_ns=end_ns, pump_id=pump_id, progress=report)

        self.run(job, partial(self._found, rule))

    def _found(self, rule: CustomRule, trial: RuleTrial) -> None:
        if rule != self._rule:
            self.outcome.say("")  # of a rule that is no longer there
            return
        self._trial, self._of = trial, rule
        if trial.warning:
            self.outcome.warn(f"{trial_words(trial)} {trial.warning[:1].upper()}{trial.warning[1:]}.")
        else:
            self.outcome.say(trial_words(trial))
        self._mark()
        self.tried.emit()

    def _mark(self) -> None:
        trial = self.trial_of(self._rule) if self._rule is not None else None
        own = [p for p in trial.pumps if p.pump_id == self.shown_pump] if trial is not None else []
        self.plot.show_marks([Mark(e.start_ns / 1e9, e.end_ns / 1e9, True) for p in own for e in p.episodes])

    @override
    def gave_up(self, why: str) -> None:
        self.trouble = why
        self.tried.emit()


def _lines(term: RuleTerm | None) -> Limits:
    """The value of a term as lines in the plot of its tag; a rate or a deviation has no place there."""
    if term is None or term.measure is not Measure.VALUE:
        return Limits()
    match term.comparison:
        case Comparison.OUTSIDE:
            return Limits(low=term.value, high=term.to)
        case Comparison.BELOW | Comparison.AT_MOST:
            return Limits(low=term.value)
        case _:
            return Limits(high=term.value)
