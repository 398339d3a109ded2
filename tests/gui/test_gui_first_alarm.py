"""A pump of a foreign kind from the wizard to its first true alarm, and to a new beginning after it.

The whole program on a real Modbus device of 18 kW, read every half minute, with its clocks faster: it learns, is judged
provisionally, is armed, its discharge is throttled, the alarm is acknowledged, becomes a new level, and by the button
the pump learns again. `PUMPWATCH_PICTURES=FOLDER` keeps a picture of each step, `PUMPWATCH_THEME=light` takes them in
another theme, `PUMPWATCH_SIZE=1920x1080` in another size.
"""

import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDoubleSpinBox, QLineEdit, QSpinBox, QWidget

from pumpwatch_gui.acquire.simulator.foreign import KEPT_BACK, SEVERE, Spell, run
from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState
from pumpwatch_gui.domain.detection import Detection, LearningPhase
from pumpwatch_gui.domain.likelihood import Likelihood
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.station import PumpView
from pumpwatch_gui.gui.add_pump.dialog import AddPumpDialog
from pumpwatch_gui.gui.add_pump.first_run import FirstRunPage
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.models.page import ModelsPage
from pumpwatch_gui.gui.pump.page import PumpPage
from tests.gui.fast_clock import FastClock, every, fast_clock
from tests.gui.parts import dialog_of, editor_of, page_of
from tests.gui.real_station import Running, running, served

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")

KIND = next(kind for kind in KEPT_BACK if kind.name == "18 kW well pump")
SPEED, HOURS = 120.0, 60.0
ALARM = "B-7/anomaly"
SENSORS = (
    ("flow_rate_l_min", "Flow rate", "L/min", 1500, 0.1),
    ("discharge_pressure_bar", "Discharge pressure", "bar", 25, 0.001),
    ("motor_current_a", "Motor current", "A", 80, 0.01),
    ("vibration_mm_s", "Vibration", "mm/s", 30, 0.001),
    ("level_m", "Well level", "m", 10, 0.001),
)


class Device:
    """The pump behind the server: sound until `is_throttled`."""

    def __init__(self, clock: FastClock) -> None:
        throttled = (Spell("throttled discharge", 0.0, 1e9, SEVERE, ramp_s=1.0),)
        self._rows = [run(KIND, hours=HOURS, seed=5, spells=spells).values for spells in ((), throttled)]
        self._clock = clock
        self.is_throttled = False

    @property
    def registers(self) -> list[int]:
        """What its registers hold now."""
        row = self._rows[self.is_throttled][int(self._clock.passed_s / KIND.period_s)]
        return list(struct.unpack(f">{2 * row.size}H", row.astype(">f4").tobytes()))


