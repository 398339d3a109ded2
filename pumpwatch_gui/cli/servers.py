"""Commands about the server that stations send to."""

import argparse

from pumpwatch_gui.commissioning.server_sql import apply_to_server, server_script


def server_sql(options: argparse.Namespace) -> int:
    """Print the server side of sync, or apply it and say what is there."""
    if options.apply is None:
        print(server_script(), end="")
        return 0
    for line in apply_to_server(options.apply):
        print(line)
    return 0
