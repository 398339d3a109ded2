"""Pictures of every page and dialog from a fake station, always the same, and how two of them are compared.

`python -m tests.gui.snapshots` writes those that the tests compare with, `--readme` the README's picture.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QDate, QDateTime, QEvent, QSize, QTime
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from pumpwatch_gui.commissioning.models.stored import ModelChoice, ModelRow
from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.alarms.rules import Comparison, CustomRule, Measure, RuleTerm
from pumpwatch_gui.domain.events import AlarmChanged, Event, LinkChanged, Note, OrderDone
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.sync import QuarantinedRow, SyncStream
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.look.layout import FRAME_PX
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.models.material import MaterialChooser
from pumpwatch_gui.gui.shell.app import application
from pumpwatch_gui.gui.shell.entries import FIRST_RUN, PAGES
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.fake_history import FakeHistorian
from tests.gui.fake_judgement import put_judged_day
from tests.gui.fake_scenes import SCENES, SECOND, Scene
from tests.gui.fake_station import FakeStation, at_once

ROOT = Path(__file__).resolve().parents[2]
STORED = ROOT / "tests" / "data" / "snapshots"
README_PICTURE = ROOT / "resources" / "pictures" / "overview-dark.png"
RENEW = "python -m tests.gui.snapshots"

SIZE, README_SIZE = (1280, 720), (1600, 900)
DIALOGS = (
    "settings",
    "limits",
    "rules",
    "counters",
    "hand-over",
    "reports",
    "incident",
    "import",
    "sync",
    "sync-setup",
    "quarantine",
    "add-pump",
    "help",
    "shortcuts",
    "palette",
)
"""Those with a picture. About is nothing but versions and paths of the machine."""

NOW_NS = 1_768_472_640 * SECOND
"""2026-01-15 10:24:00 UTC."""
HISTORY_S = 600
LOG = """\
2026-01-15 10:12:31,204 INFO pumpwatch.engine: station North pumping station: 12 pumps, 12 links
2026-01-15 10:22:36,118 WARNING pumpwatch.links: P-110/1: no response from 10.0.4.20 within 0.5 s
"""
LEVELS = 16
"""A channel that is off by no more counts as equal. The stored pictures have 256 colours, which moves a pixel by up to
6 levels; text differs from its ground by 60 and more."""
MAX_SHARE = 0.0001
"""The share of pixels that may differ: 92 of a page. One machine paints the same picture again to the pixel, so this is
only for the rounding of other processors at the edges of curves. One changed word of five letters is 100 to 200 pixels.
"""

MODELS = ModelChoice(
    (
        ModelRow(
            "", "site file, active", "# Model centrifugal\nTrained on 88.2 h of normal running of four pumps.",
            Path("centrifugal"), NOW_NS - 40 * 86_400 * SECOND, True, True, "centrifugal", "combined", 88.2, 1.25,
        ),
        ModelRow(
            "20260110-081500", "shadow", "# Model 20260110-081500\nTrained on 24 h of P-103.",
            Path("stored"), NOW_NS - 5 * 86_400 * SECOND, False, True, "centrifugal", "combined", 24.0, 1.1,
        ),
    ),
    shadow="20260110-081500",
)  # fmt: skip
"""Instead of the shipped model, which is trained again now and then."""

RULES = (
    CustomRule(
        "hot", "Bearing hot and shaking",
        (
            RuleTerm("bearing_temperature_c", Comparison.ABOVE, 0.5, measure=Measure.RATE),
            RuleTerm("vibration_mm_s", Comparison.ABOVE, 1.0, measure=Measure.DEVIATION, from_pump="P-102"),
        ),
        pump="P-103", priority=Priority.HIGH,
    ),
    CustomRule("dry", "Strainer clogs", (RuleTerm("npsh_margin_m", Comparison.BELOW, 3.0),), profile="centrifugal"),
    CustomRule("seal", "Seal leaks", (RuleTerm("seal_pressure_bar", Comparison.BELOW, 2.0),), priority=Priority.LOW,
               pump="P-101"),
    CustomRule("load", "Runs at full load", (RuleTerm("motor_current_a", Comparison.AT_LEAST, 28.0),),
               is_enabled=False),
)  # fmt: skip
"""One that watches several things, one of a profile, one on a tag that is not there, one that is off."""

REFUSED = tuple(
    QuarantinedRow(
        SyncStream.READINGS, f"7/P-10{number}/2026-07-15T10:24:00.000+00:00", NOW_NS - number * 60 * SECOND,
        "its time is none that the server keeps: the clock may have been wrong "
        "(22008: no month is made for 2026-07-01)",
        f'{{"station_id": 7, "pump_id": "P-10{number}", "motor_rpm": 1480.0, "machine_status": "NORMAL"}}',
    )
    for number in range(1, 5)
)  # fmt: skip
"""Rows that a server refused."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: of the page or dialog of that key, in a theme."""

    key: str
    theme: str

    @property
    def path(self) -> Path:
        """Where it is stored."""
        return STORED / f"{self.key}-{self.theme}.png"


