"""The kinds that can be trained: an explicit table."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pumpwatch_gui.infer.combined import ChartDetector, CombinedDetector
from pumpwatch_gui.infer.combined_recipe import ChartRecipe, CombinedRecipe
from pumpwatch_gui.infer.commissioning import Commissioning
from pumpwatch_gui.infer.plain import PlainDetector
from pumpwatch_gui.infer.plain_recipe import PlainRecipe
from pumpwatch_gui.infer.recipe import Recipe

RECIPES: Mapping[str, Callable[[Commissioning, int], Recipe]] = MappingProxyType(
    {CombinedDetector.kind: CombinedRecipe, ChartDetector.kind: ChartRecipe, PlainDetector.kind: PlainRecipe}
)
"""Kind → its recipe, from the commissioning recordings and the window's length in samples.

The first is what is trained when nothing is said.
"""
