"""The kinds of detector there are: an explicit table."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pumpwatch_gui.domain.profile import PumpProfile
from pumpwatch_gui.infer.combined import ChartDetector, CombinedDetector
from pumpwatch_gui.infer.detector import Detector
from pumpwatch_gui.infer.lstm import Autoencoder
from pumpwatch_gui.infer.plain import PlainDetector

Build = Callable[[PumpProfile, Autoencoder | None, Mapping[str, Any]], Detector]

DETECTORS: Mapping[str, Build] = MappingProxyType(
    {
        CombinedDetector.kind: CombinedDetector.from_manifest,
        ChartDetector.kind: ChartDetector.from_manifest,
        PlainDetector.kind: PlainDetector.from_manifest,
    }
)
"""Kind → what builds it from the profile, the network and the `detector` table of a manifest."""
