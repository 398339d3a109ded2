"""An incident file of what a server has of a station: taken into a database of its own, and written from that."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.incident import Incident, IncidentSpan
from pumpwatch_gui.stations.remote.names import Names
from pumpwatch_gui.stations.remote.rows import detection_row, journal_row, maintenance_event, reading_rows
from pumpwatch_gui.store.incident import BEFORE_NS
from pumpwatch_gui.store.layout import series_of
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.query.recorded import profile_of
from pumpwatch_gui.store.restoring import NewHistory, as_stored

if TYPE_CHECKING:
    from pumpwatch_gui.stations.remote.history import RemoteHistory

MOST_EVENTS: Final = 1_000_000
PAGE: Final = 5_000


def incident_of_server(
    server: "RemoteHistory", path: Path, span: IncidentSpan, *, cancelled: Callable[[], bool]
) -> Incident:
    """Write an incident file as the port says; in it pumps have the ids that they have at their station.

    Raises InputError for pumps of several stations, and where the station has sent no readings of the span.
    """
    places = {pump_id: server.names.split(pump_id) for pump_id in span.pump_ids}
    stations = {place[0] for place in places.values() if place is not None}
    if unknown := [pump_id for pump_id, place in places.items() if place is None]:
        raise InputError(f"the server has no pump {', '.join(unknown)}", "choose pumps that are shown here")
    if not stations:
        raise InputError("no pump is named", "choose pumps that are shown here")
    if len(stations) != 1:
        raise InputError("an incident file is of one station", "choose pumps of one station")
    own = IncidentSpan(tuple(place[1] for place in places.values() if place), span.start_ns, span.end_ns)
    with tempfile.TemporaryDirectory(prefix="pumpwatch-incident-") as folder:
        database = Path(folder) / "taken.db"
        (station,) = stations
        with NewHistory.at(database, station) as made:
            for _ in _taken(server, made, station, own):
                if cancelled():
                    raise InputError("the incident file was cancelled; nothing is left of it")
        return History(database).write_incident(path, own, cancelled=cancelled)


def _taken(server: "RemoteHistory", made: NewHistory, station: int, span: IncidentSpan) -> Iterator[None]:
    """Take what the file is made of, piece by piece."""
    names = Names({station: server.names.stations[station]})
    made.site(names.stations[station], time.time_ns(), span.pump_ids)
    for row in server.ask("view_pumps", {}):
        if row["station_id"] != station or row["pump_id"] not in span.pump_ids:
            continue
        profile, place = profile_of(row["profile"]), (station, row["pump_id"])
        made.pump(row["pump_number"], row["pump_id"], row["name"], row["profile"], profile.tags)
        series, start_ns = [series_of(tag) for tag in profile.tags], max(0, span.start_ns - BEFORE_NS)
        for page in server.pages("view_readings", place, start_ns, span.end_ns + 1_000_000):
            made.readings(row["pump_number"], reading_rows(page, series))
            yield
        for page in server.pages("view_detections", place, start_ns, span.end_ns + 1_000_000):
            made.detections([detection_row(one) for one in page], profile)
            yield
    # All lines: of before it which alarms were open, of after it what was noted about it.
    asked: dict[str, object] = {"station": station, "most": PAGE}
    while lines := server.ask("view_journal", asked):
        made.journal([as_stored(journal_row(line, names)) for line in lines])
        asked |= {"before_ns": lines[-1][1], "before_key": lines[-1][0]}
        yield
    work = [row for row in server.ask("view_maintenance", {"most": MOST_EVENTS}) if row["station_id"] == station]
    made.maintenance([(int(row["id"]), maintenance_event(row, names)) for row in work])
