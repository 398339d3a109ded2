"""Metrics as Prometheus reads them (text format 0.0.4): the original's key metrics, each pump and each link."""

from collections.abc import Callable, Iterable, Mapping
from math import isfinite, isnan

import psutil

from pumpwatch_gui import __version__
from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.display import is_stale
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.station import Percentiles, PumpView, RunState, StationView
from pumpwatch_gui.domain.values.quality import Quality

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[Mapping[str, str], float]

_LINK_COUNTERS: Mapping[str, tuple[str, Callable[[LinkView], int]]] = {
    "requests": ("Requests sent, or posts and lines that came", lambda v: v.requests),
    "good": ("Responses that passed every check", lambda v: v.good),
    "timeouts": ("Requests without a response in time", lambda v: v.timeouts),
    "refused": ("Responses refused as wrong", lambda v: v.refused_responses + v.wrong_length),
    "crc_errors": ("Responses damaged on the way", lambda v: v.crc_errors),
    "exceptions": ("Requests that the device refused", lambda v: sum(v.exceptions.values())),
    "reconnects": ("Times that the link came back", lambda v: v.reconnects),
    "missed_scans": ("Scans that could not begin in time", lambda v: v.missed_scans),
}


def metrics_text(
    view: StationView, allows: Callable[[str], bool], refused: Mapping[str, int], process: psutil.Process
) -> str:
    """Every metric of the pumps that may be seen, and of the program, which runs as `process`."""
    pumps = [pump for pump in view.pumps if allows(pump.pump_id)]
    lines: list[str] = []
    for name, kind, words, samples in (*_station(view, pumps, refused, process), *_pumps(view, pumps), *_links(pumps)):
        lines += [f"# HELP pumpwatch_{name} {words}", f"# TYPE pumpwatch_{name} {kind}"]
        lines += [f"pumpwatch_{name}{_labels(labels)} {_value(value)}" for labels, value in samples]
    return "\n".join(lines) + "\n"


Family = tuple[str, str, str, Iterable[Sample]]


def _station(
    view: StationView, pumps: list[PumpView], refused: Mapping[str, int], process: psutil.Process
) -> Iterable[Family]:
    stats, cpu = view.stats, process.cpu_times()
    work = [event for event in view.maintenance if any(p.pump_id == event.pump_id for p in pumps)]
    opened = [event for event in work if not event.is_resolved]
    yield "build_info", "gauge", "The version that runs", [({"version": __version__}, 1)]
    for name, words, found in (
        ("inference_latency_seconds", "Time of one scoring call", stats.inference),
        ("commit_seconds", "Time of one commit", stats.commit),
        ("sensor_to_latest_seconds", "From the response of a device to the value on show", stats.sensor_to_latest),
    ):
        yield name, "gauge", words, _quantiles(found)
    yield "queue_depth", "gauge", "Rows that wait to be written", [({}, stats.store_depth)]
    yield "inference_queue_depth", "gauge", "Frames that wait to be scored", [({}, stats.ring_depth)]
    yield "memory_bytes", "gauge", "Resident memory", [({}, process.memory_info().rss)]
    yield "cpu_seconds_total", "counter", "Processor time taken", [({}, cpu.user + cpu.system)]
    yield "database_bytes", "gauge", "Size of the history", [({}, stats.database_bytes)]
    yield "disk_free_bytes", "gauge", "Room on the disk of the history", [({}, stats.disk_free_bytes)]
    yield "frames_total", "counter", "Frames read", [({}, stats.frames)]
    yield "readings_stored_total", "counter", "Readings written", [({}, stats.readings_committed)]
    yield "readings_lost_total", "counter", "Readings that could not be written", [({}, stats.readings_lost)]
    yield "inferences_total", "counter", "Windows scored", [({}, stats.inference_count)]
    yield "maintenance_events", "gauge", "Maintenance events by state", [
        ({"state": "open"}, len(opened)),
        ({"state": "resolved"}, len(work) - len(opened)),
    ]  # fmt: skip
    yield "maintenance_estimated_cost", "gauge", "Estimated cost of open maintenance, by currency", [
        ({"currency": currency}, sum(_finite(e.estimated_cost) for e in opened if e.currency == currency))
        for currency in sorted({e.currency for e in opened})
    ]  # fmt: skip
    late = {loop.name for loop in view.stopped_loops}
    loops = stats.loops
    yield (
        "loop_up",
        "gauge",
        "1 while a loop of the program turns",
        [({"loop": x.name}, x.name not in late) for x in loops],
    )
    yield "loop_deaths_total", "counter", "Deaths of a loop", [({"loop": x.name}, x.deaths) for x in loops]
    yield "gateway_refused_total", "counter", "Requests refused by the gateway", [
        ({"kind": kind}, count) for kind, count in refused.items()
    ]  # fmt: skip


