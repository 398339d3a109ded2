"""Replay: a recording played as if it were live, with its spacing, its gaps and its flaws."""

import asyncio
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from pumpwatch_gui.acquire.discovery import trial
from pumpwatch_gui.acquire.driver import LinkSpec
from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.acquire.replay import ReplayChannel, ReplayConfig
from pumpwatch_gui.domain.links.decode import PointValue
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.scanning import Scanning, reasons_of

PROFILE = PumpProfile("ab", tuple(Sensor(t, t, "", (0, 100)) for t in ("alpha", "beta")))
START = 1_000_000_000
Wait = Callable[..., None]
Scan = tuple[float, dict[str, PointValue] | LinkFault]


def write(path: Path, rows: list[str], header: str = "timestamp,alpha,beta") -> str:
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def every_second(count: int) -> list[str]:
    return [f"{START + i},{i},{2 * i}" for i in range(count)]


def binding(file: str, pump_id: str = "P", **more: float | bool) -> Binding:
    settings = {"speed": 20.0, "period_s": 0.05, **more}
    return Binding(pump_id, PROFILE, (ReplayConfig(file, **settings),))  # type: ignore[arg-type]


def play(file: str, scans: int, **settings: float | bool | str) -> list[Scan]:
    """The first scans of a recording, each with its time (s): on a clock that moves only while the channel sleeps."""
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    async def run() -> list[Scan]:
        spec = LinkSpec("P/1", "P", PROFILE, ReplayConfig(file, **settings), None)  # type: ignore[arg-type]
        channel = ReplayChannel(spec, clock=lambda: now, sleep=sleep)
        await channel.connect()
        found: list[Scan] = []
        for _ in range(scans):
            try:
                result: dict[str, PointValue] | LinkFault = dict(await channel.scan(spec))
            except LinkFault as fault:
                result = fault
            found.append((now, result))
        await channel.close()
        return found

    return asyncio.run(run())


def values(found: list[Scan]) -> list[float]:
    return [result["alpha"].value for _, result in found if isinstance(result, dict)]


@pytest.mark.parametrize("speed", [0.5, 10.0, 20.0])
def test_rows_come_at_their_own_spacing_divided_by_the_speed(tmp_path: Path, speed: float) -> None:
    rows = [f"{1e9 + t},{t},{t}" for t in (0, 2, 4, 8, 10)]
    found = play(write(tmp_path / "r.csv", rows), 5, speed=speed, period_s=0.1)
    assert values(found) == [0, 2, 4, 8, 10]
    assert [t for t, _ in found] == pytest.approx([t / speed for t in (0, 2, 4, 8, 10)])


def test_the_seam_of_a_repeat_is_one_usual_spacing_long(tmp_path: Path) -> None:
    found = play(write(tmp_path / "r.csv", every_second(3)), 7, speed=10.0, period_s=0.1)
    assert values(found) == [0, 1, 2, 0, 1, 2, 0]
    assert [t for t, _ in found] == pytest.approx([0.1 * i for i in range(7)])


def test_it_ends_after_one_spacing_when_it_is_not_repeated(tmp_path: Path) -> None:
    found = play(write(tmp_path / "r.csv", every_second(3)), 5, speed=10.0, period_s=0.05, loop=False)
    assert values(found) == [0, 1, 2]
    faults = [r for _, r in found[3:] if isinstance(r, LinkFault)]
    assert [(f.kind, f.reason) for f in faults] == [(FaultKind.ENDED, Reason.NO_COMMUNICATION)] * 2
    assert all("has ended" in f.message and f.advice for f in faults)
    assert [t for t, _ in found] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_a_gap_stays_a_gap_with_a_fault_for_each_three_spacings_of_it(tmp_path: Path) -> None:
    rows = [f"{START + 0},1,1", f"{START + 1},2,2", f"{START + 2},3,3", f"{START + 10},4,4", f"{START + 11},5,5"]
    found = play(write(tmp_path / "r.csv", rows), 7, speed=20.0, period_s=0.05)
    assert values(found) == [1, 2, 3, 4, 5]
    assert [t for t, _ in found] == pytest.approx([0.0, 0.05, 0.1, 0.25, 0.4, 0.5, 0.55])
    faults = [r for _, r in found if isinstance(r, LinkFault)]
    assert [r for _, r in found[3:5]] == faults
    assert all(f.reason is Reason.TIMEOUT and "recording" in f.advice for f in faults)


def test_empty_cells_text_and_values_out_of_span_are_bad_and_the_rest_is_good(tmp_path: Path) -> None:
    rows = [
        f"{START + 0},,5",
        f"{START + 1},broken,5",
        f"{START + 2},nan,5",
        f"{START + 3},101,5",
        f"{START + 4},-1,100",
        f"{START + 5},7,",
    ]
    found = [r for _, r in play(write(tmp_path / "r.csv", rows), 6) if isinstance(r, dict)]
    assert [r["alpha"].reason for r in found] == [*[Reason.SENSOR_FAILURE] * 3, *[Reason.OUT_OF_RANGE] * 2, Reason.NONE]
    assert [r["alpha"].quality for r in found] == [Quality.BAD] * 5 + [Quality.GOOD]
    assert all(math.isnan(r["alpha"].value) for r in found[:5])
    assert [r["beta"].quality for r in found] == [Quality.GOOD] * 5 + [Quality.BAD]


