"""The trend benchmark: only frames that brought something new count."""

import pytest

from pumpwatch_gui.bench import trend
from pumpwatch_gui.bench.figure import NotMeasuredError
from pumpwatch_gui.bench.rigs.window import live_window
from pumpwatch_gui.bench.trend import changed_frames


def test_only_frames_that_brought_a_new_value_count() -> None:
    with live_window(pumps=1, period_s=0.5, sampling=False) as (station, window):
        pump_id = station.site().pumps[0].pump_id
        window.open_page("pump", pump_id)
        frames = changed_frames(window, frozenset({pump_id}), count=5)
        assert len(frames.changed_ms) == 5
        assert all(0 < cpu < ms + 1 for ms, cpu in zip(frames.changed_ms, frames.cpu_ms, strict=True))
        assert frames.count > 5  # it is sampled each 50 ms, and read each 500
        with pytest.raises(NotMeasuredError, match="0 of 41 frames changed"):
            changed_frames(window, frozenset({"P-999"}), count=2)


def test_ten_pens_are_moved_by_drag_and_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trend, "FRAMES", 5)
    figures = list(trend.moved_pens())
    assert [figure.what.split(", ")[-2:] for figure in figures] == [
        ["a step of a drag", "p50"], ["a step of a drag", "p95"], ["a turn of the wheel", "p50"],
        ["a turn of the wheel", "p95"],
    ]  # fmt: skip
    assert all(figure.value > 0 for figure in figures)
