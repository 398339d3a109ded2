"""The line at the foot says how the sync goes, and nothing of it where nothing is sent."""

import pytest

from pumpwatch_gui.domain.sync import SyncState, SyncView
from pumpwatch_gui.gui.shell.footer import stats_words
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation


@pytest.mark.parametrize(
    ("view", "words", "is_trouble"),
    [
        (SyncView(SyncState.UP_TO_DATE, sent=9), "sync up to date", False),
        (SyncView(SyncState.SENDING, backlog=45_210), "sync sending · 45,210 rows wait", False),
        (
            SyncView(SyncState.TROUBLE, backlog=3, quarantined=2, error="the server cannot be reached"),
            "sync trouble: the server cannot be reached · 3 rows wait · 2 in quarantine",
            True,
        ),
        (SyncView(SyncState.PAUSED, backlog=3, error="old"), "sync paused · 3 rows wait", False),
    ],
)
def test_the_foot_line_says_how_the_sync_goes(
    open_window: OpenWindow, view: SyncView, words: str, is_trouble: bool
) -> None:
    station = FakeStation(3, scenes={}, history_s=5)
    window = open_window(source=station)
    assert "sync" not in window.footer.accessibleDescription()
    station.sync = view
    window.refresh()
    assert stats_words(station.latest())[-1] == (words, is_trouble)
    assert words in window.footer.accessibleDescription()