SHOTS = (
    *(Shot(key, theme) for theme in ("dark", "light") for key in (*(entry.key for entry in PAGES), *DIALOGS)),
    Shot("overview", "high-contrast"),
)


# -------------------------------------------------------------------- one picture


class SteadyProcess:
    """Stands in for `psutil.Process`: figures of this machine must not be in a picture."""

    @dataclass(frozen=True)
    class Memory:
        """What it holds (bytes)."""

        rss: int = 212_000_000

    def memory_info(self) -> "SteadyProcess.Memory":
        """Always the same."""
        return self.Memory()

    def cpu_percent(self) -> float:
        """Always the same."""
        return 7.0

    def create_time(self) -> float:
        """Started 11 min 29 s ago (Unix)."""
        return NOW_NS / SECOND - 689


@contextmanager
def steady() -> Iterator[None]:
    """Clocks that stand still, UTC, one user and one version, a screen of 1280 x 720, and no blinking cursor."""
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, {"TZ": "UTC", "LOGNAME": "operator"}))
        time.tzset()
        stack.enter_context(patch("time.time_ns", lambda: NOW_NS))
        stack.enter_context(patch("time.time", lambda: NOW_NS / SECOND))
        stack.enter_context(patch("time.monotonic", lambda: 1e6))
        stack.enter_context(patch("psutil.Process", SteadyProcess))
        room = QSize(SIZE[0], SIZE[1] - FRAME_PX)
        stack.enter_context(patch("pumpwatch_gui.gui.look.layout.screen_room", lambda _: room))
        stack.enter_context(patch("pumpwatch_gui.gui.system.page.__version__", "1.0"))
        stack.enter_context(patch("pumpwatch_gui.gui.models.page.models_of", lambda *_: MODELS))
        stack.enter_context(patch("pumpwatch_gui.gui.sync.setup_dialog.kept_secrets", lambda _: (False, False)))
        # Whatever is installed: the picture is that of a machine without TensorFlow.
        stack.enter_context(patch("pumpwatch_gui.gui.models.training_panel.kinds_here", lambda: ("chart",)))
        flash_ms = QApplication.cursorFlashTime()
        QApplication.setCursorFlashTime(0)
        try:
            yield
        finally:
            QApplication.setCursorFlashTime(flash_ms)
    time.tzset()


@contextmanager
def opened(
    station: FakeStation, folder: Path, *, theme: str = "dark", size: tuple[int, int] = SIZE
) -> Iterator[MainWindow]:
    """A window on a station, shown in `folder` as its home; call it inside `steady`."""
    home = Home(folder)
    home.prepare()
    (home.logs / "pumpwatch.log").write_text(LOG, "utf-8")
    site_file = Path("/var/lib/pumpwatch/site.toml")
    window = MainWindow(station, home, site_file, ask=at_once, appearance=Appearance(theme))
    window.resize(*size)
    window.show()
    try:
        for event in events_of(station):
            window.on_event(event)
        yield window
    finally:
        window.close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def picture_of(window: MainWindow, key: str, pump_id: str = "") -> QImage:
    """What a page or, by the key of one, a dialog shows."""
    shown: QWidget = window
    if key in {entry.key for entry in PAGES}:
        window.open_page(key, "" if key in ("overview", "events", "maintenance") else pump_id)
    else:
        window.open_dialog(key, pump_id)
        shown = next(d for d in window.findChildren(QDialog) if d.isVisible())
    for chooser in window.findChildren(MaterialChooser):
        for edit, day in ((chooser.start, 14), (chooser.end, 15)):
            edit.setDateTime(QDateTime(QDate(2026, 1, day), QTime(10, 24)))
    for _ in range(2):  # the first pass lays out, the second paints what the new sizes made visible
        QApplication.processEvents()
        window.refresh()
    focus = shown.focusWidget()
    if focus is not None:
        focus.clearFocus()  # which window of the machine is active must not matter
    QApplication.processEvents()
    return shown.grab().toImage()


def events_of(station: FakeStation) -> tuple[Event, ...]:
    """What happened in ten minutes, oldest first."""

    def at(ago_s: int) -> int:
        return NOW_NS - ago_s * SECOND

    view = station.latest()
    links = (link for pump in view.pumps for link in pump.links)
    return (
        Note(at(689), "PumpWatch started"),
        *(LinkChanged(at(688), link.link_id, link.pump_id, LinkState.ONLINE, "") for link in links),
        *(OrderDone(at(300), "", "change-site", True, f"{p.pump_id}: limits changed", "operator", p.pump_id)
          for p in view.pumps[:1]),
        *(AlarmChanged(alarm.raised_ns, alarm) for alarm in reversed(view.alarms)),
    )  # fmt: skip


