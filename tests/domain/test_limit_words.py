"""How a change of limits reads in journal, hand-over and audit."""

from dataclasses import replace

from pumpwatch_gui.domain.pump.limit_words import limit_change
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.settings.profile_file import load_profile

PROFILE = load_profile("centrifugal")
VIBRATION = replace(PROFILE.sensors[PROFILE.index("vibration_mm_s")], limits=Limits(high=5.1, high_high=8.5))


def test_only_what_has_changed_is_said_with_what_it_was_and_its_unit() -> None:
    now = Limits(high=8.0, high_high=8.5, low=0.25, on_delay_s=10.0, deadband=0.1, latching=True)
    assert limit_change(VIBRATION, now) == (
        "Vibration: low none → 0.25 mm/s, high 5.1 → 8 mm/s, deadband 0 → 0.1 mm/s, on-delay 5 → 10 s, "
        "latching off → on"
    )


def test_a_limit_that_is_taken_away_and_one_that_stays_are_said() -> None:
    assert limit_change(VIBRATION, Limits(high_high=8.5)) == "Vibration: high 5.1 mm/s → none"
    assert limit_change(VIBRATION, VIBRATION.limits) == "Vibration: limits as they were"
