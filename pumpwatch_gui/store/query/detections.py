"""Detections as they were stored."""

import json
from typing import Any

import apsw

from pumpwatch_gui.domain.detection import DetectionRow
from pumpwatch_gui.store.ids import make_id, time_ns

_SELECT = (
    "SELECT id, is_anomaly, score, reconstruction_loss, threshold, sensor_states, sensor_anomaly_counts, "
    "sensor_shares, kind, model_version FROM anomaly_detections "
    "WHERE id >= ? AND id < ? AND (id & 4095) = ? ORDER BY id LIMIT ?"
)


def read_detections(
    connection: apsw.Connection, number: int, *, start_ns: int, end_ns: int, limit: int
) -> list[DetectionRow]:
    """Those of a pump by its number from `start_ns` up to `end_ns` (Unix UTC), oldest first."""
    where = make_id(start_ns), make_id(end_ns), number, limit
    return [_detection(row) for row in connection.execute(_SELECT, where).fetchall()]


def _detection(row: Any) -> DetectionRow:
    key, is_anomaly, score, loss, threshold, states, counts, shares, kind, version = row
    return DetectionRow(
        id=key,
        time_ns=time_ns(key),
        is_anomaly=bool(is_anomaly),
        score=score,
        reconstruction_loss=loss,
        threshold=threshold,
        sensor_states=json.loads(states),
        sensor_anomaly_counts=json.loads(counts),
        shares=json.loads(shares),
        kind=kind,
        model_version=version,
    )
