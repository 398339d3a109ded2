"""The kinds that can be trained: an explicit table."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pumpwatch_gui.infer.commissioning import Commissioning
from pumpwatch_gui.infer.plain import PlainDetector
from pumpwatch_gui.infer.plain_recipe import PlainRecipe
from pumpwatch_gui.infer.recipe import Recipe

RECIPES: Mapping[str, Callable[[Commissioning, int], Recipe]] = MappingProxyType({PlainDetector.kind: PlainRecipe})
"""Kind → its recipe, from the commissioning recordings and the window's length in samples."""
