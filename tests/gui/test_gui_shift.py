"""A shift on the whole program: a fault comes, it is heard, silenced, acknowledged with a note, shelved, looked at, its
limit tried and changed, its maintenance resolved, and the shift handed over on paper.

`PUMPWATCH_PICTURES=FOLDER` keeps a picture of each step, `PUMPWATCH_THEME=light` takes them in another theme,
`PUMPWATCH_PUMPS=50` with more pumps than three.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.gui.alarms.acknowledge_dialog import AcknowledgeDialog
from pumpwatch_gui.gui.alarms.hide_dialog import HideDialog
from pumpwatch_gui.gui.alarms.page import JOURNAL, SHELVED, AlarmsPage
from pumpwatch_gui.gui.events.hand_over_dialog import HandOverDialog
from pumpwatch_gui.gui.maintenance.dialogs import ResolveDialog
from pumpwatch_gui.gui.maintenance.page import RESOLVED, TIMELINE, MaintenancePage
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from pumpwatch_gui.settings.simulated import simulated_site
from tests.gui.parts import is_closed, page_of
from tests.gui.real_station import Running, running

TAG, SOURCE = "vibration_mm_s", "vibration_mm_s.high"
SPEED, FAULT_S = 5.0, 90.0
NO_KEY = Qt.KeyboardModifier.NoModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@dataclass
class Shift:
    """The hands and eyes of an operator."""

    parts: Running
    qtbot: QtBot
    pictures: Path
    taken: int = 0

    def wait(self, condition: Callable[[], object], seconds: int = 60) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=1000 * seconds)

    def picture(self, name: str, shown: QWidget | None = None) -> None:
        self.taken += 1
        self.parts.window.refresh()
        QTest.qWait(150)
        (shown or self.parts.window).grab().save(str(self.pictures / f"{self.taken:02d}-{name}.png"))

    def press(self, target: QWidget, key: Qt.Key, held: Qt.KeyboardModifier = NO_KEY) -> None:
        """A key, in the window that has the keyboard: without a window manager a closed dialog gives it to no other."""
        self.parts.window.activateWindow()
        self.qtbot.waitUntil(self.parts.window.isActiveWindow)
        target.setFocus()
        QTest.keyClick(target, key, held)

    def alarm(self, source: str) -> Alarm | None:
        view = self.parts.engine.latest()
        every = (*view.alarms, *view.hidden_alarms)
        return next((a for a in every if a.alarm_id == f"P-103/{source}"), None)

    def state(self, source: str) -> AlarmState:
        alarm = self.alarm(source)
        return AlarmState.NORMAL if alarm is None else alarm.state

    def journal(self) -> str:
        rows = self.parts.engine.history.journal(JournalQuery(), limit=500)
        return "\n".join(f"{row.by}: {row.text}" for row in rows)


def dialog_of(shift: Shift, kind: type[QWidget]) -> QWidget:
    """The dialog of that kind that is open."""
    return next(d for d in shift.parts.window.findChildren(kind) if d.isVisible())


def heard_and_acknowledged(shift: Shift) -> None:
    """It sounds until F9, which acknowledges nothing; it is acknowledged by keys, with a note."""
    window, sound = shift.parts.window, shift.parts.window.context.sound
    shift.wait(lambda: shift.state(SOURCE) is AlarmState.UNACKNOWLEDGED)
    shift.wait(lambda: sound.is_sounding)
    shift.picture("it sounds")
    shift.press(window, Qt.Key.Key_F9)
    assert sound.is_silenced
    assert shift.state(SOURCE) is AlarmState.UNACKNOWLEDGED

    shift.press(window, Qt.Key.Key_F3)
    page = page_of(window, AlarmsPage)
    window.refresh()
    page.alarm_view.choose(f"P-103/{SOURCE}")
    shift.picture("the chosen alarm with its guidance")
    shift.press(page.alarm_view, Qt.Key.Key_Return, CTRL | SHIFT)
    dialog = dialog_of(shift, AcknowledgeDialog)
    assert isinstance(dialog, AcknowledgeDialog)
    QTest.keyClicks(dialog.note, "coupling checked, 0.2 mm off")
    shift.picture("a note", dialog)
    dialog.ok.click()
    shift.wait(lambda: shift.state(SOURCE) is AlarmState.ACKNOWLEDGED)
    shift.wait(lambda: "coupling checked, 0.2 mm off" in shift.journal())


def shelved_and_looked_at(shift: Shift) -> None:
    """Enter leads to the pump and its trend; Ctrl+H puts the alarm on the shelf for a reason, and it is taken back."""
    window = shift.parts.window
    page = page_of(window, AlarmsPage)
    shift.press(page.alarm_view, Qt.Key.Key_Return)
    shift.wait(lambda: window.current == "pump")
    assert window.context.pump_id == "P-103"
    shift.picture("the pump")
    shift.press(window, Qt.Key.Key_F3)
    window.refresh()
    page.alarm_view.choose(f"P-103/{SOURCE}")
    shift.press(page.alarm_view, Qt.Key.Key_H, CTRL)
    dialog = dialog_of(shift, HideDialog)
    assert isinstance(dialog, HideDialog)
    QTest.keyClicks(dialog.reason, "mechanic on his way")
    shift.picture("the shelf", dialog)
    dialog.ok.click()
    shift.wait(lambda: shift.state(SOURCE) is AlarmState.SHELVED)
    page.tabs[SHELVED].click()
    shift.picture("shelved until")
    page.hidden_view.selectRow(0)
    page.back_button.click()
    shift.wait(lambda: shift.state(SOURCE) is AlarmState.ACKNOWLEDGED)
    page.tabs[JOURNAL].click()
    shift.wait(lambda: any("mechanic on his way" in row.text for row in page.journal.journal.rows))
    shift.picture("the journal of the alarms")


def limit_tried_and_changed(shift: Shift) -> None:
    """The limit is tried on the past before it is saved; with the new one the alarm ends."""
    window = shift.parts.window
    window.context.open_dialog("limits", "P-103")
    dialog = dialog_of(shift, LimitsDialog)
    assert isinstance(dialog, LimitsDialog)
    row = next(i for i, sensor in enumerate(dialog.table.sensors) if sensor.tag == TAG)
    dialog.table.setCurrentCell(row, dialog.table.first)
    dialog.table.set_limit(row, "high", 8.0)
    dialog.past.start.click()
    shift.wait(lambda: "Lost: 1" in dialog.past.outcome.text() or "No alarm is" in dialog.past.outcome.text())
    shift.picture("what if", dialog)
    dialog.save()
    shift.wait(lambda: is_closed(dialog))
    shift.wait(lambda: shift.state(SOURCE) is AlarmState.NORMAL)


def resolved(shift: Shift) -> None:
    """The maintenance event that the alarm had made is closed with what was found; the timeline has all of it."""
    window = shift.parts.window
    window.open_page("maintenance")
    page = page_of(window, MaintenancePage)
    shift.wait(lambda: any(row.event.pump_id == "P-103" for row in page.open.rows))
    event = next(row.event for row in page.open.rows if row.event.pump_id == "P-103")
    page.open_view.choose(event.event_id)
    shift.picture("the work")
    shift.press(page.open_view, Qt.Key.Key_R, CTRL)
    dialog = dialog_of(shift, ResolveDialog)
    assert isinstance(dialog, ResolveDialog)
    dialog.finding.setPlainText("Coupling out of line; aligned")
    QTest.keyClicks(dialog.cost, "12500")
    dialog.failure.setCurrentIndex(1)
    dialog.ok.click()
    shift.wait(lambda: shift.parts.engine.latest().maintenance[-1].is_resolved)
    page.tabs[RESOLVED].click()
    shift.picture("resolved")
    page.tabs[TIMELINE].click()
    page.timeline.bar.lengths["1 h"].click()
    shift.wait(lambda: any(m.pump_id == "P-103" and "Vibration" in m.text for m in page.timeline.timeline.marks))
    shift.picture("the timeline")


def handed_over(shift: Shift, folder: Path) -> None:
    """What came, what was done and by whom goes to the next shift, on the screen and on paper."""
    window = shift.parts.window
    shift.press(window, Qt.Key.Key_H, CTRL | SHIFT)
    dialog = dialog_of(shift, HandOverDialog)
    assert isinstance(dialog, HandOverDialog)
    QTest.keyClicks(dialog.note, "P-103 runs again after alignment")
    dialog.add.click()
    shift.wait(lambda: "P-103 runs again after alignment" in dialog.text.toPlainText())
    for words in ("Vibration high", "Coupling", "Vibration: high 5.1 → 8 mm/s"):
        assert words in dialog.text.toPlainText()
    shift.picture("the hand-over", dialog)
    paper = folder / "hand-over.pdf"
    printer = QPrinter()
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(paper))
    dialog.print_on(printer)
    assert paper.stat().st_size > 5_000


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_shift_is_run_on_the_program(qtbot: QtBot, tmp_path: Path) -> None:
    pictures = Path(os.environ.get("PUMPWATCH_PICTURES", tmp_path / "pictures"))
    pictures.mkdir(parents=True, exist_ok=True)
    pumps = int(os.environ.get("PUMPWATCH_PUMPS", "3"))
    with (
        simulated_site(tmp_path, pumps=pumps, faults=[f"P-103=imbalance@{FAULT_S}:0.6"], speed=SPEED) as site_file,
        running(tmp_path, site_file.read_text("utf-8")) as parts,
    ):
        parts.window.appearance.set_theme(os.environ.get("PUMPWATCH_THEME", "dark"))
        shift = Shift(parts, qtbot, pictures)
        shift.wait(lambda: all(p.frame is not None for p in parts.engine.latest().pumps))
        shift.picture("calm")
        heard_and_acknowledged(shift)
        shelved_and_looked_at(shift)
        limit_tried_and_changed(shift)
        resolved(shift)
        handed_over(shift, tmp_path)
