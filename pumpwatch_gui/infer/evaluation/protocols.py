"""Protocols that measure detection, every row fed by itself through the live path, with two baselines.

The recordings are those of the SKAB water-pump test bed (folders valve1, valve2, other, anomaly-free), which the user
supplies. No label is used before the rows were judged.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.pump.running import run_rule
from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.files.recordings.reading import read_recording
from pumpwatch_gui.infer.bundles.bundle import Bundle
from pumpwatch_gui.infer.evaluation.metrics import Judged, Marks, marks
from pumpwatch_gui.infer.evaluation.scoring import ScoredRow, score_rows

_NAMES = ("Accelerometer1RMS", "Accelerometer2RMS", "Current", "Pressure", "Temperature", "Thermocouple", "Voltage",
          "Volume_Flow_RateRMS")  # fmt: skip
_ANYTHING = (-1e9, 1e9)
SKAB = PumpProfile("skab", tuple(Sensor(name, name.replace("_", " "), "", _ANYTHING) for name in _NAMES))
"""The eight sensors of the test bed."""
_LABELLED = replace(SKAB, sensors=(*SKAB.sensors, Sensor("anomaly", "label", "", _ANYTHING)))
FIRST_ROWS = 400
COMMISSIONING_S = 3600.0
UNSOUND = frozenset(("other/2", "other/4", "other/8", "other/12", "other/13", "other/14"))
"""Files whose sensors contradict their labels."""
COMMISSIONED = tuple(f"valve1/{i}" for i in range(6))
STREAMED = ("valve1/6", "valve1/7", "valve2/0", "valve2/1")
UNSEEN = ("other/5", "other/6", "other/12", "other/13")
FREE = "anomaly-free/anomaly-free"
CLOCK = (572, 974)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A recording of the test bed and which of its rows (m,) are labelled anomalous."""

    name: str
    recording: Recording
    label: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "label")

    def part(self, rows: slice | NDArray[np.bool_]) -> Recording:
        """Some of its rows as a recording."""
        return replace(self.recording, time_s=self.recording.time_s[rows], values=self.recording.values[rows])


@dataclass(frozen=True, slots=True)
class Result:
    """What a protocol found: the marks of `who` (a detector kind or a baseline) over `files`."""

    protocol: str
    who: str
    marks: Marks
    files: tuple[str, ...]


def load_skab(folder: Path) -> Mapping[str, Labelled]:
    """Every recording below `folder` by its name (`valve1/0`). Raises InputError when there is none."""
    found = {f"{path.parent.name}/{path.stem}": path for path in sorted(folder.glob("*/*.csv"))}
    if not found:
        raise InputError(
            f"{folder} holds no recording", "give the folder that holds valve1, valve2, other, anomaly-free"
        )
    return {name: _labelled(name, path) for name, path in found.items()}


def protocol_a(
    files: Mapping[str, Labelled], *, kind: str, only: Sequence[str] = (), progress: Progress = lambda text: None
) -> list[Result]:
    """A model for each file from its first 400 rows; the rows after them are judged."""
    names = tuple(name for name in files if not name.startswith("anomaly-free") and (not only or name in only))
    judged = []
    for name in names:
        file = files[name]
        with tempfile.TemporaryDirectory() as folder:
            bundle = _trained([file.part(slice(FIRST_ROWS))], Path(folder), kind=kind)
            judged.append(_judge(bundle, [file])[0].after(FIRST_ROWS))
        progress(f"A {name}: {_line(marks(judged[-1:]))}")
    sound = [j for j in judged if j.name not in UNSOUND]
    results = [Result("A", kind, marks(judged), names)]
    if sound and len(sound) < len(judged):
        results.append(Result("A, sound labels", kind, marks(sound), tuple(j.name for j in sound)))
    return results + _baselines("A", [files[name] for name in names], after=FIRST_ROWS)


