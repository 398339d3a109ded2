"""argv → desktop program, headless collector, or one of the tools. Imports nothing heavy until it knows which."""

import argparse
import errno
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from pumpwatch_gui.cli.display import has_display, is_reachable
from pumpwatch_gui.cli.interrupts import Interrupts
from pumpwatch_gui.cli.parser import build_parser
from pumpwatch_gui.cli.side_streams import side_streams
from pumpwatch_gui.domain.errors import InputError, PrerequisiteError, PumpWatchError

log = logging.getLogger("pumpwatch")

_OF_THE_PATH = (errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP)
"""Errors of the system that are of the path that was named, not of the disk."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 done, 1 failed at run time, 2 wrong usage or input, 4 a prerequisite missing."""
    log.addHandler(logging.NullHandler())  # a command without a home logs nowhere
    options = build_parser().parse_args(argv)
    if options.windowed:  # it runs until a person ends it: from here on a signal only sets a flag
        options.interrupts = Interrupts()
    try:
        with side_streams() if options.windowed else nullcontext():
            return int(options.run(options))
    except BrokenPipeError:  # `pumpwatch check | head -1`: the rest has no reader
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except PumpWatchError as error:
        return _fail(error, options)
    except OSError as error:
        if error.filename is None:  # of no file: a bug
            raise
        log.exception("a file cannot be used")
        kind = InputError if error.errno in _OF_THE_PATH else PumpWatchError
        text = f"{os.fsdecode(error.filename)}: {error.strerror}" if error.errno else str(error)
        return _fail(kind(text, "check the path, its permissions and the disk"), options)
    except KeyboardInterrupt:
        return 130


def _fail(error: PumpWatchError, options: argparse.Namespace) -> int:
    """Tell what went wrong, where the user looks; the exit code."""
    print(f"error: {error.message}", file=sys.stderr)
    if error.advice:
        print(error.advice, file=sys.stderr)
    if options.windowed and not getattr(options, "headless", False) and _sees_no_terminal():
        from pumpwatch_gui.gui.shell.trouble import show_trouble

        show_trouble(error.message, error.advice)
    return 2 if isinstance(error, InputError) else 4 if isinstance(error, PrerequisiteError) else 1


def _sees_no_terminal() -> bool:
    """Whether a person started this from an icon: there is a screen, and standard error is read by no one."""
    return (
        has_display()
        and is_reachable()
        and os.environ.get("QT_QPA_PLATFORM", "xcb") not in ("offscreen", "minimal")
        and not (sys.stderr is not None and sys.stderr.isatty())
    )
