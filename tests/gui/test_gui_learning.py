"""A pump that learns itself, as every page shows it."""

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from pumpwatch_gui.commissioning.models.training import KINDS
from pumpwatch_gui.domain.commands import Order, Rebaseline
from pumpwatch_gui.domain.detection import LearningPhase, LearningStep, LearningView, NotScored
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.gui.models import training_panel
from pumpwatch_gui.gui.models.page import ModelsPage
from pumpwatch_gui.gui.overview.tile_state import TileKind, tile_state
from pumpwatch_gui.gui.pump.cards import why_words
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.settings.simulated import site_text
from tests.gui.conftest import OpenWindow
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of
from tests.gui.real_station import running

LEARNING = LearningView(LearningPhase.LEARNING, 4320.0, 10_800.0)


def learning(view: LearningView) -> tuple[StationView, PumpView]:
    """A healthy pump that is in `view`, not scored while it only learns."""
    station = FakeStation(1).latest()
    pump = station.pumps[0]
    if view.phase is LearningPhase.LEARNING:
        pump = replace(pump, score_result=NotScored(pump.pump_id, 0, view.words), detection=None)
    pump = replace(pump, learning=view, alarms=())
    return replace(station, pumps=(pump,), alarms=(), model=""), pump


def line_of(view: LearningView, window: MainWindow) -> str:
    station, pump = learning(view)
    window.context.last_good.see(station)
    return tile_state(pump, station, window.context, TileKind.LARGE).line


def test_tile_pump_page_and_status_line_say_how_far_a_learning_pump_has_come(open_window: OpenWindow) -> None:
    station, pump = learning(LEARNING)
    assert LEARNING.words == "learning, 1 h 12 m of 3 h"
    assert line_of(LEARNING, open_window(1)) == "Learning, 1 h 12 m of 3 h"
    headline, body = why_words(pump, seen=True)
    assert (headline, body.startswith("Learning, 1 h 12 m of 3 h.")) == ("Learning", True)
    assert station.model_words == "1 of 1 pumps learning"


def test_what_keeps_a_pump_from_learning_is_named(open_window: OpenWindow) -> None:
    stopped = replace(LEARNING, obstacle="pump stopped")
    assert line_of(stopped, open_window(1)) == "Learning, 1 h 12 m of 3 h: pump stopped"


def test_a_pump_that_is_judged_provisionally_says_so_next_to_its_score(open_window: OpenWindow) -> None:
    view = replace(LEARNING, phase=LearningPhase.PROVISIONAL)
    station, pump = learning(view)
    assert line_of(view, open_window(1)).endswith("limit 1, provisional")
    assert why_words(pump, seen=True)[1].startswith("Judged provisionally")
    assert station.model_words == "1 of 1 pumps judged by their own running"


def test_a_pump_with_a_model_promoted_by_hand_is_not_called_learning() -> None:
    station, pump = learning(replace(LEARNING, is_in_force=False))
    assert "earning" not in why_words(pump, seen=True)[0]
    assert station.model_words == "no model"


def test_the_models_page_shows_how_far_it_is_and_what_happened_and_can_begin_again(
    qtbot: QtBot, tmp_path: Path
) -> None:
    text = site_text(1, 1, period_s=1.0).replace('model = "centrifugal"', 'model = "learn"')
    with running(tmp_path, text) as parts:
        parts.window.open_page("models", "P-101")
        page = page_of(parts.window, ModelsPage)
        qtbot.waitUntil(lambda: page.active.text().startswith("learning, 0 h 00 m of 3 h"), timeout=20_000)
        assert page.rebaseline.isEnabled()
        assert parts.engine.latest().model_words == "1 of 1 pumps learning"

        steps = (LearningStep(1_750_000_000 * 10**9, "Not calm after 1 h of running"),)
        view = parts.engine.latest()
        pump = replace(view.pumps[0], learning=replace(LEARNING, steps=steps))
        page._last_s = 0.0
        page.refresh(replace(view, pumps=(pump,)))
        assert page.steps.text().endswith("Not calm after 1 h of running")

        parts.engine.submit(Order(Rebaseline("P-101"), "Erika"))
        qtbot.waitUntil(lambda: "learns again" in page.said.text(), timeout=20_000)


def test_a_new_level_is_answered_on_the_pump_page(open_window: OpenWindow) -> None:
    station, pump = learning(replace(LEARNING, phase=LearningPhase.ARMED))
    window = open_window(source=FakeStation(1))
    window.open_page("pump", pump.pump_id)
    page = page_of(window, PumpPage)
    page.refresh(station)
    assert not page.confirm.isVisible()
    page.refresh(replace(station, pumps=(replace(pump, is_at_new_level=True),)))
    assert page.confirm.isVisible()
    assert page.rebaseline.isVisible()


@pytest.mark.parametrize(
    ("hours", "kinds", "is_offered"),
    [(23.9, KINDS, False), (24.0, KINDS, True), (40.0, ("chart",), False)],
)
def test_a_network_is_offered_after_a_day_of_running_where_it_can_be_trained(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, hours: float, kinds: tuple[str, ...], is_offered: bool
) -> None:
    monkeypatch.setattr(training_panel, "kinds_here", lambda: kinds)
    window = open_window(source=FakeStation(1))
    station, pump = learning(replace(LEARNING, phase=LearningPhase.ARMED, counted_s=hours * 3600))
    window.open_page("models", pump.pump_id)
    page = page_of(window, ModelsPage)
    page._last_s = 0.0
    page.tabs.setCurrentWidget(page.train)
    page.refresh(station)
    assert page.train.offer_button.isVisible() == is_offered
    if is_offered:
        page.train.take_offer()
        assert page.train.kind.currentText() == "combined"
        chosen = page.train.chooser.material(page.context.station.site().pumps[0])
        assert (chosen.end_ns - chosen.start_ns) / 3.6e12 == pytest.approx(hours, abs=0.1)
