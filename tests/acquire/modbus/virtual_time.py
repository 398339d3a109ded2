"""An asyncio loop whose clock jumps to the next timer instead of waiting, for peers in the same process.

Hours of a line take seconds, and nothing depends on how busy the machine is.
"""

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar
from unittest.mock import patch

from typing_extensions import override

T = TypeVar("T")
START_S = 1000.0


class _Selector(selectors.DefaultSelector):
    """Moves the clock on by as long as it should wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = START_S

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            assert timeout is not None, "nothing is left to happen"
            self.now_s += max(timeout, 0.0)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock is stopped while code runs."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        # Of a microsecond, so that a timer is due when the clock has been moved on to it.
        self._clock_resolution = 1e-6

    @override
    def time(self) -> float:
        return self._virtual.now_s


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run on a loop of its own; meanwhile `time.monotonic` is its clock. One thread only."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner, patch.object(time, "monotonic", runner.get_loop().time):
        return runner.run(main)
