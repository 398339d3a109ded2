"""The rows of the last hours: a value is a whole number of steps where it is one, and views give all as values.

A column of the table is called `TAG*STEPS`: an INTEGER in it is the value times STEPS, a REAL the value itself.
"""

from collections.abc import Mapping, Sequence
from math import ceil, log10
from typing import Any, Final, cast

import apsw
import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.store.schema import Value, add_columns, columns, folded, quoted, run

READING_ROWS: Final = "reading_rows"
ROWS_BEFORE: Final = "sensor_readings_v9"
"""Readings of a database of before version 10, until they are archived."""
SCORES_APART: Final = "scores_apart"
"""Scores that have no row in the first table."""
TABLES: Final = (READING_ROWS, ROWS_BEFORE, SCORES_APART)
"""All that have rows by id."""
SCORE_COLUMN: Final = "@score"
"""Of the view `sensor_readings`. No tag begins so."""
SCORE_STEPS: Final = 100
NO_SCORE: Final = -1
STATUS: Final = "status_unless_normal"
"""The column of the machine status: empty for NORMAL. `machine_status` is computed from it."""
FIXED: Final = ("id", STATUS, "uncertain_mask", "bad_mask", "score")
"""The columns that are no sensors, in their order."""
ORIGINAL: Final = 10
"""The sensors that every database has come first."""
STEPS_UNKNOWN: Final = 1000
MOST_DECIMALS: Final = 6
_STEPS: Final = frozenset(str(10**decimals) for decimals in range(MOST_DECIMALS + 1))
_EXACT: Final = float(1 << 53)
_STATUS_WORD: Final = f"CAST(CASE {STATUS} WHEN '' THEN 'NORMAL' ELSE {STATUS} END AS TEXT) AS machine_status"
_SCORE: Final = (
    f"CAST(CASE WHEN score = {NO_SCORE} THEN NULL WHEN typeof(score) = 'integer' THEN score / {SCORE_STEPS}.0 "
    "ELSE score END AS REAL)"
)


def stored_column(name: str, resolution: float | None) -> str:
    """The column of the table for one of the view: its steps are the power of ten below a sensor's resolution."""
    if resolution is None:
        return f"{name}*{STEPS_UNKNOWN}"
    return f"{name}*{10 ** min(MOST_DECIMALS, max(0, ceil(-log10(resolution) - 1e-9)) + 1)}"


def shown_column(stored: str) -> tuple[str, int]:
    """The column of the view and the steps, of a column of the table. Raises ValueError when it gives none."""
    name, _, steps = stored.rpartition("*")
    if steps not in _STEPS:  # of a damaged file: one byte that is broken never makes another of them
        raise ValueError(f"the column {stored} has no steps of a power of ten")
    return name, int(steps)


def stored_columns(connection: apsw.Connection) -> dict[str, str]:
    """The columns of the sensors in the table, by the folded name of those of the view."""
    names = columns(connection, READING_ROWS)[len(FIXED) :]
    return {folded(shown_column(stored)[0]): stored for stored in names}


def cells_of_values(values: NDArray[np.float64], steps: NDArray[np.float64]) -> list[Any]:
    """Values (n,) or (m, n) as they are stored, with the steps (n,) of their columns. NaN stays: it becomes NULL."""
    with np.errstate(invalid="ignore", over="ignore"):  # what is no number of steps
        whole = np.rint(values * steps)
        is_whole = (whole / steps == values) & (np.abs(whole) < _EXACT)
    if is_whole.all():
        return cast(list[Any], whole.astype(np.int64).tolist())
    cells = values.astype(object)
    cells[is_whole] = whole[is_whole].astype(np.int64)
    return cast(list[Any], cells.tolist())


def cell_of_score(score: float) -> Value:
    """A score as the row of its reading holds it."""
    return round(score * SCORE_STEPS) if 0 <= score < _EXACT / SCORE_STEPS else score


def value_of_cell(column: str, steps: int) -> str:
    """The expression that makes the value of a cell."""
    return f"CAST(CASE typeof({column}) WHEN 'integer' THEN {column} / {steps}.0 ELSE {column} END AS REAL)"


def add_sensors(connection: apsw.Connection, names: Sequence[str], resolutions: Mapping[str, float]) -> None:
    """Add columns of sensors that the table does not have; inside a transaction.

    `resolutions` by folded name. Raises SQLError where SQLite takes none.
    """
    every = [*stored_columns(connection), *map(folded, names)]
    if len(set(every)) < len(every):
        raise apsw.SQLError(f"two tags differ in the case of their letters only, one of {', '.join(names)}")
    add_columns(connection, READING_ROWS, [stored_column(n, resolutions.get(folded(n))) for n in names], "ANY")
    show_readings(connection)


def show_readings(connection: apsw.Connection) -> None:
    """Make the view `sensor_readings` of the columns there are; inside a transaction."""
    stored = {folded(name): (name, one, steps) for one in stored_columns(connection).values()
              for name, steps in (shown_column(one),)}  # fmt: skip
    before = {folded(name): name for name in columns(connection, ROWS_BEFORE) if name not in FIXED}
    ours, theirs = list[str](), list[str]()
    for key in dict.fromkeys((*before, *stored)):
        name = stored[key][0] if key in stored else before[key]
        cell = value_of_cell(quoted(stored[key][1]), stored[key][2]) if key in stored else "CAST(NULL AS REAL)"
        ours.append(f"{cell} AS {quoted(name)}")
        theirs.append(quoted(before[key]) if key in before else "CAST(NULL AS REAL)")
    # Both halves have the same affinities, or SQLite would not look into them by id.
    fixed = f"{STATUS}, {_STATUS_WORD}, uncertain_mask, bad_mask"
    # In the order of the table of before, for whoever selects all columns.
    ours = ["id", *ours[:ORIGINAL], fixed, *ours[ORIGINAL:], f"{_SCORE} AS {quoted(SCORE_COLUMN)}"]
    theirs = ["id", *theirs[:ORIGINAL], fixed, *theirs[ORIGINAL:], "CAST(NULL AS REAL)"]
    run(connection, "DROP VIEW IF EXISTS sensor_readings")
    run(connection, f"CREATE VIEW sensor_readings AS SELECT {', '.join(ours)} FROM {READING_ROWS} "
                    f"UNION ALL SELECT {', '.join(theirs)} FROM {ROWS_BEFORE}")  # fmt: skip
    run(connection, "SELECT 1 FROM sensor_readings LIMIT 0")  # raises where it has too many columns
