"""The power goes at any write: nothing is corrupt afterwards, and nothing that was counted is lost."""

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from itertools import product
from pathlib import Path

import apsw
import numpy as np
import pytest

from pumpwatch_gui.store.archive import archiver, moving
from pumpwatch_gui.store.archive.chunks import Encoded
from pumpwatch_gui.store.hot import upkeep
from pumpwatch_gui.store.hot.writer import Store
from pumpwatch_gui.store.importing import ImportTarget
from pumpwatch_gui.store.query.history import History
from pumpwatch_gui.store.salvage import merge
from pumpwatch_gui.store.salvage.due import side_of
from pumpwatch_gui.store.salvage.extract import extract
from pumpwatch_gui.store.salvage.merge import Salvage
from tests.store.conftest import START_NS, frame_of
from tests.store.rigs.plant import PROFILE, PUMPS, ROWS, TAGS, detection, fill, run_once, values_at
from tests.store.rigs.power import Cut, Disk, PowerVFS, connector

TRIALS = int(os.environ.get("PUMPWATCH_POWER_CUTS", "1300"))
OLD = Path(__file__).parents[2] / "data"
SALVAGED = 2_000
SCENARIOS = 7
HOW = ("drop", "tear", "reorder")
HANDED_ROWS = 100


def nothing(folder: Path) -> None:
    """A new home."""


def version_1(folder: Path) -> None:
    shutil.copy(OLD / "pumpwatch-v1.db", folder / "pumpwatch.db")


def version_2(folder: Path) -> None:
    shutil.copy(OLD / "pumpwatch-v2.db", folder / "pumpwatch.db")


def salvage(folder: Path) -> None:
    """A damaged file whose child has just found everything, and the database that is to take it."""
    damaged = folder / "pumpwatch.damaged-1.db"
    fill(damaged, SALVAGED)
    (folder / "pumpwatch.damaged-1.db.reserve").unlink()
    extract(damaged, side_of(damaged))
    side = apsw.Connection(os.fspath(side_of(damaged)))
    side.execute("PRAGMA journal_mode = DELETE").fetchall()  # the disk of the trial has no shared memory
    side.close()
    fill(folder / "pumpwatch.db", 0)


def archive(folder: Path) -> None:
    """Readings of days ago: they are archived, made days and deleted as rows while new ones come."""
    fill(folder / "pumpwatch.db", SALVAGED)
    (folder / "pumpwatch.db.reserve").unlink()


def handed(folder: Path) -> None:
    """An import hands days of long ago over while readings come: they are made days, too."""
    archive(folder)


