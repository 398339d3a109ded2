"""Making a model as a user does it: data that was checked, a training under way, the model in the registry."""

import importlib.util
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pumpwatch_gui.commissioning.models.material import Material
from pumpwatch_gui.commissioning.models.stored import store_model
from pumpwatch_gui.commissioning.models.training_job import JobView, TrainingJob
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.data_quality import QualityFinding, QualityReport, Severity, gravest_first, joined
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.recordings.reading import AS_FOUND
from pumpwatch_gui.files.recordings.writing import write_recording
from pumpwatch_gui.infer.evaluation.data_quality import quality_report
from pumpwatch_gui.infer.training.combined_trainer import left_out_of
from pumpwatch_gui.infer.training.normal_running import THRESHOLD_FACTOR, Commissioning
from pumpwatch_gui.infer.training.trainers import TRAINERS, needs_tensorflow

KINDS = tuple(TRAINERS)
"""The kinds of detector that can be trained, the usual first."""
MORE_KINDS = "Kinds with a network need TensorFlow: python3 installer/run.py setup --train"
USUAL_FACTOR = THRESHOLD_FACTOR
"""The threshold factor of a model when none is chosen."""


def kinds_here() -> tuple[str, ...]:
    """The kinds that can be trained with what is installed, the usual first."""
    has_tensorflow = importlib.util.find_spec("tensorflow") is not None
    return tuple(kind for kind in KINDS if has_tensorflow or not needs_tensorflow(kind))


@dataclass(frozen=True, slots=True, eq=False)
class CheckedMaterial:
    """What a model may be made of, read and examined."""

    material: Material
    recordings: tuple[Recording, ...]
    report: QualityReport


def check_material(material: Material, station: Station) -> CheckedMaterial:
    """Read what was chosen and examine it. Blocks. Raises InputError, StoreError."""
    recordings = material.read(station)
    profile = material.pump.profile
    report = joined([quality_report(recording, profile) for recording in recordings])
    report = replace(report, findings=gravest_first((*report.findings, *_look_like_faults(profile, recordings))))
    return CheckedMaterial(material, tuple(recordings), report)


def _look_like_faults(profile: PumpProfile, recordings: Sequence[Recording]) -> list[QualityFinding]:
    """The stretches that a model is not made of unless they are kept by hand."""
    try:
        spans = left_out_of(Commissioning(profile, tuple(recordings)))
    except InputError:
        return []  # too little to look at: the report says so already
    text = "looks like a fault and is left out, unless everything is kept"
    return [
        QualityFinding(Severity.WARNING, profile.tags[span.sensor], f"{span.words(profile)} {text}") for span in spans
    ]


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How a model is made: the kind of detector, the threshold factor, and whether too little data is allowed.

    `keep_all`: also what looks like a fault is used.
    """

    kind: str
    threshold_factor: float
    allow_short: bool = False
    keep_all: bool = False


class Training:
    """A training under way in a child process, and the folder in which its data and its model are meanwhile."""

    def __init__(self, checked: CheckedMaterial, options: TrainingOptions, folder: Path | None) -> None:
        """Write the data where the child can read it, and start the child. Blocks. Raises InputError."""
        self.material = material = checked.material
        self.scratch = Path(tempfile.mkdtemp(prefix="pumpwatch-training-"))
        # The child reads files as it finds them: what was read with choices it gets as it was read.
        files = [path.resolve() for path in material.files] if material.choices == AS_FOUND else []
        if not files:
            for recording in checked.recordings:
                files.append(self.scratch / f"{len(files) + 1}-{recording.path.stem}.csv")
                write_recording(recording, files[-1], material.pump.profile)
        self._job = TrainingJob(
            material.pump.profile_name,
            files,
            self.scratch / material.pump.pump_id,
            kind=options.kind,
            allow_short=options.allow_short,
            keep_all=options.keep_all,
            threshold_factor=options.threshold_factor,
            base_dir=folder,
        )

    def poll(self) -> JobView:
        """Its progress now."""
        return self._job.poll()

    def cancel(self) -> None:
        """End it; nothing is left behind once it was discarded."""
        self._job.cancel()

    def store(self, home: Home) -> str:
        """Take the finished model into the registry; its version. Blocks. Raises BundleError, InputError."""
        try:
            return store_model(home, self.material.pump.pump_id, self._job.poll().out)
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.scratch, ignore_errors=True)
