"""Where values come in that other programs send: the newest post of each, its time judged, until a link takes it."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from pumpwatch_gui.domain.errors import PumpWatchError

MAX_AHEAD_S = 2.0
"""A clock that is set by a time server is off by far less than this."""
OLD_PERIODS, OLD_S = 2, 2.0
LOST_PERIODS, LOST_S = 5, 10.0
"""A post is doubtful, or refused, when its own time is older than so many periods and than so many seconds."""


@dataclass(frozen=True, slots=True)
class Post:
    """One set of values: by tag, None where the sender has no reading. `time_ns` is the sender's own (0: none)."""

    values: Mapping[str, float | None]
    time_ns: int = 0


class PostFault(Enum):
    """Why a post was refused."""

    AHEAD = "time in the future"
    OLD = "too old"
    REPLAY = "replay"


class PostRefused(PumpWatchError):  # noqa: N818 - it is refused, which is no error of ours
    """A post that is not used, and why."""

    def __init__(self, fault: PostFault, message: str, advice: str) -> None:
        super().__init__(message, advice)
        self.fault = fault


@dataclass(slots=True)
class _Box:
    newest: Post | None = None
    refused: PostRefused | None = None
    came_ns: int = 0
    time_ns: int = 0  # of the newest that was accepted and had one
    overtaken: int = 0
    refusals: int = 0
    on_post: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What came since the last time: the newest post, how many it has overtaken, and what was refused.

    `age_s`: how old its values are by the sender's own time, or since they came.
    """

    post: Post | None
    age_s: float
    overtaken: int
    refusals: int
    refused: PostRefused | None


class Inlet:
    """The boxes of all senders, by the name that posts give. Any thread. Names are bounded by whoever offers."""

    def __init__(self, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._now_ns = now_ns
        self._boxes: dict[str, _Box] = {}
        self._lock = threading.Lock()

    def offer(self, name: str, post: Post, *, period_s: float) -> None:
        """Put a post in the box of `name`, in place of one that was not taken. Raises PostRefused by its time."""
        with self._lock:
            box = self._boxes.setdefault(name, _Box())
            refused = self._judge(box, post, period_s)
            if refused is None:
                box.overtaken += box.newest is not None
                box.newest, box.came_ns, box.time_ns = post, self._now_ns(), max(box.time_ns, post.time_ns)
            else:
                box.refused = refused
                box.refusals += 1
            on_post = box.on_post
            if on_post is not None:  # under the lock: after `listen(name, None)` it is not called any more
                on_post()
        if refused is not None:
            raise refused

    def listen(self, name: str, on_post: Callable[[], None] | None) -> None:
        """Have `on_post` called at every offer, on the thread of the offer; None: no longer.

        A post that has waited for longer than a live value may is thrown away.
        """
        with self._lock:
            box = self._boxes.setdefault(name, _Box())
            box.on_post = on_post
            if self._age_s(box.came_ns) > LOST_S:
                box.newest = None

    def has_listener(self, name: str) -> bool:
        """Whether a link waits for the posts of that name."""
        with self._lock:
            box = self._boxes.get(name)
            return box is not None and box.on_post is not None

    def holds(self, name: str) -> bool:
        """Whether a post waits to be taken."""
        with self._lock:
            box = self._boxes.get(name)
            return box is not None and box.newest is not None

    def take(self, name: str) -> Taken:
        """Empty the box of `name`."""
        with self._lock:
            box = self._boxes.setdefault(name, _Box())
            age_s = max(self._age_s(box.came_ns), self._age_s(box.newest.time_ns) if box.newest else 0.0)
            taken = Taken(box.newest, age_s, box.overtaken, box.refusals, box.refused)
            box.newest, box.overtaken, box.refusals, box.refused = None, 0, 0, None
            return taken

    def _age_s(self, time_ns: int) -> float:
        return (self._now_ns() - time_ns) / 1e9 if time_ns else 0.0

    def _judge(self, box: _Box, post: Post, period_s: float) -> PostRefused | None:
        if not post.time_ns:
            return None
        age_s = self._age_s(post.time_ns)
        if age_s < -MAX_AHEAD_S:
            text = f"its time is {-age_s:,.1f} s in the future"
            return PostRefused(PostFault.AHEAD, text, "set the clock of the sender, or send no timestamp")
        if age_s > max(LOST_PERIODS * period_s, LOST_S):
            text = f"its time is {age_s:,.1f} s ago, too old for a live value"
            return PostRefused(PostFault.OLD, text, "set the clock of the sender; `pumpwatch import` takes the past")
        if post.time_ns <= box.time_ns:
            text = "its time is not after that of the last post"
            return PostRefused(PostFault.REPLAY, text, "send each set of values once, in the order of their times")
        return None


def is_old(age_s: float, period_s: float) -> bool:
    """Whether values of this age are doubtful on a link of that period."""
    return age_s > max(OLD_PERIODS * period_s, OLD_S)
