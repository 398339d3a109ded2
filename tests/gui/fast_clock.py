"""Hours of a running station in minutes: its clocks go faster, its loops, sockets and time-outs do not."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pumpwatch_gui.acquire.links.link import Link
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.engine import engine, supervisor
from pumpwatch_gui.gui.shell import footer
from pumpwatch_gui.judge.sources import link as link_judge


class FastClock:
    """What is stamped (`time_ns`, `monotonic_ns`, `time`) goes `speed` times faster than what is waited for."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._wall_ns, self._mono_ns, self._since_ns = time.time_ns(), time.monotonic_ns(), time.perf_counter_ns()

    @property
    def passed_s(self) -> float:
        """Seconds of this clock since it was made."""
        return self._passed_ns / 1e9

    @property
    def _passed_ns(self) -> int:
        return round((time.perf_counter_ns() - self._since_ns) * self.speed)

    def time_ns(self) -> int:
        """In the place of `time.time_ns`."""
        return self._wall_ns + self._passed_ns

    def time(self) -> float:
        """In the place of `time.time`."""
        return self.time_ns() / 1e9

    def monotonic_ns(self) -> int:
        """In the place of `time.monotonic_ns`."""
        return self._mono_ns + self._passed_ns


@contextmanager
def fast_clock(speed: float) -> Iterator[FastClock]:
    """Have the whole program live `speed` times faster.

    A link is read each period of that clock, a loop counts as late after as long a real time as ever. What is scheduled
    by `time.monotonic` (time-outs, ticks, commits) stays as it is.
    """
    clock, begin, late_s = FastClock(speed), Link.begin, supervisor.LATE_AFTER_S

    def begin_fast(link: Link, now_s: float) -> None:
        begin(link, now_s)
        link.due_s = now_s + link.spec.config.period_s / speed

    with pytest.MonkeyPatch.context() as patch:
        for name in ("time", "time_ns", "monotonic_ns"):
            patch.setattr(time, name, getattr(clock, name))
        patch.setattr(Link, "begin", begin_fast)
        for module in (engine, supervisor):
            patch.setattr(module, "LATE_AFTER_S", speed * late_s)
        patch.setattr(footer, "OLD_COMMIT_S", speed * footer.OLD_COMMIT_S)
        patch.setattr(link_judge, "_may_still_connect", lambda view, _now_ns: view.state is LinkState.CONNECTING)
        yield clock


@contextmanager
def every(pause_s: float, do: Callable[[], object]) -> Iterator[None]:
    """Have `do()` called in a thread of its own until the end."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(pause_s):
            do()

    thread = threading.Thread(target=run, name="test-every")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
