"""A report as values: what screen, paper and workbook show of it is the same to the last digit."""

from dataclasses import dataclass, field
from enum import Enum
from math import isfinite

from pumpwatch_gui.domain.wording import number, unit_text

MISSING = "—"


class CellKind(Enum):
    """What the cells of a column are: text, a number (float, NaN for none) or a time (Unix ns, 0 for none)."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """A column of a table. `decimals`: None for no more than a number needs, two at most.

    `has_sign`: a difference, shown with its sign. `share`: its part of the width on paper.
    """

    title: str
    unit: str = ""
    kind: CellKind = CellKind.TEXT
    decimals: int | None = 0
    has_sign: bool = False
    share: float = 1.0


Cell = str | float | int


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table with its heading. `empty` is said where it has no row; `total` is a last row, () for none.

    `notes` are the footnotes below it. On paper at most `printed` rows are shown; a workbook has all.
    """

    name: str
    columns: tuple[ReportColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "None."
    total: tuple[Cell, ...] = ()
    notes: tuple[str, ...] = ()
    printed: int = 400

    def __post_init__(self) -> None:
        """Check that each row is as wide as the head. Raises ValueError."""
        if any(len(row) != len(self.columns) for row in (*self.rows, *((self.total,) if self.total else ()))):
            raise ValueError(f"{self.name}: a row is not as wide as the head")


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure of the first page: its value with unit, and what it was in the period before."""

    label: str
    value: float
    unit: str
    decimals: int
    before: float

    @property
    def text(self) -> str:
        """The value, `—` for none."""
        return cell_number(self.value, self.decimals)

    @property
    def change(self) -> str:
        """The difference to the period before, in per cent of it; "" where one of both is missing."""
        if not (isfinite(self.value) and isfinite(self.before)) or self.before <= 0:
            return ""
        return cell_number(100.0 * (self.value / self.before - 1.0), 1, has_sign=True) + "\u00a0%"


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report. `charts` are SVG pictures with what they show in words; `logo` is the site's, "" for none."""

    title: str
    station: str
    period: str
    file_name: str
    is_preliminary: bool
    facts: tuple[tuple[str, str], ...]
    summary: tuple[str, ...]
    tiles: tuple[Tile, ...]
    tables: tuple[ReportTable, ...]
    charts: tuple[tuple[str, str], ...] = ()
    definitions: tuple[tuple[str, str], ...] = field(default_factory=tuple)
    logo: str = ""


def cell_number(value: float, decimals: int | None, *, has_sign: bool = False) -> str:
    """A number as a report shows it: `—` for none, a true minus, a plus where `has_sign`."""
    if not isfinite(value):
        return MISSING
    text = number(value, 2 if decimals is None else decimals).replace("-", "\u2212")
    if decimals is None:
        text = text.rstrip("0").rstrip(".")
    return f"+{text}" if has_sign and value > 0 and text.strip("0.,") else text


def head(column: ReportColumn) -> str:
    """The head of a column with its unit."""
    return f"{column.title}, {unit_text(column.unit)}" if column.unit else column.title