def day_of_an_import(store: Store, number: int) -> Encoded:
    """A hundred readings of the first pump, of a day of their own long ago."""
    time_ns = (START_NS // 10**9 - 400 * 86_400 + number * 86_400 + np.arange(HANDED_ROWS) * 60) * 10**9
    values = np.array([[at * 0.5 + i for i in range(len(TAGS))] for at in range(HANDED_ROWS)])
    return ImportTarget.of(store._database.connection, PUMPS[0]).chunk(TAGS, time_ns, values)


class Ended:
    """The child has found everything before the trial begins."""

    def poll(self) -> int:
        return 0


def cuts_of(
    folder: Path,
    prepare: Callable[[Path], None],
    seconds: int,
    wanted: int,
    draw: random.Random,
    synchronous: str = "FULL",
) -> list[Cut]:
    """Run a store for some turns on a disk, and keep its state at that many writes."""
    folder.mkdir(parents=True)
    prepare(folder)
    shutil.copytree(folder, prepared(folder))
    disk = Disk()
    name = f"power-{folder.name}-{seconds}-{synchronous}"
    vfs = PowerVFS(name, disk)
    cuts: list[Cut] = []
    said = seen = 0
    futures: list[Future[None]] = []

    def on_write() -> None:
        nonlocal seen
        seen += 1
        if draw.random() < wanted / max(seen, wanted):  # an even sample of a stream of unknown length
            cut = disk.cut(said, sum(future.done() for future in futures))
            if len(cuts) < wanted:
                cuts.append(cut)
            else:
                cuts[draw.randrange(wanted)] = cut

    disk.on_write = on_write
    store = Store(folder / "pumpwatch.db", station=1, pumps=ROWS, connect=connector(name, synchronous))
    for number in range(2 * seconds):
        second = 10**6 + number // 2
        store.offer_frame(frame_of(values_at(number), at_s=second, pump_id=PUMPS[number % 2]), "NORMAL")
        store.offer_detection(detection(PUMPS[number % 2], second, 1.5, number))
        if prepare is handed and number % 4 == 3:
            futures.append(store.handed.offer(day_of_an_import(store, number // 4)))
        if number % 8 == 7:
            assert store._flush(lambda: None), store.view().error
            said = store.view().committed
    store.close()
    vfs.unregister()
    return cuts


def prepared(folder: Path) -> Path:
    """Where what was there before the run is kept."""
    return folder.with_name(f"{folder.name} before")


def _has_old_readings(folder: Path) -> bool:
    """Whether a further start has every reading of before the run, each once: salvaged, or wherever it is archived."""
    store = Store(folder / "pumpwatch.db", station=1, pumps=ROWS)
    for _ in range(50):
        if not list(folder.glob("*.salvage")):
            break
        store._flush(lambda: None)
    store.close()
    history, numbers = History(folder / "pumpwatch.db"), list[int]()
    for i, pump_id in enumerate(PUMPS):
        read = history.recording(pump_id, PROFILE, start_ns=START_NS, end_ns=START_NS + 10**6 * 10**9)
        numbers += (np.rint(2 * (read.time_s - START_NS / 1e9)).astype(int) + i).tolist()
    return sorted(numbers) == list(range(SALVAGED))


def found_after(cuts: list[Cut], folder: Path, prepare: Callable[[Path], None], draw: random.Random) -> Counter[str]:
    """What a start finds after each cut, in each way in which the disk may leave it."""
    found: Counter[str] = Counter()
    for number, (cut, how) in enumerate(product(cuts, HOW)):
        left = folder / f"{number}"
        cut.leave(left, draw, how)
        # The run may have come to the end of its salvage and removed the rows that the child had found.
        for path in prepared(folder / prepare.__name__).glob("*.damaged-1.db*"):
            shutil.copy(path, left)
        store = Store(left / "pumpwatch.db", station=1, pumps=ROWS)
        run_once(store)
        connection = apsw.Connection(os.fspath(left / "pumpwatch.db"))
        try:
            is_whole = connection.execute("PRAGMA integrity_check").get == "ok"
            days = int(str(connection.execute("SELECT count(*) FROM archive_chunks WHERE level = 1").get))
            stored = int(str(connection.execute("SELECT count(*) FROM sensor_readings WHERE id >> 12 >= ?", ((
                1_700_000_000_000 + 10**9 - 1_577_836_800_000),)).get))  # fmt: skip
            sql = "SELECT count(DISTINCT day) FROM archive_chunks WHERE series = '@time' AND row_count = ?"
            imported = int(str(connection.execute(sql, (HANDED_ROWS,)).get))
        except apsw.CorruptError:
            is_whole, stored, days, imported = False, 0, 0, 0
        connection.close()
        found[how] += 1
        found["old rows missing"] += prepare in (salvage, archive, handed) and not _has_old_readings(left)
        found["corrupt"] += not is_whole
        found["with a day archived"] += days > 0
        # A file that was torn before anything was counted may be put aside: there was nothing in it.
        found["put aside"] += cut.said > 0 and any(left.glob("*.damaged-2*.db"))
        found["lost"] += max(0, cut.said - stored) + max(0, cut.handed - imported)
        found["days handed over"] += cut.handed
        found["not storing"] += bool(store.view().error)
        shutil.rmtree(left)
    return found


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    ("prepare", "seconds"),
    [(nothing, 4), (version_1, 4), (version_2, 40), (nothing, 300), (salvage, 40), (archive, 200), (handed, 60)],
)
def test_a_power_cut_corrupts_nothing_and_loses_nothing_that_was_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Path], None], seconds: int
) -> None:
    monkeypatch.setattr(Salvage, "_start", lambda self: setattr(self, "_child", Ended()))
    monkeypatch.setattr(merge, "PIECE", 100)
    monkeypatch.setattr(archiver, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(upkeep, "SHARE_S", 0.03)
    monkeypatch.setattr(moving, "DELETED_AT_ONCE", 100)
    draw = random.Random(1)
    cuts = cuts_of(tmp_path / prepare.__name__, prepare, seconds, TRIALS // (SCENARIOS * len(HOW)), draw)
    found = found_after(cuts, tmp_path, prepare, draw)
    print(f"\n{prepare.__name__}, {seconds} s: {len(cuts)} instants, {len(cuts) * len(HOW)} cuts, {dict(found)}")
    assert prepare is not archive or len(cuts) < found["with a day archived"] < 3 * len(cuts)
    assert not sum(found[what] for what in ("corrupt", "put aside", "lost", "not storing", "old rows missing"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_rig_sees_what_a_store_that_does_not_wait_for_the_disk_loses(tmp_path: Path) -> None:
    draw = random.Random(1)
    cuts = cuts_of(tmp_path / nothing.__name__, nothing, 100, 20, draw, "OFF")
    found = found_after(cuts, tmp_path, nothing, draw)
    print(f"\nsynchronous = OFF: {len(cuts) * len(HOW)} cuts, {dict(found)}")
    assert found["lost"] > 0
