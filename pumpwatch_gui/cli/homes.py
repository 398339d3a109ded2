"""The home of a run (the one that is asked for, or a scratch one that leaves nothing behind), and simulated pumps."""

import argparse
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pumpwatch_gui.cli.logs import catch_crashes, start_logging
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.files.home import Home, find_home
from pumpwatch_gui.files.owner import is_held
from pumpwatch_gui.settings.simulated import simulated_site


def open_home(home: Home, options: argparse.Namespace) -> Home:
    """Make the home ready and log into it. Raises InputError when it cannot be written."""
    home.prepare()
    if home.restoring.exists():
        advice = "run `pumpwatch restore` again; what was here before it is in its folders before-restore-…"
        raise InputError(f"a restore of {home.path} was cut off, its files are not those of one backup", advice)
    # Two programs must not write one log: each would take the other's file away when it is full.
    name = "joined" if is_held(home.path) else "pumpwatch"
    start_logging(home, name, verbose=options.verbose, as_json=options.log_json)
    catch_crashes(home)
    return home


@contextmanager
def scratch_home(options: argparse.Namespace) -> Iterator[Home]:
    """The home of `--home`, or one that is deleted at the end."""
    if options.home:
        yield open_home(find_home(options.home), options)
        return
    with tempfile.TemporaryDirectory(prefix="pumpwatch-", ignore_cleanup_errors=True) as folder:
        try:
            yield open_home(Home(Path(folder)), options)
        finally:
            root = logging.getLogger("pumpwatch")
            for handler in tuple(root.handlers):
                root.removeHandler(handler)
                handler.close()


@contextmanager
def simulated_pumps(
    options: argparse.Namespace, *, fault: str, speed: float, meanwhile: Callable[[], object] = lambda: None
) -> Iterator[Path]:
    """The site file of the simulated pumps of `--pumps`, with `fault` where `--fault` names none and there are three.

    Not in the home: that of `--home` may hold a site file of its own, and belong to a program that runs.
    """
    faults = options.fault or [fault] * (options.pumps >= 3)
    with (
        tempfile.TemporaryDirectory(prefix="pumpwatch-demo-") as folder,
        simulated_site(Path(folder), pumps=options.pumps, faults=faults, speed=speed, meanwhile=meanwhile) as site_file,
    ):
        yield site_file
