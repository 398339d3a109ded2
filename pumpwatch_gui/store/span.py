"""From when to when a history has readings, as rows and in the archive."""

from dataclasses import dataclass
from typing import Any

import apsw

from pumpwatch_gui.store.archive.rows import TIME
from pumpwatch_gui.store.ids import time_ns


@dataclass(frozen=True, slots=True)
class ReadingSpan:
    """When the first and the last reading of a history were taken (Unix UTC ns); 0 where there is none."""

    first_ns: int = 0
    last_ns: int = 0


def reading_span(connection: apsw.Connection) -> ReadingSpan:
    """The span of all pumps, by a few looks into the indices; also of a database from before the archive."""
    ends = ("ORDER BY id LIMIT 1", "ORDER BY id DESC LIMIT 1")
    keys: list[Any] = [connection.execute(f"SELECT id FROM sensor_readings {end}").get for end in ends]
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'archive_chunks'").get is not None:
        chunk = "FROM archive_chunks WHERE pump_number = ? AND series = ? ORDER BY day"
        for (number,) in connection.execute("SELECT pump_number FROM pumps").fetchall():
            keys.append(connection.execute(f"SELECT first_id {chunk} LIMIT 1", (number, TIME)).get)
            keys.append(connection.execute(f"SELECT last_id {chunk} DESC LIMIT 1", (number, TIME)).get)
    times = [time_ns(int(key)) for key in keys if key is not None]
    return ReadingSpan(min(times), max(times)) if times else ReadingSpan()
