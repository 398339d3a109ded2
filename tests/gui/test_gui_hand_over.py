"""The hand-over dialog: a note that is written is in it, and it leaves the program as text and on paper."""

from pathlib import Path

import pytest
from PySide6.QtPrintSupport import QPrinter
from pytestqt.qtbot import QtBot

from pumpwatch_gui.gui.events.hand_over_dialog import HandOverDialog
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SCENES
from tests.gui.fake_station import FakeStation


@pytest.fixture(name="dialog")
def _dialog(open_window: OpenWindow, qtbot: QtBot) -> HandOverDialog:
    window = open_window(source=FakeStation(4, scenes=SCENES, history_s=60), size=(1280, 720))
    window.context.open_dialog("hand-over", "P-103")
    dialog = window.findChild(HandOverDialog)
    assert isinstance(dialog, HandOverDialog)
    qtbot.waitUntil(lambda: bool(dialog.markdown))
    return dialog


def test_standing_alarms_are_in_it(dialog: HandOverDialog) -> None:
    shown = dialog.text.toPlainText()
    worst = dialog.context.station.latest().alarms[0]
    assert f"{worst.pump_id} {worst.text}" in shown
    assert "No notes." in shown


def test_a_note_is_written_for_its_pump_and_shown(dialog: HandOverDialog, qtbot: QtBot) -> None:
    assert dialog.pump.currentText() == "P-103"
    dialog.note.setText("Seal *drips*")
    dialog.add.click()
    qtbot.waitUntil(lambda: "P-103 Seal *drips*" in dialog.text.toPlainText())
    assert dialog.note.text() == ""


def test_an_empty_note_is_not_written(dialog: HandOverDialog) -> None:
    dialog.add.click()
    assert "Write the note first" in dialog.trouble.text()


def test_it_is_saved_and_printed(dialog: HandOverDialog, tmp_path: Path) -> None:
    dialog.save(tmp_path / "over.md")
    assert (tmp_path / "over.md").read_text("utf-8") == dialog.markdown
    printer = QPrinter()
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "over.pdf"))
    dialog.print_on(printer)
    assert (tmp_path / "over.pdf").read_bytes().startswith(b"%PDF")
    dialog.save(tmp_path / "no" / "such" / "over.md")
    assert "cannot write" in dialog.trouble.text()
