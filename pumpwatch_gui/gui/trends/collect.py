"""Live and history of every pen as one curve."""

from collections.abc import Mapping, Sequence

from pumpwatch_gui.domain.alarms.rule_places import sensor_of
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.values.readings import SCORE_TAG
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.gui.look.time_view import TimeView
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.trends.history_reader import HistoryReader
from pumpwatch_gui.gui.trends.pens import Pen
from pumpwatch_gui.gui.trends.points import Points, joined, of_trace


def collect(
    reader: HistoryReader, context: PageContext, pens: Sequence[Pen], view: TimeView, *, is_seen: bool
) -> dict[tuple[str, str, float], Points]:
    """What is in memory and what was read of each pen, by its key, in the units that are shown.

    The reader is asked for what a view misses that is seen: a page that no one looks at reads nothing.
    """
    traces: dict[str, Trace] = {}
    # What a replay has in memory ends at the time on show, and its history goes on.
    for pump_id in {pen.pump_id for pen in pens} if context.station.latest().replay is None else ():
        try:
            traces[pump_id] = context.station.trace(pump_id, view.start_s - view.length_s / 500)
        except KeyError:
            continue  # not in the site
    live_from_s = {pump_id: float(trace.time_s[0]) for pump_id, trace in traces.items() if trace.time_s.size}
    if is_seen:
        reader.want(pens, view, live_from_s)
    site, units, found = context.station.site(), context.units, dict[tuple[str, str, float], Points]()
    for pen in pens:
        pump = site.pump(pen.pump_id)
        points = _points(reader, pump, pen, traces)
        sensor = sensor_of(pump.profile, pen.tag) if pump is not None else None
        found[pen.key] = points if sensor is None else points.converted(units.of(sensor))
    return found


def _points(reader: HistoryReader, settings: PumpSettings | None, pen: Pen, traces: Mapping[str, Trace]) -> Points:
    older, trace = reader.points(pen), traces.get(pen.pump_id)
    if pen.shift_s or settings is None or trace is None or not trace.time_s.size:
        return older
    tags, width = settings.profile.quantity_tags, trace.values.shape[1]
    column = -1 if pen.tag == SCORE_TAG else tags.index(pen.tag) if pen.tag in tags else width
    return joined(older, of_trace(trace, column)) if column < width else older
