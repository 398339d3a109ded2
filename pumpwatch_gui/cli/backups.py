"""Commands that keep a home: a backup of it, the way back, and a look at either."""

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from pumpwatch_gui.cli.display import check_display
from pumpwatch_gui.cli.homes import scratch_home
from pumpwatch_gui.commissioning.backups.making import Backup, back_up, partial_backups
from pumpwatch_gui.commissioning.backups.restoring import Restored
from pumpwatch_gui.commissioning.backups.restoring import restore as put_back
from pumpwatch_gui.commissioning.backups.reviewing import open_review
from pumpwatch_gui.commissioning.export.spans import instant_ns
from pumpwatch_gui.files.account import user_name
from pumpwatch_gui.files.acts import audited
from pumpwatch_gui.files.backups import total_bytes
from pumpwatch_gui.files.home import find_home

if TYPE_CHECKING:
    from pumpwatch_gui.gui.shell.threads import Hosted


def backup(options: argparse.Namespace) -> int:
    """Make a verified backup of a home and print its folder."""
    for left in partial_backups(options.out):
        print(f"caution: {left} is of a backup that runs or was cut off; delete it if none runs", file=sys.stderr)
    home = find_home(options.home)
    made = audited(home, "backup", user_name(), lambda: back_up(home, options.out, site_file=options.site), _made_words)
    for text in made.left_out:
        print(f"not in the backup: {text}", file=sys.stderr)
    print(_made_words(made))
    return 0


def _made_words(made: Backup) -> str:
    files = made.manifest.files
    return f"{made.folder}: {len(files)} files, {total_bytes(files) / 1e6:,.1f} MB, {made.manifest.span}, verified"


def restore(options: argparse.Namespace) -> int:
    """Put a backup in a home and say what was restored."""
    home = find_home(options.home)

    def words(done: Restored) -> str:
        return f"{home.path}: {len(done.manifest.files)} files restored of {options.backup}, {done.manifest.span}"

    job = partial(put_back, options.backup, home, replace=options.replace)
    done = audited(home, "restore", user_name(), job, words)
    print(words(done))
    if done.put_aside is not None:
        print(f"what was there before is in {done.put_aside}")
    return 0


def review(options: argparse.Namespace) -> int:
    """Open the window on the history of a home, a backup or an incident file, read-only."""
    check_display()
    source = options.source or find_home(options.home).path
    elsewhere = argparse.Namespace(**{**vars(options), "home": None})  # logs and layout are not of what is looked at
    with scratch_home(elsewhere) as scratch:
        found = open_review(source, scratch.path, site_file=options.site)
        print(f"site: {found.site.words}", file=sys.stderr)
        for problem in found.site.loaded.problems:
            print(f"site file: {problem}", file=sys.stderr)
        if options.at:
            found.station.turn_to(instant_ns(options.at))
        from pumpwatch_gui.gui.shell.app import run_gui

        def station() -> "Hosted":
            return found.station

        run_gui(station, found.site.loaded, scratch, found.site_file, for_s=options.for_s, picture=options.picture,
                should_stop=options.interrupts.requested.is_set)  # fmt: skip
    return 0
