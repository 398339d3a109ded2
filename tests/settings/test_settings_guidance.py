"""Guidance for alarms: every alarm there is has some, a site's own rows go first, mistakes are named."""

from itertools import chain
from pathlib import Path

import pytest

from pumpwatch_gui.domain.alarms.guidance import guidance_for
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.settings.guidance_file import FILE, read_guidance
from pumpwatch_gui.settings.profile_file import load_profile

PROFILES = sorted(path.stem for path in (shipped("resources") / "profiles").glob("*.toml"))
SHIPPED, _ = read_guidance(None)
OF_STATION = ("store", "disk.low", "disk.full", "loop.judge", "connection.10.0.0.7:502", "judging", "link.1", "anomaly")


def test_every_default_alarm_has_guidance_with_all_its_parts() -> None:
    tags = sorted(set(chain.from_iterable(load_profile(name).tags for name in PROFILES)))
    levels = ("low_low", "low", "high", "high_high", "no_value")
    for source in (*OF_STATION, *(f"{tag}.{level}" for tag in tags for level in levels)):
        row = guidance_for(source, SHIPPED)
        assert row is not None, source
        assert row.cause, source
        assert row.consequence, source
        assert row.action, source
        assert row.respond_min > 0, source


@pytest.mark.parametrize(
    ("source", "alarm"),
    [
        ("bearing_temperature_c.high", "bearing_temperature_c.high"),
        ("bearing_temperature_c.low", "*.low"),
        ("flow_rate_l_min.low_low", "flow_rate_l_min.low*"),
        ("oil_pressure_bar.high", "*.high"),
        ("oil_pressure_bar.no_value", "*.no_value"),
        ("hum.no_value", "*.no_value"),
    ],
)
def test_the_most_exact_row_counts(source: str, alarm: str) -> None:
    row = guidance_for(source, SHIPPED)
    assert row is not None
    assert row.alarm == alarm


def test_rows_of_the_site_go_first_and_a_wrong_one_costs_itself_only(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        '[[guidance]]\nalarm = "vibration_mm_s.high"\ncause = "The old base plate."\naction = ["Call Ravi."]\n'
        'respond_min = 20\n\n[[guidance]]\nalarm = "link.*"\nrespond_min = "soon"\n\n[[guidance]]\nalarm = "store"\n'
        'respond_min = 0\nactoin = ["x"]\n',
        "utf-8",
    )
    rows, problems = read_guidance(tmp_path)
    own = guidance_for("vibration_mm_s.high", rows)
    assert own is not None
    assert (own.cause, own.action, own.respond_min) == ("The old base plate.", ("Call Ravi.",), 20.0)
    link = guidance_for("link.1", rows)
    assert link is not None
    assert link.cause, "the shipped row counts instead of the wrong one"
    texts = [str(problem) for problem in problems]
    assert any("guidance[1].respond_min" in text for text in texts), texts
    assert any("above 0" in text for text in texts), texts
    assert any("did you mean `action`" in text for text in texts), texts


def test_a_file_that_is_no_toml_is_named_and_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("[[guidance]\n", "utf-8")
    rows, problems = read_guidance(tmp_path)
    assert rows == SHIPPED
    assert FILE in str(problems[0])
