"""What the gateway says of the station now, with the field names of the original system."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import psutil

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.display import is_stale
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.domain.station import PumpView, RunState, StationView
from pumpwatch_gui.domain.values.quality import Quality, Reason

JsonObject = dict[str, Any]
ORIGINAL_KEYS: Mapping[str, str] = dict(
    zip(
        STANDARD_TAGS,
        (
            "Motor_RPM", "Bearing_Temperature_C", "Oil_Pressure_bar", "Vibration_mm_s", "Flow_Rate_L_min",
            "Suction_Pressure_bar", "Discharge_Pressure_bar", "Motor_Current_A", "Casing_Temperature_C",
            "Ambient_Temperature_C",
        ),
        strict=True,
    )
)  # fmt: skip
"""The keys of the original's JSON by tag; other tags are their own keys."""


def key_of(tag: str) -> str:
    """The key of a tag in JSON."""
    return ORIGINAL_KEYS.get(tag, tag)


def iso(time_ns: int) -> str | None:
    """Unix nanoseconds as ISO 8601 in UTC, to the millisecond; None for 0."""
    if not time_ns:
        return None
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number(value: float) -> float | None:
    """A value as JSON: NaN and infinity do not exist there."""
    return float(value) if isfinite(value) else None


def live_document(view: StationView, allows: Callable[[str], bool]) -> JsonObject:
    """The response of `/api/live-data` for all pumps that may be seen."""
    pumps = [pump_document(pump, view.mono_ns) for pump in view.pumps if allows(pump.pump_id)]
    return {"station": view.name, "timestamp": iso(view.time_ns), "pumps": pumps}


def pump_document(pump: PumpView, mono_ns: int) -> JsonObject:
    """One pump now. A value that may not be shown as it is, is null: BAD, or older than the screen would show it."""
    frame, result = pump.frame, pump.score_result
    stale, size = is_stale(pump, mono_ns), len(pump.profile.quantities)
    values, quality = [float("nan")] * size, [Quality.BAD.word] * size
    reason = [(Reason.LAST_USABLE_VALUE if frame else Reason.WAITING_FOR_INITIAL_DATA).text] * size
    if frame is not None and not stale and frame.values.size == size:
        values = frame.values.tolist()
        quality = [Quality(q).word for q in frame.quality.tolist()]
        reason = [Reason(r).text for r in frame.reason.tolist()]
    keys = [key_of(sensor.tag) for sensor in pump.profile.quantities]
    document: JsonObject = {
        "pump_id": pump.pump_id,
        "name": pump.name,
        "timestamp": iso(frame.time_ns) if frame is not None else None,
        "age_s": round((mono_ns - frame.mono_ns) / 1e9, 3) if frame is not None else None,
        "stale": stale,
        "run_state": (RunState.NO_DATA if stale else pump.run_state).value,
        "sensors": dict(zip(keys, map(number, values), strict=True)),
        "quality": dict(zip(keys, quality, strict=True)),
        "reason": {key: why for key, why in zip(keys, reason, strict=True) if why},
        "units": {key: sensor.unit for key, sensor in zip(keys, pump.profile.quantities, strict=True)},
        "health": None if stale else number(pump.health),
        "machine_status": "NORMAL",
        "is_anomaly": False,
        "reconstruction_loss": None,
        "threshold": None,
        "anomaly_score": None,
        "alarms": [alarm_document(alarm) for alarm in pump.alarms],
    }
    if isinstance(result, Detection) and not stale:
        tags = [key_of(tag) for tag in pump.profile.tags]
        document |= {
            "machine_status": "ANOMALY" if result.is_anomaly else "NORMAL",
            "is_anomaly": result.is_anomaly,
            "reconstruction_loss": number(result.reconstruction_loss),
            "threshold": number(result.threshold),
            "anomaly_score": number(result.score),
            "sensor_states": dict(zip(tags, result.sensor_states, strict=False)),
            "sensor_anomaly_counts": dict(zip(tags, result.sensor_anomaly_counts.tolist(), strict=False)),
        }
    return document


def alarm_document(alarm: Alarm) -> JsonObject:
    """One alarm that is not NORMAL."""
    return {
        "alarm_id": alarm.alarm_id, "pump_id": alarm.pump_id, "sensor": key_of(alarm.tag), "text": alarm.text,
        "priority": alarm.priority.name, "state": alarm.state.value, "value": number(alarm.value),
        "limit": number(alarm.limit), "raised": iso(alarm.raised_ns),
    }  # fmt: skip


def maintenance_document(event: MaintenanceEvent) -> JsonObject:
    """One maintenance event, with the columns of the original's table first."""
    return {
        "id": event.event_id, "event_type": event.kind.name, "severity": event.severity.name,
        "sensor_name": key_of(event.tag), "estimated_cost": number(event.estimated_cost),
        "resolved": event.is_resolved, "timestamp": iso(event.time_ns), "pump_id": event.pump_id,
        "currency": event.currency, "title": event.title, "value": number(event.value), "unit": event.unit,
        "recommendation": event.recommendation, "assigned_to": event.assigned_to, "due": iso(event.due_ns),
        "resolved_at": iso(event.resolved_ns), "actual_cost": number(event.actual_cost),
    }  # fmt: skip


def health_document(
    view: StationView, allows: Callable[[str], bool], refused: Mapping[str, int], process: psutil.Process
) -> JsonObject:
    """The response of `/api/system-health`: the original's key metrics, and each loop.

    `process` is this one: it measures its processor time from one call to the next.
    """
    stats, pumps = view.stats, [pump for pump in view.pumps if allows(pump.pump_id)]
    stopped = [loop.name for loop in view.stopped_loops]
    work = [event for event in view.maintenance if allows(event.pump_id)]
    opened = sum(not event.is_resolved for event in work)
    return {
        "status": "degraded" if stopped or stats.store_error else "healthy",
        "timestamp": iso(view.time_ns),
        "stopped": stopped,
        "inference_latency_ms": {
            "p50": number(stats.inference.p50), "p95": number(stats.inference.p95), "p99": number(stats.inference.p99)
        },
        "sensor_to_latest_ms": {"p50": number(stats.sensor_to_latest.p50), "p99": number(stats.sensor_to_latest.p99)},
        "commit_ms": {"p50": number(stats.commit.p50), "p99": number(stats.commit.p99)},
        "queue_depth": stats.store_depth,
        "inference_queue_depth": stats.ring_depth,
        "memory_mb": round(process.memory_info().rss / 1e6, 1),
        "cpu_percent": process.cpu_percent(),
        "readings_stored": stats.readings_committed,
        "readings_lost": stats.readings_lost,
        "total_inferences": stats.inference_count,
        # Each anomalous window since the start is counted for the sensor that led.
        "total_anomalies": sum(int(p.detection.sensor_anomaly_counts.sum()) for p in pumps if p.detection is not None),
        "maintenance_events": {"open": opened, "resolved": len(work) - opened},
        "store_error": bool(stats.store_error),
        "links": {link.link_id: link.state.value for pump in pumps for link in pump.links},
        "requests_refused": dict(refused),
    }  # fmt: skip
