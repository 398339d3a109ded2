"""A store on a real file, run by a thread of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

from pumpwatch_gui.domain.events import StoreTrouble
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS, PumpProfile, Sensor
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.query.history import History

START_NS = 1_700_000_000_000_000_000


def profile_of(*tags: str) -> PumpProfile:
    """A profile of sensors that may read anything."""
    return PumpProfile("test", tuple(Sensor(t, t, "", (-1e6, 1e6)) for t in tags))


def frame_of(
    values: list[float | None],
    *,
    at_s: float = 0.0,
    pump_id: str = "P-101",
    uncertain: tuple[int, ...] = (),
    start_ns: int = START_NS,
) -> Frame:
    """A frame; None is BAD, indices in `uncertain` are UNCERTAIN."""
    array = np.array([np.nan if v is None else v for v in values], dtype=float)
    quality = np.where(np.isnan(array), Quality.BAD, Quality.GOOD).astype(np.uint8)
    quality[list(uncertain)] = Quality.UNCERTAIN
    reason = np.where(quality == Quality.GOOD, Reason.NONE, Reason.SENSOR_FAILURE).astype(np.uint8)
    at_ns = round(at_s * 1e9)
    return Frame(pump_id, 0, start_ns + at_ns, at_ns, array, quality, reason)


@dataclass
class Running:
    """A store under way. `rows` asks the file itself, past the product's read side."""

    store: Store
    troubles: list[StoreTrouble]
    path: Path
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread: threading.Thread | None = None

    def start(self, alive: Callable[[], None] = lambda: None) -> None:
        self._thread = threading.Thread(target=self.store.run, args=(self.stop, alive), name="pumpwatch-store")
        self._thread.start()

    def end(self) -> None:
        self.stop.set()
        if self._thread is None:
            self.store.run(self.stop)
        else:
            self._thread.join(10)
            assert not self._thread.is_alive()

    @property
    def history(self) -> History:
        return History(self.path)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return rows_of(self.path, sql, *values)


def rows_of(path: Path, sql: str, *values: Any) -> list[Any]:
    connection = apsw.Connection(str(path))
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


@contextmanager
def counted_steps(connection: apsw.Connection) -> Iterator[list[None]]:
    """What SQLite does meanwhile: an item for every hundred of its instructions."""
    steps: list[None] = []

    def count() -> bool:
        steps.append(None)
        return False

    connection.set_progress_handler(count, 100)
    yield steps


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Opens stores on `pumpwatch.db` (not yet started) and ends them all."""
    opened: list[Running] = []

    def make(*tags: str, pumps: tuple[str, ...] = ("P-101",), **options: Any) -> Running:
        profile = profile_of(*(tags or STANDARD_TAGS))
        troubles: list[StoreTrouble] = []
        path = options.pop("path", tmp_path / "pumpwatch.db")
        rows = [PumpRow(p, f"Pump {p}", profile) for p in pumps]
        running = Running(Store(path, station=7, pumps=rows, on_trouble=troubles.append, **options), troubles, path)
        opened.append(running)
        return running

    yield make
    for running in opened:
        running.end()


@pytest.fixture(name="frame_of")
def _frame_of() -> Callable[..., Frame]:
    return frame_of


@pytest.fixture(name="rows_of")
def _rows_of() -> Callable[..., list[Any]]:
    return rows_of


@pytest.fixture(name="profile_of")
def _profile_of() -> Callable[..., PumpProfile]:
    return profile_of
