"""The loop that makes the scheduled reports, each in a child process: reading a month must not hold the others."""

import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import psutil

from pumpwatch_gui.domain.events import Event, Note
from pumpwatch_gui.domain.reports.period import Period
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.program import program_command

log = logging.getLogger("pumpwatch.engine")

LOOK_EVERY_S: Final = 20.0
ALIVE_EVERY_S: Final = 0.5
AGAIN_AFTER_S: Final = 3600.0
"""A report that could not be made is tried again so much later: the disk may have room by then."""


def report_command(
    home: Home, site_file: Path, period: Period, folder: Path, formats: Sequence[str], pumps: Sequence[str] = ()
) -> list[str]:
    """The command line that makes the report of a period; `pumps` are those of an incident."""
    site = ["--site", str(site_file)] if site_file.is_file() else []  # else the one that the history keeps
    return program_command(
        "report", period.kind.value, "--period", period.typed, "--home", str(home.path), *site,
        "--out", str(folder), *(f"--{name}" for name in formats), *(f"--pump={pump_id}" for pump_id in pumps),
    )  # fmt: skip


class ReportLoop:
    """Makes what the schedule of the site asks for. `run` on a thread of its own."""

    def __init__(
        self, home: Home, site_file: Path, site: Callable[[], Site], publish: Callable[[Event], None],
        *, now: Callable[[], datetime] = datetime.now,
    ) -> None:  # fmt: skip
        self._home, self._site_file, self._site, self._publish, self._now = home, site_file, site, publish, now
        self._failed: dict[tuple[str, str], float] = {}

    def run(self, stop: threading.Event, alive: Callable[[], None]) -> None:
        """Look three times a minute for a report that is due, until `stop`."""
        due_s = 0.0
        while not stop.wait(ALIVE_EVERY_S):
            alive()
            if time.monotonic() >= due_s:
                due_s = time.monotonic() + LOOK_EVERY_S
                self._look(stop, alive)

    def _look(self, stop: threading.Event, alive: Callable[[], None]) -> None:
        site = self._site()
        folder = (site.folder or self._home.path) / site.reports.folder
        for period in site.reports.ended(self._now()):
            name = period.file_name(site.name)
            missing = [form for form in site.reports.formats if not (folder / f"{name}.{form}").exists()]
            failed_s = self._failed.get((str(folder), name), -AGAIN_AFTER_S)
            if missing and time.monotonic() - failed_s >= AGAIN_AFTER_S and not stop.is_set():
                self._make(period, folder, missing, stop, alive)

    def _make(
        self, period: Period, folder: Path, formats: Sequence[str], stop: threading.Event, alive: Callable[[], None]
    ) -> None:
        command = report_command(self._home, self._site_file, period, folder, formats)
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                encoding="utf-8", errors="replace", start_new_session=os.name == "posix",
            )  # fmt: skip
        except OSError as error:
            self._fail(period, folder, str(error))
            return
        with suppress(psutil.Error):
            psutil.Process(child.pid).nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 10))
        out, wrong = _ended(child, stop, alive)
        if stop.is_set() and child.returncode:
            return  # it is made at the next start
        if child.returncode:
            self._fail(period, folder, refusal(wrong)[0])
            return
        made = ", ".join(line.strip() for line in out.splitlines() if line.strip())
        self._publish(Note(time.time_ns(), f"{period.title} of {period.text} made: {made}"))

    def _fail(self, period: Period, folder: Path, why: str) -> None:
        key = str(folder), period.file_name(self._site().name)
        if key not in self._failed:
            text = f"The {period.title.lower()} of {period.text} could not be made: {why}"
            self._publish(Note(time.time_ns(), text, "WARNING"))
        self._failed[key] = time.monotonic()


def refusal(said: str) -> tuple[str, str]:
    """What a command that failed has said on its error stream, and its advice; remarks before it are left out."""
    lines = said.strip().splitlines()
    at = next((i for i, line in enumerate(lines) if line.startswith("error: ")), None)
    if at is None:
        return (lines[-1] if lines else "it gave no reason"), ""
    return lines[at].removeprefix("error: "), "".join(lines[at + 1 : at + 2])


def _ended(child: "subprocess.Popen[str]", stop: threading.Event, alive: Callable[[], None]) -> tuple[str, str]:
    """What the child has said on both streams by its end; it is ended with the program."""
    while True:
        try:
            return child.communicate(timeout=ALIVE_EVERY_S)
        except subprocess.TimeoutExpired:
            alive()
            if stop.is_set():
                child.terminate()
