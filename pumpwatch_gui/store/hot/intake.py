"""The bounded way in: any thread offers, the writer takes; what does not fit is counted."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pumpwatch_gui.domain.events import StoreTrouble
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.store.hot.batch import Item, Kind, kind_of
from pumpwatch_gui.store.layout import PumpRow


@dataclass(frozen=True, slots=True)
class PumpsChanged:
    """From here on in the queue, frames are of these pumps. `renamed`: old id → new id of those that only that."""

    pumps: tuple[PumpRow, ...]
    renamed: Mapping[str, str]
    site: Site | None = None


class Troubles:
    """Reports each trouble once when it starts, and once that all is well when the last one is over. Any thread."""

    def __init__(self, report: Callable[[StoreTrouble], None]) -> None:
        self._report = report
        self._open: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def text(self) -> str:
        """The troubles there are, in words; "" when there is none."""
        return "; ".join(tuple(self._open.values()))

    def start(self, kind: str, text: str) -> None:
        """A trouble is there; reported only if it is new."""
        with self._lock:
            is_new = kind not in self._open
            self._open[kind] = text
        if is_new:
            self._report(StoreTrouble(time.time_ns(), True, text))

    def end(self, kind: str, text: str) -> None:
        """A trouble is over; `text` is reported if there is no other."""
        with self._lock:
            is_over = self._open.pop(kind, None) is not None and not self._open
        if is_over:
            self._report(StoreTrouble(time.time_ns(), False, text))


class Intake:
    """A queue with a bound for readings and one for the rest (detections and events), so neither starves the other."""

    def __init__(self, capacity: int, on_full: Callable[[], None]) -> None:
        self.capacity = capacity
        self.lost: Counter[Kind] = Counter()
        self.high_water = 0
        self._on_full = on_full
        self._items: deque[Item | PumpsChanged] = deque()
        self._readings = 0
        self._lock = threading.Lock()

    @property
    def depth(self) -> int:
        """Readings that are not on the disk yet."""
        return self._readings

    def offer(self, item: Item) -> bool:
        """Take an item in; False (and counted) when there is no room."""
        kind = kind_of(item)
        with self._lock:
            if kind is Kind.READING:
                fits = self._readings < self.capacity
                self._readings += fits
                self.high_water = max(self.high_water, self._readings)
            else:
                fits = len(self._items) - self._readings < self.capacity
            if fits:
                self._items.append(item)
            else:
                self.lost[kind] += 1
        if not fits:
            self._on_full()
        return fits

    def offer_pumps(self, change: PumpsChanged) -> None:
        """Put a change of pumps in its place between the frames; it always fits."""
        with self._lock:
            self._items.append(change)

    def take(self, most: int) -> list[Item] | PumpsChanged:
        """The oldest items, up to `most` or to the next change of pumps; or that change if it is the oldest."""
        with self._lock:
            if self._items and isinstance(self._items[0], PumpsChanged):
                change = self._items.popleft()
                assert isinstance(change, PumpsChanged)
                return change
            taken: list[Item] = []
            while self._items and len(taken) < most:
                item = self._items[0]
                if isinstance(item, PumpsChanged):
                    break
                taken.append(item)
                self._items.popleft()
            return taken

    def done(self, readings: int) -> None:
        """So many of the readings taken are on the disk (or given up): their room is free."""
        with self._lock:
            self._readings -= readings

    def give_up(self) -> Counter[Kind]:
        """Count everything that is left as lost, at the end of a writer that could not write."""
        with self._lock:
            left = Counter(kind_of(item) for item in self._items if not isinstance(item, PumpsChanged))
            left[Kind.READING], self._readings = self._readings, 0  # with those that were taken
            self.lost += left
            self._items.clear()
        return left
