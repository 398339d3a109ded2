"""A real window on a real engine and a simulated plant, for the benchmarks that look at the screen."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pumpwatch_gui.acquire.simulator import Plant
from pumpwatch_gui.bench.figure import NotMeasuredError
from pumpwatch_gui.bench.rigs.plant_ports import plant_with_ports
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import BAD_CODE
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.settings.site_reader import load_site

SIZE = (1600, 900)
PAST_S = 600
LOOK_EVERY_S = 0.05


@contextmanager
def live_window(*, pumps: int, period_s: float, sampling: bool = True) -> Iterator[tuple[Engine, MainWindow]]:
    """A shown window of 1600 × 900 on a station that is online and has ten minutes of trends behind it.

    Not `sampling`: its timer stays off, and whoever asked for it calls `refresh`.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Home(Path(folder))
        home.prepare()
        with plant_with_ports(home.path, pumps=pumps, period_s=period_s) as site_file:
            engine = Engine(load_site(site_file).site, home)
            _give_a_past(engine, period_s)
            with window_on(engine, home, site_file) as window:
                if sampling:
                    window.start()
                turn_until(lambda: all(p.frame is not None for p in engine.latest().pumps), within_s=20)
                yield engine, window


@contextmanager
def window_on(engine: Engine, home: Home, site_file: Path) -> Iterator[MainWindow]:
    """A shown window of 1600 × 900 on an engine that runs while it is open; its timer is off."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from pumpwatch_gui.gui.look.theme import Appearance
    from pumpwatch_gui.gui.shell.app import application, dispose, settle
    from pumpwatch_gui.gui.shell.threads import EngineHost

    application()
    host = EngineHost(engine)
    window = MainWindow(engine, home, site_file, ask=host.ask, appearance=Appearance("dark"))
    window.resize(*SIZE)
    host.start()
    window.show()
    settle()
    try:
        yield window
    finally:
        window.close()
        host.stop()
        dispose(window)


def turn(seconds: float) -> None:
    """Let the window live for so long, in an event loop that sleeps while there is nothing to do, as the program's."""
    from PySide6.QtCore import QEventLoop, Qt, QTimer

    # Not processEvents with a time limit: it ignores WaitForMoreEvents, and calling it again and again keeps the GIL
    # from the threads that are measured.
    loop, timer = QEventLoop(), QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(loop.quit)
    timer.start(round(seconds * 1e3))
    loop.exec()


def turn_until(condition: Callable[[], bool], *, within_s: float) -> None:
    """Let the window live until the condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the station did not come up")
        turn(LOOK_EVERY_S)


def scored_pumps(station: Station) -> int:
    """How many pumps have a score of their newest window."""
    return sum(isinstance(pump.score_result, Detection) for pump in station.latest().pumps)


def turn_until_scored(station: Station, within_s: float = 180.0) -> None:
    """Let the window live until every pump is scored: it settles for 60 s, and 30 rows at 1 Hz fill its window.

    Raises NotMeasuredError when one is not after three minutes.
    """
    pumps = len(station.latest().pumps)
    try:
        turn_until(lambda: scored_pumps(station) == pumps, within_s=within_s)
    except TimeoutError:
        raise NotMeasuredError(f"{scored_pumps(station)} of {pumps} pumps were scored") from None


def _give_a_past(engine: Engine, period_s: float) -> None:
    """Ten minutes of trends at the rate of the station (the simulator's inner steps are 0.1 s)."""
    pumps = engine.site().pumps
    readings = Plant(len(pumps), seed=1).run(PAST_S * 10)
    now_ns, mono_ns = time.time_ns(), time.monotonic_ns()
    for number, pump in enumerate(pumps):
        sensors, size = len(pump.profile.sensors), len(pump.profile.quantities)
        zero, quality = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
        quality[sensors:] = BAD_CODE  # of what is derived nothing was kept
        trace = engine.counters(pump.pump_id).trace
        for step in range(0, PAST_S * 10, round(period_s * 10)):
            ago_ns = (PAST_S * 10 - step) * 10**8
            values = np.full(size, np.nan)
            values[:sensors] = readings.values[step, number]
            trace.append(Frame(pump.pump_id, step, now_ns - ago_ns, mono_ns - ago_ns, values, quality, zero), 0.4)
