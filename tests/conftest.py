"""What every test shares: strict surroundings and small builders."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")  # how long an example takes says nothing where other work runs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `train` wait until TensorFlow is installed; CI runs them apart, with it."""
    if find_spec("tensorflow") is None:
        for item in items:
            if item.get_closest_marker("train"):
                item.add_marker(pytest.mark.skip(reason="TensorFlow is not installed"))


@pytest.fixture(autouse=True)
def no_stray_threads() -> Iterator[None]:
    """A test that leaves one of our threads running fails."""
    yield
    deadline = time.monotonic() + 3
    stray: list[str] = []
    while time.monotonic() < deadline:
        stray = [t.name for t in threading.enumerate() if t.name.startswith("pumpwatch") and not t.daemon]
        if not stray:
            return
        time.sleep(0.01)
    pytest.fail(f"threads left running: {stray}")


def wait_until(condition: Callable[[], object], *, within_s: float = 10.0, what: str = "the condition") -> None:
    """Wait for a condition, never for time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {within_s} s")
        time.sleep(0.005)


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., None]:
    return wait_until


@pytest.fixture
def two_sensor_profile() -> PumpProfile:
    """Speed and a temperature with four limits, 1 s delays."""
    limits = Limits(low_low=10, low=20, high=80, high_high=90, deadband=2, on_delay_s=1, off_delay_s=1)
    speed = Sensor("motor_rpm", "Speed", "rpm", (0, 3000), 1)
    return PumpProfile(
        "two", (speed, Sensor("temperature_c", "Temperature", "degC", (-50, 200), 0.1, (30, 70), limits))
    )


def make_frame(values: list[float | None], *, at_s: float = 0.0, pump_id: str = "P-101", seq: int = 0) -> Frame:
    """A frame at `at_s` seconds on both clocks; None is a BAD value."""
    array = np.array([np.nan if v is None else v for v in values], dtype=float)
    bad = np.isnan(array)
    quality = np.where(bad, Quality.BAD, Quality.GOOD).astype(np.uint8)
    reason = np.where(bad, Reason.SENSOR_FAILURE, Reason.NONE).astype(np.uint8)
    ns = int(at_s * 1e9)
    return Frame(pump_id, seq, 1_700_000_000_000_000_000 + ns, ns, array, quality, reason)


@pytest.fixture(name="make_frame")
def _make_frame() -> Callable[..., Frame]:
    return make_frame
