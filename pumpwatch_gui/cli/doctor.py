"""`pumpwatch doctor`: what is missing on this machine, and how to get it."""

import argparse
import ctypes
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from math import inf, isfinite

from pumpwatch_gui import __version__
from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.wording import full_date
from pumpwatch_gui.files.home import Home, find_home
from pumpwatch_gui.files.shipped import shipped

PACKAGES = (
    "PySide6-Essentials",
    "pyqtgraph",
    "numpy",
    "pymodbus",
    "pyserial",
    "apsw",
    "pcodec",
    "XlsxWriter",
    "onnxruntime",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. `needed` findings that are not `ok` make the command end with 4."""

    what: str
    ok: bool
    text: str
    advice: str = ""
    needed: bool = True


def doctor(options: argparse.Namespace) -> int:
    """Print every finding; 4 when something needed is missing, else 0."""
    findings = list(examine(find_home(options.home)))
    for f in findings:
        mark = "ok     " if f.ok else "MISSING" if f.needed else "note   "
        print(f"{mark} {f.what:<22} {f.text}" + (f"\n{'':30} → {f.advice}" if f.advice and not f.ok else ""))
    missing = sum(f.needed and not f.ok for f in findings)
    print("all that is needed is here" if not missing else f"{missing} missing")
    return 4 if missing else 0


def examine(home: Home) -> Iterator[Check]:
    """All findings about this machine and that home."""
    yield Check("PumpWatch", True, f"{__version__} on {platform.platform()}")
    yield Check("Python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or newer")
    for name in PACKAGES:
        yield _package(name)
    if sys.platform.startswith("linux"):
        yield from _libraries()
        yield _display()
    yield from _files(home)
    yield _serial()
    yield _keyring()


def _package(name: str) -> Check:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check(name, False, "not installed", "python3 installer/run.py setup")
    if name.startswith("PySide6") and version == "6.12.0" and sys.version_info < (3, 12):
        return Check(name, False, f"{version} crashes on this Python", "install 6.11.3")
    return Check(name, True, version)


def _libraries() -> Iterator[Check]:
    libraries = json.loads((shipped("resources") / "qt-libraries.json").read_text("utf-8"))
    missing = []
    for soname, package in libraries.items():
        try:
            ctypes.CDLL(soname)
        except OSError:
            missing.append((soname, package))
    names = ", ".join(soname for soname, _ in missing) or f"all {len(libraries)} found"
    packages = " ".join(package for _, package in missing)
    yield Check("Qt system libraries", not missing, names, f"sudo apt-get install {packages}")


def _display() -> Check:
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    text = display or "none: windows cannot open, --headless can"
    return Check("display", bool(display), text, "start from a desktop session", needed=False)


def _files(home: Home) -> Iterator[Check]:
    for kind in ("resources", "models"):
        try:
            yield Check(kind, True, str(shipped(kind)))
        except FileNotFoundError as error:
            yield Check(kind, False, str(error), "install the program again")
    place = next(p for p in (home.path, *home.path.parents) if p.exists())
    writable = os.access(place, os.W_OK)
    yield Check("home", writable, str(home.path), "choose another with --home DIR, or correct its permissions")
    free = shutil.disk_usage(place).free / 1e9
    yield Check("disk", free > 1, f"{free:.1f} GB free", "free some space")
    if home.database.exists():
        yield _history(home)


def _history(home: Home) -> Check:
    """How long the disk lasts, as measured while the station ran."""
    from pumpwatch_gui.store.query.outlook import outlook

    try:
        found = outlook(home.database)
    except StoreError as error:
        return Check("history", False, error.message, error.advice, needed=False)
    days, growth = found.days_left, found.growth
    if not isfinite(days):
        text = "nothing grows" if days == inf else "how fast it grows was not measured yet: let the station run an hour"
        return Check("history", True, text, needed=False)
    per_reading = f"{growth.per_reading:.0f} bytes a reading, " if isfinite(growth.per_reading) else ""
    date = full_date(days, time.time_ns())
    text = f"{per_reading}{growth.per_day / 1e9:.3f} GB a day of running; the disk will be full on {date}"
    return Check("history", days > 30, text, "free space or move the home to a larger disk", needed=False)


def _serial() -> Check:
    from pumpwatch_gui.commissioning.devices.links import serial_ports

    ports = [port.device for port in serial_ports()]
    text = ", ".join(ports) or "none found"
    denied = [p for p in ports if os.path.exists(p) and not os.access(p, os.R_OK | os.W_OK)]  # noqa: PTH110 - COM3 too
    advice = "sudo usermod -a -G dialout $USER, then log in again"
    return Check("serial ports", not denied, text, advice, needed=False)


def _keyring() -> Check:
    found = shutil.which("secret-tool") is not None or sys.platform != "linux"
    text = "available" if found else "no system keyring: secrets would come from the environment or a 0600 file"
    return Check("keyring", found, text, needed=False)
