"""Readings and scores as a running station writes them: every one different, the values of the simulated plant."""

from collections.abc import Sequence

import numpy as np

from pumpwatch_gui.acquire.simulator import Plant
from pumpwatch_gui.acquire.simulator.instruments import DECIMALS
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.store.hot.writer import PumpRow, Store

PUMPS = 50
CYCLE_S = 600
"""The plant's values come again after so long: SQLite compresses nothing, so a row costs what a new one would."""


class PlantRows:
    """The rows of 50 pumps. `second` after `second` or faster, whatever period the caller keeps."""

    def __init__(self, profile: PumpProfile | None = None) -> None:
        self.profile = profile or load_profile("centrifugal")
        plant = Plant(PUMPS, seed=1)
        self.pumps = tuple(PumpRow(i, f"Pump {i}", self.profile) for i in plant.pump_ids)
        resolution = 10.0 ** np.array(DECIMALS)
        self._values = np.round(plant.run(CYCLE_S * 10).values[::10] * resolution) / resolution
        self._scores = np.random.default_rng(1).gamma(4.0, 0.1, (CYCLE_S, PUMPS))
        self._good = np.zeros(len(self.profile.sensors), dtype=np.uint8)
        self._shares = np.full(len(self.profile.sensors), 1 / len(self.profile.sensors))
        self._counts = np.zeros(len(self.profile.sensors), dtype=np.int64)

    def at(self, number: int, time_ns: int) -> list[tuple[Frame, Detection]]:
        """The scan of that number of every pump, at an instant (Unix UTC), and its score."""
        values, scores = self._values[number % CYCLE_S], self._scores[number % CYCLE_S].tolist()
        states = ("NORMAL",) * len(self.profile.sensors)
        scan = []
        for pump, own, score in zip(self.pumps, values, scores, strict=True):
            frame = Frame(pump.pump_id, number, time_ns, time_ns, own.copy(), self._good, self._good)
            detection = Detection(
                pump_id=pump.pump_id,
                seq=number,
                time_ns=time_ns,
                mono_ns=time_ns,
                kind="combined",
                score=score,
                reconstruction_loss=0.1 * score,
                threshold=0.1,
                is_anomaly=score > 1.0,
                shares=self._shares,
                sensor_states=states,
                sensor_anomaly_counts=self._counts,
                model_version="bench",
            )
            scan.append((frame, detection))
        return scan


def offer(store: Store, scan: Sequence[tuple[Frame, Detection]]) -> None:
    """Hand in one scan of all pumps as the program does: the readings as they come, the scores a moment later."""
    for frame, _ in scan:
        store.offer_frame(frame, "NORMAL")
    for _, detection in scan:
        store.offer_detection(detection)