@dataclass
class Walk:
    """The hands and eyes of an operator."""

    parts: Running
    device: Device
    pictures: Path
    taken: int = 0

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 120) -> None:
        end_s = time.perf_counter() + seconds
        while not condition():
            assert time.perf_counter() < end_s, f"{what}; {self.journal()}"
            QTest.qWait(20)

    def picture(self, name: str, shown: QWidget | None = None) -> None:
        self.taken += 1
        self.parts.window.refresh()
        QTest.qWait(150)
        (shown or self.parts.window).grab().save(str(self.pictures / f"{self.taken:02d}-{name}.png"))

    def tour(self, name: str, *pages: str) -> None:
        """A picture of each page."""
        for page in pages:
            self.parts.window.open_page(page, "B-7")
            QTest.qWait(1200)  # the Models page looks once a second
            self.picture(f"{name}-{page}")

    def press(self, target: QWidget, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        target.window().activateWindow()
        self.wait(
            target.isActiveWindow, "the keyboard"
        )  # without a window manager a closed dialog gives it to no other
        target.setFocus()
        QTest.keyClick(target, key, held)

    @property
    def pump(self) -> PumpView:
        return self.parts.engine.latest().pumps[0]

    @property
    def phase(self) -> LearningPhase | None:
        pumps = self.parts.engine.latest().pumps
        return pumps[0].learning.phase if pumps and pumps[0].learning else None

    @property
    def alarm(self) -> Alarm | None:
        return next((a for a in self.pump.alarms if a.alarm_id == ALARM), None)

    @property
    def state(self) -> AlarmState:
        return self.alarm.state if self.alarm else AlarmState.NORMAL

    def journal(self) -> str:
        rows = self.parts.engine.history.journal(JournalQuery(), limit=500)
        return "\n".join(f"{row.by}: {row.text}" for row in rows)


def files_of_the_kind(folder: Path) -> None:
    """The profile and the register map that an engineer has written from the manual."""
    sensors = "".join(
        f'[[sensor]]\ntag = "{tag}"\nlabel = "{label}"\nunit = "{unit}"\nspan = [0.0, {top:.1f}]\nresolution = {step}\n'
        for tag, label, unit, top, step in SENSORS
    )
    points = "".join(
        f'[[point]]\ntag = "{tag}"\ntable = "holding"\naddress = {2 * i}\ntype = "float32"\n'
        for i, (tag, *_) in enumerate(SENSORS)
    )
    (folder / "profiles").mkdir(parents=True)
    (folder / "registers").mkdir()
    (folder / "profiles" / "well.toml").write_text(f'name = "well"\nlabel = "Well pump"\n{sensors}', "utf-8")
    head = 'name = "well"\nbase = 0\nprofile = "profiles/well.toml"\n'
    (folder / "registers" / "well.toml").write_text(f"{head}{points}", "utf-8")


def added(walk: Walk, port: int) -> None:
    """By the wizard, which offers that the pump learns itself."""
    window = walk.parts.window
    walk.press(page_of(window, FirstRunPage).connect_pump, Qt.Key.Key_Space)
    dialog = dialog_of(window, AddPumpDialog)
    form = dialog.link.box.form
    editor_of(form, "host", QLineEdit).setText("127.0.0.1")
    editor_of(form, "port", QSpinBox).setValue(port)
    editor_of(form, "period_s", QDoubleSpinBox).setValue(KIND.period_s)
    steps = iter(range(1, 6))

    def forward() -> None:
        at = next(steps)
        walk.press(dialog.next_button, Qt.Key.Key_Space)
        walk.wait(lambda: dialog.at == at, f"step {at}", seconds=20)

    forward()
    walk.wait(lambda: "registers/well.toml" in dialog.device.maps.names, "the map is listed")
    dialog.device.maps.list.setCurrentRow(dialog.device.maps.names.index("registers/well.toml"))
    walk.wait(lambda: dialog.device.profile.currentText() == "profiles/well.toml", "the profile of the map")
    forward()
    walk.wait(lambda: dialog.map.said.text() == "live: 5 of 5 sensors good", "live values")
    walk.picture("wizard-map", dialog)
    forward()
    walk.wait(lambda: "nothing looks wrong" in dialog.plausibility.panel.summary.text(), "plausibility")
    forward()
    forward()
    assert dialog.end.model.currentText() == "learn"
    dialog.end.pump_id.setText("B-7")
    dialog.end.pump_name.setText("Well 7")
    walk.picture("wizard-save", dialog)
    walk.press(dialog.end.pump_id, Qt.Key.Key_Return)
    walk.wait(lambda: window.current == "overview", "the pump is added")


def learnt(walk: Walk) -> None:
    """Learning, provisional, armed, with no alarm on the way."""
    window = walk.parts.window

    def counted_min(at_least: float) -> bool:
        learning = walk.pump.learning
        return learning is not None and learning.counted_s >= 60 * at_least

    walk.wait(lambda: walk.phase is LearningPhase.LEARNING and counted_min(20), "learning")
    walk.tour("learning", "overview", "pump", "models")
    assert page_of(window, ModelsPage).active.text().startswith("learning, 0 h ")
    assert "1 of 1 pumps learning" in walk.parts.engine.latest().model_words
    walk.wait(lambda: walk.phase is LearningPhase.PROVISIONAL, "provisional")
    walk.wait(lambda: isinstance(walk.pump.score_result, Detection), "judged")
    walk.wait(lambda: "Learnt from 1 h" in walk.journal(), "the journal has it")
    assert ", provisionally; threshold factor 1.6" in walk.journal()
    walk.tour("provisional", "overview", "pump", "models")
    walk.wait(lambda: walk.phase is LearningPhase.ARMED, "armed")
    walk.wait(lambda: "Learnt from 3 h" in walk.journal(), "the journal has it")
    walk.tour("armed", "overview", "pump", "models")
    assert "Anomaly" not in walk.journal()


def alarm_comes(walk: Walk) -> None:
    """The discharge is throttled: likelihood in words, leading sensors with direction and size; it is acknowledged."""
    window = walk.parts.window
    walk.device.is_throttled = True
    walk.wait(lambda: walk.state is AlarmState.UNACKNOWLEDGED, "the alarm")
    walk.wait(lambda: walk.pump.likelihood is Likelihood.VERY_LIKELY, "very likely")
    assert walk.alarm is not None
    assert walk.alarm.text.startswith("Anomaly: flow rate down ")
    walk.tour("alarm", "overview", "pump", "alarms")
    page = page_of(window, AlarmsPage)
    page.alarm_view.choose(ALARM)
    walk.picture("alarm-chosen")
    walk.press(page.alarm_view, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    walk.wait(lambda: walk.state is AlarmState.ACKNOWLEDGED, "acknowledged")
    walk.tour("acknowledged", "pump", "models")


def learns_again(walk: Walk) -> None:
    """After a quarter of an hour it is a new level; by the button the pump learns again, up to being judged."""
    window = walk.parts.window
    walk.wait(lambda: walk.pump.is_at_new_level, "a new level")
    walk.wait(lambda: "New level for 15 min" in walk.journal(), "the journal has it")
    walk.tour("new-level", "overview", "pump", "alarms", "models")
    window.open_page("pump", "B-7")
    page = page_of(window, PumpPage)
    walk.wait(page.rebaseline.isVisible, "the button")
    walk.press(page.rebaseline, Qt.Key.Key_Space)
    walk.wait(lambda: walk.phase is LearningPhase.LEARNING, "it learns again")
    walk.wait(lambda: walk.state is AlarmState.NORMAL, "the answer ends the alarm and acknowledges it")
    walk.wait(lambda: "learns again" in walk.journal(), "the journal has it")
    walk.tour("again", "overview", "pump", "models", "events")
    walk.wait(lambda: walk.phase is LearningPhase.PROVISIONAL, "provisional again")
    walk.wait(lambda: isinstance(walk.pump.score_result, Detection), "judged again")
    walk.wait(lambda: walk.journal().count("Learnt from 1 h") == 2, "the journal has it")
    walk.tour("judged again", "pump", "events")


@contextmanager
def walking(folder: Path) -> Iterator[tuple[Walk, int]]:
    """The program without a pump, and the device that waits behind a port."""
    pictures = Path(os.environ.get("PUMPWATCH_PICTURES", folder / "pictures"))
    pictures.mkdir(parents=True, exist_ok=True)
    width, height = map(int, os.environ.get("PUMPWATCH_SIZE", "1280x720").split("x"))
    files_of_the_kind(folder)
    with ExitStack() as stack:
        clock = stack.enter_context(fast_clock(SPEED))
        device = Device(clock)
        server, port = stack.enter_context(served())
        stack.enter_context(every(0.02, lambda: server.data_bank.set_holding_registers(0, device.registers)))
        parts = stack.enter_context(running(folder))
        parts.window.resize(width, height)
        parts.window.appearance.set_theme(os.environ.get("PUMPWATCH_THEME", "dark"))
        yield Walk(parts, device, pictures), port


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("qapp")
def test_a_pump_nobody_trained_for_is_walked_to_its_first_true_alarm(tmp_path: Path) -> None:
    with walking(tmp_path) as (walk, port):
        added(walk, port)
        learnt(walk)
        alarm_comes(walk)
        learns_again(walk)
        (walk.pictures / "journal.txt").write_text(walk.journal(), "utf-8")
