"""The models of the running station: which is active, which runs in its shadow, and the orders that change that."""

import logging
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from pumpwatch_gui.domain.commands import (
    ConfirmLevel,
    ModelCommand,
    Promote,
    Rebaseline,
    RollBack,
    SetAdaptive,
    SetThresholdFactor,
    StartShadow,
    StopShadow,
)
from pumpwatch_gui.domain.detection import Detection, LearningView, ScoreResult, ShadowView
from pumpwatch_gui.domain.errors import BundleError, InputError, PumpWatchError
from pumpwatch_gui.domain.site import LEARN, NO_MODEL, PumpSettings, Site
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.wording import running_time
from pumpwatch_gui.engine.models.fit_check import FitCheck
from pumpwatch_gui.engine.models.kept_levels import KeptLevels
from pumpwatch_gui.engine.models.learning import Fitted, Learning
from pumpwatch_gui.engine.models.shadow import Shadow, found_by
from pumpwatch_gui.files.shipped import find_shipped
from pumpwatch_gui.infer.bundles.bundle import Bundle, load_bundle
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.infer.bundles.threshold_factor import with_threshold_factor
from pumpwatch_gui.infer.detectors.adaptive import Adaptive
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.learning.fitting import changes
from pumpwatch_gui.infer.learning.learner import SHOWN_S, Learner, threshold_factor_at
from pumpwatch_gui.infer.live.scorer import Scorer
from pumpwatch_gui.infer.training.combined_trainer import LEFT_OUT, MODES

crash_log = logging.getLogger("pumpwatch.crash")

Tell = Callable[[str, str], None]
"""(pump id, text) of a warning for the journal."""
Audit = Callable[[str, str, str], None]
"""(pump id, command, text) of something the program itself did."""


