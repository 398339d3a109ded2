"""Models that were not made from the pump they are to judge: refused where its first hour of running shows it."""

from collections.abc import Callable

from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.site import LEARN, PumpSettings
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.infer.bundles.bundle import Bundle
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.infer.detectors.combined import CombinedDetector
from pumpwatch_gui.infer.learning.fitness import FirstHour


class FitCheck:
    """The site file's models by pump: those still to be checked, and why others are refused."""

    def __init__(self, registry: ModelRegistry, warn: Callable[[str, str], None]) -> None:
        self._registry, self._warn = registry, warn
        self._hours: dict[str, tuple[FirstHour, Bundle]] = {}
        self._misfits: dict[str, str] = {}

    def use(self, pump: PumpSettings, bundle: Bundle) -> Bundle | None:
        """The model of the site file if it may judge the pump, None where it was refused. Raises BundleError."""
        version, why = self._registry.valid(pump.pump_id, site_model=pump.model).refused
        if version == bundle.version:
            self._misfits[pump.pump_id] = f"model {bundle.name} does not fit this pump: {why}"
            return None
        self._hours[pump.pump_id] = (FirstHour(pump.profile), bundle)
        return bundle

    def forget(self, pump_id: str) -> None:
        """Nothing is to be checked of the pump any more."""
        self._hours.pop(pump_id, None)
        self._misfits.pop(pump_id, None)

    def rename(self, old_id: str, new_id: str) -> None:
        """Go on under another id."""
        if old_id in self._hours:
            self._hours[new_id] = self._hours.pop(old_id)
        if old_id in self._misfits:
            self._misfits[new_id] = self._misfits.pop(old_id)

    def why(self, pump_id: str) -> str:
        """Why the pump's model is refused, "" where it is not."""
        return self._misfits.get(pump_id, "")

    def feed(self, frame: Frame, state: RunState) -> bool:
        """Take in the next frame; whether with it the model of the pump was refused."""
        if frame.pump_id not in self._hours:
            return False
        hour, bundle = self._hours[frame.pump_id]
        hour.feed(frame, state)
        if not hour.is_over:
            return False
        del self._hours[frame.pump_id]
        why = hour.misfit(bundle.detector) if isinstance(bundle.detector, CombinedDetector) else ""
        if not why:
            return False
        try:
            self._registry.refuse(frame.pump_id, bundle.version, why)
        except PumpWatchError as error:
            self._warn(frame.pump_id, error.message)
            return False
        self._warn(frame.pump_id, f'Model {bundle.name} is refused: {why}; set the model of the pump to "{LEARN}"')
        return True
