"""The kinds of detector there are: an explicit table."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.infer.detectors.combined import ChartDetector, CombinedDetector
from pumpwatch_gui.infer.detectors.detector import Detector
from pumpwatch_gui.infer.detectors.plain import PlainDetector
from pumpwatch_gui.infer.network.autoencoder import Autoencoder

Build = Callable[[PumpProfile, Autoencoder | None, Mapping[str, Any]], Detector]

DETECTORS: Mapping[str, Build] = MappingProxyType(
    {
        CombinedDetector.kind: CombinedDetector.from_manifest,
        ChartDetector.kind: ChartDetector.from_manifest,
        PlainDetector.kind: PlainDetector.from_manifest,
    }
)
"""Kind → what builds it from the profile, the network and the `detector` table of a manifest."""
