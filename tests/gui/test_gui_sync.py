"""The line at the foot says how the sync goes, and nothing of it where nothing is sent."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton

from pumpwatch_gui.domain.commands import ChangeSite, DiscardRefused, PauseSync, ResendRefused, ResendSpan, ResumeSync
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.site_changes import SetSync
from pumpwatch_gui.domain.sync import (
    USUAL_STREAMS,
    QuarantinedRow,
    SyncCheck,
    SyncSettings,
    SyncState,
    SyncStream,
    SyncView,
)
from pumpwatch_gui.gui.shell.footer import stats_words
from pumpwatch_gui.gui.sync import dialog as dialog_module
from pumpwatch_gui.gui.sync import setup_dialog
from pumpwatch_gui.gui.sync.dialog import OFF, SyncDialog
from pumpwatch_gui.gui.sync.quarantine_dialog import QuarantineDialog
from pumpwatch_gui.gui.sync.setup_dialog import KEPT, NEW, SyncSetupDialog
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
        "In quarantine": "2 rows",
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


# ---------------------------------------------------------------- rows in quarantine


def refused(number: int, stream: SyncStream = SyncStream.AUDIT) -> QuarantinedRow:
    content = json.dumps({"station_id": 7, "id": number, "text": f"note {number}"})
    return QuarantinedRow(stream, f"7/{number}", 1_768_472_640 * 10**9 + number * 10**9, "a text is too long", content)


def quarantine(open_window: OpenWindow, count: int, *, is_on: bool = True) -> tuple[FakeStation, QuarantineDialog]:
    station = FakeStation(3, scenes={}, history_s=5)
    station.sync = SyncView(SyncState.UP_TO_DATE, quarantined=count) if is_on else None
    station.history.refused = [refused(i) for i in range(count)]
    return station, dialog_of(open_window(source=station), QuarantineDialog, "quarantine")


def answer(words: str) -> None:
    """Press a button of the question that is asked."""
    box = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible())
    next(one for one in box.findChildren(QPushButton) if one.text() == words).click()
    QApplication.processEvents()


def test_refused_rows_are_shown_whole_and_copied_with_all_columns(open_window: OpenWindow) -> None:
    _, dialog = quarantine(open_window, 3)
    assert dialog.count.text() == "3 rows in quarantine"
    assert [row.row_key for row in dialog.rows.rows] == ["7/2", "7/1", "7/0"]
    dialog.view.selectRow(1)
    assert dialog.content.toPlainText() == 'a text is too long\n\nstation_id = 7\nid = 1\ntext = "note 1"'
    menu = dialog.view.row_menu()
    next(action for action in menu.actions() if action.text() == "Copy").trigger()
    titles, cells = QApplication.clipboard().text().splitlines()
    assert titles.split("\t") == ["Refused at", "Stream", "Key", "Reason", "Row as it was sent"]
    assert cells.split("\t")[1:] == [
        "audit log",
        "7/1",
        "a text is too long",
        'station_id = 7, id = 1, text = "note 1"',
    ]
    menu.deleteLater()


def test_chosen_rows_or_all_are_sent_again_by_an_order(open_window: OpenWindow) -> None:
    station, dialog = quarantine(open_window, 3)
    dialog.view.selectRow(0)
    assert (dialog.again.text(), dialog.discard.text()) == ("Send 1 again", "Discard 1…")
    dialog.again.click()
    assert station.commands[-1] == ResendRefused(((SyncStream.AUDIT, "7/2"),))
    assert dialog.trouble.text() == "1 refused row (audit log 7/2) sent again"
    dialog.read()
    assert [row.row_key for row in dialog.rows.rows] == ["7/1", "7/0"]
    assert dialog.again.text() == "Send all again"
    dialog.again.click()
    assert station.commands[-1] == ResendRefused(((SyncStream.AUDIT, "7/1"), (SyncStream.AUDIT, "7/0")))
    dialog.read()
    assert dialog.count.text() == "Nothing is in quarantine"
    assert not dialog.again.isEnabled()
    assert not dialog.discard.isEnabled()


def test_rows_are_discarded_only_after_a_question(open_window: OpenWindow) -> None:
    station, dialog = quarantine(open_window, 2, is_on=False)
    assert not dialog.again.isEnabled()  # nothing is sent
    dialog.discard.click()
    answer("Keep")
    assert station.commands == []
    dialog.discard.click()
    answer("Discard")
    assert station.commands == [DiscardRefused(((SyncStream.AUDIT, "7/1"), (SyncStream.AUDIT, "7/0")))]
    dialog.read()
    assert dialog.rows.rows == []


def test_the_sync_dialog_leads_to_the_quarantine(open_window: OpenWindow) -> None:
    station, dialog = opened(open_window, SyncView(SyncState.UP_TO_DATE, quarantined=1))
    station.history.refused = [refused(4)]
    dialog.refused.click()
    QApplication.processEvents()
    assert dialog.findChildren(QuarantineDialog)[-1].count.text() == "1 row in quarantine"


# ---------------------------------------------------------------- setting up

CHECKS = [SyncCheck("Server", True, "it answers"), SyncCheck("Account", False, "not let in", "check the password"),
          SyncCheck("Clock", None, "not tried")]  # fmt: skip


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is kept of secrets, in place of the key store of this machine."""
    made: list[tuple[str, str]] = []

    def keep(home: object, key: str, password: str) -> str:
        if key.startswith("sb_secret"):
            raise InputError("the sync key is a secret key")
        if key or password:
            made.append((key, password))
        return "kept"

    monkeypatch.setattr(setup_dialog, "keep_typed", keep)
    monkeypatch.setattr(setup_dialog, "kept_secrets", lambda home: (bool(made), bool(made)))
    return made


