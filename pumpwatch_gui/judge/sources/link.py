"""The alarms of lost links: one a cause, never one a tag. A connection that is lost as a whole is one alarm."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from math import nan

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, Priority
from pumpwatch_gui.domain.alarms.delays import OnOffDelay
from pumpwatch_gui.domain.links.view import LinkState, LinkView

ON_DELAY_NS = 3 * 10**9
OFF_DELAY_NS = 1 * 10**9
LEAST_LOST = 3
"""So many links, and more than half of those that share a connection, are lost by one cause."""


class LinkJudge:
    """Judges the links of one pump, given by their ids (`PUMP/1`). `active` are the sources that were active already.

    A link that is not online for 3 s is lost; online for 1 s it is back. One that connects for the first time has the
    time of its period for it, when that is longer. Call it steadily, whatever comes in.
    """

    def __init__(self, link_ids: Iterable[str], *, active: Collection[str] = ()) -> None:
        self._delays = {
            link_id: OnOffDelay(ON_DELAY_NS, OFF_DELAY_NS, active=link_source(link_id) in active)
            for link_id in link_ids
        }

    @property
    def sources(self) -> frozenset[str]:
        """The alarm sources it can raise (`link.1`)."""
        return frozenset(map(link_source, self._delays))

    def judge(self, view: LinkView, mono_ns: int, *, is_explained: bool = False) -> AlarmSignal | None:
        """What the state of a link changed, if anything; a link that is not known is passed over.

        `is_explained`: the loss of its connection is an alarm already, or about to be; then it raises none of its own.
        """
        delay = self._delays.get(view.link_id)
        if delay is None:
            return None
        online = view.state is LinkState.ONLINE
        if not online and not delay.active and (is_explained or _may_still_connect(view, mono_ns)):
            delay.restart()
            return None
        stimulus = delay.update(mono_ns, over=not online, clear=online)
        if stimulus is None:
            return None
        text = f"Link lost: {view.last_error or view.endpoint}"
        return AlarmSignal(link_source(view.link_id), "", Priority.LOW, text, nan, nan, "", stimulus)


class ConnectionJudge:
    """Judges the connections that several links share: gateways, serial lines. `active`: sources that were active.

    A connection is lost when all of its links are, or at least three and more than half; with the delays of a link.
    """

    def __init__(self, active: Collection[str] = ()) -> None:
        self._active = frozenset(active)
        self._delays: dict[str, OnOffDelay] = {}
        self.lost_links: frozenset[str] = frozenset()
        """The links whose loss is explained by that of their connection, after the last call of `judge`."""

    def judge(self, views: Iterable[LinkView], mono_ns: int) -> list[AlarmSignal]:
        """What the states of all links of the station changed."""
        groups: dict[str, list[LinkView]] = defaultdict(list)
        for view in views:
            if view.connection:
                groups[view.connection].append(view)
        signals: list[AlarmSignal] = []
        explained: set[str] = set()
        for connection, links in groups.items():
            if len(links) < 2:
                continue
            lost = [v for v in links if v.state is not LinkState.ONLINE and not _may_still_connect(v, mono_ns)]
            is_lost = len(lost) == len(links) or (len(lost) >= LEAST_LOST and 2 * len(lost) > len(links))
            if is_lost:
                explained |= {v.link_id for v in links}
            if signal := self._signal(connection, lost, len(links), is_lost, mono_ns):
                signals.append(signal)
        self.lost_links = frozenset(explained)
        return signals

    def _signal(
        self, connection: str, lost: Sequence[LinkView], size: int, is_lost: bool, mono_ns: int
    ) -> AlarmSignal | None:
        source = connection_source(connection)
        delay = self._delays.get(connection)
        if delay is None:
            delay = self._delays[connection] = OnOffDelay(ON_DELAY_NS, OFF_DELAY_NS, active=source in self._active)
        stimulus = delay.update(mono_ns, over=is_lost, clear=not is_lost)
        if stimulus is None:
            return None
        pumps = ", ".join(dict.fromkeys(v.pump_id for v in lost))
        reason = lost[0].last_error if lost else ""
        text = f"Connection {connection} lost, {len(lost)} of {size} links: {pumps}. {reason}"
        return AlarmSignal(source, "", Priority.LOW, text.rstrip(". "), nan, nan, "", stimulus)


def _may_still_connect(view: LinkView, mono_ns: int) -> bool:
    """Whether a link that connects for the first time is not late yet: with a long period its first scan may be due."""
    return view.state is LinkState.CONNECTING and mono_ns - view.since_mono_ns < view.period_s * 1e9


def link_source(link_id: str) -> str:
    """The alarm source of a link (`link.1` of `PUMP/1`)."""
    return f"link.{link_id.rpartition('/')[2]}"


def connection_source(connection: str) -> str:
    """The alarm source of a connection, which is the station's (`connection.10.0.0.7:502`)."""
    return f"connection.{connection}"


def connection_sources(connections: Iterable[str]) -> frozenset[str]:
    """The alarm sources of a station whose links have these connections: of those that several share."""
    named = [name for name in connections if name]
    return frozenset(connection_source(name) for name in named if named.count(name) > 1)
