"""A rule on the stored past of real databases before it is saved."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from pumpwatch_gui.commissioning.pumps.rule_trial import RuleTrial, trial_words, try_rule
from pumpwatch_gui.domain.alarms.rules import Comparison, CustomRule, Measure, RuleTerm
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query.history import History

START_NS = 1_750_000_000 * 10**9
SECONDS = 3600
PROFILE = load_profile("centrifugal")
TAG = "bearing_temperature_c"
LINK = ModbusTcpConfig("10.0.0.1")
SITE = Site(pumps=tuple(PumpSettings(i, i, PROFILE, "centrifugal", "none", (LINK,)) for i in ("P-1", "P-2", "P-3")))
HOT = CustomRule("hot", "Hot", (RuleTerm(TAG, Comparison.ABOVE, 75.0),), pump="P-1", on_delay_s=10.0, off_delay_s=0.0)


@pytest.fixture(name="history", scope="module")
def _history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """An hour of P-1 and P-2 in a database: P-1 is hot for five minutes, heats up 2 °C/min, then cools at once."""
    path = tmp_path_factory.mktemp("trial") / "pumpwatch.db"
    rows = [PumpRow(pump.pump_id, pump.name, PROFILE) for pump in SITE.pumps]
    store = Store(path, station=1, pumps=rows, on_trouble=lambda trouble: None)
    zero = np.zeros(len(PROFILE.tags), dtype=np.uint8)
    stop = threading.Event()
    writer = threading.Thread(target=store.run, args=(stop,))
    writer.start()
    for second in range(SECONDS):
        for pump_id in ("P-1", "P-2"):
            values = np.array([sum(s.normal or s.span) / 2 for s in PROFILE.sensors])
            if pump_id == "P-1":
                hot = min(max(second - 1200, 0) / 30, 20.0) * (second < 2100)
                values[PROFILE.index(TAG)] = 60.0 + round(hot, 1)  # as finely as the sensor says that it measures
            at_ns = START_NS + second * 10**9
            store.offer_frame(Frame(pump_id, second, at_ns, at_ns, values, zero, zero), "NORMAL")
    stop.set()
    writer.join()
    return History(path)


def tried(history: History, rule: CustomRule, **more: object) -> RuleTrial:
    end_ns = START_NS + SECONDS * 10**9
    return try_rule(history, rule, SITE, start_ns=START_NS, end_ns=end_ns, **more)  # type: ignore[arg-type]


def test_how_often_when_and_for_how_long(history: History) -> None:
    parts = list[float]()
    trial = tried(history, HOT, progress=parts.append)
    (episode,) = trial.pumps[0].episodes
    assert ((episode.start_ns - START_NS) / 1e9, (episode.end_ns - START_NS) / 1e9) == (1662.0, 2100.0)
    assert trial.warning == ""
    assert trial_words(trial).startswith("0 h 59 m judged: 1 alarm, 7:18 in alarm (2025-06-15 ")
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


@pytest.mark.parametrize(
    ("term", "count"),
    [
        (RuleTerm(TAG, Comparison.ABOVE, 1.5, measure=Measure.RATE, over_s=120.0), 1),
        (RuleTerm(TAG, Comparison.ABOVE, 2.5, measure=Measure.RATE, over_s=120.0), 0),
        (RuleTerm(TAG, Comparison.ABOVE, 10.0, measure=Measure.DEVIATION, from_pump="P-2"), 1),
        (RuleTerm(TAG, Comparison.ABOVE, 10.0, measure=Measure.DEVIATION, from_value=65.0), 1),
        (RuleTerm("bearing_rise_k", Comparison.ABOVE, 50.0), 1),
    ],
)
def test_rates_deviations_and_derived_quantities_are_tried(history: History, term: RuleTerm, count: int) -> None:
    assert tried(history, replace(HOT, terms=(term,))).count == count


def test_what_never_or_always_comes_is_warned_about(history: History) -> None:
    def warning(value: float) -> str:
        return tried(history, replace(HOT, terms=(RuleTerm(TAG, Comparison.ABOVE, value),))).warning

    assert warning(140.0) == "it would never have come"
    assert warning(50.0) == "it held for 100 % of the time: it would be a standing alarm"
    assert warning(75.0) == ""


def test_a_pump_without_readings_and_a_tag_that_is_not_there_say_so(history: History) -> None:
    trial = tried(history, replace(HOT, pump=""))
    assert [pump.judged is None for pump in trial.pumps] == [False, False, True]
    assert "3 pumps, 1 h 59 m judged: 1 alarm" in trial_words(trial)
    assert "Not judged: P-3: P-3 has no readings in that time" in trial_words(trial)
    gone = tried(history, replace(HOT, terms=(RuleTerm("gone", Comparison.ABOVE, 1.0),)))
    assert trial_words(gone) == "Not judged: P-1: P-1 has no tag gone."
    assert gone.warning == "it could not be judged at any time"
    counter = tried(history, replace(HOT, terms=(RuleTerm("run_hours", Comparison.ABOVE, 1.0),)))
    assert "counts on" in counter.pumps[0].why


def test_a_rule_for_no_pump_cannot_be_tried_and_a_trial_can_be_cancelled(history: History) -> None:
    with pytest.raises(InputError, match="for no pump"):
        tried(history, replace(HOT, pump="P-9"))

    class StopError(Exception):
        pass

    def stop(part: float) -> None:
        raise StopError

    with pytest.raises(StopError):
        tried(history, HOT, progress=stop)
