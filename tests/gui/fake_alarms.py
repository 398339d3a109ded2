"""Made-up alarms of the past, put into the journal of a fake station."""

from dataclasses import replace
from math import nan

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.events import AlarmChanged, Note
from tests.gui.fake_history import FakeHistorian

SECOND = 10**9
SOURCES = (
    ("flow_rate_l_min.low", "Flow low", Priority.LOW),
    ("vibration_mm_s.high", "Vibration high", Priority.MEDIUM),
    ("bearing_temperature_c.high_high", "Bearing temperature high-high", Priority.HIGH),
    ("suction_pressure_bar.low", "Suction pressure low", Priority.LOW),
    ("anomaly", "Anomaly: suction pressure 58 %, flow 24 %", Priority.LOW),
)


def past_alarm(at_ns: int, *, pump_id: str = "P-101", kind: int = 0) -> Alarm:
    """An alarm that was raised at a time (Unix UTC); `kind` is its place in `SOURCES`."""
    source, text, priority = SOURCES[kind]
    return Alarm(f"{pump_id}/{source}", pump_id, source.rpartition(".")[0], priority, text,
                 AlarmState.UNACKNOWLEDGED, nan, nan, "", at_ns, at_ns)  # fmt: skip


def put_past_alarm(history: FakeHistorian, at_ns: int, lasted_s: float, *, pump_id: str = "P-101", kind: int = 0,
                   acked_s: float | None = 20.0) -> None:  # fmt: skip
    """An alarm that was raised at a time, lasted, and was acknowledged after so many seconds."""
    raised = past_alarm(at_ns, pump_id=pump_id, kind=kind)
    moves = [(at_ns, AlarmState.UNACKNOWLEDGED, "")]
    gone_ns = at_ns + round(lasted_s * SECOND)
    acked_ns = gone_ns + 1 if acked_s is None else at_ns + round(acked_s * SECOND)
    if acked_ns < gone_ns:
        moves += [(acked_ns, AlarmState.ACKNOWLEDGED, "Asha"), (gone_ns, AlarmState.NORMAL, "")]
    else:
        moves += [(gone_ns, AlarmState.RETURNED, ""), (acked_ns, AlarmState.NORMAL, "" if acked_s is None else "Asha")]
    for time_ns, state, by in moves:
        history.put_event(AlarmChanged(time_ns, replace(raised, state=state, changed_ns=time_ns, by=by), by=by))


def put_past(history: FakeHistorian, now_ns: int, *, is_flood: bool = False) -> None:
    """A month of alarms, quiet but for one that chatters; `is_flood`: with 26 alarms in ten minutes as well."""
    history.put_event(Note(now_ns - 40 * 86_400 * SECOND, "PumpWatch started"))
    for i in range(30):
        day_ns = now_ns - (i * 86_400 + 5400) * SECOND
        for j in range(1 + 7 * i % 5):
            put_past_alarm(history, day_ns - j * 4111 * SECOND, 300 + 60 * j, pump_id=f"P-{101 + i % 6}",
                           kind=(i + j) % 5, acked_s=30.0 + 15 * j)  # fmt: skip
    for i in range(9):
        put_past_alarm(history, now_ns - (3 * 3600 - 25 * i) * SECOND, 4.0 + i, pump_id="P-104", kind=0, acked_s=None)
    for i in range(26 * is_flood):
        put_past_alarm(history, now_ns - (7200 - 15 * i) * SECOND, 900.0, pump_id=f"P-{101 + i % 12}", kind=i % 5)
