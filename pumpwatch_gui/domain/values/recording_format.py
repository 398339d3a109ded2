"""How a recording is written: what a person chooses, and what the reader understood."""

from dataclasses import dataclass

BLANKS = " "
"""Cells are apart by runs of blanks or tabs; then none can be empty."""
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "blanks": BLANKS}
DECIMALS = {"point": ".", "comma": ","}
DATE_ORDERS = {"ymd": "year-month-day", "dmy": "day-month-year", "mdy": "month-day-year"}
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "days": 86_400.0}
"""Seconds in a unit of numeric times; `days` are the serial days of spreadsheets, counted from 1899-12-30."""


@dataclass(frozen=True, slots=True)
class FormatChoices:
    """What is chosen instead of found; an empty choice is found in the file itself.

    `separator` and `decimal` are one character. `header_line` counts from 1. `time_columns` are the names of the time
    column, or of the date and the time column. `columns` are (tag, name of its column). `pump` is the one to read of a
    long recording of several. `timezone` is an IANA name, `UTC`, `local` or an offset such as `+05:30`, and holds for
    times that carry no offset of their own. Raises ValueError (`field: what is wrong`) for what is no such choice.
    """

    encoding: str = ""
    separator: str = ""
    decimal: str = ""
    date_order: str = ""
    time_unit: str = ""
    timezone: str = ""
    header_line: int = 0
    time_columns: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    pump: str = ""

    def __post_init__(self) -> None:
        """Check what can be checked without the file."""
        for name, known in (("decimal", DECIMALS.values()), ("date_order", DATE_ORDERS), ("time_unit", TIME_UNITS)):
            value = getattr(self, name)
            if value and value not in known:
                raise ValueError(f"{name}: {value!r} is not one of {', '.join(known)}")
        if len(self.separator) > 1:
            raise ValueError(f"separator: {self.separator!r} is not one character")
        if self.separator and self.separator == self.decimal:
            raise ValueError("separator: it is the decimal mark as well")
        if self.encoding:
            try:
                "".encode(self.encoding)
            except LookupError:
                raise ValueError(f"encoding: {self.encoding!r} is not known (utf-8, utf-16, cp1252 …)") from None


@dataclass(frozen=True, slots=True)
class Understanding:
    """How the reader understood a recording; the names of columns as they are in the file.

    `columns` are (tag, name). `times` says how times are written, `timezone` which zone they were taken in, "" when
    each carries its own or they are counted in UTC. `is_long`: a row holds one value of one sensor.
    """

    encoding: str
    separator: str
    decimal: str
    header_line: int
    time_columns: tuple[str, ...]
    times: str
    timezone: str
    columns: tuple[tuple[str, str], ...]
    unused: tuple[str, ...] = ()
    is_long: bool = False

    def words(self) -> str:
        """One line for people."""
        separator = next((word for word, mark in SEPARATORS.items() if mark == self.separator), repr(self.separator))
        decimal = "decimal comma" if self.decimal == "," else "decimal point"
        zone = f" in {self.timezone}" if self.timezone else ""
        form = (
            f"one value a row, {len(self.columns)} sensors" if self.is_long else f"{len(self.columns)} sensor columns"
        )
        return (
            f"{self.encoding}, {separator} between cells, {decimal}, header in line {self.header_line}, "
            f"times in {' and '.join(self.time_columns)} ({self.times}{zone}), {form}"
        )
