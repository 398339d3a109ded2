"""The cost table of maintenance: the shipped one is whole, a site's own rows go first, mistakes are named."""

from pathlib import Path

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.maintenance.costs import CostRow, CostTable
from pumpwatch_gui.domain.maintenance.event import EventSeverity
from pumpwatch_gui.settings.cost_file import FILE, read_costs
from pumpwatch_gui.settings.profile_file import load_profile

SHIPPED, _ = read_costs(None)


def row_for(table: CostTable, source: str, tag: str = "") -> CostRow:
    alarm = Alarm(
        f"P-1/{source}", "P-1", tag, Priority.HIGH, "", AlarmState.UNACKNOWLEDGED, 1.0, 1.0, "", 1, 1
    )  # fmt: skip
    row = table.row_for(alarm)
    assert row is not None, source
    return row


def test_the_shipped_table_has_the_original_s_bearing_and_a_row_for_every_alarm() -> None:
    bearing = row_for(SHIPPED, "bearing_temperature_c.high_high")
    assert (bearing.estimated_cost, bearing.critical_above) == (45_000.0, 85.0)
    assert SHIPPED.factors[EventSeverity.CRITICAL] == 1.5
    assert set(SHIPPED.factors) == set(EventSeverity)
    for tag in load_profile("centrifugal").tags:
        for level in ("low_low", "low", "high", "high_high"):
            assert row_for(SHIPPED, f"{tag}.{level}").estimated_cost > 0
        assert row_for(SHIPPED, "anomaly", tag).from_priority is Priority.LOW


def test_rows_of_the_site_go_first_and_a_mistake_costs_itself_only(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        'from_priority = "high"\n[factors]\nCRITICAL = 2\nHIGH = -1\nURGENT = 3\n'
        '[[cost]]\nalarm = "bearing_temperature_c.high*"\nestimated_cost = 900\n'
        '[[cost]]\nalarm = "vibration_mm_s.high*"\nestimated_cost = "much"\n'
        '[[cost]]\nalarm = "flow_rate_l_min.low*"\nestimated_cost = -3\ncritcal_above = 3\n'
        '[[cost]]\nalarm = "x"\nestimated_cost = 3\ncritical_above = 1\ncritical_below = 2\n',
        "utf-8",
    )
    table, problems = read_costs(tmp_path)
    own = row_for(table, "bearing_temperature_c.high")
    assert (own.estimated_cost, own.is_own) == (900.0, True)
    assert row_for(table, "vibration_mm_s.high") == row_for(SHIPPED, "vibration_mm_s.high")
    assert (table.factors[EventSeverity.CRITICAL], table.factors[EventSeverity.HIGH]) == (2.0, 1.0)
    assert table.from_priority is Priority.HIGH
    texts = [str(problem) for problem in problems]
    for words in (
        "maintenance.toml: factors.HIGH: must not be negative",
        "maintenance.toml: factors.URGENT: is not known",
        "maintenance.toml: cost[1].estimated_cost: must be a number, not 'much'",
        "maintenance.toml: cost[2].estimated_cost: must not be negative",
        "did you mean `critical_above`",
        "maintenance.toml: cost[3].critical_below: must be below critical_above (1)",
    ):
        assert any(words in text for text in texts), (words, texts)


def test_an_unknown_priority_names_those_there_are(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('from_priority = "urgent"\n', "utf-8")
    table, problems = read_costs(tmp_path)
    assert table == SHIPPED
    assert "must be one of high, medium, low, diagnostic, not 'urgent'" in str(problems[0])


def test_a_file_that_is_no_toml_is_named_and_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("[[cost]\n", "utf-8")
    table, problems = read_costs(tmp_path)
    assert table == SHIPPED
    assert FILE in str(problems[0])
    assert "until then the shipped rows count" in str(problems[0])
