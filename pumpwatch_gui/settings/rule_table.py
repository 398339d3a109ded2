"""Alarm rules in the site file: `[[rule]]` with its `[[rule.term]]`, read with every mistake, and written back."""

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.alarms.rules import MAX_TERMS, Comparison, CustomRule, Measure, RuleTerm
from pumpwatch_gui.settings.toml_table import Table

KEYS = {
    "rule_id": "id",
    "terms": "term",
    "is_enabled": "enabled",
    "is_latching": "latching",
    "needs_all": "join",
}
"""Fields of a rule whose key in the file is another word."""
_PRIORITIES = {priority.name.lower(): priority for priority in Priority}
_JOINS = {"and": True, "or": False}
_TERM_DEFAULTS = {field.name: field.default for field in fields(RuleTerm)}
_RULE_DEFAULTS = {field.name: field.default for field in fields(CustomRule)}


def read_rules(top: Table) -> tuple[CustomRule, ...]:
    """The good rules of a site file; every mistake of the others is noted with its path."""
    rules: dict[str, CustomRule] = {}
    for table in top.tables("rule"):
        rule = _read_rule(table)
        if rule is not None and rule.rule_id.casefold() in rules:
            table.note("id", f"{rule.rule_id} is there twice", "give each rule its own id")
        elif rule is not None:
            rules[rule.rule_id.casefold()] = rule
    return tuple(rules.values())


def _read_rule(table: Table) -> CustomRule | None:
    before = len(table.problems)
    values: dict[str, Any] = {
        "rule_id": table.take_text("id"),
        "text": table.take_text("text"),
        "needs_all": _one_of(table, "join", _JOINS, "and"),
        "priority": _one_of(table, "priority", _PRIORITIES, "medium"),
        "action": table.take_texts("action", ()) or (),
    }
    for key in ("pump", "profile", "cause", "consequence"):
        values[key] = table.take_text(key, "")
    for key in ("on_delay_s", "off_delay_s", "respond_min"):
        values[key] = table.take_number(key, _RULE_DEFAULTS[key])
    for key, name in (("only_running", "only_running"), ("latching", "is_latching"), ("enabled", "is_enabled")):
        values[name] = table.take(key, bool, "true or false", _RULE_DEFAULTS[name])
    tables = list(table.tables("term", required=True))
    if len(tables) > MAX_TERMS:
        table.note("term", f"a rule has at most {MAX_TERMS} terms, not {len(tables)}", "make two rules of it")
    terms = [_read_term(one) for one in tables]
    table.finish()
    if len(table.problems) > before:
        return None
    made: CustomRule | None = _made(table, CustomRule, {**values, "terms": tuple(terms)})
    return made


def _read_term(table: Table) -> RuleTerm | None:
    before = len(table.problems)
    values: dict[str, Any] = {
        "tag": table.take_text("tag"),
        "comparison": _one_of(table, "comparison", {c.value: c for c in Comparison}),
        "value": table.take_number("value"),
        "measure": _one_of(table, "measure", {m.value: m for m in Measure}, Measure.VALUE.value),
    }
    for key in ("to", "deadband", "over_s", "from_value"):
        values[key] = table.take_number(key, _TERM_DEFAULTS[key])
    for key in ("from_pump", "from_tag"):
        values[key] = table.take_text(key, "")
    table.finish()
    made: RuleTerm | None = _made(table, RuleTerm, values) if len(table.problems) == before else None
    return made


def _made(table: Table, kind: Any, values: Mapping[str, Any]) -> Any:
    """The value, or None with its mistake noted at the key that it names (`over_s: …`)."""
    try:
        return kind(**values)
    except ValueError as error:
        key, _, words = str(error).partition(": ")
        table.note(key, words)
        return None


def _one_of(table: Table, key: str, choices: Mapping[str, Any], default: Any = ...) -> Any:
    words = "one of " + ", ".join(f'"{choice}"' for choice in choices)
    text = table.take(key, str, words, default)
    if text is None or text in choices:
        return None if text is None else choices[text]
    table.note(key, f"must be {words}, not {text!r}")
    return None


def rule_content(rule: CustomRule) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """What is written of a rule and of each of its terms: what has no default, and what differs from it."""
    own = _written(rule, _RULE_DEFAULTS)
    del own["term"]
    return own, tuple(_written(term, _TERM_DEFAULTS) for term in rule.terms)


def _written(value: CustomRule | RuleTerm, defaults: Mapping[str, Any]) -> dict[str, Any]:
    content = {name: getattr(value, name) for name, default in defaults.items() if getattr(value, name) != default}
    return {KEYS.get(name, name): _toml(name, item) for name, item in content.items()}


def _toml(name: str, item: Any) -> Any:
    if isinstance(item, Priority):
        return item.name.lower()
    if isinstance(item, Enum):
        return item.value
    if name == "needs_all":
        return "and" if item else "or"
    return list(item) if isinstance(item, tuple) else item
