"""Training in a child process of low priority: the live program goes on undisturbed, and may cancel it."""

import json
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import psutil

from pumpwatch_gui.files.program import program_command

_ENOUGH_LINES = 500
_PATIENCE_S = 10.0


class JobPhase(Enum):
    """What a training is doing."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobView:
    """A training now. `loss` is that of each epoch so far, `lines` are what it printed, `error` what went wrong.

    `progress` is 0 to 1 (the epochs done). `version` of the bundle in `out` once it is done.
    """

    phase: JobPhase
    out: Path
    progress: float = 0.0
    loss: tuple[float, ...] = ()
    lines: tuple[str, ...] = ()
    version: str = ""
    error: str = ""


class TrainingJob:
    """One training under way. `poll` from any thread; nothing here blocks but `wait`.

    A bundle is written whole at the end or not at all: a cancelled or failed training leaves `out` as it was.
    """

    def __init__(
        self,
        profile: str,
        recordings: Sequence[Path],
        out: Path,
        *,
        kind: str = "combined",
        allow_short: bool = False,
        keep_all: bool = False,
        threshold_factor: float | None = None,
        base_dir: Path | None = None,
    ) -> None:
        """Start it. `profile` is a shipped name or a file; both it and the recordings are seen from `base_dir`."""
        command = program_command("train", "--profile", profile, "--out", str(out.resolve()), "--kind", kind, "--json")
        command += ["--allow-short"] * allow_short + ["--keep-all"] * keep_all
        command += [] if threshold_factor is None else ["--threshold-factor", f"{threshold_factor:g}"]
        command += [str(path) for path in recordings]
        self._view = JobView(JobPhase.RUNNING, out)
        self._cancelled = False
        self._process = subprocess.Popen(
            command,
            cwd=base_dir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        _lower(self._process.pid)
        self._errors: list[str] = []
        self._aside = threading.Thread(target=self._collect_errors, name="pumpwatch-training-errors", daemon=True)
        self._reader = threading.Thread(target=self._read, name="pumpwatch-training", daemon=True)
        self._aside.start()
        self._reader.start()

    def poll(self) -> JobView:
        """Its progress now."""
        return self._view

    def cancel(self) -> None:
        """End it; it is CANCELLED within moments, unless it was through already."""
        self._cancelled = True
        if self._process.poll() is None:
            self._process.terminate()

    def wait(self, timeout_s: float | None = None) -> JobView:
        """Wait for its end, at most that long."""
        self._reader.join(timeout_s)
        return self._view

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._view = _after(self._view, line.strip())
        try:
            code = self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._aside.join()
        self._finish(code)

    def _collect_errors(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._errors = [*self._errors, line.rstrip()][-_ENOUGH_LINES:]

    def _finish(self, code: int) -> None:
        if code == 0:
            self._view = replace(self._view, phase=JobPhase.DONE, progress=1.0)
        elif self._cancelled:
            self._view = replace(self._view, phase=JobPhase.CANCELLED)
        else:
            last = [line for line in self._errors if line][-2:]
            text = "\n".join(last) or f"the training ended with code {code}"
            self._view = replace(self._view, phase=JobPhase.FAILED, error=text)


def _after(view: JobView, line: str) -> JobView:
    """The view after one more line of the child."""
    try:
        said = json.loads(line)
        if "epoch" in said:
            loss = (*view.loss, float(said["loss"]))
            return replace(view, loss=loss, progress=float(said["epoch"]) / float(said["epochs"]) * 0.95)
        if "version" in said:
            return replace(view, version=str(said["version"]))
        text = str(said["text"])
    except (ValueError, KeyError, TypeError):
        text = line
    return replace(view, lines=(*view.lines, text)[-_ENOUGH_LINES:])


def _lower(pid: int) -> None:
    """Let the child run only when nothing else wants the processor."""
    with suppress(psutil.NoSuchProcess):  # it has ended already
        psutil.Process(pid).nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 15))
