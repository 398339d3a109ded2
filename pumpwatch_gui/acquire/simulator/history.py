"""Recordings with ground truth: simulated days as CSV, faster than real time and streamed to disk."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.acquire.simulator.faults import FaultSpec
from pumpwatch_gui.acquire.simulator.instruments import DECIMALS
from pumpwatch_gui.acquire.simulator.plant import BLOCK_STEPS, DT_S, Plant, PlantReadings
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.files.atomic import atomic_text

EPOCH = datetime(2026, 1, 1, 9, tzinfo=UTC)
"""Default time stamp of the start: fixed, so that the same seed writes the same bytes."""
TRUTH = ("fault", "severity", "run_state")
_NUMBERS = ",".join(f"%.{decimals}f" for decimals in DECIMALS)


def write_history(
    plant: Plant,
    *,
    days: float,
    path: Path,
    period_s: float = 1.0,
    start: datetime = EPOCH,
    stop: threading.Event | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Path, ...]:
    """Advance `plant` by `days` and write a row every `period_s`: UTC time stamp, ten tags, then the ground truth.

    Gives the files written, one a pump in plant order: for one pump exactly `path`, for several `NAME_P-101.csv` and
    so on. They appear under their names when they are complete. An empty cell is a reading the instrument did not
    supply. Truth: `fault` (names joined by `+`, empty when healthy), `severity` (how far the worst has developed, 0
    to 1), `run_state` (RUNNING or STANDBY). `stop` ends early, with whole rows; `progress` gets the part done.
    Raises ValueError for a period that is not a multiple of the inner step, InputError when a file cannot be written.
    """
    every = round(period_s / DT_S)
    if every < 1 or abs(every * DT_S - period_s) > 1e-9:
        raise ValueError(f"period_s: must be a multiple of {DT_S} s")
    if not days > 0:
        raise ValueError("days: must be above 0")
    paths = history_paths(path, plant.pump_ids)
    total = int(days * 86_400 / period_s) * every
    with ExitStack() as stack:
        files = [stack.enter_context(_writing(p)) for p in paths]
        header = ",".join(("timestamp", *plant.tags, *TRUTH)) + "\n"
        for file in files:
            file.write(header)
        for done, readings in _sampled(plant, total=total, every=every):
            for pump, file in enumerate(files):
                file.writelines(
                    _rows(readings, pump, _stamps(readings.time_s, start), _names(plant, pump, readings.time_s))
                )
            if progress is not None:
                progress(done / total)
            if stop is not None and stop.is_set():
                break
    return paths


def history_paths(path: Path, pump_ids: tuple[str, ...]) -> tuple[Path, ...]:
    """Where the recording of each pump goes: `path` for one pump, `NAME_PUMP.csv` in the same folder for several."""
    if len(pump_ids) == 1:
        return (path,)
    return tuple(path.with_name(f"{path.stem}_{pump_id}{path.suffix}") for pump_id in pump_ids)


@contextmanager
def _writing(path: Path) -> Iterator[TextIO]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_text(path) as file:
            yield file
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", "name a folder that can be written") from error


def _sampled(plant: Plant, *, total: int, every: int) -> Iterator[tuple[int, PlantReadings]]:
    """Blocks of readings thinned to every `every`-th step, with the steps done so far."""
    block = max(BLOCK_STEPS // every, 1) * every
    for done in range(0, total, block):
        steps = min(block, total - done)
        readings = plant.run(steps)
        yield done + steps, readings.part(slice(every - 1, None, every))


def _stamps(time_s: NDArray[np.float64], start: datetime) -> list[str]:
    origin = np.datetime64(start.astimezone(UTC).replace(tzinfo=None), "ms")
    whole = bool(np.allclose(time_s, np.round(time_s))) and start.microsecond == 0
    times = origin + np.round(time_s * 1e3).astype("timedelta64[ms]")
    texts: list[str] = np.datetime_as_string(times, unit="s" if whole else "ms").tolist()
    return [text + "Z" for text in texts]


def _names(plant: Plant, pump: int, time_s: NDArray[np.float64]) -> list[str]:
    """The faults at work in one pump at each time, joined by `+`."""
    names = [""] * time_s.size
    own: list[FaultSpec] = [spec for spec in plant.faults if spec.pump_id == plant.pump_ids[pump]]
    for spec in own:
        for i in np.flatnonzero(spec.level(time_s) > 0):
            names[i] = f"{names[i]}+{spec.name}" if names[i] else spec.name
    return names


def _rows(readings: PlantReadings, pump: int, stamps: list[str], names: list[str]) -> Iterator[str]:
    values = readings.values[:, pump].tolist()
    levels = readings.level[:, pump].tolist()
    running = readings.running[:, pump].tolist()
    for stamp, row, name, level, on in zip(stamps, values, names, levels, running, strict=True):
        state = RunState.RUNNING if on else RunState.STANDBY
        numbers = (_NUMBERS % tuple(row)).replace("nan", "")
        yield f"{stamp},{numbers},{name},{level:.3f},{state.value}\n"
