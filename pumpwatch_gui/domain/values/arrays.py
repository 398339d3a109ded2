"""Arrays inside values: nothing changes what a value says after it was made."""

from typing import Any


def freeze_arrays(value: Any, *names: str) -> None:
    """Put read-only copies in the place of these array attributes of a frozen dataclass; for its `__post_init__`.

    An array that is read-only already and owns its memory is kept: nothing can change it.
    """
    for name in names:
        array = getattr(value, name)
        if array.flags.writeable or not array.flags.owndata:
            array = array.copy()
            array.flags.writeable = False
            object.__setattr__(value, name, array)
