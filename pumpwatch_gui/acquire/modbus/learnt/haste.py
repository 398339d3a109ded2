"""Which pause a device needs between a response and the next request, from what it has shown."""

from pumpwatch_gui.acquire.modbus.learnt.facts import PAUSES_S, Facts

PROOFS = 2
"""So many requests that were answered only some time later, in one scan or in two in a row; one may be a lost frame."""


class Haste:
    """The pause of one unit. A scan reports what it shows by `needs_longer` and ends with `over`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._guess_s = self._needed_s = 0.0
        self._proofs = 0

    @property
    def is_shown(self) -> bool:
        """Whether this scan has shown that the device ignores requests that come at once."""
        return self._needed_s > 0

    @property
    def is_guessed(self) -> bool:
        """Whether the scan before has, and another one has to confirm it."""
        return self._guess_s > 0

    @property
    def is_suspected(self) -> bool:
        """Whether the device seems to ignore requests that come at once."""
        return self.is_shown or self.is_guessed or self._facts.pause_s > 0

    def longer(self, too_short_s: float) -> float:
        """The pause to try after one that may be too short."""
        return next((p for p in PAUSES_S if p > max(too_short_s, self._facts.pause_s)), PAUSES_S[-1])

    def needs_longer(self, too_short_s: float) -> float:
        """A request so soon after a response was not answered, some time later it was: the pause to go on with."""
        self._proofs += 1
        self._needed_s = max(self._guess_s, self.longer(too_short_s))
        return self._needed_s

    def over(self) -> bool:
        """The scan is over; whether its pause is believed from now on."""
        is_proven = self._proofs >= PROOFS
        if is_proven:
            self._facts.pause_s, self._proofs, self._needed_s = self._needed_s, 0, 0.0
        elif not self._needed_s:
            self._proofs = 0
        self._guess_s, self._needed_s = self._needed_s, 0.0
        return is_proven
