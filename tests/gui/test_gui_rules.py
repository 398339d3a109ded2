"""Alarm rules on the screen: the list, the form, its trial on the past, and what is asked before anything is lost."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.alarms.alarm import Alarm, AlarmState, Priority
from pumpwatch_gui.domain.alarms.rules import MAX_TERMS, Comparison, CustomRule, Measure, RuleTerm
from pumpwatch_gui.domain.commands import ChangeSite
from pumpwatch_gui.domain.site_changes import RemoveRule, SetRule
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.gui.alarms.active_view import _text
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.palette.places import places_of
from pumpwatch_gui.gui.rules.rule_dialog import RuleDialog
from pumpwatch_gui.gui.rules.rules_dialog import RulesDialog
from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog
from pumpwatch_gui.gui.settings.settings_dialog import SettingsDialog
from pumpwatch_gui.gui.shell.main_window import MainWindow
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import dialog_of, is_closed, page_of
from tests.gui.test_gui_edits import answer, question_of

TAG = "bearing_temperature_c"
HOT = CustomRule(
    "hot", "Hot", (RuleTerm(TAG, Comparison.ABOVE, 70.0, deadband=1.0),), pump="P-102", on_delay_s=10.0,
    cause="<i>wear</i>", action=("look",),
)  # fmt: skip


def station(*rules: CustomRule, pumps: int = 3) -> FakeStation:
    """Two hours of P-102, a value every two seconds, 74 °C for twenty minutes of them."""
    made = FakeStation(pumps, scenes={}, history_s=60)
    made._site = replace(made._site, rules=rules)
    profile, now = made.profile, made.latest()
    middle = np.array([sum(s.normal or s.span) / 2 for s in profile.sensors])
    for i in range(3600):
        values = middle.copy()
        values[profile.index(TAG)] = 74.0 if 2000 <= i < 2600 else 60.0
        at_ns = now.time_ns - (3600 - i) * 2 * 10**9
        zero = np.zeros(values.size, dtype=np.uint8)
        made.history.put_frame(Frame("P-102", i, at_ns, at_ns, values, zero, zero), profile.tags)
    return made


@pytest.fixture(name="opened")
def _opened(open_window: OpenWindow) -> Callable[..., tuple[MainWindow, RulesDialog]]:
    def opened(*rules: CustomRule, pumps: int = 3) -> tuple[MainWindow, RulesDialog]:
        window = open_window(source=station(*rules, pumps=pumps))
        return window, dialog_of(window, RulesDialog, "rules", "P-102")

    return opened


Opened = Callable[..., tuple[MainWindow, RulesDialog]]


def form_of(rules: RulesDialog, press: QPushButton) -> RuleDialog:
    press.click()
    QApplication.processEvents()
    return next(form for form in reversed(rules.findChildren(RuleDialog)) if form.isVisible())


def edit(rules: RulesDialog) -> RuleDialog:
    rules.view.selectRow(0)
    return form_of(rules, rules.edit_button)


def changes(window: MainWindow) -> list[object]:
    source = window.context.station
    assert isinstance(source, FakeStation)
    return [change for command in source.commands if isinstance(command, ChangeSite) for change in command.changes]


def test_it_is_reached_from_limits_and_settings(open_window: OpenWindow) -> None:
    window = open_window(source=station())
    kinds: dict[str, type[LimitsDialog | SettingsDialog]] = {"limits": LimitsDialog, "settings": SettingsDialog}
    for key, kind in kinds.items():
        dialog = dialog_of(window, kind, key, "P-102")
        dialog.open_rules()
        QApplication.processEvents()
        (rules,) = dialog.findChildren(RulesDialog)
        assert rules.windowTitle() == "Alarm rules"
        assert rules.view.nothing.startswith("No rule yet")
        rules.close()
        dialog.close()


def test_find_offers_the_list(open_window: OpenWindow) -> None:
    window = open_window(source=station())
    (place,) = [place for place in places_of(window, window.context) if place.words == "Alarm rules"]
    place.go()
    QApplication.processEvents()
    assert any(dialog.isVisible() for dialog in window.findChildren(RulesDialog))


def test_a_rule_that_comes_on_the_past_is_saved_after_its_trial(opened: Opened) -> None:
    window, rules = opened()
    form = form_of(rules, rules.add_button)
    assert not form.save_button.isEnabled()
    form.name.setText("  Bearing\u2028<b>hot</b> ")
    row = form.rows[0]
    row.tag.setCurrentIndex(row.tag.findData(TAG))
    row.value.setText("70,5")
    row.deadband.setText("1")
    form.cause.setText("wear")
    form.action.setPlainText("look\n\n stop  it ")
    assert form.trouble.text() == ""
    form.save_button.click()
    assert is_closed(form)
    term = RuleTerm(TAG, Comparison.ABOVE, 70.5, deadband=1.0)
    made = CustomRule(
        "bearing-b-hot-b", "Bearing <b>hot</b>", (term,), pump="P-102", on_delay_s=10.0, off_delay_s=10.0,
        only_running=True, cause="wear", action=("look", "stop it"),
    )  # fmt: skip
    assert changes(window) == [SetRule(made, is_new=True)]
    (shown,) = rules.rules.rows
    assert (shown.rule, shown.condition, shown.state) == (made, "Bearing temperature > 70.5 °C", "watching 1 pump")


def test_try_it_says_how_often_and_when_and_marks_it(opened: Opened) -> None:
    _, rules = opened(HOT)
    form = edit(rules)
    form.trial.start.click()
    text = form.trial.outcome.text()
    assert text.startswith("1 h 59 m judged: 1 alarm, ")
    assert "in alarm (2" in text
    assert len(form.trial.plot._marks) == 1
    form.rows[0].value.setText("71")
    assert form.trial.outcome.text() == ""
    assert not form.trial.plot._marks


@pytest.mark.parametrize(
    ("value", "words"), [("90", "it would never have come"), ("50", "it held for 100 % of the time")]
)
def test_a_rule_that_never_or_always_comes_is_saved_only_after_a_question(
    opened: Opened, value: str, words: str
) -> None:
    window, rules = opened(HOT)
    form = edit(rules)
    form.rows[0].value.setText(value)
    form.save_button.click()
    box = question_of(form)
    assert words in box.informativeText()
    assert box.textFormat() is Qt.TextFormat.PlainText
    answer(box, "Go on editing")
    assert (changes(window), is_closed(form)) == ([], False)
    form.save_button.click()
    answer(question_of(form), "Save it")
    assert is_closed(form)
    (change,) = changes(window)
    assert isinstance(change, SetRule)
    assert change.rule.terms[0].value == float(value)


def test_a_rule_that_cannot_be_tried_says_so_before_it_is_saved(opened: Opened) -> None:
    _, rules = opened(replace(HOT, pump="P-101"))
    form = edit(rules)
    form.name.setText("Other")
    form.save_button.click()
    assert "could not be judged" in question_of(form).informativeText()
    assert "P-101 has no readings" in form.trial.outcome.text()
    answer(question_of(form), "Go on editing")


def test_a_rule_is_tried_on_all_its_pumps(opened: Opened) -> None:
    _, rules = opened(replace(HOT, pump="", profile="centrifugal"))
    form = edit(rules)
    assert [form.trial.on.itemText(i) for i in range(form.trial.on.count())] == [
        "all 3 pumps", "P-101", "P-102", "P-103",
    ]  # fmt: skip
    form.trial.start.click()
    assert "3 pumps, 1 h 59 m judged: 1 alarm" in form.trial.outcome.text()
    assert "Not judged: P-101: P-101 has no readings" in form.trial.outcome.text()
    form.trial.on.setCurrentIndex(2)
    form.trial.on.activated.emit(2)
    assert len(form.trial.plot._marks) == 1


def test_mistakes_are_named_and_cannot_be_saved(opened: Opened) -> None:
    _, rules = opened(HOT)
    form = edit(rules)
    row = form.rows[0]

    def trouble() -> str:
        assert form.save_button.isEnabled() is (form.trouble.text() == "")
        return form.trouble.text()

    row.value.setText("x")
    assert trouble() == "Term 1, value: 'x' is not a number"
    row.value.setText("")
    assert trouble() == "Term 1, value: is empty"
    row.value.setText("500")
    assert "can never hold: its span is -20 to 150" in trouble()
    row.value.setText("-15")
    row.deadband.setText("9")
    assert "could never return" in trouble()
    row.deadband.setText("-1")
    assert "must not be negative" in trouble()
    row.comparison.setCurrentIndex(4)
    row.value.setText("60")
    row.to.setText("70")
    row.deadband.setText("6")
    assert "wider than its band" in trouble()
    row.deadband.setText("1")
    assert trouble() == ""
    form.add_term(RuleTerm(TAG, Comparison.BELOW, 65.0))
    form.add_term(RuleTerm(TAG, Comparison.ABOVE, 80.0))
    assert "can never hold together" in trouble()
    form.join.setCurrentIndex(1)
    form.rows[1].comparison.setCurrentIndex(0)
    assert trouble() == ""
    form.rows[0].to.setText("")
    assert trouble() == "Term 1, upper end of the band: is empty"
    form.rows[0].to.setText("70")
    form.name.setText("   ")
    assert trouble() == "Name: must not be empty"
    form.name.setText("x")
    form.on_delay.setText("-5")
    assert "On-delay: must be 0 to" in trouble()


def test_there_are_at_most_eight_terms_and_at_least_one(opened: Opened, qtbot: QtBot) -> None:
    _, rules = opened(HOT)
    form = edit(rules)
    assert not form.rows[0].remove.isEnabled()
    for _ in range(20):
        form.add_button.click()
    assert len(form.rows) == MAX_TERMS
    assert not form.add_button.isEnabled()
    # They scroll and are not squeezed, once the layout has settled.
    qtbot.waitUntil(lambda: all(row.value.height() >= row.value.sizeHint().height() for row in form.rows))
    for row in form.rows[1:]:
        row.remove.click()
    assert len(form.rows) == 1
    assert form.rule() == HOT


TERMS = (
    RuleTerm(TAG, Comparison.AT_LEAST, 0.5, measure=Measure.RATE, over_s=60.0),
    RuleTerm(TAG, Comparison.OUTSIDE, -3.0, 3.0, measure=Measure.DEVIATION, from_pump="P-103", deadband=0.5),
    RuleTerm("discharge_pressure_bar", Comparison.BELOW, 2.0, measure=Measure.DEVIATION,
             from_tag="suction_pressure_bar"),
    RuleTerm("motor_rpm", Comparison.AT_MOST, -20.0, measure=Measure.DEVIATION, from_value=1480.0),
)  # fmt: skip


def test_every_kind_of_term_is_shown_and_read_back_as_it_was(opened: Opened) -> None:
    rule = replace(HOT, terms=TERMS, needs_all=False, priority=Priority.HIGH, is_latching=True, is_enabled=False)
    _, rules = opened(rule)
    form = edit(rules)
    assert form.rule() == rule
    assert not form.is_edited()
    assert [row.over.isVisible() for row in form.rows] == [True, False, False, False]
    assert [row.source.isVisible() for row in form.rows] == [False, True, True, True]
    assert [row.set_point.isVisible() for row in form.rows] == [False, False, False, True]
    assert [row.to.isVisible() for row in form.rows] == [False, True, False, False]
    assert [row._unit.text() for row in form.rows] == ["°C/min", "°C", "bar", "rpm"]


def test_another_tag_in_another_unit_is_not_offered(opened: Opened) -> None:
    _, rules = opened(replace(HOT, terms=TERMS[2:3]))
    form = edit(rules)
    row = form.rows[0]
    row.tag.setCurrentIndex(row.tag.findData("motor_rpm"))
    assert row.source.currentText() == "a set point"
    assert "suction_pressure_bar" not in {str(row.source.itemData(i)[1]) for i in range(row.source.count())}


def test_a_dragged_line_types_the_value(opened: Opened) -> None:
    _, rules = opened(HOT)
    form = edit(rules)
    plot = form.trial.plot
    y = round(plot._y(70.0))
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=QPoint(200, y))
    QTest.mouseMove(plot, QPoint(200, y + 25))
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=QPoint(200, y + 25))
    assert float(form.rows[0].value.text()) < 70.0


def test_a_rule_on_what_is_not_there_says_why_and_can_be_mended(opened: Opened) -> None:
    gone = replace(HOT, terms=(RuleTerm("gone", Comparison.ABOVE, 1.0),))
    other = replace(HOT, rule_id="b", pump="P-999")
    window, rules = opened(gone, other)
    assert [row.state for row in rules.rules.rows] == [
        "cannot be judged: P-102 has no tag gone", "cannot be judged: there is no pump P-999",
    ]  # fmt: skip
    form = edit(rules)
    assert form.rows[0].tag.currentText() == "gone (not there)"
    form.rows[0].tag.setCurrentIndex(form.rows[0].tag.findData(TAG))
    form.rows[0].value.setText("70")
    form.save_button.click()
    assert is_closed(form)
    assert isinstance(changes(window)[0], SetRule)
    assert rules.rules.rows[0].state == "watching 1 pump"


def test_copy_makes_another_rule_and_switch_one_change(opened: Opened) -> None:
    window, rules = opened(HOT)
    rules.view.selectRow(0)
    form = form_of(rules, rules.copy_button)
    form.save_button.click()
    assert [row.rule.rule_id for row in rules.rules.rows] == ["hot", "hot-copy"]
    rules.view.selectRow(0)
    rules.switch_button.click()
    assert changes(window)[1:] == [SetRule(replace(HOT, is_enabled=False))]
    assert rules.rules.rows[0].state == "off"
    assert rules.switch_button.text() == "Switch on"
    rules.switch_button.click()
    assert rules.rules.rows[0].rule == HOT


def test_a_rule_is_deleted_only_after_a_question(opened: Opened) -> None:
    window, rules = opened(HOT)
    assert not rules.delete_button.isEnabled()
    rules.view.selectRow(0)
    rules.delete_button.click()
    answer(question_of(rules), "Keep it")
    assert changes(window) == []
    rules.delete_button.click()
    answer(question_of(rules), "Delete")
    assert changes(window) == [RemoveRule("hot")]
    assert rules.rules.rows == []
    assert rules.view.nothing.startswith("No rule yet")


def test_a_refused_rule_stays_in_the_form_with_the_reason(opened: Opened) -> None:
    window, rules = opened(HOT)
    source = window.context.station
    assert isinstance(source, FakeStation)
    source.refusal = "not saved: the disk is full"
    form = edit(rules)
    form.rows[0].value.setText("71")
    form.save_button.click()
    assert form.trouble.text() == "not saved: the disk is full"
    assert not is_closed(form)
    source.refusal = ""
    rules.view.selectRow(0)
    source.refusal = "no"
    rules.switch()
    assert rules.outcome.text() == "no"


def test_a_form_with_edits_asks_before_it_closes(opened: Opened) -> None:
    _, rules = opened(HOT)
    form = edit(rules)
    form.cause.setText("another")
    form.reject()
    answer(question_of(form), "Go on editing")
    assert not is_closed(form)
    form.reject()
    answer(question_of(form), "Discard")
    assert is_closed(form)


def test_an_alarm_whose_rule_is_not_judged_says_why(open_window: OpenWindow) -> None:
    source = station(replace(HOT, terms=(*HOT.terms, RuleTerm("gone", Comparison.ABOVE, 1.0))))
    alarm = Alarm(
        "P-102/rule.hot", "P-102", TAG, Priority.MEDIUM, "Hot", AlarmState.UNACKNOWLEDGED, 74.0, 70.0, "degC",
        source.start_ns, source.start_ns,
    )  # fmt: skip
    window = open_window(source=source)
    shown = window.context.shown(alarm, source.latest())
    assert _text(shown) == "Hot · not judged now: P-102 has no tag gone"
    assert shown.limit == "70 °C"
    assert shown.now.endswith("°C")
    rate = window.context.shown(replace(alarm, unit="°C/min", value=3.0, limit=2.0), source.latest())
    assert (rate.now, rate.limit) == ("", "2 °C/min"), "the tag itself is another number"


def test_the_guidance_of_a_rule_is_shown_under_its_alarm(open_window: OpenWindow) -> None:
    source = station(HOT)
    alarm = Alarm(
        "P-102/rule.hot", "P-102", TAG, Priority.MEDIUM, "Hot", AlarmState.UNACKNOWLEDGED, 74.0, 70.0, "degC",
        source.start_ns, source.start_ns,
    )  # fmt: skip
    window = open_window(source=source)
    page = page_of(window, AlarmsPage)
    view = source.latest()
    page.guidance.show_alarm(window.context.shown(alarm, view), view)
    assert page.guidance.guidance == HOT.guidance
    assert "<i>wear</i>" in page.guidance.accessibleDescription()
