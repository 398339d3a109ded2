"""What plays a sound: QtMultimedia where it is installed, else a program of the system, else nothing, which says so."""

import logging
import shutil
import subprocess
import sys
import tempfile
import threading
from array import array
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol
from wave import open as open_wave

from PySide6.QtCore import QUrl
from PySide6.QtGui import QGuiApplication

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.files.shipped import shipped

log = logging.getLogger("pumpwatch.sound")

NO_DEVICE = "no sound device"
PROGRAMS = (("pw-play",), ("paplay",), ("aplay", "-q"), ("afplay",))
"""Those of PipeWire, PulseAudio, ALSA and macOS; each takes a WAV file as its last argument."""
LONGEST_S = 5.0


class Player(Protocol):
    """Plays the sound of a priority. GUI thread."""

    @property
    def trouble(self) -> str:
        """Why nothing is heard, as far as that is known; "" while all is well."""

    def play(self, priority: Priority, volume: int) -> None:
        """Start it; `volume` in percent. It does not raise and does not wait."""


def sound_file(priority: Priority) -> Path:
    """The shipped WAV file of a priority."""
    return shipped("resources") / "sounds" / f"{priority.name.lower()}.wav"


class SilentPlayer:
    """Plays nothing, and says why."""

    def __init__(self, trouble: str) -> None:
        self.trouble = trouble

    def play(self, priority: Priority, volume: int) -> None:
        """Nothing."""


class QtPlayer:
    """Plays by QSoundEffect. Raises ImportError where QtMultimedia is not installed (it is no part of Essentials)."""

    def __init__(self) -> None:
        from PySide6 import QtMultimedia

        self.trouble = ""
        self._make: Callable[[], Any] = QtMultimedia.QSoundEffect
        self._failed = QtMultimedia.QSoundEffect.Status.Error
        self._effects: dict[Priority, Any] = {}
        self._devices = QtMultimedia.QMediaDevices()
        self._devices.audioOutputsChanged.connect(self._load)
        self._load()

    def _load(self) -> None:
        """Load the sounds, again for every device that is plugged in or out."""
        for priority in (Priority.HIGH, Priority.MEDIUM, Priority.LOW):
            self._effects[priority] = effect = self._make()
            effect.statusChanged.connect(self._look)
            effect.setSource(QUrl.fromLocalFile(str(sound_file(priority))))
        self._look()

    def _look(self) -> None:
        """Whether the system has an output that takes the sounds."""
        is_refused = any(effect.status() == self._failed for effect in self._effects.values())
        self.trouble = NO_DEVICE if is_refused or not self._devices.audioOutputs() else ""

    def play(self, priority: Priority, volume: int) -> None:
        """Start it from its beginning."""
        effect = self._effects[priority]
        effect.setVolume(volume / 100)
        effect.play()


class SystemPlayer:
    """Plays by `sound`, which takes a WAV file as bytes, waits until it is heard and raises OSError when it is not.

    Each sound has a thread of its own. While one is under way no other starts: a device that hangs gathers none.
    """

    def __init__(self, sound: Callable[[bytes], None]) -> None:
        self._sound = sound
        self._thread: threading.Thread | None = None
        self.trouble = ""

    def play(self, priority: Priority, volume: int) -> None:
        """Start it, unless another is still under way."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, args=(priority, volume), name="sound", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Wait until what was started is over."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, priority: Priority, volume: int) -> None:
        try:
            self._sound(quieter(sound_file(priority).read_bytes(), volume))
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:  # RuntimeError: that of winsound
            if not self.trouble:
                log.warning("an alarm cannot be heard: %s", error)
            self.trouble = NO_DEVICE
        else:
            self.trouble = ""


def quieter(wav: bytes, volume: int) -> bytes:
    """A WAV file of 16 bit at a volume in percent."""
    with open_wave(BytesIO(wav)) as file:
        form, samples = file.getparams(), array("h", file.readframes(file.getnframes()))
    out = BytesIO()
    with open_wave(out, "wb") as file:
        file.setparams(form)
        file.writeframes(array("h", (s * volume // 100 for s in samples)).tobytes())
    return out.getvalue()


def play_by_program(command: Sequence[str], wav: bytes) -> None:
    """Have a program play a sound and wait for it. Raises OSError and SubprocessError when it does not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "alarm.wav")
        path.write_bytes(wav)
        subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=LONGEST_S)


def system_sound() -> Callable[[bytes], None] | None:
    """What plays a sound on this system without QtMultimedia; None when there is nothing."""
    if sys.platform == "win32":
        import winsound

        return partial(winsound.PlaySound, flags=winsound.SND_MEMORY)
    found = next((command for command in PROGRAMS if shutil.which(command[0])), None)
    return None if found is None else partial(play_by_program, found)


def make_player() -> Player:
    """The best player that there is. It takes a moment: not at the start of the program."""
    if QGuiApplication.platformName() == "offscreen":
        return SilentPlayer("")  # no one is in front of it
    try:
        return QtPlayer()
    except ImportError:
        sound = system_sound()
    return SystemPlayer(sound) if sound is not None else SilentPlayer(NO_DEVICE)
