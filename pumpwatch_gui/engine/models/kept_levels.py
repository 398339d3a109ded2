"""The levels from before an anomaly alarm, kept over a restart: the next start must not take the fault for normal."""

from collections.abc import Callable
from math import isfinite

import numpy as np

from pumpwatch_gui.domain.detection import NO_LEVELS
from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.infer.detectors.detector import Floats
from pumpwatch_gui.infer.live.scorer import Scorer


class KeptLevels:
    """Writes what the scorer keeps whenever it changes, and hands it back once after a start."""

    def __init__(self, registry: ModelRegistry, scorer: Scorer, warn: Callable[[str, str], None]) -> None:
        self._registry, self._scorer, self._warn = registry, scorer, warn
        self._written: dict[str, Floats] = {}

    def resume(self, pump: PumpSettings) -> None:
        """Go on in an alarm of the run before, the first time a pump is assigned."""
        if pump.pump_id in self._written:
            return
        levels = self._registry.levels(pump.pump_id)
        self._written[pump.pump_id] = NO_LEVELS
        if levels:
            kept = np.array([levels.get(tag, np.nan) for tag in pump.profile.tags])
            self._scorer.resume(pump.pump_id, kept)
            self._written[pump.pump_id] = kept

    def write_changed(self, pump: PumpSettings) -> None:
        """Write what is kept of a pump if it differs from what was written."""
        kept = self._scorer.kept(pump.pump_id)
        written = self._written.get(pump.pump_id, NO_LEVELS)
        if kept is written:
            return
        self._written[pump.pump_id] = kept
        levels = {tag: x for tag, x in zip(pump.profile.tags, kept.tolist(), strict=False) if isfinite(x)}
        if not levels and not np.isfinite(written).any():
            return
        try:
            self._registry.keep_levels(pump.pump_id, levels)
        except PumpWatchError as error:
            self._warn(pump.pump_id, f"The level from before the alarm is not kept over a restart: {error.message}")

    def confirm(self, pump: PumpSettings) -> str:
        """Take the present level as normal; the line for the journal. Raises InputError where nothing deviates."""
        changed = self._scorer.take_level(pump.pump_id)
        if not changed:
            raise InputError(f"{pump.pump_id} is at no new level", "there is nothing to confirm")
        self.write_changed(pump)
        return f"New level confirmed: {changed}"

    def forget(self, pump: PumpSettings) -> None:
        """The pump left the site."""
        self._scorer.rebaseline(pump.pump_id)
        self.write_changed(pump)
        self._written.pop(pump.pump_id, None)

    def rename(self, old_id: str, new_id: str) -> None:
        """Go on under another id. The registry has moved the folder."""
        if old_id in self._written:
            self._written[new_id] = self._written.pop(old_id)
