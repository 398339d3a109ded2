"""Any registers, any map, any habit: every value is true or BAD, what is served comes, and no request is wasted.

`PUMPWATCH_DEVICES=100000` plays so many devices instead of some hundred, from number `PUMPWATCH_FIRST` on.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.acquire.modbus.device_model import play, random_device, random_points

DEVICES = int(os.environ.get("PUMPWATCH_DEVICES", "200"))
FIRST = int(os.environ.get("PUMPWATCH_FIRST", "0"))


@pytest.mark.timeout(120 + DEVICES)
def test_any_device_gives_true_values_all_of_them_and_by_no_request_too_many(tmp_path: Path) -> None:
    faults: list[str] = []
    for seed in range(FIRST, FIRST + DEVICES):
        chance = random.Random(seed)
        points = random_points(chance)
        device = random_device(chance, points)
        found = asyncio.run(play(device, points, tmp_path))
        habits = f"device {seed} ({device.hole}, {device.largest} {device.too_many}, pause {device.pause_s})"
        for what in ("wrong", "missing", "too_many"):
            if texts := getattr(found, what):
                faults.append(f"{habits}: {what}: {texts[0]}")
    assert not faults, f"{len(faults)}:\n" + "\n".join(faults)
