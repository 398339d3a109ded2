"""The live source of the alarms of an engineer's own rules: every rule of the site on every pump that it is for."""

from collections.abc import Collection, Mapping, Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, Stimulus
from pumpwatch_gui.domain.alarms.delays import OnOffDelay
from pumpwatch_gui.domain.alarms.rate_window import RateWindow
from pumpwatch_gui.domain.alarms.rule_places import (
    measure_words,
    rules_of,
    sensor_of,
    unit_of,
    unjudgeable,
    why_not,
)
from pumpwatch_gui.domain.alarms.rule_sheet import RateKey, RuleRows, RuleSheet, SisterTag
from pumpwatch_gui.domain.alarms.rules import CustomRule, Measure, RuleTerm, UnjudgedRule
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.pace import Pace
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.judge.sources.conditions import Conditions

Floats = NDArray[np.float64]


class Sisters:
    """The newest values of the pumps that others are compared with."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[Frame, PumpProfile, Pace]] = {}

    def take(self, frame: Frame, profile: PumpProfile) -> None:
        """Take a frame of one of them."""
        pace = self._newest[frame.pump_id][2] if frame.pump_id in self._newest else Pace()
        pace.step(frame.mono_ns)
        self._newest[frame.pump_id] = frame, profile, pace

    def rename(self, renamed: Mapping[str, str]) -> None:
        """Follow the new ids of pumps."""
        self._newest = {renamed.get(pump_id, pump_id): kept for pump_id, kept in self._newest.items()}

    def value(self, sister: SisterTag, mono_ns: int) -> float:
        """Its value at an instant; NaN where it is BAD, old (3 usual intervals, at least 1 s) or not there."""
        kept = self._newest.get(sister.pump_id)
        if kept is None:
            return nan
        frame, profile, pace = kept
        is_old = mono_ns - frame.mono_ns > pace.gap_s * 1e9
        if is_old or sister.tag not in profile.quantity_tags:
            return nan
        return float(frame.values[profile.index(sister.tag)])


class RuleJudge:
    """Judges rules on one pump, each of which can be. Feed it each frame in order.

    `active` are the sources that are active already; `rates` are the windows of the judge before this one, so that a
    change of one rule does not make the rates of the others unknown.
    """

    def __init__(
        self,
        pump_id: str,
        profile: PumpProfile,
        rules: Sequence[CustomRule],
        *,
        active: Collection[str] = (),
        rates: Mapping[RateKey, RateWindow] | None = None,
    ) -> None:
        self.pump_id, self.profile, self.sheet = pump_id, profile, RuleSheet(rules, profile)
        self.rates = {key: (rates or {}).get(key) or RateWindow(key.over_s) for key in self.sheet.rates}
        self.unjudged: tuple[UnjudgedRule, ...] = ()
        """The rules that were not known at the last frame, and why."""
        self._rate_places = [profile.index(key.tag) for key in self.sheet.rates]
        self._unknown: object = None
        self._conditions = Conditions()
        delays = [OnOffDelay(int(r.on_delay_s * 1e9), int(r.off_delay_s * 1e9)) for r in rules]
        maskable = np.array([rule.only_running for rule in rules], dtype=np.bool_)
        self._maskable = maskable
        self._conditions.use(delays, maskable, self._places(active), mask_may_go=True)

    def adopt(self, sources: Collection[str]) -> None:
        """Take over alarms that are already active (after a restart)."""
        self._conditions.adopt(self._places(sources))

    def judge(self, frame: Frame, state: RunState, sisters: Sisters) -> list[AlarmSignal]:
        """The rules that came, returned or were suppressed at this frame."""
        values = frame.values[np.newaxis]
        others = np.array([[sisters.value(sister, frame.mono_ns) for sister in self.sheet.sisters]])
        rows = self.sheet.rows(values, others, self._step_rates(frame))
        known = rows.known[0]
        found = self._conditions.step(frame.mono_ns, state, rows.over[0], rows.clear[0], known)
        if self._conditions.is_masked:
            for key, window in self.rates.items():
                if key.only_running:  # of the stopped pump nothing may be left in the rate of the running one
                    window.clear()
        self._note_unknown(frame, known, rows)
        return [self._signal(at, stimulus, rows) for at, stimulus in found]

    def _step_rates(self, frame: Frame) -> Floats:
        """The rates (1, r) at this frame; NaN where the value itself is BAD."""
        rates = np.empty((1, len(self.rates)))
        for i, (window, place) in enumerate(zip(self.rates.values(), self._rate_places, strict=True)):
            value = float(frame.values[place])
            rate = window.step(frame.mono_ns, value)
            rates[0, i] = rate if value == value else nan
        return rates

    def _places(self, sources: Collection[str]) -> frozenset[int]:
        return frozenset(i for i, rule in enumerate(self.sheet.rules) if rule.source in sources)

    def _signal(self, at: int, stimulus: Stimulus, rows: RuleRows) -> AlarmSignal:
        rule, leading = self.sheet.rules[at], self.sheet.leading(at, rows.excess[0])
        term, measured = self.sheet.terms[leading], float(rows.measured[0, leading])
        value = nan if stimulus is Stimulus.SUPPRESSED else measured
        is_below = measured < term.edges.low or term.edges.high == np.inf
        limit = term.edges.low if is_below else term.edges.high
        unit = unit_of(term, sensor_of(self.profile, term.tag))
        return AlarmSignal(
            rule.source, term.tag, rule.priority, rule.text, value, limit, unit, stimulus, is_latching=rule.is_latching
        )

    # ---------------------------------------------------------------- what is not known

    def _note_unknown(self, frame: Frame, known: NDArray[np.bool_], rows: RuleRows) -> None:
        """Keep why rules are not judged; masked ones are not judged by design."""
        unknown = ~known
        if self._conditions.is_masked:
            unknown &= ~self._maskable
        key = (unknown.tobytes(), frame.reason.tobytes()) if unknown.any() else None
        if key == self._unknown:
            return
        self._unknown = key
        self.unjudged = tuple(
            UnjudgedRule(self.sheet.rules[i].rule_id, self.pump_id, self._why(i, frame, rows.measured[0]))
            for i in np.flatnonzero(unknown).tolist()
        )

    def _why(self, rule: int, frame: Frame, measured: Floats) -> str:
        first, last = int(self.sheet.first_term[rule]), int(self.sheet.first_term[rule + 1])
        unknown = next(i for i in range(first, last) if np.isnan(measured[i]))
        term = self.sheet.terms[unknown]
        return self._bad(term.tag, frame) or self._bad(term.from_tag, frame) or self._not_yet(term)

    def _bad(self, tag: str, frame: Frame) -> str:
        if not tag:
            return ""
        at = self.profile.index(tag)
        if frame.quality[at] != Quality.BAD:
            return ""
        return f"{self.profile.quantities[at].label} is BAD: {Reason(int(frame.reason[at])).text}".rstrip(": ")

    def _not_yet(self, term: RuleTerm) -> str:
        if term.measure is Measure.RATE:
            return f"too few values yet for the {measure_words(term, self.profile)}"
        return f"{term.from_pump} gives no good value of {term.tag}"


class StationRules:
    """Every rule of the site on every pump. One thread."""

    def __init__(self) -> None:
        self._judges: dict[str, RuleJudge] = {}
        self._sources: dict[str, frozenset[str]] = {}
        self._compared: frozenset[str] = frozenset()
        self._profiles: dict[str, PumpProfile] = {}
        self._sisters = Sisters()
        self._lacking: tuple[UnjudgedRule, ...] = ()

    def use_site(self, site: Site, active: Mapping[str, Collection[str]], renamed: Mapping[str, str]) -> None:
        """Judge by the rules of a site from now on; `active` are the sources by pump that are active already.

        The judge of a pump goes on undisturbed while its rules and sensors are the same.
        """
        before = {renamed.get(pump_id, pump_id): judge for pump_id, judge in self._judges.items()}
        self._sisters.rename(renamed)
        self._profiles = {pump.pump_id: pump.profile for pump in site.pumps}
        self._lacking = unjudgeable(site)
        judges, sources = dict[str, RuleJudge](), dict[str, frozenset[str]]()
        for pump in site.pumps:
            rules = rules_of(site, pump)
            sources[pump.pump_id] = frozenset(rule.source for rule in rules)
            judged = [rule for rule in rules if not why_not(rule, pump, site)]
            if judged:
                judge = before.get(pump.pump_id)
                judges[pump.pump_id] = _judge_of(pump, judged, judge, active.get(pump.pump_id, ()))
        self._judges, self._sources = judges, sources  # at once: other threads read what is not judged
        self._compared = frozenset(s.pump_id for judge in self._judges.values() for s in judge.sheet.sisters)

    def judge(self, frame: Frame, state: RunState) -> list[AlarmSignal]:
        """What the rules of a pump found at its frame, which has the derived quantities behind the sensors."""
        if frame.pump_id in self._compared:
            self._sisters.take(frame, self._profiles[frame.pump_id])
        judge = self._judges.get(frame.pump_id)
        return judge.judge(frame, state, self._sisters) if judge is not None else []

    def adopt(self, pump_id: str, active: Collection[str]) -> None:
        """Take over the alarms of a pump that are already active (after a restart or a fault)."""
        if judge := self._judges.get(pump_id):
            judge.adopt(active)

    def sources(self, pump_id: str) -> frozenset[str]:
        """The alarm sources of the rules for a pump, those that cannot be judged among them: their alarms stay."""
        return self._sources.get(pump_id, frozenset())

    @property
    def unjudged(self) -> tuple[UnjudgedRule, ...]:
        """The rules that are not judged somewhere now, and why. Any thread."""
        return (*self._lacking, *(one for judge in tuple(self._judges.values()) for one in judge.unjudged))


def _judge_of(
    pump: PumpSettings, rules: Sequence[CustomRule], before: RuleJudge | None, active: Collection[str]
) -> RuleJudge:
    """The judge of a pump: the one before while all is the same."""
    if before is None:
        return RuleJudge(pump.pump_id, pump.profile, rules, active=active)
    same = (before.pump_id, before.profile, before.sheet.rules) == (pump.pump_id, pump.profile, tuple(rules))
    return before if same else RuleJudge(pump.pump_id, pump.profile, rules, active=active, rates=before.rates)
