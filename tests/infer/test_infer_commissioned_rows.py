"""What a model is commissioned by is taken in lanes and in whole arrays: near enough what one stream makes of it."""

from math import inf
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.detectors.chart import Chart
from pumpwatch_gui.infer.detectors.combined import ChartDetector
from pumpwatch_gui.infer.detectors.conditioner import Conditioning
from pumpwatch_gui.infer.detectors.flat_line import flat_runs, longest_flat_runs
from pumpwatch_gui.infer.detectors.score_limits import ScoreLimits
from pumpwatch_gui.infer.evaluation.recorded_frames import frames_of
from pumpwatch_gui.infer.training.conditioned_rows import conditioned_rows
from pumpwatch_gui.infer.training.normal_running import Seen

PUMP = PumpProfile("p", tuple(Sensor(tag, tag, "u", (-1e6, 1e6), 0.01) for tag in ("flow", "heat", "hum")))
WINDOW = 5
SECONDS = 30_000


def detector() -> ChartDetector:
    one = np.ones(3)
    limits = ScoreLimits(1.0, 1.0, inf, 0.0, one, inf * one)
    return ChartDetector(
        PUMP, None, conditioning=Conditioning(one, 0.5 * one), chart=Chart(np.eye(3)), limits=limits,
        used=one > 0, period_s=1.0, window=WINDOW,
    )  # fmt: skip


def eventful() -> Recording:
    """Hours that drift, with a pause that forgets all, a short one, missing values and a stretch that is far out."""
    noise, time_s = np.random.default_rng(3), np.arange(float(SECONDS))
    values = 100.0 + noise.normal(0, 1, (SECONDS, 3)) + 3.0 * np.sin(time_s / 2000)[:, np.newaxis]
    values[4_000:4_300, 1] += 12.0
    values[9_000:9_040, 2] = np.nan
    time_s[12_000:] += 4_000.0
    time_s[20_000:] += 60.0
    return Recording(Path("p.csv"), 1.7e9 + time_s, values)


def test_rows_in_lanes_are_those_of_one_stream_but_for_what_no_limit_shows() -> None:
    model, recording = detector(), eventful()
    rows = conditioned_rows(model, recording, pause=lambda: None)
    stream = model.stream()
    held, residuals, windows = np.zeros(SECONDS, int), np.zeros((SECONDS, 3)), {}
    for i, frame in enumerate(frames_of(recording, PUMP, pump_id="p")):
        stream.feed(frame, RunState.RUNNING)
        window = stream.window()
        if stream.rows_in_window:
            held[i], residuals[i] = stream.rows_in_window, stream.memory.residuals[0]
        if not isinstance(window, str):
            windows[i] = window.copy()
    np.testing.assert_array_equal(rows.held, held)
    np.testing.assert_allclose(rows.residuals, residuals, atol=0.02)
    some = np.array(sorted(windows))[::97]
    np.testing.assert_allclose(rows.windows(some), [windows[i] for i in some.tolist()], atol=0.01)
    assert len(windows) > 0.9 * SECONDS


def test_what_a_pause_raises_ends_the_work() -> None:
    class _EndedError(Exception):
        pass

    calls = []

    def pause() -> None:
        calls.append(1)
        if len(calls) > 50:
            raise _EndedError

    with pytest.raises(_EndedError):
        conditioned_rows(detector(), eventful(), pause=pause)


def test_the_longest_flat_run_is_that_which_the_watch_would_count() -> None:
    noise = np.random.default_rng(5)
    values = noise.choice((1.0, 2.0, np.nan), (3_000, 4), p=(0.6, 0.3, 0.1))
    steps_s = noise.choice((0.5, 1.0, 3.0), 3_000)
    begins = noise.random(3_000) < 0.02
    runs, last, longest = np.zeros(4), np.full(4, np.nan), np.zeros(4)
    for row, step_s, begin in zip(values, steps_s.tolist(), begins.tolist(), strict=True):
        if begin:
            runs, last = np.zeros(4), np.full(4, np.nan)
        runs, last = flat_runs(runs, last, step_s, row)
        longest = np.maximum(longest, runs)
    np.testing.assert_allclose(longest_flat_runs(values, steps_s, begins=begins), longest)


def test_running_is_cut_into_blocks_and_a_rest_of_less_than_a_minute_is_none() -> None:
    running = np.ones(1_290, dtype=np.bool_)
    running[600:650] = False
    seen = Seen(np.arange(1_290.0)[:, np.newaxis], running, np.ones(1_290))
    assert [len(block) for block in seen.blocks(600.0)] == [600, 600]
    assert [len(block) for block in seen.blocks(580.0)] == [580, 580, 80]
    assert np.flatnonzero(seen.begins).tolist() == [0, 600]
