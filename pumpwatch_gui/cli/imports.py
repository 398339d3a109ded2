"""`pumpwatch import`: a recording of another system becomes history of a pump, also while a collector runs."""

import argparse
import sys
import threading
from typing import TYPE_CHECKING

from pumpwatch_gui.cli.format_options import format_choices
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.files.account import user_name
from pumpwatch_gui.files.home import Home, find_home
from pumpwatch_gui.files.owner import Owner, is_held, read_owner, with_door

if TYPE_CHECKING:
    from pumpwatch_gui.commissioning.import_recording import ImportPlan


def import_recording(options: argparse.Namespace) -> int:
    """Print what was understood of the file, and with `--write` take it over."""
    from pumpwatch_gui.commissioning.import_recording import carry_out, plan_import

    home = find_home(options.home)
    site = _site(home, options)
    plan = plan_import(options.file, home, site, options.into, format_choices(options))
    for line in plan.words():
        print(line)
    if not options.write:
        print("nothing was written; give --write to take it over")
        return 0
    holder = read_owner(home.path) if is_held(home.path) else None
    if holder is not None:
        return _by_owner(plan, home, with_door(home.path, holder), around=options.around)
    written = carry_out(plan, home, site, actor=user_name(), around=options.around)
    print(f"{written:,} readings are history of {options.into} now")
    return 0


def _by_owner(plan: "ImportPlan", home: Home, owner: Owner, *, around: bool) -> int:
    """Have the program that has the home take it over."""
    from pumpwatch_gui.commissioning.import_recording import order_import
    from pumpwatch_gui.stations.joined import JoinedStation

    if not owner.door:
        raise InputError(
            f"the home {home.path} is in use by {owner.text}: nothing was written",
            "import in that window: Find (Ctrl+K), Import a recording; or end it first",
        )
    station, stop = JoinedStation(home), threading.Event()
    loops = [threading.Thread(target=run, args=(stop,), name=name) for name, run in station.loops().items()]
    for loop in loops:
        loop.start()
    try:
        print(f"by {owner.text}:", flush=True)
        done = order_import(plan, home, station, actor=user_name(), around=around, progress=_show)
    finally:
        stop.set()
        for loop in loops:
            loop.join()
    print(done.text)
    return 0 if done.ok else 1


def _show(share: float) -> None:
    if sys.stdout.isatty():
        print(f"\r{100 * share:3.0f} % ", end="", flush=True)


def _site(home: Home, options: argparse.Namespace) -> Site:
    from pumpwatch_gui.settings.site_reader import load_site

    site_file = options.site or home.site_file
    if not site_file.is_file():
        raise InputError(f"there is no site file {site_file}", "name it with --site FILE: it says what the pump has")
    return load_site(site_file, keep_backup=False).site
