"""Reading the maintenance events."""

import logging
from typing import Any

import apsw

from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent, by_risk
from pumpwatch_gui.store.maintenance import COLUMNS, event_of_row

log = logging.getLogger("pumpwatch.store")

_READ = f"SELECT {', '.join(COLUMNS)} FROM maintenance_events"


def read_maintenance(connection: apsw.Connection, resolved: int) -> list[MaintenanceEvent]:
    """Every open event and the newest `resolved` of the others, by risk. A row that is none is logged and left out."""
    rows: list[Any] = connection.execute(f"{_READ} WHERE resolved = 0").fetchall()
    newest = f"{_READ} WHERE resolved = 1 ORDER BY resolved_at_ns DESC, id DESC LIMIT ?"
    rows += connection.execute(newest, (resolved,)).fetchall()
    found: list[MaintenanceEvent] = []
    for values in rows:
        try:
            found.append(event_of_row(dict(zip(COLUMNS, values, strict=True))))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            log.warning("the maintenance event %s cannot be read: %s", values[0], error)
    return list(by_risk(found))
