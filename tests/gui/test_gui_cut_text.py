"""Text that does not fit: what is cut of it, and what never is."""

from dataclasses import replace

from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.pump.limit_words import limit_place
from pumpwatch_gui.gui.look.cut_text import cut
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.overview.page import OverviewPage
from tests.gui.conftest import OpenWindow
from tests.gui.fake_scenes import SCENES, Scene, alarms_of
from tests.gui.fake_station import FakeStation
from tests.gui.parts import page_of

HIGH_HIGH, ANOMALY = alarms_of("P-103", Scene("hot"), 0)


def test_the_kind_of_limit_is_never_cut(qtbot: QtBot) -> None:
    metrics, words = Appearance().metrics(), f"{HIGH_HIGH.text} · first out of 2"
    kept = limit_place(HIGH_HIGH)
    whole = int(metrics.horizontalAdvance(words)) + 1
    assert cut(metrics, words, whole, kept) == words
    assert cut(metrics, words, whole - 10, kept).startswith(HIGH_HIGH.text)
    for width in range(int(metrics.horizontalAdvance("B… high-high")) + 1, whole):
        made = cut(metrics, words, width, kept)
        assert "high-high" in made
        assert metrics.horizontalAdvance(made) <= width


def test_other_words_are_cut_at_their_end(qtbot: QtBot) -> None:
    made = cut(Appearance().metrics(), ANOMALY.text, 120, limit_place(ANOMALY))
    assert made.startswith("Anomaly")
    assert made.endswith("…")


def test_a_label_that_ends_like_a_limit_keeps_the_limit(qtbot: QtBot) -> None:
    alarm: Alarm = replace(HIGH_HIGH, text="Pressure high side high-high")
    assert cut(Appearance().metrics(), alarm.text, 130, limit_place(alarm)).endswith("high-high")


def test_the_tile_of_a_pump_keeps_the_kind_of_its_limit(open_window: OpenWindow) -> None:
    tiles = page_of(open_window(source=FakeStation(50, scenes=SCENES, history_s=60)), OverviewPage).tiles
    kinds = {state.pump_id: state.brief[slice(*state.kept)] for state in tiles.states}
    assert (kinds["P-101"], kinds["P-103"], kinds["P-109"], kinds["P-106"]) == ("", "high-high", "high", "")
