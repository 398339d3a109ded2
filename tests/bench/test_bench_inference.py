"""The inference benchmark: a limit of really one thread, and every part inside the clock."""

import subprocess
from types import SimpleNamespace

import pytest

from pumpwatch_gui.bench import inference, sgemm
from pumpwatch_gui.bench.figure import NotMeasuredError


def test_the_limit_is_that_of_one_thread() -> None:
    assert sgemm.flops_of_one_thread() > 0


def test_a_limit_of_several_threads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout="2e11 3\n"))
    with pytest.raises(NotMeasuredError, match="3 threads"):
        sgemm.flops_of_one_thread()


def test_the_limit_and_the_runtime_are_measured_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "BATCHES", {1: ""})
    limit, runtime = inference._bare()
    assert "one thread" in limit.reference
    assert 0 < limit.value < runtime.value


def test_the_feed_the_network_and_the_score_are_all_inside_the_clock() -> None:
    done = inference.work(2, seconds=5)
    assert len(done.whole_s) == len(done.feed_s) == len(done.network_s) == len(done.judge_s) == 5
    for whole, *parts in zip(done.whole_s, done.feed_s, done.network_s, done.judge_s, strict=True):
        assert all(part > 0 for part in parts)
        assert sum(parts) < whole


def test_a_worker_that_scores_nothing_yet_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "SETTLED_S", 10)
    with pytest.raises(NotMeasuredError, match="0 of 1 pumps were scored"):
        inference.work(1, seconds=5)
