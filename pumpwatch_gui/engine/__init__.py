"""The flow, written down once; loops are plain `run(stop)`. No Qt."""

from pumpwatch_gui.engine.engine import Engine

__all__ = ["Engine"]
