"""What goes when the history exceeds its budget: the oldest days of readings and detections, then minutes, hours."""

from dataclasses import dataclass
from typing import Final

import apsw

from pumpwatch_gui.store.archive.chunks import DAY_MS
from pumpwatch_gui.store.ids import EPOCH_MS, NUMBER_BITS
from pumpwatch_gui.store.schema import run, transaction

RAW_DAYS: Final = 7
"""Raw readings of so many days are never deleted: the models learn from them."""
DAY_S: Final = 86_400
_OLDEST_DAY = "SELECT min(day) FROM archive_chunks WHERE series = '@time'"
DELETED_AT_ONCE: Final = 2_500
_OLDEST_WINDOW = "SELECT id FROM anomaly_windows ORDER BY id LIMIT 1"
_OLDEST_ROLLUP = "SELECT min(period) FROM archive_rollups WHERE step_s = ?"


@dataclass(frozen=True, slots=True)
class Doomed:
    """What is deleted next: `what` in words, and from when on it is (days since 2020, that of the first period)."""

    what: str
    day: int

    @property
    def time_ns(self) -> int:
        """Its first instant (Unix UTC)."""
        return (self.day * DAY_S * 1000 + EPOCH_MS) * 1_000_000


def oldest_raw_day(connection: apsw.Connection) -> int | None:
    """The day (since 2020) of the oldest readings in the archive; None while there are none."""
    day = connection.execute(_OLDEST_DAY).get
    return None if day is None else int(str(day))


def oldest_raw_ns(connection: apsw.Connection) -> int:
    """The start of that day (Unix UTC); 0 while there are none."""
    day = oldest_raw_day(connection)
    return 0 if day is None else Doomed("readings", day).time_ns


def is_left_of(connection: apsw.Connection, gone: Doomed) -> bool:
    """Whether there still are readings or detections of a day of which some were deleted."""
    return gone.what in ("readings", "detections") and _oldest_day(connection) == gone.day


def delete_oldest(connection: apsw.Connection, today: int) -> Doomed | None:
    """Delete the oldest that may go: of a day some detections or the readings of one pump, or the rollups of a period.

    One short transaction. Returns what it was, None when there is nothing that may go.
    """
    day = _oldest_day(connection)
    if day is not None and day < today - RAW_DAYS:
        window_day = _oldest_window_day(connection)
        if window_day is not None and window_day <= day:  # without its reading a detection says little
            _delete_windows(connection, day)
            return Doomed("detections", day)
        sql = "SELECT pump_number FROM archive_chunks WHERE series = '@time' AND day = ? LIMIT 1"
        number = int(str(connection.execute(sql, (day,)).get))
        with transaction(connection):
            run(connection, "DELETE FROM archive_chunks WHERE pump_number = ? AND day = ?", (number, day))
        return Doomed("readings", day)
    for step_s, what, days in ((60, "minutes", 1), (3600, "hours", 32)):
        period = connection.execute(_OLDEST_ROLLUP, (step_s,)).get
        if period is not None and (int(str(period)) + 1) * days < today - RAW_DAYS:
            with transaction(connection):
                run(connection, "DELETE FROM archive_rollups WHERE step_s = ? AND period = ?", (step_s, period))
            return Doomed(what, int(str(period)) * days)
    return None


def _oldest_day(connection: apsw.Connection) -> int | None:
    """The day (since 2020) of the oldest readings in the archive or detections."""
    days = [day for day in (oldest_raw_day(connection), _oldest_window_day(connection)) if day is not None]
    return min(days, default=None)


def _oldest_window_day(connection: apsw.Connection) -> int | None:
    key = connection.execute(_OLDEST_WINDOW).get
    return None if key is None else (int(str(key)) >> NUMBER_BITS) // DAY_MS


def _delete_windows(connection: apsw.Connection, day: int) -> None:
    """Delete some detections of up to the end of a day."""
    end = (day + 1) * DAY_MS << NUMBER_BITS
    with transaction(connection):
        sql = "SELECT id FROM anomaly_windows ORDER BY id LIMIT 1 OFFSET ?"
        key = connection.execute(sql, (DELETED_AT_ONCE,)).get
        upto = end if key is None else min(end, int(str(key)))
        run(connection, "DELETE FROM anomaly_windows WHERE id < ?", (upto,))
