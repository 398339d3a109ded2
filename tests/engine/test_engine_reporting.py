"""The loop of the scheduled reports, with real child processes on a real home."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from pumpwatch_gui.domain.events import Event, Note
from pumpwatch_gui.domain.reports.period import ReportKind
from pumpwatch_gui.domain.reports.schedule import ReportSchedule
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.engine.reporting import ReportLoop
from pumpwatch_gui.settings.site_reader import load_site
from tests.commissioning.report_home import START, ReportHome, make_home
from tests.conftest import wait_until

NIGHT = START + timedelta(hours=20)
SHIFT = ReportSchedule((ReportKind.SHIFT,), shifts=(time(6), time(14), time(22)))


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory: pytest.TempPathFactory) -> ReportHome:
    return make_home(tmp_path_factory.mktemp("home"), pumps=1, hours=2, step_s=60)


@contextmanager
def running(
    made: ReportHome, site: Callable[[], Site], now: datetime, looked: threading.Event | None = None
) -> Iterator[list[Event]]:
    """The loop on a thread, and what it has published; `looked` is set when it looks for what is due."""

    def clock() -> datetime:
        (looked or threading.Event()).set()
        return now

    events: list[Event] = []
    stop = threading.Event()
    loop = ReportLoop(made.home, made.site_file, site, events.append, now=clock)
    thread = threading.Thread(target=loop.run, args=(stop, lambda: None))
    thread.start()
    try:
        yield events
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def site_of(made: ReportHome, folder: Path, schedule: ReportSchedule) -> Callable[[], Site]:
    site = replace(load_site(made.site_file).site, reports=replace(schedule, folder=str(folder)))
    return lambda: site


def test_a_missed_report_is_made_once_and_said_with_its_files(made: ReportHome, tmp_path: Path) -> None:
    now = START + timedelta(hours=8, minutes=30)
    with running(made, site_of(made, tmp_path / "out", SHIFT), now) as events:
        wait_until(lambda: len(events) == 1, within_s=60)
    (note,) = events
    assert isinstance(note, Note)
    assert note.text.startswith("Shift hand-over of 2026-10-14 06:00 to 14:00")
    made_files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made_files == [f"2026-10-14T0600_shift_north-pumping-station.{end}" for end in ("pdf", "xlsx")]
    assert all(name in note.text for name in made_files)
    assert note.text.count("sha256") == 2
    looked = threading.Event()
    with running(made, site_of(made, tmp_path / "out", SHIFT), now, looked) as again:
        wait_until(looked.is_set)
    assert again == []


def test_a_report_that_cannot_be_made_is_said_once(made: ReportHome, tmp_path: Path) -> None:
    with running(made, site_of(made, tmp_path / "out", SHIFT), NIGHT + timedelta(days=3)) as events:
        wait_until(lambda: len(events) == 1, within_s=60)
    (note,) = events
    assert isinstance(note, Note)
    assert note.severity == "WARNING"
    assert "could not be made: there is no reading" in note.text
    assert not (tmp_path / "out").exists()
