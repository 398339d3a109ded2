"""System: how the program itself is doing, now and over the last hour, its versions and its log."""

import time
from collections import deque
from math import isfinite
from pathlib import Path

import psutil
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QPlainTextEdit,
)
from typing_extensions import override

from pumpwatch_gui import __version__
from pumpwatch_gui.domain.station import EngineStats, Percentiles, StationView
from pumpwatch_gui.domain.wording import clock, duration, full_date, number
from pumpwatch_gui.gui.help.diagnostics import diagnostics
from pumpwatch_gui.gui.look.layout import vbox
from pumpwatch_gui.gui.look.widgets import Panel, button, label, set_role
from pumpwatch_gui.gui.shell.page import Page, PageContext
from pumpwatch_gui.gui.system.figure_past import FigurePast

LOG_LINES = 400
LEVELS = ("all levels", "INFO", "WARNING", "ERROR", "CRITICAL")
SLOW_MS = 1000
WARN_DAYS = 30.0
MEASURING = "measuring"
ONE_ROW_FROM_PX, NARROW_COLUMNS = 1240, 3
"""From this width on (at 100 %) the figures are in one row, below it in so many columns."""
LOG_PX = 44
SAMPLED_MS = 10_000


class SystemPage(Page):
    """Figures with their last hour above, the log below; refreshed once a second. The links are on Devices."""

    key = "system"

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._last_s = 0.0
        self.figures: dict[str, QLabel] = {}
        self.past = {name: FigurePast(self.appearance, name) for name in self._numbers()}
        self._cards = [self._make_figures(heading, names) for heading, names in _FIGURES.items()]
        self._grid, self._columns = QGridLayout(), 0
        self._grid.setSpacing(12)
        vbox(self._grid, (self._make_log(), 1), parent=self, margin=16, spacing=12)
        self.setFocusProxy(self.log_text)
        self.appearance.changed.connect(self._fit)
        self._fit()
        self._log_timer = QTimer(self)
        self._log_timer.setInterval(SLOW_MS)
        self._log_timer.timeout.connect(self.read_log)
        self._log_timer.start()
        self._sampling = QTimer(self)
        self._sampling.setInterval(SAMPLED_MS)
        self._sampling.timeout.connect(self.sample)
        self._sampling.start()
        self.sample()

    # ---------------------------------------------------------------- building

    def _make_figures(self, heading: str, names: tuple[str, ...]) -> Panel:
        panel = Panel(self.appearance, heading)
        grid = QGridLayout()
        grid.setVerticalSpacing(4)
        grid.setHorizontalSpacing(10)
        grid.setColumnStretch(1, 1)
        for row, name in enumerate(names):
            value = label("–", "live")
            value.setAccessibleName(f"{heading}: {name}")
            grid.addWidget(label(name), row, 0)
            if name in self.past:
                grid.addWidget(self.past[name], row, 1)
            grid.addWidget(value, row, 2, Qt.AlignmentFlag.AlignRight)
            self.figures[name] = value
        panel.body.addLayout(grid)
        panel.body.addStretch(1)
        return panel

    def _make_log(self) -> Panel:
        self.log_text = QPlainTextEdit()
        self.log_text.setReadOnly(True)
        self.log_text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.log_text.setAccessibleName("Log")
        self.follow = QCheckBox("Follow")
        self.follow.setChecked(True)
        self.follow.setAccessibleName("Follow the log")
        self.level = QComboBox()
        self.level.addItems(list(LEVELS))
        self.level.setAccessibleName("Lowest level shown")
        self.level.currentIndexChanged.connect(lambda _: self.read_log())
        copy = button("Copy diagnostics", "Copy versions, figures and links", self.copy_diagnostics)
        return Panel(self.appearance, "Log", self.log_text, (self.follow, self.level, copy))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the figures take two rows: none is cut."""
        self._fit()

    def _fit(self) -> None:
        self.log_text.setMinimumHeight(self.appearance.px(LOG_PX))
        columns = len(self._cards) if self.width() >= self.appearance.px(ONE_ROW_FROM_PX) else NARROW_COLUMNS
        if columns != self._columns:
            self._columns = columns
            for i, card in enumerate(self._cards):
                self._grid.addWidget(card, i // columns, i % columns)
            for column in range(len(self._cards)):
                self._grid.setColumnStretch(column, 1 if column < columns else 0)

    # ---------------------------------------------------------------- living

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Read the log at once when the page is turned to."""
        super().showEvent(event)
        self.read_log()

    @override
    def refresh(self, view: StationView) -> None:
        now = time.monotonic()
        if now - self._last_s < SLOW_MS / 1000:
            return
        self._last_s = now
        for name, text in self._texts(view).items():
            self.figures[name].setText(text)
        for name, is_bad in _troubles(view.stats).items():
            set_role(self.figures[name], "warning" if is_bad else "live")

    def sample(self) -> None:
        """Note every number for its last hour, whether the page is seen or not."""
        for name, value in self._numbers().items():
            self.past[name].note(value)

    def _numbers(self) -> dict[str, float]:
        """The figures with a picture of their last hour; of three times the longest."""
        stats = self.context.station.latest().stats
        return {
            "Frames a second": stats.frames_per_s,
            "Sensor to screen": stats.sensor_to_latest.p99,
            "p50 / p95 / p99": stats.inference.p99,
            "Waiting": stats.ring_depth,
            "Store queue": stats.store_depth,
            "Commit time": stats.commit.p99,
            "Database": stats.database_bytes / 1e6,
            "Memory": self._memory_mb(),
        }

    def _memory_mb(self) -> float:
        return float(self._process.memory_info().rss / 1e6)

    def _texts(self, view: StationView) -> dict[str, str]:
        stats, days = view.stats, view.stats.days_to_full_disk
        return {
            "Frames": f"{stats.frames:,}",
            "Frames a second": number(stats.frames_per_s, 1),
            "Missed scans": f"{stats.missed_scans:,}",
            "Sensor to screen": _three(stats.sensor_to_latest),
            "Scored": f"{stats.inference_count:,}",
            "p50 / p95 / p99": _three(stats.inference),
            "Skipped windows": f"{stats.inference_skipped:,}",
            "Model": view.model_words.removeprefix("model "),
            "Waiting": f"{stats.ring_depth:,} of {stats.ring_capacity:,}",
            "High water": f"{stats.ring_high_water:,}",
            "Dropped": f"{stats.ring_dropped:,}",
            "Store queue": f"{stats.store_depth:,}",
            "Commit time": _three(stats.commit),
            "Last commit": clock(stats.last_commit_ns) if stats.last_commit_ns else "–",
            "Readings stored": f"{stats.readings_committed:,}",
            "Readings lost": f"{stats.readings_lost:,}",
            "Others lost": f"{stats.detections_lost:,} / {stats.events_lost:,}",
            "Database": f"{stats.database_bytes / 1e6:,.1f} MB",
            "A reading takes": _measured(stats.bytes_per_reading, "{:,.0f} B"),
            "A day takes": _measured(stats.bytes_per_day / 1e6, "{:,.1f} MB"),
            "Disk full on": full_date(days, view.time_ns) if days >= 0 else MEASURING,
            "Salvage": stats.salvage or "none",
            "Memory": f"{self._memory_mb():,.0f} MB",
            "Processor": f"{self._process.cpu_percent():.0f} % of a core",
            "Running for": duration(time.time() - self._process.create_time()),
            "PumpWatch": __version__,
        }

    def read_log(self) -> None:
        """Read the end of the log, off the GUI thread."""
        if self.isVisible() and self.follow.isChecked():
            path, level = self.context.home.logs / "pumpwatch.log", self.level.currentIndex()
            self.context.ask(lambda: tail(path, level), self._show_log)

    def _show_log(self, text: str) -> None:
        if text != self.log_text.toPlainText():
            self.log_text.setPlainText(text)
            bar = self.log_text.verticalScrollBar()
            bar.setValue(bar.maximum())

    def copy_diagnostics(self) -> None:
        """Put versions, figures and links on the clipboard, without secrets."""
        QApplication.clipboard().setText(
            diagnostics(self.context, {name: value.text() for name, value in self.figures.items()})
        )


