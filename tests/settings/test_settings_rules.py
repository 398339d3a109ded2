"""Rules in the site file: read with the path of each mistake, written back with their comments."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.cli import main
from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.alarms.rules import Comparison, CustomRule, Measure, RuleTerm
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.settings.site_file import SiteFile
from pumpwatch_gui.settings.site_reader import cautions, load_site, parse_site

PUMP = """
schema = 1
[[pump]]
id = "P-101"
profile = "centrifugal"
model = "none"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.1"
[[pump]]
id = "P-102"
profile = "centrifugal"
model = "none"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.2"
"""
RULE = """
# why: the bearing of 2024
[[rule]]
id = "hot"
text = "Bearing <b>hot</b> & shaky"
pump = "P-101"
join = "or"
on_delay_s = 30
priority = "high"
only_running = true
cause = "wear"
action = ["look", "stop"]
respond_min = 5
  # from the maker
  [[rule.term]]
  tag = "bearing_temperature_c"
  comparison = ">"
  value = 75
  deadband = 1.0 # half of the noise
  [[rule.term]]
  tag = "bearing_temperature_c"
  measure = "deviation"
  from_pump = "P-102"
  comparison = "outside"
  value = -5.0
  to = 5.0
  [[rule.term]]
  tag = "vibration_mm_s"
  measure = "rate"
  over_s = 600
  comparison = ">="
  value = 0.1
