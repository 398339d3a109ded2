"""Sounds the alarms of a station: fed with every view of it, silenced by F9, as loud as this user has it."""

import time
from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, QTimer, Signal

from pumpwatch_gui.domain.alarms.alarm import Alarm, Priority
from pumpwatch_gui.domain.alarms.sounding import Sounding
from pumpwatch_gui.gui.sound.player import Player, make_player

MIN_VOLUME, MAX_VOLUME, USUAL_VOLUME = 30, 100, 80
"""Percent. An alarm that can be turned off for good is none."""
LOAD_AFTER_MS = 3_000


class AlarmSound(QObject):
    """The sound of alarms. `changed`: whether it sounds, is silenced or cannot be heard is another one than before.

    The player is made when the first alarm sounds or three seconds after the first view, not with the window.
    """

    changed = Signal()

    def __init__(
        self, make: Callable[[], Player] = make_player, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._make, self._clock = make, clock
        self._player: Player | None = None
        self._sounding = Sounding()
        self._volume = USUAL_VOLUME
        self._shown: tuple[object, ...] = ()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._load)

    @property
    def volume(self) -> int:
        """How loud, in percent."""
        return self._volume

    @volume.setter
    def volume(self, percent: int) -> None:
        """Within `MIN_VOLUME` and `MAX_VOLUME`."""
        self._volume = min(max(percent, MIN_VOLUME), MAX_VOLUME)

    @property
    def trouble(self) -> str:
        """Why no alarm is heard; "" while one would be, or none was played yet."""
        return self._player.trouble if self._player is not None else ""

    @property
    def is_sounding(self) -> bool:
        """Whether an alarm sounds, heard or not."""
        return self._sounding.audible is not None

    @property
    def is_silenced(self) -> bool:
        """Whether there are unacknowledged alarms that were silenced, and no other."""
        return self._sounding.is_silenced

    def see(self, alarms: Iterable[Alarm]) -> None:
        """Sound the announced alarms as they are now."""
        due = self._sounding.due(alarms, self._clock())
        if due is not None:
            self._load().play(due, self._volume)
        elif self._player is None and not self._later.isActive():
            self._later.start(LOAD_AFTER_MS)
        self._tell()

    def silence(self) -> None:
        """Quiet the alarms that are there, without acknowledging any."""
        self._sounding.silence()
        self._tell()

    def test(self, priority: Priority) -> None:
        """Play the sound of a priority once."""
        self._load().play(priority, self._volume)
        self._tell()

    def _load(self) -> Player:
        if self._player is None:
            self._player = self._make()
        return self._player

    def _tell(self) -> None:
        shown = (self.is_sounding, self.is_silenced, self.trouble)
        if shown != self._shown:
            self._shown = shown
            self.changed.emit()
