"""The window on stations behind a server says so everywhere, and has no button that would order anything."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from typing_extensions import override

from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import LoopHealth, LoopWords, StationView
from pumpwatch_gui.gui.alarms.page import AlarmsPage
from pumpwatch_gui.gui.overview.page import OverviewPage
from pumpwatch_gui.gui.pump.page import PumpPage
from pumpwatch_gui.gui.review.page import ReviewPage
from pumpwatch_gui.gui.shell.footer import stats_words
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.stopped_bar import stopped_words
from tests.gui.fake_station import FakeStation

OpenWindow = Callable[..., MainWindow]
SERVER = "https://project.example.org as office@example.org"


class ViewedStation(FakeStation):
    """The fake as a viewer would have it: two of its pumps are of a second station, which is lost."""

    def __init__(self) -> None:
        super().__init__(4, history_s=60, capabilities=frozenset())

    @override
    def site(self) -> Site:
        site = super().site()
        areas = ("North", "North", "South", "South")
        return replace(site, pumps=tuple(replace(p, area=a) for p, a in zip(site.pumps, areas, strict=True)))

    @override
    def latest(self) -> StationView:
        view = super().latest()
        words = LoopWords("South", "it sends nothing", "lost")
        lost = LoopHealth("station 8", view.mono_ns - 12 * 10**9, late_after_s=5.0, words=words)
        return replace(view, seen_through=SERVER, stats=replace(view.stats, loops=(*view.stats.loops, lost)))


@pytest.fixture
def window(open_window: OpenWindow) -> MainWindow:
    return open_window(source=ViewedStation())


def test_the_window_says_that_it_is_a_viewer_and_takes_no_orders(window: MainWindow) -> None:
    bar = window.top_bar
    assert (bar.review.text(), bar.review.isHidden()) == ("VIEWER", False)
    assert bar.ack.isHidden()
    assert not bar.silence.isHidden()
    window.open_page("alarms")
    alarms = window._pages["alarms"]
    assert isinstance(alarms, AlarmsPage)
    assert alarms.shelve_button.isHidden()
    window.open_page("pump", "P-103")
    pump = window._pages["pump"]
    assert isinstance(pump, PumpPage)
    assert pump.ack.isHidden()
    assert "settings" not in window._dialogs


def test_its_foot_names_the_server_and_nothing_of_a_program_that_polls(window: MainWindow) -> None:
    words = [text for text, _ in stats_words(window.context.station.latest())]
    assert words[1:] == [f"Seen through {SERVER} · read-only"]
    assert words[0].endswith("links online")


def test_a_lost_station_is_in_the_red_bar_by_name(window: MainWindow) -> None:
    assert stopped_words(window.context.station.latest()) == (("SOUTH LOST 0:12", "it sends nothing"),)


def test_the_overview_has_each_station_as_a_group(window: MainWindow) -> None:
    window.open_page("overview")
    page = window._pages["overview"]
    assert isinstance(page, OverviewPage)
    groups = page.choice.groups(window.context.latest())
    assert [(group.heading, len(group.pumps)) for group in groups] == [("North", 2), ("South", 2)]


@pytest.mark.parametrize("key", ["models", "devices", "system"])
def test_pages_of_a_running_program_say_where_they_are(window: MainWindow, key: str) -> None:
    window.open_page(key)
    page = window._pages[key]
    assert isinstance(page, ReviewPage)
    assert SERVER in page.words.text()
