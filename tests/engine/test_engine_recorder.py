"""The record of a run is a side output: whatever happens to its file, the run goes on and it is reported."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.engine import recorder as module
from pumpwatch_gui.engine.recorder import HEADER, Recorder
from tests.conftest import make_frame

Wait = Callable[..., None]
FULL = Path("/dev/full")


@dataclass
class Recording:
    """A recorder on a thread of its own."""

    recorder: Recorder
    reports: list[str]
    stop: threading.Event = field(default_factory=threading.Event)
    alive: int = 0

    def start(self) -> None:
        def turned() -> None:
            self.alive += 1

        self.thread = threading.Thread(target=self.recorder.run, args=(self.stop, turned), name="pumpwatch-record")
        self.thread.start()

    def offer(self, *seconds: float) -> None:
        for second in seconds:
            self.recorder.offer(make_frame([second, None], at_s=second), ("a", "b"))

    def end(self) -> None:
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()

    def values(self) -> list[float]:
        header, *rows = self.recorder.path.read_text().splitlines()
        assert header + "\n" == HEADER
        cells = [row.split(",") for row in rows]
        assert all(len(row) == 5 for row in cells)
        return [float(row[3]) for row in cells if row[2] == "a"]


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recording]:
    monkeypatch.setattr(module, "WRITE_EVERY_S", 0.02)
    reports: list[str] = []
    made = Recording(Recorder(tmp_path / "r.csv", report=reports.append, capacity=100), reports)
    made.start()
    yield made
    made.end()


def test_every_sample_is_a_row_and_a_bad_one_an_empty_cell(recording: Recording) -> None:
    recording.offer(*range(50))
    recording.end()
    assert recording.values() == [float(i) for i in range(50)]
    assert recording.recorder.path.read_text().splitlines()[2].endswith(",b,,bad")
    assert (recording.reports, recording.alive > 0) == ([], True)


@pytest.mark.skipif(not FULL.exists(), reason="/dev/full")
def test_a_full_disk_is_reported_once_and_the_rows_are_written_when_it_is_freed(
    recording: Recording, wait_until: Wait
) -> None:
    recording.offer(0)
    path, aside = recording.recorder.path, recording.recorder.path.with_name("aside")
    wait_until(lambda: recording.values() == [0.0])
    path.rename(aside)
    path.symlink_to(FULL)
    recording.offer(1, 2)
    wait_until(lambda: recording.reports)
    before = recording.alive
    wait_until(lambda: recording.alive > before + 3)
    assert len(recording.reports) == 1
    assert "No space left" in recording.reports[0]
    aside.replace(path)
    wait_until(lambda: len(recording.reports) == 2)
    assert "written again; 0 frames were lost" in recording.reports[1]
    recording.end()
    assert recording.values() == [0.0, 1.0, 2.0]


def test_what_finds_no_room_while_it_cannot_be_written_is_counted(recording: Recording, wait_until: Wait) -> None:
    path = recording.recorder.path
    path.unlink()
    path.mkdir()
    recording.offer(*range(130))
    wait_until(lambda: recording.reports)
    path.rmdir()
    wait_until(lambda: len(recording.reports) == 2)
    assert "30 frames were lost" in recording.reports[1]
    recording.end()
    assert recording.values() == [float(i) for i in range(100)]


def test_a_file_that_is_removed_is_made_again_with_its_header(recording: Recording, wait_until: Wait) -> None:
    recording.offer(1)
    wait_until(lambda: recording.values() == [1.0])
    recording.recorder.path.unlink()
    recording.offer(2)
    recording.end()
    assert recording.values() == [2.0]


@pytest.mark.parametrize("name", ["no/such/r.csv", ".", "/dev/full"])
def test_a_path_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"the record .* cannot be written") as caught:
        Recorder(tmp_path / name)
    assert caught.value.advice
