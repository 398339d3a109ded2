"""Which table a row is of, by its values: the schema that would say it may be what is broken."""

import re
from functools import lru_cache
from typing import Final

from pumpwatch_gui.store.ids import LAST_NUMBER
from pumpwatch_gui.store.reading_rows import READING_ROWS, ROWS_BEFORE, SCORES_APART
from pumpwatch_gui.store.salvage.records import Record

SCHEMA: Final = "sqlite_schema"
SMALL: Final = ("pumps", "layouts", "detection_models", "meta", SCHEMA)
"""What the big tables need to be understood."""
_SHAPES: tuple[tuple[str, str], ...] = (
    (READING_ROWS, r"ntii[if][nif]{10,}"),
    (ROWS_BEFORE, r"n[nif]{10}tii[nif]*"),
    (SCORES_APART, r"n[if]"),
    ("counters", r"n[if]i[if][if]i"),
    ("anomaly_windows", r"nii[if]b[nif]?"),
    ("archive_chunks", r"nitiiiiib"),
    ("archive_rollups", r"nitiib"),
    ("anomaly_detections_v2", r"nii[if][if]ttt[if]tt"),
    ("journal", r"nitttttt"),
    ("audit_log", r"nitttitb"),
    ("episode_feedback", r"ntiittt"),
    ("maintenance_events", r"ntitt[nt][nif][nif][nt]i[ni][nt]ti([nt]{7}[ni][nt][nif][nt]{2}([ni]{2}[nif])?)?"),
    ("pumps", r"nttt"),
    ("detection_models", r"ntt[if]"),
    ("layouts", r"iit"),
    ("meta", r"tt"),
    (SCHEMA, r"tttit"),
)
"""The tables are STRICT, so a column has one kind (an integer in a REAL column is stored as one)."""
TABLES: Final = tuple(name for name, _ in _SHAPES if name not in SMALL)
_WITHOUT_ROWID = ("layouts", "meta", SCHEMA)
LONGEST_ID: Final = 1 << 53
"""What a rowid of ours stays below until 2089."""


def table_of(record: Record) -> str | None:
    """The table of a row; None when it is of none (an index, a broken one)."""
    table = _by_kinds(record.kinds)
    if table is None:
        return None
    if table == SCHEMA:
        return table if record.values[0] == "table" else None
    if table in _WITHOUT_ROWID:
        return table if not record.rowid else None
    last = LAST_NUMBER if table in SMALL else LONGEST_ID
    return table if 0 < record.rowid <= last else None


def is_of(table: str, kinds: str) -> bool:
    """Whether values of these kinds (n i f t b, one letter each) make a row of the table."""
    return _by_kinds(kinds) == table


@lru_cache(maxsize=1024)
def _by_kinds(kinds: str) -> str | None:
    return next((table for table, pattern in _SHAPES if re.fullmatch(pattern, kinds)), None)
