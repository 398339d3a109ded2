"""A rule filled in on a real station: tried on its own database, saved, and raised on the page of alarms."""

from pathlib import Path

from pytestqt.qtbot import QtBot

from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.rules.rule_dialog import RuleDialog
from pumpwatch_gui.gui.rules.rules_dialog import RulesDialog
from pumpwatch_gui.settings.simulated import simulated_site
from tests.gui.parts import dialog_of, is_closed, page_of
from tests.gui.real_station import running
from tests.gui.test_gui_edits import answer, question_of


def test_a_rule_is_tried_saved_and_raised(qtbot: QtBot, tmp_path: Path) -> None:
    with (
        simulated_site(tmp_path, pumps=2, faults=[], speed=1.0) as site_file,
        running(tmp_path, site_file.read_text("utf-8")) as parts,
    ):
        window = parts.window
        qtbot.waitUntil(lambda: parts.engine.latest().stats.readings_committed > 10, timeout=30_000)
        rules = dialog_of(window, RulesDialog, "rules", "P-101")
        rules.add()
        (form,) = rules.findChildren(RuleDialog)
        form.name.setText("It turns & is <b>hot</b>")
        form.on_delay.setText("0")
        form.rows[0].value.setText("100")
        form.only_running.setChecked(False)
        form.save_button.click()
        qtbot.waitUntil(lambda: form.trial.trial_of(form.rule()) is not None, timeout=15_000)
        box = question_of(form)
        assert "it would be a standing alarm" in box.informativeText()
        answer(box, "Save it")
        qtbot.waitUntil(lambda: is_closed(form), timeout=10_000)
        (rule,) = parts.saved().rules
        qtbot.waitUntil(lambda: [row.state for row in rules.rules.rows] == ["in alarm: P-101"], timeout=10_000)
        rules.close()
        window.open_page("alarms")
        page = page_of(window, AlarmsPage)
        qtbot.waitUntil(lambda: [s.alarm.text for s in page.alarms.rows] == [rule.text], timeout=10_000)
        shown = page.alarms.rows[0]
        assert shown.alarm.source == rule.source
        assert "rpm" in shown.now
        assert shown.limit == "100 rpm"
