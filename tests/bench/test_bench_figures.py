"""The benchmarks' own frame: which there are, what is printed, and that nothing is printed which was not measured."""

import argparse
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import pumpwatch_gui.bench as bench
from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.domain.errors import InputError


def _run(monkeypatch: pytest.MonkeyPatch, run: object, json_file: Path) -> int:
    monkeypatch.setattr(bench, "BENCHES", {"one": ("one", "what it measures", "a minute")})
    monkeypatch.setattr(importlib, "import_module", lambda _: SimpleNamespace(run=run))
    return bench.main(argparse.Namespace(names=["one"], data=None, json=json_file))


def test_every_benchmark_has_a_module_that_runs_and_says_what_it_measures_and_how_long_it_takes() -> None:
    for module, text, takes in bench.BENCHES.values():
        assert callable(importlib.import_module(f"pumpwatch_gui.bench.{module}").run)
        assert text
        assert "minute" in takes


def test_a_figure_is_printed_and_written_with_its_reference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def run(_data: Path | None) -> Iterator[Figure]:
        yield Figure("a figure", 1.5, "ms", "≤ 2 ms")

    assert _run(monkeypatch, run, tmp_path / "figures.json") == 0
    printed = capsys.readouterr().out
    assert "takes a minute" in printed
    assert "≤ 2 ms" in printed
    assert json.loads((tmp_path / "figures.json").read_text("utf-8"))["one"][0]["value"] == 1.5


def test_what_was_not_measured_is_said_and_ends_in_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def run(_data: Path | None) -> Iterator[Figure]:
        yield Figure("a figure", 1.5, "ms")
        raise NotMeasuredError("no pump was scored")

    assert _run(monkeypatch, run, tmp_path / "figures.json") == 1
    assert "not measured: no pump was scored" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "figures.json").read_text("utf-8"))["one"]) == 1


def test_an_unknown_benchmark_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no benchmark nonsense"):
        bench.main(argparse.Namespace(names=["nonsense"], data=None, json=None))
