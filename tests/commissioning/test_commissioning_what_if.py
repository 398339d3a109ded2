"""What other limits would have done to the stored past of a pump, from a real database."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.commissioning.pumps.what_if import DAY_NS, stretches, what_if
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.judge.sources.limit_replay import PastEpisode
from pumpwatch_gui.settings.profile_file import load_profile

START_NS = 1_750_000_000 * 10**9
TAG = "bearing_temperature_c"


class Recorded:
    """A history of one recording."""

    def __init__(self, profile: PumpProfile, values: np.ndarray) -> None:
        self.profile, self.values = profile, values

    def recording(self, _pump_id: str, _profile: PumpProfile, *, start_ns: int, end_ns: int) -> Recording:
        time_ns = START_NS + np.arange(len(self.values), dtype=np.int64) * 10**9
        inside = (time_ns >= start_ns) & (time_ns < end_ns)
        if not inside.any():
            raise InputError("nothing", "")
        return Recording(Path("db"), time_ns[inside] / 1e9, self.values[inside])


@pytest.fixture(name="profile")
def _profile() -> PumpProfile:
    profile = load_profile("centrifugal")
    own = Limits(high=78.0, deadband=1.0, on_delay_s=5.0)
    return replace(
        profile, sensors=tuple(replace(s, limits=own if s.tag == TAG else Limits()) for s in profile.sensors)
    )


def history(profile: PumpProfile, seconds: int, change: Callable[[np.ndarray], None]) -> Recorded:
    values = np.tile([sum(s.normal or s.span) / 2 for s in profile.sensors], (seconds, 1))
    change(values[:, profile.tags.index(TAG)])
    return Recorded(profile, values)


def test_alarms_gained_and_lost_are_counted_and_timed(profile: PumpProfile) -> None:
    def hot(column: np.ndarray) -> None:
        column[1000:1100] = 76.0  # under the present limit
        column[90_000:90_200] = 82.0  # on the second day

    parts = list[float]()
    found = what_if(
        history(profile, 100_000, hot), "P", profile, TAG, Limits(high=75.0, on_delay_s=5.0),  # type: ignore[arg-type]
        start_ns=START_NS, end_ns=START_NS + 3 * DAY_NS, progress=parts.append,
    )  # fmt: skip
    assert [(e.start_ns - START_NS) / 1e9 for e in found.present.episodes] == [90_005]
    assert [(e.start_ns - START_NS) / 1e9 for e in found.proposed.episodes] == [1_005, 90_005]
    assert found.present.active_s == 200.0
    assert found.proposed.active_s == 100.0 + 200.0
    assert [(e.start_ns - START_NS) / 1e9 for e in found.gained] == [1_005]
    assert found.lost == ()
    assert found.hours == pytest.approx(100_000 / 3600, abs=0.1)
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


def test_a_longer_delay_loses_a_short_alarm(profile: PumpProfile) -> None:
    def hot(column: np.ndarray) -> None:
        column[500:530] = 80.0

    found = what_if(
        history(profile, 2000, hot), "P", profile, TAG, Limits(high=78.0, on_delay_s=60.0),  # type: ignore[arg-type]
        start_ns=START_NS, end_ns=START_NS + DAY_NS,
    )  # fmt: skip
    assert found.proposed.episodes == ()
    assert len(found.lost) == 1


def test_a_derived_quantity_is_judged_as_it_would_have_been_live(profile: PumpProfile) -> None:
    tag = next(t for t in profile.quantity_tags if t not in profile.tags)
    found = what_if(
        history(profile, 500, lambda column: None), "P", profile, tag, Limits(high=-1e9), # type: ignore[arg-type]
        start_ns=START_NS, end_ns=START_NS + DAY_NS,
    )  # fmt: skip
    assert len(found.gained) == 1


@pytest.mark.parametrize(("tag", "words"), [("no_such", "no quantity"), ("run_hours", "counts on")])
def test_what_cannot_be_judged_says_why(profile: PumpProfile, tag: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        what_if(
            history(profile, 100, lambda column: None), "P", profile, tag, Limits(),  # type: ignore[arg-type]
            start_ns=START_NS, end_ns=START_NS + DAY_NS,
        )  # fmt: skip


def test_a_span_without_readings_says_so(profile: PumpProfile) -> None:
    with pytest.raises(InputError, match="no readings"):
        what_if(
            history(profile, 100, lambda column: None), "P", profile, TAG, Limits(),  # type: ignore[arg-type]
            start_ns=START_NS + DAY_NS, end_ns=START_NS + 2 * DAY_NS,
        )  # fmt: skip


def test_alarms_that_overlap_are_one_stretch() -> None:
    episodes = [PastEpisode("high", 10, 30), PastEpisode("high_high", 20, 25), PastEpisode("low", 40, 50)]
    assert list(stretches(episodes)) == [(10, 30), (40, 50)]
