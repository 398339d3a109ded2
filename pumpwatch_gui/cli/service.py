"""A station as a service: the unit of systemd that starts the collector with the computer and watches it."""

import argparse
import getpass
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError, PrerequisiteError, PumpWatchError
from pumpwatch_gui.files.atomic import write_atomic
from pumpwatch_gui.files.home import find_home
from pumpwatch_gui.files.program import program_command
from pumpwatch_gui.settings.site_reader import load_site

WATCHDOG_S, STOP_S = 60, 120
"""Longer than any loop needs to start again by itself; and than the last second takes to be written on a slow disk."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,99}")
_UNIT = """\
[Unit]
Description=PumpWatch collector ({site})
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
{user}Restart=on-failure
RestartSec=5
WatchdogSec={watchdog_s}
TimeoutStartSec=120
TimeoutStopSec={stop_s}
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes

[Install]
WantedBy={target}
"""


def service(options: argparse.Namespace) -> int:
    """Install, remove or ask after the service."""
    if sys.platform != "linux" and options.unit_dir is None:
        text = "a service is installed by systemd, which this system does not have"
        raise PrerequisiteError(text, "on Windows use the task scheduler: see the help of the page System")
    if not _NAME.fullmatch(options.name):
        raise InputError(f"--name {options.name} is no name of a service", "letters, digits, _ . - and @")
    folder = options.unit_dir or _folder(for_all=_is_root())
    path = folder / f"{options.name}.service"
    match options.action:
        case "install":
            return _install(path, options)
        case "remove":
            return _remove(path, options)
        case _:
            return _status(path, options)


def unit_text(options: argparse.Namespace, *, for_all: bool) -> str:
    """The unit. `for_all`: of the whole computer, else of one user. Raises InputError for a site that has mistakes."""
    site = options.site.resolve()
    loaded = load_site(site, keep_backup=False)
    if loaded.problems:
        raise InputError(f"{site}: {loaded.problems[0]}", "`pumpwatch check --site FILE` names every mistake")
    home = find_home(options.home)
    gateway = ["--gateway"] if options.gateway else []
    command = program_command("run", "--site", str(site), "--home", str(home.path), "--headless", *gateway)
    user = f"User={options.user or getpass.getuser()}\n" if for_all else ""
    return _UNIT.format(
        site=_escaped(loaded.site.name), command=" ".join(map(_quoted, command)), user=user, watchdog_s=WATCHDOG_S,
        stop_s=STOP_S, target="multi-user.target" if for_all else "default.target",
    )  # fmt: skip


def _install(path: Path, options: argparse.Namespace) -> int:
    if options.site is None:
        raise InputError("service install needs --site FILE", "the site that is to be watched")
    text = unit_text(options, for_all=_is_root())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text.encode())
    path.chmod(0o644)
    print(path)
    _systemctl(options, ("daemon-reload",), ("enable", "--now", path.name))
    return 0


def _remove(path: Path, options: argparse.Namespace) -> int:
    if not path.exists():
        raise InputError(f"there is no service {path}", "--name and --unit-dir say which")
    _systemctl(options, ("disable", "--now", path.name))
    path.unlink()
    _systemctl(options, ("daemon-reload",))
    print(f"removed: {path}; home, history and site file are as they were")
    return 0


def _status(path: Path, options: argparse.Namespace) -> int:
    print(f"{path}: {'installed' if path.exists() else 'not installed'}")
    command = None if options.no_start else _systemctl_command()
    if not path.exists() or command is None:
        return 0 if path.exists() else 1
    return subprocess.run([*command, "--no-pager", "status", path.name], check=False).returncode


def _systemctl(options: argparse.Namespace, *calls: tuple[str, ...]) -> None:
    """Have systemd do it; where it may not or cannot, print what a person has to do. Raises PumpWatchError."""
    command = _systemctl_command()
    for call in calls:
        if options.no_start or command is None:
            print("then: " + " ".join(("systemctl", *([] if _is_root() else ["--user"]), *call)))
            continue
        done = subprocess.run([*command, *call], capture_output=True, text=True, check=False)
        if done.returncode:
            text = f"systemctl {' '.join(call)} failed: {done.stderr.strip() or done.returncode}"
            raise PumpWatchError(text, "the unit file is in place; `journalctl -u` says more")


def _systemctl_command() -> list[str] | None:
    found = shutil.which("systemctl")
    return None if found is None else [found, *([] if _is_root() else ["--user"])]


def _folder(*, for_all: bool) -> Path:
    if for_all:
        return Path("/etc/systemd/system")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _escaped(text: str) -> str:
    """In a unit % begins a specifier, and a line ends with the value."""
    return "".join(c if c.isprintable() else " " for c in text).replace("%", "%%")


def _quoted(argument: str) -> str:
    if any(not c.isprintable() for c in argument):
        raise InputError(f"{argument!r} cannot be in a unit of systemd", "give the file a name of plain characters")
    plain = argument.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return plain if re.fullmatch(r"[\w@:/.=+,-]+", plain) else f'"{plain}"'