def test_what_was_dropped_of_a_recording_is_told_on_the_link(tmp_path: Path) -> None:
    file = write(tmp_path / "r.csv", [*every_second(3), "noon,1,2"])
    spec = LinkSpec("P/1", "P", PROFILE, ReplayConfig(file), None)
    asyncio.run(connected(spec))
    assert "1 rows dropped: their time is unreadable (line 5: 'noon')" in spec.meter.last_error
    assert spec.meter.last_advice


async def connected(spec: LinkSpec) -> None:
    channel = ReplayChannel(spec)
    await channel.connect()
    await channel.close()


def test_a_recording_is_read_as_its_link_says(tmp_path: Path) -> None:
    rows = [f"04/05/2025 10:00:0{i};1,50{i};2" for i in range(3)]
    file = write(tmp_path / "r.csv", rows, header="timestamp;alpha;beta")
    assert values(play(file, 3, decimal="comma", date_order="dmy", timezone="Europe/Berlin")) == [1.5, 1.501, 1.502]


def test_its_rows_become_frames_in_their_order_from_the_first_again(tmp_path: Path, wait_until: Wait) -> None:
    with Scanning([binding(write(tmp_path / "r.csv", every_second(3)))]) as s:
        wait_until(lambda: len(s.of("P")) >= 7)
    good = [f for f in s.of("P") if f.worst is Quality.GOOD]
    assert [f.values[0] for f in good[:7]] == [0, 1, 2, 0, 1, 2, 0]


def test_a_gap_has_bad_frames_in_it_and_only_there(tmp_path: Path, wait_until: Wait) -> None:
    file = write(tmp_path / "r.csv", [f"{START + t},{t},{t}" for t in (0, 1, 2, 3, 30, 31)])
    with Scanning([binding(file, loop=False, period_s=0.1)]) as s:
        wait_until(lambda: any("has ended" in v.last_error for v in s.scanner.views()))
    states = [f.worst for f in s.of("P")]
    assert states[:4] == [Quality.GOOD] * 4
    assert states[4] is Quality.BAD
    assert [f.values[0] for f in s.of("P") if f.worst is Quality.GOOD] == [0, 1, 2, 3, 30, 31]


def test_a_column_that_is_missing_is_not_connected(tmp_path: Path, wait_until: Wait) -> None:
    file = write(tmp_path / "r.csv", [f"{START + 0},1", f"{START + 1},2"], header="timestamp,alpha")
    with Scanning([binding(file)]) as s:
        wait_until(lambda: s.of("P"))
    assert reasons_of(s.of("P")[0]) == [Reason.NONE, Reason.NOT_CONNECTED]


def test_the_end_without_repeat_is_offline_and_says_so(tmp_path: Path, wait_until: Wait) -> None:
    with Scanning([binding(write(tmp_path / "r.csv", every_second(2)), loop=False)]) as s:
        wait_until(lambda: any(e.state is LinkState.OFFLINE for e in s.events))
        assert "ended" in s.events[-1].text
        assert s.view("P/1").last_advice
        count = len(s.of("P"))
        wait_until(lambda: len(s.of("P")) > count + 12, what="frames after the end")
        assert all(f.worst is Quality.BAD for f in s.of("P")[count:])
        assert s.view("P/1").state is LinkState.OFFLINE


@pytest.mark.parametrize("content", [None, "", "timestamp,alpha,beta\n", "a,b\n1,2\n", "timestamp,x\n1,2\n"])
def test_a_file_that_cannot_be_played_is_reported_and_the_other_pumps_go_on(
    tmp_path: Path, content: str | None, wait_until: Wait
) -> None:
    path = tmp_path / "broken.csv"
    if content is not None:
        path.write_text(content)
    broken = binding(str(path), "broken")
    with Scanning([broken, binding(write(tmp_path / "fine.csv", every_second(9)), "fine")]) as s:
        wait_until(lambda: sum(f.worst is Quality.GOOD for f in s.of("fine")) > 8)
        wait_until(lambda: s.of("broken"))
        view = s.view("broken/1")
        assert "broken.csv" in view.last_error
        assert view.last_advice
        assert view.state is LinkState.OFFLINE
        assert [e.state for e in s.events if e.pump_id == "broken"] == [LinkState.OFFLINE]
    assert {r for f in s.of("broken") for r in reasons_of(f)} == {Reason.CONFIGURATION_ERROR}
    result = trial.test_link(broken.links[0], PROFILE)
    assert not result.ok
    assert result.advice


def test_a_file_that_appears_later_is_found(tmp_path: Path, wait_until: Wait) -> None:
    with Scanning([binding(str(tmp_path / "a.csv"))]) as s:
        wait_until(s.is_in("P/1", LinkState.OFFLINE))
        write(tmp_path / "a.csv", every_second(2))
        wait_until(lambda: s.is_good("P"), within_s=20)


def test_a_relative_file_starts_in_the_folder_of_the_site_file(tmp_path: Path) -> None:
    write(tmp_path / "r.csv", every_second(2))
    assert trial.test_link(ReplayConfig("r.csv"), PROFILE, base_dir=tmp_path).ok
