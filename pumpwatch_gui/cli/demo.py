"""`pumpwatch demo`: simulated pumps in a child process, read through the real driver.

Imports little: the child gets ready while this process loads the rest.
"""

import argparse
import importlib
from dataclasses import replace

from pumpwatch_gui.cli.homes import scratch_home, simulated_pumps

FAULT = "P-103=cavitation@60"


def demo(options: argparse.Namespace) -> int:
    """Watch simulated pumps behind a real Modbus TCP server, in a scratch home unless --home."""

    def load() -> None:
        for module in ("cli.desktop",) if options.headless else ("cli.desktop", "gui.shell.app", "gui.overview.page"):
            importlib.import_module(f"pumpwatch_gui.{module}")

    with (
        scratch_home(options) as home,
        simulated_pumps(options, fault=FAULT, speed=options.speed, meanwhile=load) as site_file,
    ):
        from pumpwatch_gui.cli.desktop import run_loaded
        from pumpwatch_gui.settings.site_reader import load_site

        return run_loaded(replace(load_site(site_file), simulated=True), home, site_file, options, status=True)
