"""Whether a running pump makes sense: its recent frames and its registers of now are examined together."""

from dataclasses import replace

import numpy as np
from typing_extensions import override

from pumpwatch_gui.commissioning.pumps.plausibility import findings_of, live_material
from pumpwatch_gui.domain.values.trace import Trace
from tests.gui.fake_station import FakeStation

LINK = "P-101/1"


class StillStation(FakeStation):
    """Every frame has the values of its registers, as float32; no sensor moves."""

    @override
    def trace(self, pump_id: str, since_s: float = 0.0) -> Trace:
        """The frames so far, each with the same values."""
        trace = super().trace(pump_id, since_s)
        held = live_material(FakeStation(1, scenes={}, history_s=0), LINK).series[-1]
        row = np.array([held[tag] for tag in self.profile.tags], dtype=np.float32)
        return replace(trace, values=np.tile(row, (len(trace.values), 1)))


def test_a_value_that_has_not_moved_is_the_same_in_the_frames_and_in_the_registers() -> None:
    material = live_material(StillStation(1, scenes={}, history_s=60), LINK)
    assert len(material.series) > 60
    assert all(reading == material.series[-1] for reading in material.series)
    assert [finding.kind for finding in findings_of(material)].count("constant") == 0
