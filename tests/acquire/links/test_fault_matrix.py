"""The fault matrix of each driver: see `fault_matrix.py`, which also prints it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.faulty_line import LINE_FAULTS
from tests.acquire.faulty_server import FAULTS
from tests.acquire.links.fault_matrix import (
    AFTER_THE_VALUES,
    FAULT_TICKS,
    MAY_BE_UNSEEN,
    UNSEEN,
    Case,
    faults_of,
    play,
    table,
)
from tests.conftest import wait_until

Matrix = dict[tuple[str, str], list[Case]]
REASONS = {
    **{fault: {Reason.COMMUNICATION_ERROR} for fault in (*FAULTS, *LINE_FAULTS)},
    **{fault: {Reason.DEVICE_FAILURE} for fault in FAULTS if fault.startswith("exception ") and fault[10:].isdigit()},
    **{fault: {Reason.TIMEOUT} for fault in ("late", "stall", "length too long", "echo alone")},
    "duplicated": {Reason.NOT_REQUESTED},
    # A response that is late by more than the quiet period meets another request, and is refused there.
    **{
        fault: {Reason.TIMEOUT, Reason.COMMUNICATION_ERROR, Reason.NOT_REQUESTED}
        for fault in (
            "held back",
            "slip",
            "truncated",
            "late, behind the next request",
            "late, within the quiet period",
            "wrong transaction, behind",
        )
    },
}
GIVES_UP = {Reason.NO_COMMUNICATION}
"""The connection is gone, or was given up because it cannot be known where the next frame starts."""
# LAST_USABLE_VALUE: a scan that waits for a time-out brings values that are old by then. They are UNCERTAIN, so that no
# wrong value hides behind it.
FOLLOWS = {Reason.TIMEOUT, Reason.COMMUNICATION_ERROR, Reason.NOT_REQUESTED, Reason.LAST_USABLE_VALUE}
"""What a missed response may be followed by: its own late one, and responses that do not fit."""
CASES = [(driver, fault) for driver in FAULT_TICKS for fault in faults_of(driver)]

pytestmark = pytest.mark.timeout(400)
"""The faults of all drivers are played before the first test."""


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """All faults of all drivers, Modbus TCP against two maps; nothing may be left behind."""
    process = psutil.Process()
    fds, threads = process.num_fds(), threading.active_count()
    found: Matrix = {}
    maps = {"modbus-tcp": ("one block", "two blocks")}
    with ThreadPoolExecutor(2) as pool:
        plays = [
            pool.submit(play, d, tmp_path_factory.mktemp("matrix"), maps.get(d, ("one block",))) for d in FAULT_TICKS
        ]
        for driver, cases in zip(FAULT_TICKS, plays, strict=True):
            for case in cases.result():
                found.setdefault((driver, case.fault), []).append(case)
    # The resolver and the clock may stay open.
    is_clean: Callable[[], bool] = lambda: process.num_fds() <= fds + 2 and threading.active_count() <= threads  # noqa: E731
    wait_until(is_clean, what=f"{threading.enumerate()}, {process.net_connections()}")
    results = {d: [c for (driver, _), cases in found.items() if driver == d for c in cases] for d in FAULT_TICKS}
    print(table(results))
    return found


def test_no_fault_ever_yields_a_wrong_value(matrix: Matrix) -> None:
    wrong = {key: case.wrong[:3] for key, cases in matrix.items() for case in cases if case.wrong}
    assert not wrong
    for driver in FAULT_TICKS:
        cases = [c for (d, _), found in matrix.items() if d == driver for c in found]
        assert sum(int((f.quality == Quality.GOOD).sum()) for c in cases for _, f in c.frames) > 1_500, driver


@pytest.mark.parametrize(("driver", "fault"), CASES)
def test_the_scan_that_meets_a_fault_has_its_reason_and_a_later_one_is_good(
    matrix: Matrix, driver: str, fault: str
) -> None:
    is_line = driver.startswith("modbus-rtu")
    for case in matrix[driver, fault]:
        episodes = case.episodes()
        assert len(episodes) == len(FAULT_TICKS[driver])
        for episode, is_broken, has_idled in zip(episodes, case.broken(), case.idled(), strict=True):
            if fault == "duplicated" and not is_line:  # the transaction id tells it from the next response
                assert episode.scans is None
            elif fault in UNSEEN and (is_broken or episode.reasons == {Reason.LAST_USABLE_VALUE}):
                # A machine that was held up made another fault of it, or the response came late: its values grew old.
                assert episode.reasons <= {Reason.COMMUNICATION_ERROR, Reason.LAST_USABLE_VALUE}
            elif fault in UNSEEN and not (fault == "zeros before" and not is_line):
                assert episode.scans is None or episode.scans > 1, episode
            elif episode.scans is None:
                # After the first one something is tried besides the scan, and the fault may meet that.
                assert fault in MAY_BE_UNSEEN or has_idled or episode is not episodes[0]
            else:
                assert episode.reasons <= REASONS[fault] | GIVES_UP | FOLLOWS
                assert episode.scans <= 2 or fault in AFTER_THE_VALUES, episode
                if is_line and fault == "slip":
                    continue  # a unit that is one response behind for ever stays BAD for ever
                # Values stay in doubt for some seconds: the first time may still be so when the second is played.
                is_cut_off = Reason.NOT_REQUESTED in episode.reasons and episode is not episodes[-1]
                assert episode.recovered_s is not None or is_cut_off


def test_a_failed_scan_is_a_frame_too(matrix: Matrix) -> None:
    for cases in matrix.values():
        for case in cases:
            assert [f.seq for _, f in case.frames] == list(range(1, len(case.frames) + 1))
            assert len(case.frames) >= len(FAULT_TICKS[case.driver])
