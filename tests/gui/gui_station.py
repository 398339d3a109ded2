"""A station made of domain types with plausible values, where a test decides what has happened to which pump."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pumpwatch_gui.acquire.links.traffic import Traffic, packet_now
from pumpwatch_gui.acquire.modbus.traffic_text import mbap_text
from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.commands import Command
from pumpwatch_gui.domain.detection import Detection, NotScored
from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.station import EngineStats, Percentiles, PumpView, RunState, StationView
from pumpwatch_gui.domain.values.frame import Frame, bad_frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.domain.values.trace import Trace, TraceRing
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.settings.profile_file import load_profile

USUAL = np.array([1479.0, 64.8, 4.21, 2.31, 1452.0, 1.79, 6.48, 27.9, 58.1, 24.6])
STANDING = np.array([0.0, 27.0, 0.02, 0.21, 0.0, 1.81, 1.83, 0.0, 26.0, 24.6])
NOISE = np.array([1.2, 0.12, 0.012, 0.05, 6.0, 0.01, 0.012, 0.12, 0.1, 0.05])
NAMES = (
    "Boiler feed A",
    "Boiler feed B",
    "Boiler feed C",
    "Cooling 1",
    "Cooling 2",
    "Cooling 3",
    "Condensate A",
    "Condensate B",
    "Transfer 1",
    "Transfer 2",
    "Fire water",
    "Drain",
)
SECOND = 1_000_000_000


class NoHistory:
    """A history that is empty."""

    def journal(self, **_: object) -> list[object]:
        return []


@dataclass
class Scene:
    """What has happened to one pump: any of `standby`, `lost`, `stale`, `one_bad`, `uncertain`, `hot`, `anomaly`."""

    what: str = ""
    state: AlarmState = AlarmState.UNACKNOWLEDGED


SCENES = {
    1: Scene("standby"),
    2: Scene("hot"),
    5: Scene("anomaly", AlarmState.ACKNOWLEDGED),
    7: Scene("one_bad"),
    8: Scene("returned", AlarmState.RETURNED),
    9: Scene("lost"),
    10: Scene("stale"),
    11: Scene("uncertain"),
}


class StationDouble:
    """Keeps the `Source` protocol. `now_s` is how long it has run; move it to let time pass without new frames."""

    def __init__(self, pumps: int = 3, *, scenes: dict[int, Scene] | None = None, history_s: int = 600) -> None:
        self.profile = load_profile("centrifugal")
        self.scenes = SCENES if scenes is None else scenes
        ids = [f"P-{101 + i}" for i in range(pumps)]
        names = [NAMES[i % len(NAMES)] for i in range(pumps)]
        self.site = Site(
            "North pumping station",
            pumps=tuple(
                PumpSettings(
                    p, n, self.profile, "centrifugal", "none", (ModbusTcpConfig(f"10.0.4.{11 + i}", unit=1 + i),)
                )
                for i, (p, n) in enumerate(zip(ids, names, strict=True))
            ),
        )
        self.history = NoHistory()
        self.registry = ModelRegistry(Path("/nonexistent/models"))
        self.submitted: list[Command] = []
        self.applied: list[Site] = []
        self.listeners: list[Callable[[Event], None]] = []
        self.start_ns, self.mono_ns = time.time_ns(), 1_000_000 * SECOND
        self.offset_ns = 0
        self.now_s = 0.0
        self._rng = np.random.default_rng(7)
        self._rings = {i: TraceRing(10) for i in ids}
        self._frames: dict[str, Frame | None] = dict.fromkeys(ids)
        self.seq = 0
        self.until = {}
        for second in range(-history_s, 1):
            self.step(float(second))

    def step(self, now_s: float) -> None:
        """A new scan of every pump at `now_s`."""
        self.now_s = now_s
        self.seq += 1
        for i, pump in enumerate(self.site.pumps):
            frame = self._frame(i, pump.pump_id, now_s)
            if frame is not None:
                self._frames[pump.pump_id] = frame
                self._rings[pump.pump_id].append(frame, self._score(i, now_s))

    def _scene(self, i: int) -> str:
        return self.scenes.get(i, Scene()).what

    def _stamp(self, now_s: float) -> tuple[int, int]:
        return self.start_ns + int(now_s * SECOND), self.mono_ns + int(now_s * SECOND)

    def _frame(self, i: int, pump_id: str, now_s: float) -> Frame | None:
        what, (time_ns, mono_ns) = self._scene(i), self._stamp(now_s)
        if what == "lost" and now_s > -84:
            return bad_frame(
                pump_id, seq=self.seq, time_ns=time_ns, mono_ns=mono_ns, size=10, reason=Reason.NO_COMMUNICATION
            )
        if what == "stale" and now_s > -41:
            return None
        values = (STANDING if what == "standby" else USUAL) + self._rng.normal(0, 1, 10) * NOISE * (
            what != "standby" or 0.1
        )
        values = values * (1 + 0.002 * np.sin(now_s / 60 + i))
        if what == "hot" and now_s > -240:
            values[1] += 23.5 * (now_s + 240) / 240
            values[3] += 2.3 * (now_s + 240) / 240
        if what == "anomaly" and now_s > -400:
            values[5] -= 0.5 * min((now_s + 400) / 200, 1)
            values[4] -= 180 * min((now_s + 400) / 200, 1)
        values[0] = max(values[0], 0)
        quality, reason = np.zeros(10, np.uint8), np.zeros(10, np.uint8)
        if what == "one_bad" and now_s > -24:
            values[3], quality[3], reason[3] = np.nan, Quality.BAD, Reason.SENSOR_FAILURE
        if what == "uncertain" and now_s > -12:
            quality[4], reason[4] = Quality.UNCERTAIN, Reason.LAST_USABLE_VALUE
        return Frame(pump_id, self.seq, time_ns, mono_ns, values, quality, reason)

    def _score(self, i: int, now_s: float) -> float:
        what = self._scene(i)
        if what in ("standby", "lost"):
            return float("nan")
        rise = {"hot": 1.9 * max(0.0, (now_s + 200) / 200), "anomaly": 1.05 * max(0.0, (now_s + 400) / 400)}.get(
            what, 0.0
        )
        return 0.38 + 0.04 * float(np.sin(now_s / 17 + i)) + rise

    def _alarms(self, i: int, pump_id: str) -> tuple[Alarm, ...]:
        scene = self.scenes.get(i, Scene())
        raised, now = self.start_ns - 41 * SECOND, self.start_ns
        make = {
            "hot": [
                (
                    "bearing_temperature_c",
                    "high_high",
                    Priority.HIGH,
                    "Bearing temperature high-high",
                    88.1,
                    85.0,
                    "degC",
                ),
                ("anomaly", "", Priority.LOW, "Anomaly: bearing temperature 64 %, vibration 23 %", 2.31, 1.0, ""),
            ],
            "anomaly": [("suction_pressure_bar", "low", Priority.LOW, "Anomaly: suction pressure 58 %", 1.42, 1.0, "")],
            "returned": [("vibration_mm_s", "high", Priority.MEDIUM, "Vibration high", 5.31, 5.1, "mm/s")],
            "lost": [
                ("", "link", Priority.LOW, "Link lost: no response from 10.0.4.20", float("nan"), float("nan"), "")
            ],
        }.get(scene.what, [])
        return tuple(
            Alarm(
                f"{pump_id}/{tag}.{level}",
                pump_id,
                tag if tag != "anomaly" else "",
                priority,
                text,
                scene.state,
                value,
                limit,
                unit,
                raised,
                now,
            )
            for tag, level, priority, text, value, limit, unit in make
        )

    def _pump(self, i: int, pump: PumpSettings) -> PumpView:
        what, frame = self._scene(i), self._frames[pump.pump_id]
        time_ns, mono_ns = self._stamp(self.now_s)
        lost = what == "lost"
        link = LinkView(
            f"{pump.pump_id}/1",
            pump.pump_id,
            "modbus-tcp",
            f"10.0.4.{11 + i} unit {1 + i}",
            LinkState.OFFLINE if lost else LinkState.ONLINE,
            mono_ns - (84 if lost else 3000) * SECOND,
            mono_ns - (84 if lost else 0) * SECOND,
            1.0,
            requests=3012,
            good=3010,
            timeouts=2,
            frames=3012,
            response_p50_ms=2.1,
            response_p95_ms=4.8,
            last_error="no response from 10.0.4.20 within 0.5 s" if lost else "",
            last_advice="is the device switched on and on the network?" if lost else "",
        )
        score = self._score(i, self.now_s)
        shares = np.full(10, 0.05)
        shares[[1, 3, 7]] = (0.50, 0.10, 0.05)
        if what == "hot":
            shares = np.array([0.01, 0.64, 0.01, 0.23, 0.01, 0.01, 0.01, 0.06, 0.01, 0.01])
        detection = (
            None
            if np.isnan(score)
            else Detection(
                pump.pump_id,
                self.seq,
                time_ns,
                mono_ns,
                "lstm-autoencoder",
                score,
                score * 0.021,
                0.021,
                score > 1,
                shares / shares.sum(),
                ("NORMAL",) * 10,
                np.zeros(10, np.int64),
                "centrifugal 1.0",
            )
        )
        standing = what == "standby"
        return PumpView(
            pump.pump_id,
            pump.name,
            pump.profile,
            RunState.NO_DATA if lost else RunState.STANDBY if standing else RunState.RUNNING,
            frame,
            detection or NotScored(pump.pump_id, time_ns, "pump stopped" if standing else "no communication"),
            detection,
            {"hot": 38.0, "anomaly": 71.0, "lost": float("nan"), "one_bad": 88.0}.get(what, 92.0 + i % 7),
            (link,),
            self._alarms(i, pump.pump_id),
            3.0,
        )

    def latest(self) -> StationView:
        """The station at `now_s` (plus `offset_ns`, in which nothing new has come)."""
        time_ns, mono_ns = self._stamp(self.now_s)
        pumps = tuple(self._pump(i, pump) for i, pump in enumerate(self.site.pumps))
        alarms = sorted((a for p in pumps for a in p.alarms), key=lambda a: (a.priority, a.raised_ns))
        stats = EngineStats(
            frames=36_120,
            frames_per_s=float(len(pumps)),
            missed_scans=0,
            ring_depth=3,
            ring_capacity=1000,
            ring_high_water=61,
            inference=Percentiles(0.2, 0.3, 0.4),
            inference_count=36_000,
            commit=Percentiles(2.9, 4.0, 6.1),
            last_commit_ns=time_ns,
            readings_committed=361_000,
            database_bytes=31_000_000,
            sensor_to_latest=Percentiles(0.4, 0.8, 1.5),
        )
        return StationView(
            self.site.name,
            time_ns + self.offset_ns,
            mono_ns + self.offset_ns,
            pumps,
            tuple(alarms),
            stats,
            "centrifugal 1.0",
        )

    def trace(self, pump_id: str, since_s: float = 0.0) -> Trace:
        return self._rings[pump_id].copy(since_s)

    def shadow(self, pump_id: str) -> None:
        return None

    def submit(self, command: Command) -> None:
        self.submitted.append(command)

    def apply(self, site: Site) -> None:
        self.applied.append(site)

    def listen(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback)

    def traffic(self, link_id: str) -> Traffic:
        traffic = Traffic(link_id, lambda _: None)
        for i in range(1, 13):
            head = i.to_bytes(2) + bytes(2)
            traffic.offer(packet_now(link_id, mbap_text, True, head + bytes.fromhex("0006010300000003")))
            traffic.offer(packet_now(link_id, mbap_text, False, head + bytes.fromhex("000901030605c8028801a5")))
        return traffic

    def read_block(self, link_id: str, table: str, address: int, count: int) -> Future:
        answer: Future = Future()
        held = (1479, 648, 421, 231, 1452, 179, 648, 279, 581, 246, self.seq % 65536)
        answer.set_result([held[a] if a < len(held) else 0 for a in range(address, address + count)])
        return answer

    def identify(self, link_id: str) -> Future:
        answer: Future = Future()
        answer.set_result({"VendorName": "Example", "ProductCode": "X1"})
        return answer


__all__ = ["Scene", "StationDouble", "replace"]


def at_once(function, on_result, on_error=None):
    """Asks on the spot: what the host would do in a worker."""
    try:
        result = function()
    except Exception as error:  # noqa: BLE001 - handed on as the host does
        if on_error:
            on_error(error)
        return
    on_result(result)
