"""Replay: a recording keeps its spacing, its gaps and its flaws."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.acquire.replay import ReplayConfig
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.scanning import Scanning, registers_profile

Wait = Callable[..., None]
PROFILE = registers_profile(0, 1)


def recording(path: Path, rows: list[str]) -> str:
    path.write_text("timestamp,r0,r1\n" + "\n".join(rows) + "\n")
    return str(path)


def binding(file: str, **more: float | bool) -> Binding:
    settings = {"speed": 20.0, "loop": False, "period_s": 0.1, **more}
    return Binding("P", PROFILE, (ReplayConfig(file, **settings),))  # type: ignore[arg-type]


def good_times(s: Scanning) -> np.ndarray:
    return np.array([f.mono_ns / 1e9 for f in s.of("P") if f.worst is Quality.GOOD])


def test_it_keeps_the_spacing_of_the_recording_divided_by_the_speed(tmp_path: Path, wait_until: Wait) -> None:
    file = recording(tmp_path / "a.csv", [f"{1e9 + t},{t},{t}" for t in (0, 2, 4, 8, 10)])
    with Scanning([binding(file)]) as s:
        wait_until(lambda: len(good_times(s)) == 5)
    assert np.diff(good_times(s)) == pytest.approx([0.1, 0.1, 0.2, 0.1], abs=0.04)
    assert [f.values[0] for f in s.of("P")[:5]] == [0, 2, 4, 8, 10]


def test_it_repeats_with_one_spacing_between_and_ends_when_it_shall_not(tmp_path: Path, wait_until: Wait) -> None:
    file = recording(tmp_path / "a.csv", [f"{t},{t},{t}" for t in (0, 2, 4)])
    with Scanning([binding(file, loop=True)]) as s:
        wait_until(lambda: len(good_times(s)) >= 7)
    assert [f.values[0] for f in s.of("P")[:7]] == [0, 2, 4, 0, 2, 4, 0]
    assert np.diff(good_times(s)[:7]) == pytest.approx([0.1] * 6, abs=0.04)
    with Scanning([binding(file)]) as s:
        wait_until(lambda: len(s.of("P")) >= 6)
        assert "has ended" in s.view("P/1").last_error
    assert [f.worst for f in s.of("P")[:6]] == [Quality.GOOD] * 3 + [Quality.BAD] * 3


def test_a_gap_stays_a_gap_with_bad_frames_in_it(tmp_path: Path, wait_until: Wait) -> None:
    file = recording(tmp_path / "a.csv", [f"{t},{t},{t}" for t in (0, 1, 2, 3, 30, 31)])
    with Scanning([binding(file)]) as s:
        wait_until(lambda: len(good_times(s)) == 6)
    assert np.diff(good_times(s))[3] == pytest.approx(27 / 20, abs=0.06)
    states = [f.worst for f in s.of("P")]
    assert Quality.BAD in states[4:-2]
    assert Quality.BAD not in states[:4]


def test_empty_cells_text_and_values_outside_the_span_are_bad(tmp_path: Path, wait_until: Wait) -> None:
    file = recording(tmp_path / "a.csv", ["0,1,", "1,x,5", "2,70000,-1", "3,1,65535"])
    with Scanning([binding(file)]) as s:
        wait_until(lambda: len(s.of("P")) >= 4)
    found = [[Reason(r) for r in f.reason] for f in s.of("P")[:4]]
    assert found == [
        [Reason.NONE, Reason.SENSOR_FAILURE],
        [Reason.SENSOR_FAILURE, Reason.NONE],
        [Reason.OUT_OF_RANGE, Reason.OUT_OF_RANGE],
        [Reason.NONE, Reason.NONE],
    ]


def test_a_tag_without_a_column_is_not_connected(tmp_path: Path, wait_until: Wait) -> None:
    (tmp_path / "a.csv").write_text("timestamp,r0\n0,1\n1,2\n")
    with Scanning([binding(str(tmp_path / "a.csv"))]) as s:
        wait_until(lambda: s.of("P"))
    assert [Reason(r) for r in s.of("P")[0].reason] == [Reason.NONE, Reason.NOT_CONNECTED]


@pytest.mark.parametrize("content", ["", "timestamp,r0,r1\n", "a,b\n1,2\n", "timestamp,other\n0,1\n"])
def test_a_file_that_is_no_recording_is_a_configuration_error(tmp_path: Path, content: str, wait_until: Wait) -> None:
    (tmp_path / "a.csv").write_text(content)
    with Scanning([binding(str(tmp_path / "a.csv"))]) as s:
        wait_until(s.is_in("P/1", LinkState.OFFLINE))
        assert "a.csv" in s.view("P/1").last_error
    assert all(Reason(r) is Reason.CONFIGURATION_ERROR for f in s.of("P") for r in f.reason)


def test_a_file_that_appears_later_is_found(tmp_path: Path, wait_until: Wait) -> None:
    with Scanning([binding(str(tmp_path / "a.csv"), loop=True)]) as s:
        wait_until(s.is_in("P/1", LinkState.OFFLINE))
        recording(tmp_path / "a.csv", ["0,1,1", "1,2,2"])
        wait_until(lambda: s.is_good("P"), within_s=8)
