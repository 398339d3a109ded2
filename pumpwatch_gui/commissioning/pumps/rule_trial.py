"""A rule on the stored past of the pumps it is for, before it is saved: how often it would have come, and when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pumpwatch_gui.commissioning.pumps.what_if import read_past
from pumpwatch_gui.domain.alarms.rule_places import pumps_of, sensor_of, why_not
from pumpwatch_gui.domain.alarms.rule_sheet import RuleSheet, SisterTag
from pumpwatch_gui.domain.alarms.rules import CustomRule
from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.wording import duration, error_text, minute, running_time
from pumpwatch_gui.judge.sources.rule_replay import JudgedRule, PumpPast, RuleEpisode, SisterPast, replay_rule

STANDING_SHARE = 0.5
"""A rule that holds for a larger part of the past than this is a standing alarm: it says nothing that is new."""
NAMED = 3
_READ = 0.7
"""The part of the work that reading is."""

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class PumpTrial:
    """What a rule would have done on one pump; `judged` is None, with the reason in `why`, where nothing is known."""

    pump_id: str
    judged: JudgedRule | None
    why: str = ""

    @property
    def episodes(self) -> tuple[RuleEpisode, ...]:
        """Its alarms, in order."""
        return self.judged.episodes if self.judged is not None else ()


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """A rule on the past from `start_ns` to `end_ns` (Unix UTC) of every pump it was tried on."""

    start_ns: int
    end_ns: int
    pumps: tuple[PumpTrial, ...]

    @property
    def count(self) -> int:
        """Its alarms on all pumps."""
        return sum(len(pump.episodes) for pump in self.pumps)

    @property
    def judged_h(self) -> float:
        """Pump hours in which it was judged."""
        return sum(pump.judged.judged_h for pump in self.pumps if pump.judged is not None)

    @property
    def held_share(self) -> float:
        """The part of that in which it held, of the pump on which it held most."""
        shares = [p.judged.held_h / p.judged.judged_h for p in self.pumps if p.judged is not None and p.judged.judged_h]
        return max(shares, default=0.0)

    @property
    def warning(self) -> str:
        """What to think about before it is saved, "" where there is nothing."""
        if not self.judged_h:
            return "it could not be judged at any time"
        if self.held_share > STANDING_SHARE:
            return f"it held for {100 * self.held_share:.0f} % of the time: it would be a standing alarm"
        return "" if self.count else "it would never have come"


def try_rule(
    history: Historian, rule: CustomRule, site: Site, *,
    start_ns: int, end_ns: int, pump_id: str = "", progress: Progress = lambda part: None,
) -> RuleTrial:  # fmt: skip
    """Judge what the history has from `start_ns` up to `end_ns` on every pump the rule is for, or on `pump_id` alone.

    `progress` gets the part done, rising; what it raises ends the work. Raises InputError where the rule is for no
    pump of the site.
    """
    pumps = [pump for pump in pumps_of(rule, site) if pump_id in ("", pump.pump_id)]
    if not pumps:
        raise InputError("the rule is for no pump of this site", "choose another pump or profile")
    found: list[PumpTrial] = []
    sisters: dict[SisterTag, SisterPast] = {}  # many pumps may be compared with one
    done = 0.0

    def report(part: float) -> None:
        nonlocal done
        done = max(done, (len(found) + part) / len(pumps))
        progress(done)

    for pump in pumps:
        found.append(_try_on(history, rule, pump, site, sisters, start_ns, end_ns, report))
    progress(1.0)
    return RuleTrial(start_ns, end_ns, tuple(found))


def _episode_words(episode: RuleEpisode, pump_id: str) -> str:
    return f"{pump_id} {minute(episode.start_ns)} for {duration((episode.end_ns - episode.start_ns) / 1e9)}".lstrip()


def _try_on(
    history: Historian, rule: CustomRule, pump: PumpSettings, site: Site, sisters: dict[SisterTag, SisterPast],
    start_ns: int, end_ns: int, report: Progress,
) -> PumpTrial:  # fmt: skip
    if why := why_not(rule, pump, site):
        return PumpTrial(pump.pump_id, None, why)
    sheet = RuleSheet((rule,), pump.profile)
    part = _READ / (1 + len(sheet.sisters))
    own = tuple(dict.fromkeys(tag for t in rule.terms for tag in (t.tag, t.from_tag) if tag))

    def reading(n: int, x: float) -> None:
        report(part * (n + x))

    try:
        past = read_past(history, pump.pump_id, pump.profile, own, start_ns, end_ns, partial(reading, 0))
        for n, key in enumerate(sheet.sisters, 1):
            if key not in sisters:
                sisters[key] = _sister(history, key, site, start_ns, end_ns, partial(reading, n))
    except PumpWatchError as error:
        return PumpTrial(pump.pump_id, None, error_text(error))
    judged = replay_rule(
        rule, _only(pump.profile, own), past, sisters, progress=lambda x: report(_READ + (1 - _READ) * x)
    )
    return PumpTrial(pump.pump_id, judged)


def _sister(history: Historian, key: SisterTag, site: Site, start_ns: int, end_ns: int, report: Progress) -> SisterPast:
    pump = site.pump(key.pump_id)
    assert pump is not None  # or the rule could not be judged
    past: PumpPast = read_past(history, pump.pump_id, pump.profile, (key.tag,), start_ns, end_ns, report)
    return SisterPast(past.time_ns, past.values[:, 0])


def _only(profile: PumpProfile, tags: Sequence[str]) -> PumpProfile:
    """The profile with these quantities alone, in this order, as they are read."""
    kept = tuple(sensor for tag in tags if (sensor := sensor_of(profile, tag)) is not None)
    return replace(profile, sensors=kept, derived=())


def trial_words(trial: RuleTrial) -> str:
    """The outcome for people: how long it was judged, how often it came, for how long it was on, and when first."""
    lacking = "; ".join(f"{p.pump_id}: {p.why}" for p in trial.pumps if p.why)
    if lacking and not trial.judged_h:
        return f"Not judged: {lacking}."
    head = f"{running_time(trial.judged_h * 3600)} judged: "
    if len(trial.pumps) > 1:
        head = f"{len(trial.pumps)} pumps, {head}"
    episodes = sorted(((e, p.pump_id) for p in trial.pumps for e in p.episodes), key=lambda own: own[0].start_ns)
    text = "no alarm."
    if episodes:
        hours = trial.judged_h / len([p for p in trial.pumps if p.judged is not None])
        a_week = f", {trial.count / hours * 168:.1f} a week" if hours >= 23 else ""
        on_s = sum(e.end_ns - e.start_ns for e, _ in episodes) / 1e9
        is_many = len(trial.pumps) > 1
        first = ", ".join(_episode_words(e, pump_id if is_many else "") for e, pump_id in episodes[:NAMED])
        more = ", …" if len(episodes) > NAMED else ""
        many = f"{trial.count} alarm{'s' if trial.count > 1 else ''}"
        text = f"{many}{a_week}, {duration(on_s)} in alarm ({first}{more})."
    return f"{head}{text}" + (f" Not judged: {lacking}." if lacking else "")
