"""The record of a run: every sample as a CSV row, for engineers and for checks from outside."""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality

HEADER = "wall,pump,sensor,value,quality\n"
_WORDS = [q.word for q in Quality]


class Recorder:
    """Writes `wall,pump,sensor,value,quality`; a BAD value is an empty cell. Raises InputError if it cannot be made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._queue: deque[tuple[Frame, tuple[str, ...]]] = deque()
        try:
            path.write_text(HEADER, "utf-8")
        except OSError as error:
            raise InputError(f"the record {path} cannot be written: {error.strerror}", "choose another path") from error

    def offer(self, frame: Frame, tags: tuple[str, ...]) -> None:
        """Queue a frame (any thread, never blocks)."""
        self._queue.append((frame, tags))

    def run(self, stop: threading.Event, alive: Callable[[], None] = lambda: None) -> None:
        """Write what is queued twice a second until `stop`, then the rest."""
        with self.path.open("a", encoding="utf-8") as file:
            while True:
                last = stop.wait(0.5)
                alive()
                lines = []
                while self._queue:
                    lines.append(_rows(*self._queue.popleft()))
                file.write("".join(lines))
                file.flush()
                if last:
                    return


def _rows(frame: Frame, tags: tuple[str, ...]) -> str:
    head = f"{frame.time_ns / 1e9:.6f},{frame.pump_id},"
    cells = zip(tags, frame.values.tolist(), frame.quality.tolist(), strict=True)
    return "".join(f"{head}{tag},{'' if q == Quality.BAD else repr(v)},{_WORDS[q]}\n" for tag, v, q in cells)
