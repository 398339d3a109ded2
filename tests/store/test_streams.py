"""What is stored comes back whole, value by value with its quality, in pieces, whatever the layout was at the time."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.domain.events import MaintenanceChanged
from pumpwatch_gui.domain.maintenance.event import EventSeverity, EventType, MaintenanceEvent
from pumpwatch_gui.domain.pump.derived import with_derived
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.domain.values.readings import NOT_RECORDED, ORIGINAL_TABLES, SCORE_TAG, Readings
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query import streams
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.query.recorded import profile_of_text

START_NS = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
GOOD, UNCERTAIN, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD


def profile(*tags: str) -> PumpProfile:
    return PumpProfile("some", tuple(Sensor(tag, tag, "u", (-1e6, 1e6)) for tag in tags))


def frame(pump_id: str, second: float, values: Sequence[float | None], doubtful: Sequence[int] = ()) -> Frame:
    array = np.array([np.nan if value is None else value for value in values])
    quality = np.where(np.isnan(array), BAD, GOOD).astype(np.uint8)
    quality[list(doubtful)] = UNCERTAIN
    reason = np.where(quality == GOOD, Reason.NONE, Reason.SENSOR_FAILURE).astype(np.uint8)
    at_ns = int(second * SECOND)
    return Frame(pump_id, 0, START_NS + at_ns, at_ns, array, quality, reason)


def write(
    path: Path, pumps: Sequence[PumpRow], frames: Sequence[Frame], events: Sequence[MaintenanceChanged] = ()
) -> None:
    store = Store(path, station=1, pumps=pumps, on_trouble=lambda _: None)
    for one in frames:
        store.offer_frame(one, "NORMAL")
    for event in events:
        store.offer_event(event)
    ended = threading.Event()
    ended.set()
    store.run(ended)


def whole(history: History, pump_id: str, tags: Sequence[str], of: PumpProfile, end_s: float = 1e6) -> Readings:
    pieces = list(
        history.readings_of(pump_id, tags, start_ns=START_NS, end_ns=START_NS + int(end_s * SECOND), profile=of)
    )
    if not pieces:
        return Readings(np.empty(0, np.int64), np.empty((0, len(tags))), np.empty((0, len(tags)), np.uint8))
    return Readings(
        *(np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("time_ms", "values", "quality"))
    )


def test_values_come_back_with_their_qualities(tmp_path: Path) -> None:
    of = profile("a", "b")
    frames = [frame("P-1", 0, [1.25, 2.0]), frame("P-1", 1, [None, 3.0], [1]), frame("P-1", 2, [4.0, None])]
    write(tmp_path / "x.db", [PumpRow("P-1", "One", of)], frames)
    found = whole(History(tmp_path / "x.db"), "P-1", ("b", "a", "c"), of)
    assert (found.time_ms - START_NS // 10**6).tolist() == [0, 1000, 2000]
    assert found.quality.tolist() == [
        [GOOD, GOOD, NOT_RECORDED],
        [UNCERTAIN, BAD, NOT_RECORDED],
        [BAD, GOOD, NOT_RECORDED],
    ]
    assert found.values[:, 0].tolist()[:2] == [2.0, 3.0]
    assert np.isnan(found.values[1, 1])
    assert np.isnan(found.values[:, 2]).all()


def test_a_bit_means_the_sensor_that_it_meant_when_it_was_written(tmp_path: Path) -> None:
    path, before, after = tmp_path / "x.db", profile("a", "b"), profile("b", "c")
    write(path, [PumpRow("P-1", "One", before)], [frame("P-1", 0, [1.0, 2.0], [0])])
    write(path, [PumpRow("P-1", "One", after)], [frame("P-1", 9, [3.0, 4.0], [0])])
    history = History(path)
    found = whole(history, "P-1", ("a", "b", "c"), after)
    assert found.quality.tolist() == [[UNCERTAIN, GOOD, NOT_RECORDED], [NOT_RECORDED, UNCERTAIN, GOOD]]
    (pump,) = history.recorded_pumps()
    assert pump.profile.tags == ("b", "c")
    assert pump.former_tags == ("a",)
    assert (pump.first_ns, pump.last_ns) == (START_NS, START_NS + 9 * SECOND)


def test_the_last_of_64_sensors_has_its_quality(tmp_path: Path) -> None:
    of = profile(*(f"s{i}" for i in range(64)))
    values: list[float | None] = [float(i) for i in range(64)]
    write(tmp_path / "x.db", [PumpRow("P-1", "One", of)],
          [frame("P-1", 0, values, [63]), frame("P-1", 1, [*values[:63], None])])  # fmt: skip
    found = whole(History(tmp_path / "x.db"), "P-1", ("s63", "s62"), of)
    assert found.quality.tolist() == [[UNCERTAIN, GOOD], [BAD, GOOD]]


def test_pieces_have_every_row_once_and_of_one_pump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = profile("a")
    frames = [frame(pump, 7 * i, [float(i)]) for i in range(100) for pump in ("P-1", "P-2")]
    write(tmp_path / "x.db", [PumpRow(pump, pump, of) for pump in ("P-1", "P-2")], frames)
    monkeypatch.setattr(streams, "PIECE_ROWS", 3)
    history = History(tmp_path / "x.db")
    for pump_id in ("P-1", "P-2"):
        assert whole(history, pump_id, ("a",), of).values[:, 0].tolist() == [float(i) for i in range(100)]
    assert whole(history, "P-1", ("a",), of, end_s=70).values[:, 0].tolist() == [float(i) for i in range(10)]
    assert whole(history, "P-3", ("a",), of).time_ms.size == 0


def test_a_derived_quantity_is_as_good_as_the_worst_sensor_behind_it(tmp_path: Path) -> None:
    of = with_derived(load_profile("centrifugal"))
    at = of.tags.index("suction_pressure_bar")
    values: list[float | None] = [1480.0, 60.0, 4.0, 2.0, 1450.0, 1.5, 6.5, 28.0, 58.0, 24.0]
    lost = [*values]
    lost[at] = None
    write(tmp_path / "x.db", [PumpRow("P-1", "One", of)],
          [frame("P-1", 0, values), frame("P-1", 1, values, [at]), frame("P-1", 2, lost)])  # fmt: skip
    found = whole(History(tmp_path / "x.db"), "P-1", ("differential_pressure_bar", SCORE_TAG), of)
    assert found.quality.tolist() == [[GOOD, NOT_RECORDED], [UNCERTAIN, NOT_RECORDED], [BAD, NOT_RECORDED]]
    assert found.values[:2, 0].tolist() == [5.0, 5.0]


@pytest.mark.parametrize("name", ["centrifugal", "booster-pump", "drive", "power-meter", "vibration-sensor"])
def test_the_profile_that_the_database_keeps_is_the_one_that_was_given(tmp_path: Path, name: str) -> None:
    of = load_profile(name)
    plain = replace(of, derived=())
    write(tmp_path / "x.db", [PumpRow("P-1", "Öl & Wasser", plain)], [])
    (pump,) = History(tmp_path / "x.db").recorded_pumps()
    assert pump.profile == with_derived(plain)
    assert (pump.name, pump.first_ns, pump.last_ns) == ("Öl & Wasser", 0, 0)


def test_what_a_newer_program_has_noted_of_a_profile_is_passed_over() -> None:
    text = '{"name": "n", "new": 1, "sensors": [{"tag": "a", "label": "A", "unit": "", "span": [0, 1], "more": 2}]}'
    assert profile_of_text(text).tags == ("a",)
    with pytest.raises(KeyError):
        profile_of_text('{"name": "n"}')


def test_the_tables_of_the_original_have_its_columns_and_the_rows_of_the_pumps_asked_for(tmp_path: Path) -> None:
    of = load_profile("centrifugal")
    values: list[float | None] = [1480.0, 60.0, None, 2.0, 1450.0, 1.5, 6.5, 28.0, 58.0, 24.0]
    event = MaintenanceEvent("e1", "P-2", START_NS, EventType.INSPECTION, EventSeverity.LOW, "Look", 5.0, "EUR")
    write(
        tmp_path / "x.db", [PumpRow(pump, pump, of) for pump in ("P-1", "P-2")],
        [frame("P-1", 0, values), frame("P-2", 0, values)], [MaintenanceChanged(START_NS, event, "made")],
    )  # fmt: skip
    history = History(tmp_path / "x.db")

    def rows(table: str, *pumps: str) -> list[tuple[object, ...]]:
        read = history.table_rows(table, pump_ids=pumps, start_ns=START_NS, end_ns=START_NS + SECOND)
        return [row for piece in read for row in piece]

    ((key, at_ms, *rest),) = rows("sensor_readings", "P-2")
    assert isinstance(key, int)
    assert (at_ms, rest) == (START_NS // 10**6, [*values, "NORMAL", "P-2"])
    assert len(rows("sensor_readings", "P-1", "P-2")) == 2
    ((_, *event_row),) = rows("maintenance_events", "P-1", "P-2")
    assert event_row == ["INSPECTION", "LOW", None, 5.0, False, START_NS // 10**6, "P-2"]
    assert rows("maintenance_events", "P-1") == rows("anomaly_detections", "P-1") == []
    for table, columns in ORIGINAL_TABLES.items():
        assert all(len(row) == len(columns) for row in rows(table, "P-1", "P-2"))
    with pytest.raises(KeyError):
        rows("pumps", "P-1")
