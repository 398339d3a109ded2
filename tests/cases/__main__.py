"""What devices, files and homes of others are like: `python -m tests.cases [NUMBER…]` plays the cases.

The table says what fell short of each once, and what comes of it now.
"""

import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cases.case import Case
from tests.cases.devices import DEVICES
from tests.cases.files import FILES
from tests.cases.recordings import RECORDINGS

CASES = (*DEVICES, *RECORDINGS, *FILES)


def played(case: Case) -> tuple[str, bool]:
    """Play a case in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return case.play(Path(folder))


def main(numbers: Sequence[str]) -> int:
    """Play all cases, or these, and print the table; 1 when one falls short."""
    chosen = [c for c in CASES if not numbers or c.number in numbers]
    right = 0
    with ThreadPoolExecutor(4) as pool:
        for case, (now, ok) in zip(chosen, pool.map(played, chosen), strict=True):
            right += ok
            print(f"{case.number}  {'ok ' if ok else 'NOT'}  was: {case.was}\n         now: {now}", flush=True)
    print(f"{right} of {len(chosen)}")
    return right < len(chosen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
