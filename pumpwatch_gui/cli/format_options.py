"""The options that say how recordings are written, for the commands that read some."""

import argparse

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.values.recording_format import DATE_ORDERS, DECIMALS, SEPARATORS, TIME_UNITS, FormatChoices


def add_format_options(parser: argparse.ArgumentParser) -> None:
    """Add them to a command; what is not given is found in each file."""
    group = parser.add_argument_group("how the recordings are written (found in the files where it is not given)")
    group.add_argument("--separator", default="", metavar="MARK", help=f"{', '.join(SEPARATORS)}, or the character")
    group.add_argument("--decimal", default="", metavar="MARK", help="decimal mark: point or comma")
    group.add_argument("--encoding", default="", metavar="NAME", help="utf-8, utf-16, cp1252 …")
    group.add_argument("--timezone", default="", metavar="ZONE", help="of times without offset: Europe/Berlin, +05:30, "
                       "local (default UTC)")  # fmt: skip
    group.add_argument("--date-order", default="", choices=("", *DATE_ORDERS), metavar="ORDER", help="dmy, mdy or ymd")
    group.add_argument("--time-unit", default="", choices=("", *TIME_UNITS), metavar="UNIT", help="of numeric times: "
                       "s, ms, us, ns since 1970, or days of a spreadsheet")  # fmt: skip
    group.add_argument("--time-column", dest="time_columns", action="append", default=[], metavar="NAME",
                       help="the time column; given twice: the date column and the time column")  # fmt: skip
    group.add_argument("--columns", action="append", default=[], metavar="TAG=NAME,…", help="the columns of tags")
    group.add_argument("--header-line", type=int, default=0, metavar="N", help="the line of the header, from 1")
    group.add_argument("--pump", default="", metavar="ID", help="the pump to read of a file with one value a row")


def format_choices(options: argparse.Namespace) -> FormatChoices:
    """What was given of them. Raises InputError for what is no such choice."""
    columns: list[tuple[str, str]] = []
    for text in options.columns:
        for pair in text.split(","):
            if "=" not in pair and columns:  # a comma within a name
                columns[-1] = (columns[-1][0], f"{columns[-1][1]},{pair}")
                continue
            tag, equals, name = pair.partition("=")
            if not (tag.strip() and equals and name.strip()):
                raise InputError(f"--columns {text}: {pair!r} is not TAG=NAME", "for example --columns motor_rpm=Speed")
            columns.append((tag.strip(), name.strip()))
    try:
        return FormatChoices(
            encoding=options.encoding,
            separator=SEPARATORS.get(options.separator, options.separator.replace("\\t", "\t")),
            decimal=DECIMALS.get(options.decimal, options.decimal),
            date_order=options.date_order,
            time_unit=options.time_unit,
            timezone=options.timezone,
            header_line=options.header_line,
            time_columns=tuple(options.time_columns),
            columns=tuple(columns),
            pump=options.pump,
        )
    except ValueError as error:
        field, _, what = str(error).partition(": ")
        raise InputError(f"--{field.replace('_', '-')}: {what}", "see --help of this command") from error
