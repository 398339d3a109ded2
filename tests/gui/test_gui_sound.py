"""The sounds of alarms: files, players, the button in the top bar, the volume in Settings."""

import shutil
import subprocess
import sys
from array import array
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from wave import open as open_wave

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QAction, QGuiApplication, QShortcut
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.commands import Acknowledge
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.settings.settings_dialog import SettingsDialog
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.sound import player as players
from pumpwatch_gui.gui.sound.alarm_sound import MIN_VOLUME, USUAL_VOLUME, AlarmSound
from pumpwatch_gui.gui.sound.player import (
    NO_DEVICE,
    QtPlayer,
    SilentPlayer,
    SystemPlayer,
    make_player,
    play_by_program,
    quieter,
    sound_file,
    system_sound,
)
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import Scene
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of
from tests.gui.sounds import PULSES, wav_of

HIGH, MEDIUM, LOW, _ = Priority


@dataclass
class FakePlayer:
    """Notes what it is to play."""

    trouble: str = ""
    played: list[tuple[Priority, int]] = field(default_factory=list)

    def play(self, priority: Priority, volume: int) -> None:
        """Note it."""
        self.played.append((priority, volume))


class Ears:
    """A window with a fake player and a clock that a test moves."""

    def __init__(self, open_window: OpenWindow, trouble: str = "") -> None:
        self.player, self.now_s, self.made = FakePlayer(trouble), 100.0, 0
        self.station = FakeStation(3, scenes={0: Scene("hot")}, history_s=60)
        self.window = open_window(source=self.station, sound=AlarmSound(self._make, clock=lambda: self.now_s))

    def _make(self) -> FakePlayer:
        self.made += 1
        return self.player

    def wait(self, seconds: float) -> int:
        """Let time pass; how many sounds started meanwhile."""
        before = len(self.player.played)
        for _ in range(round(seconds)):
            self.now_s += 1
            self.window.refresh()
        return len(self.player.played) - before


def press(window: MainWindow, keys: str) -> None:
    """Do the command of a key."""
    next(a for a in window.findChildren(QAction) if keys in [k.toString() for k in a.shortcuts()]).trigger()


# -------------------------------------------------------------------- the window


def test_an_alarm_sounds_until_f9_and_silence_acknowledges_nothing(open_window: OpenWindow) -> None:
    ears = Ears(open_window)
    button = ears.window.top_bar.silence
    assert ears.player.played[0] == (HIGH, USUAL_VOLUME)
    assert button.isEnabled()
    assert ears.wait(9) == 3
    press(ears.window, "F9")
    assert ears.wait(60) == 0
    assert not button.isEnabled()
    assert button.accessibleName() == "Alarms are silenced, not acknowledged"
    assert any(alarm.state.is_unacknowledged for alarm in ears.station.latest().alarms)
    assert ears.station.commands == []


def test_a_new_alarm_sounds_again_and_acknowledging_all_ends_it(open_window: OpenWindow) -> None:
    ears = Ears(open_window)
    ears.window.top_bar.silence.click()
    assert ears.wait(30) == 0
    ears.station.scenes = {0: Scene("hot"), 2: Scene("hot")}
    ears.station.step(1.0)
    assert ears.wait(3) >= 1
    for alarm in ears.station.latest().alarms:
        ears.window.context.order(Acknowledge(alarm.alarm_id))
    ears.window.refresh()
    assert ears.wait(60) == 0
    assert not ears.window.context.sound.is_silenced
    assert ears.window.top_bar.silence.accessibleName() == "Silence the alarms"


def test_where_nothing_is_heard_the_top_bar_says_so(open_window: OpenWindow) -> None:
    ears = Ears(open_window, trouble=NO_DEVICE)
    button = ears.window.top_bar.silence
    assert button.accessibleName() == "Alarms cannot be heard: no sound device"
    width = button.width()
    ears.player.trouble = ""
    ears.window.refresh()
    assert button.accessibleName() == "Silence the alarms"
    assert button.width() == width


def test_the_player_is_made_when_it_is_needed_and_once(open_window: OpenWindow) -> None:
    made: list[FakePlayer] = []

    def make() -> FakePlayer:
        made.append(FakePlayer())
        return made[-1]

    sound = AlarmSound(make)
    station = FakeStation(2, scenes={}, history_s=10)
    window = open_window(source=station, sound=sound)
    assert not made, "the start of the window is not slower"
    sound.test(LOW)
    sound.test(MEDIUM)
    window.refresh()
    assert len(made) == 1
    assert made[0].played == [(LOW, USUAL_VOLUME), (MEDIUM, USUAL_VOLUME)]


