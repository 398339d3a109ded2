"""The benchmark of recordings measures what it says, and nothing where rows are lost."""

from pathlib import Path

import pytest

from pumpwatch_gui.bench import recordings
from pumpwatch_gui.bench.figure import NotMeasuredError


def test_reading_and_scoring_are_measured() -> None:
    said = {figure.what: figure.value for figure in recordings.figures(300, 200, 400, 2.0)}
    assert said["read 300 rows of ten sensors"] > 0
    assert said["score 200 rows, with the start of the process"] > 0
    assert said["back-test on 400 rows"] > 0
    assert said["50 pumps that learn at 1 Hz"] > 0
    assert said["learn again after 2 h of ten sensors at 1 Hz"] > 0


def test_a_recording_that_lost_rows_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def shorter(path: Path, rows: int) -> None:
        write(path, rows - 1)

    write = recordings.write
    monkeypatch.setattr(recordings, "write", shorter)
    with pytest.raises(NotMeasuredError, match="99 of 100 rows"):
        list(recordings.figures(100, 100, 400, 2.0))