Setup = Callable[[SyncSettings | None], tuple[FakeStation, SyncSetupDialog]]


@pytest.fixture
def set_up(open_window: OpenWindow, kept: list[tuple[str, str]]) -> Setup:
    def open_one(settings: SyncSettings | None) -> tuple[FakeStation, SyncSetupDialog]:
        station = FakeStation(3, scenes={}, history_s=5)
        station._site = replace(station._site, sync=settings)
        return station, dialog_of(open_window(source=station), SyncSetupDialog, "sync-setup")

    return open_one


def fill(dialog: SyncSetupDialog, **texts: str) -> None:
    for key, text in texts.items():
        dialog.fields[key].setText(text)


def test_what_was_typed_is_saved_by_an_order_and_its_secrets_apart(set_up: Setup, kept: list[tuple[str, str]]) -> None:
    station, dialog = set_up(None)
    assert dialog.fields["password"].placeholderText() == NEW
    assert dialog.off.isHidden()
    assert {stream for stream, box in dialog.streams.items() if box.isChecked()} == USUAL_STREAMS
    fill(dialog, url="http://example.org", account="")
    dialog.save_button.click()
    assert "url is not encrypted" in dialog.trouble.text()
    assert "account must not be empty" in dialog.trouble.text()
    fill(dialog, url=" https://abc.supabase.co/ ", account="station7@example.org")
    dialog.save_button.click()
    assert "the password of the account is missing" in dialog.trouble.text()
    fill(dialog, password="a password", key="sb_secret_x")
    dialog.save_button.click()
    assert "secret key" in dialog.trouble.text()
    assert (station.commands, kept) == ([], [])
    fill(dialog, key="sb_publishable_x")
    dialog.streams[SyncStream.READINGS].setChecked(True)
    dialog.save_button.click()
    wanted = SyncSettings("https://abc.supabase.co", "station7@example.org", "", frozenset(SyncStream))
    assert station.commands == [ChangeSite((SetSync(wanted),))]
    assert kept == [("sb_publishable_x", "a password")]
    assert station.site().sync == wanted
    assert not dialog.isVisible()


def test_what_is_set_up_is_shown_and_can_be_switched_off(set_up: Setup, kept: list[tuple[str, str]]) -> None:
    kept.append(("k", "p"))
    settings = SyncSettings("https://abc.supabase.co", "s@example.org", "", frozenset({SyncStream.AUDIT}))
    station, dialog = set_up(settings)
    assert dialog.fields["key"].placeholderText() == KEPT
    assert dialog.fields["url"].text() == "https://abc.supabase.co"
    assert not dialog.is_edited()
    dialog.streams[SyncStream.ALARMS].setChecked(True)
    assert dialog.is_edited()
    dialog.off.click()
    answer("Go on sending")
    assert station.commands == []
    dialog.off.click()
    answer("Switch off")
    assert station.commands == [ChangeSite((SetSync(None),))]
    assert station.site().sync is None


def test_a_trial_is_of_what_is_typed_and_shown_a_line_each(set_up: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[SyncSettings, int, str, str]] = []

    def trial(home: object, settings: SyncSettings, station: int, **secrets: object) -> list[SyncCheck]:
        asked.append((settings, station, str(secrets["key"]), str(secrets["password"])))
        return CHECKS

    monkeypatch.setattr(setup_dialog, "try_sync", trial)
    station, dialog = set_up(None)
    dialog.trial.run_button.click()
    assert "url must not be empty" in dialog.trial.said.text()
    fill(dialog, url="https://abc.supabase.co", account="s@example.org", password="p", key="k")
    dialog.trial.run_button.click()
    assert asked == [(SyncSettings("https://abc.supabase.co", "s@example.org"), station.site().station, "k", "p")]
    assert [tuple(part.text() for part in line) for line in dialog.trial.lines] == [
        ("OK", "Server", "it answers"),
        ("Wrong", "Account", "not let in – check the password"),
        ("–", "Clock", "not tried"),
    ]
    assert station.commands == []


def test_a_cancelled_trial_shows_nothing_later(open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialog_module, "try_sync", lambda *_, **__: CHECKS)
    _, dialog = opened(open_window, SyncView(SyncState.UP_TO_DATE))
    held: list[tuple[Callable[[], object], Callable[[object], None]]] = []
    dialog.context.ask = lambda function, on_result, on_error=None: held.append((function, on_result))
    dialog.trial.run_button.click()
    assert dialog.trial.run_button.text() == "Cancel"
    dialog.trial.run_button.click()
    assert (dialog.trial.run_button.text(), dialog.trial.said.text()) == ("Test connection", "Cancelled.")
    function, on_result = held[0]
    on_result(function())
    assert dialog.trial.lines == []
    dialog.trial.run_button.click()
    function, on_result = held[1]
    on_result(function())
    assert len(dialog.trial.lines) == 3
