"""Back-test: a model on recordings it was not made of, in the operator's terms, for a table of threshold factors."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.commissioning.models.material import Material
from pumpwatch_gui.commissioning.models.stored import bundle_of
from pumpwatch_gui.domain.alarms.episodes import Episodes
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import run_rule, state_of
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.values.arrays import freeze_arrays
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.infer.bundles.bundle import Bundle
from pumpwatch_gui.infer.bundles.threshold_factor import threshold_factor_of
from pumpwatch_gui.infer.detectors.conditioned import ConditionedStream
from pumpwatch_gui.infer.evaluation.recorded_frames import chained
from pumpwatch_gui.infer.evaluation.scoring import RowScore, row_scores

Floats = NDArray[np.float64]

WEEK_S = 7 * 86_400.0
LONGEST_STEP_S = 30.0
THRESHOLD_FACTORS = (1.0, 1.1, 1.25, 1.4, 1.5, 1.75, 2.0)
LEADING = 3
SETTLING_S = 5400.0
"""Seconds before an onset from which a fresh detector has settled when its residuals are shown."""

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class FoundEpisode:
    """One episode in alarm, Unix UTC nanoseconds. `leading` are (tag, share) at its onset, the greatest first.

    `feedback` is None where there is none.
    """

    start_ns: int
    end_ns: int
    peak: float
    leading: tuple[tuple[str, float], ...]
    feedback: EpisodeFeedback | None


@dataclass(frozen=True, slots=True)
class FactorRow:
    """What one threshold factor would have done.

    `false_a_week`: episodes without feedback or with the feedback false, a week of scored time. `caught` of `known`
    true ones.
    """

    threshold_factor: float
    episodes: int
    false_a_week: float
    in_alarm: float
    caught: int
    known: int


@dataclass(frozen=True, slots=True)
class BackTest:
    """A model on a span of history.

    `scored_h` hours were scored, `in_alarm` is the % of scored time outside known faults in alarm. `table` has a row
    for each of `THRESHOLD_FACTORS`, `now` is that of the model as it is.
    """

    version: str
    span_h: float
    scored_h: float
    in_alarm: float
    episodes: tuple[FoundEpisode, ...]
    now: FactorRow
    table: tuple[FactorRow, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ResidualTrend:
    """What led to an episode: `time_s` (m,) Unix seconds, `residuals` (m, n) in ordinary spreads, `score` (m,).

    NaN where the pump was not scored. `values` (m, n) are the readings themselves in their units.
    """

    tags: tuple[str, ...]
    time_s: Floats
    residuals: Floats
    values: Floats
    score: Floats

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "time_s", "residuals", "values", "score")


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """Every row of a span: times in ns, scores (NaN: not scored), seconds to the next row."""

    time_ns: NDArray[np.int64]
    mono_ns: NDArray[np.int64]
    score: Floats
    step_s: Floats

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, "time_ns", "mono_ns", "score", "step_s")


class _Span(NamedTuple):
    """An episode in Unix UTC nanoseconds, and its onset on the monotonic clock."""

    onset_mono_ns: int
    start_ns: int
    end_ns: int
    peak: float

    def overlaps(self, feedback: EpisodeFeedback) -> bool:
        return feedback.start_ns <= self.end_ns and feedback.end_ns >= self.start_ns


def back_test(
    bundle: Bundle,
    profile: PumpProfile,
    recordings: Sequence[Recording],
    *,
    feedback: Sequence[EpisodeFeedback] = (),
    progress: Progress = lambda part: None,
) -> BackTest:
    """Stream recordings of one pump (oldest first) through the live path and count what the operator would have met.

    Feedback that says true marks a known fault: catching it counts for a threshold factor, and its time is not normal.
    Feedback that says false or nothing at all leaves an episode a false alarm; unknown counts as neither.
    `progress` is called with the part done, 0 to 1; what it raises ends the test.
    """
    rows = row_scores(bundle, profile, run_rule(profile), recordings, progress=progress)
    scores, shares = _collect(rows)
    progress(1.0)
    own = threshold_factor_of(bundle.manifest)
    found = tuple(_found(e, shares, profile.tags, feedback) for e in _alarm(scores, 1.0)[1])
    now = _row(own, scores, 1.0, feedback)
    table = tuple(_row(factor, scores, own / factor, feedback) for factor in THRESHOLD_FACTORS)
    scored_s = float(scores.step_s[np.isfinite(scores.score)].sum())
    span_s = sum(float(r.time_s[-1] - r.time_s[0]) for r in recordings)
    return BackTest(bundle.version, span_s / 3600, scored_s / 3600, now.in_alarm, found, now, table)


@dataclass(frozen=True, slots=True, eq=False)
class BackTestRun:
    """A back-test that was run: its outcome, and what it needs to show what led to an episode."""

    outcome: BackTest
    pump: PumpSettings
    bundle: Bundle
    recordings: Sequence[Recording]

    def trend(self, episode: FoundEpisode) -> ResidualTrend:
        """The residuals about the onset of an episode. Blocks."""
        around = [cut for recording in self.recordings if (cut := _around(recording, episode.start_ns / 1e9))]
        return residual_trend(self.bundle, self.pump.profile, around, around_ns=episode.start_ns)


def run_back_test(home: Home, station: Station, material: Material, version: str, *, progress: Progress) -> BackTestRun:
    """Test a model of a pump ("": that of the site file) on what was chosen. Blocks; what `progress` raises ends it.

    Raises InputError, BundleError, StoreError.
    """
    pump, recordings = material.pump, material.read(station)
    bundle = bundle_of(home, pump, version, station.site().folder)
    start, end = recordings[0].time_s[0], recordings[-1].time_s[-1]
    feedback = station.history.feedback(pump.pump_id, start_ns=int(start * 1e9), end_ns=int(end * 1e9) + 1)
    outcome = back_test(bundle, pump.profile, recordings, feedback=feedback, progress=progress)
    return BackTestRun(outcome, pump, bundle, recordings)


def _around(recording: Recording, at_s: float) -> Recording | None:
    """The part of a recording about an onset, with what a detector needs to settle before it."""
    inside = (recording.time_s >= at_s - SETTLING_S) & (recording.time_s <= at_s + 600)
    if not inside.any():
        return None
    times, values = recording.time_s[inside].copy(), np.ascontiguousarray(recording.values[inside])
    return Recording(recording.path, times, values, recording.missing, recording.notes)


def residual_trend(
    bundle: Bundle,
    profile: PumpProfile,
    recordings: Sequence[Recording],
    *,
    around_ns: int,
    before_s: float = 600.0,
    after_s: float = 300.0,
) -> ResidualTrend:
    """The residuals about the onset of an episode. Give at least an hour before it, for the pump to have settled.

    For a kind without residuals they are NaN throughout; the values are there.
    """
    stream, rule = bundle.detector.stream(), run_rule(profile)
    start_ns, end_ns = around_ns - before_s * 1e9, around_ns + after_s * 1e9
    times, residuals, values, scores = [], [], [], []
    for frame in chained(recordings, profile, pump_id="back-test"):
        if frame.time_ns > end_ns:
            break
        stream.feed(frame, state_of(frame, profile.tags, rule))
        if frame.time_ns < start_ns:
            continue
        window = stream.window()
        ready = not isinstance(window, str)
        known = ready and isinstance(stream, ConditionedStream)
        times.append(frame.time_s)
        values.append(frame.values)
        residuals.append(
            np.where(stream.memory.scored[0], stream.memory.residuals[0], np.nan)
            if known and isinstance(stream, ConditionedStream)
            else np.full(frame.values.size, np.nan)
        )
        scores.append(
            nan if isinstance(window, str) else stream.score(bundle.detector.errors(window[np.newaxis])[0]).score
        )
    n = len(profile.tags)
    return ResidualTrend(
        profile.tags,
        np.array(times),
        np.array(residuals).reshape(-1, n),
        np.array(values).reshape(-1, n),
        np.array(scores),
    )


def _collect(rows: Iterator[RowScore]) -> tuple[_Scores, dict[int, Floats]]:
    """The scores, and the shares of every row above half the limit by its time (an onset is above it)."""
    time_ns, mono_ns, score = list[int](), list[int](), list[float]()
    shares: dict[int, Floats] = {}
    for row in rows:
        time_ns.append(row.time_ns)
        mono_ns.append(row.mono_ns)
        score.append(row.score)
        if row.score > 0.5:
            shares[row.mono_ns] = row.shares
    mono = np.array(mono_ns, dtype=np.int64)
    step_s = np.minimum(np.diff(mono, append=mono[-1:] + 10**9) / 1e9, LONGEST_STEP_S)
    times = np.array(time_ns, dtype=np.int64)
    return _Scores(times, mono, np.array(score), step_s), shares


def _alarm(scores: _Scores, factor: float) -> tuple[NDArray[np.bool_], list[_Span]]:
    """The alarm at each row if every score were `factor` times what it is, and its episodes."""
    episodes = Episodes()
    rows = zip(scores.mono_ns.tolist(), (scores.score * factor).tolist(), strict=True)
    on = np.array([episodes.update(mono_ns, score) for mono_ns, score in rows], dtype=np.bool_)
    found = []
    for episode in episodes.all:
        first, last = np.searchsorted(scores.mono_ns, (episode.start_ns, episode.end_ns))
        found.append(_Span(episode.start_ns, int(scores.time_ns[first]), int(scores.time_ns[last]), episode.peak))
    return on, found


def _found(
    episode: _Span,
    shares: dict[int, Floats],
    tags: tuple[str, ...],
    feedback: Sequence[EpisodeFeedback],
) -> FoundEpisode:
    own = shares.get(episode.onset_mono_ns, np.zeros(len(tags)))
    leading = tuple((tags[i], float(own[i])) for i in np.argsort(own)[::-1][:LEADING].tolist() if own[i] > 0)
    given = [f for f in feedback if episode.overlaps(f)]
    return FoundEpisode(episode.start_ns, episode.end_ns, episode.peak, leading, given[-1] if given else None)


def _row(threshold_factor: float, scores: _Scores, factor: float, feedback: Sequence[EpisodeFeedback]) -> FactorRow:
    on, episodes = _alarm(scores, factor)
    known = [f for f in feedback if f.verdict is FeedbackVerdict.TRUE]
    excused = [f for f in feedback if f.verdict is not FeedbackVerdict.FALSE]
    false = sum(not any(episode.overlaps(f) for f in excused) for episode in episodes)
    caught = sum(any(episode.overlaps(f) for episode in episodes) for f in known)
    normal = np.isfinite(scores.score)
    for fault in known:
        normal &= (scores.time_ns < fault.start_ns) | (scores.time_ns > fault.end_ns)
    normal_s = float(scores.step_s[normal].sum())
    in_alarm = 100 * float(scores.step_s[normal & on].sum()) / normal_s if normal_s else nan
    a_week = false * WEEK_S / normal_s if normal_s else nan
    return FactorRow(threshold_factor, len(episodes), a_week, in_alarm, caught, len(known))
