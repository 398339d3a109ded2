"""A fault that lasts: its alarm is on until a person answers, and the level from before is never lost in silence."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import AlarmState, Stimulus
from pumpwatch_gui.domain.commands import ConfirmLevel, Rebaseline
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.engine.models.model_lifecycle import ModelLifecycle
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.infer.training.train import train_on
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.judge.sources.anomaly import AnomalyJudge
from tests.infer.infer_builders import FEW, frame_of, steady

HEALTHY, FAULTY = (100.0, 100.0, 100.0), (100.0, 130.0, 100.0)
MINUTE = 60


class Station:
    """Models, judge and alarm desk of one pump on a commissioned chart; `at` is its clock in seconds."""

    def __init__(self, folder: Path, chart: Path, *, at: int = 0, desk: AlarmDesk | None = None) -> None:
        self.registry, self.journal = ModelRegistry(folder), list[str]()
        self.models = ModelLifecycle(
            self.registry,
            warn=lambda _, text: self.journal.append(text),
            audit=lambda _, __, text: self.journal.append(text),
        )
        self.pump = PumpSettings("P-1", "Pump", FEW, "few", str(chart), ())
        self.models.assign(self.pump, None)
        self.desk = desk if desk is not None else AlarmDesk()
        self.judge = AnomalyJudge(FEW, active=bool(self.desk.active_sources("P-1")))
        self.at, self._noise = at, np.random.default_rng(7)
        self.in_alarm = list[bool]()

    def run(self, level: tuple[float, ...], seconds: int, state: RunState = RunState.RUNNING) -> float:
        """So many seconds of a level at 1 Hz; the part of them in alarm."""
        start = len(self.in_alarm)
        for _ in range(seconds):
            self.at += 1
            values: NDArray[np.float64] = np.array(level) + self._noise.normal(0, 1, 3)
            self.models.feed([(frame_of(values, second=1.7e9 + self.at), state)])
            for result in self.models.score_results():
                signal = self.judge.judge(result) if isinstance(result, Detection) else None
                if signal is not None:
                    self.desk.apply("P-1", signal, result.time_ns)
            self.in_alarm.append(self.judge.active)
        return float(np.mean(self.in_alarm[start:]))

    @property
    def text(self) -> str:
        return self.desk.alarms[0].text if self.desk.alarms else ""


@pytest.fixture(scope="module")
def chart_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_on(FEW, [steady(2700)], tmp_path_factory.mktemp("models") / "few", kind="chart").path


@pytest.fixture
def station(tmp_path: Path, chart_bundle: Path) -> Iterator[Station]:
    made = Station(tmp_path / "models", chart_bundle)
    made.run(HEALTHY, 5 * MINUTE)
    yield made
    made.models.close()


def test_a_fault_of_ninety_minutes_is_in_alarm_throughout_and_clears_after_the_repair(station: Station) -> None:
    assert station.run(FAULTY, 10 * MINUTE) > 0.95
    assert re.fullmatch(r"Anomaly: heat up (2[6-9]|3[0-4]) %", station.text)
    assert station.desk.acknowledge("P-1/anomaly", by="Erika", time_ns=1) is not None
    assert station.run(FAULTY, 80 * MINUTE) == 1.0
    assert station.judge.is_at_new_level
    assert re.fullmatch(r"New level for 15 min, heat up (2[6-9]|3[0-4]) %: confirm or re-baseline", station.text)
    assert station.desk.alarms[0].state is AlarmState.UNACKNOWLEDGED  # it asks again
    assert station.run(HEALTHY, 5 * MINUTE) < 0.4
    assert not station.judge.active
    assert station.run(HEALTHY, 20 * MINUTE) < 0.05


def test_a_stop_and_a_start_do_not_make_the_fault_normal(station: Station) -> None:
    station.run(FAULTY, 5 * MINUTE)
    station.run((0.0, 30.0, 0.0), 30 * MINUTE, RunState.STANDBY)
    assert station.run(FAULTY, 30 * MINUTE) == 1.0
    assert station.run(HEALTHY, 10 * MINUTE) < 0.2
    assert not station.judge.active


def test_a_restart_of_the_program_does_not_make_the_fault_normal(
    station: Station, tmp_path: Path, chart_bundle: Path
) -> None:
    station.run(FAULTY, 20 * MINUTE)
    station.models.close()
    again = Station(tmp_path / "models", chart_bundle, at=station.at + 600, desk=station.desk)
    assert again.run(FAULTY, 30 * MINUTE) == 1.0
    assert again.run(HEALTHY, 5 * MINUTE) < 0.4
    assert again.run(HEALTHY, 5 * MINUTE) == 0.0
    again.models.close()
    assert again.registry.levels("P-1") == {}


def test_a_level_that_somebody_confirms_is_normal_and_the_old_one_is_not(station: Station) -> None:
    station.run(FAULTY, 20 * MINUTE)
    text = station.models.execute(ConfirmLevel("P-1"), station.pump, None)
    assert text.startswith("New level confirmed: heat "), text
    assert "→ 1" in text
    assert station.run(FAULTY, 2 * MINUTE) < 0.5
    assert station.run(FAULTY, 20 * MINUTE) == 0.0
    assert station.run(HEALTHY, 5 * MINUTE) > 0.9


def test_rebaseline_answers_as_well(station: Station) -> None:
    station.run(FAULTY, 20 * MINUTE)
    station.models.execute(Rebaseline("P-1"), station.pump, None)
    station.run(FAULTY, 5 * MINUTE)
    assert station.run(FAULTY, 10 * MINUTE) == 0.0


def test_where_nothing_deviates_there_is_nothing_to_confirm(station: Station) -> None:
    with pytest.raises(InputError, match="at no new level"):
        station.models.execute(ConfirmLevel("P-1"), station.pump, None)


def test_an_alarm_that_hovers_below_the_limit_at_a_new_level_does_not_end_at_once() -> None:
    judge, found = AnomalyJudge(FEW), list[Stimulus]()
    for second in range(40 * MINUTE):
        score = 1.5 if second < 16 * MINUTE else 0.8
        signal = judge.judge(detection_of(score, second))
        found += [signal.stimulus] if signal is not None else []
        if second == 20 * MINUTE:
            assert judge.active
    assert found == [Stimulus.RAISED, Stimulus.NEW_LEVEL, Stimulus.RETURNED]


def detection_of(score: float, second: int) -> Detection:
    none = np.zeros(3)
    return Detection(
        "P-1", second, second * 10**9, second * 10**9, "chart", score, score, 1.0, score > 1, none,
        ("NORMAL",) * 3, none.astype(np.int64), "v",
    )  # fmt: skip
