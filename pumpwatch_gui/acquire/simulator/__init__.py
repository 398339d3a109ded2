"""The built-in simulator: physics pumps with faults, served over Modbus (TCP or serial) or written as recordings."""

from pumpwatch_gui.acquire.simulator.faults import FAULTS, FaultSpec
from pumpwatch_gui.acquire.simulator.history import write_history
from pumpwatch_gui.acquire.simulator.plant import Plant, PlantReadings
from pumpwatch_gui.acquire.simulator.server import serve, serve_line

__all__ = ["FAULTS", "FaultSpec", "Plant", "PlantReadings", "serve", "serve_line", "write_history"]
