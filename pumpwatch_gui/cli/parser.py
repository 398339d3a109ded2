"""The command line, good enough to need no manual. Handlers are imported only when their command is chosen."""

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path

from pumpwatch_gui import __version__
from pumpwatch_gui.cli.format_options import add_format_options

_EPILOG = """\
examples:
  pumpwatch demo                                  watch three simulated pumps, one of them failing
  pumpwatch demo --pumps 12 --fault P-105=bearing_wear@30
  pumpwatch run --site plant.toml                 the desktop program on your own site file
  pumpwatch run --site plant.toml --headless --for 3600 --summary run.json
  pumpwatch check --site plant.toml               validate a site file, connect nowhere
  pumpwatch map from-table manual.txt             make a register map of the rows of a manual
  pumpwatch export --out october.xlsx --pump P-101 --from 2026-10-01 --to 2026-10-31
  pumpwatch import last-year.csv --into P-101     what was understood of it; --write makes it history of P-101
  pumpwatch report monthly --period 2026-10 --out reports
  pumpwatch view --server https://PROJECT.supabase.co --account office@example.org
  pumpwatch doctor                                what is missing on this machine, and how to get it
"""


def _later(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        handler = getattr(importlib.import_module(f"pumpwatch_gui.{module}"), name)
        return int(handler(options))

    return run


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def _pump_count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 247:
        raise argparse.ArgumentTypeError("must be 1 to 247")
    return value


def _tcp_port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65_535:
        raise argparse.ArgumentTypeError("must be 0 to 65535")
    return value


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument(
        "--home", metavar="DIR", help="settings, database, logs and models of one installation (also PUMPWATCH_HOME)"
    )
    everywhere.add_argument("--verbose", action="store_true", help="log to the terminal as well")
    everywhere.add_argument(
        "--log-json", action="store_true", help="what goes to the terminal is JSON, a record a line"
    )
    parser = argparse.ArgumentParser(
        prog="pumpwatch",
        parents=[everywhere],
        description="Watch 1 to 50 industrial pumps: live values with their quality, alarms, anomaly detection. "
        "Without a command the desktop program opens on the last site.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"PumpWatch {__version__}")
    parser.set_defaults(run=_later("cli.desktop", "open_last_site"), windowed=True)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    inherited = argparse.ArgumentParser(add_help=False)
    for action in everywhere._actions:
        _add_again(inherited, action)

    def command(name: str, module: str, function: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, parents=[inherited], help=text, description=text[0].upper() + text[1:] + ".")
        sub.set_defaults(run=_later(module, function), windowed=name in ("demo", "run", "review", "view"))
        return sub

    _add_running(command)
    _add_tools(command)
    _add_models(command)
    _add_map(command)
    return parser


def _add_again(parser: argparse.ArgumentParser, action: argparse.Action) -> None:
    """The same option for a sub-command, without a default that would undo what was given before the command."""
    names, text = action.option_strings, action.help
    if action.nargs == 0:
        parser.add_argument(*names, action="store_true", help=text, default=argparse.SUPPRESS)
    else:
        parser.add_argument(*names, metavar=action.metavar, help=text, default=argparse.SUPPRESS)


_WHEN = "local time as 2026-10-25 14:30, with an offset as 2026-10-25T14:30+02:00, or a day"
_TABLES = ("holding", "input", "coil", "discrete")

_Command = Callable[[str, str, str, str], argparse.ArgumentParser]


def _add_running(command: _Command) -> None:
    demo = command("demo", "cli.demo", "demo", "watch simulated pumps, read through the real Modbus driver")
    demo.add_argument("--pumps", type=_pump_count, default=3, metavar="N", help="how many (default 3)")
    _add_faults(demo)
    demo.add_argument("--speed", type=_positive, default=1.0, metavar="X", help="simulated time runs X times faster")
    demo.add_argument("--headless", action="store_true", help="no window (this is also so without a display)")
    demo.add_argument("--for", dest="for_s", type=_positive, metavar="SECONDS", help="stop after that time")
    _add_reports(demo)
    run = command("run", "cli.desktop", "run_site", "open a site file in the desktop program, or collect headless")
    run.add_argument("--site", type=Path, required=True, metavar="FILE", help="the site file (TOML)")
    run.add_argument("--headless", action="store_true", help="collect, judge and store without a window")
    run.add_argument("--for", dest="for_s", type=_positive, metavar="SECONDS", help="stop after that time")
    run.add_argument(
        "--gateway", type=_tcp_port, nargs="?", const=-1, metavar="PORT",
        help="let other programs in by HTTP, as [gateway] of the site file says, on loopback where it says nothing",
    )  # fmt: skip
    _add_reports(run)
    shots = command("screenshots", "cli.desktop", "screenshots", "write every page as a PNG picture")
    shots.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the pictures go")
    shots.add_argument("--theme", choices=("dark", "light", "high-contrast"), default="dark")
    shots.add_argument("--size", default="1920x1080", metavar="WxH", help="size in pixels (default 1920x1080)")
    shots.add_argument("--site", type=Path, metavar="FILE", help="a site file instead of simulated pumps")
    shots.add_argument("--pumps", type=_pump_count, default=3, metavar="N", help="how many simulated pumps (default 3)")
    shots.add_argument("--after", type=_positive, default=45.0, metavar="SECONDS", help="run that long first (45)")
    _add_faults(shots)


def _add_reports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--summary", type=Path, metavar="FILE.json", help="write what happened when it ends")
    parser.add_argument(
        "--record", type=Path, metavar="FILE.csv", help="write every sample: wall,pump,sensor,value,quality"
    )


def _add_faults(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fault",
        action="append",
        metavar="PUMP=FAULT@SECONDS",
        help="a fault and its onset, as P-103=cavitation@60 or P-103=bearing_wear@60:0.6 (severity 0-1); repeatable",
    )


def _add_tools(command: _Command) -> None:
    simulate = command("simulate", "cli.tools", "simulate", "physics pumps as a Modbus server, or as recorded CSV")
    simulate.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    simulate.add_argument("--port", type=_tcp_port, default=5020, help="TCP port (default 5020; 0 takes a free one)")
    framing = simulate.add_mutually_exclusive_group()
    framing.add_argument(
        "--rtu", metavar="DEVICE", help="serve RTU on this terminal instead (auto: a new pair, its path is printed)"
    )
    framing.add_argument("--rtu-over-tcp", action="store_true", help="serve RTU frames on the port, as a gateway does")
    simulate.add_argument(
        "--pumps", type=_pump_count, default=3, metavar="N", help="pump i answers as unit i (default 3)"
    )
    simulate.add_argument("--registers", default="generic", metavar="NAME", help="register map to serve")
    simulate.add_argument("--seed", type=int, default=1, metavar="N", help="same seed, same pumps and noise")
    simulate.add_argument(
        "--speed", type=_positive, default=1.0, metavar="X", help="simulated time runs X times faster"
    )
    simulate.add_argument(
        "--history", type=_positive, metavar="DAYS", help="write that much history instead of serving"
    )
    simulate.add_argument("--csv", type=Path, metavar="FILE", help="where --history writes (one file a pump)")
    simulate.add_argument(
        "--until-eof", action="store_true", help="stop when standard input ends (for a parent program)"
    )
    _add_faults(simulate)
    check = command("check", "cli.tools", "check", "validate a site file, name every mistake, connect nowhere")
    check.add_argument("--site", type=Path, required=True, metavar="FILE", help="the site file (TOML)")
    bench = command("bench", "bench", "main", "measure latency, inference, ingest, store, trends, start")
    bench.add_argument("names", nargs="*", metavar="NAME", help="which (none: all)")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures too")
    bench.add_argument("--data", type=Path, metavar="DIR", help="recordings for the benchmarks that read some")
    audit = command(
        "verify-audit", "cli.tools", "verify_audit", "check that no row of the audit log was altered or lost"
    )
    audit.add_argument("--json", action="store_true", help="print the finding as JSON")
    query = command("query", "cli.tools", "query", "run a SELECT over the whole history, print its rows as CSV")
    query.add_argument(
        "sql", metavar='"SELECT …"', help="over sensor_readings, anomaly_detections, maintenance_events, …"
    )
    _add_backups(command)
    _add_incident(command)
    _add_report(command)
    salvage = command("salvage", "cli.tools", "salvage", "read what can be read of a damaged database (done unasked)")
    salvage.add_argument("damaged", type=Path, metavar="FILE", help="the damaged database; it is only read")
    salvage.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the side database to make or go on with"
    )
    _add_export(command)
    _add_import(command)
    _add_servers(command)
    _add_gateway_key(command)
    _add_service(command)
    command("doctor", "cli.doctor", "doctor", "versions, libraries, paths, ports: what is missing and how to get it")


def _add_servers(command: _Command) -> None:
    server = command("server-sql", "cli.servers", "server_sql", "print the server side of sync, or apply it")
    server.add_argument("--apply", metavar="URL", help="apply it to this database: postgresql://USER@HOST:5432/NAME "
                        "(the password also as PGPASSWORD); applied again it changes nothing")  # fmt: skip
    view = command("view", "cli.servers", "view", "open the window on the stations of a server, read-only")
    _add_account(view, is_required=True)
    view.add_argument("--for", dest="for_s", type=_positive, metavar="SECONDS", help="close after that time")
    view.add_argument("--picture", type=Path, metavar="FILE.png", help="save what the window shows at the end")


def _add_account(parser: argparse.ArgumentParser, *, is_required: bool) -> None:
    parser.add_argument("--server", required=is_required, metavar="URL", help="a Supabase project, or PostgREST")
    parser.add_argument("--auth-url", default="", metavar="URL", help="its accounts (none: as Supabase has them)")
    parser.add_argument("--account", default="", metavar="NAME", help="who reads (none: PUMPWATCH_SYNC_ACCOUNT); "
                        "password and key: key store, PUMPWATCH_SYNC_PASSWORD and PUMPWATCH_SYNC_KEY, "
                        "or secrets.toml")  # fmt: skip


def _add_export(command: _Command) -> None:
    out = command("export", "cli.export", "export", "write stored readings as CSV, Parquet or a workbook")
    out.add_argument("--out", type=Path, required=True, metavar="FILE", help="ends in .csv, .parquet or .xlsx")
    out.add_argument("--pump", action="append", metavar="ID", help="of this pump; repeatable (none: all)")
    out.add_argument("--tag", action="append", metavar="TAG", help="of this quantity, also a derived one; "
                     "anomaly_score is one; repeatable (none: all sensors)")  # fmt: skip
    out.add_argument("--from", dest="start", default="", metavar="TIME", help=f"{_WHEN} (its beginning)")
    out.add_argument("--to", dest="end", default="", metavar="TIME", help="up to here; a day: its end (none: now)")
    out.add_argument("--table", action="append", metavar="NAME", help="instead of readings a table of the original: "
                     "sensor_readings, anomaly_detections or maintenance_events; repeatable for .xlsx")  # fmt: skip


def _add_gateway_key(command: _Command) -> None:
    key = command("gateway-key", "cli.gateway", "gateway_key", "make a key for another program; it is shown once")
    what = key.add_mutually_exclusive_group(required=True)
    what.add_argument("--scope", choices=("ingest", "read"), help="post values, or look")
    what.add_argument("--list", action="store_true", help="the keys that there are, by their ids")
    what.add_argument("--remove", metavar="ID", help="take a key away; it opens nothing after a second")
    key.add_argument("--name", default="", help="for whom it is, for people")
    key.add_argument("--pump", action="append", metavar="ID", help="only for this pump; repeatable (none: all)")
    key.add_argument("--days", type=_positive, default=0.0, metavar="N", help="it expires after so many (none: never)")


def _add_service(command: _Command) -> None:
    made = command("service", "cli.service", "service", "have systemd start the collector and watch it")
    made.add_argument(
        "action", choices=("install", "remove", "status"), help="as root: of the computer, else of the user"
    )
    made.add_argument("--site", type=Path, metavar="FILE", help="the site file that is watched (install)")
    made.add_argument("--name", default="pumpwatch", help="the name of the service, where there are several")
    made.add_argument("--user", default="", metavar="NAME", help="as whom it runs (installed as root; else you)")
    made.add_argument("--gateway", action="store_true", help="with the gateway, as [gateway] of the site file says")
    made.add_argument("--no-start", action="store_true", help="leave systemd alone: print what to do")
    made.add_argument("--unit-dir", type=Path, metavar="DIR", help="write the unit there (for packages)")


def _add_import(command: _Command) -> None:
    into = command("import", "cli.imports", "import_recording", "take a recording of another system over as history")
    into.add_argument("file", type=Path, metavar="FILE.csv", help="a recording, however it is written")
    into.add_argument("--into", required=True, metavar="ID", help="the pump whose history it becomes")
    into.add_argument("--site", type=Path, metavar="FILE", help="the site file (default: that of the home)")
    into.add_argument("--write", action="store_true", help="take it over (without: print what was understood)")
    into.add_argument("--around", action="store_true", help="leave out the minutes of which there is history")
    add_format_options(into)


def _add_backups(command: _Command) -> None:
    backup = command("backup", "cli.backups", "backup", "copy a home into a new dated folder, also while it runs")
    backup.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the new folder goes")
    backup.add_argument("--site", type=Path, metavar="FILE", help="a site file that is not the home's own")
    restore = command("restore", "cli.backups", "restore", "put a backup in a home, or what a server has of a station")
    restore.add_argument("backup", type=Path, nargs="?", metavar="BACKUP", help="the folder backup-YYYYMMDD-HHMMSS; "
                         "what was in the home is put aside")  # fmt: skip
    restore.add_argument("--replace", action="store_true", help="also where the home holds newer readings")
    _add_account(restore, is_required=False)
    restore.add_argument("--station", type=int, metavar="N", help="with --server: take this station's settings and "
                         "history into an empty home")  # fmt: skip
    restore.add_argument("--days", type=int, default=1, metavar="N", help="with --server: of so many days every "
                         "reading that was sent, of all before one-minute values (default 1)")  # fmt: skip
    review = command("review", "cli.backups", "review", "replay a home, a backup or an incident file, read-only")
    review.add_argument("source", type=Path, nargs="?", metavar="BACKUP|FILE",
                        help="a backup or an incident file (else the home of --home)")  # fmt: skip
    review.add_argument("--at", default="", metavar="TIME", help="begin there, as 2026-10-25 14:30:07 (none: the end)")
    review.add_argument(
        "--site", type=Path, metavar="FILE", help="its site file, else that of the home, or as the history keeps it"
    )
    review.add_argument("--for", dest="for_s", type=_positive, metavar="SECONDS", help="close after that time")
    review.add_argument("--picture", type=Path, metavar="FILE.png", help="save what the window shows at the end")


def _add_incident(command: _Command) -> None:
    made = command("incident", "cli.incidents", "incident", "save some pumps over a span as one file for a review")
    made.add_argument("--pumps", required=True, metavar="ID,ID…", help="of these pumps")
    made.add_argument("--from", dest="start", required=True, metavar="TIME", help=f"{_WHEN} (its beginning)")
    made.add_argument("--to", dest="end", required=True, metavar="TIME", help="up to here; a day: its end")
    made.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file; it ends in .pwincident")


def _add_report(command: _Command) -> None:
    report = command("report", "cli.reports", "report", "a report of some time or of an incident, as PDF and XLSX")
    report.add_argument("name", choices=("shift", "daily", "weekly", "monthly", "incident"))
    report.add_argument(
        "--period", required=True, help="2026-10, 2026-W42, 2026-10-14, 2026-10-14T06:00 or 2026-10-14T06:00/18:00"
    )
    report.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")
    report.add_argument("--site", type=Path, metavar="FILE", help="the site file (default: that of the home, or as the "
                        "history keeps it)")  # fmt: skip
    report.add_argument(
        "--pump", action="append", metavar="ID", help="of an incident; repeatable (none: all that had an alarm)"
    )
    report.add_argument("--pdf", action="store_true", help="write the PDF (of none of these three: PDF and workbook)")
    report.add_argument("--xlsx", action="store_true", help="write the workbook")
    report.add_argument("--png", action="store_true", help="write the pages as pictures")


def _add_map(command: _Command) -> None:
    table = command("map", "cli.maps", "from_table", "make a register map of the rows of a manual")
    table.add_argument("action", choices=("from-table",), help="from-table: read FILE, print what was understood")
    table.add_argument("file", type=Path, metavar="FILE", help="rows as tabs, semicolons, commas or blanks part them")
    table.add_argument("--out", type=Path, metavar="FILE.toml", help="write the map there (else it is printed)")
    table.add_argument("--profile", default="centrifugal", metavar="NAME|FILE", help="whose tags are proposed")
    table.add_argument("--base", type=int, choices=(0, 1, 40001), help="where the numbers begin (else guessed)")
    table.add_argument("--table", default="", choices=_TABLES, help="where no row says")
    table.add_argument("--source", default="", metavar="TEXT", help="the manual, its edition, the page")


def _add_models(command: _Command) -> None:
    train = command(
        "train",
        "cli.tools",
        "train",
        "train a model on normal running (a network needs TensorFlow, --kind chart does not)",
    )
    train.add_argument("--profile", required=True, metavar="NAME|FILE", help="the pump profile of the recordings")
    train.add_argument("--out", type=Path, required=True, metavar="DIR", help="the model bundle to make")
    train.add_argument("--kind", default=None, metavar="NAME", help="detector kind")
    train.add_argument("--allow-short", action="store_true", help="train even on too little data")
    train.add_argument("--keep-all", action="store_true", help="train also on stretches that look like a fault")
    train.add_argument(
        *("--threshold-factor", "--sensitivity"),
        type=_positive,
        default=None,
        metavar="X",
        help="1.0 alarms most, 1.5 little (default 1.25)",
    )
    train.add_argument("--json", action="store_true", help="print the progress as JSON, an object a line")
    add_format_options(train)
    train.add_argument("csv", nargs="+", type=Path, metavar="CSV", help="recordings of normal running")
    score = command("score", "cli.tools", "score", "run recordings through the live detector, faster than real time")
    by = score.add_mutually_exclusive_group(required=True)
    by.add_argument("--model", type=Path, metavar="DIR", help="the model bundle")
    by.add_argument("--learn", action="store_true", help="no model: the pump learns itself from the recordings")
    score.add_argument("--profile", metavar="NAME|FILE", help="the pump profile of the recordings, for --learn")
    score.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="timestamp,score,threshold,alarm,share_…"
    )
    add_format_options(score)
    score.add_argument("csv", nargs="+", type=Path, metavar="CSV")
