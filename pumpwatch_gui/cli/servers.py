"""Commands about the server that stations send to."""

import argparse
from typing import TYPE_CHECKING

from pumpwatch_gui.cli.display import check_display
from pumpwatch_gui.cli.homes import scratch_home
from pumpwatch_gui.commissioning.server_sql import apply_to_server, server_script
from pumpwatch_gui.commissioning.viewing import open_view
from pumpwatch_gui.domain.site import LoadedSite

if TYPE_CHECKING:
    from pumpwatch_gui.gui.shell.threads import Hosted


def server_sql(options: argparse.Namespace) -> int:
    """Print the server side of sync, or apply it and say what is there."""
    if options.apply is None:
        print(server_script(), end="")
        return 0
    for line in apply_to_server(options.apply):
        print(line)
    return 0


def view(options: argparse.Namespace) -> int:
    """Open the window on the stations of a server. What is wrong with it, or with the line, the window says."""
    check_display()
    with scratch_home(options) as home:
        remote = open_view(options.server, options.auth_url, options.account, home)
        from pumpwatch_gui.gui.shell.app import run_gui

        def station() -> "Hosted":
            return remote

        run_gui(station, LoadedSite(remote.site(), ()), home, home.site_file, for_s=options.for_s,
                picture=options.picture, should_stop=options.interrupts.requested.is_set)  # fmt: skip
    return 0
