"""Whose scan is next on a line, and how much of its time silent units may take."""

from collections.abc import Sequence
from math import inf

from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.links.link import Link

PROBE_S = 5.0
"""Silent units on a shared line are requested only this often, one of them at a time: at 2 Hz with a time-out of 0.3 s
one dead unit takes 60 % of the line, every 5 s it takes 6 %."""
SHARE, SHARE_OF_FAST = 0.1, 0.03
"""The most of a line's time that goes to silent units; less where a time-out is longer than about a period, and so
costs the others a scan: 50 units at 2 Hz lose 1 % of their scans then."""
SILENT_PROBE_S = 0.5
"""A line that is silent as a whole is tried again after so long: nobody waits behind the request."""
SILENT_S = 1.4
"""A line is silent as a whole when two units in a row gave not one byte and so long passed without any, or when every
unit is silent."""
STARVED_S = 5.0


class Turns:
    """The order of scans on one line. `is_silent`: nothing behind it responds any more."""

    def __init__(self) -> None:
        self.is_silent = False
        self._newest_first = False
        self._probe_s = 0.0
        self._silent_since_s = 0.0
        self._silent_ids: set[str] = set()
        self._missed_s = -inf

    def next(self, links: Sequence[Link], now_s: float) -> Link:
        """The link whose scan is due first.

        Those that have responded go before those that may cost a time-out. After a time-out the backlog is worked off
        from its end: units that fall silent together are neighbours as a rule, and the healthy ones would wait for
        all of them.
        """
        if len(links) == 1:
            return links[0]
        due = [link for link in links if link.next_s <= now_s]
        if not due:
            self._newest_first = False
            return min(links, key=lambda link: link.next_s)
        sign = -1 if self._newest_first else 1
        return min(due, key=lambda link: (_rank(link, now_s), sign * link.next_s))

    def to_request(self, due: Link, links: Sequence[Link], now_s: float) -> Link | None:
        """The link to request now that a scan of `due` is due: itself, another silent one whose turn it is, or none."""
        if due.is_misconfigured(now_s):
            return None
        if len(links) == 1 or (due.is_responding and not self.is_silent):
            return due
        if now_s < self._probe_s:
            return None
        silent = [link for link in links if self.is_silent or not link.is_responding]
        return min(silent, key=lambda link: link.requested_s)

    def patience_s(self, link: Link, now_s: float) -> float:
        """How long the scan of a link may hold the line up.

        Units fall silent in groups, and each would cost the others its time-out. So while one has just been missed, a
        usually quick one is only given a moment in between the others, and its whole time-out when none of them waits.
        Only where the request before was responded to: it takes whole time-outs to find a line silent as a whole.
        """
        is_one_missed = now_s - self._missed_s < PROBE_S and not self._silent_ids
        return link.patience_s if is_one_missed and link.has_responded else inf

    def put_off(self, link: Link) -> None:
        """Note a scan that was broken off for the others."""
        self._note_silence(link)

    def responded(self) -> bool:
        """Note that something came over the line; whether it had been silent as a whole."""
        was_silent, self.is_silent = self.is_silent, False
        self._silent_ids.clear()
        return was_silent

    def missed(self, link: Link, links: Sequence[Link], fault: LinkFault, now_s: float) -> bool:
        """Note a scan that brought nothing from its unit; whether the line has just fallen silent as a whole."""
        took_s = now_s - link.requested_s
        self._newest_first, self._missed_s = True, now_s
        fell_silent, nobody = False, not any(other.is_responding for other in links)
        if fault.kind is FaultKind.TIMEOUT:  # an exception is at least a word of the gateway
            self._note_silence(link)
            is_silent = len(self._silent_ids) > 1 and (nobody or now_s - self._silent_since_s >= SILENT_S)
            fell_silent, self.is_silent = is_silent and not self.is_silent, self.is_silent or is_silent
        else:
            self.responded()
        is_fast = any(other.has_responded and other.spec.config.period_s < 1.5 * took_s for other in links)
        pause_s = max(PROBE_S, took_s / (SHARE_OF_FAST if is_fast else SHARE))
        self._probe_s = now_s + (SILENT_PROBE_S if self.is_silent or nobody else pause_s)
        return fell_silent

    def _note_silence(self, link: Link) -> None:
        """Nothing came in answer to the request of a link."""
        if not self._silent_ids:
            self._silent_since_s = link.requested_s
        self._silent_ids.add(link.spec.link_id)


def _rank(link: Link, now_s: float) -> int:
    """The lower the sooner: those that respond, those that were never requested, those that were silent."""
    if link.has_responded or now_s - link.next_s > STARVED_S:
        return 0
    return 1 if not link.requested_s else 2
