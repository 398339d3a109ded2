"""Figures against labels, and the protocols on a made-up test bed (never on the rows anything was tuned on)."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.infer.evaluation.metrics import Judged, marks
from pumpwatch_gui.infer.evaluation.protocols import (
    SKAB,
    load_skab,
    protocol_a,
    protocol_c,
    protocol_d,
)
from pumpwatch_gui.infer.training.alarm_rate import Track, alarms_at, level_for_alarm_rate
from tests.infer.infer_builders import steady


def judged(label: str, alarm: str) -> Judged:
    flags = [np.array([c == "x" for c in text]) for text in (label, alarm)]
    return Judged("j", np.arange(float(len(label))), flags[0], flags[1])


def test_rows_events_delays_and_false_alarms_are_counted_as_defined() -> None:
    m = marks([judged("....xxxx............", ".....xxxxx..........")])
    assert (m.f1, m.far, m.mar) == pytest.approx((3 / (3 + (2 + 1) / 2), 100 * 2 / 16, 100 * 1 / 4))
    assert (m.events, m.detected, m.delay_median_s, m.false_alarms) == (1, 1, 1.0, 0)


def test_an_alarm_that_was_on_already_detects_nothing() -> None:
    m = marks([judged("....xxxx", "..xxxxxx")])
    assert (m.events, m.detected) == (1, 0)


def test_alarms_less_than_30_s_apart_are_one_false_alarm() -> None:
    near, far = "." * 10 + "x" + "." * 20 + "x" + "." * 10, "." * 5 + "x" + "." * 60 + "x"
    assert marks([judged("." * len(near), near)]).false_alarms == 1
    assert marks([judged("." * len(far), far)]).false_alarms == 2


@settings(max_examples=60, deadline=None)
@given(
    scores=st.lists(st.floats(0, 5), min_size=1, max_size=200),
    a_day=st.sampled_from([0.0, 500.0, 5000.0]),
)
def test_the_quiet_level_raises_no_more_alarms_than_allowed(scores: list[float], a_day: float) -> None:
    track = Track(np.arange(float(len(scores))), np.array(scores))
    level = level_for_alarm_rate([track], a_day=a_day)
    assert alarms_at(level, [track]) <= int(track.duration_s / 86_400 * a_day)


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up test bed: steady noise, a shift of one sensor as the fault."""
    folder = tmp_path_factory.mktemp("bed")
    names = ["valve1/0", "valve1/1", "valve1/2", "other/5", "anomaly-free/anomaly-free"]
    for seed, name in enumerate(names):
        rows = 4600 if "free" in name else 1200
        values = steady(rows, seed=seed, sensors=8).values.copy()
        label = np.zeros(rows)
        if "free" not in name:
            label[600:900] = 1
            values[600:900, 3] += 5
        path = folder / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        lines = [";".join(map(repr, [1.6e9 + 1e5 * seed + i, *row, y]))
                 for i, (row, y) in enumerate(zip(values.tolist(), label.tolist(), strict=True))]  # fmt: skip
        path.write_text("datetime;" + ";".join(SKAB.tags) + ";anomaly\n" + "\n".join(lines) + "\n")
    return folder


def test_the_protocols_judge_a_made_up_test_bed_and_name_their_baselines(bed: Path) -> None:
    files = load_skab(bed)
    told: list[str] = []
    a = protocol_a(files, kind="chart", only=("valve1/0", "other/5"), progress=told.append)
    assert [r.who for r in a] == ["chart", "always in alarm", "a clock, no sensor"]
    assert a[0].marks.detected == 2
    assert a[1].marks.far == 100.0
    assert len(told) == 2
    c = protocol_c(files, kind="chart", commissioned=("valve1/0", "valve1/1"), streamed=("valve1/2",))
    assert c[0].marks.detected == 1
    d = protocol_d(files, kind="chart", streamed=("other/5",))
    assert d[0].marks.detected == 1
    assert d[1].files == ("anomaly-free/anomaly-free", "other/5")


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no recording"):
        load_skab(tmp_path)
