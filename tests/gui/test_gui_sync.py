"""The line at the foot says how the sync goes, and nothing of it where nothing is sent."""

from dataclasses import replace

import pytest

from pumpwatch_gui.domain.commands import PauseSync, ResendSpan, ResumeSync
from pumpwatch_gui.domain.sync import SyncSettings, SyncState, SyncView
from pumpwatch_gui.gui.shell.footer import stats_words
from pumpwatch_gui.gui.sync.dialog import OFF, SyncDialog
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of


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


def opened(open_window: OpenWindow, view: SyncView | None) -> tuple[FakeStation, SyncDialog]:
    station = FakeStation(3, scenes={}, history_s=5)
    station.sync = view
    settings = SyncSettings("https://abc.supabase.co", "station7@example.org")
    station._site = replace(station._site, sync=settings if view else None)
    return station, dialog_of(open_window(source=station), SyncDialog, "sync")


def test_the_dialog_shows_what_goes_where_and_how_it_goes(open_window: OpenWindow) -> None:
    _, dialog = opened(open_window, SyncView(SyncState.TROUBLE, 45_210, 95.0, 1_234_567, 2, "the server is gone"))
    shown = {name: value.text() for name, value in dialog.figures.items()}
    assert (dialog.state.text(), dialog.error.text()) == ("Trouble", "the server is gone")
    assert shown == {
        "Server": "https://abc.supabase.co",
        "Account": "station7@example.org",
        "Sends": "alarms, maintenance, audit log, detections, one-minute values",
        "Waiting": "45,210 rows",
        "Behind by": "1:35",
        "Sent since the start": "1,234,567 rows",
        "In quarantine": "2 rows: Help (F1) says why",
    }


def test_pause_resume_and_send_again_are_orders(open_window: OpenWindow) -> None:
    station, dialog = opened(open_window, SyncView(SyncState.UP_TO_DATE))
    dialog.pause.click()
    assert (dialog.pause.text(), dialog.trouble.text()) == ("Resume", "Sync paused")
    dialog.pause.click()
    assert dialog.pause.text() == "Pause"
    dialog.start.setText("2026-01-10")
    dialog.end.setText("2026-01-11 12:00")
    dialog.again.click()
    pause, resume, again = station.commands
    assert (pause, resume) == (PauseSync(), ResumeSync())
    assert isinstance(again, ResendSpan)
    assert again.end_ns - again.start_ns == 36 * 3_600 * 10**9
    dialog.start.setText("yesterday")
    dialog.again.click()
    assert len(station.commands) == 3
    assert "is not a time" in dialog.trouble.text()


def test_where_nothing_is_sent_the_dialog_says_how_it_would_be(open_window: OpenWindow) -> None:
    _, dialog = opened(open_window, None)
    assert dialog.state.text() == OFF
    assert {part.isEnabled() for part in (dialog.pause, dialog.again)} == {False}
    assert dialog.figures["Server"].text() == "–"