def _pumps(view: StationView, pumps: list[PumpView]) -> Iterable[Family]:
    fresh = [pump for pump in pumps if not is_stale(pump, view.mono_ns)]
    found = [(p, p.score_result) for p in fresh if isinstance(p.score_result, Detection)]
    yield "pump_up", "gauge", "1 while live values of a pump come", [(_of(p), p in fresh) for p in pumps]
    yield "pump_running", "gauge", "1 while a pump runs", [
        (_of(p), p.run_state is RunState.RUNNING) for p in fresh
    ]  # fmt: skip
    yield "pump_health", "gauge", "Health index, 0 to 100", [(_of(p), p.health) for p in fresh if not isnan(p.health)]
    yield "pump_anomaly_score", "gauge", "Score of the newest window; above 1 is an anomaly", [
        (_of(p), d.score) for p, d in found
    ]  # fmt: skip
    yield "pump_reconstruction_loss", "gauge", "Error of the newest window", [
        (_of(p), d.reconstruction_loss) for p, d in found
    ]  # fmt: skip
    yield "pump_threshold", "gauge", "Error above which a window is an anomaly", [
        (_of(p), d.threshold) for p, d in found
    ]  # fmt: skip
    yield "pump_sensor_anomalies_total", "counter", "Anomalous windows that a sensor has led", [
        (_of(p, sensor=tag), count)
        for p in pumps
        if p.detection is not None
        for tag, count in zip(p.profile.tags, p.detection.sensor_anomaly_counts.tolist(), strict=False)
    ]  # fmt: skip
    yield "pump_alarms", "gauge", "Alarms that are not normal, by priority", [
        (_of(p, priority=x.name), sum(a.priority is x for a in p.alarms)) for p in pumps for x in Priority
    ]  # fmt: skip
    yield "pump_value", "gauge", "The newest value that is not bad, in the unit of its tag", list(_values(fresh))
    yield "pump_value_good", "gauge", "1 for a good value, 0 for a doubtful, bad or missing one", [
        (_of(p, sensor=q.tag), p in fresh and p.frame is not None and p.frame.quality[i] == Quality.GOOD)
        for p in pumps
        for i, q in enumerate(p.profile.sensors)
    ]  # fmt: skip


def _values(pumps: list[PumpView]) -> Iterable[Sample]:
    for pump in pumps:
        if pump.frame is not None:
            for quantity, value in zip(pump.profile.quantities, pump.frame.values.tolist(), strict=False):
                if isfinite(value):
                    yield _of(pump, sensor=quantity.tag, unit=quantity.unit), value


def _links(pumps: list[PumpView]) -> Iterable[Family]:
    links = [link for pump in pumps for link in pump.links]
    yield "link_up", "gauge", "1 while a link is online", [(_of_link(v), v.state is LinkState.ONLINE) for v in links]
    for name, (words, count) in _LINK_COUNTERS.items():
        yield f"link_{name}_total", "counter", words, [(_of_link(v), count(v)) for v in links]
    yield "link_response_seconds", "gauge", "Time of a response", [
        (_of_link(v) | {"quantile": quantile}, ms / 1e3)
        for v in links
        for quantile, ms in (("0.5", v.response_p50_ms), ("0.95", v.response_p95_ms))
        if not isnan(ms)
    ]  # fmt: skip


def _of(pump: PumpView, **more: str) -> dict[str, str]:
    return {"pump": pump.pump_id} | more


def _of_link(link: LinkView) -> dict[str, str]:
    return {"pump": link.pump_id, "link": link.link_id, "driver": link.driver}


def _quantiles(found: Percentiles) -> list[Sample]:
    pairs = (("0.5", found.p50), ("0.95", found.p95), ("0.99", found.p99))
    return [({"quantile": quantile}, ms / 1e3) for quantile, ms in pairs if not isnan(ms)]


def _finite(value: float) -> float:
    return value if isfinite(value) else 0.0


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _value(value: float) -> str:
    return repr(float(value)) if isfinite(value) else "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"
