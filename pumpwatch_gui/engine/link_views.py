"""The links of each pump as they are now, looked at four times a second however often they are asked for."""

import time
from collections.abc import Callable, Container, Iterable

from pumpwatch_gui.domain.links.view import LinkView

LOOK_EVERY_S = 0.25


class LinkViews:
    """Keeps what `look` (all links) found last, by pump; once the links have ended they are looked at each time.

    Any thread.
    """

    def __init__(self, look: Callable[[], Iterable[LinkView]], *, have_ended: Callable[[], bool]) -> None:
        self._look, self._have_ended = look, have_ended
        self._kept: tuple[float, dict[str, tuple[LinkView, ...]]] = (0.0, {})

    def by_pump(self, pumps: Iterable[str]) -> dict[str, tuple[LinkView, ...]]:
        """Pump id → its links. A pump that has just come has its links at once: without any it looks not set up."""
        taken_s, views = self._kept
        now_s = time.monotonic()
        if now_s - taken_s >= LOOK_EVERY_S or self._have_ended() or not _has_all(views, pumps):
            views = {}
            for view in self._look():
                views[view.pump_id] = (*views.get(view.pump_id, ()), view)
            self._kept = (now_s, views)
        return views


def _has_all(views: Container[str], pumps: Iterable[str]) -> bool:
    return all(pump_id in views for pump_id in pumps)