def protocol_c(
    files: Mapping[str, Labelled],
    *,
    kind: str,
    commissioned: Sequence[str] = COMMISSIONED,
    streamed: Sequence[str] = STREAMED,
    progress: Progress = lambda text: None,
) -> list[Result]:
    """One model from the normal rows of some files; later ones are streamed through it."""
    normal = [files[name].part(~files[name].label) for name in commissioned]
    later = [files[name] for name in streamed]
    with tempfile.TemporaryDirectory() as folder:
        judged = _judge(_trained(normal, Path(folder), kind=kind), later)
    for one in judged:
        progress(f"C {one.name}: {_line(marks([one]))}")
    return [Result("C", kind, marks(judged), tuple(streamed)), *_baselines("C", later)]


def protocol_d(
    files: Mapping[str, Labelled],
    *,
    kind: str,
    streamed: Sequence[str] = UNSEEN,
    progress: Progress = lambda text: None,
) -> list[Result]:
    """One model from the first hour of the anomaly-free recording; its rest and unseen faults are streamed."""
    free = files[FREE]
    first = free.recording.time_s < free.recording.time_s[0] + COMMISSIONING_S
    rest = Labelled(free.name, free.part(~first), free.label[~first])
    later = [rest, *(files[name] for name in streamed)]
    with tempfile.TemporaryDirectory() as folder:
        judged = _judge(_trained([free.part(first)], Path(folder), kind=kind), later)
    for one in judged:
        progress(f"D {one.name}: {_line(marks([one]))}")
    sound = [one for one in judged if one.name not in UNSOUND]
    names = tuple(one.name for one in later)
    return [
        Result("D", kind, marks(judged), names),
        Result("D, sound labels", kind, marks(sound), tuple(one.name for one in sound)),
        *_baselines("D", later),
    ]


def _trained(recordings: Sequence[Recording], folder: Path, *, kind: str) -> Bundle:
    from pumpwatch_gui.infer.training.train import train_on

    return train_on(SKAB, recordings, folder / "model", kind=kind, allow_short=True)


def _judge(bundle: Bundle, files: Sequence[Labelled]) -> list[Judged]:
    """Stream the files one after the other as one pump's."""
    bundle.detector.warm_up()
    rows = score_rows(bundle, SKAB, run_rule(SKAB), [file.recording for file in files])
    return [_judged(file, rows) for file in files]


def _judged(file: Labelled, rows: Iterator[ScoredRow]) -> Judged:
    alarm = np.array([next(rows).alarm for _ in range(file.label.size)], dtype=np.bool_)
    return Judged(file.name, file.recording.time_s, file.label, alarm)


def _baselines(protocol: str, files: Sequence[Labelled], *, after: int = 0) -> list[Result]:
    """What predictors that read no sensor reach: any detector has to do better."""
    names = tuple(file.name for file in files)
    always = [Judged(f.name, f.recording.time_s, f.label, np.ones_like(f.label)) for f in files]
    clock = []
    for file in files:
        row = np.arange(file.label.size)
        alarm = (row >= CLOCK[0]) & (row < CLOCK[1])
        clock.append(Judged(file.name, file.recording.time_s, file.label, alarm))
    return [
        Result(protocol, who, marks([j.after(after) for j in judged]), names)
        for who, judged in (("always in alarm", always), ("a clock, no sensor", clock))
    ]


def _labelled(name: str, path: Path) -> Labelled:
    both = read_recording(path, _LABELLED)
    label = both.values[:, -1] == 1.0
    recording = Recording(
        path, both.time_s, both.values[:, :-1].copy(), tuple(t for t in both.missing if t != "anomaly")
    )
    return Labelled(name, recording, label)


def _line(m: Marks) -> str:
    return (
        f"F1 {m.f1:.3f}, FAR {m.far:.1f} %, MAR {m.mar:.1f} %, detected {m.detected} of {m.events}, "
        f"delay {m.delay_median_s:.0f} s, {m.false_alarms} false alarms, {m.in_alarm:.1f} % of normal time in alarm"
    )
