"""Windows: the last rows of one pump without a hole in them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Window:
    """The newest `length` rows of `sensors` values, contiguous in memory; a restart empties it."""

    def __init__(self, length: int, sensors: int) -> None:
        self.length = length
        self._rows = np.zeros((2 * length, sensors), dtype=np.float32)  # each row twice: any window is one slice
        self._count = 0
        self.number = 0
        """How often a row was added."""

    def restart(self) -> None:
        """Forget every row: what follows has no past."""
        self._count = 0

    def add(self, row: ArrayLike) -> None:
        """Append a row (n,)."""
        i = self._count % self.length
        self._rows[i] = self._rows[i + self.length] = row
        self._count += 1
        self.number += 1

    @property
    def filled(self) -> int:
        """Rows held, at most `length`."""
        return min(self._count, self.length)

    def whole(self) -> NDArray[np.float32] | str:
        """The rows as `view` gives them, or how many there are while some are missing."""
        return self.view() if self.is_full else f"window {self.filled} of {self.length}"

    @property
    def outlook(self) -> tuple[object, ...]:
        """Two windows with the same one go on alike."""
        end = self._count % self.length + self.length
        return self.filled, self._rows[end - self.filled : end].tobytes()

    @property
    def is_full(self) -> bool:
        """Whether there are `length` rows without a hole."""
        return self._count >= self.length

    def view(self) -> NDArray[np.float32]:
        """The rows (length, n), oldest first; valid until the next `add`. Raises ValueError unless full."""
        if not self.is_full:
            raise ValueError(f"window {self._count} of {self.length}")
        i = self._count % self.length
        return self._rows[i : i + self.length]
