"""What a pump has learnt from: its own normal running, in blocks of ten minutes on the disk."""

import io
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.detection import LearningStep
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.files.atomic import write_atomic

Floats = NDArray[np.float64]

INDEX_FILE = "learning.json"
SCHEMA = 1
AFTER_STEP_S = 60.0
MOST_BLOCKS = 150
"""A day of running and an hour of another operating region; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some minutes of normal running: `start_ns` (Unix UTC) names its file, `running_s` is what it counts for.

    `point` is the median of the sensor that shows the operating region, NaN-free. `tags` had values for half of it.
    """

    start_ns: int
    running_s: float
    point: float
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pump has come. `sensors` are what it was begun for (`tag in unit`).

    The next fit is due at `due_s` of running. `version` is the bundle that was learnt last ("": none yet), `fitted_s`
    the running that it was learnt from (as of a pump that is read often), `not_calm` what speaks against arming ("":
    nothing), `low` to `high` the operating points it has seen, `tags` the sensors that it has seen for long enough to
    learn them, `steps` the last things that happened.
    """

    sensors: tuple[str, ...]
    due_s: float
    version: str = ""
    not_calm: str = ""
    low: float = 0.0
    high: float = 0.0
    counted_s: float = 0.0
    fitted_s: float = 0.0
    tags: tuple[str, ...] = ()
    steps: tuple[LearningStep, ...] = ()

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Progress":
        """The inverse of `asdict`; raises KeyError, TypeError or ValueError when it does not fit."""
        steps = tuple(LearningStep(**step) for step in content.get("steps", ()))
        sensors, tags = tuple(content["sensors"]), tuple(content.get("tags", ()))
        return cls(**(dict(content) | {"sensors": sensors, "tags": tags, "steps": steps}))


class Material:
    """The blocks and the progress of one pump in `folder`. What cannot be read is left out; other sensors begin again.

    Raises OSError when the folder cannot be written.
    """

    def __init__(self, folder: Path, profile: PumpProfile, *, first_due_s: float) -> None:
        self.folder = folder
        self._profile = profile
        sensors = tuple(f"{s.tag} in {s.unit}" for s in profile.sensors)
        self._fresh = Progress(sensors, first_due_s)
        self.progress, self.blocks = self._fresh, list[Block]()
        self.began_anew = not self._load()

    @property
    def running_s(self) -> float:
        """Seconds of running that the blocks hold."""
        return sum(block.running_s for block in self.blocks)

    def add(self, time_s: Floats, values: Floats, *, running_s: float, point: float) -> None:
        """Keep a block: times (m,) Unix seconds and values (m, n), NaN where there is none."""
        block = Block(round(time_s[0] * 1e9), running_s, point, self.tags_in(values))
        held = io.BytesIO()
        np.savez_compressed(held, time_s=time_s, values=values.astype(np.float32))
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self._file(block), held.getvalue())
        self.blocks.append(block)
        self.progress = replace(self.progress, counted_s=self.progress.counted_s + running_s)
        while len(self.blocks) > MOST_BLOCKS:
            self._file(self.blocks.pop(0)).unlink(missing_ok=True)
        self.save()

    def tags_in(self, values: Floats) -> tuple[str, ...]:
        """The sensors that have a value in at least half of the rows (m, n)."""
        there = np.isfinite(values).mean(axis=0) >= 0.5
        return tuple(tag for tag, is_there in zip(self._profile.tags, there.tolist(), strict=True) if is_there)

    def save(self) -> None:
        """Write how far it has come."""
        content = {"schema": SCHEMA, "progress": asdict(self.progress), "blocks": [asdict(b) for b in self.blocks]}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self.folder / INDEX_FILE, json.dumps(content).encode())

    def clear(self) -> None:
        """Forget everything."""
        self.progress, self.blocks = self._fresh, []
        shutil.rmtree(self.folder, ignore_errors=True)

    def recordings(self, blocks: Sequence[Block]) -> list[Recording]:
        """Blocks as one recording, holes and all; nothing where none of them can be read."""
        times, values, ended_s = list[Floats](), list[Floats](), 0.0
        for block in blocks:
            with suppress(OSError, ValueError, KeyError):
                with np.load(self._file(block), allow_pickle=False) as held:
                    time_s, own = held["time_s"].astype(np.float64), held["values"].astype(np.float64)
                if time_s.size and own.shape == (time_s.size, len(self._profile.sensors)):
                    if time_s[0] <= ended_s:  # a clock that was set back: what came later stays later
                        time_s = time_s + (ended_s + AFTER_STEP_S - time_s[0])
                    ended_s = float(time_s[-1])
                    times.append(time_s)
                    values.append(own)
        if not times:
            return []
        time_s, whole = np.concatenate(times), np.concatenate(values)
        rising = np.concatenate(([True], np.diff(time_s) > 0))
        return [Recording(self.folder / "own running", time_s[rising], whole[rising])]

    def _file(self, block: Block) -> Path:
        return self.folder / f"{block.start_ns}.npz"

    def _load(self) -> bool:
        """Whether there was nothing that had to be given up."""
        try:
            content: Mapping[str, Any] = json.loads((self.folder / INDEX_FILE).read_text("utf-8"))
            progress = Progress.from_json(content["progress"])
            blocks = [Block(**row | {"tags": tuple(row.get("tags", ()))}) for row in content["blocks"]]
        except FileNotFoundError:
            return True
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self.clear()
            return False
        if progress.sensors != self._fresh.sensors or content.get("schema") != SCHEMA:
            self.clear()
            return False
        self.progress, self.blocks = progress, [b for b in blocks if self._file(b).is_file()]
        return True
