"""A recorded pump that starts without a model and learns itself, by the live path."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pumpwatch_gui.domain.alarms.episodes import ScoreAlarm
from pumpwatch_gui.domain.detection import Detection, ScoreResult
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.domain.wording import running_time
from pumpwatch_gui.files.recordings.reading import AS_FOUND
from pumpwatch_gui.infer.bundles.bundle import load_bundle
from pumpwatch_gui.infer.evaluation.recorded_frames import chained
from pumpwatch_gui.infer.evaluation.scoring import PUMP, ROWS_AT_ONCE, ScoreCount, ScoredRow, bare, read_all, write_rows
from pumpwatch_gui.infer.learning.learner import FIRST_S, Fit, Learner, Outcome, carry_out
from pumpwatch_gui.infer.learning.material import Material
from pumpwatch_gui.infer.live.scorer import Scorer

Report = Callable[[str], None]


def learn_recordings(
    profile: PumpProfile,
    recordings: Sequence[Path],
    out: Path,
    *,
    choices: FormatChoices = AS_FOUND,
    report: Report = lambda text: None,
) -> ScoreCount:
    """As `score_recordings`, for a pump of `profile` that learns itself: not scored, and no alarm, until it is armed.

    `report` also gets when it was armed and refitted. Raises InputError.
    """
    read = read_all(recordings, profile, choices, report)
    return write_rows(out, profile, bare(learn_rows(profile, read, report=report)), read)


def learn_rows(
    profile: PumpProfile, recordings: Sequence[Recording], *, report: Report = lambda text: None
) -> Iterator[ScoredRow]:
    """Feed every row to a pump that starts without a model; a row sees only rows before it."""
    with tempfile.TemporaryDirectory(prefix="pumpwatch-learning-") as folder:
        pump, rule = _RecordedPump(profile, Path(folder), report), run_rule(profile)
        piece = list[tuple[Frame, RunState]]()
        for frame in chained(recordings, profile, pump_id=PUMP):
            piece.append((frame, state_of(frame, profile.tags, rule)))
            if len(piece) == ROWS_AT_ONCE:
                yield from pump.rows(piece)
                piece = []
        yield from pump.rows(piece)


class _RecordedPump:
    """A pump with its learner, scorer and alarm. A fit takes no time: it is in force from the next piece on."""

    def __init__(self, profile: PumpProfile, folder: Path, report: Report) -> None:
        self._profile, self._folder, self._report = profile, folder, report
        self._learner = Learner(profile, Material(folder / "learned", profile, first_due_s=FIRST_S))
        self._scorer, self._alarm = Scorer(on_note=lambda _, text: report(text)), ScoreAlarm()
        self._scorer.assign(PUMP, profile, None)

    def rows(self, piece: Sequence[tuple[Frame, RunState]]) -> Iterator[ScoredRow]:
        results = self._scorer.score_each(piece)
        for (frame, state), result in zip(piece, results, strict=True):
            yield ScoredRow(frame.time_ns, frame.mono_ns, self._judged(frame, state, result), self._alarm.active)
        if (fit := self._learner.due()) is not None:
            self._fit(fit)

    def _judged(self, frame: Frame, state: RunState, result: ScoreResult) -> ScoreResult:
        self._learner.feed(frame, state)
        if isinstance(result, Detection):
            self._alarm.update(frame.mono_ns, result.score)
            self._learner.judged(result)
            return result
        return result if self._learner.material.progress.version else replace(result, why=self._learner.view().words)

    def _fit(self, fit: Fit) -> None:
        self._learner.under_way = fit
        ran = running_time(fit.running_s)
        out = self._folder / f"{fit.running_s:.0f}"
        try:
            outcome = carry_out(fit, self._learner.material, self._profile, out, name=f"learnt in {ran}")
        except PumpWatchError as error:
            outcome = Outcome(None, error.message, fit.blocks)
        if outcome.path is None:
            text = f"not calm after {ran} of running: {outcome.not_calm}"
            self._learner.fitted(fit, "", outcome.not_calm, text=text)
        else:
            bundle = load_bundle(outcome.path, self._profile)
            text = f"learnt from {ran} of running{f' ({fit.why})' if fit.why else ''}"
            self._learner.fitted(fit, bundle.version, "", text=text)
            self._scorer.assign(PUMP, self._profile, bundle)
        self._report(text)
