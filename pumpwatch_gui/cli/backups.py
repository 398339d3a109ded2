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
from pumpwatch_gui.commissioning.viewing import server_secrets, server_settings
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.files.account import user_name
from pumpwatch_gui.files.acts import audited
from pumpwatch_gui.files.backups import total_bytes
from pumpwatch_gui.files.home import Home, find_home

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
    """Put a backup, or what a server has of a station, in a home and say what was restored."""
    home = find_home(options.home)
    if options.server is not None:
        return _restore_station(options, home)
    if options.backup is None or options.station is not None:
        raise InputError("restore of what?", "name the folder of a backup, or --server URL --account NAME --station N")

    def words(done: Restored) -> str:
        return f"{home.path}: {len(done.manifest.files)} files restored of {options.backup}, {done.manifest.span}"

    job = partial(put_back, options.backup, home, replace=options.replace)
    done = audited(home, "restore", user_name(), job, words)
    print(words(done))
    if done.put_aside is not None:
        print(f"what was there before is in {done.put_aside}")
    return 0


def _restore_station(options: argparse.Namespace, home: Home) -> int:
    if options.backup is not None or options.replace:
        raise InputError("a backup or a server, not both", "leave out the folder and --replace, or --server")
    if options.station is None or not 1 <= options.station <= 1023 or options.days < 0:
        raise InputError("which station is meant?", "give --station N (1 to 1023), with --days 0 or more")
    settings = server_settings(options.server, options.auth_url, options.account)
    from pumpwatch_gui.commissioning.backups.from_server import restore_station

    done = restore_station(settings, server_secrets(home), options.station, home, readings_days=options.days,
                           say=lambda text: print(text, file=sys.stderr, flush=True))  # fmt: skip
    print(f"{home.path}: station {options.station} restored from {options.server}")
    for line in done.lines:
        print(f"  {line}")
    for problem in done.problems:
        print(f"site file: {problem}", file=sys.stderr)
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
