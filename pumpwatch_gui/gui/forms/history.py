"""Undo and redo of a dialog: its states one after the other."""

from typing import Generic, TypeVar

T = TypeVar("T")


class History(Generic[T]):
    """The states that a dialog was in, the one now among them. Equal states after one another are one."""

    def __init__(self, first: T) -> None:
        self._states, self._at = [first], 0

    @property
    def now(self) -> T:
        """The present state."""
        return self._states[self._at]

    @property
    def is_changed(self) -> bool:
        """Whether the present state is another than the first."""
        return self.now != self._states[0]

    @property
    def can_undo(self) -> bool:
        """Whether there is a state before."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether a state was undone."""
        return self._at < len(self._states) - 1

    def add(self, state: T) -> None:
        """A new present state; what was undone is gone."""
        if state != self.now:
            self._states[self._at + 1 :] = [state]
            self._at += 1

    def step(self, by: int) -> T:
        """Go back (-1) or forth (1) as far as there are states; the state that is present then."""
        self._at = min(max(self._at + by, 0), len(self._states) - 1)
        return self.now
