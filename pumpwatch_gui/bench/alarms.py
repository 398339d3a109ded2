"""The alarm desk: raising thousands, a flood on a real window, a healthy week, and the first alarm of each fault."""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.acquire.simulator import Plant
from pumpwatch_gui.acquire.simulator.faults import FAULTS, Fault, FaultSpec
from pumpwatch_gui.bench.figure import Figure, NotMeasuredError
from pumpwatch_gui.bench.rigs.flood import CALM_S, FLOOD_S, flood_site
from pumpwatch_gui.bench.rigs.window import turn, turn_until, window_on
from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, AlarmState, Priority, Stimulus
from pumpwatch_gui.domain.alarms.rules import Comparison, CustomRule, Measure, RuleTerm
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.pump.counters import PumpCounters
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import run_rule, states_of
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.station import RunState, StationView
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.sampling import Sampler
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.judge.sources.limit_replay import Past, PastEpisode, replay
from pumpwatch_gui.judge.sources.limits import LimitJudge
from pumpwatch_gui.judge.sources.rules import StationRules
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.store.query.history import History

LOOK_S = 0.05
FRAME_REFERENCE = "≤ 33 ms"
WEEK_PUMPS, WEEK_DAYS = 10, 7
STEPS_S = 10
"""Inner steps of the simulator a second."""
ONSET_S, FAULT_S = 600, 3000
RULE_S = 400
"""Until the rates over five minutes are known, and a while."""


def run(_data: Path | None) -> Iterator[Figure]:
    """About eight minutes, most of them a simulated week."""
    for count, reference in ((1000, "≤ 50 ms"), (3000, "≤ 150 ms")):
        yield Figure(
            f"raise {count:,} alarms, one after the other", _raise_ms(count), "ms", f"{reference} of the thread"
        )
    yield from _judging()
    yield from _rules()
    yield from _flood()
    yield from _many()
    yield from _week()
    yield from _faults()


# ---------------------------------------------------------------- the desk and the judge alone


def _raise_ms(count: int) -> float:
    desk = AlarmDesk(time_ns=0, mono_ns=1)
    signals = [
        AlarmSignal(f"tag{i}.high", f"tag{i}", Priority(1 + i % 4), "high", 9.0, 8.0, "bar", Stimulus.RAISED)
        for i in range(count)
    ]
    start_s = time.thread_time()
    for i, signal in enumerate(signals):
        desk.apply(f"P-{101 + i % 50}", signal, i)
    return 1e3 * (time.thread_time() - start_s)


def _judging() -> Iterator[Figure]:
    """What limits and derived quantities cost of a second of 50 pumps with ten sensors."""
    profile = load_profile("centrifugal")
    quantities = [DerivedQuantities(profile) for _ in range(50)]
    judges = [LimitJudge(profile) for _ in range(50)]
    readings = Plant(50, seed=2).run(120 * STEPS_S).values[::STEPS_S]
    zero = np.zeros(len(profile.sensors), dtype=np.uint8)
    start_s = time.thread_time()
    for second, values in enumerate(readings):
        now_ns = (second + 1) * 10**9
        for pump, own in enumerate(values):
            frame = Frame(f"P-{101 + pump}", second, now_ns, now_ns, own, zero, zero)
            judges[pump].judge(quantities[pump].whole(frame), RunState.RUNNING)
    cores = (time.thread_time() - start_s) / len(readings)
    yield Figure("50 pumps at 1 Hz: limits and derived quantities", 100 * cores, "% core", "≤ 5 %")


def _rules() -> Iterator[Figure]:
    """What two rules a sensor, one on its value and one on its rate, cost of a second of 50 pumps."""
    profile = load_profile("centrifugal")
    link = ModbusTcpConfig("127.0.0.1")
    pumps = tuple(PumpSettings(f"P-{101 + i}", "", profile, "centrifugal", "none", (link,)) for i in range(50))
    terms = [
        (RuleTerm(s.tag, Comparison.AT_LEAST, s.span[1]), RuleTerm(s.tag, Comparison.ABOVE, 1e6, measure=Measure.RATE))
        for s in profile.sensors
    ]
    rules = tuple(CustomRule(f"r{i}", "rule", (term,)) for i, term in enumerate(t for both in terms for t in both))
    judge, quantities = StationRules(), DerivedQuantities(profile)
    counters = PumpCounters(profile.nameplate.preferred_region)
    judge.use_site(Site(pumps=pumps, rules=rules), {}, {})
    readings = Plant(50, seed=2).run(RULE_S * STEPS_S).values[::STEPS_S]
    zero = np.zeros(len(profile.sensors), dtype=np.uint8)
    spent_s = 0.0
    for second, values in enumerate(readings):
        now_ns = (second + 1) * 10**9
        frames = [
            quantities.whole(Frame(pump.pump_id, second, now_ns, now_ns, own, zero, zero), counters)
            for pump, own in zip(pumps, values, strict=True)
        ]
        start_s = time.thread_time()
        for frame in frames:
            judge.judge(frame, RunState.RUNNING)
        spent_s += time.thread_time() - start_s
    yield Figure("… 20 rules a pump, half of them of rates", 100 * spent_s / len(readings), "% core", "≤ 2 %")


