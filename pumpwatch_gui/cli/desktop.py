"""Commands that run the station: with a window, headless, or for a picture."""

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pumpwatch_gui.cli.display import check_display, has_display
from pumpwatch_gui.cli.gateway import add_gateway
from pumpwatch_gui.cli.headless import Usage, check_summary, run_headless, status_line, write_summary
from pumpwatch_gui.cli.homes import open_home, scratch_home, simulated_pumps
from pumpwatch_gui.domain.commands import Order, Record
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.site import LoadedSite, Site
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.engine.recorder import Recorder
from pumpwatch_gui.files.home import Home, find_home
from pumpwatch_gui.files.owner import COLLECTOR, HomeLock, Owner, held, in_use, with_door
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.stations.joined import JoinedStation
from pumpwatch_gui.stations.server import StationServer

if TYPE_CHECKING:
    from pumpwatch_gui.gui.shell.threads import Hosted

log = logging.getLogger("pumpwatch")


def open_last_site(options: argparse.Namespace) -> int:
    """The desktop program with the home's own site; without one, the first-run page."""
    home = open_home(find_home(options.home), options)
    loaded = load_site(home.site_file) if home.site_file.exists() else LoadedSite(Site(folder=home.path), ())
    return _window(loaded, home, home.site_file, options)


def run_site(options: argparse.Namespace) -> int:
    """A site file, in the desktop program or headless."""
    home = open_home(find_home(options.home), options)
    loaded = load_site(options.site)
    return run_loaded(loaded, home, options.site.resolve(), options, status=options.verbose)


def screenshots(options: argparse.Namespace) -> int:
    """Every page as a PNG, from a running station."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        width, height = (int(x) for x in options.size.lower().split("x"))
    except ValueError as error:
        raise InputError(f"--size {options.size} is not WxH", "for example --size 1920x1080") from error
    from pumpwatch_gui.gui.shell.app import picture_pages

    def pictures(site_file: Path, home: Home) -> list[Path]:
        with held(home.path, "maker of screenshots", site_file=site_file):
            engine = Engine(load_site(site_file).site, home, site_file=site_file)
            return picture_pages(engine, home, site_file, out=options.out, theme=options.theme, size=(width, height),
                                 after_s=options.after, simulated=options.site is None)  # fmt: skip

    with scratch_home(options) as home:
        if options.site is not None:
            paths = pictures(options.site, home)
        else:
            with simulated_pumps(options, fault="P-103=cavitation@10", speed=1.0) as site_file:
                paths = pictures(site_file, home)
    for path in paths:
        print(path)
    return 0


def run_loaded(loaded: LoadedSite, home: Home, site_file: Path, options: argparse.Namespace, *, status: bool) -> int:
    """Run what was loaded: with a window, or headless when that is asked for. Returns the exit code.

    Raises InputError when the summary cannot be written: before the run if that shows by then, else at its end.
    """
    _report_mistakes(loaded)
    if options.headless and not loaded.site.pumps:
        raise InputError(f"{site_file} has no pump that can be watched", "correct what is named, and check it again")
    if options.summary is not None:
        check_summary(options.summary)
    if not options.headless:
        show = _window if has_display() else _without_display
        return show(loaded, home, site_file, options)
    with held(home.path, COLLECTOR, site_file=site_file) as lock:
        engine = _engine(loaded.site, home, site_file, options)
        door = StationServer(engine, lock, home.path)
        try:
            code = run_headless(engine, door, options.interrupts, for_s=options.for_s, summary=options.summary,
                                status=status)  # fmt: skip
        finally:  # an InputError is of the summary: the run itself has come to its end
            home.ended()
    return _end(code, engine)


def _window(loaded: LoadedSite, home: Home, site_file: Path, options: argparse.Namespace) -> int:
    check_display()
    return _show(loaded, home, site_file, options, None, None)


def _without_display(loaded: LoadedSite, home: Home, site_file: Path, options: argparse.Namespace) -> int:
    """No screen: the same program with an offscreen window, a status line a second, and a picture at the end."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    print("no display: running with an offscreen window, Ctrl-C ends it", flush=True)
    folder = home.path if options.home else Path(tempfile.mkdtemp(prefix="pumpwatch-picture-"))
    picture = folder / "window.png"
    code = _show(loaded, home, site_file, options, lambda view: print(status_line(view), flush=True), picture)
    print(f"picture: {picture}")
    return code


def _show(
    loaded: LoadedSite,
    home: Home,
    site_file: Path,
    options: argparse.Namespace,
    status: Callable[[StationView], None] | None,
    picture: Path | None,
) -> int:
    from pumpwatch_gui.gui.shell.app import run_gui

    usage, made, had = Usage(), list[Engine](), list[HomeLock]()
    summary: Path | None = getattr(options, "summary", None)

    def station() -> "Hosted":
        lock = HomeLock(home.path, "window", site_file=site_file)
        if lock.holder is not None:
            return _joined(home, lock.holder, options)
        had.append(lock)
        made.append(_engine(loaded.site, home, site_file, options))
        return made[0]

    try:
        ended = run_gui(station, loaded, home, site_file, should_stop=options.interrupts.requested.is_set,
                        for_s=getattr(options, "for_s", None), status=status, picture=picture)  # fmt: skip
        if not made:
            return 0
        home.ended()
        if summary is not None:
            write_summary(made[0], summary, usage, exit_reason=options.interrupts.name or "window closed")
    finally:
        for lock in had:
            lock.release()
    return _end(0, made[0], all_ended=ended)


def _joined(home: Home, holder: Owner, options: argparse.Namespace) -> "Hosted":
    """The station of the collector that has the home. Raises InputError when that is not what was asked for."""
    holder = with_door(home.path, holder)
    if not holder.door:
        raise in_use(home.path, holder)
    asked: Path | None = getattr(options, "site", None)
    if asked is not None and asked.resolve() != Path(holder.site_file):
        text = f"{holder.text}, watches {holder.site_file}, not {asked}"
        raise InputError(text, "start the window without --site, or give it a home of its own with --home DIR")
    for name, value in (("--record", "record"), ("--summary", "summary")):
        if getattr(options, value, None) is not None:
            raise InputError(f"{name}: {holder.text}, does the recording", f"give {name} to the collector")
    return JoinedStation(home)


def _end(code: int, engine: Engine, *, all_ended: bool = True) -> int:
    """The exit code; where a thread is stuck for ever, the end of the process itself: nothing else would end it."""
    if engine.has_abandoned_thread or not all_ended:
        log.error("a thread is stuck in a call that never returned; the process ends without it")
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)
    return code


def _engine(site: Site, home: Home, site_file: Path, options: argparse.Namespace) -> Engine:
    path: Path | None = getattr(options, "record", None)

    def report(text: str) -> None:
        engine.submit(Order(Record(text), "PumpWatch"))

    engine = Engine(site, home, site_file=site_file, record=None if path is None else Recorder(path, report=report))
    add_gateway(engine, site, home, options)
    if home.begun():  # only now: what could not be opened has not begun
        report("The last run ended without a clean stop; the logs say more")
    return engine


def _report_mistakes(loaded: LoadedSite) -> None:
    for problem in loaded.problems:
        print(f"site file: {problem}", file=sys.stderr)
        log.warning("site file: %s", problem)
    if loaded.problems:
        kept = f"; a copy of the file is kept at {loaded.backup}" if loaded.backup else ""
        print(f"going on with {len(loaded.site.pumps)} good pumps{kept}", file=sys.stderr)
