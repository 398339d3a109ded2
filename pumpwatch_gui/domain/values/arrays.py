"""Arrays inside values: nothing changes what a value says after it was made."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def read_only(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Make an array read-only and return it; for one that was just made and that nothing else holds."""
    array.flags.writeable = False
    return array


def freeze_arrays(value: Any, *names: str) -> None:
    """Put read-only copies in the place of these array attributes of a frozen dataclass; for its `__post_init__`.

    An array that is read-only already and owns its memory is kept: nothing can change it.
    """
    for name in names:
        array = getattr(value, name)
        flags = array.flags
        if flags.writeable or not flags.owndata:
            object.__setattr__(value, name, read_only(array.copy()))
