"""Recordings: how fast a long one is read, in what memory, scored from start to end, back-tested and learnt from."""

import multiprocessing
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from pumpwatch_gui.acquire.simulator.foreign import KNOWN
from pumpwatch_gui.acquire.simulator.foreign import run as run_of
from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.bench.rigs.foreign_pumps import profile_of, recording_of
from pumpwatch_gui.commissioning.models.backtest import back_test
from pumpwatch_gui.domain.pump.running import run_rule, states_of
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.files.recordings.reading import read_recording
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.infer.bundles.bundle import load_bundle
from pumpwatch_gui.infer.evaluation.recorded_frames import chained
from pumpwatch_gui.infer.learning.learner import FIRST_S, Fit, Learner, carry_out
from pumpwatch_gui.infer.learning.material import Material
from pumpwatch_gui.settings.profile_file import load_profile

HOUR_ROWS, LEARNING_PUMPS = 3_600, 50
LONG_ROWS, SCORED_ROWS, TESTED_ROWS, LEARNT_HOURS = 2_000_000, 86_400, 30 * 86_400, 24.0
START = np.datetime64("2026-01-01T00:00:00")
PROFILE = "centrifugal"


def run(_data: Path | None) -> Iterator[Figure]:
    """A recording of ten sensors at 1 Hz, read and scored in processes of their own."""
    yield from figures(LONG_ROWS, SCORED_ROWS, TESTED_ROWS, LEARNT_HOURS)


def figures(long_rows: int, scored_rows: int, tested_rows: int, learnt_hours: float) -> Iterator[Figure]:
    """Reading so many rows, scoring so many, a back-test on so many, and a fit to so many hours."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.csv"
        write(path, long_rows)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            read_s, memory_mb, rows = pool.submit(_read, path).result()
            plain_s = pool.submit(_read_plainly, path).result()
            tested_s, hours = pool.submit(_back_test, tested_rows).result()
            fed, learnt_s, not_calm = pool.submit(_refit, learnt_hours).result()
        if not hours:
            raise NotMeasuredError("the back-test scored nothing")
        if not_calm:
            raise NotMeasuredError(f"the pump did not learn: {not_calm}")
        if rows != long_rows:
            raise NotMeasuredError(f"{rows} of {long_rows} rows were read")
        what = f"read {long_rows:,} rows of ten sensors"
        yield Figure(what, read_s, "s", f"≤ 10 s; numpy.loadtxt of the numbers alone {plain_s:.1f} s")
        if memory_mb:
            yield Figure(f"{what}: memory of the process", memory_mb, "MB", "≤ 400 MB")
        for rows, reference in ((min(HOUR_ROWS, scored_rows), "≤ 1 s an hour"), (scored_rows, "≤ 15 s a day")):
            write(path, rows)
            yield Figure(f"score {rows:,} rows, with the start of the process", _score_s(path), "s", reference)
        yield Figure(f"back-test on {tested_rows:,} rows", tested_s, "s", "≤ 120 s for 30 days at 1 Hz")
        yield Figure(f"{LEARNING_PUMPS} pumps that learn at 1 Hz", 100 * LEARNING_PUMPS * fed, "% of a core", "≤ 1 %")
        yield Figure(
            f"learn again after {learnt_hours:.0f} h of ten sensors at 1 Hz", learnt_s, "s", "≤ 15 s in the background"
        )


def write(path: Path, rows: int) -> None:
    """A recording of so many rows of steady running, with three decimals."""
    profile, random = load_profile(PROFILE), np.random.default_rng(1)
    middle = np.array([sum(s.normal or s.span) / 2 for s in profile.sensors])
    form = ",".join(["%.3f"] * middle.size)
    with path.open("w", encoding="utf-8") as file:
        file.write("timestamp," + ",".join(profile.tags) + "\n")
        for first in range(0, rows, 10_000):
            count = min(10_000, rows - first)
            stamps = (START + np.arange(first, first + count)).astype(str).tolist()
            values = (middle * random.normal(1.0, 0.002, (count, middle.size))).tolist()
            file.writelines(f"{at}Z,{form % tuple(row)}\n" for at, row in zip(stamps, values, strict=True))


def _read(path: Path) -> tuple[float, float, int]:
    """Seconds, MB at most (0 where the system does not say), rows."""
    started = time.perf_counter()
    recording = read_recording(path, load_profile(PROFILE))
    read_s = time.perf_counter() - started
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text("ascii")) if status.exists() else None
    return read_s, int(peak[1]) / 1e3 if peak else 0.0, recording.time_s.size


def _back_test(rows: int) -> tuple[float, float]:
    """Seconds that a back-test on so many rows takes, and the hours it scored."""
    profile, random = load_profile(PROFILE), np.random.default_rng(2)
    middle = np.array([sum(s.normal or s.span) / 2 for s in profile.sensors])
    values = middle * random.normal(1.0, 0.002, (rows, middle.size))
    recording = Recording(Path("made up"), 1.7e9 + np.arange(float(rows)), values)
    bundle = load_bundle(shipped("models") / PROFILE, profile)
    started = time.perf_counter()
    found = back_test(bundle, profile, [recording])
    return time.perf_counter() - started, found.scored_h


def _refit(hours: float) -> tuple[float, float, str]:
    """What a pump that learns takes of a core, seconds of processor of the fit after so many hours, why not calm."""
    kind = replace(next(k for k in KNOWN if len(k.sensors) == 10), period_s=1.0)
    profile, recording = profile_of(kind), recording_of(run_of(kind, hours=hours, seed=11))
    states = states_of(recording.values, profile.tags, run_rule(profile))
    with tempfile.TemporaryDirectory() as folder:
        material = Material(Path(folder) / "learned", profile, first_due_s=FIRST_S)
        learner = Learner(profile, material)
        frames = list(chained([recording], profile, pump_id="P"))
        started = time.process_time()
        for frame, state in zip(frames, states, strict=True):
            learner.feed(frame, state)
        fed = (time.process_time() - started) / len(frames)
        fit = Fit(tuple(material.blocks), material.progress.counted_s, "")
        started = time.process_time()
        outcome = carry_out(fit, material, profile, Path(folder) / "bundle", name="learnt")
        return fed, time.process_time() - started, outcome.not_calm


def _read_plainly(path: Path) -> float:
    started = time.perf_counter()
    np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(1, len(load_profile(PROFILE).sensors) + 1))
    return time.perf_counter() - started


def _score_s(path: Path) -> float:
    """Seconds of the whole command, the fastest of three."""
    model, out = shipped("models") / PROFILE, path.with_name("scores.csv")
    command = [sys.executable, "-m", "pumpwatch_gui", "--home", str(path.parent / "home"), "score"]
    command += ["--model", str(model), "--out", str(out), str(path)]
    times_s = []
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        times_s.append(time.perf_counter() - started)
        if done.returncode:
            raise NotMeasuredError(f"score ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    return min(times_s)
