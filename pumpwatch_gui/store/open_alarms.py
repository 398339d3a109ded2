"""The alarms that were not NORMAL at the last commit: a restart takes them up again."""

import json
import logging

import apsw

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.journal import alarm_from_json

log = logging.getLogger("pumpwatch.store")


def open_alarms(connection: apsw.Connection) -> list[Alarm]:
    """The open alarms in the order of their ids. One that cannot be read is logged and left out."""
    found: list[Alarm] = []
    for alarm_id, text in connection.execute("SELECT alarm_id, alarm FROM open_alarms ORDER BY alarm_id").fetchall():
        try:
            found.append(alarm_from_json(json.loads(str(text))))
        except (KeyError, TypeError, ValueError) as error:
            log.warning("the open alarm %s cannot be read: %s", alarm_id, error)
    return found
