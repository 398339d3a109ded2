"""The fault matrix of each driver: see `matrix.py`, which also prints it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest

from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.faulty_line import LINE_FAULTS
from tests.acquire.faulty_server import FAULTS
from tests.acquire.matrix import FAULT_TICKS, MAY_BE_UNSEEN, PERIOD_S, TIMEOUT_S, UNSEEN, Case, faults_of, play, table

MARGIN_S = 0.35
"""What a busy machine may add before we call it our own slowness."""
LONGEST_QUIET_S = 0.3
"""On a line, what follows a bad answer before the next question, and so before the last of two blocks is told."""

REASONS = {
    **{fault: {Reason.COMMUNICATION_ERROR} for fault in (*FAULTS, *LINE_FAULTS)},
    **{fault: {Reason.DEVICE_FAILURE} for fault in FAULTS if fault.startswith("exception ") and fault[10:].isdigit()},
    **{fault: {Reason.TIMEOUT} for fault in ("late", "late, behind the next request", "stall")},
    **{fault: {Reason.TIMEOUT} for fault in ("length too long", "late, within the quiet period", "echo alone")},
    **{fault: {Reason.TIMEOUT, Reason.COMMUNICATION_ERROR} for fault in ("held back", "slip", "truncated")},
    "wrong transaction, behind": {Reason.TIMEOUT, Reason.COMMUNICATION_ERROR},
}
GIVES_UP = {Reason.NO_COMMUNICATION}
"""The connection is gone, or was given up because nobody can tell where the next frame starts."""
CASES = [(driver, fault) for driver in FAULT_TICKS for fault in faults_of(driver)]


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[Case]]:
    """All faults of all drivers, Modbus TCP against two maps; nothing may be left behind."""
    process = psutil.Process()
    fds, threads = process.num_fds(), threading.active_count()
    found: dict[tuple[str, str], list[Case]] = {}
    maps = {"modbus-tcp": ("one block", "two blocks")}
    with ThreadPoolExecutor(2) as pool:
        plays = [
            pool.submit(play, d, tmp_path_factory.mktemp("matrix"), maps.get(d, ("one block",))) for d in FAULT_TICKS
        ]
        for driver, cases in zip(FAULT_TICKS, plays, strict=True):
            for case in cases.result():
                found.setdefault((driver, case.fault), []).append(case)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (process.num_fds() > fds + 2 or threading.active_count() > threads):
        time.sleep(0.02)
    assert threading.active_count() <= threads, threading.enumerate()
    assert process.num_fds() <= fds + 2, process.net_connections()  # the resolver and the clock may stay open
    results = {d: [c for (driver, _), cases in found.items() if driver == d for c in cases] for d in FAULT_TICKS}
    print(table(results))
    return found


def test_no_fault_ever_yields_a_wrong_value(matrix: dict[tuple[str, str], list[Case]]) -> None:
    wrong = {key: case.wrong[:3] for key, cases in matrix.items() for case in cases if case.wrong}
    assert not wrong
    for driver in FAULT_TICKS:
        cases = [c for (d, _), found in matrix.items() if d == driver for c in found]
        assert sum(int((f.quality == Quality.GOOD).sum()) for c in cases for _, f in c.frames) > 1_500, driver


@pytest.mark.parametrize(("driver", "fault"), CASES)
def test_a_fault_is_noticed_with_its_reason_and_overcome(
    matrix: dict[tuple[str, str], list[Case]], driver: str, fault: str
) -> None:
    is_line = driver.startswith("modbus-rtu")
    for case in matrix[driver, fault]:
        episodes = case.episodes()
        assert len(episodes) == len(FAULT_TICKS[driver])
        for (noticed, recovered, reasons), is_broken in zip(episodes, case.broken(), strict=True):
            if fault in UNSEEN and is_broken:  # a stalled machine made another fault of it, to be told as what it is
                assert reasons <= {Reason.COMMUNICATION_ERROR}
            elif fault in UNSEEN and not (fault == "zeros before" and not is_line):
                # Later is not the fault's doing but a stalled machine's.
                assert noticed is None or noticed > 2 * PERIOD_S, reasons
            elif noticed is None:
                assert fault in MAY_BE_UNSEEN
            else:
                assert reasons <= REASONS[fault] | GIVES_UP
                assert noticed <= TIMEOUT_S + PERIOD_S + MARGIN_S + is_line * LONGEST_QUIET_S
                if is_line and fault == "slip":
                    continue  # a unit that is one answer behind for ever stays BAD for ever
                assert recovered is not None
                assert recovered <= 6


def test_a_failed_scan_is_a_frame_too(matrix: dict[tuple[str, str], list[Case]]) -> None:
    for (driver, fault), cases in matrix.items():
        for case in cases:
            times = np.array([at_s for at_s, _ in case.frames])
            longest_s = 2 * PERIOD_S + MARGIN_S + driver.startswith("modbus-rtu") * 2 * LONGEST_QUIET_S
            assert np.diff(times).max() < longest_s, (driver, fault)
            assert [f.seq for _, f in case.frames] == list(range(1, len(case.frames) + 1))