# ---------------------------------------------------------------- a flood, and thousands on the screen


def _flood() -> Iterator[Figure]:
    """1,000 alarms in ten seconds on the Alarms page of a real window, from the link to the disk."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home, site_file = _home(folder, pumps=50, sensors=20)
        engine = Engine(load_site(site_file).site, home)
        with window_on(engine, home, site_file) as window:
            window.open_page("alarms")
            seen = _Seen(engine, window)
            deadline = time.monotonic() + CALM_S + FLOOD_S + 20
            while len(seen.ages_ms) < 1000 and time.monotonic() < deadline:
                turn(LOOK_S)
            turn(2.0)  # the last commit
            seen.close()
        rows = list(_raised(home))
    if len(seen.ages_ms) < 1000:
        raise NotMeasuredError(f"{len(seen.ages_ms)} of 1,000 alarms were painted")
    yield Figure("flood of 1,000 in 10 s: frame p95", float(np.percentile(seen.frames_ms, 95)), "ms", FRAME_REFERENCE)
    yield Figure("… condition true to painted, p99", float(np.percentile(seen.ages_ms, 99)), "ms", "≤ 150 ms")
    yield Figure("… in the journal", len(set(rows)), "", f"1,000, each once ({len(rows)} lines)")


class _Seen:
    """Has a window sampled as in the program, and takes note of it.

    `frames_ms`: what each sample and its painting took; `ages_ms`: how old each alarm was when it was painted.
    """

    def __init__(self, engine: Engine, window: MainWindow) -> None:
        self.frames_ms: list[float] = []
        self.ages_ms: list[float] = []
        self._known = set[str]()
        self._sampled: list[int] = []
        self._began_s = 0.0
        self._sampler = Sampler(engine, window)
        self._sampler.due.connect(self._begin)
        self._sampler.due.connect(window.refresh)
        window.sampled.connect(self._see)
        window.painted.connect(self._sampler.painted)
        window.painted.connect(self._painted)
        self._subscription = engine.subscribe(lambda _: self._sampler.wake())
        self._sampler.start()

    def close(self) -> None:
        """Sample no longer."""
        self._subscription.close()
        self._sampler.stop()

    def _begin(self) -> None:
        self._began_s = time.perf_counter()

    def _see(self, view: StationView) -> None:
        new = [alarm for alarm in view.alarms if alarm.tag and alarm.alarm_id not in self._known]
        self._known |= {alarm.alarm_id for alarm in new}
        self._sampled += [alarm.raised_ns for alarm in new]

    def _painted(self) -> None:
        if self._began_s:
            self.frames_ms.append(1e3 * (time.perf_counter() - self._began_s))
            self._began_s = 0.0
        self.ages_ms += [(time.time_ns() - raised_ns) / 1e6 for raised_ns in self._sampled]
        self._sampled.clear()


def _many() -> Iterator[Figure]:
    """3,000 active alarms on the Alarms page: sorted, filtered, scrolled, and sampled."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home, site_file = _home(folder, pumps=50, sensors=60)
        engine = Engine(load_site(site_file).site, home)
        with window_on(engine, home, site_file) as window:
            window.open_page("alarms")
            page = next(p for p in window.findChildren(AlarmsPage))
            turn_until(lambda: len(engine.latest().alarms) >= 3000, within_s=60)
            turn(2.0)
            window.refresh()
            table, bar = page.alarm_view, page.alarm_view.verticalScrollBar()
            header = table.horizontalHeader()
            rising = header.sortIndicatorOrder()
            acts: dict[str, list[Callable[[], object]]] = {
                "sampled": [window.refresh] * 20,
                "sorted": [partial(header.setSortIndicator, column, rising) for column in (*range(10), -1)],
                "filtered": [
                    partial(page.filter.text.setText, t) for t in ("p", "p-1", "p-12", "sensor 1", "", "59", "")
                ],
                "scrolled": [partial(bar.setValue, at) for at in range(0, bar.maximum(), bar.maximum() // 40)],
            }
            for what, steps in acts.items():
                took = [_painted_ms(step) for step in steps]
                yield Figure(f"3,000 active alarms {what}: frame p95", float(np.percentile(took, 95)), "ms",
                             FRAME_REFERENCE)  # fmt: skip


def _painted_ms(act: Callable[[], object]) -> float:
    """How long the window's thread is held by an act and by painting what it changed."""
    from PySide6.QtCore import QCoreApplication

    start_s = time.perf_counter()
    act()
    QCoreApplication.processEvents()
    return 1e3 * (time.perf_counter() - start_s)


def _home(folder: str, *, pumps: int, sensors: int) -> tuple[Home, Path]:
    home = Home(Path(folder))
    home.prepare()
    return home, flood_site(home.path, pumps=pumps, sensors=sensors)


def _raised(home: Home) -> Iterator[str]:
    """The id of each alarm of a sensor that the journal has as raised."""
    for row in History(home.database).journal(JournalQuery(kinds=("alarm",)), limit=100_000):
        if row.detail.get("tag") and row.detail.get("state") == AlarmState.UNACKNOWLEDGED.value:
            yield str(row.detail["alarm_id"])


# ---------------------------------------------------------------- simulated pumps


def _week() -> Iterator[Figure]:
    """Healthy pumps that start and stop and whose valves are moved, under the limits that are shipped."""
    profile = load_profile("centrifugal")
    plant = Plant(WEEK_PUMPS, seed=4, cycles=True)
    found: list[str] = []
    for day in range(WEEK_DAYS):
        values = np.concatenate([plant.run(3600 * STEPS_S).values[::STEPS_S] for _ in range(24)])
        for pump in range(WEEK_PUMPS):
            found += [tag for tag, _ in limit_alarms(profile, values[:, pump], start_s=day * 86_400)]
    weeks = WEEK_PUMPS * WEEK_DAYS / 7
    yield Figure("healthy simulated pumps: limit alarms a pump-week", len(found) / weeks, "",
                 "≤ 1" + (f"; {', '.join(sorted(set(found)))}" if found else ""))  # fmt: skip


def _faults() -> Iterator[Figure]:
    """Each fault of the simulator, severe, on one pump: when its first limit came, and whether it is one of its own."""
    profile = load_profile("centrifugal")
    wrong = 0
    for name, fault in FAULTS.items():
        plant = Plant(1, seed=5, faults=(FaultSpec.parse(f"P-101={name}@{ONSET_S}:1.0"),), moves=False)
        values = plant.run((ONSET_S + FAULT_S) * STEPS_S).values[::STEPS_S, 0]
        alarms = sorted(limit_alarms(profile, values), key=lambda found: found[1].start_ns)
        if not alarms:
            yield Figure(f"{name}: no limit", 0, "alarms", "for the detector alone")
            continue
        tag, first = alarms[0]
        is_right = is_expected(fault, tag, first.level) and first.start_ns >= ONSET_S * 10**9
        wrong += not is_right
        others = len({(t, e.level) for t, e in alarms}) - 1
        yield Figure(f"{name}: first {tag} {first.level}", first.start_ns / 1e9 - ONSET_S, "s",
                     f"{'of the fault' if is_right else 'NOT of the fault'}; {others} more fold behind it")  # fmt: skip
    yield Figure("faults whose first limit is not of theirs", wrong, "", "0")


def limit_alarms(
    profile: PumpProfile, values: NDArray[np.float64], *, start_s: int = 0
) -> list[tuple[str, PastEpisode]]:
    """What the limits of a profile find in a second's readings (m, n) after another: tag and alarm."""
    derived = DerivedQuantities(profile)
    columns = {
        **dict(zip(profile.tags, values.T, strict=True)),
        **dict(zip(derived.instant_tags, derived.evaluate(values).T, strict=True)),
    }
    time_ns = (start_s + np.arange(len(values), dtype=np.int64)) * 10**9
    states = states_of(values, profile.tags, run_rule(profile))
    found: list[tuple[str, PastEpisode]] = []
    for sensor in profile.quantities:
        if sensor.tag in columns and sensor.limits.given:
            past = Past(time_ns, columns[sensor.tag], states)
            found += [(sensor.tag, episode) for episode in replay(sensor, sensor.limits, past)]
    return found


def is_expected(fault: Fault, tag: str, level: str) -> bool:
    """Whether a limit is on the side to which the fault moves that sensor."""
    sign = "+" if level.startswith("high") else "-"
    return sign in fault.symptoms.get(tag, "") or tag == fault.sensor
