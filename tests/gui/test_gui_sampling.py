"""When the window samples: when values come, again as they grow old, and never without a pause."""

import threading
import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from pumpwatch_gui.gui.shell import sampling
from pumpwatch_gui.gui.shell.sampling import BURST_S, LEAST_S, MOST_S, SHARE, Sampler, TimeShare
from tests.gui.fake_station import FakeStation


class Sampled:
    """A sampler on a fake station, and when it sampled; `takes_s` is how long a sample takes."""

    def __init__(self) -> None:
        self.station, self.owner = FakeStation(1, scenes={}, history_s=5), QObject()
        self.sampler, self.takes_s = Sampler(self.station, self.owner), 0.0
        self.at_s: list[float] = []
        self.sampler.due.connect(self._sample)
        self.sampler.start()

    def has_more_than(self, count: int) -> bool:
        """Whether it sampled more often."""
        return len(self.at_s) > count

    def _sample(self) -> None:
        self.at_s.append(time.monotonic())
        time.sleep(self.takes_s)


@pytest.fixture
def sampled(qtbot: QtBot) -> Iterator[Sampled]:
    made = Sampled()
    qtbot.waitUntil(lambda: len(made.at_s) == 1)
    yield made
    made.sampler.stop()


@pytest.fixture
def ageless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sampled because it grows old."""
    monkeypatch.setattr(sampling, "AGING_MS", 3_600_000)


@pytest.mark.usefixtures("ageless")
def test_values_that_come_on_another_thread_are_sampled(sampled: Sampled, qtbot: QtBot) -> None:
    thread = threading.Thread(target=sampled.station.step, args=(6.0,))
    thread.start()
    qtbot.waitUntil(lambda: len(sampled.at_s) == 2)
    thread.join()


@pytest.mark.usefixtures("ageless")
def test_all_that_comes_before_a_sample_is_in_one(sampled: Sampled, qtbot: QtBot) -> None:
    for i in range(50):
        sampled.station.step(6.0 + i)
    qtbot.waitUntil(lambda: len(sampled.at_s) == 2)
    sampled.station.step(60.0)
    qtbot.waitUntil(lambda: len(sampled.at_s) == 3)


def test_values_that_grow_old_are_sampled(sampled: Sampled, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: len(sampled.at_s) >= 4)


def test_between_many_samples_there_is_time_for_everything_else(sampled: Sampled, qtbot: QtBot) -> None:
    sampled.takes_s = 0.02
    for i in range(12):
        sampled.station.step(6.0 + i)
        qtbot.waitUntil(partial(sampled.has_more_than, i + 1))
    passed_s = sampled.at_s[-1] - sampled.at_s[1]
    assert passed_s >= SHARE * 11 * sampled.takes_s - BURST_S - 0.012  # Qt's timer fires up to a millisecond early


def test_what_comes_just_after_a_long_sample_does_not_wait_for_its_share() -> None:
    share = TimeShare()
    for began_s in (10.0, 10.1):
        share.begin(began_s)
        share.took(began_s + 0.02)
        assert share.free_s == pytest.approx(began_s + LEAST_S)


def test_samples_that_take_all_the_time_they_may_come_at_an_even_pace() -> None:
    share, now_s, began = TimeShare(), 10.0, []
    for _ in range(20):
        began.append(now_s)
        share.begin(now_s)
        share.took(now_s + 0.02)
        now_s = max(share.free_s, now_s + 0.02)
    gaps_s = [after - before for before, after in pairwise(began)]
    assert gaps_s[-10:] == pytest.approx([SHARE * 0.02] * 10)


def test_a_sample_that_takes_for_ever_is_followed_by_the_next_within_bounds() -> None:
    share = TimeShare()
    for began_s in (10.0, 15.0):
        share.begin(began_s)
        share.took(began_s + 5.0)
        assert share.free_s == pytest.approx(began_s + MOST_S)


def test_a_sampler_that_was_stopped_hears_no_more(sampled: Sampled, qtbot: QtBot) -> None:
    sampled.sampler.stop()
    assert not sampled.sampler.is_on
    assert sampled.station.watchers == []
    before = len(sampled.at_s)
    sampled.sampler.wake()
    qtbot.wait(1)
    assert len(sampled.at_s) == before
