"""Refusals: each counted, the first of a kind written to the journal."""

import threading
from collections import Counter
from collections.abc import Callable
from enum import Enum


class Kind(Enum):
    """Why a request was refused; the value is what counters and the journal call it."""

    NO_KEY = "no key"
    WRONG_KEY = "wrong key"
    EXPIRED = "expired key"
    SCOPE = "wrong scope"
    ELSEWHERE = "page of another site"
    PUMP = "not that pump"
    TOO_LARGE = "too large"
    TOO_FAST = "too fast"
    TOO_SLOW = "too slow"
    CONNECTIONS = "too many connections"
    MALFORMED = "malformed"
    TIME = "time of the values"
    NOT_FOUND = "not found"
    CONFLICT = "not possible now"


class Refusal(Exception):  # noqa: N818 - a request is refused, which is no error of ours
    """A request that is refused: HTTP status, kind, and words without a path or a trace of the inside."""

    def __init__(
        self, status: int, kind: Kind, text: str, advice: str = "", *, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status, self.kind, self.text, self.advice, self.headers = status, kind, text, advice, headers or {}


class Refusals:
    """The counters of what was refused. `first` is called with the first of each kind. Any thread."""

    def __init__(self, first: Callable[[str], None]) -> None:
        self._first = first
        self._counts: Counter[Kind] = Counter()
        self._lock = threading.Lock()

    def note(self, refusal: Refusal, address: str) -> None:
        """Count one."""
        with self._lock:
            self._counts[refusal.kind] += 1
            is_first = self._counts[refusal.kind] == 1
        if is_first:
            text = f"The gateway refused a request from {address}: {refusal.kind.value}; further ones are counted"
            self._first(text)

    def counts(self) -> dict[Kind, int]:
        """How many of each kind there were, 0 included."""
        with self._lock:
            return {kind: self._counts[kind] for kind in Kind}
