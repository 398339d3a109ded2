"""A register map on the command line: made of a manual's table."""

import argparse
import sys
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError


def from_table(options: argparse.Namespace) -> int:
    """Read a manual's table and write or print the map; every row that is no point is named on standard error."""
    from pumpwatch_gui.commissioning.devices.map_table import BASE_WORDS, Choices, read_table
    from pumpwatch_gui.files.atomic import write_atomic
    from pumpwatch_gui.files.toml_text import read_toml_text
    from pumpwatch_gui.settings.map_file import map_text
    from pumpwatch_gui.settings.profile_file import load_profile

    try:
        text = read_toml_text(options.file)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{options.file} cannot be read: {error}", "give a text file, saved as UTF-8") from error
    profile = load_profile(options.profile, base_dir=Path.cwd())
    table = read_table(text, profile.sensors, Choices(base=options.base, table=options.table))
    print(f"numbers {BASE_WORDS[table.base]}: {table.reason}", file=sys.stderr)
    for remark in table.remarks:
        print(remark, file=sys.stderr)
    for row in table.rows:
        if row.state:
            print(f"line {row.line}: {row.state}", file=sys.stderr)
    print(table.summary, file=sys.stderr)
    if not table.points:
        raise InputError("not one row is a point", "correct what is named, or paste it in the window")
    name = options.out.stem if options.out else options.file.stem
    content = map_text(table.as_map(name, source=options.source or options.file.name, profile=options.profile))
    if options.out is None:
        print(content, end="")
        return 0
    try:
        write_atomic(options.out, content.encode())
    except OSError as error:
        raise InputError(f"{options.out} cannot be written: {error.strerror}", "check the path") from error
    print(options.out)
    return 0