def test_the_volume_has_a_floor_is_tested_and_kept_for_the_user(open_window: OpenWindow, tmp_path: Path) -> None:
    ears = Ears(open_window)
    dialog = dialog_of(ears.window, SettingsDialog, "settings")
    panel = dialog.sound
    assert panel.slider.value() == USUAL_VOLUME
    panel.slider.setValue(0)
    assert panel.percent.text() == f"{MIN_VOLUME} %"
    panel.slider.setValue(55)
    panel.tests[MEDIUM].click()
    assert ears.player.played[-1] == (MEDIUM, 55)
    ears.player.trouble = NO_DEVICE
    ears.window.refresh()
    assert panel.trouble.text() == NO_DEVICE
    assert not dialog.is_edited(), "it counts without Save"
    dialog.close()
    user = ears.window.context.user
    ears.window.close()
    kept = QSettings(str(Home(tmp_path).settings), QSettings.Format.IniFormat)
    assert int(str(kept.value(f"sound-{user}/volume"))) == 55
    again = open_window()
    assert again.context.sound.volume == 55


# -------------------------------------------------------------------- the files


@pytest.mark.parametrize("priority", list(PULSES))
def test_each_shipped_sound_is_made_again_bit_for_bit(priority: Priority) -> None:
    assert sound_file(priority).read_bytes() == wav_of(priority)


def test_each_priority_has_a_pattern_of_its_own() -> None:
    assert {priority: count for priority, (count, _, _) in PULSES.items()} == {HIGH: 3, MEDIUM: 2, LOW: 1}
    assert sum(sound_file(priority).stat().st_size for priority in PULSES) < 100_000


def test_a_quieter_sound_is_the_same_with_smaller_samples() -> None:
    def samples(wav: bytes) -> "array[int]":
        with open_wave(BytesIO(wav)) as file:
            return array("h", file.readframes(file.getnframes()))

    wav = sound_file(LOW).read_bytes()
    loud, half = samples(wav), samples(quieter(wav, 50))
    assert len(loud) == len(half)
    assert max(half) == max(loud) // 2
    assert quieter(wav, 100) == wav


# -------------------------------------------------------------------- the players


def test_the_system_plays_in_a_thread_and_says_when_it_cannot(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[bytes] = []
    is_broken = [False]

    def play(wav: bytes) -> None:
        if is_broken[0]:
            raise subprocess.CalledProcessError(1, "aplay")
        heard.append(wav)

    player = SystemPlayer(play)
    for broken, trouble in ((False, ""), (True, NO_DEVICE), (True, NO_DEVICE), (False, "")):
        is_broken[0] = broken
        player.play(HIGH, 100)
        player.wait()
        assert player.trouble == trouble
    assert heard == [sound_file(HIGH).read_bytes()] * 2
    assert sum("cannot be heard" in r.message for r in caplog.records) == 1, "logged once when it starts"


def test_a_program_gets_a_wav_file_and_its_failure_is_an_error(tmp_path: Path) -> None:
    out = tmp_path / "heard.wav"
    code = f"import sys, shutil; shutil.copy(sys.argv[1], {str(out)!r})"
    play_by_program((sys.executable, "-c", code), b"RIFF")
    assert out.read_bytes() == b"RIFF"
    with pytest.raises(subprocess.CalledProcessError):
        play_by_program((sys.executable, "-c", "raise SystemExit(1)"), b"RIFF")
    with pytest.raises(OSError, match="no-such-player"):
        play_by_program(("no-such-player",), b"RIFF")


def test_the_real_player_of_this_machine_plays_or_says_that_it_cannot(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(make_player(), SilentPlayer), "an offscreen window has no listener"
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "xcb")
    player = make_player()
    player.play(LOW, MIN_VOLUME)
    if isinstance(player, SystemPlayer):
        player.wait()
    assert player.trouble in ("", NO_DEVICE)


def test_without_qtmultimedia_a_program_of_the_system_plays_and_without_one_nothing(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object) -> QtPlayer:
        raise ImportError

    monkeypatch.setattr(players, "QtPlayer", absent)
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "xcb")
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/aplay" if name == "aplay" else None)
    assert system_sound() is not None
    assert isinstance(make_player(), SystemPlayer)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    player = make_player()
    player.play(LOW, 100)
    assert isinstance(player, SilentPlayer)
    assert player.trouble == NO_DEVICE


def test_no_key_has_two_commands(open_window: OpenWindow) -> None:
    window = Ears(open_window).window
    keys = [k.toString() for action in window.findChildren(QAction) for k in action.shortcuts()]
    keys += [shortcut.key().toString() for shortcut in window.findChildren(QShortcut) if shortcut.parent() is window]
    twice = {key for key in keys if keys.count(key) > 1}
    assert "F9" in keys
    assert not twice