class ModelLifecycle:
    """Everything about models in the infer thread. `scorer` is the active one; shadows have a scorer of their own.

    Models of the versions in `excluded` are not used: a call of theirs never returned.
    """

    def __init__(
        self, registry: ModelRegistry, *, warn: Tell, audit: Audit, excluded: frozenset[str] = frozenset()
    ) -> None:
        self.registry = registry
        self.scorer = Scorer(on_call=self._called, on_fault=self._failed, on_note=self._noted)
        self._levels = KeptLevels(registry, self.scorer, warn)
        self._learning = Learning(registry, warn=warn)
        self._fit_check = FitCheck(registry, warn)
        self._pumps: dict[str, tuple[PumpSettings, Path | None]] = {}
        self._call: tuple[tuple[str, ...], float] = ((), 0.0)
        self.bundles: dict[str, Bundle] = {}
        self._warn = warn
        self._audit = audit
        self._shadow_scorer = Scorer(on_call=self._called, on_fault=self._failed)
        for version in excluded:
            self.scorer.exclude(version)
            self._shadow_scorer.exclude(version)
        self._shadows: dict[str, Shadow] = {}
        self._adaptive: dict[str, Adaptive] = {}

    @property
    def in_call(self) -> tuple[str, ...]:
        """The versions whose network is being called now. Any thread."""
        return self._call[0]

    @property
    def in_call_s(self) -> float:
        """For how many seconds; 0 when none is. Any thread."""
        versions, since_s = self._call
        return time.monotonic() - since_s if versions else 0.0

    def assign(self, pump: PumpSettings, folder: Path | None) -> None:
        """Give a pump its promoted model, else the one the site file names; and its shadow and adaptive limit."""
        self._pumps[pump.pump_id] = (pump, folder)
        self._learning.assign(pump)
        self._use(pump, folder)
        self._levels.resume(pump)
        try:
            state = self.registry.valid(pump.pump_id, site_model=pump.model)
        except BundleError:
            return  # it was told when the active one was looked for
        self._adaptive.pop(pump.pump_id, None)
        if state.adaptive:
            self._adaptive[pump.pump_id] = Adaptive(state.factor)
        self._end_shadow(pump)  # the pump may have another profile now
        self._set_shadow(pump, state.shadow)

    def _use(self, pump: PumpSettings, folder: Path | None) -> None:
        self._fit_check.forget(pump.pump_id)
        bundle = self._active(pump, folder)
        self.bundles.pop(pump.pump_id, None)
        if bundle is not None:
            self.bundles[pump.pump_id] = bundle
        self.scorer.assign(pump.pump_id, pump.profile, bundle)

    def forget(self, pump: PumpSettings) -> None:
        """The pump left the site."""
        self._learning.forget(pump.pump_id)
        self._fit_check.forget(pump.pump_id)
        self._pumps.pop(pump.pump_id, None)
        self._levels.forget(pump)
        self.scorer.assign(pump.pump_id, pump.profile, None)
        self.bundles.pop(pump.pump_id, None)
        self._adaptive.pop(pump.pump_id, None)
        self._end_shadow(pump)

    def apply_site(self, old: Site, new: Site, renamed: Mapping[str, str]) -> None:
        """Use another site: a pump whose model and sensors are the same keeps its memory, under whatever id."""
        before = {renamed.get(p.pump_id, p.pump_id): p for p in old.pumps}
        for old_id, new_id in renamed.items():
            self._rename(old_id, new_id)
        for pump in new.pumps:
            was = before.pop(pump.pump_id, None)
            if was is None or (was.model, was.profile.tags) != (pump.model, pump.profile.tags):
                self.assign(pump, new.folder)
            else:
                self._pumps[pump.pump_id] = (pump, new.folder)
        for pump_id, gone in before.items():
            self.forget(replace(gone, pump_id=pump_id))

    def feed(self, frames: Sequence[tuple[Frame, RunState]]) -> None:
        """Take in frames of pumps of the site, after the judges."""
        self.scorer.feed_all(frames)
        if self._shadows:
            self._shadow_scorer.feed_all(one for one in frames if one[0].pump_id in self._shadows)
        for frame, state in frames:
            self._levels.write_changed(self._pumps[frame.pump_id][0])
            self._learning.feed(frame, state)
            if self._fit_check.feed(frame, state):
                self._use(*self._pumps[frame.pump_id])

    def score_results(self) -> list[ScoreResult]:
        """The verdicts of the active models, their limits as they stand; the shadows' are kept apart."""
        if self._shadows:
            for score_result in self._shadow_scorer.score_due():
                if score_result.pump_id in self._shadows:
                    self._shadows[score_result.pump_id].take(score_result)
        for fitted in self._learning.fitted():
            self._learnt(fitted)
        return [self._finished(score_result) for score_result in self.scorer.score_due()]

    def close(self) -> None:
        """The station stops: what was learnt so far is kept."""
        self._learning.close()

    def shadow(self, pump_id: str) -> ShadowView | None:
        """What a pump's shadow found, None when it has none. Any thread."""
        shadow = self._shadows.get(pump_id)
        return shadow.view() if shadow is not None else None

    def learning(self, pump_id: str) -> LearningView | None:
        """How far a pump has come that learns itself, None for one that does not. Any thread."""
        learner = self._learning.learner(pump_id)
        return learner.view(is_in_force=self._is_own(learner, pump_id)) if learner is not None else None

    def is_learnt(self, pump_id: str) -> bool:
        """Whether what judges a pump was learnt from its own running. Any thread."""
        learner = self._learning.learner(pump_id)
        return learner is not None and self._is_own(learner, pump_id)

    def execute(self, command: ModelCommand, pump: PumpSettings, folder: Path | None) -> str:
        """Do what is ordered; the line for the journal. Raises PumpWatchError where it cannot be done."""
        match command:
            case Rebaseline():
                return self._rebaseline(pump, folder)
            case ConfirmLevel():
                return self._levels.confirm(pump)
            case StartShadow(version=version):
                load_bundle(self.registry.bundle(pump.pump_id, version), pump.profile)
                self.registry.set_shadow(pump.pump_id, version)
                self._set_shadow(pump, version)
                return f"Model {version} runs in shadow"
            case StopShadow():
                return self._stop_shadow(pump)
            case Promote(version=version):
                return self._promote(pump, version, folder)
            case RollBack():
                state = self.registry.roll_back(pump.pump_id, site_model=pump.model)
                self.assign(pump, folder)
                return f"Rolled back to model {state.active or pump.model}"
            case SetThresholdFactor(factor=factor):
                return self._set_threshold_factor(pump, factor, folder)
            case SetAdaptive(on=on):
                return self._set_adaptive(pump, on=on)
            case _:
                assert_never(command)

    def _rename(self, old_id: str, new_id: str) -> None:
        self.scorer.rename(old_id, new_id)
        if old_id in self._pumps:
            self._pumps[new_id] = self._pumps.pop(old_id)
        self._shadow_scorer.rename(old_id, new_id)
        for kept in (self.bundles, self._adaptive):
            if old_id in kept:
                kept[new_id] = kept.pop(old_id)  # type: ignore[assignment]
        self._shadows = {new_id if k == old_id else k: v for k, v in self._shadows.items()}
        self.registry.rename(old_id, new_id)
        self._learning.rename(old_id, new_id)
        self._fit_check.rename(old_id, new_id)
        self._levels.rename(old_id, new_id)

    # ---------------------------------------------------------------- pumps that learn themselves

    def _finished(self, score_result: ScoreResult) -> ScoreResult:
        """The result against the limit as it stands, or how far the pump has come that still learns."""
        if isinstance(score_result, Detection):
            adapted = self._adapted(score_result)
            assert isinstance(adapted, Detection)
            self._learning.judged(adapted)
            return adapted
        if why := self._fit_check.why(score_result.pump_id):
            return replace(score_result, why=why)
        learner = self._learning.learner(score_result.pump_id)
        if learner is None or score_result.pump_id in self.bundles:
            return score_result
        return replace(score_result, why=learner.view().words)

    def _is_own(self, learner: Learner, pump_id: str) -> bool:
        bundle = self.bundles.get(pump_id)
        return bundle is None or bundle.version == learner.material.progress.version

    def _rebaseline(self, pump: PumpSettings, folder: Path | None) -> str:
        if self.is_learnt(pump.pump_id):
            return self._learn_again(pump, folder)
        if not self.scorer.rebaseline(pump.pump_id):
            raise InputError(f"{pump.pump_id} has no model", "give it one first")
        return "The present running is the new normal"

    def _learn_again(self, pump: PumpSettings, folder: Path | None) -> str:
        learner = self._learning.learner(pump.pump_id)
        assert learner is not None
        self.registry.retire(pump.pump_id, site_model=pump.model)
        learner.begin_anew()
        self.scorer.rebaseline(pump.pump_id)
        self._use(pump, folder)
        return "The pump learns again: its present running is the new normal, until then its limits alone judge it"

    def _learnt(self, fitted: Fitted) -> None:
        """Put into force what a pump has learnt, unless people have promoted another model for it."""
        pump, folder = self._pumps[fitted.pump_id]
        try:
            text = self._take_over(pump, folder, fitted)
        except (PumpWatchError, OSError) as error:
            fitted.learner.under_way = None
            words = error.message if isinstance(error, PumpWatchError) else error.strerror or str(error)
            self._warn(pump.pump_id, f"What the pump has learnt cannot be kept: {words}")
            return
        if text:
            self._audit(pump.pump_id, "learn", text)

    def _take_over(self, pump: PumpSettings, folder: Path | None, fitted: Fitted) -> str:
        learner, fit, outcome = fitted.learner, fitted.fit, fitted.outcome
        if outcome.path is None:
            was = learner.material.progress.not_calm
            text = f"Not calm after {running_time(fit.running_s)} of running, so it is not armed: {outcome.not_calm}"
            learner.fitted(fit, "", outcome.not_calm, text=text)
            return "" if was == outcome.not_calm else text
        before = self.bundles.get(pump.pump_id)
        is_own = self.is_learnt(pump.pump_id)
        version = self.registry.add(pump.pump_id, outcome.path)
        bundle = load_bundle(self.registry.bundle(pump.pump_id, version), pump.profile)
        assert isinstance(bundle.detector, CombinedDetector)
        old = before.detector if before is not None and isinstance(before.detector, CombinedDetector) else None
        why = f" ({fit.why})" if fit.why else ""
        provisional = ", provisionally" if fit.usual_s < SHOWN_S else ""
        text = f"Learnt from {running_time(fit.running_s)} of its own running{provisional}{why}"
        text = f"{text}; threshold factor {threshold_factor_at(fit.usual_s):g}"
        text = f"{text}; {changes(pump.profile, old if is_own else None, bundle.detector)}"
        if modes := bundle.manifest.trained.get(MODES):
            text = f"{text}; {MODES}: {modes}"
        if left_out := bundle.manifest.trained.get(LEFT_OUT):
            text = f"{text}; left out, for it looks like a fault: {left_out}"
        learner.fitted(fit, version, "", text=text)
        if not is_own:
            return f"{text}. Stored as {version}: the model promoted by hand stays"
        if before is None or before.version != version:
            self.registry.promote(pump.pump_id, version, site_model=pump.model)
            self._use(pump, folder)
        return text

    def _noted(self, pump_id: str, text: str) -> None:
        self._audit(pump_id, "judge anomaly", text)

    def _called(self, versions: tuple[str, ...] | None) -> None:
        self._call = (versions or (), time.monotonic())

    def _failed(self, pump_id: str, error: Exception) -> None:
        crash_log.critical("the model of %s failed", pump_id, exc_info=error)
        self._warn(pump_id, f"The model failed ({type(error).__name__}: {error}); limits are judged as before")

    def _active(self, pump: PumpSettings, folder: Path | None) -> Bundle | None:
        try:
            state = self.registry.valid(pump.pump_id, site_model=pump.model)
            if state.active:
                return load_bundle(self.registry.bundle(pump.pump_id, state.active), pump.profile)
        except PumpWatchError as error:
            self._warn(pump.pump_id, f"The promoted model is not used: {error.message}")
        if pump.model in (NO_MODEL, LEARN):
            return None
        try:
            return self._fit_check.use(
                pump, load_bundle(find_shipped("models", pump.model, base_dir=folder), pump.profile)
            )
        except (BundleError, FileNotFoundError) as error:
            text = error.message if isinstance(error, PumpWatchError) else str(error)
            self._warn(pump.pump_id, f"Model {pump.model} is not used: {text}")
            return None

    def _promote(self, pump: PumpSettings, version: str, folder: Path | None) -> str:
        load_bundle(self.registry.bundle(pump.pump_id, version), pump.profile)
        before = self.registry.valid(pump.pump_id, site_model=pump.model).active or pump.model
        found = self.shadow(pump.pump_id)
        self.registry.promote(pump.pump_id, version, site_model=pump.model)
        self.assign(pump, folder)
        seen = f"; {found_by(found)}" if found is not None and found.version == version else ""
        return f"Model {version} promoted, before it {before}{seen}"

    def _stop_shadow(self, pump: PumpSettings) -> str:
        found = self.shadow(pump.pump_id)
        if found is None:
            raise InputError(f"{pump.pump_id} has no shadow", "start one first")
        self.registry.set_shadow(pump.pump_id, "")
        self._end_shadow(pump)
        return f"Shadow of model {found.version} ended; {found_by(found)}"

    def _set_threshold_factor(self, pump: PumpSettings, factor: float, folder: Path | None) -> str:
        bundle = self.bundles.get(pump.pump_id)
        if bundle is None:
            raise InputError(f"{pump.pump_id} has no model", "give it one first")
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch) / "model"
            with_threshold_factor(bundle.path, place, factor)
            version = self.registry.add(pump.pump_id, place)
        return f"Threshold factor {factor:g}: {self._promote(pump, version, folder)}"

    def _set_adaptive(self, pump: PumpSettings, *, on: bool) -> str:
        self.registry.set_adaptive(pump.pump_id, on)
        self._adaptive.pop(pump.pump_id, None)
        if on:
            self._adaptive[pump.pump_id] = Adaptive()
        return f"Adaptive threshold {'on' if on else 'off'}"

    def _set_shadow(self, pump: PumpSettings, version: str) -> None:
        current = self._shadows.get(pump.pump_id)
        if version and (current is None or current.version != version):
            try:
                bundle = load_bundle(self.registry.bundle(pump.pump_id, version), pump.profile)
            except PumpWatchError as error:
                self._warn(pump.pump_id, f"The shadow model is not used: {error.message}")
                return
            self._shadow_scorer.assign(pump.pump_id, pump.profile, bundle)
            self._shadows = self._shadows | {pump.pump_id: Shadow(version)}
        elif not version:
            self._end_shadow(pump)

    def _end_shadow(self, pump: PumpSettings) -> None:
        if pump.pump_id in self._shadows:
            self._shadows = {k: v for k, v in self._shadows.items() if k != pump.pump_id}
            self._shadow_scorer.assign(pump.pump_id, pump.profile, None)

    def _adapted(self, score_result: ScoreResult) -> ScoreResult:
        adaptive = self._adaptive.get(score_result.pump_id)
        if adaptive is None or not isinstance(score_result, Detection):
            return score_result
        judged = adaptive.judged(score_result)
        change = adaptive.learn(judged)
        if change is not None:
            try:
                self.registry.set_adaptive(score_result.pump_id, True, factor=change.after)
            except InputError as error:
                self._warn(score_result.pump_id, error.message)
            text = f"Threshold factor {change.before:g} to {change.after:g}: {change.why}"
            self._audit(score_result.pump_id, "adapt threshold", text)
        return judged
