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
            found.append(_checked(alarm_from_json(json.loads(str(text)))))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            log.warning("the open alarm %s cannot be read: %s", alarm_id, error)
    return found


def _checked(alarm: Alarm) -> Alarm:
    """The alarm; raises TypeError when a field is of another type than an alarm's: it would break who reads it."""
    texts = (alarm.alarm_id, alarm.pump_id, alarm.tag, alarm.text, alarm.unit, alarm.by)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text is none")
    if not all(isinstance(at_ns, int) for at_ns in (alarm.raised_ns, alarm.changed_ns)):
        raise TypeError("a time is none")
    return alarm
