"""The commands that are neither the desktop program nor the collector."""

import argparse
import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from pumpwatch_gui.cli.format_options import format_choices
from pumpwatch_gui.domain.errors import InputError, PrerequisiteError


def check(options: argparse.Namespace) -> int:
    """Validate a site file and print every mistake with its path."""
    from pumpwatch_gui.commissioning.devices.links import map_lines
    from pumpwatch_gui.infer.bundles.bundle import load_bundle
    from pumpwatch_gui.settings.recording_check import recording_problems
    from pumpwatch_gui.settings.site_reader import cautions, load_site

    loaded = load_site(options.site, keep_backup=False, check_model=load_bundle)
    unplayable, remarks = recording_problems(loaded.site)
    problems = [*loaded.problems, *unplayable]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        count = len(problems)
        text = f"{options.site}: {count} mistake{'s' * (count > 1)}; correct what is named and check again"
        print(text, file=sys.stderr)
        return 2
    for caution in [*cautions(loaded.site), *remarks]:
        print(f"caution: {caution}", file=sys.stderr)
    for line in map_lines(loaded.site):
        print(line, file=sys.stderr if line.startswith("caution") else sys.stdout)
    links = sum(len(p.links) for p in loaded.site.pumps)
    print(f"{options.site}: good, {len(loaded.site.pumps)} pumps, {links} links")
    return 0


def verify_audit(options: argparse.Namespace) -> int:
    """Check the audit log of a home; 1 when a row was altered, is missing or was moved, and which."""
    from pumpwatch_gui.files.home import find_home
    from pumpwatch_gui.store.query.audit_check import verify_audit as verify

    home = find_home(options.home)
    home.need_history()
    found = verify(home.database)
    if options.json:
        print(json.dumps(asdict(found)))
    elif found.broken_id is None:
        print(f"{home.database}: whole, {found.rows} rows of the audit log, {found.anchors} anchors")
    else:
        print(f"{home.database}: {found.text}")
    return 0 if found.broken_id is None else 1


def salvage(options: argparse.Namespace) -> int:
    """Read what can be read of a damaged database into a side database; the running program takes it from there."""
    from pumpwatch_gui.store.salvage.extract import extract, step_back

    try:
        step_back()
        extract(options.damaged, options.out)
    except OSError as error:
        raise InputError(
            f"{error.filename or options.damaged}: {error.strerror}", "name a file that is there"
        ) from error
    return 0


def simulate(options: argparse.Namespace) -> int:
    """Serve physics pumps over Modbus until interrupted, or write their history."""
    from pumpwatch_gui.acquire.simulator import FaultSpec, Plant, serve, serve_line, write_history

    faults = tuple(FaultSpec.parse(text) for text in options.fault or ())
    recorded = bool(options.history)  # a recording also holds warm-up, starts and stops
    plant = Plant(options.pumps, seed=options.seed, faults=faults, cold=recorded, cycles=recorded)
    if recorded:
        if options.csv is None:
            raise InputError("--history needs --csv FILE", "say where the history goes")
        for path in write_history(plant, days=options.history, path=options.csv):
            print(path)
        return 0
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if options.until_eof:
        threading.Thread(target=_watch_parent, args=(stop,), daemon=True).start()

    def ready(port: int) -> None:
        print(f"listening on {options.host}:{port}", flush=True)

    def opened(device: str) -> None:
        print(f"serving units 1 to {options.pumps} on {device}", flush=True)

    if options.rtu:
        if options.rtu != "auto" and not Path(options.rtu).exists():
            advice = "give the path of a serial port or of one end of a pair (socat), or --rtu auto for a new pair"
            raise InputError(f"--rtu {options.rtu} does not exist", advice)
        serve_line(plant, device=options.rtu, registers=options.registers, speed=options.speed, ready=opened, stop=stop)
        return 0
    serve(plant, host=options.host, port=options.port, registers=options.registers, speed=options.speed,
          rtu=options.rtu_over_tcp, ready=ready, stop=stop)  # fmt: skip
    return 0


def _watch_parent(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()


def train(options: argparse.Namespace) -> int:
    """Train a bundle; a kind with a network needs the `train` extra."""
    import importlib.util

    from pumpwatch_gui.infer.training.train import needs_tensorflow
    from pumpwatch_gui.settings.profile_file import load_profile

    if needs_tensorflow(options.kind) and importlib.util.find_spec("tensorflow") is None:
        advice = "python3 installer/run.py setup --train, or --kind chart, which needs none"
        raise PrerequisiteError("training a network needs TensorFlow", advice)
    from pumpwatch_gui.infer.training.train import Epoch
    from pumpwatch_gui.infer.training.train import train as run_training

    def report(news: str | Epoch) -> None:
        line = (
            {"epoch": news.number, "epochs": news.of, "loss": news.loss} if isinstance(news, Epoch) else {"text": news}
        )
        print(json.dumps(line) if options.json else news, flush=True)

    _must_exist(options.csv)
    chosen = {key: getattr(options, key) for key in ("kind", "threshold_factor") if getattr(options, key) is not None}
    if not 0.5 <= chosen.get("threshold_factor", 1.0) <= 5.0:
        raise InputError("--threshold-factor must be 0.5 to 5", "1.0 alarms most, 1.5 little")
    profile = load_profile(options.profile, base_dir=Path.cwd())
    bundle = run_training(profile, options.csv, options.out, choices=format_choices(options),
                          allow_short=options.allow_short, keep_all=options.keep_all, progress=report,
                          **chosen)  # fmt: skip
    if options.json:
        print(json.dumps({"version": bundle.version}), flush=True)
    return 0


def score(options: argparse.Namespace) -> int:
    """Score recordings by the live code path: by a model, or as a pump that learns itself."""

    def report(text: str) -> None:
        print(text, file=sys.stderr)

    if options.learn and options.profile is None:
        raise InputError("--learn needs --profile NAME|FILE", "say which sensors the pump has")
    if options.profile is not None and not options.learn:
        raise InputError("--profile goes with --learn: a model knows its own", "give --learn, or leave --profile out")
    _must_exist(options.csv)
    choices = format_choices(options)
    if options.learn:
        from pumpwatch_gui.infer.learning.recorded import learn_recordings
        from pumpwatch_gui.settings.profile_file import load_profile

        profile = load_profile(options.profile, base_dir=Path.cwd())
        print(learn_recordings(profile, options.csv, options.out, choices=choices, report=report))
    else:
        from pumpwatch_gui.infer.evaluation.scoring import score_recordings

        print(score_recordings(options.model, options.csv, options.out, choices=choices, report=report))
    return 0


def _must_exist(paths: list[Path]) -> None:
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path} does not exist", "give the path of a CSV file")


def query(options: argparse.Namespace) -> int:
    """Run one SELECT over all of a home's history and print the rows as CSV."""
    import csv

    from pumpwatch_gui.files.home import find_home
    from pumpwatch_gui.store.query.sql import query as rows_of

    home = find_home(options.home)
    home.need_history()
    csv.writer(sys.stdout).writerows(rows_of(home.database, options.sql))
    return 0
