"""What may have happened to a made-up pump, as frames, scores, links and alarms of domain types."""

from dataclasses import dataclass

import numpy as np

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.values.frame import Frame, bad_frame
from pumpwatch_gui.domain.values.quality import Quality, Reason

USUAL = np.array([1479.0, 64.8, 4.21, 2.31, 1452.0, 1.79, 6.48, 27.9, 58.1, 24.6])
STANDBY = np.array([0.0, 27.0, 0.02, 0.21, 0.0, 1.81, 1.83, 0.0, 26.0, 24.6])
NOISE = np.array([1.2, 0.12, 0.012, 0.05, 6.0, 0.01, 0.012, 0.12, 0.1, 0.05])
SECOND = 1_000_000_000
NAN = float("nan")


@dataclass(frozen=True)
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

_ALARMS: dict[str, list[tuple[str, str, Priority, str, float, float, str]]] = {
    "hot": [
        ("bearing_temperature_c", "high_high", Priority.HIGH, "Bearing temperature high-high", 88.1, 85.0, "degC"),
        ("anomaly", "", Priority.LOW, "Anomaly: bearing temperature 64 %, vibration 23 %", 2.31, 1.0, ""),
    ],
    "anomaly": [("suction_pressure_bar", "low", Priority.LOW, "Anomaly: suction pressure 58 %", 1.42, 1.0, "")],
    "returned": [("vibration_mm_s", "high", Priority.MEDIUM, "Vibration high", 5.31, 5.1, "mm/s")],
    "lost": [("", "link", Priority.LOW, "Link lost: no response from 10.0.4.20", NAN, NAN, "")],
}


@dataclass(frozen=True)
class Moment:
    """A pump (the `i`-th) at `now_s` of its scene, stamped with both clocks."""

    pump_id: str
    i: int
    what: str
    now_s: float
    seq: int
    time_ns: int
    mono_ns: int

    def frame(self, rng: np.random.Generator) -> Frame | None:
        """The result of a scan; None where none comes any more."""
        what, now_s = self.what, self.now_s
        if what == "lost" and now_s > -84:
            return bad_frame(
                self.pump_id, seq=self.seq, time_ns=self.time_ns, mono_ns=self.mono_ns, size=10,
                reason=Reason.NO_COMMUNICATION,
            )  # fmt: skip
        if what == "stale" and now_s > -41:
            return None
        noise = rng.normal(0, 1, 10) * NOISE * (0.1 if what == "standby" else 1.0)
        values = ((STANDBY if what == "standby" else USUAL) + noise) * (1 + 0.002 * np.sin(now_s / 60 + self.i))
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
        return Frame(self.pump_id, self.seq, self.time_ns, self.mono_ns, values, quality, reason)

    def score(self) -> float:
        """The anomaly score; NaN where the pump is not scored."""
        if self.what in ("standby", "lost"):
            return NAN
        since = {"hot": (200, 1.9), "anomaly": (400, 1.05)}.get(self.what)
        rise = since[1] * max(0.0, (self.now_s + since[0]) / since[0]) if since else 0.0
        return 0.38 + 0.04 * float(np.sin(self.now_s / 17 + self.i)) + rise

    def detection(self) -> Detection | None:
        """The detection with that score."""
        score = self.score()
        if np.isnan(score):
            return None
        shares = np.full(10, 0.05)
        shares[[1, 3, 7]] = (0.50, 0.10, 0.05)
        if self.what == "hot":
            shares = np.array([0.01, 0.64, 0.01, 0.23, 0.01, 0.01, 0.01, 0.06, 0.01, 0.01])
        return Detection(
            self.pump_id, self.seq, self.time_ns, self.mono_ns, "lstm-autoencoder", score, score * 0.021, 0.021,
            score > 1, shares / shares.sum(), ("NORMAL",) * 10, np.zeros(10, np.int64), "centrifugal 1.0",
        )  # fmt: skip

    def link(self) -> LinkView:
        """The one link of the pump."""
        lost, i = self.what == "lost", self.i
        return LinkView(
            f"{self.pump_id}/1", self.pump_id, "modbus-tcp", f"10.0.4.{11 + i} unit {1 + i}",
            LinkState.OFFLINE if lost else LinkState.ONLINE,
            self.mono_ns - (84 if lost else 3000) * SECOND, self.mono_ns - (84 if lost else 0) * SECOND, 1.0,
            requests=3012, good=3010, timeouts=2, frames=3012, response_p50_ms=2.1, response_p95_ms=4.8,
            last_error="no response from 10.0.4.20 within 0.5 s" if lost else "",
            last_advice="is the device switched on and on the network?" if lost else "",
        )  # fmt: skip


def source_of(tag: str, level: str, text: str) -> str:
    """The alarm source as the judges call it."""
    return "anomaly" if text.startswith("Anomaly") else f"{tag}.{level}"


def alarms_of(pump_id: str, scene: Scene, start_ns: int) -> tuple[Alarm, ...]:
    """The alarms of a scene, raised 41 s before `start_ns` (Unix UTC)."""
    return tuple(
        Alarm(
            f"{pump_id}/{source_of(tag, level, text)}", pump_id, "" if tag == "anomaly" else tag, priority, text,
            scene.state, value, limit, unit, start_ns - 41 * SECOND, start_ns,
        )
        for tag, level, priority, text, value, limit, unit in _ALARMS.get(scene.what, [])
    )  # fmt: skip
