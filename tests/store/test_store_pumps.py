"""A pump that is renamed keeps its history; what is written under a number is never mixed with another machine's."""

from collections.abc import Callable, Mapping

import pytest

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.events import FeedbackGiven
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.store.hot.writer import PumpRow
from tests.store.conftest import START_NS, Running, frame_of, profile_of

Open = Callable[..., Running]
END_NS = START_NS + 10**12


def rows(*pump_ids: str, tags: tuple[str, ...] = ("motor_rpm",)) -> list[PumpRow]:
    return [PumpRow(pump_id, f"Pump {pump_id}", profile_of(*tags)) for pump_id in pump_ids]


def offer(store: Running, second: float, **values: float) -> None:
    for pump_id, value in values.items():
        store.store.offer_frame(frame_of([value], at_s=second, pump_id=pump_id), "NORMAL")


def history(store: Running, pump_id: str) -> list[float]:
    mean: list[float] = store.history.readings(pump_id, "motor_rpm", start_ns=START_NS, end_ns=END_NS).mean.tolist()
    return mean


def numbers(store: Running) -> dict[str, int]:
    return dict(store.rows("SELECT pump_id, pump_number FROM pumps"))


def test_a_renamed_pump_keeps_its_number_and_its_readings(open_store: Open) -> None:
    store = open_store("motor_rpm", pumps=("A", "B"))
    said = EpisodeFeedback("A", START_NS, START_NS + 1, FeedbackVerdict.TRUE, "seal", "asha")
    offer(store, 0, A=1.0, B=10.0)
    store.store.offer_event(FeedbackGiven(START_NS, said))
    store.store.set_pumps(rows("A2", "B"), {"A": "A2"})
    offer(store, 1, A2=2.0, B=20.0)
    offer(store, 2, A=3.0)  # a scan under the old name that was still under way
    store.end()
    assert history(store, "A2") == [1.0, 2.0, 3.0]
    assert history(store, "B") == [10.0, 20.0]
    assert numbers(store) == {"A2": 1, "B": 2}
    assert [f.note for f in store.history.feedback("A2")] == ["seal"]
    assert store.store.view().lost == 0


@pytest.mark.parametrize(
    ("renamed", "expected"),
    [
        ({"A": "B", "B": "A"}, {"B": [1.0, 4.0], "A": [2.0, 5.0], "C": [3.0, 6.0]}),
        ({"A": "B", "B": "C", "C": "A"}, {"B": [1.0, 4.0], "C": [2.0, 5.0], "A": [3.0, 6.0]}),
        ({"A": "B", "B": "D"}, {"B": [1.0, 4.0], "D": [2.0, 5.0], "C": [3.0, 6.0]}),
    ],
)
def test_pumps_that_swap_their_ids_keep_their_own_readings(
    open_store: Open, renamed: Mapping[str, str], expected: Mapping[str, list[float]]
) -> None:
    store = open_store("motor_rpm", pumps=("A", "B", "C"))
    offer(store, 0, A=1.0, B=2.0, C=3.0)
    new = {old: renamed.get(old, old) for old in "ABC"}
    store.store.set_pumps(rows(*new.values()), renamed)
    offer(store, 1, **{new["A"]: 4.0, new["B"]: 5.0, new["C"]: 6.0})
    store.end()
    assert {pump_id: history(store, pump_id) for pump_id in expected} == expected


def test_the_history_of_an_earlier_pump_of_that_id_is_not_mixed_in_and_not_lost(open_store: Open) -> None:
    store = open_store("motor_rpm", pumps=("A", "B"))
    offer(store, 0, A=1.0, B=2.0)
    store.store.set_pumps(rows("A"))  # B is taken out
    store.store.set_pumps(rows("B"), {"A": "B"})  # and A gets its name
    offer(store, 1, B=3.0)
    store.end()
    assert history(store, "B") == [1.0, 3.0]
    assert numbers(store) == {"B": 1, "B=2": 2}
    assert history(store, "B=2") == [2.0]


def test_a_rename_of_a_pump_that_was_never_stored_is_a_new_pump(open_store: Open) -> None:
    store = open_store("motor_rpm", pumps=("A",))
    store.store.set_pumps(rows("A", "C"), {"B": "C"})
    offer(store, 0, C=1.0)
    store.end()
    assert numbers(store) == {"A": 1, "C": 2}
    assert history(store, "C") == [1.0]


def test_a_rename_may_come_with_another_profile(open_store: Open) -> None:
    store = open_store("motor_rpm", pumps=("A",))
    offer(store, 0, A=1.0)
    store.store.set_pumps([PumpRow("B", "", profile_of("seal_temp_c", "motor_rpm"))], {"A": "B"})
    store.store.offer_frame(frame_of([70.0, 2.0], at_s=1, pump_id="B"), "NORMAL")
    store.end()
    assert history(store, "B") == [1.0, 2.0]
    assert store.rows("SELECT count(*) FROM layouts WHERE pump_number = 1") == [(2,)]


def test_two_pumps_of_one_id_are_refused(open_store: Open) -> None:
    store = open_store("motor_rpm", pumps=("A",))
    with pytest.raises(StoreError, match="two pumps are called B"):
        store.store.set_pumps(rows("B", "B"))


def test_the_site_is_kept_as_it_was_judged_last(open_store: Open) -> None:
    store = open_store("motor_rpm", pumps=("A", "B", "GONE"))
    assert [pump.pump_id for pump in store.history.recorded_site().pumps] == ["A", "B", "GONE"]
    assert store.history.recorded_site().noted_ns == 0
    pumps = tuple(
        PumpSettings(row.pump_id, row.name, row.profile, "test", "none", (), area=area, duty="feed")
        for row, area in zip(rows("B", "A"), ("south", "north"), strict=True)
    )
    store.store.set_pumps(rows("B", "A"), site=Site("Works", currency="EUR", pumps=pumps))
    store.end()
    kept = store.history.recorded_site()
    assert (kept.name, kept.currency, kept.noted_ns > 0) == ("Works", "EUR", True)
    assert [(pump.pump_id, pump.area, pump.duty) for pump in kept.pumps] == [
        ("B", "south", "feed"),
        ("A", "north", "feed"),
    ]
