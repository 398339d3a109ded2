"""The machine's limit: single-precision operations a second of the BLAS behind NumPy, on one thread.

A BLAS reads how many threads it may use once, when NumPy loads it; so the measurement is a process of its own.
"""

import os
import subprocess
import sys
import time

import psutil

from pumpwatch_gui.bench.figure import NotMeasuredError

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS"), "1"
)
SIZE = 512
CALLS = 30


def flops_of_one_thread() -> float:
    """Operations a second, the fastest of 30 products of 512 × 512.

    Raises NotMeasuredError when more threads took part.
    """
    command = [sys.executable, "-m", "pumpwatch_gui.bench.sgemm"]
    child = subprocess.run(command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, text=True, check=True)
    flops, more_threads = child.stdout.split()
    if more_threads != "0":
        raise NotMeasuredError(f"the BLAS started {more_threads} threads though it was to use one")
    return float(flops)


def _measure() -> tuple[float, int]:
    """Operations a second, and how many threads the BLAS has started."""
    threads = psutil.Process().num_threads()
    import numpy as np

    a = np.random.default_rng(1).random((SIZE, SIZE), dtype=np.float32)
    a @ a
    fastest_s = float("inf")
    for _ in range(CALLS):
        started = time.perf_counter()
        a @ a
        fastest_s = min(fastest_s, time.perf_counter() - started)
    return 2 * SIZE**3 / fastest_s, psutil.Process().num_threads() - threads


if __name__ == "__main__":
    print(*_measure())
