"""The alarms of a disk that fills up, a LOW one a month before and a HIGH one a week before, and of a budget."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.wording import full_date
from pumpwatch_gui.engine.annunciator import Annunciator
from pumpwatch_gui.store.hot.writer import StoreView

STEPS: Final = (("disk.warning", 30.0, Priority.LOW), ("disk.full_soon", 7.0, Priority.HIGH))
"""Source, days before, priority."""
BUDGET: Final = "history.budget"
BUDGET_DAYS: Final = 60.0
"""So long before the oldest readings are deleted it is announced."""
OVER: Final = 1.2
"""An alarm returns when there is so many times as long again: the rate moves from hour to hour."""


class DiskForecast:
    """Announces how long the disk still lasts. Called by one thread."""

    def __init__(self, annunciator: Annunciator) -> None:
        self._annunciator = annunciator
        self._announced: set[str] = set()

    def look(self, view: StoreView) -> None:
        """Judge the figures of now; those that are not known yet change nothing."""
        left = view.growth.days_left(view.free_bytes)
        for source, limit, priority in STEPS:
            self._judge(source, left, limit, priority, partial(_disk_text, view, left), "The disk lasts longer again")
        if view.budget_bytes:
            days = view.growth.days_left(max(0, view.budget_bytes - view.used_bytes))
            text = partial(_budget_text, view, days)
            self._judge(BUDGET, days, BUDGET_DAYS, Priority.LOW, text, "The history has room again")

    def _judge(
        self, source: str, days: float, limit: float, priority: Priority, text: Callable[[], str], over: str
    ) -> None:
        is_announced = source in self._announced
        if days < limit and not is_announced:
            self._announced.add(source)
            self._annunciator.announce(source, text(), is_over=False, priority=priority)
        elif days > limit * OVER and is_announced:
            self._announced.discard(source)
            self._annunciator.announce(source, over, is_over=True, priority=priority)


def _disk_text(view: StoreView, days: float) -> str:
    date = full_date(days, time.time_ns())
    return (
        f"The disk of the history will be full on {date}: {view.free_bytes / 1e9:.1f} GB are free, "
        f"{view.growth.per_day / 1e9:.2f} GB a day are stored; free space or move the home to a larger disk"
    )


def _budget_text(view: StoreView, days: float) -> str:
    oldest = f"{datetime.fromtimestamp(view.oldest_ns / 1e9, UTC):%Y-%m-%d}" if view.oldest_ns else "the first day"
    return (
        f"The history will reach its {view.budget_bytes / 1e9:.0f} GB on {full_date(days, time.time_ns())}: from then "
        f"on raw readings are deleted day by day, those from {oldest} on first; their minutes and hours stay. Export "
        "them, or raise max_gb in [history] of the site file"
    )
