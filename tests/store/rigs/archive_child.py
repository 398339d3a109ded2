"""A store that is killed: readings half a minute apart as fast as they are committed, archived as they come.

`python -m tests.store.rigs.archive_child DATABASE FIRST`: offers the readings from number FIRST on, and prints how many
are committed, a line each time.
"""

import sys
import threading
import time
from pathlib import Path

from pumpwatch_gui.store.archive import archiver, moving
from pumpwatch_gui.store.hot import upkeep, writer
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from tests.store.conftest import frame_of, profile_of

PUMPS = ("P-101", "P-102", "P-103")
PROFILE = profile_of("number", "other")
ROWS = [PumpRow(pump_id, pump_id, PROFILE) for pump_id in PUMPS]
STEP_S = 30.0
AT_ONCE = 60
"""Readings of one commit: half an hour of three pumps, two pieces of the archive."""


def run(path: Path, first: int) -> None:
    """Until it is killed."""
    store = Store(path, station=1, pumps=ROWS)
    stop = threading.Event()
    thread = threading.Thread(target=store.run, args=(stop,), daemon=True)
    thread.start()
    number = first
    while thread.is_alive():
        for _ in range(AT_ONCE):
            pump_id, second = PUMPS[number % 3], number // 3 * STEP_S
            values: list[float | None] = [float(number), None if number % 7 else 1.5]
            store.offer_frame(frame_of(values, at_s=second, pump_id=pump_id), "NORMAL" if number % 50 else "IDLE")
            number += 1
        while store.view().depth and thread.is_alive():
            time.sleep(0.002)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    small = {"ROWS_AT_ONCE": 20, "DELETED_AT_ONCE": 20, "PIECE_MS": 900_000}
    quick = (archiver, "PIECE_MS", 900_000), (archiver, "LOOK_EVERY_S", 0.0)
    often = (writer, "COMMIT_EVERY_S", 0.02), (upkeep, "SHARE_S", 0.02)
    for module, name, value in (*((moving, *item) for item in small.items()), *quick, *often):
        setattr(module, name, value)
    run(Path(sys.argv[1]), int(sys.argv[2]))
