"""The alarms of lost links: one a link, never one a tag."""

from collections.abc import Collection, Iterable
from math import nan

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, Priority
from pumpwatch_gui.domain.alarms.delays import OnOffDelay
from pumpwatch_gui.domain.links.view import LinkState, LinkView

ON_DELAY_NS = 3 * 10**9
OFF_DELAY_NS = 1 * 10**9


class LinkJudge:
    """Judges the links of one pump, given by their ids (`PUMP/1`). `active` are the sources that were active already.

    A link that is not online for 3 s is lost; online for 1 s it is back. Call it steadily, whatever comes in.
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

    def judge(self, view: LinkView, mono_ns: int) -> AlarmSignal | None:
        """What the state of a link changed, if anything; a link that is not known is passed over."""
        delay = self._delays.get(view.link_id)
        if delay is None:
            return None
        online = view.state is LinkState.ONLINE
        stimulus = delay.update(mono_ns, over=not online, clear=online)
        if stimulus is None:
            return None
        text = f"Link lost: {view.last_error or view.endpoint}"
        return AlarmSignal(link_source(view.link_id), "", Priority.LOW, text, nan, nan, "", stimulus)


def link_source(link_id: str) -> str:
    """The alarm source of a link (`link.1` of `PUMP/1`)."""
    return f"link.{link_id.rpartition('/')[2]}"
