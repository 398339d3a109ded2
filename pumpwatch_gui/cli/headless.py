"""The collector without a window: the same engine, a status line a second, a summary at the end."""

import gc
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path

import psutil

from pumpwatch_gui.cli.interrupts import Interrupts
from pumpwatch_gui.cli.service_state import ServiceState
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.view import LinkView
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.wording import clock
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.files.atomic import check_writable, write_atomic
from pumpwatch_gui.stations.server import StationServer

LOOK_S = 0.1
STUCK_AFTER_S = 30.0


class Usage:
    """What a run takes of the machine, from its making on."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._started_s, self._cpu_s = time.monotonic(), self._busy_s()

    def _busy_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def now(self) -> tuple[float, float]:
        """Seconds since then, and the mean of cores used."""
        duration_s = time.monotonic() - self._started_s
        return duration_s, (self._busy_s() - self._cpu_s) / max(duration_s, 1e-9)


class Threads:
    """Loops on plain threads. They are daemons: one that is stuck for ever must not keep the process."""

    def __init__(self, loops: Mapping[str, Callable[[threading.Event], None]]) -> None:
        self.stop = threading.Event()
        self._threads = [
            threading.Thread(target=loop, args=(self.stop,), name=f"pumpwatch-{name}", daemon=True)
            for name, loop in loops.items()
        ]

    def start(self) -> None:
        """Start every loop."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Stop every loop and wait for it."""
        self.stop.set()
        for thread in self._threads:
            thread.join(STUCK_AFTER_S)


def run_headless(
    engine: Engine,
    door: StationServer,
    interrupts: Interrupts,
    *,
    for_s: float | None,
    summary: Path | None,
    status: bool,
) -> int:
    """Run until the time is up or a signal comes. Returns 0, or 1 when a loop had stopped for good at the end.

    Windows join through `door`. Raises InputError when the summary cannot be written.
    """
    threads, usage = Threads({**engine.loops(), "door": door.run}), Usage()
    end = time.monotonic() + (for_s if for_s is not None else float("inf"))
    next_status = time.monotonic() + 1.0
    stopped: tuple[str, ...] = ()
    service = ServiceState()
    gc.freeze()  # what is loaded stays: no full collection has to go through it, holding every loop
    threads.start()
    try:
        while (now := time.monotonic()) < end:
            if interrupts.requested.wait(max(0.0, min(LOOK_S, end - now))):
                break
            if now >= next_status:
                next_status += 1.0
                if status:
                    print(status_line(engine.latest()), flush=True)
                if service.is_watched:
                    service.see(engine.latest())
        stopped = tuple(loop.name for loop in engine.latest().stopped_loops)
    finally:
        service.stopping()
        threads.join()
    reason = interrupts.name or "time is up"
    if stopped:
        reason = f"the loop {stopped[0]} had stopped, see the log"
        print(f"error: {reason}", file=sys.stderr)
    if summary is not None:
        write_summary(engine, summary, usage, exit_reason=reason)
    return 1 if stopped else 0


def status_line(view: StationView) -> str:
    """One line: time, the pumps that run, the worst alarm."""
    running = sum(p.run_state.value == "RUNNING" for p in view.pumps)
    scores = " ".join(f"{p.pump_id} {_state_word(p)}" for p in view.pumps[:8]) + (" …" if len(view.pumps) > 8 else "")
    alarm = f"  ALARM {view.alarms[0].pump_id}: {view.alarms[0].text}" if view.alarms else ""
    return f"{clock(view.time_ns)}  running {running}/{len(view.pumps)}  frames {view.stats.frames}  {scores}{alarm}"


def _state_word(pump: PumpView) -> str:
    if pump.frame is None or pump.frame.worst_of(len(pump.profile.tags)) is Quality.BAD:
        return "bad" if pump.run_state.value == "NO DATA" else "partly bad"
    score = f" score {pump.detection.score:.2f}" if pump.detection is not None else ""
    return pump.run_state.value.lower() + score


def check_summary(path: Path) -> None:
    """Raise InputError when a summary could not be written to `path` now: better before a run than after it."""
    try:
        check_writable(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def write_summary(engine: Engine, path: Path, usage: Usage, *, exit_reason: str) -> None:
    """Write what happened as JSON. Raises InputError when the file cannot be written."""
    view = engine.latest()
    stats = view.stats
    duration_s, cpu_cores = usage.now()
    document = {
        "duration_s": round(duration_s, 3),
        "pumps": {p.pump_id: _pump_summary(engine, p) for p in view.pumps},
        "readings_committed": stats.readings_committed,
        "readings_lost": stats.readings_lost,
        "detections_lost": stats.detections_lost,
        "events_lost": stats.events_lost,
        "bytes_per_reading": stats.bytes_per_reading,
        "store_error": stats.store_error,
        "queue_high_water": stats.ring_high_water,
        "queue_dropped": stats.ring_dropped,
        "inference": {
            "count": stats.inference_count,
            "skipped": stats.inference_skipped,
            **{f"{k}_ms": v for k, v in asdict(stats.inference).items()},
        },
        "commit_ms": {"p50": stats.commit.p50, "p99": stats.commit.p99},
        "sensor_to_latest_ms": asdict(stats.sensor_to_latest),
        "rss_mb": round(psutil.Process().memory_info().rss / 1e6, 1),
        "cpu_cores": round(cpu_cores, 4),
        "exit_reason": exit_reason,
    }
    try:
        write_atomic(path, (json.dumps(_without_nan(document), indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"the summary {path} cannot be written: {error.strerror}", "choose another path")


def _pump_summary(engine: Engine, pump: PumpView) -> dict[str, object]:
    live = engine.counters(pump.pump_id)
    counts = live.frames_by_quality
    return {
        "frames": counts.total(),
        **{q.word: counts[q.word] for q in Quality},
        "skipped_beats": sum(v.missed_scans for v in pump.links),
        "reconnects": sum(v.reconnects + v.hang_ups for v in pump.links),
        "last_quality": pump.frame.worst_of(len(pump.profile.tags)).word if pump.frame else "bad",
        "detections": live.anomalous_windows,
        "alarms": live.alarms_raised,
        "links": {v.link_id: _link_summary(v) for v in pump.links},
    }


def _link_summary(view: LinkView) -> dict[str, object]:
    return {
        "endpoint": view.endpoint,
        "state": view.state.value,
        "requests": view.requests,
        "good": view.good,
        "timeouts": view.timeouts,
        "refused": view.refused_responses,
        "wrong_length": view.wrong_length,
        "crc_errors": view.crc_errors,
        "late": view.late_responses,
        "exceptions": {str(code): count for code, count in view.exceptions.items()},
        "reconnects": view.reconnects,
        "hang_ups": view.hang_ups,
        "missed_scans": view.missed_scans,
        "response_ms": {"p50": view.response_p50_ms, "p95": view.response_p95_ms},
        "last_error": view.last_error,
    }


def _without_nan(value: object) -> object:
    """JSON has no NaN: what was not measured is null; milliseconds keep three decimals."""
    if isinstance(value, dict):
        return {k: _without_nan(v) for k, v in value.items()}
    if isinstance(value, float):
        return round(value, 4) if isfinite(value) else None
    return value
