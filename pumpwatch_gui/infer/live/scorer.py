"""The scorer: the newest window of every pump, all due pumps of a model in one call."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from math import isfinite

import numpy as np

from pumpwatch_gui.domain.detection import NO_LEVELS, Detection, NotScored, ScoreResult
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.latency import Latency
from pumpwatch_gui.domain.wording import number, unit_text
from pumpwatch_gui.infer.bundles.bundle import Bundle
from pumpwatch_gui.infer.detectors.detector import Detector, Floats, Windows, WindowScore
from pumpwatch_gui.infer.live.scored_pump import Asked, Due, Fed, Piece, ScoredPump, firsts, sensor_states

MOST_FAILURES = 3
"""A model that failed for a pump so often in a row is not used for it until it is assigned again."""

PIECES_AHEAD = 2
"""Pieces of a recording that are fed while the network computes: one could be over before the network is."""

OnCall = Callable[[tuple[str, ...] | None], None]
"""Gets the versions of the models whose network is called next, and None when the call has returned."""
OnFault = Callable[[str, Exception], None]
"""Gets a pump and why its model failed, once for each episode of failures."""

OnNote = Callable[[str, str], None]
"""Gets a pump and a line for its journal."""


class Scorer:
    """Feeds every frame to its pump's detector and scores the newest windows. One thread only, but for `exclude`.

    `count` windows were scored; `skipped` could have been but a newer frame came before their turn. `latency` is that
    of `score_due` calls which scored something. What fails for one pump or in one model stops no other.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.perf_counter,
        *,
        on_call: OnCall = lambda versions: None,
        on_fault: OnFault = lambda pump_id, error: None,
        on_note: OnNote = lambda pump_id, text: None,
    ) -> None:
        self.latency = Latency()
        self.count = 0
        self.skipped = 0
        self._clock = clock
        self._on_call = on_call
        self._on_fault = on_fault
        self._on_note = on_note
        self._pumps: dict[str, ScoredPump] = {}
        self._detectors: dict[str, Detector] = {}
        self._cold: set[str] = set()
        self._excluded: dict[str, str] = {}

    def assign(self, pump_id: str, profile: PumpProfile, bundle: Bundle | None) -> None:
        """Use `bundle` for a pump from now on, from an empty memory; None: the pump has no model.

        Only the levels from before an alarm that is on are kept, while the sensors are the same.
        """
        detector, was = None, self._pumps.get(pump_id)
        kept = was.kept if was is not None and was.profile.tags == profile.tags else NO_LEVELS
        if bundle is not None:  # pumps of one model share one detector, so that they can share a call
            if bundle.version not in self._detectors:
                self._cold.add(bundle.version)
            detector = self._detectors.setdefault(bundle.version, bundle.detector)
        self._pumps[pump_id] = ScoredPump(profile, bundle, detector, kept)
        used = {p.bundle.version for p in self._pumps.values() if p.bundle is not None}
        self._detectors = {version: d for version, d in self._detectors.items() if version in used}

    def rename(self, old_id: str, new_id: str) -> None:
        """Keep what is known of a pump under another id; a pump that was never assigned is passed over."""
        if old_id in self._pumps:
            self._pumps[new_id] = self._pumps.pop(old_id)

    def exclude(self, version: str, why: str = "a call of it never returned") -> None:
        """Use a model no more, also where it is assigned later. Any thread; what its last call gave is not used."""
        self._excluded[version] = f"model {version} is out of use: {why}"

    def feed(self, frame: Frame, run_state: RunState) -> None:
        """Take in a frame; a pump that was never assigned is passed over."""
        self.feed_all([(frame, run_state)])

    def feed_all(self, frames: Iterable[tuple[Frame, RunState]]) -> None:
        """Take in frames, those of one pump in their order: the next of all pumps in one step, as if one by one."""
        later = list(frames)
        while later:
            now, later = firsts(later)
            together: dict[Hashable, list[Fed]] = defaultdict(list)
            for frame, run_state in now:
                pump = self._pumps.get(frame.pump_id)
                fed = self._fed(pump, frame, run_state) if pump is not None else None
                if fed is not None:
                    together[fed.detector.sort, frame.values.size].append(fed)
            for batch in together.values():
                self._feed_together(batch)

    def _fed(self, pump: ScoredPump, frame: Frame, run_state: RunState) -> Fed | None:
        """What is to be fed of a frame, None where the model of its pump is not used."""
        fed = None
        if pump.failure is None and not self._out_of_use(pump):
            try:
                stream = pump.ready_stream(frame.values.size)
            except Exception as error:  # noqa: BLE001 - per pump: its model must not stop the others
                pump.failure, pump.stream, stream = error, None, None
            if stream is not None and pump.detector is not None:
                fed = Fed(pump, pump.detector, stream, frame, run_state)
        pump.frame = frame
        return fed

    def _feed_together(self, batch: Sequence[Fed]) -> None:
        try:
            batch[0].detector.feed(
                *([getattr(one, name) for one in batch] for name in ("stream", "frame", "run_state"))
            )
        except Exception as error:  # noqa: BLE001 - per pump
            if len(batch) > 1:  # find out whose it is: the others are fed
                for one in batch:
                    self._feed_together([one])
                return
            ((pump, *_),) = batch
            pump.failure, pump.stream = error, None  # a half-updated memory is not to be trusted
            return
        for one in batch:
            for text in one.stream.take_notes():
                self._on_note(one.frame.pump_id, text)

    def score_due(self) -> list[ScoreResult]:
        """A result for each pump fed since the last call, on its newest window.

        One network call a model, for the windows that have a new row.
        """
        self._warm_up()
        started = self._clock()
        results: list[ScoreResult] = []
        due: dict[str, list[Due]] = defaultdict(list)
        for pump, frame in self._take():
            window = self._window(frame.pump_id, pump)
            if isinstance(window, str) or pump.stream is None or pump.bundle is None:
                results.append(NotScored(frame.pump_id, frame.time_ns, str(window), has_model=self._is_used(pump)))
            else:
                is_new = pump.stream.window_number != pump.asked
                due[pump.bundle.version].append(Due(pump, pump.stream, frame, window, is_new))
                pump.asked = pump.stream.window_number
        asked: dict[Hashable, list[Asked]] = defaultdict(list)
        for version, batch in due.items():
            for one in self._asked(version, batch):
                if isinstance(one, NotScored):
                    results.append(one)
                else:
                    asked[self._detectors[version].sort].append(one)
        for judged in asked.values():
            results += self._score(judged)
        if due:
            self.latency.add(self._clock() - started)
        return results

    def score_each(self, frames: Iterable[tuple[Frame, RunState]]) -> list[ScoreResult]:
        """As `feed` and `score_due` after each frame, one by one, but with one network call for all of them.

        For recordings of one pump: a frame is judged with what came before it and nothing else.
        """
        return self._scored(self._piece(frames))

    def score_all(
        self, frames: Iterable[tuple[Frame, RunState]], *, at_once: int
    ) -> Iterator[tuple[Frame, ScoreResult]]:
        """Each frame of a recording of one pump with its result, as `score_each` of `at_once` frames gives them.

        While the network computes for one piece on a thread of its own, the next ones are fed.
        """
        remaining, waiting = iter(frames), deque[tuple[Piece, Future[list[Floats]] | None]]()
        with ThreadPoolExecutor(1, thread_name_prefix="network") as pool:
            while (piece := self._piece(islice(remaining, at_once))).frames or waiting:
                if piece.frames:
                    errors = pool.submit(self._errors, piece.version, piece.due) if piece.due else None
                    waiting.append((piece, errors))
                if not piece.frames or len(waiting) > PIECES_AHEAD:
                    done, errors = waiting.popleft()
                    yield from zip(done.frames, self._scored(done, errors), strict=True)

    def _piece(self, frames: Iterable[tuple[Frame, RunState]]) -> Piece:
        """Feed frames of one pump."""
        self._warm_up()
        version, piece = "", Piece([], [], [], "")
        for frame, run_state in frames:
            self.feed(frame, run_state)
            pump = self._pumps[frame.pump_id]
            pump.frame = None
            piece.frames.append(frame)
            window = self._window(frame.pump_id, pump)
            if isinstance(window, str) or pump.stream is None or pump.bundle is None:
                not_scored = NotScored(frame.pump_id, frame.time_ns, str(window), has_model=self._is_used(pump))
                piece.results.append(not_scored)
            else:
                version = pump.bundle.version
                is_new = pump.stream.window_number != pump.asked
                window = window.copy() if is_new else piece.due[-1].window if piece.due else window.copy()
                piece.due.append(Due(pump, pump.stream.moment(), frame, window, is_new))
                pump.asked = pump.stream.window_number
                piece.results.append(None)
        return piece._replace(version=version)

    def _scored(self, piece: Piece, errors: "Future[list[Floats]] | None" = None) -> list[ScoreResult]:
        """The results of a piece, whose network errors may be under way."""
        asked = self._asked(piece.version, piece.due, errors)
        scored = iter(self._score([one for one in asked if not isinstance(one, NotScored)]))
        each = iter([one if isinstance(one, NotScored) else next(scored) for one in asked])
        return [next(each) if result is None else result for result in piece.results]

    def rebaseline(self, pump_id: str) -> bool:
        """Take the pump's present running as its new normal; False when it has no model."""
        pump = self._pumps.get(pump_id)
        if pump is not None:
            pump.forget_kept()
        if pump is None or pump.bundle is None:
            return False
        if pump.stream is not None:
            pump.stream.rebaseline()
        return True

    def kept(self, pump_id: str) -> Floats:
        """The levels from before an alarm of a pump (n,), as `Stream.kept`; empty where there are none."""
        pump = self._pumps.get(pump_id)
        return pump.kept if pump is not None else NO_LEVELS

    def resume(self, pump_id: str, kept: Floats) -> None:
        """Go on in an alarm of the run before, for which these levels were kept (n,). After `assign`."""
        self._pumps[pump_id].resume(kept)

    def take_level(self, pump_id: str) -> str:
        """Take the present level of what deviates as normal; what that was, in words, "" where nothing deviates."""
        pump = self._pumps.get(pump_id)
        if pump is None or pump.stream is None:
            return ""
        off, before, after = pump.stream.take_level()
        sensors = zip(pump.profile.sensors, before.tolist(), after.tolist(), strict=False)
        changed = [one for one, is_off in zip(sensors, off.tolist(), strict=False) if is_off]
        return ", ".join(
            f"{s.label.lower()} {number(was, s.decimals)} → {number(now, s.decimals)} {unit_text(s.unit)}".rstrip()
            for s, was, now in changed
        )

    def _warm_up(self) -> None:
        """Load what is new before the first window is due: a runtime is slow to start."""
        while self._cold:
            version = self._cold.pop()
            detector = self._detectors.get(version)
            if detector is not None and version not in self._excluded:
                self._on_call((version,))
                try:
                    detector.warm_up()
                except Exception:  # noqa: BLE001 - the first call fails the same way and is reported then
                    pass
                finally:
                    self._on_call(None)

    def _is_used(self, pump: ScoredPump) -> bool:
        return pump.bundle is not None and pump.bundle.version not in self._excluded

    def _take(self) -> Iterable[tuple[ScoredPump, Frame]]:
        for pump in self._pumps.values():
            frame, pump.frame = pump.frame, None
            self.skipped, pump.waiting = self.skipped + pump.waiting, 0
            if frame is not None:
                yield pump, frame

    def _window(self, pump_id: str, pump: ScoredPump) -> Windows | str:
        """The newest window of a pump, or why there is none."""
        if pump.bundle is None:
            return "no model"
        why = self._out_of_use(pump)
        if why:
            return why
        if pump.failure is None and pump.stream is not None:
            try:
                return pump.stream.window()
            except Exception as error:  # noqa: BLE001 - per pump
                pump.failure = error
        failure, pump.failure = pump.failure, None
        return self._failed(pump_id, pump, failure) if failure is not None else "no frame yet"

    def _out_of_use(self, pump: ScoredPump) -> str:
        """Why the model of a pump is not used, "" where it is."""
        if pump.failures >= MOST_FAILURES:
            return f"the model failed {MOST_FAILURES} times in a row and is out of use; assign it again to try it"
        return self._excluded.get(pump.bundle.version, "") if pump.bundle is not None else ""

    def _asked(
        self, version: str, batch: Sequence[Due], errors: "Future[list[Floats]] | None" = None
    ) -> list[Asked | NotScored]:
        """Windows of one model with the network's errors, which may be under way, or why there are none."""
        try:
            found = (self._errors(version, batch) if errors is None else errors.result()) if batch else []
        except Exception as error:  # noqa: BLE001 - per model, and per pump below
            if len(batch) > 1:  # find out whose window it is: the others are scored
                return [own for one in batch for own in self._asked(version, [one._replace(is_new=True)])]
            (one,) = batch
            one.pump.asked = -1
            return [one.not_scored(self._failed(one.frame.pump_id, one.pump, error))]
        if version in self._excluded:
            return [one.not_scored(self._excluded[version]) for one in batch]
        return list(zip(batch, found, strict=True))

    def _errors(self, version: str, batch: Sequence[Due]) -> list[Floats]:
        """The network's errors (n,) of each window of one model: one call for those that are new."""
        new, fresh = [one for one in batch if one.is_new], iter(np.zeros((0, 0)))
        if new:
            for one in new:
                one.pump.errors = None  # what fails below must not leave those of another window
            self._on_call((version,))
            try:
                fresh = iter(self._detectors[version].errors(np.stack([one.window for one in new])))
            finally:
                self._on_call(None)
        errors = []
        for one in batch:
            if one.is_new:
                one.pump.errors = next(fresh)
            if one.pump.errors is None:
                raise ValueError("the network failed on this window before")
            errors.append(one.pump.errors)
        return errors

    def _score(self, asked: Sequence[Asked]) -> list[ScoreResult]:
        """The results of windows of models of one sort."""
        if not asked:
            return []
        try:
            detector = self._detectors[asked[0][0].version]
            outcomes = detector.score([one.stream for one, _ in asked], np.stack([errors for _, errors in asked]))
        except Exception as error:  # noqa: BLE001 - per model, and per pump below
            if len(asked) > 1:
                return [result for own in asked for result in self._score([own])]
            ((one, _),) = asked
            return [one.not_scored(self._failed(one.frame.pump_id, one.pump, error))]
        return [self._result(one.pump, one.frame, own) for (one, _), own in zip(asked, outcomes, strict=True)]

    def _failed(self, pump_id: str, pump: ScoredPump, error: Exception) -> str:
        """Count a failure and report the first of an episode; what it reads as."""
        pump.failures += 1
        self._report(pump_id, pump, error)
        words = str(error).strip() or type(error).__name__
        return f"the model failed: {words.splitlines()[0]}"

    def _report(self, pump_id: str, pump: ScoredPump, error: Exception) -> None:
        if not pump.is_reported:
            pump.is_reported = True
            self._on_fault(pump_id, error)

    def _result(self, pump: ScoredPump, frame: Frame, outcome: WindowScore) -> ScoreResult:
        # A sum is finite only where each is; all() of so few takes twice as long.
        if not isfinite(outcome.score + float(np.add.reduce(outcome.shares))):
            why = "the model gave no number"
            self._report(frame.pump_id, pump, ValueError(why))
            return NotScored(frame.pump_id, frame.time_ns, why)
        pump.failures, pump.is_reported = 0, False
        is_anomaly = outcome.score > 1.0
        if is_anomaly:
            pump.led[int(np.argmax(outcome.shares))] += 1
        self.count += 1
        assert pump.bundle is not None
        return Detection(
            pump_id=frame.pump_id,
            seq=frame.seq,
            time_ns=frame.time_ns,
            mono_ns=frame.mono_ns,
            kind=pump.bundle.kind,
            score=outcome.score,
            reconstruction_loss=outcome.loss,
            threshold=outcome.threshold,
            is_anomaly=is_anomaly,
            shares=outcome.shares,
            sensor_states=sensor_states(outcome),
            sensor_anomaly_counts=pump.led,
            model_version=pump.bundle.version,
            usual=outcome.usual,
            present=outcome.present,
        )
