"""The kinds that can be trained: an explicit table."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pumpwatch_gui.infer.detectors.combined import ChartDetector, CombinedDetector
from pumpwatch_gui.infer.detectors.plain import PlainDetector
from pumpwatch_gui.infer.training.combined_trainer import ChartTrainer, CombinedTrainer
from pumpwatch_gui.infer.training.normal_running import Commissioning
from pumpwatch_gui.infer.training.plain_trainer import PlainTrainer
from pumpwatch_gui.infer.training.trainer import Trainer

TRAINERS: Mapping[str, Callable[[Commissioning, int], Trainer]] = MappingProxyType(
    {CombinedDetector.kind: CombinedTrainer, ChartDetector.kind: ChartTrainer, PlainDetector.kind: PlainTrainer}
)
"""Kind → its recipe, from the commissioning recordings and the window's length in samples.

The first is what is trained when nothing is said.
"""


def needs_tensorflow(kind: str | None) -> bool:
    """Whether training a kind (None: the usual) fits a network; a kind that is not known does not."""
    return TRAINERS.get(kind or next(iter(TRAINERS)), ChartTrainer) is not ChartTrainer
