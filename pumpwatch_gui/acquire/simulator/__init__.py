"""The built-in simulator: physics pumps with faults, served over Modbus TCP or written as recordings."""

from pumpwatch_gui.acquire.simulator.faults import FAULTS, FaultSpec
from pumpwatch_gui.acquire.simulator.plant import Plant, Readings

__all__ = ["FAULTS", "FaultSpec", "Plant", "Readings"]
