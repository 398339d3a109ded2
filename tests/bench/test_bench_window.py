"""What a window says of its painting comes after the painting; the benchmarks of the screen stand on it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from typing_extensions import override

from pumpwatch_gui.bench import latency
from pumpwatch_gui.bench.figure import NotMeasuredError
from pumpwatch_gui.bench.latency import PaintWatch
from pumpwatch_gui.bench.rigs.window import live_window, turn, turn_until, turn_until_scored
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.shell.app import dispose
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.threads import EngineHost


class Order(QObject):
    """What happened in which order: `paint` of any widget, and what a test adds."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint and isinstance(watched, QWidget):
            self.seen.append("paint")
        return False


@pytest.fixture
def order(qapp: QApplication) -> Iterator[Order]:
    order = Order()
    qapp.installEventFilter(order)
    yield order
    qapp.removeEventFilter(order)


@contextmanager
def an_empty_window(folder: Path) -> Iterator[MainWindow]:
    home = Home(folder)
    home.prepare()
    engine = Engine(Site(folder=folder), home)
    host = EngineHost(engine)
    window = MainWindow(engine, home, home.site_file, ask=host.ask, appearance=Appearance("dark"))
    host.start()
    try:
        yield window
    finally:
        window.close()
        host.stop()
        dispose(window)


def test_the_first_page_counts_as_painted_only_after_it_was_painted(order: Order, tmp_path: Path) -> None:
    with an_empty_window(tmp_path) as window:
        window.first_painted.connect(lambda: order.seen.append("first painted"))
        window.show()
        window.start()
        turn_until(lambda: "first painted" in order.seen, within_s=20)
    before = order.seen[: order.seen.index("first painted")]
    assert before.count("paint") > 10
    assert order.seen.count("first painted") == 1


def test_what_a_sample_has_changed_counts_as_painted_only_after_it_was_painted(order: Order) -> None:
    with live_window(pumps=1, period_s=0.1) as (engine, window):
        watch = PaintWatch(window, [pump.pump_id for pump in engine.site().pumps])
        order.seen.clear()
        window.sampled.connect(lambda _: order.seen.append("sampled"))
        window.painted.connect(lambda: order.seen.append("painted"))
        turn_until(lambda: len(watch.ages_ms) >= 10, within_s=60)
        watch.close()
    assert all(age_ms > 0 for age_ms in watch.ages_ms)
    assert order.seen.count("painted") > 0
    for i in range(1, len(order.seen)):
        if order.seen[i] == "painted":
            assert order.seen[i - 1] == "paint"


def test_a_page_of_pumps_that_are_not_scored_yet_gives_no_figure() -> None:
    with live_window(pumps=1, period_s=0.1) as (engine, window):
        with pytest.raises(NotMeasuredError, match="0 of 1 pumps were scored"):
            turn_until_scored(engine, within_s=0.5)
        with pytest.raises(NotMeasuredError, match="overview page: 0 of 1 pumps were scored"):
            list(latency._page(engine, window, "overview", "", seconds=0.5))


def test_a_window_with_nothing_to_do_leaves_the_processor_to_the_threads_that_are_measured(qapp: QApplication) -> None:
    before_s = time.thread_time()
    turn(1.0)
    assert time.thread_time() - before_s < 0.5  # of the processor, not by the clock: it was 1.0 when it asked in a loop
