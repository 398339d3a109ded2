"""Rules on a site: on which pumps each is judged, where it cannot be and why, and how it reads."""

from collections.abc import Iterator

from pumpwatch_gui.domain.alarms.rules import Comparison, CustomRule, Measure, RuleTerm, UnjudgedRule
from pumpwatch_gui.domain.errors import Problem
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.wording import age, unit_text

_WORDS = {Comparison.AT_LEAST: "≥", Comparison.AT_MOST: "≤"}


def pumps_of(rule: CustomRule, site: Site) -> tuple[PumpSettings, ...]:
    """The pumps of the site that a rule is for, enabled or not."""
    return tuple(p for p in site.pumps if rule.is_for(p.pump_id, p.profile_name))


def rules_of(site: Site, pump: PumpSettings) -> tuple[CustomRule, ...]:
    """The enabled rules that are for a pump, those that cannot be judged among them."""
    return tuple(r for r in site.rules if r.is_enabled and r.is_for(pump.pump_id, pump.profile_name))


def rule_tags(site: Site, pump: PumpSettings) -> frozenset[str]:
    """The tags of a pump that enabled rules look at, its own and those of others that are compared with it."""
    own = {tag for rule in rules_of(site, pump) for term in rule.terms for tag in (term.tag, term.from_tag)}
    compared = {
        term.tag for rule in site.rules if rule.is_enabled for term in rule.terms if term.from_pump == pump.pump_id
    }
    return frozenset((own | compared) - {""})


def why_not(rule: CustomRule, pump: PumpSettings, site: Site) -> str:
    """Why a rule cannot be judged on a pump whatever its values are, "" where it can."""
    return next(filter(None, (_lacks(term, pump, site) for term in rule.terms)), "")


def _lacks(term: RuleTerm, pump: PumpSettings, site: Site) -> str:
    own = sensor_of(pump.profile, term.tag)
    if own is None:
        return f"{pump.pump_id} has no tag {term.tag}"
    if term.from_pump:
        sister = site.pump(term.from_pump)
        if sister is None:
            return f"there is no pump {term.from_pump}"
        other, whose = sensor_of(sister.profile, term.tag), term.from_pump
    elif term.from_tag:
        other, whose = sensor_of(pump.profile, term.from_tag), pump.pump_id
    else:
        return ""
    if other is None:
        return f"{whose} has no tag {term.from_tag or term.tag}"
    if other.unit != own.unit:
        return f"{own.label} in {unit_text(own.unit)} cannot be compared with {other.label} in {unit_text(other.unit)}"
    return ""


def unjudgeable(site: Site) -> tuple[UnjudgedRule, ...]:
    """The enabled rules that cannot be judged as the site is: a tag, a pump or a profile that is not there."""
    found: list[UnjudgedRule] = []
    for rule in site.rules:
        if not rule.is_enabled:
            continue
        pumps = pumps_of(rule, site)
        if not pumps:
            found.append(UnjudgedRule(rule.rule_id, rule.pump, _no_pump(rule)))
        found += [UnjudgedRule(rule.rule_id, p.pump_id, why) for p in pumps if (why := why_not(rule, p, site))]
    return tuple(found)


def _no_pump(rule: CustomRule) -> str:
    if rule.pump:
        return f"there is no pump {rule.pump}"
    return f"no pump has the profile {rule.profile}" if rule.profile else "there is no pump"


def rule_cautions(site: Site) -> Iterator[Problem]:
    """What is no mistake but should be looked at: a rule that cannot be judged, or a value beyond what a tag can be."""
    for one in unjudgeable(site):
        yield Problem(
            f"rule {one.rule_id}", f"cannot be judged: {one.why}", "give it another tag or pump, or delete it"
        )
    for rule in site.rules:
        pumps = [pump for pump in pumps_of(rule, site) if not why_not(rule, pump, site)]
        words = dict.fromkeys(beyond for pump in pumps if (beyond := beyond_span(rule, pump.profile)))
        for text in words:
            yield Problem(f"rule {rule.rule_id}", text, "give it a value inside")


def beyond_span(rule: CustomRule, profile: PumpProfile) -> str:
    """What makes terms on the value of a tag never hold, or never return, given what its sensor can read; else ""."""
    for term in rule.terms:
        sensor = sensor_of(profile, term.tag)
        if term.measure is not Measure.VALUE or sensor is None:
            continue
        low, high = sensor.span
        edges = term.edges
        words = f"{sensor.label} {comparison_words(term)} {unit_text(sensor.unit)}".rstrip()
        if not term.holds(low) and not term.holds(high):
            return f"{words} can never hold: its span is {low:g} to {high:g}"
        if edges.high - term.deadband < low or edges.low + term.deadband > high:
            return f"{words} could never return: its span is {low:g} to {high:g}, the deadband {term.deadband:g}"
    return ""


# -------------------------------------------------------------------- words


def sensor_of(profile: PumpProfile, tag: str) -> Sensor | None:
    """The sensor or derived quantity of a tag, None where there is none."""
    return profile.quantities[profile.quantity_tags.index(tag)] if tag in profile.quantity_tags else None


def scope_words(rule: CustomRule) -> str:
    """The pumps that a rule is for."""
    return rule.pump or (f"every {rule.profile}" if rule.profile else "all pumps")


def measure_words(term: RuleTerm, profile: PumpProfile | None) -> str:
    """What a term looks at: `Flow rate`, `rate of Flow rate over 5:00`, `deviation of Flow rate from P-102`."""
    label = _label(term.tag, profile)
    if term.measure is Measure.RATE:
        return f"rate of {label} over {age(term.over_s) if term.over_s >= 60 else f'{term.over_s:g} s'}"
    if term.measure is Measure.DEVIATION:
        other = term.from_pump or (_label(term.from_tag, profile) if term.from_tag else f"{term.from_value:g}")
        return f"deviation of {label} from {other}"
    return label


def comparison_words(term: RuleTerm) -> str:
    """`> 75`, `outside 3 to 5`."""
    if term.comparison is Comparison.OUTSIDE:
        return f"outside {term.value:g} to {term.to:g}"
    return f"{_WORDS.get(term.comparison, term.comparison.value)} {term.value:g}"


def measured_unit(measure: Measure, sensor: Sensor | None) -> str:
    """The unit in which a term compares, as it is shown: the tag's, of a rate that a minute."""
    unit = unit_text(sensor.unit) if sensor is not None else ""
    return f"{unit}/min" if measure is Measure.RATE else unit


def unit_of(term: RuleTerm, sensor: Sensor | None) -> str:
    """The unit of an alarm of a term; that of a rate or a deviation is never that of the tag."""
    if term.measure is Measure.VALUE:
        return sensor.unit if sensor is not None else ""
    unit = measured_unit(term.measure, sensor)
    return f"{unit} deviation".lstrip() if term.measure is Measure.DEVIATION else unit


def condition_words(rule: CustomRule, profile: PumpProfile | None) -> str:
    """When a rule comes: its terms with their units, joined by `and` or `or`. Tags where there is no profile."""
    parts = []
    for term in rule.terms:
        unit = measured_unit(term.measure, sensor_of(profile, term.tag) if profile is not None else None)
        parts.append(f"{measure_words(term, profile)} {comparison_words(term)} {unit}".rstrip())
    return (" and " if rule.needs_all else " or ").join(parts)


def _label(tag: str, profile: PumpProfile | None) -> str:
    sensor = sensor_of(profile, tag) if profile is not None else None
    return sensor.label if sensor is not None else tag
