"""Commands that run the station: with a window, headless, or for a picture."""

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from pumpwatch_gui.cli.headless import Usage, run_headless, status_line, write_summary
from pumpwatch_gui.cli.homes import open_home, scratch_home
from pumpwatch_gui.domain.commands import Record
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.site import LoadedSite, Site
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.engine.recorder import Recorder
from pumpwatch_gui.files.home import Home, find_home
from pumpwatch_gui.settings.simulated import simulated_site
from pumpwatch_gui.settings.site_reader import load_site

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

    with scratch_home(options) as home:
        if options.site is not None:
            pictures = picture_pages(load_site(options.site), home, options.site, out=options.out, theme=options.theme,
                                     size=(width, height), after_s=options.after)  # fmt: skip
        else:
            faults = options.fault or [f for f in ["P-103=cavitation@10"] if options.pumps >= 3]
            with simulated_site(home.path, pumps=options.pumps, faults=faults, speed=1.0) as site_file:
                pictures = picture_pages(load_site(site_file), home, site_file, out=options.out, theme=options.theme,
                                         size=(width, height), after_s=options.after)  # fmt: skip
    for path in pictures:
        print(path)
    return 0


def run_loaded(loaded: LoadedSite, home: Home, site_file: Path, options: argparse.Namespace, *, status: bool) -> int:
    """Run what was loaded: with a window, or headless when that is asked for. Returns the exit code."""
    _tell(loaded)
    if not options.headless:
        show = _window if has_display() else _without_display
        return show(loaded, home, site_file, options)
    engine = _engine(loaded.site, home, options)
    code = run_headless(engine, for_s=options.for_s, summary=options.summary, status=status)
    home.ended()
    return code


def _window(loaded: LoadedSite, home: Home, site_file: Path, options: argparse.Namespace) -> int:
    if not has_display():
        raise InputError(
            "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)",
            "start from a desktop session, or use `pumpwatch run --site FILE --headless`",
        )
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

    usage = Usage()
    summary: Path | None = getattr(options, "summary", None)

    def stopped(engine: Engine) -> None:
        home.ended()
        if summary is not None:
            write_summary(engine, summary, usage, exit_reason="window closed")

    for_s: float | None = getattr(options, "for_s", None)
    return run_gui(lambda: _engine(loaded.site, home, options), loaded, home, site_file, for_s=for_s, status=status,
                   picture=picture, stopped=stopped)  # fmt: skip


def has_display() -> bool:
    """Whether a window can open. Qt ends in an abort, not an exception, when it cannot."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "vnc", "minimal"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _engine(site: Site, home: Home, options: argparse.Namespace) -> Engine:
    record = getattr(options, "record", None)
    unclean = home.begun()
    engine = Engine(site, home, record=Recorder(record) if record is not None else None)
    if unclean:
        engine.submit(Record("The last run ended without a clean stop; the logs say more", "PumpWatch"))
    return engine


def _tell(loaded: LoadedSite) -> None:
    for problem in loaded.problems:
        print(f"site file: {problem}", file=sys.stderr)
        log.warning("site file: %s", problem)
    if loaded.problems:
        kept = f"; a copy of the file is kept at {loaded.backup}" if loaded.backup else ""
        print(f"going on with {len(loaded.site.pumps)} good pumps{kept}", file=sys.stderr)
