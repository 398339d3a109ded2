"""Rows, pieces of days and days together are one history: a plain model of it says what each read must give."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query import past
from pumpwatch_gui.store.query.history import History
from tests.store.conftest import START_NS, frame_of, profile_of, rows_of
from tests.store.rigs.archiving import archive_all
from tests.store.rigs.plant import run_once

TAGS = ("speed", "heat")
PROFILE = profile_of(*TAGS)
PUMPS = ("P-101", "P-102")
ROWS = [PumpRow(pump_id, pump_id, PROFILE) for pump_id in PUMPS]
DAY_S = 86_400
Value = float | None


@dataclass
class Model:
    """What was written: pump → milliseconds after the start → values (None: BAD), whether uncertain, score."""

    readings: dict[str, dict[int, tuple[Sequence[Value], bool]]] = field(default_factory=lambda: {p: {} for p in PUMPS})
    scores: dict[str, dict[int, float]] = field(default_factory=lambda: {p: {} for p in PUMPS})


Reading = tuple[str, int, Sequence[Value], bool, float | None]
reading = st.tuples(
    st.sampled_from(PUMPS),
    st.integers(0, 3 * DAY_S * 10),  # tenths of a second
    st.tuples(*[st.one_of(st.none(), st.integers(-5_000, 5_000).map(lambda k: k / 10))] * 2),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 300).map(lambda k: k / 100)),
)
batches = st.lists(st.lists(reading, max_size=40), min_size=1, max_size=4)


def detection(pump_id: str, at_ns: int, score: float) -> Detection:
    return Detection(
        pump_id, 0, at_ns, at_ns, "chart", score, score, 1.0, score > 1, np.array([0.5, 0.5]), ("NORMAL",) * 2,
        np.zeros(2, np.int64), "v1",
    )  # fmt: skip


def write(path: Path, batch: Sequence[Reading], model: Model) -> None:
    """Store a batch, in the order of time; a time that is taken already is left out."""
    store = Store(path, station=1, pumps=ROWS)
    for pump_id, at, values, is_uncertain, score in sorted(batch, key=lambda r: r[1]):
        ms = at * 100
        if any(abs(known - ms) < 2_000 for own in model.readings.values() for known in own):
            continue  # an id of its own a little later: see test_store_ids
        at_ns = START_NS + ms * 10**6
        marked = (1,) if is_uncertain and values[1] is not None else ()
        frame = frame_of(list(values), at_s=ms / 1e3, pump_id=pump_id, uncertain=marked)
        store.offer_frame(frame, "NORMAL")
        model.readings[pump_id][ms] = values, bool(marked)
        if score is not None:
            store.offer_detection(detection(pump_id, at_ns, score))
            model.scores[pump_id][ms] = score
    run_once(store)


pieces = st.lists(st.sampled_from([None, 300_000, 1_800_000]), min_size=4, max_size=4)


@given(batches, pieces, st.sampled_from([0, 7_200_000]))
@settings(max_examples=50, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_every_reading_is_read_once_whatever_is_archived_and_comes_late(
    written: list[list[Reading]], archived: list[int | None], kept_ms: int
) -> None:
    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pumpwatch.db"
        for batch, piece_ms in zip(written, archived, strict=False):
            write(path, batch, model)
            if piece_ms is not None:
                archive_all(path, piece_ms=piece_ms, kept_ms=kept_ms)
        for pump_id in PUMPS:
            check_recording(History(path), pump_id, model)
            check_series(History(path), pump_id, model)
            for step_s in (60, 3600):
                with patch.object(past, "_step_s", return_value=step_s):
                    check_steps(History(path), pump_id, model, step_s)


def check_recording(history: History, pump_id: str, model: Model) -> None:
    own = sorted(model.readings[pump_id].items())
    if not own:
        with pytest.raises(InputError):
            history.recording(pump_id, PROFILE, start_ns=START_NS, end_ns=START_NS + 4 * DAY_S * 10**9)
        return
    for first, end in ((0, 4 * DAY_S * 1000), (own[len(own) // 2][0], own[-1][0])):
        expected = [(ms, v) for ms, v in own if first <= ms < end]
        if not expected:
            continue
        span = {"start_ns": START_NS + first * 10**6, "end_ns": START_NS + end * 10**6}
        found = history.recording(pump_id, PROFILE, **span)
        assert np.rint(found.time_s * 1e3 - START_NS / 1e6).tolist() == [ms for ms, _ in expected]
        for row, (_, (values, is_uncertain)) in zip(found.values, expected, strict=True):
            wanted = [np.nan if v is None or (i == 1 and is_uncertain) else v for i, v in enumerate(values)]
            np.testing.assert_array_equal(row, wanted)


def check_series(history: History, pump_id: str, model: Model) -> None:
    own = sorted(model.readings[pump_id].items())
    series = history.read(pump_id, TAGS, start_ns=START_NS, end_ns=START_NS + 4 * DAY_S * 10**9, points=100_000)
    at = [int(np.argmin(np.abs(series.time_s - (START_NS / 1e9 + ms / 1e3)))) for ms, _ in own]
    wanted = np.array([[np.nan if v is None else v for v in values] for _, (values, _) in own]).reshape(-1, 2)
    for found in (series.low, series.mean, series.high):
        np.testing.assert_array_equal(found[at], wanted)
    others = np.delete(series.mean, at, axis=0)
    assert np.isnan(others).all(), "only gaps are added"
    if model.scores[pump_id]:
        assert np.nanmax(series.score) == max(model.scores[pump_id].values())


def check_steps(history: History, pump_id: str, model: Model, step_s: int) -> None:
    own = sorted(model.readings[pump_id].items())
    if len(own) < 3:
        return
    first, end = own[1][0], own[-1][0]  # not at whole steps
    series = history.read(
        pump_id, TAGS, start_ns=START_NS + first * 10**6, end_ns=START_NS + end * 10**6, points=100_000
    )
    steps: dict[int, list[Sequence[Value]]] = {}
    for ms, (values, _) in own:
        if first <= ms < end:
            steps.setdefault((START_NS // 10**6 + ms) // (step_s * 1000), []).append(values)
    is_step = np.abs(series.time_s % step_s - step_s / 2) < 1e-3  # and no gap between two
    at = {int(series.time_s[i] // step_s): i for i in np.flatnonzero(is_step)}
    for step, rows in steps.items():
        for column in range(2):
            good = [value for row in rows if (value := row[column]) is not None]
            if not good:  # a day without any value has no steps of it
                assert step not in at or np.isnan(series.high[at[step], column])
                continue
            found = [part[at[step], column] for part in (series.low, series.mean, series.high)]
            wanted = [min(good), sum(good) / len(good), max(good)]
            np.testing.assert_allclose(found, wanted, atol=0.0051)
            assert (found[0], found[2]) == (wanted[0], wanted[2])


def test_what_is_archived_leaves_the_tables_and_what_is_left_are_the_newest_hours(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    store = Store(path, station=1, pumps=ROWS)
    for minute in range(2 * 1440):
        store.offer_frame(frame_of([float(minute), 1.0], at_s=60 * minute), "NORMAL" if minute % 500 else "IDLE")
        store.offer_detection(detection("P-101", START_NS + minute * 60 * 10**9, 0.5))
    run_once(store)
    before = rows_of(path, "SELECT * FROM anomaly_detections ORDER BY id")
    archive_all(path)
    left = rows_of(path, "SELECT count(*) FROM sensor_readings") + rows_of(path, "SELECT count(*) FROM anomaly_scores")
    assert left[0] == left[1]
    assert 120 <= left[0][0] <= 155
    levels = rows_of(
        path, "SELECT level, count(*), sum(row_count) FROM archive_chunks WHERE series = '@time' GROUP BY 1"
    )
    assert [level for level, _, _ in levels] == [0, 1]
    assert 2 * 1440 - 35 <= sum(rows for _, _, rows in levels) <= 2 * 1440
    assert rows_of(path, "SELECT * FROM anomaly_detections ORDER BY id") == before
    span = {"start_ns": START_NS, "end_ns": START_NS + 3 * DAY_S * 10**9}
    assert History(path).recording("P-101", PROFILE, **span).values[:, 0].tolist() == list(range(2 * 1440))


def test_a_damaged_chunk_costs_itself_and_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "pumpwatch.db"
    model = Model()
    write(path, [("P-101", at * 600, (float(at), 1.0), False, None) for at in range(2_000)], model)
    archive_all(path)
    rows_of(
        path,
        "UPDATE archive_chunks SET content = x'0100' WHERE series = 'speed' AND level = 1 AND day = "
        "(SELECT min(day) FROM archive_chunks)",
    )
    series = History(path).read("P-101", TAGS, start_ns=START_NS, end_ns=START_NS + 4 * DAY_S * 10**9, points=100_000)
    lost = np.isnan(series.mean[:, 0])
    assert 100 < np.count_nonzero(lost) < 120, "what is left of the first day"
    assert not np.isnan(series.mean[:, 1]).any()
    write(path, [("P-101", 55, (-7.0, -7.0), False, None)], model)
    archive_all(path)
    found = History(path).read("P-101", TAGS, start_ns=START_NS, end_ns=START_NS + DAY_S * 10**9, points=100_000)
    assert -7.0 in found.mean[:, 0]
    assert rows_of(path, "SELECT count(*) FROM archive_chunks WHERE content = x'0100'") == [(1,)]
