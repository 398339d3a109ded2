"""A station that is killed: writes and sends as fast as it can.

`python -m tests.sync.station_child DATABASE STATION URL AUTH_URL ACCOUNT PASSWORD FIRST`: offers readings from number
FIRST on (below 0: none, and it ends when nothing is left to send), and prints how many are committed, a line each time.
"""

import sys
import threading
import time
from pathlib import Path

from pumpwatch_gui.bench.rigs.sending import SendingStation
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.sync import SyncSettings
from pumpwatch_gui.store.hot import upkeep, writer
from pumpwatch_gui.sync import worker
from tests.store.rigs.plant import detection
from tests.sync.rigs import EVERY, ROWS, offer_now

AT_ONCE = 60


def offer_some(made: SendingStation, number: int) -> None:
    """Readings, a detection of the first and an order that bears its number."""
    offer_now(made, AT_ONCE, first=number)
    made.store.offer_detection(detection("P-101", time.time() - 1.7e9, 1.5, number))
    made.store.offer_event(OrderDone(time.time_ns(), "", "record", True, f"order {number}", "asha"))


def run(made: SendingStation, number: int) -> None:
    """Until it is killed, or until nothing is left."""
    made.start()
    while number >= 0:
        offer_some(made, number)
        number += AT_ONCE
        while made.store.view().depth:
            time.sleep(0.002)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    while not made.is_through():
        time.sleep(0.05)
    made.end()


if __name__ == "__main__":
    path, station, url, auth_url, account, password, first = sys.argv[1:]
    worker.FIRST_PAUSE_S, worker.LONGEST_PAUSE_S, worker.LOOK_EVERY_S = 0.05, 0.5, 0.02
    writer.COMMIT_EVERY_S, upkeep.SHARE_S = 0.02, 0.02
    settings = SyncSettings(url, account, auth_url, EVERY)
    threading.excepthook = lambda args: None  # it is killed all the time
    run(SendingStation(Path(path), settings, station=int(station), password=password, pumps=ROWS), int(first))
