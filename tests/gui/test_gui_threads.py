"""The host of the engine's loops: starts, stops, relays, reads off the GUI thread."""

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pumpwatch_gui.domain.events import Event, Note
from pumpwatch_gui.gui.shell.threads import EngineHost
from tests.gui.fake_station import FakeStation

Made = tuple[EngineHost, "Hosted"]


class Hosted(FakeStation):
    """A station of two loops that wait for the end."""

    def __init__(self) -> None:
        super().__init__(0, history_s=0)
        self.ran: list[str] = []
        self.ended: list[str] = []

    def loops(self) -> Mapping[str, Callable[[threading.Event], None]]:
        return {name: partial(self._run, name) for name in ("links", "infer")}

    def _run(self, name: str, stop: threading.Event) -> None:
        self.ran.append(name)
        stop.wait()
        self.ended.append(name)


@pytest.fixture
def hosted(qapp: QApplication) -> Iterator[Made]:
    station = Hosted()
    host = EngineHost(station)
    yield host, station
    host.stop()


def test_loops_run_in_threads_of_their_own_and_end_on_stop(hosted: Made, qtbot: QtBot) -> None:
    host, station = hosted
    host.start()
    qtbot.waitUntil(lambda: sorted(station.ran) == ["infer", "links"])
    was_running = host.running
    assert host.stop()
    assert sorted(station.ended) == ["infer", "links"]
    assert (was_running, host.running) == (True, False)
    assert station.listeners == []


def test_an_event_from_another_thread_arrives_on_the_gui_thread(hosted: Made, qtbot: QtBot) -> None:
    host, station = hosted
    host.start()
    seen: list[tuple[Event, threading.Thread]] = []
    host.happened.connect(lambda event: seen.append((event, threading.current_thread())))
    threading.Thread(target=station.publish, args=(Note(1, "hello"),)).start()
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == [(Note(1, "hello"), threading.main_thread())]


def test_a_slow_read_is_answered_on_the_gui_thread(hosted: Made, qtbot: QtBot) -> None:
    answers: list[tuple[bool, bool]] = []
    hosted[0].ask(
        lambda: threading.current_thread() is threading.main_thread(),
        lambda result: answers.append((result, threading.current_thread() is threading.main_thread())),
    )
    qtbot.waitUntil(lambda: bool(answers))
    assert answers == [(False, True)]


def test_an_error_in_a_slow_read_is_handed_over(hosted: Made, qtbot: QtBot) -> None:
    errors: list[Exception] = []
    hosted[0].ask(lambda: 1 / 0, lambda _: None, errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert isinstance(errors[0], ZeroDivisionError)


def test_no_answer_comes_after_the_stop(hosted: Made, qapp: QApplication) -> None:
    gate, answers = threading.Event(), list[Any]()
    hosted[0].ask(lambda: gate.wait(5), answers.append)
    threading.Timer(0.05, gate.set).start()
    hosted[0].stop()
    qapp.processEvents()
    assert answers == []
