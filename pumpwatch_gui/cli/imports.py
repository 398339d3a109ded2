"""`pumpwatch import`: a recording of another system becomes history of a pump."""

import argparse

from pumpwatch_gui.cli.format_options import format_choices
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.files.account import user_name
from pumpwatch_gui.files.home import Home, find_home


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
    written = carry_out(plan, home, site, actor=user_name(), around=options.around)
    print(f"{written:,} readings are history of {options.into} now")
    return 0


def _site(home: Home, options: argparse.Namespace) -> Site:
    from pumpwatch_gui.settings.site_reader import load_site

    site_file = options.site or home.site_file
    if not site_file.is_file():
        raise InputError(f"there is no site file {site_file}", "name it with --site FILE: it says what the pump has")
    return load_site(site_file, keep_backup=False).site
