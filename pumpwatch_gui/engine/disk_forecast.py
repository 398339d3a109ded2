"""The alarms of a disk that fills up: a LOW one a month before, a HIGH one a week before."""

import time
from typing import Final

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.wording import full_date
from pumpwatch_gui.engine.annunciator import Annunciator
from pumpwatch_gui.store.hot.writer import StoreView

STEPS: Final = (("disk.warning", 30.0, Priority.LOW), ("disk.full_soon", 7.0, Priority.HIGH))
"""Source, days before, priority."""
OVER: Final = 1.2
"""An alarm returns when there is so many times as long again: the rate moves from hour to hour."""


class DiskForecast:
    """Announces how long the disk still lasts. Called by one thread."""

    def __init__(self, annunciator: Annunciator) -> None:
        self._annunciator = annunciator
        self._announced: set[str] = set()

    def look(self, view: StoreView) -> None:
        """Judge the figures of now; those that are not known yet change nothing."""
        days = view.growth.days_left(view.free_bytes)
        for source, limit, priority in STEPS:
            is_announced = source in self._announced
            if days < limit and not is_announced:
                self._announced.add(source)
                self._annunciator.announce(source, _text(view, days), is_over=False, priority=priority)
            elif days > limit * OVER and is_announced:
                self._announced.discard(source)
                self._annunciator.announce(source, "The disk lasts longer again", is_over=True, priority=priority)


def _text(view: StoreView, days: float) -> str:
    date = full_date(days, time.time_ns())
    return (
        f"The disk of the history will be full on {date}: {view.free_bytes / 1e9:.1f} GB are free, "
        f"{view.growth.per_day / 1e9:.2f} GB a day are stored; free space or move the home to a larger disk"
    )
