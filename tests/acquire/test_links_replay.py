"""Replay: a recording played as if it were live, with its spacing, its gaps and its flaws."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from pumpwatch_gui.acquire.discovery import trial
from pumpwatch_gui.acquire.driver import LinkSpec
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.acquire.links.fault import LinkFault
from pumpwatch_gui.acquire.links.scanner import Binding, Scanner
from pumpwatch_gui.acquire.replay import ReplayConfig
from pumpwatch_gui.domain.events import LinkChanged
from pumpwatch_gui.domain.links.decode import PointValue
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason

PROFILE = PumpProfile("ab", tuple(Sensor(t, t, "", (0, 100)) for t in ("alpha", "beta")))
Wait = Callable[..., None]


def write(path: Path, rows: list[str], header: str = "timestamp,alpha,beta") -> str:
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def play(file: str, scans: int, **settings: float | bool) -> list[tuple[float, dict[str, PointValue] | LinkFault]]:
    """The first scans of a recording, each with the seconds since the connection."""

    async def run() -> list[tuple[float, dict[str, PointValue] | LinkFault]]:
        spec = LinkSpec("P/1", "P", PROFILE, ReplayConfig(file, **settings), None)  # type: ignore[arg-type]
        channel = DRIVERS["replay"].open([spec])
        await channel.connect()
        started, found = time.monotonic(), list[tuple[float, dict[str, PointValue] | LinkFault]]()
        for _ in range(scans):
            try:
                result: dict[str, PointValue] | LinkFault = dict(await channel.scan(spec))
            except LinkFault as fault:
                result = fault
            found.append((time.monotonic() - started, result))
        await channel.close()
        return found

    return asyncio.run(run())


@contextmanager
def running(*bindings: Binding) -> Iterator[tuple[Scanner, list[Frame], list[LinkChanged]]]:
    frames, events, stop = list[Frame](), list[LinkChanged](), threading.Event()
    scanner = Scanner(bindings, on_frame=frames.append, on_event=events.append)
    thread = threading.Thread(target=scanner.run, args=(stop,), name="pumpwatch-links-replay")
    thread.start()
    try:
        yield scanner, frames, events
    finally:
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize("speed", [10.0, 20.0])
def test_rows_come_at_their_own_spacing_divided_by_the_speed(tmp_path: Path, speed: float) -> None:
    file = write(tmp_path / "r.csv", [f"{1000 + i},{i},{2 * i}" for i in range(5)])
    found = play(file, 5, speed=speed, period_s=0.1)
    assert [r["alpha"].value for _, r in found if isinstance(r, dict)] == [0, 1, 2, 3, 4]
    assert np.allclose([t for t, _ in found], np.arange(5) / speed, atol=0.08)


def test_the_seam_of_a_repeat_is_one_usual_spacing_long(tmp_path: Path) -> None:
    file = write(tmp_path / "r.csv", [f"{1000 + i},{i},{i}" for i in range(3)])
    found = play(file, 7, speed=10.0, period_s=0.1)
    assert [r["alpha"].value for _, r in found if isinstance(r, dict)] == [0, 1, 2, 0, 1, 2, 0]
    assert np.allclose(np.diff([t for t, _ in found]), 0.1, atol=0.08)


def test_a_gap_stays_a_gap(tmp_path: Path) -> None:
    file = write(tmp_path / "r.csv", ["1000,1,1", "1001,2,2", "1002,3,3", "1010,4,4", "1011,5,5"])
    found = play(file, 6, speed=20.0, period_s=0.05)
    kinds = ["fault" if isinstance(r, LinkFault) else r["alpha"].value for _, r in found]
    assert kinds[:3] == [1, 2, 3]
    assert "fault" in kinds[3:]
    faults = [r for _, r in found if isinstance(r, LinkFault)]
    assert all(f.reason is Reason.TIMEOUT and "recording" in f.advice for f in faults)
    at = next(t for t, r in found if isinstance(r, dict) and r["alpha"].value == 4)
    assert at == pytest.approx(0.5, abs=0.1)


def test_empty_cells_text_and_values_out_of_span_are_bad_and_the_rest_is_good(tmp_path: Path) -> None:
    file = write(tmp_path / "r.csv", ["1000,,5", "1001,broken,5", "1002,nan,5", "1003,101,5", "1004,7,5"])
    found = [r for _, r in play(file, 5, speed=100.0, period_s=0.05) if isinstance(r, dict)]
    assert [r["beta"].quality for r in found] == [Quality.GOOD] * 5
    assert [r["alpha"].quality for r in found] == [Quality.BAD] * 4 + [Quality.GOOD]
    assert all(math.isnan(r["alpha"].value) for r in found[:4])
    assert found[3]["alpha"].reason is Reason.OUT_OF_RANGE


def test_a_column_that_is_missing_is_not_connected(tmp_path: Path, wait_until: Wait) -> None:
    file = write(tmp_path / "r.csv", ["1000,1", "1001,2"], header="timestamp,alpha")
    with running(Binding("P", PROFILE, (ReplayConfig(file, 20.0, period_s=0.05),))) as (_, frames, _events):
        wait_until(lambda: any(f.quality[0] == Quality.GOOD for f in frames))
        good = next(f for f in frames if f.quality[0] == Quality.GOOD)
        assert good.reason[1] == Reason.NOT_CONNECTED


def test_the_end_without_repeat_is_offline_and_says_so(tmp_path: Path, wait_until: Wait) -> None:
    file = write(tmp_path / "r.csv", ["1000,1,1", "1001,2,2"])
    config = ReplayConfig(file, 20.0, loop=False, period_s=0.05)
    with running(Binding("P", PROFILE, (config,))) as (scanner, frames, events):
        wait_until(lambda: any(e.state is LinkState.OFFLINE for e in events))
        assert "ended" in events[-1].text
        assert scanner.views()[0].last_advice
        count = len(frames)
        wait_until(lambda: len(frames) > count + 12, what="frames after the end")
        assert all(f.worst is Quality.BAD for f in frames[count:])
        assert scanner.views()[0].state is LinkState.OFFLINE


@pytest.mark.parametrize("content", [None, "", "timestamp,alpha,beta\n", "a,b\n1,2\n", "timestamp,x\n1,2\n"])
def test_a_file_that_cannot_be_played_is_told_and_the_other_pumps_go_on(
    tmp_path: Path, content: str | None, wait_until: Wait
) -> None:
    broken = tmp_path / "broken.csv"
    if content is not None:
        broken.write_text(content)
    fine = write(tmp_path / "fine.csv", [f"{1000 + i},{i},{i}" for i in range(9)])
    config = ReplayConfig(str(broken), 20.0, period_s=0.05)
    with running(
        Binding("broken", PROFILE, (config,)), Binding("fine", PROFILE, (ReplayConfig(fine, 20.0, period_s=0.05),))
    ) as (scanner, frames, events):
        wait_until(lambda: sum(f.pump_id == "fine" and f.worst is Quality.GOOD for f in frames) > 8)
        wait_until(lambda: any(f.pump_id == "broken" for f in frames))
        assert all(f.reason[0] == Reason.CONFIGURATION_ERROR for f in frames if f.pump_id == "broken")
        view = scanner.views()[0]
        assert "broken.csv" in view.last_error
        assert view.last_advice
        assert view.state is LinkState.OFFLINE
        assert [e.state for e in events if e.pump_id == "broken"] == [LinkState.OFFLINE]
    result = trial.test_link(config, PROFILE)
    assert not result.ok
    assert result.advice


def test_a_relative_file_starts_beside_the_site_file(tmp_path: Path) -> None:
    write(tmp_path / "r.csv", ["1000,1,1", "1001,2,2"])
    assert trial.test_link(ReplayConfig("r.csv"), PROFILE, base_dir=tmp_path).ok
