"""Cases of recordings: one pump in many dresses, scored by the shipped model."""

import csv
import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from tests.cases.case import ALL, ROOT, Case, pumpwatch

MODEL = ROOT / "models" / "centrifugal"
USUAL = (1480.0, 65.0, 4.2, 2.3, 1450.0, 1.8, 6.5, 27.5, 58.0, 22.5)
UNITS = ("rpm", "degC", "bar", "mm/s", "L/min", "bar", "bar", "A", "degC", "degC")


def rows_of(count: int = 300) -> list[tuple[datetime, list[float]]]:
    """A pump that runs, and hardly changes."""
    start = datetime(2025, 3, 20)
    return [
        (start + timedelta(seconds=i), [x * (1 + 0.004 * math.sin(i / 7 + j)) for j, x in enumerate(USUAL)])
        for i in range(count)
    ]


def sheet(
    separator: str = ",",
    decimal: str = ".",
    stamp: Callable[[datetime], str] = datetime.isoformat,
    *,
    names: str = "timestamp",
    before: str = "",
    units: bool = False,
    rows: Sequence[tuple[datetime, list[float]]] | None = None,
) -> str:
    """A recording in some dress."""
    lines = [before + separator.join((*names.split("|"), *ALL))]
    for at, values in rows or rows_of():
        cells = [f"{v:.3f}".replace(".", decimal) + f" {u}" * units for v, u in zip(values, UNITS, strict=True)]
        lines.append(separator.join((*stamp(at).split("|"), *cells)))
    return "\n".join(lines) + "\n"


def recording(
    text: Callable[[], str], *, encoding: str = "utf-8", rows: int = 300, refused: str = ""
) -> Callable[[Path], tuple[str, bool]]:
    """A case of a recording: all its rows scored with numbers and times of 2025, or refused with these words."""

    def play(folder: Path) -> tuple[str, bool]:
        source, out = folder / "pump.csv", folder / "out.csv"
        source.write_text(text(), encoding)
        found = pumpwatch(folder, "score", "--model", str(MODEL), "--out", str(out), str(source))
        said = " ".join((found.stdout + found.stderr).split())
        if refused:
            return said[-160:], found.returncode == 2 and refused in said
        if found.returncode or not out.exists():
            return f"exit {found.returncode}: {said[:150]}", False
        with out.open(encoding="utf-8") as lines:
            scored = list(csv.DictReader(lines))
        right = len(scored) == rows and any(r["score"] not in ("", "nan") for r in scored)
        return said[-120:], right and scored[0]["timestamp"].startswith("2025-03-")

    return play


def minute(at: datetime) -> str:
    """A stamp without seconds."""
    return at.strftime("%Y-%m-%dT%H:%M")


RECORDINGS = (
    Case("20", "decimal commas: 300 empty scores, not a word", recording(lambda: sheet(";", ","))),
    Case("21", "21 cells under 11 names passed as values", recording(lambda: sheet(",", ","), refused="cells")),
    Case("22", "milliseconds: the year 2252", recording(lambda: sheet(stamp=lambda t: f"{t.timestamp() * 1e3:.0f}"))),
    Case("23", "newest row first: 1 row of 300", recording(lambda: sheet(rows=rows_of()[::-1]))),
    Case("24", "first line 'sep=;': no time column", recording(lambda: sheet(";", before="sep=;\n"))),
    Case("25", "two title lines: no time column", recording(lambda: sheet(before="Trend export\nStation North\n\n"))),
    Case(
        "26", "day first: no readable time", recording(lambda: sheet(stamp=lambda t: t.strftime("%d.%m.%Y %H:%M:%S")))
    ),
    Case(
        "27",
        "date and time apart: no time column",
        recording(lambda: sheet(stamp=lambda t: t.strftime("%Y-%m-%d|%H:%M:%S"), names="Date|Time")),
    ),
    Case("28", "tabs: no time column", recording(lambda: sheet("\t"))),
    Case(
        "29",
        "AM and PM: no readable time",
        recording(lambda: sheet(stamp=lambda t: t.strftime("%m/%d/%Y %I:%M:%S %p"))),
    ),
    Case(
        "2a",
        "stamps to the minute: 10 rows of 600",
        recording(lambda: sheet(stamp=minute, rows=rows_of(600)), rows=600),
    ),
    Case("2b", "UTF-16: the message of a codec", recording(lambda: sheet("\t"), encoding="utf-16")),
    Case("2c", "units in the cells: 600 empty scores", recording(lambda: sheet(units=True))),
)