"""


def problems(text: str) -> list[str]:
    return [str(problem) for problem in parse_site(PUMP + text, None)[1]]


def test_a_rule_is_read_as_it_is_written() -> None:
    site, wrong = parse_site(PUMP + RULE, None)
    assert wrong == []
    assert site.rules == (
        CustomRule(
            "hot",
            "Bearing <b>hot</b> & shaky",
            (
                RuleTerm("bearing_temperature_c", Comparison.ABOVE, 75.0, deadband=1.0),
                RuleTerm(
                    "bearing_temperature_c", Comparison.OUTSIDE, -5.0, 5.0,
                    measure=Measure.DEVIATION, from_pump="P-102",
                ),
                RuleTerm("vibration_mm_s", Comparison.AT_LEAST, 0.1, measure=Measure.RATE, over_s=600.0),
            ),
            pump="P-101",
            needs_all=False,
            on_delay_s=30.0,
            priority=Priority.HIGH,
            only_running=True,
            cause="wear",
            action=("look", "stop"),
            respond_min=5.0,
        ),
    )  # fmt: skip
    assert cautions(site) == []


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ('id = "hot"', 'id = "so hot"', "rule[0].id", "1 to 40 letters"),
        ('id = "hot"', "", "rule[0].id", "is missing"),
        ('"Bearing <b>hot</b> & shaky"', '"two\\nlines"', "rule[0].text", "one line"),
        ('join = "or"', 'join = "xor"', "rule[0].join", "one of"),
        ('priority = "high"', 'priority = "top"', "rule[0].priority", "one of"),
        ("on_delay_s = 30", "on_delay_s = -1", "rule[0].on_delay_s", "0 to"),
        ("only_running = true", "only_runing = true", "rule[0].only_runing", "did you mean"),
        ('action = ["look", "stop"]', "action = [1]", "rule[0].action", "list of texts"),
        ("value = 75", 'value = "75"', "rule[0].term[0].value", "a number"),
        ("value = 75", "value = inf", "rule[0].term[0].value", "finite"),
        ('comparison = ">"\n', 'comparison = "=>"\n', "rule[0].term[0].comparison", "one of"),
        ("to = 5.0", "", "rule[0].term[1].to", "the band must rise"),
        ("to = 5.0", "to = 5.0\n  deadband = 6.0", "rule[0].term[1].deadband", "wider than its band"),
        ('from_pump = "P-102"', 'from_pump = "P-101"', "rule[0].term[1].from_pump", "itself"),
        ("over_s = 600", "over_s = 1", "rule[0].term[2].over_s", "must be 10"),
        ('measure = "rate"', "", "rule[0].term[2].over_s", "only a rate"),
        ("only_running = true", "enabled = 1", "rule[0].enabled", "true or false"),
    ],
)
def test_each_mistake_has_its_path(old: str, new: str, path: str, words: str) -> None:
    assert old in RULE
    (found,) = problems(RULE.replace(old, new))
    assert found.startswith(f"{path}: ")
    assert words in found


def test_nine_terms_contradictions_and_two_of_one_id_are_mistakes() -> None:
    term = '[[rule.term]]\ntag = "motor_rpm"\ncomparison = ">"\nvalue = 1.0\n'
    head = '[[rule]]\nid = "n"\ntext = "x"\n'
    assert problems(head + term * 8) == []
    assert "at most 8 terms, not 9 (make two rules of it)" in problems(head + term * 9)[0]
    below = term.replace(">", "<")
    assert problems(head + term + below)[0].startswith("rule[0].term: motor_rpm > 1, < 1 can never hold together")
    assert problems(head + term + head.replace('"n"', '"N"') + term)[0].startswith("rule[1].id: N is there twice")
    assert problems(head)[0].startswith("rule[0].term: is missing")


def test_a_mistake_in_one_rule_costs_neither_the_pumps_nor_the_others() -> None:
    site, wrong = parse_site(PUMP + RULE + RULE.replace('"hot"', '"other"').replace('"or"', "1"), None)
    assert len(wrong) == 1
    assert ([r.rule_id for r in site.rules], len(site.pumps)) == (["hot"], 2)


def test_check_names_the_mistakes_of_rules_and_what_cannot_be_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(PUMP + RULE.replace("value = 75", "value = 'x'"), "utf-8")
    assert main(["check", "--site", str(path)]) == 2
    assert "rule[0].term[0].value: must be a number" in capsys.readouterr().err
    path.write_text(PUMP + RULE.replace('"vibration_mm_s"', '"gone"').replace("value = 75", "value = 999"), "utf-8")
    assert main(["check", "--site", str(path)]) == 0
    err = capsys.readouterr().err
    assert "caution: rule hot: cannot be judged: P-101 has no tag gone" in err


def test_a_value_no_sensor_reaches_is_a_caution() -> None:
    site, _ = parse_site(PUMP + RULE.replace("value = 75", "value = 999"), None)
    assert [c.message for c in cautions(site)] == [
        "Bearing temperature > 999 °C can never hold: its span is -20 to 150"
    ]


def saved(tmp_path: Path, text: str = PUMP + RULE) -> SiteFile:
    path = tmp_path / "site.toml"
    path.write_text(text, "utf-8")
    return SiteFile(path)


def test_a_changed_rule_keeps_its_comments(tmp_path: Path) -> None:
    file = saved(tmp_path)
    (rule,) = file.loaded().site.rules
    first = replace(rule.terms[0], value=77.0)
    file.set_rule(replace(rule, terms=(first, *rule.terms[1:]), only_running=False), is_new=False)
    file.save()
    text = file.path.read_text("utf-8")
    for words in ("# why: the bearing of 2024", "# from the maker", "# half of the noise", "value = 77.0"):
        assert words in text
    assert "only_running" not in text
    assert load_site(file.path).site.rules[0].terms[0] == first


def test_rules_are_added_and_removed_and_the_pumps_stay(tmp_path: Path) -> None:
    file = saved(tmp_path, PUMP)
    made = CustomRule("a", "A", (RuleTerm("motor_rpm", Comparison.BELOW, 100.0),))
    file.set_rule(made, is_new=True)
    file.set_rule(replace(made, rule_id="b"), is_new=True)
    with pytest.raises(InputError, match="there is a rule a already"):
        file.set_rule(made, is_new=True)
    with pytest.raises(InputError, match="there is no rule c"):
        file.set_rule(replace(made, rule_id="c"), is_new=False)
    file.remove_rule("a")
    with pytest.raises(InputError, match="there is no rule a"):
        file.remove_rule("a")
    file.save()
    site = load_site(file.path).site
    assert ([r.rule_id for r in site.rules], len(site.pumps)) == (["b"], 2)
    file.remove_rule("b")
    file.save()
    assert load_site(file.path).site.rules == ()


def test_a_rename_of_a_pump_is_followed_by_every_rule_that_names_it(tmp_path: Path) -> None:
    file = saved(tmp_path)
    file.rename_pump("P-102", "P-202")
    file.rename_pump("P-101", "P-201")
    file.save()
    (rule,) = load_site(file.path).site.rules
    assert (rule.pump, rule.terms[1].from_pump) == ("P-201", "P-202")


TERM = st.builds(
    RuleTerm, st.sampled_from(["motor_rpm", "flow_rate_l_min"]), st.sampled_from([Comparison.ABOVE, Comparison.BELOW]),
    st.floats(-1e6, 1e6), deadband=st.floats(0, 100),
)  # fmt: skip
PRINTABLE = st.text(st.characters(min_codepoint=32, blacklist_categories=("C", "Z")), min_size=1, max_size=60)


@given(st.lists(TERM, min_size=1, max_size=1), PRINTABLE, st.lists(PRINTABLE, max_size=3), st.sampled_from(Priority),
       st.floats(0, 86400), st.booleans(), st.booleans())  # fmt: skip
def test_what_is_written_is_read_back_the_same(
    terms: list[RuleTerm], text: str, action: list[str], priority: Priority, delay: float, one: bool, other: bool
) -> None:
    rule = CustomRule(
        "r", text, tuple(terms), needs_all=one, on_delay_s=delay, priority=priority, action=tuple(action),
        cause=text, is_enabled=other, only_running=one,
    )  # fmt: skip
    file = SiteFile(Path("/nonexistent/site.toml"))
    file.set_rule(rule, is_new=True)
    file.set_rule(replace(rule, off_delay_s=7.0), is_new=False)
    site, wrong = parse_site(file.text, None)
    assert wrong == []
    assert site.rules == (replace(rule, off_delay_s=7.0),)
