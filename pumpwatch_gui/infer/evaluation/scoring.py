"""Recordings scored by the live path, row by row."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import nan
from pathlib import Path

from pumpwatch_gui.domain.alarms.episodes import ScoreAlarm
from pumpwatch_gui.domain.detection import Detection, ScoreResult
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import RunRule, state_of
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.files.atomic import atomic_text
from pumpwatch_gui.files.recording import read_recording
from pumpwatch_gui.infer.bundles.bundle import Bundle, load_bundle, profile_of
from pumpwatch_gui.infer.bundles.manifest import read_manifest
from pumpwatch_gui.infer.evaluation.recorded_frames import chained
from pumpwatch_gui.infer.live.scorer import Scorer

PUMP = "recording"


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """What the live path made of one row: its score result, and whether the alarm is on after it."""

    time_ns: int
    mono_ns: int
    score_result: ScoreResult
    alarm: bool

    @property
    def score(self) -> float:
        """The score in limit units, NaN where the row was not scored."""
        return self.score_result.score if isinstance(self.score_result, Detection) else nan


def score_rows(
    bundle: Bundle, profile: PumpProfile, rule: RunRule | None, recordings: Sequence[Recording]
) -> Iterator[ScoredRow]:
    """Feed every row to the live scorer and yield what came of it. Strictly causal: a row sees only rows before it."""
    scorer, alarm = Scorer(), ScoreAlarm()
    scorer.assign(PUMP, profile, bundle)
    for frame in chained(recordings, profile, pump_id=PUMP):
        state = state_of(frame, profile.tags, rule)
        scorer.feed(frame, state)
        (score_result,) = scorer.score_due()
        if isinstance(score_result, Detection):
            alarm.update(frame.mono_ns, score_result.score)
        yield ScoredRow(frame.time_ns, frame.mono_ns, score_result, alarm.active)


def score_recordings(model: Path, recordings: Sequence[Path], out: Path) -> int:
    """Score CSV files by the bundle in `model` and write `timestamp,score,threshold,alarm,share_TAG…`; rows written.

    The files are taken as one pump's, one after the other. `score` and `threshold` are in limit units (1.0 is the
    limit); a row that was not scored has them and its shares empty. Raises BundleError or InputError.
    """
    profile, bundle, rule = open_model(model)
    rows = score_rows(bundle, profile, rule, [read_recording(path, profile) for path in recordings])
    try:
        with atomic_text(out) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["timestamp", "score", "threshold", "alarm", *(f"share_{tag}" for tag in profile.tags)])
            count = 0
            for row in rows:
                writer.writerow(_cells(row, len(profile.tags)))
                count += 1
            return count
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}", "name a file that can be written") from error


def open_model(model: Path) -> tuple[PumpProfile, Bundle, RunRule | None]:
    """A bundle, with the profile and the running rule it carries. Raises BundleError."""
    manifest = read_manifest(model)
    profile = profile_of(manifest)
    return profile, load_bundle(model, profile), manifest.rule


def _cells(row: ScoredRow, sensors: int) -> list[str]:
    stamp = datetime.fromtimestamp(row.time_ns / 1e9, UTC).isoformat().replace("+00:00", "Z")
    if not isinstance(row.score_result, Detection):
        return [stamp, "", "", str(int(row.alarm)), *[""] * sensors]
    shares = [f"{share:.6f}" for share in row.score_result.shares.tolist()]
    return [stamp, f"{row.score_result.score:.6f}", "1.0", str(int(row.alarm)), *shares]
