"""Recordings scored by the live path, row by row."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from math import isnan, nan
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from pumpwatch_gui.domain.alarms.episodes import ScoreAlarm
from pumpwatch_gui.domain.detection import NO_LEVELS, Detection, ScoreResult
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import RunRule, state_of
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.files.atomic import atomic_text
from pumpwatch_gui.files.recordings.reading import AS_FOUND, read_recording
from pumpwatch_gui.infer.bundles.bundle import Bundle, load_bundle, profile_of
from pumpwatch_gui.infer.bundles.manifest import read_manifest
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.evaluation.lane_scores import LaneScorer, ModelFailedError
from pumpwatch_gui.infer.evaluation.lanes import Progress
from pumpwatch_gui.infer.evaluation.recorded_frames import RecordedRows, chained
from pumpwatch_gui.infer.live.scorer import Scorer

PUMP = "recording"
ROWS_AT_ONCE = 64
"""Windows of one network call: more no longer fit the cache."""
_ROWS_BETWEEN_PROGRESS = 5_000


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


class RowScore(NamedTuple):
    """The score of a row in limit units (NaN: not scored), its shares (n,), and whether the alarm is on after it."""

    time_ns: int
    mono_ns: int
    score: float
    shares: NDArray[np.float64]
    alarm: bool


def score_rows(
    bundle: Bundle, profile: PumpProfile, rule: RunRule | None, recordings: Sequence[Recording]
) -> Iterator[ScoredRow]:
    """Feed every row to the live scorer and yield what came of it. Strictly causal: a row sees only rows before it."""
    scorer, alarm = Scorer(), ScoreAlarm()
    scorer.assign(PUMP, profile, bundle)
    frames = ((f, state_of(f, profile.tags, rule)) for f in chained(recordings, profile, pump_id=PUMP))
    for frame, result in scorer.score_all(frames, at_once=ROWS_AT_ONCE):
        if isinstance(result, Detection):
            alarm.update(frame.mono_ns, result.score)
        yield ScoredRow(frame.time_ns, frame.mono_ns, result, alarm.active)


def row_scores(
    bundle: Bundle,
    profile: PumpProfile,
    rule: RunRule | None,
    recordings: Sequence[Recording],
    *,
    progress: Progress = lambda part: None,
) -> Iterator[RowScore]:
    """The scores of `score_rows`, bit for bit; of long recordings in a fraction of the time.

    `progress` is called with the part done, 0 to 1; what it raises ends the work.
    """
    if isinstance(bundle.detector, CombinedDetector):
        rows = RecordedRows(recordings, profile)
        lanes = _in_lanes(rows, LaneScorer(bundle.detector, profile, rule, rows, progress=progress))
        return _or_one_by_one(lanes, score_rows(bundle, profile, rule, recordings))
    total = max(sum(r.time_s.size for r in recordings), 1)
    return bare(_with_progress(score_rows(bundle, profile, rule, recordings), total, progress))


def bare(rows: Iterable[ScoredRow]) -> Iterator[RowScore]:
    """No more than the scores of rows."""
    for row in rows:
        shares = row.score_result.shares if isinstance(row.score_result, Detection) else NO_LEVELS
        yield RowScore(row.time_ns, row.mono_ns, row.score, shares, row.alarm)


def _or_one_by_one(lanes: Iterator[RowScore], rows: Iterator[ScoredRow]) -> Iterator[RowScore]:
    """The rows of lanes; once the model fails, those of the live path, which leaves out no more than it fails on."""
    done = 0
    try:
        for row in lanes:
            yield row
            done += 1
    except ModelFailedError:
        yield from islice(bare(rows), done, None)


def _in_lanes(rows: RecordedRows, scorer: LaneScorer) -> Iterator[RowScore]:
    alarm = ScoreAlarm()
    for start, scores, shares in scorer.pieces():
        part = slice(start, start + scores.size)
        columns = rows.time_ns[part].tolist(), rows.mono_ns[part].tolist(), scores.tolist(), shares
        for time_ns, mono_ns, score, own in zip(*columns, strict=True):
            alarm.update(mono_ns, score)
            yield RowScore(time_ns, mono_ns, score, own, alarm.active)


def _with_progress(rows: Iterable[ScoredRow], total: int, progress: Progress) -> Iterator[ScoredRow]:
    for done, row in enumerate(rows):
        if done % _ROWS_BETWEEN_PROGRESS == 0:
            progress(done / total)
        yield row


@dataclass(frozen=True, slots=True)
class ScoreCount:
    """How many rows were scored and in alarm, of how many; what the recordings lacked."""

    rows: int
    scored: int
    in_alarm: int
    missing: int
    dropped: int

    @override
    def __str__(self) -> str:
        return (
            f"{self.rows} rows, {self.scored} scored, {self.in_alarm} in alarm, "
            f"{self.missing} values missing, {self.dropped} rows dropped"
        )


def score_recordings(
    model: Path,
    recordings: Sequence[Path],
    out: Path,
    *,
    choices: FormatChoices = AS_FOUND,
    report: Callable[[str], None] = lambda text: None,
) -> ScoreCount:
    """Score text files by the bundle in `model` and write `timestamp,score,threshold,alarm,share_TAG…`.

    The files are taken as one pump's, one after the other. `score` and `threshold` are in limit units (1.0 is the
    limit); a row that was not scored has them and its shares empty. `report` gets how each file was understood and what
    was dropped of it, a line each. Raises BundleError or InputError.
    """
    profile, bundle, rule = open_model(model)
    read = read_all(recordings, profile, choices, report)
    return write_rows(out, profile, row_scores(bundle, profile, rule, read), read)


def read_all(
    recordings: Sequence[Path], profile: PumpProfile, choices: FormatChoices, report: Callable[[str], None]
) -> list[Recording]:
    """Recordings in the order given; `report` gets what there is to tell of each. Raises InputError."""
    read = [read_recording(path, profile, choices) for path in recordings]
    for recording in read:
        for text in recording.remarks():
            report(f"{recording.path.name}: {text}")
    return read


def write_rows(out: Path, profile: PumpProfile, rows: Iterable[RowScore], read: Sequence[Recording]) -> ScoreCount:
    """Write what came of each row of the recordings `read`. Raises InputError for an `out` that cannot be written."""
    missing, dropped = sum(r.empty_values for r in read), sum(r.dropped for r in read)
    try:
        with atomic_text(out) as file:
            header = ["timestamp", "score", "threshold", "alarm", *(f"share_{tag}" for tag in profile.tags)]
            csv.writer(file, lineterminator="\n").writerow(header)
            scored_line = "%s,%.6f,1.0,%d" + ",%.6f" * len(profile.tags) + "\n"
            bare_line = "%s,,,%d" + "," * len(profile.tags) + "\n"
            count = scored = in_alarm = 0
            for row in rows:
                stamp = datetime.fromtimestamp(row.time_ns / 1e9, UTC).isoformat().replace("+00:00", "Z")
                if not isnan(row.score):
                    scored += 1
                    file.write(scored_line % (stamp, row.score, row.alarm, *row.shares.tolist()))
                else:
                    file.write(bare_line % (stamp, row.alarm))
                count += 1
                in_alarm += row.alarm
            return ScoreCount(count, scored, in_alarm, missing, dropped)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}", "name a file that can be written") from error


def open_model(model: Path) -> tuple[PumpProfile, Bundle, RunRule | None]:
    """A bundle, with the profile and the running rule it carries. Raises BundleError."""
    manifest = read_manifest(model)
    profile = profile_of(manifest)
    return profile, load_bundle(model, profile), manifest.rule