def tail(path: Path, level: int) -> str:
    """The last lines of a log file at or above a level (an index into `LEVELS`)."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            wanted = (line for line in file if level == 0 or any(f" {name} " in line for name in LEVELS[level:]))
            return "".join(deque(wanted, LOG_LINES)).rstrip()
    except FileNotFoundError:
        return "nothing was logged yet"


_FIGURES: dict[str, tuple[str, ...]] = {
    "Links": ("Frames", "Frames a second", "Missed scans", "Sensor to screen"),
    "Inference": ("Scored", "p50 / p95 / p99", "Skipped windows", "Model"),
    "Queue": ("Waiting", "High water", "Dropped", "Store queue"),
    "Store": (
        "Commit time",
        "Last commit",
        "Readings stored",
        "Readings lost",
        "Others lost",
        "Salvage",
        "Database",
    ),
    "Program and disk": (
        "Memory",
        "Processor",
        "Running for",
        "PumpWatch",
        "A reading takes",
        "A day takes",
        "Disk full on",
    ),
}


def _troubles(stats: EngineStats) -> dict[str, bool]:
    """The figures that can be a trouble, and whether they are."""
    return {
        "Readings lost": stats.readings_lost > 0,
        "Others lost": stats.detections_lost + stats.events_lost > 0,
        "Dropped": stats.ring_dropped > 0,
        "Disk full on": stats.days_to_full_disk < WARN_DAYS,
    }


def _measured(value: float, text: str) -> str:
    """A figure of the growth, once it is known."""
    return text.format(value) if isfinite(value) else MEASURING


def _three(times: Percentiles) -> str:
    return " / ".join(number(x, 0 if x >= 10 else 1) for x in (times.p50, times.p95, times.p99)) + " ms"
