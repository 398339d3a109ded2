"""Moves the detections that were stored before version 3 (1,039 bytes each) into the form of now, piece by piece."""

import json
import logging
import time

import apsw

from pumpwatch_gui.store.ids import number_of
from pumpwatch_gui.store.schema import run, transaction
from pumpwatch_gui.store.windows import MODEL, WINDOW, packed_json

log = logging.getLogger("pumpwatch.store")

PIECE = 200
_READ = (
    "SELECT id, is_anomaly, reconstruction_loss, threshold, sensor_states, sensor_anomaly_counts, sensor_shares, "
    "score, kind, model_version FROM anomaly_detections_v2 WHERE id > ? ORDER BY id LIMIT ?"
)
_TAGS = "SELECT tags FROM layouts WHERE pump_number = ? AND from_id <= ? ORDER BY from_id DESC LIMIT 1"


class OldWindows:
    """Rows that are still in the old form. A row moves in one transaction: a stop at any moment costs nothing."""

    def __init__(self) -> None:
        self._after = -(1 << 62)
        self.is_done = False

    def step(self, connection: apsw.Connection, *, within_s: float) -> None:
        """Move rows for about `within_s` seconds. A row that cannot be understood stays as it is, and is shown so."""
        deadline = time.monotonic() + within_s
        while not self.is_done and time.monotonic() < deadline:
            with transaction(connection):
                self._after, self.is_done = self._piece(connection)

    def _piece(self, connection: apsw.Connection) -> tuple[int, bool]:
        rows = connection.execute(_READ, (self._after, PIECE)).fetchall()
        for key, is_anomaly, loss, threshold, states, counts, shares, score, kind, version in rows:
            try:
                tags = connection.execute(_TAGS, (number_of(int(str(key))), key)).get
                order = json.loads(str(tags if tags is not None else shares))
                per_sensor = packed_json(list(order), str(states), str(counts), str(shares))
            except (ValueError, KeyError, TypeError, OverflowError) as error:
                log.warning("the detection %s stays in its old form: %s", key, error)
                continue
            model = (kind, version, threshold)
            run(connection, MODEL, model)
            run(connection, WINDOW, (key, *model, is_anomaly, loss, per_sensor, score))
            run(connection, "INSERT OR IGNORE INTO anomaly_scores VALUES (?, ?)", (key, score))
            run(connection, "DELETE FROM anomaly_detections_v2 WHERE id = ?", (key,))
        return (int(str(rows[-1][0])), False) if len(rows) == PIECE else (self._after, True)