@cache
def station_of(pumps: int, what: str) -> FakeStation:
    """A station of so many pumps with its journal; made once, as no picture changes anything.

    `what`: `every` state there is, the same with a day of scores (`judged`), or one pump that is `hot`. Raises KeyError
    for another.
    """
    scenes = {"every": SCENES, "judged": SCENES, "hot": {2: Scene("hot")}}[what]
    station = FakeStation(pumps, scenes=scenes, history_s=HISTORY_S if pumps else 1)
    site = station.site()
    pumps_with_model = tuple(replace(pump, model="centrifugal") for pump in site.pumps)
    station.change(replace(site, pumps=pumps_with_model, rules=RULES))
    station.history = FakeHistorian()
    for event in events_of(station):
        station.history.put_event(event)
    station.history.refused = list(REFUSED)
    if what == "judged":
        put_judged_day(station.history, "P-103", site.pumps[2].profile.tags, NOW_NS)
    return station


def take(shot: Shot, folder: Path) -> QImage:
    """The picture of a shot: twelve pumps in every state, no pump at all for the first page."""
    with steady():
        station = station_of(0 if shot.key == FIRST_RUN else 12, "judged" if shot.key == "models" else "every")
        with opened(station, folder, theme=shot.theme) as window:
            return picture_of(window, shot.key, "P-103" if shot.key not in (FIRST_RUN, "help") else "")


def take_readme(folder: Path) -> QImage:
    """Twelve pumps, the third of them failing."""
    with steady(), opened(station_of(12, "hot"), folder, size=README_SIZE) as window:
        return picture_of(window, "overview")


# -------------------------------------------------------------------- comparing and storing


def pixels(image: QImage) -> Pixels:
    """Red, green and blue as (height, width, 3)."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : plain.width() * 3].reshape(plain.height(), plain.width(), 3).copy()


def image_of(array: Pixels) -> QImage:
    """The picture of (height, width, 3)."""
    height, width, _ = array.shape
    return QImage(np.ascontiguousarray(array).tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def differing(stored: Pixels, actual: Pixels) -> NDArray[np.bool_]:
    """Which pixels (height, width) differ by more than `LEVELS`; all of them when the sizes do."""
    if stored.shape != actual.shape:
        return np.ones(actual.shape[:2], bool)
    apart = np.abs(stored.astype(np.int16) - actual.astype(np.int16)).max(axis=2)
    return np.asarray(apart > LEVELS)


def with_256_colours(array: Pixels) -> QImage:
    """The picture in at most 256 of its colours, each channel of a pixel as little off as that allows."""
    packed = array.reshape(-1, 3).astype(np.int32) @ np.array([65536, 256, 1], np.int32)
    found, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    every = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    by_count = np.argsort(-counts, kind="stable")
    off = 0
    while len(kept := _spread(every[by_count], off)) > 256:
        off += 2
    nearest = np.array([np.abs(kept - colour).max(axis=1).argmin() for colour in every])
    height, width, _ = array.shape
    index = nearest[inverse].astype(np.uint8).reshape(height, width)
    line = np.pad(index, ((0, 0), (0, -width % 4)))  # Qt wants lines of whole 4 bytes
    image = QImage(line.tobytes(), width, height, line.shape[1], QImage.Format.Format_Indexed8).copy()
    image.setColorTable([0xFF000000 | int(r) << 16 | int(g) << 8 | int(b) for r, g, b in kept])
    return image


def _spread(colours: NDArray[np.int32], off: int) -> NDArray[np.int32]:
    """Colours (n, 3) so that none of those given is off by more than `off` from one of them; the first ones win."""
    kept = []
    while colours.size:
        kept.append(colours[0])
        colours = colours[np.abs(colours - colours[0]).max(axis=1) > off]
    return np.array(kept)


def save(image: QImage, path: Path) -> None:
    """Write a PNG with 256 colours. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not with_256_colours(pixels(image)).save(str(path), "PNG", 0):  # type: ignore[call-overload]
        raise OSError(f"{path} cannot be written")


def main() -> None:
    """Renew the pictures."""
    parser = argparse.ArgumentParser(prog=RENEW, description=__doc__)
    parser.add_argument("--readme", action="store_true", help="renew the README's picture instead")
    is_readme = parser.parse_args().readme
    application()
    with tempfile.TemporaryDirectory() as folder:
        if is_readme:
            save(take_readme(Path(folder)), README_PICTURE)
            return
        for shot in SHOTS:
            save(take(shot, Path(folder)), shot.path)
    wanted = {shot.path for shot in SHOTS}
    for path in set(STORED.glob("*.png")) - wanted:
        path.unlink()
    print(f"{len(SHOTS)} pictures, {sum(p.stat().st_size for p in wanted):,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
