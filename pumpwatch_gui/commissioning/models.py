"""The stored models of an installation, for pages and tools."""

from pumpwatch_gui.files.home import Home
from pumpwatch_gui.infer.bundles.registry import ModelRegistry


def models_of(home: Home) -> ModelRegistry:
    """The model registry of a home, as it is on the disk now. Reads and changes of it block."""
    return ModelRegistry(home.models)
