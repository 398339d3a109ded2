"""Arrays that grow at their end without a second copy of what they hold."""

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

S = TypeVar("S", bound=np.generic)

_FIRST = 8192
_GROWTH = 1.25


class Growing(Generic[S]):
    """Rows appended in pieces; `whole` hands them over. `width` columns, or a flat array without."""

    def __init__(self, kind: type[S], fill: float, width: int | None = None) -> None:
        self._fill = fill
        self._array: NDArray[S] = np.empty((_FIRST,) if width is None else (_FIRST, width), dtype=kind)
        self.size = 0

    def extend(self, count: int) -> NDArray[S]:
        """A view of `count` more rows, to be written to before the next call."""
        end = self.size + count
        if end > len(self._array):
            # In place, by the system's realloc: a concatenation at the end would hold everything twice.
            rows = max(end, int(len(self._array) * _GROWTH))
            self._array.resize((rows, *self._array.shape[1:]), refcheck=False)
        part = self._array[self.size : end]
        part[...] = self._fill
        self.size = end
        return part

    def whole(self) -> NDArray[S]:
        """All rows; nothing can be appended afterwards."""
        self._array.resize((self.size, *self._array.shape[1:]), refcheck=False)
        return self._array


def keep_rows(values: NDArray[S], rows: NDArray[np.int64] | NDArray[np.bool_]) -> NDArray[S]:
    """The chosen rows (m,) of an array (…, n) that owns its memory, in that memory."""
    count = 0
    for column in values.T:
        kept = column[rows]
        count = kept.size
        column[:count] = kept
    values.resize((count, *values.shape[1:]), refcheck=False)
    return values
