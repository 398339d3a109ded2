"""What the gateway says of the past: newest rows of a span, never more than a bounded number of them."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pumpwatch_gui.domain.detection import DetectionRow
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.values.readings import NOT_RECORDED, SCORE_TAG, Readings
from pumpwatch_gui.share.gateway.bodies import TIME_ADVICE, with_offset
from pumpwatch_gui.share.gateway.documents import JsonObject, iso, key_of, number
from pumpwatch_gui.share.gateway.refusals import Kind, Refusal

HOUR_NS = 3600 * 10**9
LONGEST_NS = 24 * HOUR_NS
MOST_ROWS, USUAL_ROWS = 5000, 100
"""Rows of one response; a day at one reading a second is fetched in pieces by `from` and `to`."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start_ns` up to `end_ns` (Unix UTC), of which the newest `limit` rows are wanted."""

    start_ns: int
    end_ns: int
    limit: int


def stretch_of(query: Mapping[str, str], *, usual_ns: int) -> Stretch:
    """What `from`, `to` and `limit` of a query ask for; a span of `usual_ns` up to now without them. Raises Refusal."""
    end_ns = _time_ns("to", query["to"]) if "to" in query else time.time_ns()
    start_ns = _time_ns("from", query["from"]) if "from" in query else end_ns - usual_ns
    text = query.get("limit", str(USUAL_ROWS))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= limit <= MOST_ROWS:
        raise Refusal(400, Kind.MALFORMED, f"limit: must be 1 to {MOST_ROWS}")
    if not 0 < end_ns - start_ns <= LONGEST_NS:
        raise Refusal(400, Kind.MALFORMED, "from and to: must be at most one day apart, from before to")
    return Stretch(start_ns, end_ns, limit)


def sensor_history(history: Historian, pump_id: str, profile: PumpProfile, stretch: Stretch) -> list[JsonObject]:
    """The newest readings of a pump, oldest first. Blocks. Raises StoreError."""
    tags, rows = profile.tags, deque[tuple[Any, ...]](maxlen=stretch.limit)
    pieces = history.readings_of(
        pump_id, (*tags, SCORE_TAG), start_ns=stretch.start_ns, end_ns=stretch.end_ns, profile=profile
    )
    for piece in pieces:
        rows.extend(_rows(piece, stretch.limit))
    keys = [key_of(tag) for tag in tags]
    return [_reading(keys, *row) for row in rows]


def _rows(piece: Readings, limit: int) -> list[tuple[Any, ...]]:
    last = slice(max(0, piece.time_ms.size - limit), None)
    columns = piece.time_ms[last].tolist(), piece.values[last].tolist(), piece.quality[last].tolist()
    return list(zip(*columns, strict=True))


def _reading(keys: list[str], time_ms: int, values: list[float], quality: list[int]) -> JsonObject:
    score = values[-1]
    return {
        "timestamp": iso(time_ms * 1_000_000),
        **{key: number(value) for key, value in zip(keys, values, strict=False)},
        "machine_status": "ANOMALY" if score > 1 else "NORMAL",
        "anomaly_score": number(score),
        "quality": {
            key: "not recorded" if code == NOT_RECORDED else Quality(code).word
            for key, code in zip(keys, quality, strict=False)
            if code
        },
    }


def anomaly_history(history: Historian, pump_id: str, stretch: Stretch, *, every: bool) -> list[JsonObject]:
    """The newest detections of a pump, oldest first: those that are anomalies, or `every` one. Blocks."""
    found = deque[DetectionRow]()
    end_ns = stretch.end_ns
    while end_ns > stretch.start_ns and len(found) < stretch.limit:
        start_ns = max(stretch.start_ns, end_ns - HOUR_NS)  # an hour at 1 Hz is below the historian's own bound
        rows = history.detections(pump_id, start_ns=start_ns, end_ns=end_ns)
        wanted = [row for row in rows if every or row.is_anomaly]
        found.extendleft(reversed(wanted[-(stretch.limit - len(found)) :]))
        end_ns = start_ns
    return [_detection(pump_id, row) for row in found]


def _detection(pump_id: str, row: DetectionRow) -> JsonObject:
    return {
        "id": row.id, "timestamp": iso(row.time_ns), "pump_id": pump_id, "is_anomaly": row.is_anomaly,
        "reconstruction_loss": number(row.reconstruction_loss), "threshold": number(row.threshold),
        "anomaly_score": number(row.score),
        "sensor_states": {key_of(tag): state for tag, state in row.sensor_states.items()},
        "sensor_anomaly_counts": {key_of(tag): count for tag, count in row.sensor_anomaly_counts.items()},
        "sensor_shares": {key_of(tag): number(share) for tag, share in row.shares.items()},
        "kind": row.kind, "model_version": row.model_version,
    }  # fmt: skip


def _time_ns(name: str, text: str) -> int:
    try:
        is_number = text[:1].isdigit() and "-" not in text
        # A blank is a plus in a query that was not encoded.
        seconds = float(text) if is_number else with_offset(text.replace(" ", "+")).timestamp()
    except (ValueError, OverflowError) as error:
        raise Refusal(400, Kind.MALFORMED, f"{name}: is no time", TIME_ADVICE) from error
    if not 0 <= seconds < 4e9:
        raise Refusal(400, Kind.MALFORMED, f"{name}: is no time of this century", TIME_ADVICE)
    return int(seconds * 1e9)
