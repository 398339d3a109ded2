"""Rows of a server's tables as values of the domain."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from pumpwatch_gui.domain.detection import DetectionRow
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.stations.remote.names import Names
from pumpwatch_gui.stations.remote.values import floats, named_event
from pumpwatch_gui.store.archive.rows import Rows
from pumpwatch_gui.store.ids import EPOCH_MS
from pumpwatch_gui.store.layout import NORMAL
from pumpwatch_gui.store.maintenance import event_of_row

LAST_NS: Final = 4_000_000_000 * 10**9
"""The server knows later times, but nothing is measured then; "for ever" of the port is beyond them."""


def iso_of(at_ns: int) -> str:
    """A time (Unix UTC) as ISO 8601 to the microsecond, rounded up: what is stored has whole milliseconds."""
    micros = -(-min(max(at_ns, 0), LAST_NS) // 1000)
    moment = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    return moment.isoformat(timespec="microseconds")


def journal_row(plain: Sequence[Any], names: Names) -> JournalRow:
    """A line of `view_journal`."""
    key, time_ns, station, kind, pump_id, severity, text, by, detail = plain
    own = dict(detail)
    if names.are_many:
        own |= {name: names.shown(station, own[name]) for name in ("alarm_id", "pump_id", "event_id") if own.get(name)}
        text = text if pump_id else f"{names.stations.get(station, station)}: {text}"
    return JournalRow(key, time_ns, kind, names.shown(station, pump_id), severity, text, by, own)


def detection_row(plain: Mapping[str, Any]) -> DetectionRow:
    """A row of `view_detections`."""
    none = float("nan")
    number = {name: none if plain[name] is None else float(plain[name])
              for name in ("score", "reconstruction_loss", "threshold")}  # fmt: skip
    return DetectionRow(
        plain["id"], int(plain["ms"]) * 1_000_000, plain["is_anomaly"], number["score"], number["reconstruction_loss"],
        number["threshold"], plain["sensor_states"], plain["sensor_anomaly_counts"], plain["sensor_shares"],
        plain["kind"], plain["model_version"],
    )  # fmt: skip


def maintenance_event(plain: Mapping[str, Any], names: Names) -> MaintenanceEvent:
    """A row of `view_maintenance`."""
    times = {"time_ns": "timestamp", "resolved_at_ns": "resolved_at", "due_ns": "due", "down_from_ns": "down_from"}
    moments = {name: _time_ns(plain[column]) for name, column in times.items()}
    # Of a REAL of the server PostgREST has the digits that it keeps.
    return named_event(
        event_of_row({**plain, **moments, "notes": json.dumps(plain["notes"] or [])}), plain["station_id"], names
    )


def reading_rows(plain: Sequence[Mapping[str, Any]], series: Sequence[str]) -> Rows:
    """Rows of `view_readings`, with the columns of some series."""
    ms = np.array([int(row["ms"]) - EPOCH_MS for row in plain], np.int64)
    uncertain, bad = (np.array([row[name] for row in plain], np.int64) for name in ("uncertain_mask", "bad_mask"))
    states = ["" if row["machine_status"] == NORMAL else str(row["machine_status"]) for row in plain]
    status = np.array(states, object) if any(states) else None
    values = {name: floats([row.get(name) for row in plain]) for name in series}
    return Rows(ms, values, np.full(ms.size, np.nan), uncertain, bad, status)


def _time_ns(text: str | None) -> int:
    # Whole microseconds: a float of seconds does not hold them.
    if not text:
        return 0
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000
