"""argv → desktop program, headless collector, or one of the tools. Imports nothing heavy until it knows which."""

import logging
import sys
from collections.abc import Sequence

from pumpwatch_gui.cli.parser import build_parser
from pumpwatch_gui.domain.errors import InputError, PrerequisiteError, PumpWatchError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 done, 1 failed at run time, 2 wrong usage or input, 4 a prerequisite missing."""
    logging.getLogger("pumpwatch").addHandler(logging.NullHandler())  # a command without a home logs nowhere
    options = build_parser().parse_args(argv)
    try:
        return int(options.run(options))
    except PumpWatchError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.advice:
            print(error.advice, file=sys.stderr)
        return 2 if isinstance(error, InputError) else 4 if isinstance(error, PrerequisiteError) else 1
    except KeyboardInterrupt:
        return 130
